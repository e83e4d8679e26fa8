//! Packs the blocks of a document into chunks.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::line_index::LineIndex;
use super::passage::Header;
use super::split::split;
use super::{Chunk, ChunkId, TokenCounter};
use crate::parse::{Block, BlockKind, ParsedDocument, Part, Section, plain_text_of};
use crate::source::SourcePath;

/// How large chunks are, in tokens of the encoder. Stored in the manifest: an index is only
/// updated with the settings that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSettings {
    /// See [`RULES`].
    #[serde(default)]
    pub rules: u32,
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
        let max_tokens = max_tokens.min(LONGEST);
        Self {
            rules: RULES,
            max_tokens,
            target_tokens: 160.min(max_tokens * 5 / 8),
            min_tokens: 56.min(max_tokens / 5),
        }
    }
}

/// Encoders that take in whole books still point better at a passage than at a chapter.
const LONGEST: usize = 512;

/// Counts the changes to parsing, cutting and headers: an index that older rules made is built anew
/// (what comes out the same is not embedded again).
pub const RULES: u32 = 4;

/// Special tokens that an encoder puts around a text.
pub const SPECIAL_TOKENS: usize = 2;

/// An entry of a changelog is shown whole in up to this many chunks.
const MOST_PARTS: usize = 8;

/// Cuts documents into chunks with fixed settings.
pub struct Chunker<'counter> {
    settings: ChunkSettings,
    counter: &'counter dyn TokenCounter,
}

/// A piece of a section that fits on its own.
#[derive(Clone)]
struct Piece {
    headings: Vec<String>,
    /// Where the line of the last heading begins, of the first piece under it.
    heading_start: Option<usize>,
    span: Range<usize>,
    body: String,
    tokens: usize,
    part: Part,
}

impl<'counter> Chunker<'counter> {
    /// A chunker that counts with `counter`.
    #[must_use]
    pub fn new(settings: ChunkSettings, counter: &'counter dyn TokenCounter) -> Self {
        Self { settings, counter }
    }

    /// The chunks of a parsed document, in the order of the source. `text` is what was parsed.
    #[must_use]
    pub fn chunk(&self, path: &SourcePath, text: &str, document: &ParsedDocument) -> Vec<Cut> {
        let header = Header::new(path, document);
        let mut packed: Vec<Piece> = Vec::new();
        for section in &document.sections {
            packed.extend(self.section_pieces(text, &header, section));
        }
        let merged = self.merge_small(&header, packed);
        self.cuts(path, text, &header, merged)
    }

    /// The section's blocks, packed up to the target.
    fn section_pieces(&self, text: &str, header: &Header<'_>, section: &Section) -> Vec<Piece> {
        let budget = self.body_budget(header, &section.headings);
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
        if let Some(first) = packed.first_mut() {
            first.heading_start = section.heading.as_ref().map(|line| line.start);
        }
        packed
    }

    /// How many tokens of body fit under these headings.
    fn body_budget(&self, header: &Header<'_>, headings: &[String]) -> usize {
        let limit = self.settings.max_tokens.saturating_sub(SPECIAL_TOKENS);
        let taken = self.counter.count(&self.header(header, headings));
        limit.saturating_sub(taken).max(1)
    }

    /// The header takes up to a third of what the encoder takes in.
    fn header(&self, header: &Header<'_>, headings: &[String]) -> String {
        header.over(headings, self.settings.max_tokens / 3, self.counter)
    }

    fn block_pieces(&self, text: &str, section: &Section, block: &Block, budget: usize) -> Vec<Piece> {
        let tokens = self.counter.count(&block.text);
        if tokens <= budget {
            return vec![Piece::of(section, block.span.clone(), block.text.clone(), tokens)];
        }
        if let Some(pieces) = self.entry_pieces(section, block, budget) {
            return pieces;
        }
        let source = &text[block.span.clone()];
        let is_markup = block.text != source;
        let piece = |part: Range<usize>| {
            let body = part_body(&source[part.clone()], block.kind, is_markup);
            let tokens = self.counter.count(&body);
            let span = block.span.start + part.start..block.span.start + part.end;
            Piece::of(section, span, body, tokens)
        };
        split(source, block.kind, budget, self.counter).into_iter().map(piece).collect()
    }

    /// What an entry of a changelog says, in parts. Its source is JSON, which is not cut: each part
    /// shows the whole entry, unless it is so long that this would be too much.
    fn entry_pieces(&self, section: &Section, block: &Block, budget: usize) -> Option<Vec<Piece>> {
        if section.part != Part::Entry {
            return None;
        }
        let parts = split(&block.text, block.kind, budget, self.counter);
        let piece = |part: Range<usize>| {
            let body = block.text[part].to_owned();
            let tokens = self.counter.count(&body);
            Piece::of(section, block.span.clone(), body, tokens)
        };
        (parts.len() <= MOST_PARTS).then(|| parts.into_iter().map(piece).collect())
    }

