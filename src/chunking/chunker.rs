//! Packs the blocks of a document into chunks.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::line_index::LineIndex;
use super::split::split;
use super::{Chunk, ChunkId, TokenCounter};
use crate::parse::{Block, BlockKind, ParsedDocument, Section, plain_text_of};
use crate::source::SourcePath;

/// How large chunks are, in tokens of the encoder. Stored in the manifest: an index is only
/// updated with the settings that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSettings {
    /// The most that the encoder takes in, special tokens and headings included.
    pub max_tokens: usize,
    /// Blocks are packed up to this size.
    pub target_tokens: usize,
    /// Sections smaller than this are joined with a neighbour.
    pub min_tokens: usize,
}

impl ChunkSettings {
    /// The default sizes for an encoder that takes in `max_tokens`.
    #[must_use]
    pub fn for_encoder(max_tokens: usize) -> Self {
        Self { max_tokens, target_tokens: 160.min(max_tokens * 5 / 8), min_tokens: 40.min(max_tokens / 6) }
    }
}

/// Special tokens that an encoder puts around a text.
const SPECIAL_TOKENS: usize = 2;

/// Cuts documents into chunks with fixed settings.
pub struct Chunker<'counter> {
    settings: ChunkSettings,
    counter: &'counter dyn TokenCounter,
}

/// A piece of a section that fits on its own.
#[derive(Clone)]
struct Piece {
    headings: Vec<String>,
    span: Range<usize>,
    body: String,
    tokens: usize,
    standalone: bool,
}

impl<'counter> Chunker<'counter> {
    /// A chunker that counts with `counter`.
    #[must_use]
    pub fn new(settings: ChunkSettings, counter: &'counter dyn TokenCounter) -> Self {
        Self { settings, counter }
    }

    /// The chunks of a parsed document, in the order of the source. `text` is what was parsed.
    #[must_use]
    pub fn chunk(&self, path: &SourcePath, text: &str, document: &ParsedDocument) -> Vec<Chunk> {
        let mut packed: Vec<Piece> = Vec::new();
        for section in &document.sections {
            let pieces = self.section_pieces(text, &document.title, section);
            packed.extend(pieces);
        }
        let merged = self.merge_small(packed);
        into_chunks(path, text, merged)
    }

    /// The section's blocks, packed up to the target.
    fn section_pieces(&self, text: &str, title: &str, section: &Section) -> Vec<Piece> {
        let budget = self.body_budget(title, &section.headings);
        let target = self.settings.target_tokens.min(budget);
        let mut packed: Vec<Piece> = Vec::new();
        for block in &section.blocks {
            for piece in self.block_pieces(text, section, block, budget) {
                match packed.last_mut() {
                    Some(last) if last.tokens + piece.tokens <= target => last.append(&piece),
                    _ => packed.push(piece),
                }
            }
        }
        packed
    }

    /// How many tokens of body fit under these headings.
    fn body_budget(&self, title: &str, headings: &[String]) -> usize {
        let limit = self.settings.max_tokens.saturating_sub(SPECIAL_TOKENS);
        let prefix = self.counter.count(&breadcrumb(title, headings));
        // Headings longer than half of the limit are cut by the encoder's own truncation rather
        // than leave no room for the text.
        limit.saturating_sub(prefix.min(limit / 2)).max(1)
    }

    fn block_pieces(&self, text: &str, section: &Section, block: &Block, budget: usize) -> Vec<Piece> {
        let tokens = self.counter.count(&block.text);
        let piece = |span: Range<usize>, body: String, tokens: usize| Piece {
            headings: section.headings.clone(),
            span,
            body,
            tokens,
            standalone: section.standalone,
        };
        if tokens <= budget {
            return vec![piece(block.span.clone(), block.text.clone(), tokens)];
        }
        let source = &text[block.span.clone()];
        let mut pieces = Vec::new();
        for part in split(source, block.kind, budget, self.counter) {
            let span = block.span.start + part.start..block.span.start + part.end;
            let body = part_body(&text[span.clone()], block.kind);
            let tokens = self.counter.count(&body);
            pieces.push(piece(span, body, tokens));
        }
        pieces
    }

    /// Joins pieces of small sections with what follows (or, at the end, with what stands before).
    fn merge_small(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces {
            match merged.last_mut() {
                Some(last) if self.may_merge(last, &piece) => last.merge(piece),
                _ => merged.push(piece),
            }
        }
        merged
    }

    fn may_merge(&self, first: &Piece, second: &Piece) -> bool {
        let small = first.tokens < self.settings.min_tokens || second.tokens < self.settings.min_tokens;
        let fits = first.tokens + second.tokens + SPECIAL_TOKENS <= self.settings.target_tokens;
        small
            && fits
            && !first.standalone
            && !second.standalone
            && are_related(&first.headings, &second.headings)
    }
}

/// Neighbours under a common heading, or one under the other.
fn are_related(first: &[String], second: &[String]) -> bool {
    let common = common_prefix(first, second);
    common > 0 || first.is_empty() || second.is_empty() || first.len() == 1 && second.len() == 1
}

