//! Documents and chunks as they are stored.

use serde::{Deserialize, Serialize};

use super::failure::OpenError;
use super::records::Records;
use super::storage::{Kind, MappedFile};
use crate::chunking::Chunk;
use crate::source::SourcePath;

pub(super) const DOCUMENTS: Kind = *b"documnts";
pub(super) const CHUNKS: Kind = *b"chunks  ";

/// A document of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// Its path under the indexed root.
    pub path: SourcePath,
    /// Its title.
    pub title: String,
    /// One or two sentences about it, where it has any.
    pub description: Option<String>,
    /// Number of the root in the manifest that it was found under.
    pub root: u32,
    /// blake3 of its bytes.
    pub hash: String,
    /// Size in bytes when it was read.
    pub size: u64,
    /// Modification time when it was read, nanoseconds since the Unix epoch.
    pub modified_ns: u64,
    /// Number of its first chunk.
    pub first_chunk: u32,
    /// How many chunks it has.
    pub chunk_count: u32,
}

/// A chunk of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChunk {
    /// Number of its document.
    pub document: u32,
    /// blake3 of what was embedded, which finds its vector again at the next build.
    pub passage_hash: [u8; 32],
    /// The chunk.
    pub chunk: Chunk,
}

/// Documents and chunks of a generation.
pub(super) struct ChunkStore {
    documents: Records<DocumentRecord>,
    chunks: Records<StoredChunk>,
}

impl ChunkStore {
    pub(super) fn open(documents: MappedFile, chunks: MappedFile) -> Result<Self, OpenError> {
        Ok(Self { documents: Records::open(documents)?, chunks: Records::open(chunks)? })
    }

    pub(super) fn forget_pages(&self) {
        self.documents.forget_pages();
        self.chunks.forget_pages();
    }

    pub(super) fn document_count(&self) -> usize {
        self.documents.len()
    }

    pub(super) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn document(&self, index: usize) -> Result<DocumentRecord, OpenError> {
        self.documents.get(index)
    }

    pub(super) fn chunk(&self, index: usize) -> Result<StoredChunk, OpenError> {
        self.chunks.get(index)
    }
}
