//! reStructuredText: headings are lines underlined by punctuation; directives keep their text.
//!
//! Source: docutils, "reStructuredText Markup Specification", section "Sections". A level belongs
//! to an underline character (with or without an overline) in the order of first appearance.

use super::plain::{paragraphs, trimmed};
use super::{Block, BlockKind, Parsed, Section, clipped};

/// Parses the sections of a reStructuredText document.
pub(super) fn parse(text: &str) -> Parsed {
    let mut builder = Builder::default();
    for span in paragraphs(text) {
        builder.paragraph(text, span);
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    /// Underline styles in order of first appearance: their index is the level.
    styles: Vec<(char, bool)>,
    stack: Vec<String>,
    title: Option<String>,
    sections: Vec<Section>,
}

impl Builder {
    fn paragraph(&mut self, text: &str, span: std::ops::Range<usize>) {
        let lines = line_spans(text, span.clone());
        let mut index = 0;
        let mut body_start = span.start;
        while index < lines.len() {
            if let Some((heading, style, used)) = heading_at(text, &lines[index..]) {
                self.push_body(text, body_start..lines[index].start);
                let end = lines[index + used - 1].end;
                self.push_heading(clipped(heading), style, trimmed(text, lines[index].start..end));
                index += used;
                body_start = lines.get(index).map_or(span.end, |line| line.start);
            } else {
                index += 1;
            }
        }
        self.push_body(text, body_start..span.end);
    }

    fn push_heading(&mut self, heading: String, style: (char, bool), span: std::ops::Range<usize>) {
        let level = self.styles.iter().position(|known| *known == style).unwrap_or_else(|| {
            self.styles.push(style);
            self.styles.len() - 1
        });
        // A heading that came before is the title, or follows text.
        if self.stack.is_empty() && self.has_only_markup() {
            self.title = Some(heading.clone());
        }
        self.stack.truncate(level);
        self.stack.push(heading);
        let headings = self.stack.clone();
        self.sections.push(Section { headings, heading: Some(span), ..Section::default() });
    }

    fn has_only_markup(&self) -> bool {
        self.sections.iter().flat_map(|section| &section.blocks).all(|block| is_markup(&block.text))
    }

    fn push_body(&mut self, text: &str, span: std::ops::Range<usize>) {
        let span = trimmed(text, span);
        if span.is_empty() {
            return;
        }
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let body = &text[span.clone()];
        let is_code = body.lines().all(|line| line.starts_with(' ') || line.trim().is_empty());
        let kind = if is_code { BlockKind::Code } else { BlockKind::Prose };
        let block = Block { kind, text: body.replace("``", ""), span };
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(block);
        }
    }

    fn finish(self) -> Parsed {
        Parsed { title: self.title, description: None, sections: self.sections }
    }
}

/// Labels, comments, directives and fields (`:orphan:`): what may stand above the title of a page.
fn is_markup(text: &str) -> bool {
    let is_silent = |line: &str| line.starts_with([' ', '\t', ':']) || line.starts_with("..");
    text.lines().all(|line| is_silent(line) || line.trim().is_empty())
}

fn line_spans(text: &str, span: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let mut spans = Vec::new();
    let mut start = span.start;
    for line in text[span].split_inclusive('\n') {
        spans.push(start..start + line.len());
        start += line.len();
    }
    spans
}

/// A heading at the first of `lines`: its text, its style, and how many lines it takes.
fn heading_at(text: &str, lines: &[std::ops::Range<usize>]) -> Option<(String, (char, bool), usize)> {
    let line = |index: usize| lines.get(index).map(|span| text[span.clone()].trim_end());
    let first = line(0)?;
    if let (Some(over), Some(title), Some(under)) = (rule(first), line(1), line(2))
        && rule(under) == Some(over)
        && !title.trim().is_empty()
        && rule(title).is_none()
    {
        return Some((title.trim().to_owned(), (over, true), 3));
    }
    let under = rule(line(1)?)?;
    let is_title = !first.trim().is_empty() && !first.starts_with(' ') && rule(first).is_none();
    let long_enough = line(1)?.chars().count() >= first.chars().count();
    (is_title && long_enough).then(|| (first.trim().to_owned(), (under, false), 2))
}

/// The character of a line that is one punctuation character, at least three times.
fn rule(line: &str) -> Option<char> {
    let mut characters = line.chars();
    let first = characters.next()?;
    (first.is_ascii_punctuation() && line.len() >= 3 && characters.all(|next| next == first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underlines_make_levels_in_order_of_appearance() {
        let text = "=====\nGuide\n=====\n\nIntro.\n\nFirst\n-----\nBody one.\n\nDeep\n~~~~\n\nBody two.\n\nSecond\n------\n\nBody three.\n";
        let parsed = parse(text);
        assert_eq!(parsed.title.as_deref(), Some("Guide"));
        let found: Vec<(Vec<String>, String)> = parsed
            .sections
            .into_iter()
            .map(|section| (section.headings, section.blocks.into_iter().map(|block| block.text).collect()))
            .collect();
        let expected = [
            (vec!["Guide"], "Intro."),
            (vec!["Guide", "First"], "Body one."),
            (vec!["Guide", "First", "Deep"], "Body two."),
            (vec!["Guide", "Second"], "Body three."),
        ];
        let expected: Vec<(Vec<String>, String)> = expected
            .into_iter()
            .map(|(headings, body)| (headings.into_iter().map(str::to_owned).collect(), body.to_owned()))
            .collect();
        assert_eq!(found, expected);
    }
    #[test]
    fn labels_and_comments_may_stand_above_the_title() {
        for above in [
            ".. _install:\n\n",
            ".. _install:\n",
            ":orphan:\n\n.. A comment\n   of two lines\n\n   and a third.\n\n",
        ] {
            let parsed = parse(&format!("{above}Install\n=======\n\nText.\n\nNext\n----\n\nMore.\n"));
            assert_eq!(parsed.title.as_deref(), Some("Install"), "{above}");
        }
        assert_eq!(parse("Words first.\n\nInstall\n=======\n\nText.\n").title, None);
    }
}
