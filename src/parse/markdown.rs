//! Markdown and MDX to sections of blocks, line by line.
//!
//! A full `CommonMark` parser takes a JSX component for an HTML block and stops reading the Markdown
//! inside it, which is where the documentation is. Blocks are all that chunking needs, and lines
//! show them: fences, headings, tables, lists, paragraphs (`CommonMark` 0.31, sections 4 and 5).

mod marks;
mod page_code;

use super::plain::{line_end, trimmed};
use super::plain_text::{plain_text, tag_end};
use super::{Block, BlockKind, Parsed, Section, clipped, front_matter};
use marks::{Fence, atx_heading, fence_in_list, is_table_row, is_table_rule, list_marker, setext_level};
use page_code::{Comments, statement_end};

/// Which dialect is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Without components.
    CommonMark,
    /// `import` and `export` statements are code of the page, not content, and braces hold comments.
    Mdx,
}

/// Parses a page with its front matter.
pub(super) fn parse(text: &str, flavour: Flavour) -> Parsed {
    let front = front_matter::parse(text).unwrap_or_default();
    let mut scanner = Scanner::new(text, front.end, flavour);
    scanner.run();
    let mut sections = front.sections;
    let title = front.title.or(scanner.title.map(|(_, heading)| heading));
    sections.append(&mut scanner.sections);
    Parsed { title, description: front.description, sections }
}

const PRE_END: &str = "</pre>";

struct Scanner<'text> {
    text: &'text str,
    position: usize,
    flavour: Flavour,
    /// Headings above the current place, with their levels.
    stack: Vec<(usize, String)>,
    /// With its level.
    title: Option<(usize, String)>,
    /// Whether no heading opens the page any more: text stands above it, or another on its level.
    has_opened: bool,
    sections: Vec<Section>,
    comments: Comments,
    /// Where the last `pre` ends.
    last_pre: usize,
    /// Whether a fence in a list was never closed: none is looked for again.
    has_open_fence: bool,
}

impl<'text> Scanner<'text> {
    fn new(text: &'text str, position: usize, flavour: Flavour) -> Self {
        Self {
            text,
            position,
            flavour,
            stack: Vec::new(),
            title: None,
            has_opened: false,
            sections: Vec::new(),
            comments: if flavour == Flavour::Mdx { Comments::of(text) } else { Comments::default() },
            last_pre: text.rfind(PRE_END).unwrap_or(0),
            has_open_fence: false,
        }
    }

    fn run(&mut self) {
        while self.position < self.text.len() {
            let start = self.position;
            let line = self.line(start);
            if line.trim().is_empty() {
                self.position = line_end(self.text, start);
            } else if let Some(end) = self.page_code_end(start) {
                self.position = end;
            } else if let Some((level, heading)) = atx_heading(line) {
                self.position = line_end(self.text, start);
                self.heading(level, &heading, start);
            } else if let Some(fence) = Fence::open(line) {
                self.position = self.fence_end(start, &fence);
                self.block(BlockKind::Code, start);
            } else if is_table_row(line) && is_table_rule(self.line(line_end(self.text, start))) {
                self.position = self.end_while(start, is_table_row);
                self.block(BlockKind::Table, start);
            } else if list_marker(line).is_some() {
                self.position = self.list_end(start);
                self.block(BlockKind::List, start);
            } else {
                self.paragraph(start);
            }
        }
    }

