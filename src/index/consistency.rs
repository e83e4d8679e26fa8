//! Whether the files of a generation agree with each other, record by record: what a checksum cannot
//! tell, since a fault in docent itself would be checksummed with the rest.

use std::path::Path;

use super::chunks::DocumentRecord;
use super::failure::OpenError;
use super::{Graph, Index, StoredChunk};

impl Index {
    /// Reads every record and every number, for `docent doctor --deep`.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn check_consistency(&self) -> Result<(), OpenError> {
        let mut next_chunk = 0;
        let mut last: Option<DocumentRecord> = None;
        for number in 0..self.document_count() {
            let document = self.document(number)?;
            self.check_document(number, &document, last.as_ref(), next_chunk)?;
            next_chunk = document.first_chunk as usize + document.chunk_count as usize;
            last = Some(document);
        }
        if next_chunk != self.chunk_count() {
            let reason = format!("its documents have {next_chunk} chunks of {}", self.chunk_count());
            return Err(self.disagrees(reason));
        }
        self.vectors().check()?;
        self.graph().map_or(Ok(()), Graph::check)?;
        self.lexical().check()
    }

    fn check_document(
        &self,
        number: usize,
        document: &DocumentRecord,
        before: Option<&DocumentRecord>,
        next_chunk: usize,
    ) -> Result<(), OpenError> {
        let path = &document.path;
        if before.is_some_and(|before| before.path >= *path) {
            return Err(self.disagrees(format!("document `{path}` is out of order")));
        }
        if document.root as usize >= self.manifest().roots.len() {
            return Err(self.disagrees(format!("document `{path}` is of a root that is not in the manifest")));
        }
        if document.first_chunk as usize != next_chunk {
            return Err(
                self.disagrees(format!("the chunks of document `{path}` do not follow the last ones"))
            );
        }
        for chunk in next_chunk..next_chunk + document.chunk_count as usize {
            let stored = self.chunk(chunk)?;
            if stored.document as usize != number || !is_plausible(&stored) {
                return Err(self.disagrees(format!("chunk {chunk} is not one of document `{path}`")));
            }
        }
        Ok(())
    }

    fn disagrees(&self, reason: String) -> OpenError {
        let files: &Path = &self.manifest().generation_folder(self.folder());
        OpenError::damaged(files, reason)
    }
}

fn is_plausible(stored: &StoredChunk) -> bool {
    let chunk = &stored.chunk;
    chunk.lines.0 >= 1 && chunk.lines.0 <= chunk.lines.1 && chunk.bytes.start <= chunk.bytes.end
}
