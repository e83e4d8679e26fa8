//! The only writer to stdout.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::retrieval::{Answer, Hit};

/// Writes text for people to stdout.
pub(super) fn text(text: &str) -> io::Result<()> {
    write(&printable(text))
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Stdout for a stream of records: what ends with a line break is passed on at once.
pub(super) fn stream() -> impl Write {
    io::stdout().lock()
}

/// Writes one JSON object and a line break to stdout.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value).map_err(io::Error::other)?;
    line.push('\n');
    write(&line)
}

/// An answer for people: a line with the source, a line with the headings, the passage; last, how
/// sure it is.
pub(super) fn answer(answer: &Answer) -> String {
    let mut output = String::new();
    for (index, hit) in answer.hits.iter().enumerate() {
        if index > 0 {
            output.push('\n');
        }
        output.push_str(&hit_text(index + 1, hit));
    }
    if let Some(confidence) = answer.confidence {
        let said = if answer.no_good_match { ": no good match, only the nearest passages" } else { "" };
        output.push_str(&format!("\nconfidence {confidence:.2}{said}\n"));
    }
    output
}

fn hit_text(number: usize, hit: &Hit) -> String {
    let crumb = crate::chunking::breadcrumb(&hit.title, &hit.breadcrumb);
    let source = format!("{}:{}-{}", hit.path, hit.start_line, hit.end_line);
    let stale = if hit.stale { "  (changed since it was indexed)" } else { "" };
    let mut output = format!("{number}. {source}  (score {:.2}){stale}\n   {crumb}\n", hit.score);
    for place in &hit.duplicates {
        output.push_str(&format!("   also {}:{}-{}\n", place.path, place.start_line, place.end_line));
    }
    output.push('\n');
    for line in hit.text.lines() {
        if !line.trim().is_empty() {
            output.push_str("   ");
            output.push_str(line);
        }
        output.push('\n');
    }
    output
}

/// Control characters of a document, or of a file's name, must not steer the reader's terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(
            |character| {
                if character.is_control() && !matches!(character, '\t' | '\n') {
                    '\u{fffd}'
                } else {
                    character
                }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_a_document_are_not_passed_on() {
        assert_eq!(printable("a\u{1b}[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }
}
