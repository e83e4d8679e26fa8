//! The questions of a report, one by one.

use super::html::escape;
use crate::evaluation::{Metric, QuestionOutcome, RelevantDocument, Returned};

/// Questions that are shown; the JSON has all of them.
const SHOWN: usize = 300;
/// Questions that are open at first, and so on paper.
const OPEN: usize = 25;
/// A question at or above this nDCG@10 has nothing to learn from.
const GOOD: f64 = 0.95;
/// Relevant documents that are named.
const NAMED: usize = 6;

/// The worst misses first, each with what should have come and what came instead.
pub(super) fn worst_first(questions: &[QuestionOutcome]) -> String {
    let mut order: Vec<&QuestionOutcome> = questions.iter().collect();
    order.sort_by(|first, second| badness(first).total_cmp(&badness(second)));
    let mut html = String::new();
    for (index, question) in order.iter().take(SHOWN).enumerate() {
        let open = index < OPEN && badness(question) < GOOD;
        html.push_str(&entry(question, open));
    }
    if order.len() > SHOWN {
        html.push_str(&format!("<p class=\"soft\">{} more are in the JSON.</p>\n", order.len() - SHOWN));
    }
    html
}

/// Small is bad: nDCG@10 first, then whether the passage was there.
fn badness(question: &QuestionOutcome) -> f64 {
    let value = |metric| question.metrics.get(&metric).copied().unwrap_or(0.0);
    value(Metric::Ndcg10) + 1e-3 * value(Metric::Passage5) + 1e-6 * value(Metric::Map)
}

fn entry(question: &QuestionOutcome, open: bool) -> String {
    let kind = question.kind.as_deref().map(|kind| format!(" · {}", escape(kind))).unwrap_or_default();
    let came: Vec<String> =
        question.returned.iter().map(|chunk| format!("<li>{}</li>", returned(chunk))).collect();
    let error = question.error.as_deref().map(|error| format!("<p class=\"warn\">{}</p>", escape(error)));
    format!(
        "<details class=\"question\"{}><summary><span><span class=\"asked\">{}</span> <span class=\"soft\">{}{kind}</span></span><span class=\"marks\">{}</span></summary>{}<div class=\"two\"><div><h3>Should come</h3><ul>{}</ul></div><div><h3>Came</h3><ol>{}</ol></div></div></details>\n",
        if open { " open" } else { "" },
        escape(&question.query),
        escape(&question.id),
        marks(question),
        error.unwrap_or_default(),
        wanted(&question.relevant),
        came.concat()
    )
}

fn marks(question: &QuestionOutcome) -> String {
    let mark = |metric: Metric, value: f64| {
        let class = if value >= 1.0 - 1e-9 {
            " good"
        } else if value <= 0.0 {
            " bad"
        } else {
            ""
        };
        let shown = match metric {
            Metric::Ndcg10 => format!("{metric} {value:.2}"),
            _ if value > 0.0 => format!("✓ {metric}"),
            _ => format!("✗ {metric}"),
        };
        format!("<span class=\"mark{class}\">{shown}</span>")
    };
    [Metric::Ndcg10, Metric::Hit1, Metric::Hit5, Metric::Passage5]
        .into_iter()
        .filter_map(|metric| Some(mark(metric, *question.metrics.get(&metric)?)))
        .collect()
}

fn wanted(relevant: &[RelevantDocument]) -> String {
    let item = |document: &RelevantDocument| {
        let rank = document.rank.map_or_else(|| "not ranked".to_owned(), |rank| format!("ranked {rank}"));
        format!(
            "<li><code>{}</code> <span class=\"soft\">grade {}, {rank}</span></li>",
            escape(&document.document),
            document.grade
        )
    };
    let mut html: String = relevant.iter().take(NAMED).map(item).collect();
    if relevant.len() > NAMED {
        html.push_str(&format!("<li class=\"soft\">and {} more</li>", relevant.len() - NAMED));
    }
    html
}

/// A chunk: where it is from, what stands above it, how it begins.
pub(super) fn returned(chunk: &Returned) -> String {
    let grade = match chunk.grade {
        Some(grade) if grade > 0 => format!(" <span class=\"mark good\">grade {grade}</span>"),
        _ => String::new(),
    };
    let quoted = if chunk.quoted { " <span class=\"mark good\">has the answer</span>" } else { "" };
    format!(
        "<code>{}:{}-{}</code>{grade}{quoted}<br><span class=\"crumb\">{}</span><br>{}",
        escape(&chunk.document),
        chunk.start_line,
        chunk.end_line,
        escape(&chunk.breadcrumb),
        escape(&chunk.words)
    )
}
