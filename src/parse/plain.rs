//! Text without markup, and source code: blocks between blank lines.

use std::ops::Range;

use super::{Block, BlockKind, Parsed, Section};

/// Paragraphs of plain text, in one section.
pub(super) fn parse_text(text: &str) -> Parsed {
    one_section(text, BlockKind::Prose)
}

/// Source code: runs of lines between blank lines, in one section.
pub(super) fn parse_code(text: &str) -> Parsed {
    one_section(text, BlockKind::Code)
}

fn one_section(text: &str, kind: BlockKind) -> Parsed {
    let blocks =
        paragraphs(text).map(|span| Block { kind, text: text[span.clone()].to_owned(), span }).collect();
    Parsed { sections: vec![Section { blocks, ..Section::default() }], ..Parsed::default() }
}

/// The spans between blank lines, trailing line break left out.
pub(super) fn paragraphs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let mut start = None;
        while position < text.len() {
            let end = line_end(text, position);
            let line = &text[position..end];
            let line_start = position;
            position = end;
            match (line.trim().is_empty(), start) {
                (true, Some(first)) => return Some(trimmed(text, first..line_start)),
                (false, None) => start = Some(line_start),
                _ => {}
            }
        }
        start.map(|first| trimmed(text, first..text.len()))
    })
}

/// The offset after the line break that ends the line at `position`.
pub(super) fn line_end(text: &str, position: usize) -> usize {
    text[position..].find('\n').map_or(text.len(), |length| position + length + 1)
}

/// `span` without the white space at its end.
pub(super) fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    span.start..span.start + text[span.clone()].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_the_runs_between_blank_lines() {
        let text = "\na\nb\n \n\nc\r\n\r\nd";
        let found: Vec<&str> = paragraphs(text).map(|span| &text[span]).collect();
        assert_eq!(found, ["a\nb", "c", "d"]);
        assert_eq!(paragraphs(" \n\n").count(), 0);
    }
}
