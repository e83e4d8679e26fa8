//! What an evaluation found: the JSON that `docent eval --json` writes and `docent compare` reads.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EvaluationError;
use super::metrics::{Levels, Metric, Scores};

/// Version of the JSON form of an [`Evaluation`].
pub const SCHEMA: u32 = 1;

/// One evaluation: aggregates, what they were made with, and every question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// Version of docent.
    pub docent: String,
    /// When it ended, RFC 3339 in UTC.
    pub evaluated_at: String,
    /// What was asked.
    pub set: SetSummary,
    /// What was asked of.
    pub index: IndexSummary,
    /// How.
    pub settings: EvaluationSettings,
    /// Means over the questions.
    pub metrics: BTreeMap<Metric, Estimate>,
    /// The same by kind of question, where the set has kinds.
    pub by_kind: BTreeMap<String, KindSummary>,
    /// Milliseconds by stage.
    pub latency_ms: BTreeMap<String, Latency>,
    /// Of the whole process, building an index included; not known on every system.
    pub peak_memory_bytes: Option<u64>,
    /// In the order of the set.
    pub questions: Vec<QuestionOutcome>,
    /// In the order of the set.
    pub unanswerable: Vec<UnanswerableOutcome>,
}

/// The set of questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSummary {
    /// Its folder or file.
    pub name: String,
    /// Questions asked.
    pub questions: usize,
    /// Questions asked that the documents do not answer.
    pub unanswerable: usize,
    /// Questions not asked, for want of judgements.
    pub unjudged: usize,
    /// Documents that are judged.
    pub judged_documents: usize,
    /// How many of them are not in the index: they cannot be found.
    pub judged_documents_not_indexed: usize,
}

/// The index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSummary {
    /// Its generation.
    pub generation: u64,
    /// When that was built, RFC 3339 in UTC.
    pub indexed_at: String,
    /// The name of the model.
    pub model: String,
    /// sha256 of the model.
    pub model_sha256: String,
    /// Documents.
    pub documents: usize,
    /// Chunks.
    pub chunks: usize,
}

/// How the evaluation was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationSettings {
    /// Documents ranked for a question.
    pub limit: usize,
    /// Chunks of the answer that is timed and read for quotes.
    pub answer_chunks: usize,
    /// From which grade on a document counts.
    pub levels: Levels,
    /// Whether each question was asked in several wordings.
    pub with_rephrasings: bool,
    /// Parts of the ranking that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// How many times the questions were drawn anew for an interval.
    pub resamples: usize,
    /// What started the random numbers.
    pub seed: u64,
}

/// A mean and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Questions that it is the mean of.
    pub questions: usize,
}

/// The questions of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSummary {
    /// How many.
    pub questions: usize,
    /// Their means.
    pub metrics: BTreeMap<Metric, Estimate>,
}

/// How long a stage took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What became of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionOutcome {
    /// Its id.
    pub id: String,
    /// The question.
    pub query: String,
    /// Its kind, where the set has kinds.
    pub kind: Option<String>,
    /// Its measures; passage@5 only where the question has quotes.
    pub metrics: Scores,
    /// The relevant documents, best grade first.
    pub relevant: Vec<RelevantDocument>,
    /// The first chunks of the answer.
    pub returned: Vec<Returned>,
    /// How sure the answer is.
    pub confidence: f64,
    /// Milliseconds by stage.
    pub latency_ms: BTreeMap<String, f64>,
    /// Why it could not be asked; its measures are then 0.
    pub error: Option<String>,
}

/// A document that should be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelevantDocument {
    /// Its id.
    pub document: String,
    /// How relevant.
    pub grade: i32,
    /// Where it was ranked, from 1; nothing where it was not.
    pub rank: Option<usize>,
}

/// A chunk of an answer, for reading a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// The document.
    pub document: String,
    /// Its title and the headings above the chunk.
    pub breadcrumb: String,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, included.
    pub end_line: u32,
    /// As ranked.
    pub score: f32,
    /// How relevant its document is; nothing where nobody judged it.
    pub grade: Option<i32>,
    /// Whether it contains a quote that carries the answer.
    pub quoted: bool,
    /// Its first words.
    pub words: String,
}

/// What became of a question without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnanswerableOutcome {
    /// Its id.
    pub id: String,
    /// The question.
    pub query: String,
    /// How sure the answer is.
    pub confidence: f64,
    /// The first chunks of the answer.
    pub returned: Vec<Returned>,
}

impl Evaluation {
    /// Reads what [`Evaluation::to_json`] gave.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not the JSON of an evaluation.
    pub fn read(path: &Path) -> Result<Self, EvaluationError> {
        let text = std::fs::read(path).map_err(EvaluationError::unreadable(path))?;
        let fault = |reason: String| EvaluationError::NotAnEvaluation { path: path.to_owned(), reason };
        let evaluation: Self = serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))?;
        if evaluation.schema != SCHEMA {
            return Err(fault(format!("schema {} is not {SCHEMA}", evaluation.schema)));
        }
        Ok(evaluation)
    }

    /// The whole as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and maps with string keys always serialise.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The measure of every question that has it, in the order of the set.
    #[must_use]
    pub fn values(&self, metric: Metric) -> Vec<f64> {
        self.questions.iter().filter_map(|question| question.metrics.get(&metric).copied()).collect()
    }
}
