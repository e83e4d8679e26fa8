//! Cuts a block that is over the limit at the best places inside it, with text-splitter.

use std::ops::Range;

use text_splitter::{ChunkConfig, ChunkSizer, CodeSplitter, MarkdownSplitter, TextSplitter};

use super::TokenCounter;
use crate::parse::BlockKind;

/// text-splitter's view of a [`TokenCounter`].
struct Sizer<'counter>(&'counter dyn TokenCounter);

impl ChunkSizer for Sizer<'_> {
    fn size(&self, chunk: &str) -> usize {
        self.0.count(chunk)
    }
}

/// The spans of `text` (offsets into it) after cutting it into pieces of at most `limit` tokens.
pub(super) fn split(
    text: &str,
    kind: BlockKind,
    limit: usize,
    counter: &dyn TokenCounter,
) -> Vec<Range<usize>> {
    let config = || ChunkConfig::new(limit.max(1)).with_sizer(Sizer(counter));
    let spans = |(start, piece): (usize, &str)| start..start + piece.len();
    match kind {
        BlockKind::Prose | BlockKind::List | BlockKind::Table => {
            MarkdownSplitter::new(config()).chunk_indices(text).map(spans).collect()
        }
        BlockKind::Code | BlockKind::Entry => {
            TextSplitter::new(config()).chunk_indices(text).map(spans).collect()
        }
        BlockKind::Unit(grammar) => match CodeSplitter::new(grammar.language(), config()) {
            Ok(splitter) => splitter.chunk_indices(text).map(spans).collect(),
            Err(_) => TextSplitter::new(config()).chunk_indices(text).map(spans).collect(),
        },
    }
}