    fn cuts(&self, path: &SourcePath, text: &str, header: &Header<'_>, pieces: Vec<Piece>) -> Vec<Cut> {
        let lines = LineIndex::new(text);
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let cut = |piece: Piece| {
            let shown = &text[piece.span.clone()];
            let occurrence = seen.entry(shown).or_default();
            let id = ChunkId::of(path, shown, *occurrence);
            *occurrence += 1;
            let last_byte = piece.span.end.saturating_sub(1).max(piece.span.start);
            let passage = format!("{}\n{}", self.header(header, &piece.headings), piece.body);
            let chunk = Chunk {
                id,
                headings: piece.headings,
                lines: (lines.line_of(piece.span.start), lines.line_of(last_byte)),
                bytes: piece.span,
                text: shown.to_owned(),
            };
            Cut { chunk, body: piece.body, passage }
        };
        pieces.into_iter().map(cut).collect()
    }

    /// Joins pieces of small sections with what follows (or, at the end, with what stands before).
    fn merge_small(&self, header: &Header<'_>, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces {
            match merged.last_mut() {
                Some(last) if self.may_merge(header, last, &piece) => self.merge(last, piece),
                _ => merged.push(piece),
            }
        }
        merged
    }

    /// Joins a piece of another section: the headings that they do not share move into the body, and the line of
    /// the first, which no breadcrumb shows any more, into what is shown.
    fn merge(&self, first: &mut Piece, mut second: Piece) {
        let common = common_prefix(&first.headings, &second.headings);
        if first.headings.len() > common {
            first.span.start = first.heading_start.take().unwrap_or(first.span.start);
        }
        for piece in [&mut *first, &mut second] {
            if piece.headings.len() > common {
                let line = piece.headings[common..].join(" > ");
                piece.tokens += self.counter.count(&line);
                // The body of a section without text is its heading already.
                let is_said = piece.headings.last() == Some(&piece.body);
                piece.body = if is_said { line } else { format!("{line}\n{}", piece.body) };
                piece.headings.truncate(common);
            }
        }
        first.append(&second);
    }

    fn may_merge(&self, header: &Header<'_>, first: &Piece, second: &Piece) -> bool {
        let small = first.tokens < self.settings.min_tokens || second.tokens < self.settings.min_tokens;
        let fits = first.tokens + second.tokens + SPECIAL_TOKENS <= self.settings.target_tokens;
        let same_part = first.part == second.part && first.part != Part::Entry;
        small
            && fits
            && same_part
            && are_related(&first.headings, &second.headings)
            && self.is_within_limit(header, first, second)
    }

    /// Whether the encoder takes in all of both, joined: the header is another than that of either, and
    /// headings are in the body as well.
    fn is_within_limit(&self, header: &Header<'_>, first: &Piece, second: &Piece) -> bool {
        let common = common_prefix(&first.headings, &second.headings);
        let lines = [first, second].map(|piece| self.counter.count(&piece.headings[common..].join(" > ")));
        let body = first.tokens + second.tokens + lines.iter().sum::<usize>();
        body <= self.body_budget(header, &first.headings[..common])
    }
}

/// A chunk as it was cut, with what is embedded and indexed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// What is stored and shown.
    pub chunk: Chunk,
    /// Its text without markup.
    pub body: String,
    /// What the encoder reads: a header and the body.
    pub passage: String,
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
    fn of(section: &Section, span: Range<usize>, body: String, tokens: usize) -> Self {
        let headings = section.headings.clone();
        Self { headings, heading_start: None, span, body, tokens, part: section.part }
    }

    fn append(&mut self, next: &Piece) {
        self.span.end = next.span.end;
        self.body.push('\n');
        self.body.push_str(&next.body);
        self.tokens += next.tokens;
    }
}

