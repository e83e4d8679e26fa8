//! How far an interrupted output got.
//!
//! Its records are compared with the questions one by one, so that what is appended belongs to
//! what is there. A question whose record takes several lines may have lost the last of them; the
//! last such question is asked again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use serde::Deserialize;

use super::csv;
use super::failure::BatchError;
use super::output::{OutputFormat, column};
use super::questions::{Item, QuestionFile};
use crate::evaluation::run_column;

/// The part of an output that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Questions that need not be asked again.
    pub questions: u64,
    /// Those of them that have an error in the place of an answer.
    pub errors: u64,
    /// Bytes of their records, with what stands above them.
    pub bytes: u64,
}

/// Which build of the index answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredBy<'manifest> {
    /// Its number.
    pub generation: u64,
    /// When it was built, RFC 3339 in UTC.
    pub indexed_at: &'manifest str,
}

/// Compares the output `file` at `path` with the questions, and says how much of it is done.
///
/// # Errors
/// Where the output is of other questions, in another form, or by another generation of the index.
pub fn written(
    (path, file): (&Path, &File),
    format: OutputFormat,
    questions: &QuestionFile,
    by: AnsweredBy,
) -> Result<Written, BatchError> {
    let unreadable = |source| BatchError::UnreadableOutput { path: path.to_owned(), source };
    let mut records = Records::new(path, file, format).map_err(unreadable)?;
    let mut items = questions.items()?;
    let mut written = Written { bytes: records.end, ..Written::default() };
    let mut number = 0;
    while let Some(record) = records.next_done()? {
        number += 1;
        record.is_by(by, path)?;
        loop {
            let Some(item) = items.next().transpose().map_err(|source| questions.unreadable(source))? else {
                return Err(BatchError::TooMany { path: path.to_owned(), questions: written.questions });
            };
            written.questions += 1;
            if record.is_of(format, &item) {
                record.is_about(&item, number, path)?;
                break;
            }
            // A run has no line for a question without an answer.
            if format != OutputFormat::Trec {
                let (found, expected) = (record.id, item.id);
                return Err(BatchError::OtherQuestions {
                    path: path.to_owned(),
                    record: number,
                    found,
                    expected,
                });
            }
        }
        written.errors += u64::from(record.is_error);
        written.bytes = record.end;
    }
    Ok(written)
}

/// Everything about one question in an output.
struct Done {
    id: Option<String>,
    /// The question as it was asked; a run does not say.
    query: Option<String>,
    is_error: bool,
    by: Option<(u64, String)>,
    /// The byte after it.
    end: u64,
}

impl Done {
    fn is_of(&self, format: OutputFormat, item: &Item) -> bool {
        match format {
            OutputFormat::Trec => item.id.as_deref().map(run_column) == self.id,
            OutputFormat::Jsonl | OutputFormat::Csv => item.id == self.id,
        }
    }

    /// A question by the same id may be in other words now.
    fn is_about(&self, item: &Item, record: u64, path: &Path) -> Result<(), BatchError> {
        match (&self.query, &item.content) {
            (Some(found), Ok(wanted)) if found.trim() != wanted.text.trim() => Err(BatchError::OtherWords {
                path: path.to_owned(),
                record,
                found: found.clone(),
                expected: wanted.text.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn is_by(&self, by: AnsweredBy, path: &Path) -> Result<(), BatchError> {
        match &self.by {
            Some((generation, built)) if (*generation, built.as_str()) != (by.generation, by.indexed_at) => {
                Err(BatchError::OtherGeneration {
                    path: path.to_owned(),
                    found: *generation,
                    found_at: built.clone(),
                    current: by.generation,
                    current_at: by.indexed_at.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// What a reader needs of a line of JSON.
#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    query: Option<String>,
    error: Option<serde::de::IgnoredAny>,
    generation: Option<u64>,
    indexed_at: Option<String>,
}

/// The records of an output in order.
struct Records<'output> {
    path: &'output Path,
    format: OutputFormat,
    reader: BufReader<&'output File>,
    /// The byte after what was read.
    end: u64,
    number: u64,
    /// The record that the last line belongs to, where it may go on.
    open: Option<Done>,
}

impl<'output> Records<'output> {
    fn new(path: &'output Path, file: &'output File, format: OutputFormat) -> io::Result<Self> {
        let mut file = file;
        file.rewind()?;
        let reader = BufReader::new(file);
        let mut records = Self { path, format, reader, end: 0, number: 0, open: None };
        let head = format.head();
        if !head.is_empty() && records.row()?.is_some_and(|row| row != head.as_bytes()) {
            // Whatever stands there is the first record, and told as such.
            records.reader.rewind()?;
            records.end = 0;
        }
        Ok(records)
    }

    /// A line, or a row of CSV with its line breaks; nothing where it is cut off.
    fn row(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut row = Vec::new();
        loop {
            let read = self.reader.read_until(b'\n', &mut row)?;
            if read == 0 || !row.ends_with(b"\n") {
                return Ok(None);
            }
            if self.format != OutputFormat::Csv || !csv::is_open(&row) {
                self.end += row.len() as u64;
                return Ok(Some(row));
            }
        }
    }

    /// The next question that is done for certain.
    fn next_done(&mut self) -> Result<Option<Done>, BatchError> {
        loop {
            let row = self.row();
            let row =
                row.map_err(|source| BatchError::UnreadableOutput { path: self.path.to_owned(), source })?;
            let Some(row) = row else { return Ok(None) };
            self.number += 1;
            let done = self.read(&row)?;
            if self.format == OutputFormat::Jsonl {
                return Ok(Some(done));
            }
            // Rows without an id are malformed lines, each one of its own.
            let goes_on = self.open.as_ref().is_some_and(|open| open.id.is_some() && open.id == done.id);
            let before = self.open.replace(done);
            if !goes_on && before.is_some() {
                return Ok(before);
            }
        }
    }

    fn read(&self, row: &[u8]) -> Result<Done, BatchError> {
        let other = |reason: String| BatchError::NotOutput {
            path: self.path.to_owned(),
            record: self.number,
            reason,
        };
        let text = std::str::from_utf8(row).map_err(|error| other(error.to_string()))?;
        let done = Done { id: None, query: None, is_error: false, by: None, end: self.end };
        match self.format {
            OutputFormat::Jsonl => {
                let line: Line = serde_json::from_str(text).map_err(|error| other(error.to_string()))?;
                let (is_error, by) = (line.error.is_some(), line.generation.zip(line.indexed_at));
                Ok(Done { id: line.id, query: line.query, is_error, by, ..done })
            }
            OutputFormat::Csv => {
                let mut fields = csv::fields(text);
                fields.resize(column::ERROR + 1, String::new());
                let mut filled =
                    |column: usize| Some(std::mem::take(&mut fields[column])).filter(|text| !text.is_empty());
                let is_error = filled(column::ERROR).is_some();
                Ok(Done { id: filled(column::ID), query: filled(column::QUERY), is_error, ..done })
            }
            OutputFormat::Trec => match text.split_whitespace().collect::<Vec<_>>().as_slice() {
                [id, "Q0", _, _, _, "docent"] => Ok(Done { id: Some((*id).to_owned()), ..done }),
                _ => Err(other("no line of a TREC run".into())),
            },
        }
    }
}
