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

/// text-splitter looks at all that is left of a word for each piece that it cuts from it. So a word of more
/// bytes, which nobody reads, is handed over piece by piece: a file of one word would take hours.
const LONGEST_WORD: usize = 16 << 10;

/// The spans of `text` (offsets into it) after cutting it into pieces of at most `limit` tokens.
pub(super) fn split(
    text: &str,
    kind: BlockKind,
    limit: usize,
    counter: &dyn TokenCounter,
) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for part in parts(text) {
        let start = part.start;
        let found = split_part(&text[part], kind, limit, counter);
        spans.extend(found.into_iter().map(|span| start + span.start..start + span.end));
    }
    spans
}

/// All of `text`, cut where a word goes on for too long; one part where none does.
fn parts(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut word) = (0, 0);
    for (offset, letter) in text.char_indices() {
        if letter.is_whitespace() {
            word = offset + letter.len_utf8();
        } else if offset - word >= LONGEST_WORD {
            parts.push(start..offset);
            (start, word) = (offset, offset);
        }
    }
    parts.push(start..text.len());
    parts
}

fn split_part(text: &str, kind: BlockKind, limit: usize, counter: &dyn TokenCounter) -> Vec<Range<usize>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_without_end_are_handed_over_in_pieces() {
        assert_eq!(parts(&"some words ".repeat(10_000)).len(), 1);
        let text = format!("a {} b", "é".repeat(LONGEST_WORD + 1));
        let (first, second) = (2 + LONGEST_WORD, 2 + 2 * LONGEST_WORD);
        assert_eq!(parts(&text), [0..first, first..second, second..text.len()]);
    }
}
