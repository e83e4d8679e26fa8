//! `docent export`: the index's chunks and vectors in files that other tools read.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::batch::texts;
use crate::batch::{BatchError, QuestionFile};
use crate::chunking::ChunkId;
use crate::cli::args::ExportArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::output_file;
use crate::cli::settings::Settings;
use crate::embedding::{Embedder, ModelIdentity, Role, npy_header};
use crate::evaluation::report::counted;
use crate::index::Index;
use crate::progress::{Progress, Unit};
use crate::source::{DocumentKind, SourcePath};

/// Version of the JSON forms.
const SCHEMA: u32 = 1;

pub(super) const CHUNKS: &str = "chunks.jsonl";
const VECTORS: &str = "vectors.npy";
const QUESTIONS: &str = "questions.jsonl";
const QUESTION_VECTORS: &str = "questions.npy";
/// Written last: a folder with it holds a whole export.
const SUMMARY: &str = "export.json";

/// A line of `chunks.jsonl`.
#[derive(Serialize)]
struct ChunkLine<'a> {
    schema: u32,
    row: usize,
    id: ChunkId,
    path: &'a SourcePath,
    kind: DocumentKind,
    title: &'a str,
    breadcrumb: &'a [String],
    start_line: u32,
    end_line: u32,
    text: &'a str,
}

/// A line of `questions.jsonl`.
#[derive(Serialize)]
struct QuestionLine<'a> {
    schema: u32,
    row: usize,
    id: Option<&'a str>,
    query: Option<&'a str>,
}

/// `export.json`.
#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    docent: &'static str,
    generation: u64,
    indexed_at: &'a str,
    model: &'a ModelIdentity,
    documents: usize,
    chunks: usize,
    questions: Option<usize>,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: &ExportArguments) -> Result<ExitStatus, Failure> {
    let index = Index::open_whole(&settings.index)?;
    let folder = &arguments.folder;
    ensure_export_folder(folder)?;
    let questions = match &arguments.questions {
        Some(file) => Some(QuestionFile::open(file, None)?),
        None => None,
    };
    // Before anything is written: of an imported index there is no model here to embed questions with.
    let embedder = match &questions {
        Some(_) => {
            Some(model::load(settings, model::for_asking(settings, index.manifest())?, Purpose::Asking)?)
        }
        None => None,
    };
    output_file::make_folder(folder)?;
    output_file::forget(&folder.join(SUMMARY))?;
    write_chunks(&index, folder)?;
    write_vectors(&index, folder)?;
    let asked = match questions.as_ref().zip(embedder.as_deref()) {
        Some((questions, embedder)) => Some(write_questions(settings, embedder, questions, folder)?),
        None => None,
    };
    let manifest = index.manifest();
    let summary = Summary {
        schema: SCHEMA,
        docent: env!("CARGO_PKG_VERSION"),
        generation: manifest.generation,
        indexed_at: &manifest.indexed_at,
        model: &manifest.model,
        documents: manifest.counts.documents,
        chunks: manifest.counts.chunks,
        questions: asked,
    };
    output_file::write(&folder.join(SUMMARY), &(json(&summary) + "\n"))?;
    let vectors =
        format!("{} of {} dimensions", counted(manifest.counts.chunks, "vector"), manifest.model.dimensions);
    settings.progress.note(&format!("exported {vectors} to `{}`", folder.display()));
    Ok(ExitStatus::Success)
}

/// A folder with something else in it is somebody's own.
fn ensure_export_folder(folder: &Path) -> Result<(), Failure> {
    let ours = [CHUNKS, VECTORS, QUESTIONS, QUESTION_VECTORS, SUMMARY];
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Failure::Unwritable { path: folder.to_owned(), source }),
    };
    let is_ours = |entry: std::fs::DirEntry| ours.iter().any(|name| entry.file_name() == *name);
    if entries.flatten().all(is_ours) {
        return Ok(());
    }
    Err(Failure::NotAnExport { folder: folder.to_owned() })
}

fn write_chunks(index: &Index, folder: &Path) -> Result<(), Failure> {
    let mut output = Output::create(folder.join(CHUNKS))?;
    for row in 0..index.chunk_count() {
        let stored = index.chunk(row)?;
        let document = index.document(stored.document as usize)?;
        let line = ChunkLine {
            schema: SCHEMA,
            row,
            id: stored.chunk.id,
            path: &document.path,
            kind: index.manifest().kind_of(&document),
            title: &document.title,
            breadcrumb: &stored.chunk.headings,
            start_line: stored.chunk.lines.0,
            end_line: stored.chunk.lines.1,
            text: &stored.chunk.text,
        };
        output.line(&line)?;
    }
    output.finish()
}

fn write_vectors(index: &Index, folder: &Path) -> Result<(), Failure> {
    let vectors = index.vectors();
    let mut output = Output::create(folder.join(VECTORS))?;
    output.bytes(&npy_header(vectors.len(), index.manifest().model.dimensions))?;
    for row in 0..vectors.len() {
        output.numbers(&vectors.row(row))?;
    }
    output.finish()
}

/// The questions and their vectors by `embedder`, the index's model; gives their number. In the place of a
/// malformed line stands a row of zeros, so that rows stay questions.
fn write_questions(
    settings: &Settings,
    embedder: &dyn Embedder,
    questions: &QuestionFile,
    folder: &Path,
) -> Result<usize, Failure> {
    let dimensions = embedder.identity().dimensions;
    let texts = texts(questions)?;
    let mut lines = Output::create(folder.join(QUESTIONS))?;
    let mut vectors = Output::create(folder.join(QUESTION_VECTORS))?;
    vectors.bytes(&npy_header(texts.len(), dimensions))?;
    settings.progress.begin("embedding", Some(texts.len() as u64), Unit::Questions);
    for (row, (item, text)) in questions.items()?.zip(&texts).enumerate() {
        let unreadable = |source| BatchError::Unreadable { name: questions.name().to_owned(), source };
        let item = item.map_err(unreadable)?;
        let text = text.as_deref().map(str::trim);
        lines.line(&QuestionLine { schema: SCHEMA, row, id: item.id.as_deref(), query: text })?;
        match text.filter(|text| !text.is_empty()) {
            Some(text) => vectors.numbers(embedder.encode(text, Role::Query)?.pooled.as_slice())?,
            None => vectors.numbers(&vec![0.0; dimensions])?,
        }
        settings.progress.advance(1);
    }
    settings.progress.finish();
    lines.finish()?;
    vectors.finish()?;
    Ok(texts.len())
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers and lists of them always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

/// One file of the export.
struct Output {
    path: PathBuf,
    file: BufWriter<std::fs::File>,
}

impl Output {
    fn create(path: PathBuf) -> Result<Self, Failure> {
        Ok(Self { file: BufWriter::new(output_file::open(&path, 0)?), path })
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|source| Failure::Unwritable { path: self.path.clone(), source })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.bytes((json(value) + "\n").as_bytes())
    }

    fn numbers(&mut self, numbers: &[f32]) -> Result<(), Failure> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|source| Failure::Unwritable { path: self.path, source })
    }
}
