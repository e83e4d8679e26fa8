//! The documents of a build, read and cut. What they hold is spooled: of a chunk its place there and the
//! name of its vector stay in memory, 48 bytes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::cache::PassageHash;
use super::chunks::DocumentRecord;
use super::failure::BuildError;
use super::passages::passage_hash;
use super::records;
use super::spool::{Piece, Spool};
use crate::chunking::Cut;
use crate::embedding::ModelIdentity;

/// Documents and their chunks, in the order of the index.
pub(super) struct Prepared {
    folder: PathBuf,
    pub(super) documents: Vec<DocumentRecord>,
    /// Names of the chunks' vectors.
    pub(super) hashes: Vec<PassageHash>,
    cuts: Vec<Piece>,
    spool: Spool,
}

/// A document and the places of its chunks.
pub(super) struct SpooledDocument {
    document: DocumentRecord,
    chunks: Vec<(PassageHash, Piece)>,
}

/// Takes documents in any order, from several threads.
pub(super) struct Preparation<'build> {
    folder: &'build Path,
    model: &'build ModelIdentity,
    spool: Mutex<Spool>,
}

impl<'build> Preparation<'build> {
    pub(super) fn new(folder: &'build Path, model: &'build ModelIdentity) -> Result<Self, BuildError> {
        Ok(Self { folder, model, spool: Mutex::new(Spool::new(folder)?) })
    }

    /// Spools the chunks of a document.
    pub(super) fn add(&self, document: DocumentRecord, cuts: &[Cut]) -> Result<SpooledDocument, BuildError> {
        let mut chunks = Vec::with_capacity(cuts.len());
        for cut in cuts {
            let failed = |source| BuildError::Write { path: self.folder.to_owned(), source };
            let record = records::to_bytes(cut).map_err(failed)?;
            let piece = self.spool.lock().unwrap_or_else(PoisonError::into_inner).push(&record)?;
            chunks.push((passage_hash(self.model, &cut.passage), piece));
        }
        Ok(SpooledDocument { document, chunks })
    }

    /// All of them, in the order of `documents`.
    pub(super) fn finish(self, documents: Vec<SpooledDocument>) -> Prepared {
        let spool = self.spool.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut prepared = Prepared {
            folder: self.folder.to_owned(),
            documents: Vec::with_capacity(documents.len()),
            hashes: Vec::new(),
            cuts: Vec::new(),
            spool,
        };
        for SpooledDocument { document, chunks } in documents {
            let first_chunk = prepared.cuts.len() as u32;
            prepared.documents.push(DocumentRecord { first_chunk, ..document });
            let (hashes, cuts): (Vec<_>, Vec<_>) = chunks.into_iter().unzip();
            prepared.hashes.extend(hashes);
            prepared.cuts.extend(cuts);
        }
        prepared
    }
}

impl Prepared {
    /// Where it is spooled.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Number of chunks.
    pub(super) fn len(&self) -> usize {
        self.cuts.len()
    }

    /// A chunk, with what is embedded and indexed for it.
    pub(super) fn cut(&self, number: usize) -> Result<Cut, BuildError> {
        let record = self.spool.read(self.cuts[number])?;
        records::from_bytes(&record).map_err(|source| BuildError::Write { path: self.folder.clone(), source })
    }

    /// What stands for a chunk is not there any more, although nobody removed it.
    pub(super) fn lost(&self, number: usize) -> BuildError {
        let message = format!("what was made of chunk {number} does not read back");
        BuildError::Write { path: self.folder.clone(), source: std::io::Error::other(message) }
    }

    /// The document of each chunk.
    pub(super) fn document_of(&self) -> Vec<u32> {
        let documents = self.documents.iter().enumerate();
        documents
            .flat_map(|(number, document)| std::iter::repeat_n(number as u32, document.chunk_count as usize))
            .collect()
    }
}
