//! The lines of a document's section, found by its heading.
//!
//! Headings are read from the document itself where it is Markdown: a passage that joins small
//! sections no longer names them all. Elsewhere the passages' own headings have to do.

use std::ops::RangeInclusive;

use crate::mcp::failure::ToolError;
use crate::retrieval::Hit;

/// Headings that are named when one is not found.
const NAMED: usize = 20;

/// A heading of a Markdown document, by its line (from 1).
struct Heading<'text> {
    line: usize,
    level: usize,
    text: &'text str,
}

/// The lines of the section under `heading`: with this very name, else with a name that contains
/// it.
pub(super) fn section(
    lines: &[&str],
    passages: &[Hit],
    heading: &str,
) -> Result<RangeInclusive<usize>, ToolError> {
    let wanted = heading.trim_start_matches('#').trim().to_lowercase();
    let headings = headings(lines);
    let same = |name: &str| name.to_lowercase() == wanted;
    let similar = |name: &str| name.to_lowercase().contains(&wanted);
    let found = in_source(&headings, lines.len(), &same)
        .or_else(|| in_passages(passages, &same))
        .or_else(|| in_source(&headings, lines.len(), &similar))
        .or_else(|| in_passages(passages, &similar));
    found.ok_or_else(|| ToolError::NotFound {
        what: "heading",
        name: heading.chars().take(200).collect(),
        hint: known(&headings, passages),
    })
}

fn headings<'text>(lines: &[&'text str]) -> Vec<Heading<'text>> {
    let mut headings = Vec::new();
    let mut in_code = false;
    for (number, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        if text.starts_with("```") || text.starts_with("~~~") {
            in_code = !in_code;
        }
        let level = text.bytes().take_while(|byte| *byte == b'#').count();
        let name = &text[level..];
        if !in_code && (1..=6).contains(&level) && name.starts_with(' ') {
            let name = name.trim().trim_end_matches('#').trim_end();
            headings.push(Heading { line: number + 1, level, text: name });
        }
    }
    headings
}

fn in_source(
    headings: &[Heading<'_>],
    lines: usize,
    matches: &dyn Fn(&str) -> bool,
) -> Option<RangeInclusive<usize>> {
    let position = headings.iter().position(|heading| matches(heading.text))?;
    let found = &headings[position];
    let next = headings[position + 1..].iter().find(|heading| heading.level <= found.level);
    Some(found.line..=next.map_or(lines, |next| next.line - 1))
}

fn in_passages(passages: &[Hit], matches: &dyn Fn(&str) -> bool) -> Option<RangeInclusive<usize>> {
    let under = |hit: &&Hit| hit.breadcrumb.iter().any(|name| matches(name));
    let first = passages.iter().find(under)?;
    let last = passages.iter().rev().find(under)?;
    Some(first.start_line as usize..=last.end_line as usize)
}

fn known(headings: &[Heading<'_>], passages: &[Hit]) -> String {
    let mut names: Vec<&str> = headings.iter().map(|heading| heading.text).collect();
    if names.is_empty() {
        names = passages.iter().flat_map(|hit| hit.breadcrumb.iter().map(String::as_str)).collect();
        names.dedup();
    }
    if names.is_empty() {
        return "it has no headings; leave `heading` out".into();
    }
    names.truncate(NAMED);
    format!("its headings: {}", names.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_at_the_next_heading_of_its_level() {
        let text = "# A\n\n## B\none\n### C\n```\n## not a heading\n```\n## D ##\nlast";
        let lines: Vec<&str> = text.lines().collect();
        let range = |heading: &str| section(&lines, &[], heading).ok();
        assert_eq!(range("b"), Some(3..=8));
        assert_eq!(range("### C"), Some(5..=8));
        assert_eq!(range("D"), Some(9..=10));
        assert_eq!(range("A"), Some(1..=10));
        assert_eq!(range("not a heading"), None);
    }
}
