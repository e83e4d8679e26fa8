//! TREC topics: `<top>` blocks, or lines of an id, a tab and the question.

use std::path::Path;

use super::Question;
use super::lines::TextFile;
use crate::evaluation::EvaluationError;

const LAYOUT: &str = "ID<TAB>QUESTION, or <top> <num> Number: ID <title> QUESTION </top>";

/// Reads either form.
pub(super) fn read(path: &Path) -> Result<Vec<(usize, Question)>, EvaluationError> {
    let file = TextFile::read(path, LAYOUT)?;
    if file.text().trim_start().starts_with('<') { blocks(&file) } else { lines(&file) }
}

fn lines(file: &TextFile) -> Result<Vec<(usize, Question)>, EvaluationError> {
    let question = |(number, line): (usize, &str)| match line.split_once('\t') {
        Some((id, text)) if !id.trim().is_empty() && !text.trim().is_empty() => {
            Ok((number, Question::bare(id.trim(), text.trim())))
        }
        _ => Err(file.fault(number, "no id and question with a tab between them")),
    };
    file.lines().map(question).collect()
}

fn blocks(file: &TextFile) -> Result<Vec<(usize, Question)>, EvaluationError> {
    let text = file.text();
    let mut questions = Vec::new();
    let mut position = 0;
    while let Some(offset) = find(&text[position..], "<top>") {
        let start = position + offset + "<top>".len();
        let line = text[..start].lines().count();
        let Some(length) = find(&text[start..], "</top>") else {
            return Err(file.fault(line, "a <top> without its </top>"));
        };
        let (id, question) =
            topic(&text[start..start + length]).map_err(|reason| file.fault(line, &reason))?;
        questions.push((line, Question::bare(&id, &question)));
        position = start + length;
    }
    if questions.is_empty() {
        return Err(file.fault(1, "no <top> block"));
    }
    Ok(questions)
}

/// The id and the question of one topic: what stands between `<top>` and `</top>`.
///
/// # Errors
/// What is missing, in words.
pub fn topic(block: &str) -> Result<(String, String), String> {
    let id = field(block, "<num>", "number:").ok_or("a topic without <num>")?;
    let text = field(block, "<title>", "topic:").or_else(|| field(block, "<desc>", "description:"));
    match text {
        Some(text) => Ok((id, text)),
        None => Err(format!("topic `{id}` without <title> and <desc>")),
    }
}

/// What follows `tag`, up to the next one; the label that old topics repeat in it is left out.
fn field(block: &str, tag: &str, label: &str) -> Option<String> {
    let start = find(block, tag)? + tag.len();
    let value = block[start..].split('<').next()?.trim();
    let value = value
        .get(..label.len())
        .filter(|head| head.eq_ignore_ascii_case(label))
        .map_or(value, |_| &value[label.len()..]);
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    (!value.is_empty()).then_some(value)
}

fn find(text: &str, tag: &str) -> Option<usize> {
    // Tags are ASCII, so lower-casing ASCII keeps the offsets.
    text.to_ascii_lowercase().find(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<(usize, String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        std::fs::write(&path, text).unwrap();
        match read(&path) {
            Ok(found) => {
                Ok(found.into_iter().map(|(line, question)| (line, question.id, question.text)).collect())
            }
            Err(error) => Err(error.to_string().replace(&folder.path().display().to_string(), "D")),
        }
    }

    #[test]
    fn blocks_of_old_and_new_style_are_read() {
        let text = "<top>\n<num> Number: 301\n<title> International\n  Organized Crime\n\n<desc> Description:\nWhat?\n</top>\n\n<TOP><num>302</num><desc>Description: Only é desc.</desc></TOP>\n";
        let expected = [
            (1, "301".to_owned(), "International Organized Crime".to_owned()),
            (10, "302".to_owned(), "Only é desc.".to_owned()),
        ];
        assert_eq!(read_text(text).unwrap(), expected);
    }

    #[test]
    fn lines_are_read() {
        assert_eq!(
            read_text("1\ta b\n\n2\tc\td\n").unwrap(),
            [(1, "1".to_owned(), "a b".to_owned()), (3, "2".to_owned(), "c\td".to_owned())]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(
            read_text("1\ta\nnothing").unwrap_err(),
            "`D/t`, line 2: no id and question with a tab between them"
        );
        assert_eq!(read_text("\n<top>\n<num> 1\n").unwrap_err(), "`D/t`, line 2: a <top> without its </top>");
        assert_eq!(
            read_text("<top>\n<title> x\n</top>").unwrap_err(),
            "`D/t`, line 1: a topic without <num>"
        );
        assert_eq!(
            read_text("<top>\n<num> 7\n</top>").unwrap_err(),
            "`D/t`, line 1: topic `7` without <title> and <desc>"
        );
        assert_eq!(read_text("<xml/>").unwrap_err(), "`D/t`, line 1: no <top> block");
    }
}
