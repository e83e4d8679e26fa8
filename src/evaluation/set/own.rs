//! docent's own question sets: graded judgements, the quotes that carry the answers, rephrasings,
//! and questions without an answer.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;

use super::lines::TextFile;
use super::{Question, Quote};
use crate::evaluation::EvaluationError;

const QUESTION_LAYOUT: &str = r#"{"id": "q1", "query": "...", "kind": "how-to", "relevant": [{"path": "a.md", "grade": 3}], "quotes": [{"path": "a.md", "text": "..."}]}"#;
const REPHRASING_LAYOUT: &str = r#"{"id": "q1", "rephrasings": ["...", "..."]}"#;

#[derive(Deserialize)]
struct QuestionLine {
    id: String,
    query: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    relevant: Vec<RelevantLine>,
    #[serde(default)]
    quotes: Vec<QuoteLine>,
    #[serde(default)]
    rephrasings: Vec<String>,
}

#[derive(Deserialize)]
struct RelevantLine {
    path: String,
    #[serde(default = "one")]
    grade: i32,
}

#[derive(Deserialize)]
struct QuoteLine {
    path: String,
    text: String,
}

#[derive(Deserialize)]
struct RephrasingLine {
    id: String,
    rephrasings: Vec<String>,
}

fn one() -> i32 {
    1
}

/// Reads `questions.jsonl` or `unanswerable.jsonl`.
pub(super) fn read_questions(path: &Path) -> Result<Vec<(usize, Question)>, EvaluationError> {
    let file = TextFile::read(path, QUESTION_LAYOUT)?;
    let mut questions = Vec::new();
    for (number, line) in file.records::<QuestionLine>()? {
        let mut judgements = BTreeMap::new();
        for relevant in line.relevant {
            if judgements.insert(relevant.path.clone(), relevant.grade).is_some() {
                return Err(file.fault(number, &format!("`{}` is judged twice", relevant.path)));
            }
        }
        if line.quotes.iter().any(|quote| quote.text.trim().is_empty()) {
            return Err(file.fault(number, "a quote without text is in every passage"));
        }
        let quotes =
            line.quotes.into_iter().map(|quote| Quote { document: quote.path, text: quote.text }).collect();
        let question = Question {
            id: line.id,
            text: line.query,
            kind: line.kind,
            judgements,
            quotes,
            rephrasings: line.rephrasings,
        };
        questions.push((number, question));
    }
    Ok(questions)
}

/// Adds the rephrasings in `path`, where that file is there, to their questions.
pub(super) fn add_rephrasings(path: &Path, questions: &mut [Question]) -> Result<(), EvaluationError> {
    if !path.is_file() {
        return Ok(());
    }
    let file = TextFile::read(path, REPHRASING_LAYOUT)?;
    let mut by_id: HashMap<String, Vec<String>> = HashMap::new();
    for (number, line) in file.records::<RephrasingLine>()? {
        if by_id.insert(line.id.clone(), line.rephrasings).is_some() {
            return Err(file.fault(number, &format!("the id `{}` is there twice", line.id)));
        }
    }
    for question in questions {
        if let Some(rephrasings) = by_id.remove(&question.id) {
            question.rephrasings = rephrasings;
        }
    }
    Ok(())
}
