//! Sets of questions with judged answers: BEIR folders, TREC topics with qrels, and docent's own.

mod judgements;
mod lines;
mod own;
mod topics;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::EvaluationError;
use judgements::Judgements;
use lines::TextFile;
pub use topics::topic;

const BEIR_LAYOUT: &str = r#"{"_id": "q1", "text": "..."}"#;

/// A question and what is known about its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Names it in judgements, runs and reports.
    pub id: String,
    /// As it is asked.
    pub text: String,
    /// What sort of question it is, where the set says so.
    pub kind: Option<String>,
    /// Grades by document; 0 and less is irrelevant. Empty for a question without an answer.
    pub judgements: BTreeMap<String, i32>,
    /// Where the answer stands, word for word.
    pub quotes: Vec<Quote>,
    /// Other wordings of the same question.
    pub rephrasings: Vec<String>,
}

/// A passage that carries an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The document.
    pub document: String,
    /// An exact piece of it.
    pub text: String,
}

/// Questions to evaluate a retriever with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionSet {
    /// The name of its folder or file.
    pub name: String,
    /// The ones that the documents answer.
    pub questions: Vec<Question>,
    /// The ones that they do not.
    pub unanswerable: Vec<Question>,
    /// Every question of the file as it stands there, those that are left out too, and then those of
    /// `unanswerable.jsonl`.
    pub asked: Vec<String>,
    /// Questions left out because nobody judged any document for them.
    pub unjudged: usize,
    /// Judgements of questions that are not in the set.
    pub unknown_questions: usize,
    /// Where the set's own corpus is, or would be.
    pub corpus: PathBuf,
}

/// Which judgements to use.
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// A file of judgements, in place of the one beside the questions.
    pub qrels: Option<PathBuf>,
    /// The part of a BEIR set: `qrels/SPLIT.tsv`; "test" where none is given.
    pub split: Option<String>,
}

impl Question {
    pub(super) fn bare(id: &str, text: &str) -> Self {
        Self {
            id: id.to_owned(),
            text: text.to_owned(),
            kind: None,
            judgements: BTreeMap::new(),
            quotes: Vec::new(),
            rephrasings: Vec::new(),
        }
    }
}

/// The forms that questions come in.
enum Form {
    Own,
    Beir,
    Topics,
}

impl QuestionSet {
    /// Reads the set at `path`: a folder, or a file of questions.
    ///
    /// # Errors
    /// Where a file is missing, or a line of one is malformed; the line is named.
    pub fn load(path: &Path, options: &SetOptions) -> Result<Self, EvaluationError> {
        let (file, form) = locate(path)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let numbered = match form {
            Form::Own => own::read_questions(&file)?,
            Form::Beir => beir_queries(&file)?,
            Form::Topics => topics::read(&file)?,
        };
        let questions = distinct(&file, numbered)?;
        let mut set = Self {
            name: name_of(path),
            asked: questions.iter().map(|question| question.text.clone()).collect(),
            questions,
            unanswerable: Vec::new(),
            unjudged: 0,
            unknown_questions: 0,
            corpus: folder.join("corpus.jsonl"),
        };
        let is_own = matches!(form, Form::Own);
        if let (true, Some(split)) = (is_own, &options.split) {
            return Err(EvaluationError::NoSplits { path: path.to_owned(), split: split.clone() });
        }
        if is_own && options.qrels.is_none() {
            set.part_unanswerable();
        } else {
            set.judge(judgements::read(&find_qrels(&file, folder, options)?)?);
        }
        if is_own {
            set.add_unanswerable(&folder.join("unanswerable.jsonl"))?;
        }
        own::add_rephrasings(&folder.join("rephrasings.jsonl"), &mut set.questions)?;
        if set.questions.is_empty() {
            return Err(EvaluationError::NothingToEvaluate { path: path.to_owned() });
        }
        Ok(set)
    }

    /// A question without a relevant document is one without an answer.
    fn part_unanswerable(&mut self) {
        let (answerable, unanswerable) = std::mem::take(&mut self.questions)
            .into_iter()
            .partition(|question| !question.judgements.is_empty());
        self.questions = answerable;
        self.unanswerable = unanswerable;
    }

    fn add_unanswerable(&mut self, beside: &Path) -> Result<(), EvaluationError> {
        if beside.is_file() {
            let more = distinct(beside, own::read_questions(beside)?)?;
            self.asked.extend(more.iter().map(|question| question.text.clone()));
            self.unanswerable.extend(more);
        }
        Ok(())
    }

    fn judge(&mut self, mut judgements: Judgements) {
        for question in &mut self.questions {
            question.judgements = judgements.remove(&question.id).unwrap_or_default();
        }
        let all = self.questions.len();
        self.questions.retain(|question| !question.judgements.is_empty());
        self.unjudged = all - self.questions.len();
        self.unknown_questions = judgements.len();
    }
}

