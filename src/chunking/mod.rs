//! Documents to chunks: the passages that are embedded, ranked and returned.
//!
//! A chunk is a run of whole blocks of one section, as near to the target size as the blocks allow
//! and never over the encoder's limit, counted with the encoder's own tokenizer. What is shown is
//! an exact slice of the source; what is embedded is its plain text under its title and headings.

mod chunk;
mod chunker;
mod line_index;
mod passage;
mod split;

pub use chunk::{Chunk, ChunkId};
pub use chunker::{ChunkSettings, Chunker, Cut, RULES, SPECIAL_TOKENS};
pub use passage::breadcrumb;

/// Counts the tokens of a text as the encoder will see it, without its special tokens.
pub trait TokenCounter: Send + Sync {
    /// Number of tokens in `text`, not cut at any limit.
    fn count(&self, text: &str) -> usize;
}
