//! What is typed for `docent batch`.

use std::path::PathBuf;

use clap::Args;

use super::ScopeArguments;

/// `docent batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent batch questions.jsonl -o answers.jsonl            one line of JSON for each question
  docent batch questions.jsonl -o answers.jsonl --resume   go on where an earlier run stopped
  docent batch queries.jsonl --format trec -n 1000 > docent.run
  cut -f2 log.tsv | docent batch - --format csv | head -100

QUESTIONS are JSON records ({\"id\": \"q1\", \"query\": \"...\"}, BEIR's queries.jsonl), lines of an id, a
tab and the question, TREC topics, or nothing but one question a line. The n-th question is the n-th
answer; one that cannot be asked has an `error` in its place.

Exit status: 0 all answered, 2 some have an error or something else went wrong, 130 interrupted.")]
pub(in crate::cli) struct BatchArguments {
    /// File of questions, or `-` for stdin
    pub(in crate::cli) questions: PathBuf,

    /// The most passages for a question, 1 to 100 [default: 5]; with `--format trec` documents, 1 to
    /// 1000 [default: 100]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) limit: Option<u16>,

    /// Write to FILE [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,

    /// The form of the answers
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = BatchFormat::Jsonl)]
    pub(in crate::cli) format: BatchFormat,

    /// The form of the questions [default: by the file's name and first line]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) input_format: Option<QuestionsFormat>,

    /// Vectors of the questions, a row each in their order, for an index with imported vectors
    #[arg(long, value_name = "FILE.npy")]
    pub(in crate::cli) query_vectors: Option<PathBuf>,

    /// Keep what is in the output already, and ask the rest
    #[arg(long, requires = "output")]
    pub(in crate::cli) resume: bool,

    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArguments,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum BatchFormat {
    /// One JSON object for each question
    Jsonl,
    /// A TREC run: documents by their best passage
    Trec,
    /// One row for each passage
    Csv,
}

impl From<BatchFormat> for crate::batch::OutputFormat {
    fn from(format: BatchFormat) -> Self {
        match format {
            BatchFormat::Jsonl => Self::Jsonl,
            BatchFormat::Trec => Self::Trec,
            BatchFormat::Csv => Self::Csv,
        }
    }
}

/// `--input-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum QuestionsFormat {
    /// JSON records, one a line
    Jsonl,
    /// An id, a tab and the question
    Tsv,
    /// TREC topics in `<top>` blocks
    Topics,
    /// One question a line
    Lines,
}

impl From<QuestionsFormat> for crate::batch::InputFormat {
    fn from(format: QuestionsFormat) -> Self {
        match format {
            QuestionsFormat::Jsonl => Self::Jsonl,
            QuestionsFormat::Tsv => Self::Tsv,
            QuestionsFormat::Topics => Self::Topics,
            QuestionsFormat::Lines => Self::Lines,
        }
    }
}