    fn line(&self, start: usize) -> &'text str {
        &self.text[start..line_end(self.text, start)]
    }

    /// The end of what is at `start`, where that is code of the page or a comment.
    fn page_code_end(&self, start: usize) -> Option<usize> {
        if self.flavour != Flavour::Mdx {
            return None;
        }
        self.comments.end(self.text, start).or_else(|| statement_end(self.text, start))
    }

    /// The heading at `start`, which ends at the current place.
    fn heading(&mut self, level: usize, markdown: &str, start: usize) {
        let heading = clipped(heading_text(markdown));
        if heading.is_empty() {
            // It ends the section above all the same.
            self.stack.retain(|(above, _)| *above < level);
            let headings = self.stack.iter().map(|(_, heading)| heading.clone()).collect();
            self.sections.push(Section { headings, ..Section::default() });
            return;
        }
        self.entitle(level, &heading);
        self.stack.retain(|(above, _)| *above < level);
        self.stack.push((level, heading));
        let headings = self.stack.iter().map(|(_, heading)| heading.clone()).collect();
        let heading = Some(trimmed(self.text, start..self.position));
        self.sections.push(Section { headings, heading, ..Section::default() });
    }

    /// A page without a title in its front matter is called by the heading that it opens with; unless that turns
    /// out to be one of several on its level, as the versions of a changelog are, or not the highest.
    fn entitle(&mut self, level: usize, heading: &str) {
        if self.title.is_none() && (level == 1 || !self.has_opened) {
            self.title = Some((level, heading.to_owned()));
        } else if self.title.as_ref().is_some_and(|(first, _)| level <= *first && *first > 1) {
            self.title = (level == 1).then(|| (level, heading.to_owned()));
            self.has_opened = true;
        }
    }

    fn block(&mut self, kind: BlockKind, start: usize) {
        let span = trimmed(self.text, start..self.position);
        let source = &self.text[span.clone()];
        let text = match kind {
            BlockKind::Code => code_text(source),
            _ => plain_text(source),
        };
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        self.has_opened = true;
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(Block { kind, span, text });
        }
    }

    /// Lines up to a blank one or the start of another kind of block; a tag that spans lines is
    /// read to its end. A paragraph underlined by `===` or `---` is a heading.
    fn paragraph(&mut self, start: usize) {
        let mut position = self.after_line_or_tag(start);
        while position < self.text.len() {
            let line = self.line(position);
            if let Some(level) = setext_level(line).filter(|_| self.is_one_line(start, position)) {
                let heading = self.text[start..position].trim().to_owned();
                self.position = line_end(self.text, position);
                return self.heading(level, &heading, start);
            }
            let interrupts = line.trim().is_empty()
                || atx_heading(line).is_some()
                || Fence::open(line).is_some()
                || list_marker(line).is_some_and(|marker| marker.interrupts_paragraph)
                || self.comments.end(self.text, position).is_some()
                || (is_table_row(line) && is_table_rule(self.line(line_end(self.text, position))));
            if interrupts {
                break;
            }
            position = self.after_line_or_tag(position);
        }
        self.position = position;
        self.block(BlockKind::Prose, start);
    }

    fn is_one_line(&self, start: usize, end: usize) -> bool {
        line_end(self.text, start) == end && !self.text[start..end].trim_start().starts_with('<')
    }

    fn after_line_or_tag(&self, start: usize) -> usize {
        let end = line_end(self.text, start);
        let line = &self.text[start..end];
        let indented = line.len() - line.trim_start().len();
        if !line[indented..].starts_with('<') {
            return end;
        }
        if let Some(end) = self.pre_end(start + indented) {
            return end;
        }
        tag_end(&self.text[start + indented..])
            .map_or(end, |length| line_end(self.text, start + indented + length - 1).max(end))
    }

    /// The end of the last line of the `pre` at `start`: what is in it is no Markdown.
    fn pre_end(&self, start: usize) -> Option<usize> {
        let after = self.text[start..].strip_prefix("<pre")?;
        if start >= self.last_pre || !after.starts_with(['>', ' ', '\t', '\n', '\r']) {
            return None;
        }
        let length = after.find(PRE_END)?;
        Some(line_end(self.text, self.text.len() - after.len() + length))
    }

    fn end_while(&self, start: usize, belongs: impl Fn(&str) -> bool) -> usize {
        let mut position = line_end(self.text, start);
        while position < self.text.len() && belongs(self.line(position)) {
            position = line_end(self.text, position);
        }
        position
    }

    fn fence_end(&self, start: usize, fence: &Fence) -> usize {
        self.closing_fence(start, fence).unwrap_or(self.text.len())
    }

    fn closing_fence(&self, start: usize, fence: &Fence) -> Option<usize> {
        let mut position = line_end(self.text, start);
        while position < self.text.len() {
            let line = self.line(position);
            position = line_end(self.text, position);
            if fence.is_closed_by(line) {
                return Some(position);
            }
        }
        None
    }

    /// A list goes on through indented lines, further items, and blank lines before either.
    fn list_end(&mut self, start: usize) -> usize {
        let mut position = start;
        let mut end = position;
        let mut after_blank = false;
        while position < self.text.len() {
            let line = self.line(position);
            if line.trim().is_empty() {
                after_blank = true;
            } else if let Some(comment_end) = self.comments.end(self.text, position) {
                position = comment_end;
                continue;
            } else if let Some(fence_end) = self.fence_end_in_list(position) {
                position = fence_end;
                end = position;
                continue;
            } else if list_marker(line).is_some()
                || line.starts_with(['\t', ' '])
                || !(after_blank || self.starts_block(position))
            {
                after_blank = false;
                end = line_end(self.text, position);
            } else {
                break;
            }
            position = line_end(self.text, position);
        }
        end
    }

    /// The end of the code that the line at `start` of a list opens. Where it is never closed, the
    /// rest of the page is not code.
    fn fence_end_in_list(&mut self, start: usize) -> Option<usize> {
        if self.has_open_fence {
            return None;
        }
        let fence = fence_in_list(self.line(start))?;
        let end = self.closing_fence(start, &fence);
        self.has_open_fence = end.is_none();
        end
    }

    fn starts_block(&self, position: usize) -> bool {
        let line = self.line(position);
        atx_heading(line).is_some() || Fence::open(line).is_some() || line.starts_with('<')
    }
}

