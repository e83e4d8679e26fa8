//! One question's record: a line of JSON, rows of CSV, or lines of a TREC run.

use serde::Serialize;

use super::csv;
use super::questions::{Item, LineError};
use crate::evaluation::{RankedDocument, Unanswered, write_run};
use crate::retrieval::{Answer, Hit, QueryError, RetrievalError};

/// Version of the JSON form of a line with an error. One with an answer has that of the answer.
pub const SCHEMA: u32 = 1;

/// Places of columns that an output is continued by.
pub(super) mod column {
    pub(in crate::batch) const ID: usize = 0;
    pub(in crate::batch) const QUERY: usize = 1;
    pub(in crate::batch) const ERROR: usize = 11;
}

/// The columns of the CSV.
const COLUMNS: [&str; 12] = [
    "id",
    "query",
    "rank",
    "chunk",
    "path",
    "title",
    "breadcrumb",
    "start_line",
    "end_line",
    "score",
    "text",
    "error",
];
/// Stands between the headings of a breadcrumb.
const BETWEEN_HEADINGS: &str = " > ";

/// The forms that answers go out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// One object a line: `id`, and the fields of an answer, or `error`.
    Jsonl,
    /// Rankings of documents: `ID Q0 DOCUMENT RANK SCORE docent`.
    Trec,
    /// One row for each hit.
    Csv,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Its line is malformed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The retriever failed.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
}

impl QuestionError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Line(error) => error.hint().to_owned(),
            Self::Query(QueryError::Empty) => "ask in plain words".to_owned(),
            Self::Query(error) => error.hint(),
            Self::Retrieval(error) => error.hint(),
        }
    }
}

impl From<Unanswered> for QuestionError {
    fn from(error: Unanswered) -> Self {
        match error {
            Unanswered::Form(error) => Self::Query(error),
            Unanswered::Failed(error) => Self::Retrieval(error),
        }
    }
}

/// What came of a question.
pub(super) enum Found {
    /// Passages.
    Passages(Answer),
    /// Documents, for a run.
    Documents(Vec<RankedDocument>),
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Passages(answer) => answer.hits.is_empty(),
            Self::Documents(ranking) => ranking.is_empty(),
        }
    }
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    id: &'a str,
    #[serde(flatten)]
    answer: &'a Answer,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    id: Option<&'a str>,
    schema: u32,
    query: Option<&'a str>,
    line: u64,
    error: ErrorText,
}

#[derive(Serialize)]
struct ErrorText {
    message: String,
    hint: String,
}

impl OutputFormat {
    /// What stands above all records.
    pub(super) fn head(self) -> String {
        let mut head = String::new();
        if self == Self::Csv {
            csv::write_record(&mut head, COLUMNS);
        }
        head
    }

    /// A question's record, of whole lines. A run has none for a question without an answer.
    pub(super) fn record(self, item: &Item, found: &Result<Found, QuestionError>) -> String {
        let mut record = String::new();
        let id = item.id.as_deref();
        let query = item.content.as_ref().ok().map(|wanted| wanted.text.as_str());
        match (found, self) {
            (Ok(Found::Documents(ranking)), _) => {
                write_run(&mut record, id.unwrap_or_default(), ranking);
            }
            (Ok(Found::Passages(answer)), Self::Csv) => rows(&mut record, id.unwrap_or_default(), answer),
            (Ok(Found::Passages(answer)), _) => {
                json_line(&mut record, &AnswerLine { id: id.unwrap_or_default(), answer });
            }
            (Err(_), Self::Trec) => {}
            (Err(error), Self::Csv) => {
                let mut fields = [""; COLUMNS.len()];
                let message = error.to_string();
                (fields[column::ID], fields[column::QUERY], fields[column::ERROR]) =
                    (id.unwrap_or_default(), query.unwrap_or_default(), &message);
                csv::write_record(&mut record, fields);
            }
            (Err(error), Self::Jsonl) => {
                let error = ErrorText { message: error.to_string(), hint: error.hint() };
                json_line(&mut record, &ErrorLine { id, schema: SCHEMA, query, line: item.line, error });
            }
        }
        record
    }
}

fn json_line(record: &mut String, value: &impl Serialize) {
    // Strings, numbers and lists of them always serialise.
    record.push_str(&serde_json::to_string(value).unwrap_or_default());
    record.push('\n');
}

fn rows(record: &mut String, id: &str, answer: &Answer) {
    if answer.hits.is_empty() {
        let mut fields = [""; COLUMNS.len()];
        (fields[0], fields[1]) = (id, &answer.query);
        csv::write_record(record, fields);
    }
    for (index, hit) in answer.hits.iter().enumerate() {
        row(record, id, &answer.query, index + 1, hit);
    }
}

fn row(record: &mut String, id: &str, query: &str, rank: usize, hit: &Hit) {
    let rank = rank.to_string();
    let chunk = hit.id.to_string();
    let breadcrumb = hit.breadcrumb.join(BETWEEN_HEADINGS);
    let (start, end) = (hit.start_line.to_string(), hit.end_line.to_string());
    let score = hit.score.to_string();
    let fields = [
        id,
        query,
        &rank,
        &chunk,
        hit.path.as_str(),
        &hit.title,
        &breadcrumb,
        &start,
        &end,
        &score,
        &hit.text,
        "",
    ];
    csv::write_record(record, fields);
}
