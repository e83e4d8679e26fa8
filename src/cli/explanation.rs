//! `docent ask --explain` for people: a table for each hit, and the time of each stage.

use crate::retrieval::{Answer, ExplainedHit, Explanation, Formula, Hit, ViewScore, WordingScore};

/// Everything below the passages.
pub(super) fn text(answer: &Answer, explanation: &Explanation) -> String {
    let mut text = format!("how these were ranked: {}\n", scope(explanation));
    if explanation.wordings.len() > 1 {
        for (number, wording) in explanation.wordings.iter().enumerate() {
            text.push_str(&format!(
                "  wording {} counts {:.2}: {}\n",
                number + 1,
                wording.gate,
                wording.text
            ));
        }
    }
    for (hit, explained) in answer.hits.iter().zip(&explanation.hits) {
        text.push('\n');
        text.push_str(&hit_text(hit, explained, &explanation.formula));
    }
    text.push_str("\ntime, ms:");
    for (stage, milliseconds) in explanation.milliseconds.milliseconds() {
        text.push_str(&format!(" {stage} {milliseconds:.2},"));
    }
    text.push_str(&format!(" total {:.2}\n", explanation.milliseconds.total_milliseconds()));
    text
}

fn scope(explanation: &Explanation) -> String {
    let Explanation { chunks, admitted, candidates, .. } = explanation;
    let admitted = if admitted == chunks { String::new() } else { format!(", {admitted} of them admitted") };
    format!("{chunks} chunks{admitted}, {candidates} candidates scored by every view")
}

fn hit_text(hit: &Hit, explained: &ExplainedHit, formula: &Formula) -> String {
    let mut text = format!("{}. {}:{}-{}\n", explained.rank, hit.path, hit.start_line, hit.end_line);
    text.push_str(&format!("   {:<10}{:>9}{:>9}{:>9}\n", "", "value", "rank", "adds"));
    for (number, wording) in explained.wordings.iter().enumerate() {
        if explained.wordings.len() > 1 {
            text.push_str(&format!("   wording {}\n", number + 1));
        }
        text.push_str(&wording_text(wording));
    }
    text.push_str(&format!(
        "   {:<10}{:>27.3}  / {} = {:.3}\n",
        "sum", explained.sum, formula.full_score, explained.score
    ));
    text.push_str(&format!("   {}\n", place(explained, formula)));
    text
}

fn wording_text(wording: &WordingScore) -> String {
    let row = |name: &str, view: &ViewScore| {
        format!("   {name:<10}{:>9.4}{:>9}{:>9.3}\n", view.value, view.rank, view.adds)
    };
    let mut text = row("dense", &wording.dense);
    text.push_str(&row("lexical", &wording.lexical));
    text.push_str(&row("document", &wording.document));
    if let Some(phrase) = &wording.phrase {
        text.push_str(&row("phrase", phrase));
    }
    if let Some(late) = &wording.late {
        text.push_str(&row("late", late));
        text.push_str(&format!(
            "   {:<10}{:>27.3}  (dense that late interaction takes over)\n",
            "", wording.taken_over
        ));
    }
    text
}

/// What became of its place after the scores.
fn place(explained: &ExplainedHit, formula: &Formula) -> String {
    if !explained.is_candidate {
        return "no candidate: stands below those, by what was known without late interaction".to_owned();
    }
    match (explained.is_put_off, formula.chunks_per_document) {
        (true, Some(most)) => format!(
            "by the sum in place {}; put off, since {most} of its document stand before it, to place {}",
            explained.rank_by_sum, explained.rank
        ),
        _ => format!("by the sum in place {}, so in place {}", explained.rank_by_sum, explained.rank),
    }
}