fn common_prefix(first: &[String], second: &[String]) -> usize {
    first.iter().zip(second).take_while(|(left, right)| left == right).count()
}

impl Piece {
    fn append(&mut self, next: &Piece) {
        self.span.end = next.span.end;
        self.body.push('\n');
        self.body.push_str(&next.body);
        self.tokens += next.tokens;
    }

    /// Joins a piece of another section: the headings that they do not share move into the body.
    fn merge(&mut self, mut next: Piece) {
        let common = common_prefix(&self.headings, &next.headings);
        if self.headings.len() > common {
            self.body = format!("{}\n{}", self.headings[common..].join(" > "), self.body);
        }
        if next.headings.len() > common {
            next.body = format!("{}\n{}", next.headings[common..].join(" > "), next.body);
        }
        self.headings.truncate(common);
        self.append(&next);
    }
}

fn part_body(source: &str, kind: BlockKind) -> String {
    match kind {
        BlockKind::Code => source.to_owned(),
        _ => plain_text_of(source),
    }
}

/// `Title > Heading > Heading`, as it stands above a chunk for the encoder.
#[must_use]
pub fn breadcrumb(title: &str, headings: &[String]) -> String {
    let mut line = title.to_owned();
    for heading in headings {
        line.push_str(" > ");
        line.push_str(heading);
    }
    line
}

fn into_chunks(path: &SourcePath, text: &str, pieces: Vec<Piece>) -> Vec<Chunk> {
    let lines = LineIndex::new(text);
    let mut seen: HashMap<String, usize> = HashMap::new();
    pieces
        .into_iter()
        .map(|piece| {
            let shown = text[piece.span.clone()].to_owned();
            let occurrence = seen.entry(shown.clone()).or_default();
            let id = ChunkId::of(path, &shown, *occurrence);
            *occurrence += 1;
            let last_byte = piece.span.end.saturating_sub(1).max(piece.span.start);
            Chunk {
                id,
                headings: piece.headings,
                lines: (lines.line_of(piece.span.start), lines.line_of(last_byte)),
                bytes: piece.span,
                text: shown,
                body: piece.body,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Format, parse};

    /// One token a word, as white space separates them.
    struct Words;

    impl TokenCounter for Words {
        fn count(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }
    }

    const SETTINGS: ChunkSettings = ChunkSettings { max_tokens: 40, target_tokens: 20, min_tokens: 6 };

    fn chunks_of(text: &str) -> Vec<Chunk> {
        let path = SourcePath::try_from("a.md".to_owned()).unwrap();
        let document = parse(&path, Format::Markdown, text);
        Chunker::new(SETTINGS, &Words).chunk(&path, text, &document)
    }

    fn words(count: usize) -> String {
        vec!["word"; count].join(" ")
    }

    #[test]
    fn sections_stay_apart_and_small_ones_join() {
        let text =
            format!("# T\n\n{}\n\n## A\n\nshort a\n\n## B\n\nshort b\n\n## C\n\n{}\n", words(18), words(19));
        let chunks = chunks_of(&text);
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[1].text, "short a\n\n## B\n\nshort b");
        assert_eq!(chunks[1].body, "A\nshort a\nB\nshort b");
        assert_eq!(chunks[1].lines, (7, 11));
        assert_eq!(chunks[2].headings, ["C"]);
    }

    #[test]
    fn blocks_are_packed_to_the_target_and_kept_whole() {
        let text = format!("# T\n\n{}\n\n{}\n\n```\n{}\n```\n", words(9), words(9), words(30));
        let sizes: Vec<usize> = chunks_of(&text).iter().map(|chunk| Words.count(&chunk.body)).collect();
        assert_eq!(sizes, [18, 30]);
    }

    #[test]
    fn repeated_passages_have_different_ids() {
        let text = format!("# T\n\n{0}\n\n{0}\n", words(19));
        let chunks = chunks_of(&text);
        assert_eq!(chunks[0].text, chunks[1].text);
        assert_ne!(chunks[0].id, chunks[1].id);
    }

    proptest::proptest! {
        #[test]
        fn chunks_are_exact_slices_in_order_within_the_limit(
            parts in proptest::collection::vec((0_usize..5, 1_usize..60), 1..12)
        ) {
            let mut text = String::new();
            for (kind, size) in parts {
                match kind {
                    0 => text.push_str(&format!("## heading {size}\n\n")),
                    1 => text.push_str(&format!("```\n{}\n```\n\n", words(size))),
                    2 => text.push_str(&format!("- {}\n- b\n\n", words(size))),
                    _ => text.push_str(&format!("{}\n\n", words(size))),
                }
            }
            let mut end = 0;
            for chunk in chunks_of(&text) {
                proptest::prop_assert!(chunk.bytes.start >= end);
                end = chunk.bytes.end;
                proptest::prop_assert_eq!(&text[chunk.bytes.clone()], chunk.text.as_str());
                let embedded = Words.count(&chunk.body) + Words.count(&breadcrumb("a", &chunk.headings));
                proptest::prop_assert!(embedded + SPECIAL_TOKENS <= SETTINGS.max_tokens, "{embedded} tokens");
            }
        }
    }
}