fn name_of(path: &Path) -> String {
    let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    canonical
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn locate(path: &Path) -> Result<(PathBuf, Form), EvaluationError> {
    if path.is_dir() {
        let candidates = [("questions.jsonl", Form::Own), ("queries.jsonl", Form::Beir)];
        let found = candidates.into_iter().map(|(name, form)| (path.join(name), form));
        return found
            .into_iter()
            .find(|(file, _)| file.is_file())
            .ok_or_else(|| EvaluationError::NotASet { path: path.to_owned() });
    }
    let is_json = path.extension().is_some_and(|extension| extension == "jsonl");
    let form = if is_json { form_of_records(path)? } else { Form::Topics };
    Ok((path.to_owned(), form))
}

/// A file of records says by its first one what it is.
fn form_of_records(path: &Path) -> Result<Form, EvaluationError> {
    let file = TextFile::read(path, BEIR_LAYOUT)?;
    let first =
        file.lines().next().and_then(|(_, line)| serde_json::from_str::<serde_json::Value>(line).ok());
    let is_own = first.is_some_and(|record| record.get("query").is_some());
    Ok(if is_own { Form::Own } else { Form::Beir })
}

fn beir_queries(path: &Path) -> Result<Vec<(usize, Question)>, EvaluationError> {
    #[derive(Deserialize)]
    struct QueryLine {
        #[serde(rename = "_id", alias = "id")]
        id: String,
        text: String,
    }
    let records = TextFile::read(path, BEIR_LAYOUT)?.records::<QueryLine>()?;
    Ok(records.into_iter().map(|(number, line)| (number, Question::bare(&line.id, &line.text))).collect())
}

fn distinct(path: &Path, numbered: Vec<(usize, Question)>) -> Result<Vec<Question>, EvaluationError> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut questions = Vec::with_capacity(numbered.len());
    for (line, question) in numbered {
        if let Some(first) = lines.insert(question.id.clone(), line) {
            return Err(EvaluationError::Line {
                path: path.to_owned(),
                line,
                reason: format!("the id `{}` is also on line {first}", question.id),
                layout: "every question has an id of its own",
            });
        }
        questions.push(question);
    }
    Ok(questions)
}

fn find_qrels(questions: &Path, folder: &Path, options: &SetOptions) -> Result<PathBuf, EvaluationError> {
    if let Some(file) = &options.qrels {
        return Ok(file.clone());
    }
    let in_folder = |name: &str| folder.join(name);
    let looked_for = match &options.split {
        Some(split) => vec![folder.join("qrels").join(format!("{split}.tsv"))],
        None => vec![
            in_folder("qrels.tsv"),
            in_folder("qrels/test.tsv"),
            in_folder("qrels.txt"),
            in_folder("qrels"),
        ],
    };
    match looked_for.iter().find(|file| file.is_file()) {
        Some(file) => Ok(file.clone()),
        None => Err(EvaluationError::NoJudgements { path: questions.to_owned(), looked_for }),
    }
}

