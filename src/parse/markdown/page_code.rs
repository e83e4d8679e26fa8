//! What of an MDX page is not its content: comments in braces, and the statements that import and
//! export. Both may span lines, blank ones included.

use super::super::plain::line_end;

const COMMENT_END: &str = "*/}";

/// Comments in braces (`{/* ... */}`) at the beginning of a line.
#[derive(Default)]
pub(super) struct Comments {
    /// Where the last one ends: behind it none is looked for, so that openers without an end do not
    /// cost a look at all of the page each.
    last_end: usize,
}

impl Comments {
    pub(super) fn of(text: &str) -> Self {
        Self { last_end: text.rfind(COMMENT_END).unwrap_or(0) }
    }

    /// The end of the comment that the line at `start` begins with, with the space after it.
    pub(super) fn end(&self, text: &str, start: usize) -> Option<usize> {
        if start >= self.last_end {
            return None;
        }
        let after = text[start..].trim_start_matches([' ', '\t']).strip_prefix("{/*")?;
        let rest = &after[after.find(COMMENT_END)? + COMMENT_END.len()..];
        Some(text.len() - rest.trim_start_matches([' ', '\t']).len())
    }
}

/// The end of the statement that the line at `start` begins with. Where its brackets are never
/// closed, it is that line alone.
pub(super) fn statement_end(text: &str, start: usize) -> Option<usize> {
    let first_end = line_end(text, start);
    let first = &text[start..first_end];
    let is_import = first.starts_with("import ");
    if !is_import && !first.starts_with("export ") {
        return None;
    }
    let whole = whole_statement(text, start).filter(|end| {
        // Prose may begin with this word; what is imported comes from somewhere in quotes.
        !is_import || text[start..*end].lines().next_back().is_some_and(has_quote)
    });
    whole.or_else(|| (!is_import || has_quote(first)).then_some(first_end))
}

fn has_quote(line: &str) -> bool {
    line.contains(['\'', '"'])
}

/// The end of the line in which all brackets of the statement at `start` are closed. The next
/// statement, or a heading, says that they never are: so no line is looked at twice.
fn whole_statement(text: &str, start: usize) -> Option<usize> {
    let mut statement = Statement::default();
    let mut position = start;
    while position < text.len() {
        let end = line_end(text, position);
        let line = &text[position..end];
        let is_next = line.starts_with("import ") || line.starts_with("export ");
        if position > start && (is_next || line.starts_with('#') && statement.within == Within::Code) {
            return None;
        }
        statement.read(line);
        if statement.depth == 0 && statement.within == Within::Code {
            return Some(end);
        }
        position = end;
    }
    None
}

/// How much of a statement is open after the lines that were read.
#[derive(Default)]
struct Statement {
    depth: usize,
    within: Within,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    #[default]
    Code,
    Comment,
    Quote(char),
}

impl Statement {
    fn read(&mut self, line: &str) {
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            let next = letters.peek().copied();
            match (self.within, letter) {
                (Within::Comment, '*') if next == Some('/') => {
                    letters.next();
                    self.within = Within::Code;
                }
                (Within::Quote(_), '\\') => {
                    letters.next();
                }
                (Within::Quote(open), _) if letter == open => self.within = Within::Code,
                (Within::Code, '/') if next == Some('/') => break,
                (Within::Code, '/') if next == Some('*') => {
                    letters.next();
                    self.within = Within::Comment;
                }
                (Within::Code, '\'' | '"' | '`') => self.within = Within::Quote(letter),
                (Within::Code, '{' | '[' | '(') => self.depth += 1,
                (Within::Code, '}' | ']' | ')') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        // Only a template goes on in the next line.
        if matches!(self.within, Within::Quote('\'' | '"')) {
            self.within = Within::Code;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Flavour, parse};

    fn said(text: &str) -> Vec<String> {
        let sections = parse(text, Flavour::Mdx).sections;
        sections.into_iter().flat_map(|section| section.blocks).map(|block| block.text).collect()
    }

    #[test]
    fn comments_in_braces_say_nothing() {
        let comment = "{/*\n## Old plan\n\nCosts $5.\n*/}";
        assert!(parse(comment, Flavour::Mdx).sections.is_empty());
        assert_eq!(said(&format!("One.\n{comment} Two.\n")), ["One.", "Two."]);
        assert_eq!(said(&format!("- one\n  {comment}\n\nTwo.\n")), ["- one", "Two."]);
        assert_eq!(said("{/* open\n\nTwo.\n").last().map(String::as_str), Some("Two."));
        assert_ne!(parse(comment, Flavour::CommonMark).sections.len(), 0);
    }

    #[test]
    fn statements_are_left_out_to_their_end() {
        for statement in [
            "import {\n  A,\n} from \"x\"",
            "export const meta = {\n a: 1, // it's {\n\n b: `\n# {` /* ( */\n}",
            "export const a = 1",
            "import A from 'x'",
        ] {
            assert_eq!(said(&format!("{statement}\n\nText.\n")), ["Text."], "{statement}");
        }
        assert_eq!(said("import users {\nfrom a file}.\n"), ["import users {\nfrom a file}."]);
    }

    #[test]
    fn an_open_statement_is_one_line() {
        let text = "export const a = {\n\n# Title\n\nText.\n";
        assert_eq!(parse(text, Flavour::Mdx).title.as_deref(), Some("Title"));
        assert_eq!(said(text), ["Text."]);
        assert_eq!(said("export const a = {\n\nimport B from 'b'\n\nText.\n"), ["Text."]);
    }

    #[test]
    fn openers_without_an_end_cost_no_look_at_the_rest_each() {
        for opener in ["{/*\n", "export {\n", "import {\n\n", "- ```\n", "<pre>\n"] {
            let text = opener.repeat(200_000);
            assert!(parse(&text, Flavour::Mdx).sections.len() < 2, "{opener}");
        }
    }
}