/// What a part of a block says; where the block is its source word for word, so is the part.
fn part_body(source: &str, kind: BlockKind, is_markup: bool) -> String {
    match kind {
        BlockKind::Code | BlockKind::Unit(_) => source.to_owned(),
        _ if is_markup => plain_text_of(source),
        _ => source.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Embedder, HashingEmbedder};
    use crate::parse::{Format, parse};

    /// One token a word, as white space separates them.
    struct Words;

    impl TokenCounter for Words {
        fn count(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }
    }

    const SETTINGS: ChunkSettings =
        ChunkSettings { rules: RULES, max_tokens: 40, target_tokens: 20, min_tokens: 6 };

    fn chunks_of(text: &str) -> Vec<Cut> {
        chunks_of_file("a.md", text)
    }

    fn chunks_of_file(name: &str, text: &str) -> Vec<Cut> {
        let path = SourcePath::try_from(name.to_owned()).unwrap();
        let document = parse(&path, Format::of(&path).unwrap(), text);
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
        assert_eq!(chunks[1].chunk.text, "## A\n\nshort a\n\n## B\n\nshort b");
        assert_eq!(chunks[1].body, "A\nshort a\nB\nshort b");
        assert_eq!(chunks[1].chunk.lines, (5, 11));
        assert_eq!(chunks[2].chunk.headings, ["C"]);
    }

    /// Two small sections under headings of twelve words: with the lines of both in the body and the
    /// description above, they are more than the encoder takes in.
    #[test]
    fn what_would_be_cut_off_once_joined_is_not_joined() {
        let description = words(9);
        let joined = |size: usize| {
            let text = format!(
                "---\ntitle: T\ndescription: {description}\n---\n## {0} a\n\nbody a\n\n## {0} b\n\nbody b\n",
                words(size)
            );
            let cuts = chunks_of(&text);
            for Cut { passage, .. } in &cuts {
                assert!(Words.count(passage) + SPECIAL_TOKENS <= SETTINGS.max_tokens, "{passage}");
            }
            cuts.iter().any(|cut| cut.body.contains("body a") && cut.body.contains("body b"))
        };
        assert!(joined(11));
        assert!(!joined(12));
    }

    #[test]
    fn blocks_are_packed_to_the_target_and_kept_whole() {
        let text = format!("# T\n\n{}\n\n{}\n\n```\n{}\n```\n", words(9), words(9), words(30));
        let sizes: Vec<usize> = chunks_of(&text).iter().map(|chunk| Words.count(&chunk.body)).collect();
        assert_eq!(sizes, [18, 30]);
    }

    /// One word of half a megabyte, measured as encoders are.
    #[test]
    fn a_word_without_end_is_cut() {
        struct Encoder(HashingEmbedder);
        impl TokenCounter for Encoder {
            fn count(&self, text: &str) -> usize {
                self.0.count_tokens(text)
            }
        }
        let path = SourcePath::try_from("a.md".to_owned()).unwrap();
        let text = format!("# Dump\n\n{}\n", "0123456789abcdef".repeat(32 << 10));
        let document = parse(&path, Format::Markdown, &text);
        let counter = Encoder(HashingEmbedder::default());
        let cuts = Chunker::new(ChunkSettings::for_encoder(256), &counter).chunk(&path, &text, &document);
        assert!(cuts.iter().all(|cut| cut.chunk.text.len() <= 4 * 256), "{}", cuts.len());
    }

    #[test]
    fn parts_of_plain_text_are_its_words_as_they_are() {
        let text = format!("{} <input file> *.rs", words(60));
        let bodies: Vec<String> =
            chunks_of_file("a.txt", &text).into_iter().map(|chunk| chunk.body).collect();
        assert!(bodies.len() > 1);
        assert_eq!(bodies.join(" "), text);
    }

    #[test]
    fn parts_of_an_entry_say_what_it_says_and_show_it_whole() {
        let entry = |size| format!(r#"[{{"version":"1.2","changes":["{}","Last."]}}]"#, words(size));
        let text = entry(60);
        let chunks = chunks_of_file("changes.json", &text);
        assert!(chunks.len() > 1);
        for Cut { chunk, body, .. } in &chunks {
            assert_eq!(chunk.text, text[1..text.len() - 1]);
            assert!(!body.contains('"'), "{body}");
        }
        let text = entry(2000);
        assert!(
            chunks_of_file("changes.json", &text).iter().all(|cut| cut.chunk.text.len() < text.len() / 2)
        );
    }

    #[test]
    fn a_bare_heading_is_said_once_where_it_is_joined() {
        let chunks = chunks_of("# T\n\nshort\n\n## Price\n\n<Table />\n\n## B\n\nshort b\n");
        assert_eq!(chunks[0].body, "short\nPrice\nB\nshort b");
    }

    #[test]
    fn repeated_passages_have_different_ids() {
        let text = format!("# T\n\n{0}\n\n{0}\n", words(19));
        let chunks = chunks_of(&text);
        assert_eq!(chunks[0].chunk.text, chunks[1].chunk.text);
        assert_ne!(chunks[0].chunk.id, chunks[1].chunk.id);
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
            for Cut { chunk, passage, .. } in chunks_of(&text) {
                proptest::prop_assert!(chunk.bytes.start >= end);
                end = chunk.bytes.end;
                proptest::prop_assert_eq!(&text[chunk.bytes.clone()], chunk.text.as_str());
                let tokens = Words.count(&passage);
                proptest::prop_assert!(tokens + SPECIAL_TOKENS <= SETTINGS.max_tokens, "{tokens} tokens");
            }
        }
    }
}
