//! Text to structure: a title, a description, and sections of blocks, each with its exact place in
//! the source.
//!
//! A parser never changes what is shown to a reader (that is always a slice of the source); it
//! decides where blocks begin and end, which headings stand above them, and what plain text an
//! encoder and a lexical index should see of them.

mod changelog;
mod changelog_json;
mod code;
mod front_matter;
mod grammar;
mod markdown;
mod markdown_lines;
mod plain;
mod plain_text;
mod restructured;

use std::ops::Range;

use crate::source::SourcePath;

pub use changelog::{ChangelogEntry, changelog_entries, plain_changelog_entries};
pub use grammar::Grammar;

/// A document's structure. Spans are byte offsets into the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDocument {
    /// From the front matter, else the first heading, else the file's name.
    pub title: String,
    /// One or two sentences about the whole document, where it has any.
    pub description: Option<String>,
    /// In the order of the source.
    pub sections: Vec<Section>,
}

/// The blocks under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// The headings above these blocks, outermost first, without the document's title.
    pub headings: Vec<String>,
    /// The place of the last of them in the source, where the parser knows it.
    pub heading: Option<Range<usize>>,
    /// What stands under them.
    pub blocks: Vec<Block>,
    /// Which part of the document it belongs to: sections of different parts are never joined.
    pub part: Part,
}

/// The parts of a document that differ in kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// Headings, paragraphs, code.
    #[default]
    Body,
    /// The keys above the body.
    FrontMatter,
    /// An entry of a changelog, which stands for itself.
    Entry,
}

/// A piece of a document that should stay whole where it fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is, which decides where it may be cut.
    pub kind: BlockKind,
    /// Its place in the source, in bytes.
    pub span: Range<usize>,
    /// What it says, without markup.
    pub text: String,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Paragraphs.
    Prose,
    /// A fenced block, or lines of a file in a language without a grammar.
    Code,
    /// A unit of source code, which is cut along its syntax.
    Unit(Grammar),
    /// A table with its header.
    Table,
    /// A list with all its items.
    List,
    /// A key of a front matter, or an entry of a changelog.
    Entry,
}

/// How a file is read, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `CommonMark` and its relatives, and what was converted to it (HTML, notebooks, Word, PDF).
    Markdown,
    /// Markdown with JSX components.
    Mdx,
    /// reStructuredText.
    ReStructuredText,
    /// Paragraphs between blank lines.
    PlainText,
    /// JSON: a changelog (a list of entries), or else text.
    Json,
    /// Source code in a language with a grammar.
    Source(Grammar),
    /// Other source code and configuration, taken as lines.
    Code,
}

impl Format {
    /// The format of a document, or `None` where docent has no parser for it.
    #[must_use]
    pub fn of(path: &SourcePath) -> Option<Self> {
        const CODE: [&str; 28] = [
            "kt", "kts", "scala", "c", "h", "cc", "cpp", "hpp", "cs", "swift", "m", "lua", "ex", "exs",
            "erl", "hs", "ml", "sh", "bash", "sql", "proto", "graphql", "toml", "yaml", "yml", "r", "jl",
            "zig",
        ];
        match path.extension().as_str() {
            "md" | "markdown" | "mdown" | "mkd" | "html" | "htm" | "xhtml" | "ipynb" | "docx" | "pdf" => {
                Some(Self::Markdown)
            }
            "mdx" => Some(Self::Mdx),
            "rst" | "rest" => Some(Self::ReStructuredText),
            "txt" | "text" => Some(Self::PlainText),
            "json" => Some(Self::Json),
            "" if is_known_text(path.file_name()) => Some(Self::PlainText),
            extension => Grammar::of_extension(extension)
                .map(Self::Source)
                .or_else(|| CODE.contains(&extension).then_some(Self::Code)),
        }
    }
}

fn is_known_text(name: &str) -> bool {
    ["README", "CHANGELOG", "CHANGES", "NEWS", "CONTRIBUTING", "LICENSE", "NOTICE"].contains(&name)
}

/// Parses `text` as the format of `path`.
#[must_use]
pub fn parse(path: &SourcePath, format: Format, text: &str) -> ParsedDocument {
    let parsed = match format {
        Format::Markdown => markdown::parse(text, markdown::Flavour::CommonMark),
        Format::Mdx => markdown::parse(text, markdown::Flavour::Mdx),
        Format::ReStructuredText => restructured::parse(text),
        Format::PlainText => plain::parse_text(text),
        Format::Json => changelog_json::parse(text).unwrap_or_else(|| plain::parse_code(text)),
        Format::Source(grammar) => code::parse(text, grammar).unwrap_or_else(|| plain::parse_code(text)),
        Format::Code => plain::parse_code(text),
    };
    let mut document = parsed.into_document(path);
    if document.sections.is_empty() {
        // A page of nothing but headings still says what it is about.
        let span = plain::trimmed(text, 0..text.len());
        let block = Block { kind: BlockKind::Prose, text: plain_text_of(&text[span.clone()]), span };
        document.sections.push(Section { blocks: vec![block], ..Section::default() });
    }
    document
}

/// Markdown without its markup: the words that a person reads.
#[must_use]
pub fn plain_text_of(markdown: &str) -> String {
    plain_text::plain_text(markdown)
}

/// What a parser found, before a missing title is filled in from the file's name.
#[derive(Debug, Default)]
struct Parsed {
    title: Option<String>,
    description: Option<String>,
    sections: Vec<Section>,
}

