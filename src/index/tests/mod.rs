//! What an index goes through: builds that fail at any step, files that are damaged anywhere, edits in
//! any order.

mod building;
mod damage;
mod edits;
mod faults;

use std::fs;
use std::path::Path;

use super::{BuildError, BuildReport, Index, IndexBuilder, Root};
use crate::chunking::ChunkSettings;
use crate::embedding::{EmbedError, Embedder, Encoding, HashingEmbedder, ModelIdentity, Role};
use crate::progress::Silent;

/// Documents, and an index of them.
struct Fixture {
    source: tempfile::TempDir,
    index: tempfile::TempDir,
    embedder: Box<dyn Embedder>,
}

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let fixture = Self {
            source: tempfile::tempdir().unwrap(),
            index: tempfile::tempdir().unwrap(),
            embedder: Box::new(HashingEmbedder::default()),
        };
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.source.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn build(&self) -> Result<BuildReport, BuildError> {
        self.build_in(self.index.path())
    }

    fn build_in(&self, folder: &Path) -> Result<BuildReport, BuildError> {
        self.builder(folder).build()
    }

    fn builder(&self, folder: &Path) -> IndexBuilder<'_> {
        let roots = vec![Root::at(self.source.path().to_owned())];
        let chunking = ChunkSettings::for_encoder(256);
        IndexBuilder {
            chunking,
            ..IndexBuilder::new(folder.to_owned(), roots, self.embedder.as_ref(), &Silent)
        }
    }

    fn generations(&self) -> usize {
        let entries = fs::read_dir(self.index.path()).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("gen-")).count()
    }

    /// The texts of all chunks, read from an index whose every byte is right.
    fn texts(&self) -> Vec<String> {
        let index = Index::open_whole(self.index.path()).unwrap();
        index.check_consistency().unwrap();
        (0..index.chunk_count()).map(|chunk| index.chunk(chunk).unwrap().chunk.text).collect()
    }
}

/// The stand-in on one thread, which is the one that faults are planned for.
struct OneThread(HashingEmbedder);

impl Embedder for OneThread {
    fn identity(&self) -> &ModelIdentity {
        self.0.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        self.0.encode(text, role)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        1
    }
}

/// The stand-in without token vectors: what it makes of a text depends on nothing else in the corpus.
struct WithoutTokens(HashingEmbedder);

impl Embedder for WithoutTokens {
    fn identity(&self) -> &ModelIdentity {
        self.0.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        let encoding = self.0.encode(text, role)?;
        Ok(Encoding { token_ids: Vec::new(), token_vectors: Vec::new(), ..encoding })
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        1
    }
}
