//! The report of a comparison.

use super::charts::difference;
use super::html::{escape, page, section, table};
use super::questions::returned;
use super::text::{counted, left_out};
use crate::evaluation::{Comparison, Difference, Metric, Moved, Returned, Side};

/// Questions that are shown; the JSON has all of them.
const SHOWN: usize = 300;
/// Questions of each part that are open at first, and so on paper.
const OPEN: usize = 10;

/// One self-contained HTML page: differences, and the questions that moved.
#[must_use]
pub fn comparison_page(comparison: &Comparison) -> String {
    let (losses, gains): (Vec<&Moved>, Vec<&Moved>) =
        comparison.moved.iter().partition(|moved| moved.gain() < 0.0);
    let body = [
        header(comparison),
        section("Differences", &differences(comparison)),
        section("Questions lost, the worst first", &moved(losses.into_iter())),
        section("Questions gained, the best first", &moved(gains.into_iter().rev())),
    ];
    page("docent comparison", &body.concat())
}

fn header(comparison: &Comparison) -> String {
    let side = |name: &str, side: &Side| {
        vec![
            name.to_owned(),
            format!("<code>{}</code>", escape(&side.file)),
            escape(&side.set),
            escape(&side.index.model),
            format!("{} in {} chunks", side.index.documents, side.index.chunks),
            if side.with_rephrasings { "several" } else { "one" }.to_owned(),
            if side.without.is_empty() { "-".to_owned() } else { escape(&side.without.join(", ")) },
            format!("docent {}, {}", escape(&side.docent), escape(&side.evaluated_at)),
        ]
    };
    let rows = [side("first", &comparison.first), side("second", &comparison.second)];
    let head = ["", "file", "set", "model", "documents", "wordings", "without", "made"];
    format!(
        "<h1>What changed</h1>\n<p>{} in both{}</p>\n{}",
        counted(comparison.questions, "question"),
        escape(&left_out(comparison)),
        table("sides", &head, &rows)
    )
}

fn differences(comparison: &Comparison) -> String {
    let ends = comparison.metrics.values().flat_map(|row| [row.low.abs(), row.high.abs()]);
    let reach = ends.fold(0.0, f64::max);
    let row = |(metric, row): (&Metric, &Difference)| {
        let class = match (row.p_value < 0.05, row.difference < 0.0) {
            (false, _) => "",
            (true, true) => "loss",
            (true, false) => "gain",
        };
        vec![
            metric.to_string(),
            format!("{:.3}", row.first),
            format!("{:.3}", row.second),
            format!("<strong class=\"{class}\">{:+.3}</strong>", row.difference),
            format!("{:+.3} to {:+.3}", row.low, row.high),
            format!("{:.4}", row.p_value),
            difference(row.difference, row.low, row.high, reach),
        ]
    };
    let rows: Vec<Vec<String>> = comparison.metrics.iter().map(row).collect();
    let head = ["measure", "first", "second", "difference", "95 % interval", "p", ""];
    let moves = |metric: Metric, moves: &crate::evaluation::Moves| {
        format!("{metric}: {} gained, {} lost", moves.gained.len(), moves.lost.len())
    };
    format!(
        "{}<p>{}. {}.</p>\n<p class=\"soft\">Intervals by paired bootstrap over the questions; p by paired randomisation, two-sided. Coloured where p is below 0.05: with {} measures side by side, one of twenty is by chance.</p>\n",
        table("metrics", &head, &rows),
        moves(Metric::Ndcg10, &comparison.ndcg),
        moves(Metric::Hit5, &comparison.hit),
        comparison.metrics.len()
    )
}

fn moved<'a>(questions: impl Iterator<Item = &'a Moved>) -> String {
    questions.take(SHOWN).enumerate().map(|(index, moved)| entry(moved, index < OPEN)).collect()
}

fn entry(moved: &Moved, open: bool) -> String {
    let kind = moved.kind.as_deref().map(|kind| format!(" · {}", escape(kind))).unwrap_or_default();
    let class = if moved.gain() < 0.0 { "bad" } else { "good" };
    let hit = match moved.hit {
        (before, after) if after > before => "<span class=\"mark good\">✓ hit@5 gained</span>",
        (before, after) if after < before => "<span class=\"mark bad\">✗ hit@5 lost</span>",
        _ => "",
    };
    format!(
        "<details class=\"question\"{}><summary><span><span class=\"asked\">{}</span> <span class=\"soft\">{}{kind}</span></span><span class=\"marks\"><span class=\"mark {class}\">nDCG@10 {:.2} → {:.2}</span>{hit}</span></summary><div class=\"two halves\"><div><h3>First came, before</h3>{}</div><div><h3>First came, after</h3>{}</div></div></details>\n",
        if open { " open" } else { "" },
        escape(&moved.query),
        escape(&moved.id),
        moved.ndcg.0,
        moved.ndcg.1,
        top(moved.top.0.as_ref()),
        top(moved.top.1.as_ref())
    )
}

fn top(chunk: Option<&Returned>) -> String {
    chunk.map_or_else(
        || "<p class=\"soft\">nothing</p>".to_owned(),
        |chunk| format!("<p>{}</p>", returned(chunk)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::evaluation;
    use std::path::Path;

    #[test]
    fn losses_and_gains_have_their_own_part() {
        let first = evaluation(&[("a", 0.5, 1.0), ("b", 0.25, 0.0)]);
        let second = evaluation(&[("a", 0.25, 0.0), ("b", 0.75, 1.0)]);
        let comparison =
            Comparison::of((Path::new("a<b.json"), &first), (Path::new("b.json"), &second)).unwrap();
        let html = comparison_page(&comparison);
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing: {html}"));
        assert!(place("Questions lost") < place("What is a"));
        assert!(place("What is a") < place("Questions gained"));
        assert!(place("Questions gained") < place("What is b"));
        assert!(place("hit@5 lost") < place("hit@5 gained"));
        assert!(html.contains("a&lt;b.json"));
    }
}
