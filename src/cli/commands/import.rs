//! `docent import`: an index with vectors that were made elsewhere.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::export::CHUNKS;
use crate::cli::args::ImportArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::embedding::digest::Sha256;
use crate::embedding::{Matrix, ModelIdentity};
use crate::evaluation::report::counted;
use crate::index::{Import, ImportError, Index};
use crate::progress::Progress as _;

/// What of a line of `chunks.jsonl` tells whether it is the right one.
#[derive(Deserialize)]
struct ChunkLine {
    id: String,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: &ImportArguments) -> Result<ExitStatus, Failure> {
    let index = Index::open_whole(&settings.index)?;
    let vectors = Matrix::read(&arguments.vectors)?;
    let beside = arguments.vectors.with_file_name(CHUNKS);
    match arguments.chunks.clone().or_else(|| beside.is_file().then_some(beside)) {
        Some(chunks) => ensure_same_chunks(&index, &chunks)?,
        None => settings.progress.note(&format!(
            "there is no {CHUNKS} beside the vectors: that they are in the order of the index is taken on trust"
        )),
    }
    let unreadable = |source| Failure::Unreadable { path: arguments.vectors.clone(), source };
    let (sha256, _) = Sha256::of_file(&arguments.vectors).map_err(unreadable)?;
    let file = arguments.vectors.file_name().unwrap_or_default();
    let import = Import {
        folder: &arguments.into,
        source: &index,
        model: ModelIdentity::imported(&arguments.name, &sha256.to_string(), vectors.columns),
        vectors,
        file: file.to_string_lossy().into_owned(),
        spread: arguments.spread,
    };
    let manifest = import.run()?;
    let spread = manifest.imported.map_or(0.0, |imported| imported.dense_spread);
    settings.progress.note(&format!(
        "imported {} of {} dimensions by {} into `{}`; their similarities differ by {spread:.3}",
        counted(manifest.counts.chunks, "vector"),
        manifest.model.dimensions,
        arguments.name,
        arguments.into.display()
    ));
    Ok(ExitStatus::Success)
}

/// Whether the chunks that the vectors were made of are those of the index, in its order.
fn ensure_same_chunks(index: &Index, path: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::Unreadable { path: path.to_owned(), source })?;
    let other = |number: usize, reason: String| {
        let path: PathBuf = path.to_owned();
        Failure::from(ImportError::OtherChunks { path, line: number + 1, number, reason })
    };
    let mut lines = text.lines();
    for number in 0..index.chunk_count() {
        let wanted = index.chunk(number)?.chunk.id;
        let line = lines.next().ok_or_else(|| other(number, "the file ends before it".into()))?;
        let line: ChunkLine = serde_json::from_str(line).map_err(|error| other(number, error.to_string()))?;
        if line.id != wanted.as_str() {
            return Err(other(number, format!("it is `{}` where the index has `{wanted}`", line.id)));
        }
    }
    match lines.next() {
        Some(_) => Err(other(index.chunk_count(), "the index has no more chunks".into())),
        None => Ok(()),
    }
}
