//! What is typed for `docent export` and `docent import`.

use std::path::PathBuf;

use clap::Args;

/// `docent export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent export exported/                                chunks.jsonl, vectors.npy, export.json
  docent export exported/ --questions questions.jsonl    and the questions' vectors
  python -c 'import numpy as np; print(np.load(\"exported/vectors.npy\").shape)'

Line i of chunks.jsonl is row i of vectors.npy (32-bit floats of unit length).")]
pub(in crate::cli) struct ExportArguments {
    /// Folder for the files: new, empty, or with an earlier export
    pub(in crate::cli) folder: PathBuf,

    /// File of questions, as for `docent batch`, to write with their vectors as well
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) questions: Option<PathBuf>,
}

/// `docent import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent export exported/                                       the chunks to make vectors of
  docent import mine.npy --name my-model --into index-mine/     an index with those vectors
  docent eval questions/ --index index-mine/ --query-vectors questions.npy

VECTORS has a row for each line of chunks.jsonl: 32-bit floats, any number of columns. docent cannot
make vectors of questions by your model: `eval`, `batch` and `ask` take them with --query-vectors, and
without them `ask` and `serve` compare words alone.")]
pub(in crate::cli) struct ImportArguments {
    /// File of vectors (`.npy`), a row for each chunk of the index in its order
    pub(in crate::cli) vectors: PathBuf,

    /// Name of the model that made them
    #[arg(long, value_name = "NAME", value_parser = model_name)]
    pub(in crate::cli) name: String,

    /// Folder for the new index
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) into: PathBuf,

    /// The chunks.jsonl that the vectors were made of [default: the one beside VECTORS, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) chunks: Option<PathBuf>,

    /// How much the similarities differ, a standard deviation [default: measured over the chunks]
    #[arg(long, value_name = "X", value_parser = spread)]
    pub(in crate::cli) spread: Option<f32>,
}

fn model_name(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if !text.is_empty() && text.len() <= 128 && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("give up to 128 letters without accents, digits, `-`, `_`, `.` and `/`".to_owned())
}

fn spread(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value > 0.0 && value <= 1.0 => Ok(value),
        _ => Err("not a number above 0 and up to 1".to_owned()),
    }
}
