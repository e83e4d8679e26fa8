//! Tables for a terminal.

use std::collections::BTreeMap;

use crate::evaluation::{Comparison, Evaluation, Latency, Metric, Regression, Side};
use crate::retrieval::Stage;

/// What stands in the table by kind.
pub(super) const KIND_METRICS: [Metric; 4] = [Metric::Ndcg10, Metric::Hit1, Metric::Hit5, Metric::Passage5];

/// Questions of a comparison that are named one by one.
const NAMED: usize = 10;

/// An evaluation: means with intervals, latency, and the kinds of question where that is wanted.
#[must_use]
pub fn evaluation_text(evaluation: &Evaluation, by_kind: bool) -> String {
    let (name, asked) = (&evaluation.set.name, headline(evaluation));
    let mut text = format!("{name}: {asked}\n\n{:<12}{:>7}   95 % interval\n", "", "value");
    for (metric, estimate) in &evaluation.metrics {
        text.push_str(&format!(
            "{metric:<12}{:>7.4}   {:.4} to {:.4}\n",
            estimate.value, estimate.low, estimate.high
        ));
    }
    if by_kind {
        text.push('\n');
        text.push_str(&kinds(evaluation));
    }
    text.push('\n');
    text.push_str(&latency(evaluation));
    text
}

/// What was asked of what, in a line or two.
pub(super) fn headline(evaluation: &Evaluation) -> String {
    let (set, index) = (&evaluation.set, &evaluation.index);
    let mut line = counted(set.questions, "question");
    if set.unanswerable > 0 {
        line.push_str(&format!(" and {} without an answer", set.unanswerable));
    }
    if evaluation.settings.with_rephrasings {
        line.push_str(", each in several wordings");
    }
    line.push_str(&format!(
        "; {} in {}, generation {}, {}",
        counted(index.documents, "document"),
        counted(index.chunks, "chunk"),
        index.generation,
        index.model
    ));
    if !evaluation.settings.without.is_empty() {
        line.push_str(&format!("\nranked without: {}", evaluation.settings.without.join(", ")));
    }
    if set.judged_documents_not_indexed > 0 {
        line.push_str(&format!(
            "\n{} of {} judged documents are not in the index and cannot be found",
            set.judged_documents_not_indexed, set.judged_documents
        ));
    }
    line
}

/// "1 question", "2 questions".
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// From which grade on a document counts, in words.
pub(super) fn levels(evaluation: &Evaluation) -> String {
    let levels = evaluation.settings.levels;
    format!(
        "MAP, MRR and recall count grades from {}, hits from {}; nDCG counts every grade.",
        levels.relevant_from, levels.hit_from
    )
}

fn kinds(evaluation: &Evaluation) -> String {
    let longest = evaluation.by_kind.keys().map(|kind| kind.chars().count()).max().unwrap_or(0);
    let width = longest.max("kind".len()) + 2;
    let mut text = format!("{:<width$}{:>5}", "kind", "n");
    for metric in KIND_METRICS {
        text.push_str(&format!("{metric:>11}"));
    }
    text.push('\n');
    for (kind, summary) in &evaluation.by_kind {
        text.push_str(&format!("{kind:<width$}{:>5}", summary.questions));
        for metric in KIND_METRICS {
            match summary.metrics.get(&metric) {
                Some(estimate) => text.push_str(&format!("{:>11.4}", estimate.value)),
                None => text.push_str(&format!("{:>11}", "-")),
            }
        }
        text.push('\n');
    }
    text
}

fn latency(evaluation: &Evaluation) -> String {
    let mut text = format!("{:<12}{:>8}{:>9}{:>9}\n", "latency, ms", "p50", "p95", "p99");
    for (stage, latency) in in_order(&evaluation.latency_ms) {
        text.push_str(&format!("{stage:<12}{:>8.2}{:>9.2}{:>9.2}\n", latency.p50, latency.p95, latency.p99));
    }
    if let Some(bytes) = evaluation.peak_memory_bytes {
        text.push_str(&format!("peak memory {:>8}\n", megabytes(bytes)));
    }
    text.push_str(&format!("\n{}\n", levels(evaluation)));
    text
}

