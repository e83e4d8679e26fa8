//! A file to its chunks: read, converted, parsed and cut, as it is for an index.

use super::passages::EncoderTokens;
use crate::chunking::{ChunkSettings, Chunker, Cut};
use crate::embedding::Embedder;
use crate::extract::{converted_text, read_document};
use crate::parse::{Format, parse};
use crate::source::{FileText, SkipReason, SourceFile};

/// How files are read and cut.
pub struct Cutter<'work> {
    /// How large chunks are.
    pub chunking: ChunkSettings,
    /// Whose tokens are counted.
    pub embedder: &'work dyn Embedder,
    /// The largest file that is read.
    pub max_bytes: u64,
}

/// A file and its chunks.
#[derive(Debug, Clone)]
pub struct CutFile {
    /// The document's title.
    pub title: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// The digest of its bytes.
    pub hash: String,
    /// Its chunks, in the order of the source.
    pub cuts: Vec<Cut>,
}

impl Cutter<'_> {
    /// The chunks of `file`.
    ///
    /// # Errors
    /// Why the file is left out.
    pub fn cut(&self, file: &SourceFile) -> Result<CutFile, SkipReason> {
        let read = match &file.record {
            Some(record) => {
                FileText { text: converted_text(&file.path, record.text.clone())?, hash: record.hash() }
            }
            None => read_document(&file.path, &file.location, self.max_bytes)?,
        };
        let format = Format::of(&file.path);
        let mut parsed = parse(&file.path, format.unwrap_or(Format::PlainText), &read.text);
        // A record's id is no title, unless it is a file's name.
        if let Some(record) =
            file.record.as_ref().filter(|record| format.is_none() || !record.title.is_empty())
        {
            parsed.title.clone_from(&record.title);
        }
        let counter = EncoderTokens(self.embedder);
        let cuts = Chunker::new(self.chunking, &counter).chunk(&file.path, &read.text, &parsed);
        Ok(CutFile { title: parsed.title, description: parsed.description, hash: read.hash, cuts })
    }
}
