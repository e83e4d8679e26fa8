//! Judgements: which document is how relevant to which question (`qrels`).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::lines::TextFile;
use crate::evaluation::EvaluationError;

const LAYOUT: &str = "QUESTION<TAB>DOCUMENT<TAB>GRADE (BEIR) or QUESTION 0 DOCUMENT GRADE (TREC)";

/// Grades by document, by question.
pub(super) type Judgements = HashMap<String, BTreeMap<String, i32>>;

/// Reads BEIR's three columns, with or without a header, or TREC's four.
pub(super) fn read(path: &Path) -> Result<Judgements, EvaluationError> {
    let file = TextFile::read(path, LAYOUT)?;
    let mut judgements = Judgements::new();
    for (position, (number, line)) in file.lines().enumerate() {
        let Some((question, document, grade)) = columns(line) else {
            return Err(file.fault(number, &format!("`{}` has not three or four columns", shown(line))));
        };
        if position == 0 && is_header(question, grade) {
            continue;
        }
        let Ok(grade) = grade.parse::<i32>() else {
            return Err(file.fault(number, &format!("the grade `{}` is not a whole number", shown(grade))));
        };
        let of_question = judgements.entry(question.to_owned()).or_default();
        if let Some(before) = of_question.insert(document.to_owned(), grade).filter(|before| *before != grade)
        {
            let reason =
                format!("`{document}` is judged {grade} for `{question}`, and was judged {before} before");
            return Err(file.fault(number, &reason));
        }
    }
    Ok(judgements)
}

/// Question, document and grade. Tabs separate where there are any, so that an id may hold blanks.
fn columns(line: &str) -> Option<(&str, &str, &str)> {
    let by_tab: Vec<&str> = line.split('\t').map(str::trim).collect();
    let columns = if by_tab.len() > 1 { by_tab } else { line.split_whitespace().collect() };
    match columns.as_slice() {
        [question, document, grade] | [question, _, document, grade] => Some((question, document, grade)),
        _ => None,
    }
}

fn is_header(question: &str, grade: &str) -> bool {
    let question = question.to_ascii_lowercase();
    grade.parse::<f64>().is_err()
        && ["query", "qid", "topic", "question"].iter().any(|word| question.starts_with(word))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Judgements, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("q");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "D"))
    }

    #[test]
    fn three_columns_with_and_without_a_header_and_four_are_read() {
        let expected: Judgements = [
            ("q1".to_owned(), [("d 1".to_owned(), 2), ("d2".to_owned(), 0)].into()),
            ("q2".to_owned(), [("d3".to_owned(), -1)].into()),
        ]
        .into();
        let rows = "q1\td 1\t2\r\nq1\td2\t0\n\nq2\td3\t-1\n";
        assert_eq!(read_text(rows).unwrap(), expected);
        assert_eq!(read_text(&format!("query-id\tcorpus-id\tscore\n{rows}")).unwrap(), expected);
        assert_eq!(read_text("q1\t0\td 1\t2\nq1 0 d2 0\nq2  Q0  d3  -1").unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert_eq!(
            read_text("a\tb\t1\nq d\n").unwrap_err(),
            "`D/q`, line 2: `q d` has not three or four columns"
        );
        assert_eq!(
            read_text("a\tb\t1\n\nq\td\tx\n").unwrap_err(),
            "`D/q`, line 3: the grade `x` is not a whole number"
        );
        assert_eq!(
            read_text("q d 1\nq d 1\nq d 2").unwrap_err(),
            "`D/q`, line 3: `d` is judged 2 for `q`, and was judged 1 before"
        );
    }
}
