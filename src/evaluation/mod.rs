//! How good the answers are: questions with judged documents in, measures with intervals out.
//!
//! A set of questions (`set`) is put to a retriever (`evaluate`, `asking`); the rankings are
//! measured (`metrics`, `passages`) and summed up with intervals (`significance`) into an
//! [`Evaluation`], which is what everything else works on: JSON, reports, comparisons.

mod asking;
mod comparison;
mod evaluate;
mod failure;
mod memory;
mod metrics;
mod outcome;
mod passages;
mod ranking;
pub mod report;
mod set;
mod significance;

pub use asking::{Unanswered, ranked_documents};
pub use comparison::{
    COMPARISON_SCHEMA, Comparison, Difference, Moved, Moves, Regression, Side, regressions,
};
pub use evaluate::{Evaluated, Evaluator};
pub use failure::EvaluationError;
pub use memory::{peak_memory_bytes, resident_memory_bytes};
pub use metrics::{Levels, Metric, Scores, auroc, score_ranking};
pub use outcome::{
    Estimate, Evaluation, EvaluationSettings, IndexSummary, KindSummary, Latency, QuestionOutcome,
    RelevantDocument, Returned, SCHEMA, SetSummary, UnanswerableOutcome,
};
pub use passages::contains_quote;
pub use ranking::{RankedDocument, rank_documents, run_column, sort_as_trec, write_run};
pub use set::{Question, QuestionSet, Quote, SetOptions, topic};
pub use significance::{
    Interval, LEVEL, PairedTest, RESAMPLES, SEED, interval_of_auroc, interval_of_mean, mean, paired_test,
    percentile,
};

#[cfg(test)]
mod tests {
    //! What the unit tests of this room share.

    use std::collections::BTreeMap;

    use super::metrics::{Levels, Metric};
    use super::outcome::{
        Estimate, Evaluation, EvaluationSettings, IndexSummary, QuestionOutcome, SCHEMA, SetSummary,
    };
    use super::significance::mean;
    use crate::chunking::ChunkId;
    use crate::retrieval::Hit;
    use crate::source::SourcePath;

    /// A chunk whose text is its path.
    pub(super) fn hit(path: &str, score: f32) -> Hit {
        let path = SourcePath::try_from(path.to_owned()).unwrap();
        Hit {
            collection: None,
            kind: crate::source::DocumentKind::Docs,
            id: ChunkId::of(&path, path.as_str(), 0),
            title: "Title".into(),
            breadcrumb: vec![],
            start_line: 1,
            end_line: 1,
            score,
            text: path.to_string(),
            path,
            duplicates: vec![],
            stale: false,
        }
    }

    /// Questions with their nDCG@10 and hit@5.
    pub(super) fn evaluation(questions: &[(&str, f64, f64)]) -> Evaluation {
        let outcome = |(id, ndcg, hit): &(&str, f64, f64)| QuestionOutcome {
            id: (*id).to_owned(),
            query: format!("What is {id} <&>?"),
            kind: Some("how-to".to_owned()),
            metrics: BTreeMap::from([(Metric::Ndcg10, *ndcg), (Metric::Hit5, *hit)]),
            relevant: vec![],
            returned: vec![],
            confidence: *ndcg,
            latency_ms: BTreeMap::from([("total".to_owned(), 5.0 + *ndcg)]),
            error: None,
        };
        let questions: Vec<QuestionOutcome> = questions.iter().map(outcome).collect();
        let estimate = |metric: Metric| {
            let values: Vec<f64> = questions.iter().map(|question| question.metrics[&metric]).collect();
            let value = mean(&values);
            (metric, Estimate { value, low: value - 0.1, high: value + 0.1, questions: values.len() })
        };
        Evaluation {
            schema: SCHEMA,
            docent: "0.0.0".into(),
            evaluated_at: "2026-01-01T00:00:00Z".into(),
            set: SetSummary {
                name: "tiny".into(),
                questions: questions.len(),
                unanswerable: 0,
                unjudged: 0,
                judged_documents: 1,
                judged_documents_not_indexed: 0,
            },
            index: IndexSummary {
                generation: 1,
                indexed_at: "2026-01-01T00:00:00Z".into(),
                model: "hashing".into(),
                model_sha256: "hashing-v1".into(),
                documents: 3,
                chunks: 4,
            },
            settings: EvaluationSettings {
                limit: 100,
                answer_chunks: 10,
                levels: Levels::for_highest_grade(3),
                with_rephrasings: false,
                without: Vec::new(),
                resamples: 10,
                seed: 1,
            },
            metrics: BTreeMap::from([estimate(Metric::Ndcg10), estimate(Metric::Hit5)]),
            by_kind: BTreeMap::new(),
            latency_ms: BTreeMap::new(),
            peak_memory_bytes: None,
            questions,
            unanswerable: vec![],
        }
    }
}
