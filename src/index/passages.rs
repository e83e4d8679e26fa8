//! What is embedded for a chunk: its title and headings, then its text.

use crate::chunking::{Chunk, TokenCounter, breadcrumb};
use crate::embedding::{Embedder, ModelIdentity};

/// An encoder as the chunker's ruler.
pub(super) struct EncoderTokens<'embedder>(pub(super) &'embedder dyn Embedder);

impl TokenCounter for EncoderTokens<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}

/// The text that the encoder sees.
pub(super) fn passage(title: &str, chunk: &Chunk) -> String {
    format!("{}\n{}", breadcrumb(title, &chunk.headings), chunk.body)
}

/// Names a vector: the model that makes it, and what it is made of.
pub(super) fn passage_hash(model: &ModelIdentity, passage: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.sha256.as_bytes());
    hasher.update(&[0]);
    hasher.update(passage.as_bytes());
    *hasher.finalize().as_bytes()
}
