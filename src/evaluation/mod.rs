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
#[cfg(test)]
mod tests;

pub use comparison::{
    COMPARISON_SCHEMA, Comparison, Difference, Moved, Moves, Regression, Side, regressions,
};
pub use evaluate::{Evaluated, Evaluator};
pub use failure::EvaluationError;
pub use memory::peak_memory_bytes;
pub use metrics::{Levels, Metric, Scores, auroc, score_ranking};
pub use outcome::{
    Estimate, Evaluation, EvaluationSettings, IndexSummary, KindSummary, Latency, QuestionOutcome,
    RelevantDocument, Returned, SCHEMA, SetSummary, UnanswerableOutcome, write_file,
};
pub use passages::contains_quote;
pub use ranking::{RankedDocument, rank_documents, sort_as_trec, write_run};
pub use set::{Question, QuestionSet, Quote, SetOptions};
pub use significance::{
    Interval, LEVEL, PairedTest, RESAMPLES, SEED, interval_of_auroc, interval_of_mean, mean, paired_test,
    percentile,
};