/// The documents that are judged anywhere in a set.
pub(super) fn judged_documents(questions: &[Question]) -> HashSet<&str> {
    questions.iter().flat_map(|question| question.judgements.keys()).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn load(folder: &tempfile::TempDir, name: &str) -> Result<QuestionSet, String> {
        load_with(folder, name, &SetOptions::default())
    }

    fn load_with(
        folder: &tempfile::TempDir,
        name: &str,
        options: &SetOptions,
    ) -> Result<QuestionSet, String> {
        QuestionSet::load(&folder.path().join(name), options)
            .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "D"))
    }

    const QUERIES: &str =
        "{\"_id\": \"1\", \"text\": \"One?\", \"metadata\": {}}\n{\"_id\": \"2\", \"text\": \"Two?\"}\n";

    #[test]
    fn a_beir_folder_asks_what_is_judged() {
        let both = folder(&[
            ("s/queries.jsonl", QUERIES),
            ("s/qrels/test.tsv", "query-id\tcorpus-id\tscore\n2\td\t1\n9\td\t1\n"),
            ("s/qrels/dev.tsv", "1\td\t1\n"),
        ]);
        let set = load(&both, "s").unwrap();
        assert_eq!((set.name.as_str(), set.unjudged, set.unknown_questions), ("s", 1, 1));
        assert_eq!(set.questions.len(), 1);
        assert_eq!((set.questions[0].text.as_str(), set.questions[0].judgements["d"]), ("Two?", 1));
        let dev = SetOptions { split: Some("dev".into()), ..SetOptions::default() };
        assert_eq!(load_with(&both, "s", &dev).unwrap().questions[0].id, "1");
    }

    #[test]
    fn topics_take_their_judgements_from_a_named_file() {
        let trec = folder(&[("topics", "1\tOne?\n"), ("judged", "1 0 d 2\n")]);
        assert!(
            load(&trec, "topics")
                .unwrap_err()
                .starts_with("no judgements for `D/topics`: none of `D/qrels.tsv`")
        );
        let options = SetOptions { qrels: Some(trec.path().join("judged")), ..SetOptions::default() };
        assert_eq!(load_with(&trec, "topics", &options).unwrap().questions[0].judgements["d"], 2);
    }

    #[test]
    fn our_own_sets_have_quotes_rephrasings_and_questions_without_an_answer() {
        let own = folder(&[
            (
                "questions.jsonl",
                "{\"id\":\"a\",\"query\":\"A?\",\"kind\":\"how-to\",\"relevant\":[{\"path\":\"x.md\",\"grade\":3}],\"quotes\":[{\"path\":\"x.md\",\"text\":\"so\"}]}\n{\"id\":\"b\",\"query\":\"B?\",\"relevant\":[]}\n",
            ),
            ("rephrasings.jsonl", "{\"id\":\"a\",\"rephrasings\":[\"Aa?\"]}\n"),
            (
                "unanswerable.jsonl",
                "{\"id\":\"n\",\"query\":\"N?\",\"kind\":\"unanswerable\",\"why\":\"no\"}\n",
            ),
        ]);
        let set = load(&own, "").unwrap();
        let [question] = set.questions.as_slice() else { panic!("{set:?}") };
        assert_eq!(question.kind.as_deref(), Some("how-to"));
        assert_eq!(question.judgements["x.md"], 3);
        assert_eq!(question.quotes, [Quote { document: "x.md".into(), text: "so".into() }]);
        assert_eq!(question.rephrasings, ["Aa?"]);
        let unanswerable: Vec<&str> = set.unanswerable.iter().map(|question| question.id.as_str()).collect();
        assert_eq!(unanswerable, ["b", "n"]);
        assert_eq!(set.asked, ["A?", "B?", "N?"]);
        assert_eq!(load(&own, "questions.jsonl").unwrap().questions, set.questions);
        // Judgements from elsewhere leave those without an answer as they are; parts are for other layouts.
        std::fs::write(own.path().join("judged"), "b 0 y.md 1\n").unwrap();
        let options = SetOptions { qrels: Some(own.path().join("judged")), ..SetOptions::default() };
        let judged = load_with(&own, "", &options).unwrap();
        assert_eq!((judged.questions[0].id.as_str(), judged.unanswerable[0].id.as_str()), ("b", "n"));
        let options = SetOptions { split: Some("dev".into()), ..SetOptions::default() };
        let error = load_with(&own, "", &options).unwrap_err();
        assert_eq!(error, "`D/` has judgements in its questions, and no part `dev`");
    }

    #[test]
    fn malformed_files_are_named_with_their_line() {
        let own = folder(&[
            ("a/questions.jsonl", "\n{\"id\":\"a\"}\n"),
            ("b/questions.jsonl", "{\"id\":\"a\",\"query\":\"A?\"}\n{\"id\":\"a\",\"query\":\"A?\"}\n"),
            ("c/queries.jsonl", "{\"_id\": 1, \"text\": \"x\"}\n"),
            ("d/queries.jsonl", "{\"_id\": \"1\", \"text\": \"x\"}\n"),
            ("d/qrels.tsv", "7\td\t1\n"),
            ("e/nothing.txt", ""),
            (
                "g/questions.jsonl",
                "{\"id\":\"a\",\"query\":\"A?\",\"quotes\":[{\"path\":\"x\",\"text\":\" \"}]}\n",
            ),
        ]);
        let message = |name: &str| load(&own, name).unwrap_err();
        assert_eq!(message("a"), "`D/a/questions.jsonl`, line 2: missing field `query` (column 10)");
        assert_eq!(message("b"), "`D/b/questions.jsonl`, line 2: the id `a` is also on line 1");
        assert_eq!(
            message("c"),
            "`D/c/queries.jsonl`, line 1: invalid type: integer `1`, expected a string (column 9)"
        );
        assert_eq!(message("g"), "`D/g/questions.jsonl`, line 1: a quote without text is in every passage");
        assert_eq!(message("d"), "`D/d` holds no question with a judgement");
        assert_eq!(message("e"), "no questions in `D/e`: neither questions.jsonl nor queries.jsonl is there");
        assert!(message("f").starts_with("`D/f` cannot be read: "), "{}", message("f"));
        std::fs::write(own.path().join("a/questions.jsonl"), b"\n\n\xff").unwrap();
        assert_eq!(message("a"), "`D/a/questions.jsonl`, line 3: not UTF-8");
    }
}
