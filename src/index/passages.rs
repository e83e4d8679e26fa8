//! An encoder as the chunker's ruler, and the names of the vectors that it makes.

use crate::chunking::TokenCounter;
use crate::embedding::{Embedder, ModelIdentity};

/// Counts with the encoder's own tokenizer.
pub(super) struct EncoderTokens<'embedder>(pub(super) &'embedder dyn Embedder);

impl TokenCounter for EncoderTokens<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}

/// Names a vector: the model that makes it, and what it is made of.
pub(super) fn passage_hash(model: &ModelIdentity, passage: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.sha256.as_bytes());
    hasher.update(&[0]);
    hasher.update(passage.as_bytes());
    *hasher.finalize().as_bytes()
}
