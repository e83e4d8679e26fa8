//! TREC topics, one `<top>` block in memory at a time.

use std::io::{self, BufRead};

use super::lines::Lines;
use super::{Item, LineError, Wanted};
use crate::evaluation::topic;

/// The longest block that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Blocks as they come.
pub(super) struct Topics<R> {
    lines: Lines<R>,
    /// What follows a block on its last line, with that line's number.
    rest: Option<(u64, String)>,
}

impl<R: BufRead> Topics<R> {
    pub(super) fn new(lines: Lines<R>) -> Self {
        Self { lines, rest: None }
    }

    fn next_line(&mut self) -> io::Result<Option<(u64, Result<String, LineError>)>> {
        match self.rest.take() {
            Some((number, text)) => Ok(Some((number, Ok(text)))),
            None => self.lines.next().transpose(),
        }
    }

    fn read(&mut self) -> io::Result<Option<Item>> {
        let mut block = String::new();
        let mut start = None;
        while let Some((number, text)) = self.next_line()? {
            let malformed = |error| Ok(Some(Item { line: number, id: None, content: Err(error) }));
            let text = match text {
                Ok(text) => text,
                Err(error) => return malformed(error),
            };
            if start.is_none() {
                let Some(position) = find(&text, "<top>") else {
                    if text.trim().is_empty() {
                        continue;
                    }
                    return malformed(topic_error("outside of any <top>"));
                };
                start = Some(number);
                self.rest = Some((number, text[position + "<top>".len()..].to_owned()));
                continue;
            }
            let line = start.unwrap_or(number);
            let end = find(&text, "</top>");
            let next = find(&text, "<top>").filter(|next| end.is_none_or(|end| *next < end));
            if let Some(next) = next {
                self.rest = Some((number, text[next..].to_owned()));
                return Ok(Some(unclosed(line)));
            }
            if let Some(end) = end {
                block.push_str(&text[..end]);
                let after = &text[end + "</top>".len()..];
                self.rest = (!after.trim().is_empty()).then(|| (number, after.to_owned()));
                return Ok(Some(item(line, &block)));
            }
            // What is too long is read on to its end, but not kept.
            if block.len() + text.len() <= LONGEST {
                block.push_str(&text);
                block.push('\n');
            }
        }
        Ok(start.map(unclosed))
    }
}

impl<R: BufRead> Iterator for Topics<R> {
    type Item = io::Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn item(line: u64, block: &str) -> Item {
    match topic(block) {
        Ok((id, text)) => Item { line, id: Some(id), content: Ok(Wanted::bare(&text)) },
        Err(reason) => Item { line, id: None, content: Err(topic_error(&reason)) },
    }
}

fn unclosed(line: u64) -> Item {
    Item { line, id: None, content: Err(topic_error("a <top> without its </top>")) }
}

fn topic_error(reason: &str) -> LineError {
    LineError::Topic { reason: reason.to_owned() }
}

fn find(text: &str, tag: &str) -> Option<usize> {
    // Tags are ASCII, so lower-casing ASCII keeps the offsets.
    text.to_ascii_lowercase().find(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, String)> {
        let topics = Topics::new(Lines::new(text.as_bytes()));
        let told = |item: Item| match item.content {
            Ok(wanted) => (item.line, format!("{}: {}", item.id.unwrap(), wanted.text)),
            Err(error) => (item.line, error.to_string()),
        };
        topics.map(|item| told(item.unwrap())).collect()
    }

    #[test]
    fn blocks_are_read_one_by_one() {
        let text = "<top>\n<num> Number: 301\n<title> Organized\n  Crime\n\n<desc> Description:\nWhat?\n</top>\n\n<TOP><num>302</num><desc>Description: Only é.</desc></TOP> <top><num>3<title>C?</top>\n";
        let expected = [(1, "301: Organized Crime"), (10, "302: Only é."), (10, "3: C?")];
        assert_eq!(read(text), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn a_malformed_block_does_not_hurt_the_next() {
        let text = "<top>\n<num> 1\n<top>\n<num> 2 <title> B?\n</top>\nstray\n<top>\n<title> C?\n</top>\n<top>\n<num> 4";
        let expected = [
            (1, "a <top> without its </top>"),
            (3, "2: B?"),
            (6, "outside of any <top>"),
            (7, "a topic without <num>"),
            (10, "a <top> without its </top>"),
        ];
        assert_eq!(read(text), expected.map(|(line, text)| (line, text.to_owned())));
    }
}