impl Parsed {
    fn into_document(self, path: &SourcePath) -> ParsedDocument {
        let title = self.title.unwrap_or_else(|| title_from_path(path));
        let mut sections = self.sections;
        for section in &mut sections {
            if section.headings.first() == Some(&title) {
                section.headings.remove(0);
            }
            section.blocks.retain(|block| !block.text.trim().is_empty());
        }
        let has_text = |section: &Section| !section.blocks.is_empty();
        if sections.iter().any(has_text) {
            keep_bare_headings(&mut sections);
        }
        sections.retain(has_text);
        ParsedDocument { title, description: self.description, sections }
    }
}

/// Characters of a title, a description or a heading. They are kept with every chunk below them, so that a
/// line of a megabyte that looks like one must not be.
const LONGEST_NAME: usize = 1000;

/// `name` as far as it is kept.
fn clipped(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(LONGEST_NAME) {
        name.truncate(end);
        name.shrink_to_fit();
    }
    name
}

/// A heading over nothing that can be read (a component that draws a table, say) is all that the page
/// says of its subject: it becomes a block itself, unless sections below it say more.
fn keep_bare_headings(sections: &mut [Section]) {
    for index in 0..sections.len() {
        let Some((section, after)) = sections[index..].split_first_mut() else { return };
        let is_above = |next: &Section| {
            next.headings.len() > section.headings.len() && next.headings.starts_with(&section.headings)
        };
        if !section.blocks.is_empty() || after.first().is_some_and(is_above) {
            continue;
        }
        if let (Some(span), Some(text)) = (section.heading.clone(), section.headings.last().cloned()) {
            section.blocks.push(Block { kind: BlockKind::Prose, span, text });
        }
    }
}

/// `sso/test-sso.mdx` is "test sso", and an `index` file is called by its folder.
fn title_from_path(path: &SourcePath) -> String {
    let is_index =
        ["index", "readme", "_index", "_navigation"].contains(&path.stem().to_lowercase().as_str());
    let parent = path.as_str().rsplit('/').nth(1);
    let name = if is_index { parent.unwrap_or(path.stem()) } else { path.stem() };
    name.replace(['-', '_'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn documents_of_every_language_that_can_be_asked_for_are_read() {
        for language in crate::source::Language::all() {
            for ending in language.endings() {
                assert!(
                    Format::of(&path(&format!("a.{ending}"))).is_some(),
                    "{ending} of {}",
                    language.name()
                );
            }
        }
    }

    #[test]
    fn a_title_comes_from_the_path_where_nothing_else_gives_one() {
        assert_eq!(title_from_path(&path("docs/sso/test-sso.mdx")), "test sso");
        assert_eq!(title_from_path(&path("docs/sso/index.mdx")), "sso");
        assert_eq!(title_from_path(&path("README")), "README");
    }

    #[test]
    fn the_title_is_not_repeated_in_the_headings() {
        let document = parse(&path("a.md"), Format::Markdown, "# Tokens\n\nText.\n\n## Expiry\n\nMore.\n");
        assert_eq!(document.title, "Tokens");
        let headings: Vec<_> = document.sections.iter().map(|section| section.headings.clone()).collect();
        assert_eq!(headings, [vec![], vec!["Expiry".to_owned()]]);
    }

    #[test]
    fn names_without_end_are_clipped() {
        let endless = "ü".repeat(5000);
        let pages = [
            (Format::Markdown, format!("# A\n\nText.\n\n## {endless}\n\nText.\n")),
            (Format::Markdown, format!("---\ntitle: {endless}\ndescription: {endless}\n---\nText.\n")),
            (Format::Markdown, format!("---\n? {endless}\n:\n  a: one two three\n---\nText.\n")),
            (Format::ReStructuredText, format!("A\n---\n\n{endless}\n{}\n\nText.\n", "=".repeat(5000))),
            (
                Format::Json,
                format!(r#"[{{"package": "{endless}", "version": "{endless}", "changes": ["One."]}}]"#),
            ),
        ];
        for (format, text) in pages {
            let document = parse(&path("a.md"), format, &text);
            let headings = document.sections.iter().flat_map(|section| &section.headings);
            let names = headings.chain(&document.description).chain([&document.title]);
            let longest = names.map(|name| name.chars().count()).max().unwrap();
            assert_eq!(longest, LONGEST_NAME, "{format:?}");
        }
    }

    #[test]
    fn a_page_of_headings_is_one_passage() {
        let document = parse(&path("a.md"), Format::Markdown, "# Only\n\n## Headings\n");
        assert_eq!(document.sections[0].blocks[0].text, "# Only\n## Headings");
    }

    #[test]
    fn a_heading_over_no_text_is_kept() {
        let text = "# Docs\n\nIntro.\n\n## Pricing table\n\n<PricingTable plan=\"x\" />\n\n## Above\n\n### Below\n\nText.\n";
        let document = parse(&path("a.mdx"), Format::Mdx, text);
        let found: Vec<(String, &str)> = document
            .sections
            .iter()
            .map(|section| (section.headings.join(">"), &text[section.blocks[0].span.clone()]))
            .collect();
        let expected = [("", "Intro."), ("Pricing table", "## Pricing table"), ("Above>Below", "Text.")];
        assert_eq!(found, expected.map(|(headings, shown)| (headings.to_owned(), shown)));
        let text = "Docs\n====\n\nIntro.\n\nBare\n----\n\nLast\n----\n\nText.\n";
        let document = parse(&path("a.rst"), Format::ReStructuredText, text);
        assert_eq!(&text[document.sections[1].blocks[0].span.clone()], "Bare\n----");
    }

    #[test]
    fn unknown_files_have_no_format() {
        assert_eq!(Format::of(&path("a/b.PNG")), None);
        assert_eq!(Format::of(&path("a/b.MD")), Some(Format::Markdown));
        assert_eq!(Format::of(&path("a/CHANGELOG")), Some(Format::PlainText));
        assert_eq!(Format::of(&path("a/binary")), None);
    }
}
