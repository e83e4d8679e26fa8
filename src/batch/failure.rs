//! What ends a whole batch, and what mends it. What is wrong with one question stands in its place
//! in the output instead.

use std::io;
use std::path::PathBuf;

/// A batch that cannot start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The questions cannot be read.
    #[error("{name} cannot be read: {source}")]
    Unreadable {
        /// The file in backticks, or stdin.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder without a file of questions.
    #[error("no questions in `{}`: neither questions.jsonl nor queries.jsonl is there", folder.display())]
    NoQuestionFile {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing but blank lines.
    #[error("{name} holds no question")]
    NoQuestions {
        /// The file in backticks, or stdin.
        name: String,
    },
    /// Two questions by one name.
    #[error("{name}, line {line}: the id `{id}` is also on line {first}")]
    SameId {
        /// The file in backticks, or stdin.
        name: String,
        /// The id.
        id: String,
        /// Where it is repeated, from 1.
        line: u64,
        /// Where it stands first.
        first: u64,
    },
    /// The output is the input.
    #[error("`{}` holds the questions, and would be overwritten", path.display())]
    OverQuestions {
        /// The file.
        path: PathBuf,
    },
    /// The output to go on with is of other questions.
    #[error(
        "`{}` cannot be continued: its record {record} is of {}, and question {record} is {}",
        path.display(), named(found.as_deref()), named(expected.as_deref())
    )]
    OtherQuestions {
        /// The output.
        path: PathBuf,
        /// Number of the record, from 1.
        record: u64,
        /// The id there.
        found: Option<String>,
        /// The id of that question.
        expected: Option<String>,
    },
    /// The output to go on with answers another question by the same id.
    #[error(
        "`{}` cannot be continued: its record {record} answers \"{}\", and question {record} is \"{}\"",
        path.display(), words(found), words(expected)
    )]
    OtherWords {
        /// The output.
        path: PathBuf,
        /// Number of the record, from 1.
        record: u64,
        /// The question there.
        found: String,
        /// That question now.
        expected: String,
    },
    /// The output to go on with, which does not name its index, is older than the index.
    #[error("`{}` cannot be continued: it is older than the index, which was built at {current_at}", path.display())]
    OlderThanIndex {
        /// The output.
        path: PathBuf,
        /// When the index was built.
        current_at: String,
    },
    /// The output to go on with has more records than there are questions.
    #[error("`{}` cannot be continued: it has more records than there are questions ({questions})", path.display())]
    TooMany {
        /// The output.
        path: PathBuf,
        /// How many there are.
        questions: u64,
    },
    /// The output to go on with was answered by another generation of the index.
    #[error(
        "`{}` cannot be continued: generation {found} of an index answered so far ({found_at}), and this one is generation {current} ({current_at})",
        path.display()
    )]
    OtherGeneration {
        /// The output.
        path: PathBuf,
        /// The generation in it.
        found: u64,
        /// When that was built.
        found_at: String,
        /// The generation that would go on.
        current: u64,
        /// When that was built.
        current_at: String,
    },
    /// The output to go on with is something else.
    #[error("`{}` cannot be continued: record {record} is not one of docent's ({reason})", path.display())]
    NotOutput {
        /// The output.
        path: PathBuf,
        /// Number of the record, from 1.
        record: u64,
        /// What does not fit.
        reason: String,
    },
    /// The output to go on with cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    UnreadableOutput {
        /// The output.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
}

fn named(id: Option<&str>) -> String {
    id.map_or_else(|| "a malformed line".to_owned(), |id| format!("`{id}`"))
}

/// As much of a question as tells it from others.
fn words(question: &str) -> String {
    const MOST: usize = 80;
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

impl BatchError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::UnreadableOutput { .. } => {
                "check the spelling and the permissions".into()
            }
            Self::NoQuestionFile { .. } => "name the file itself".into(),
            Self::NoQuestions { .. } => {
                r#"write one question a line, or records like {"id": "q1", "query": "..."}"#.into()
            }
            Self::SameId { .. } => "give every question an id of its own: no question was asked".into(),
            Self::OverQuestions { .. } => "name another file with --output".into(),
            Self::OtherQuestions { .. }
            | Self::OtherWords { .. }
            | Self::TooMany { .. }
            | Self::NotOutput { .. } => {
                "continue with the same questions and the same --format, or start anew without --resume"
                    .into()
            }
            Self::OtherGeneration { .. } | Self::OlderThanIndex { .. } => {
                "start anew without --resume, so that one index answers all questions".into()
            }
            Self::Output(_) => "check that the disk has room, then go on with --resume".into(),
        }
    }
}
