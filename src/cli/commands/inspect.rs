//! `docent inspect`: how files are cut into chunks.

use serde::Serialize;

use crate::chunking::{ChunkSettings, Cut, SPECIAL_TOKENS};
use crate::cli::args::InspectArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::evaluation::report::counted;
use crate::index::{BuildError, Cutter, read_manifest};
use crate::parse::Format;
use crate::source::{Limits, Skip, SourceFile, walk};

#[derive(Serialize)]
struct Inspection {
    schema: u32,
    model: String,
    chunking: ChunkSettings,
    documents: Vec<InspectedDocument>,
    skipped: Vec<Skip>,
}

#[derive(Serialize)]
struct InspectedDocument {
    path: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    chunks: Vec<InspectedChunk>,
}

#[derive(Serialize)]
struct InspectedChunk {
    id: String,
    start_line: u32,
    end_line: u32,
    start_byte: usize,
    end_byte: usize,
    /// Of what the encoder reads, its two special tokens included.
    tokens: usize,
    breadcrumb: Vec<String>,
    text: String,
    /// What the encoder reads.
    passage: String,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: &InspectArguments) -> Result<ExitStatus, Failure> {
    let limits = Limits::default();
    let found =
        walk(&arguments.path, &limits, None, &|path| Format::of(path).is_some()).map_err(BuildError::from)?;
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let embedder = model::load(settings, spec, Purpose::Asking)?;
    let chunking = ChunkSettings::for_encoder(embedder.max_passage_tokens());
    let cutter = Cutter { chunking, embedder: embedder.as_ref(), max_bytes: limits.max_file_bytes };
    let mut inspection = Inspection {
        schema: 1,
        model: embedder.identity().to_string(),
        chunking,
        documents: Vec::new(),
        skipped: found.skipped,
    };
    for file in &found.files {
        match document(&cutter, file) {
            Ok(document) => inspection.documents.push(document),
            Err(skip) => inspection.skipped.push(skip),
        }
    }
    if arguments.json {
        render::json(&inspection)?;
    } else {
        render::text(&describe(&inspection))?;
    }
    let has_chunks = inspection.documents.iter().any(|document| !document.chunks.is_empty());
    Ok(if has_chunks { ExitStatus::Success } else { ExitStatus::NothingFound })
}

fn document(cutter: &Cutter<'_>, file: &SourceFile) -> Result<InspectedDocument, Skip> {
    let path = file.path.to_string();
    let cut = cutter.cut(file).map_err(|reason| Skip { path: path.clone(), reason })?;
    let chunks = cut.cuts.into_iter().map(|cut| chunk(cut, cutter.embedder)).collect();
    Ok(InspectedDocument { path, title: cut.title, description: cut.description, chunks })
}

fn chunk(cut: Cut, embedder: &dyn Embedder) -> InspectedChunk {
    let (start_line, end_line) = cut.chunk.lines;
    InspectedChunk {
        id: cut.chunk.id.as_str().to_owned(),
        start_line,
        end_line,
        start_byte: cut.chunk.bytes.start,
        end_byte: cut.chunk.bytes.end,
        tokens: embedder.count_tokens(&cut.passage) + SPECIAL_TOKENS,
        breadcrumb: cut.chunk.headings,
        text: cut.chunk.text,
        passage: cut.passage,
    }
}

fn describe(inspection: &Inspection) -> String {
    let mut output = String::new();
    for document in &inspection.documents {
        let InspectedDocument { path, title, chunks, .. } = document;
        output.push_str(&format!("{path}: {title}, {}\n\n", counted(chunks.len(), "chunk")));
        for chunk in chunks {
            let InspectedChunk { start_line, end_line, tokens, id, .. } = chunk;
            output.push_str(&format!("lines {start_line}-{end_line}, {tokens} tokens, {id}\n"));
            if !chunk.breadcrumb.is_empty() {
                output.push_str(&format!("   {}\n", chunk.breadcrumb.join(" > ")));
            }
            for line in chunk.text.lines() {
                output.push_str(format!("   {line}").trim_end());
                output.push('\n');
            }
            output.push('\n');
        }
    }
    for skip in &inspection.skipped {
        output.push_str(&format!("left out: {}: {}\n", skip.path, skip.reason));
    }
    output
}