/// The stages as they run, and then the whole.
pub(super) fn in_order(latency: &BTreeMap<String, Latency>) -> Vec<(&str, Latency)> {
    let place = |name: &str| Stage::ALL.iter().position(|stage| stage.name() == name);
    let mut stages: Vec<(&str, Latency)> =
        latency.iter().map(|(name, latency)| (name.as_str(), *latency)).collect();
    stages.sort_by_key(|(name, _)| place(name).unwrap_or(Stage::ALL.len()));
    stages
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

/// A comparison: differences with intervals and p-values, and what moved.
#[must_use]
pub fn comparison_text(comparison: &Comparison) -> String {
    let side = |side: &Side| match side.without.as_slice() {
        [] => side.file.clone(),
        parts => format!("{}, ranked without {}", side.file, parts.join(", ")),
    };
    let mut text = format!(
        "{} in both{}\n  first   {}\n  second  {}\n\n{:<12}{:>8}{:>9}{:>12}   {:<19}{:>8}\n",
        counted(comparison.questions, "question"),
        left_out(comparison),
        side(&comparison.first),
        side(&comparison.second),
        "",
        "first",
        "second",
        "difference",
        "95 % interval",
        "p"
    );
    for (metric, row) in &comparison.metrics {
        let interval = format!("{:+.4} to {:+.4}", row.low, row.high);
        text.push_str(&format!(
            "{metric:<12}{:>8.4}{:>9.4}{:>+12.4}   {interval:<19}{:>8.4}\n",
            row.first, row.second, row.difference, row.p_value
        ));
    }
    for (metric, moves) in [(Metric::Ndcg10, &comparison.ndcg), (Metric::Hit5, &comparison.hit)] {
        text.push_str(&format!("\n{metric}: {} gained, {} lost\n", moves.gained.len(), moves.lost.len()));
        text.push_str(&named("gained", &moves.gained));
        text.push_str(&named("lost", &moves.lost));
    }
    text
}

pub(super) fn left_out(comparison: &Comparison) -> String {
    match (comparison.only_first, comparison.only_second) {
        (0, 0) => String::new(),
        (first, second) => {
            format!(" ({first} only in the first and {second} only in the second are left out)")
        }
    }
}

fn named(label: &str, ids: &[String]) -> String {
    if ids.is_empty() {
        return String::new();
    }
    let more = ids.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
    format!("  {label}: {}{more}\n", first.join(", "))
}

/// What fell, by how much, a line each.
#[must_use]
pub fn regression_text(regressions: &[Regression], tolerance: f64) -> String {
    let lines = regressions.iter().map(|regression| {
        format!(
            "{}: {:.4} is {:.4} below the baseline's {:.4} (tolerated: {tolerance})",
            regression.metric,
            regression.now,
            regression.baseline - regression.now,
            regression.baseline
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::regressions;
    use crate::evaluation::tests::evaluation;
    use std::path::Path;

    #[test]
    fn an_evaluation_fits_a_terminal() {
        let text = evaluation_text(&evaluation(&[("a", 0.5, 1.0), ("b", 0.25, 0.0)]), false);
        assert_eq!(
            text,
            "tiny: 2 questions; 3 documents in 4 chunks, generation 1, hashing\n\n              value   95 % interval\nnDCG@10      0.3750   0.2750 to 0.4750\nhit@5        0.5000   0.4000 to 0.6000\n\nlatency, ms      p50      p95      p99\n\nMAP, MRR and recall count grades from 1, hits from 2; nDCG counts every grade.\n"
        );
    }

    #[test]
    fn a_comparison_names_what_moved() {
        let first = evaluation(&[("a", 0.5, 1.0), ("b", 0.25, 0.0)]);
        let second = evaluation(&[("a", 0.25, 1.0), ("b", 0.75, 1.0)]);
        let comparison =
            Comparison::of((Path::new("a.json"), &first), (Path::new("b.json"), &second)).unwrap();
        let text = comparison_text(&comparison);
        assert!(text.contains("nDCG@10       0.3750   0.5000     +0.1250   -0.2500 to +0.5000"), "{text}");
        assert!(text.contains("nDCG@10: 1 gained, 1 lost\n  gained: b\n  lost: a\n"), "{text}");
        assert!(text.contains("hit@5: 1 gained, 0 lost\n  gained: b\n"), "{text}");
    }

    #[test]
    fn a_regression_says_by_how_much() {
        let before = evaluation(&[("a", 0.5, 1.0)]);
        let now = evaluation(&[("a", 0.25, 1.0)]);
        let found = regressions((Path::new("x"), &before), &now, 0.1).unwrap();
        assert_eq!(
            regression_text(&found, 0.1),
            "nDCG@10: 0.2500 is 0.2500 below the baseline's 0.5000 (tolerated: 0.1)"
        );
    }
}
