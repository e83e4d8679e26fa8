//! An opened generation: everything checked once, then only read.

use std::path::{Path, PathBuf};

use super::chunks::{CHUNKS, ChunkStore, DOCUMENTS, DocumentRecord, StoredChunk};
use super::failure::OpenError;
use super::graph::{self, Graph};
use super::lexical::{self, Lexical};
use super::manifest::{Manifest, read_manifest};
use super::storage::{Check, Kind, MappedFile};
use super::tokens::{self, TokenSigns};
use super::vectors::{self, Vectors};

pub(super) const DOCUMENTS_FILE: &str = "documents.bin";
pub(super) const CHUNKS_FILE: &str = "chunks.bin";
pub(super) const VECTORS_FILE: &str = "vectors.bin";
pub(super) const TOKENS_FILE: &str = "tokens.bin";
pub(super) const LEXICAL_FILE: &str = "lexical.bin";
/// Only there from a number of chunks on.
pub(super) const GRAPH_FILE: &str = "graph.bin";

/// One generation of an index, ready to be searched. It stays whole and readable while newer
/// generations are written.
pub struct Index {
    folder: PathBuf,
    manifest: Manifest,
    store: ChunkStore,
    vectors: Vectors,
    tokens: TokenSigns,
    lexical: Lexical,
    graph: Option<Graph>,
}

impl Index {
    /// Opens the current generation of the index in `folder`: version, shape and sizes are checked
    /// here, once, and of small files every byte. What this lets through in a large file is found by
    /// [`Index::open_whole`], and does no more harm than a wrong order of the hits.
    ///
    /// # Errors
    /// See [`OpenError`]: each says what does not fit, and has a hint at what mends it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_checked(folder, Check::Quick)
    }

    /// The same, with a look at every byte of every file.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_whole(folder: &Path) -> Result<Self, OpenError> {
        Self::open_checked(folder, Check::Whole)
    }

    pub(super) fn open_checked(folder: &Path, check: Check) -> Result<Self, OpenError> {
        // A writer may remove the generation between our reading of the manifest and of its
        // files; the manifest then names a newer one.
        let manifest = read_manifest(folder)?;
        match Self::open_generation(folder, manifest.clone(), check) {
            Ok(index) => Ok(index),
            Err(error) => match read_manifest(folder) {
                Ok(newer) if newer.generation != manifest.generation => {
                    Self::open_generation(folder, newer, check)
                }
                _ => Err(error),
            },
        }
    }

    pub(super) fn open_generation(
        folder: &Path,
        manifest: Manifest,
        check: Check,
    ) -> Result<Self, OpenError> {
        let files = manifest.generation_folder(folder);
        let open = |name: &str, kind: Kind| {
            let path = files.join(name);
            let checksum = manifest.checksums.get(name);
            let checksum =
                checksum.ok_or_else(|| OpenError::damaged(&path, "the manifest does not name it"))?;
            MappedFile::open(&path, kind, manifest.format, checksum, check)
        };
        let store = ChunkStore::open(open(DOCUMENTS_FILE, DOCUMENTS)?, open(CHUNKS_FILE, CHUNKS)?)?;
        let dimensions = manifest.model.dimensions;
        let vectors = Vectors::open(
            open(VECTORS_FILE, vectors::KIND)?,
            manifest.format,
            dimensions,
            (store.chunk_count(), store.document_count()),
        )?;
        let tokens = TokenSigns::open(open(TOKENS_FILE, tokens::KIND)?, store.chunk_count(), dimensions)?;
        let lexical = Lexical::open(open(LEXICAL_FILE, lexical::KIND)?, store.chunk_count())?;
        let counts = (store.document_count(), store.chunk_count());
        if counts != (manifest.counts.documents, manifest.counts.chunks) {
            return Err(OpenError::damaged(&files, "its files do not hold what the manifest counts"));
        }
        let graph = if manifest.checksums.contains_key(GRAPH_FILE) {
            Some(Graph::open(open(GRAPH_FILE, graph::KIND)?, store.chunk_count())?)
        } else {
            None
        };
        Ok(Self { folder: folder.to_owned(), manifest, store, vectors, tokens, lexical, graph })
    }

    /// Gives back the memory of what was looked at, after a long look: what is wanted again is read again.
    pub fn forget_pages(&self) {
        self.store.forget_pages();
        self.vectors.forget_pages();
        self.tokens.forget_pages();
        self.lexical.forget_pages();
    }

    /// The folder that the index is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What made it, and how much it holds.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The chunks' vectors.
    #[must_use]
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// The chunks' tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenSigns {
        &self.tokens
    }

    /// The chunks' terms.
    #[must_use]
    pub fn lexical(&self) -> &Lexical {
        &self.lexical
    }

    /// The graph over the vectors, where there are enough of them.
    #[must_use]
    pub fn graph(&self) -> Option<&Graph> {
        self.graph.as_ref()
    }

    /// Number of documents.
    #[must_use]
    pub fn document_count(&self) -> usize {
        self.store.document_count()
    }

    /// Number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.store.chunk_count()
    }

    /// A document by its number.
    ///
    /// # Errors
    /// Where there is none, or its record is damaged.
    pub fn document(&self, index: usize) -> Result<DocumentRecord, OpenError> {
        self.store.document(index)
    }

    /// A chunk by its number.
    ///
    /// # Errors
    /// Where there is none, or its record is damaged.
    pub fn chunk(&self, index: usize) -> Result<StoredChunk, OpenError> {
        self.store.chunk(index)
    }
}