/// A fenced block without its fences; the title of the fence is kept.
fn code_text(source: &str) -> String {
    let mut lines: Vec<&str> = source.lines().collect();
    let opening = lines.first().copied().unwrap_or_default();
    let fence = Fence::open(opening);
    if fence.as_ref().is_some_and(|fence| lines.len() > 1 && fence.is_closed_by(lines[lines.len() - 1])) {
        lines.pop();
    }
    let body = if fence.is_some() { lines[1..].join("\n") } else { lines.join("\n") };
    match fence_title(opening) {
        Some(title) => format!("{title}\n{body}"),
        None => body,
    }
}

fn fence_title(opening: &str) -> Option<&str> {
    let (_, rest) = opening.split_once("title=")?;
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    rest[1..].split(quote).next()
}

/// A heading that is nothing but a tag (`# <Button>`) is about that tag, and keeps its name.
fn heading_text(markdown: &str) -> String {
    let text = plain_text(markdown);
    if text.trim().is_empty() {
        let words = markdown.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        return words.collect::<Vec<_>>().join(" ");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<(BlockKind, &str)> {
        let parsed = parse(text, Flavour::Mdx);
        let spans: Vec<_> = parsed
            .sections
            .into_iter()
            .flat_map(|section| section.blocks)
            .map(|block| (block.kind, block.span))
            .collect();
        spans.into_iter().map(|(kind, span)| (kind, &text[span])).collect()
    }

    #[test]
    fn blocks_keep_fences_tables_and_lists_whole() {
        let text = "import X from 'x'\n\nOne\ntwo.\n\n```js title=\"T\"\na\n\n# not a heading\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n\n  y\n- z\n\nEnd\n";
        assert_eq!(
            blocks(text),
            [
                (BlockKind::Prose, "One\ntwo."),
                (BlockKind::Code, "```js title=\"T\"\na\n\n# not a heading\n```"),
                (BlockKind::Table, "| a | b |\n|---|---|\n| 1 | 2 |"),
                (BlockKind::List, "- x\n\n  y\n- z"),
                (BlockKind::Prose, "End"),
            ]
        );
    }

    #[test]
    fn one_of_several_on_a_level_is_no_title() {
        let title = |text: &str| parse(text, Flavour::CommonMark).title;
        assert_eq!(title("## Keys\n\nText.\n\n### Rotation\n\nText.\n").as_deref(), Some("Keys"));
        assert_eq!(title("## 1.2.0\n\n- new\n\n## 1.1.9\n\n- old\n\n## 1.1.8\n\n- older\n"), None);
        assert_eq!(title("### Status\n\nFine.\n\n# Keys\n\n## Rotation\n").as_deref(), Some("Keys"));
        assert_eq!(title("# Keys\n\nText.\n\n# Rotation\n\nText.\n").as_deref(), Some("Keys"));
    }

    #[test]
    fn code_that_opens_with_an_item_ends_where_it_is_closed() {
        let text = "# Setup\n\n1. ```bash\n   # npm\n   ```\n2. Run it.\n\n## Configure\n\nSet PORT.\n\n- - ~~~\n\nEnd\n";
        assert_eq!(
            blocks(text),
            [
                (BlockKind::List, "1. ```bash\n   # npm\n   ```\n2. Run it."),
                (BlockKind::Prose, "Set PORT."),
                (BlockKind::List, "- - ~~~"),
                (BlockKind::Prose, "End"),
            ]
        );
    }

    #[test]
    fn what_is_in_pre_is_no_markdown() {
        let text = "Run\n<pre>\n# install\n\n- npm i\n</pre>\n\n## After\n\nEnd\n";
        let expected =
            [(BlockKind::Prose, "Run\n<pre>\n# install\n\n- npm i\n</pre>"), (BlockKind::Prose, "End")];
        assert_eq!(blocks(text), expected);
        assert_eq!(parse("<pre>\n# open\n", Flavour::CommonMark).title.as_deref(), Some("open"));
    }

    #[test]
    fn markdown_inside_components_is_read() {
        let text = "<Tabs\n  label=\"Node\"\n>\n\n## Inside\n\nText.\n\n</Tabs>\n";
        let parsed = parse(text, Flavour::Mdx);
        assert_eq!(parsed.sections[1].headings, ["Inside"]);
        assert_eq!(parsed.sections[1].blocks[0].text, "Text.");
        assert_eq!(parsed.sections[0].blocks[0].text, "Node");
    }

    #[test]
    fn a_heading_of_nothing_but_a_tag_keeps_its_name() {
        let parsed = parse("# Components\n\n## <Button>\n\nPress it.\n", Flavour::Mdx);
        assert_eq!(
            parsed.sections.last().map(|section| section.headings.join(">")).as_deref(),
            Some("Components>Button")
        );
    }

    #[test]
    fn headings_nest_and_setext_counts() {
        let text = "Title\n=====\n\n# Other\n\n### Deep `code`\n\nx\n\n## Up ##\n\ny\n";
        let parsed = parse(text, Flavour::CommonMark);
        assert_eq!(parsed.title.as_deref(), Some("Title"));
        let headings: Vec<_> = parsed.sections.iter().map(|section| section.headings.join(">")).collect();
        assert_eq!(headings, ["Title", "Other", "Other>Deep code", "Other>Up"]);
    }

    #[test]
    fn a_dashed_line_under_a_list_or_tag_is_no_heading() {
        let parsed = parse("- a\n---\nb\n\n<X>\n---\n", Flavour::Mdx);
        assert!(parsed.sections.iter().all(|section| section.headings.is_empty()), "{parsed:?}");
    }

    proptest::proptest! {
        #[test]
        fn every_word_is_in_a_block_or_a_heading(text in "[#`\\-*|<>a-c \n1.=~/]{0,120}") {
            let parsed = parse(&text, Flavour::CommonMark);
            let mut covered = vec![false; text.len()];
            let mut last = 0;
            for block in parsed.sections.iter().flat_map(|section| &section.blocks) {
                proptest::prop_assert!(block.span.start >= last, "blocks overlap or are out of order");
                last = block.span.end;
                covered[block.span.clone()].fill(true);
            }
            let headings: String = parsed.sections.iter().flat_map(|section| section.headings.clone()).collect();
            // The name of a tag is markup, in a heading as elsewhere.
            for (start, _) in text.match_indices('<') {
                if let Some(length) = tag_end(&text[start..]) {
                    covered[start..start + length].fill(true);
                }
            }
            for (offset, character) in text.char_indices() {
                let lost = character.is_alphabetic() && !covered[offset] && !headings.contains(character);
                proptest::prop_assert!(!lost, "{character:?} at {offset} of {text:?} is lost");
            }
        }
    }
}
