//! The report of an evaluation.

use super::charts::{Mark, Row, bar, bars, dots, histogram};
use super::html::{escape, page, section, table};
use super::questions::worst_first;
use super::text::{KIND_METRICS, headline, in_order, levels, megabytes};
use crate::evaluation::{Evaluation, Metric};

/// One self-contained HTML page: measures, kinds, misses, latency.
#[must_use]
pub fn evaluation_page(evaluation: &Evaluation) -> String {
    let body = [
        header(evaluation),
        section("Measures", &measures(evaluation)),
        section("By kind of question", &kinds(evaluation)),
        section("Knowing when there is no answer", &confidences(evaluation)),
        section("Latency", &latency(evaluation)),
        section("Questions, the worst first", &worst_first(&evaluation.questions)),
        section("How this was made", &made(evaluation)),
    ];
    page(&format!("docent evaluation: {}", evaluation.set.name), &body.concat())
}

fn header(evaluation: &Evaluation) -> String {
    let headline = headline(evaluation);
    let mut lines = headline.lines().map(escape);
    let first = lines.next().unwrap_or_default();
    let warnings: Vec<String> = lines.map(|line| format!("<p class=\"warn\">{line}</p>\n")).collect();
    format!(
        "<h1>docent evaluation</h1>\n<p><strong>{}</strong>: {first}</p>\n{}<p class=\"soft\">docent {}, {}</p>\n",
        escape(&evaluation.set.name),
        warnings.concat(),
        escape(&evaluation.docent),
        escape(&evaluation.evaluated_at)
    )
}

fn measures(evaluation: &Evaluation) -> String {
    let row = |(metric, estimate): (&Metric, &crate::evaluation::Estimate)| {
        vec![
            metric.to_string(),
            format!("{:.3}", estimate.value),
            format!("{:.3} to {:.3}", estimate.low, estimate.high),
            bar(estimate.value, estimate.low, estimate.high),
        ]
    };
    let rows: Vec<Vec<String>> = evaluation.metrics.iter().map(row).collect();
    table("metrics measures", &["measure", "value", "95 % interval", ""], &rows)
        + &format!("<p class=\"soft\">{}</p>\n", escape(&levels(evaluation)))
}

fn kinds(evaluation: &Evaluation) -> String {
    if evaluation.by_kind.is_empty() {
        return String::new();
    }
    let mut figures = String::new();
    for metric in KIND_METRICS {
        let rows: Vec<Row> = evaluation
            .by_kind
            .iter()
            .filter_map(|(kind, summary)| {
                let estimate = summary.metrics.get(&metric)?;
                Some(Row {
                    label: kind,
                    count: estimate.questions,
                    value: estimate.value,
                    low: estimate.low,
                    high: estimate.high,
                })
            })
            .collect();
        if !rows.is_empty() {
            let plot = bars(&rows);
            figures.push_str(&format!("<figure><figcaption>{metric}</figcaption>{plot}</figure>\n"));
        }
    }
    format!(
        "<div class=\"figures\">\n{figures}</div>\n<p class=\"soft\">The small number is how many questions there are of a kind.</p>\n"
    )
}

fn confidences(evaluation: &Evaluation) -> String {
    let Some(estimate) = evaluation.metrics.get(&Metric::Auroc) else { return String::new() };
    let answerable = evaluation.questions.iter().map(|question| question.confidence).collect();
    let unanswerable = evaluation.unanswerable.iter().map(|question| question.confidence).collect();
    let plot = dots(&[
        ("questions with an answer", "var(--main)", answerable),
        ("questions without one", "var(--other)", unanswerable),
    ]);
    format!(
        "<figure class=\"wide\"><figcaption>Confidence of the answers (AUROC {:.3})</figcaption>{plot}</figure>\n",
        estimate.value
    )
}

fn latency(evaluation: &Evaluation) -> String {
    let number = |milliseconds: f64| format!("{milliseconds:.2}");
    let rows: Vec<Vec<String>> = in_order(&evaluation.latency_ms)
        .into_iter()
        .map(|(stage, latency)| {
            let numbers = [latency.mean, latency.p50, latency.p95, latency.p99, latency.max];
            std::iter::once(escape(stage)).chain(numbers.map(number)).collect()
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let memory = evaluation
        .peak_memory_bytes
        .map(|bytes| format!("<p class=\"soft\">Peak memory of the process: {}.</p>\n", megabytes(bytes)));
    let head = ["stage, ms", "mean", "p50", "p95", "p99", "longest"];
    total_histogram(evaluation) + &table("numbers", &head, &rows) + &memory.unwrap_or_default()
}

fn total_histogram(evaluation: &Evaluation) -> String {
    let Some(total) = evaluation.latency_ms.get("total") else { return String::new() };
    let values: Vec<f64> = evaluation
        .questions
        .iter()
        .filter_map(|question| question.latency_ms.get("total").copied())
        .collect();
    let labelled = [("p50", total.p50), ("p95", total.p95), ("p99", total.p99)]
        .map(|(name, value)| (format!("{name} {value:.1} ms"), value));
    let marks: Vec<Mark> = labelled.iter().map(|(label, value)| Mark { label, value: *value }).collect();
    // One very slow question must not press all others into the first bar.
    let high = total.max.min(total.p99 * 1.25);
    let plot = histogram(&values, 0.0, high, &marks, "ms");
    format!("<figure class=\"wide\"><figcaption>Questions by time to answer</figcaption>{plot}</figure>\n")
}

fn made(evaluation: &Evaluation) -> String {
    let (settings, index, set) = (&evaluation.settings, &evaluation.index, &evaluation.set);
    let rows = [
        ("index built", index.indexed_at.clone()),
        ("model", format!("{} (sha256 {})", index.model, index.model_sha256)),
        ("documents ranked for a question", settings.limit.to_string()),
        ("chunks of a timed answer", settings.answer_chunks.to_string()),
        ("questions left out for want of judgements", set.unjudged.to_string()),
        (
            "judged documents not in the index",
            format!("{} of {}", set.judged_documents_not_indexed, set.judged_documents),
        ),
        (
            "intervals",
            format!("bootstrap over the questions, {} resamples, seed {}", settings.resamples, settings.seed),
        ),
    ];
    let rows: Vec<Vec<String>> = rows.iter().map(|(name, value)| vec![escape(name), escape(value)]).collect();
    table("settings", &["", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::evaluation;

    #[test]
    fn a_page_stands_alone_and_shows_the_worst_first() {
        let html = evaluation_page(&evaluation(&[("good", 1.0, 1.0), ("bad", 0.0, 0.0)]));
        for outside in ["<script", "http://", "https://", "src=", "@import"] {
            assert!(!html.contains(outside), "{outside} is in the page");
        }
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing"));
        assert!(place("What is bad &lt;&amp;&gt;?") < place("What is good &lt;&amp;&gt;?"));
        assert!(html.contains("0.500") && html.contains("0.400 to 0.600"), "{html}");
    }
}
