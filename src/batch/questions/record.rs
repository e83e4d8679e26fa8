//! A question as one line: a JSON record, an id and a tab, or nothing but the question.

use serde_json::{Map, Value};

use super::{Item, LineError, Wanted};

/// The names of the id and of the question: docent's own, BEIR's, and those of other collections.
const IDS: &[&str] = &["id", "_id", "qid", "query_id"];
const QUESTIONS: &[&str] = &["query", "text", "question"];
/// What a record may hold beside them and is used.
const REPHRASINGS: &str = "rephrasings";
const PATH: &str = "path";
/// What question sets hold for their evaluation: known, and of no use here.
const IGNORED: &[&str] = &["metadata", "title", "kind", "relevant", "quotes", "why", "answer", "answers"];
/// Names at least this alike (Jaro-Winkler, 0 to 1) are taken for one another's misspelling.
const ALIKE: f64 = 0.7;

/// Reads a record of JSON. Without an id, the line's number is one.
pub(super) fn json(line: u64, text: &str) -> Item {
    let record = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(record)) => record,
        Ok(_) => return Item { line, id: None, content: Err(LineError::NotAnObject) },
        Err(error) => {
            let (reason, column) = (reason_of(&error), error.column());
            return Item { line, id: None, content: Err(LineError::NotJson { reason, column }) };
        }
    };
    match id_of(&record) {
        Ok(id) => {
            Item { line, id: Some(id.unwrap_or_else(|| line.to_string())), content: content_of(&record) }
        }
        Err(error) => Item { line, id: None, content: Err(error) },
    }
}

/// The parser counts lines of its own one-line text, which would only confuse.
fn reason_of(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn id_of(record: &Map<String, Value>) -> Result<Option<String>, LineError> {
    match one_of(record, IDS)? {
        None => Ok(None),
        Some((_, Value::String(id))) if !id.trim().is_empty() => Ok(Some(id.clone())),
        Some((_, Value::Number(number))) if !number.is_f64() => Ok(Some(number.to_string())),
        Some((field, _)) => Err(LineError::WrongType { field, wanted: "a string or an integer" }),
    }
}

fn content_of(record: &Map<String, Value>) -> Result<Wanted, LineError> {
    for name in record.keys() {
        known(name)?;
    }
    let text = match one_of(record, QUESTIONS)? {
        None => return Err(LineError::NoQuestion),
        Some((_, Value::String(text))) => text.clone(),
        Some((field, _)) => return Err(LineError::WrongType { field, wanted: "a string" }),
    };
    let rephrasings = match given(record, REPHRASINGS) {
        None => Vec::new(),
        Some(value) => {
            texts(value).ok_or(LineError::WrongType { field: REPHRASINGS, wanted: "a list of strings" })?
        }
    };
    let path = match given(record, PATH) {
        None => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err(LineError::WrongType { field: PATH, wanted: "a string" }),
    };
    Ok(Wanted { text, rephrasings, path })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// What a record has for `name`; null is nothing.
fn given<'record>(record: &'record Map<String, Value>, name: &str) -> Option<&'record Value> {
    record.get(name).filter(|value| !value.is_null())
}

/// The one of several names for the same thing that a record has.
fn one_of<'record>(
    record: &'record Map<String, Value>,
    names: &[&'static str],
) -> Result<Option<(&'static str, &'record Value)>, LineError> {
    let mut found = names.iter().filter_map(|name| Some((*name, given(record, name)?)));
    match (found.next(), found.next()) {
        (Some((one, _)), Some((other, _))) => Err(LineError::Twice { one, other }),
        (first, _) => Ok(first),
    }
}

/// A field that does nothing would be a setting that silently does not apply.
fn known(name: &str) -> Result<(), LineError> {
    let mut all = IDS.iter().chain(QUESTIONS).chain([&REPHRASINGS, &PATH]).chain(IGNORED);
    if all.clone().any(|known| *known == name) {
        return Ok(());
    }
    let name: String = name.chars().take(64).collect();
    let lower = name.to_lowercase();
    let alike = |known: &&'static str| (strsim::jaro_winkler(&lower, known), *known);
    let nearest = all.by_ref().map(alike).max_by(|one, other| one.0.total_cmp(&other.0));
    let nearest = nearest.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, nearest)| nearest);
    Err(LineError::UnknownField { name, nearest })
}

/// An id, a tab, and the question, which may have further tabs.
pub(super) fn tabbed(line: u64, text: &str) -> Item {
    match text.split_once('\t') {
        Some((id, question)) if !id.trim().is_empty() => {
            Item { line, id: Some(id.trim().to_owned()), content: Ok(Wanted::bare(question.trim())) }
        }
        _ => Item { line, id: None, content: Err(LineError::NoTab) },
    }
}

/// Whether this is the line above a table that names its columns.
pub(super) fn is_header(text: &str) -> bool {
    let mut columns = text.split('\t').map(|column| column.trim().to_lowercase().replace('-', "_"));
    let mut is_one_of =
        |names: &[&str]| columns.next().is_some_and(|column| names.contains(&column.as_str()));
    is_one_of(IDS) && is_one_of(QUESTIONS)
}

/// The whole line is the question, and its number the id.
pub(super) fn plain(line: u64, text: &str) -> Item {
    Item { line, id: Some(line.to_string()), content: Ok(Wanted::bare(text.trim())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        json(1, text).content.unwrap_err().to_string()
    }

    #[test]
    fn records_of_several_collections_are_read() {
        let own =
            json(3, r#"{"id": "a", "query": "A?", "rephrasings": ["B?"], "path": "docs", "kind": "how-to"}"#);
        let wanted = Wanted { text: "A?".into(), rephrasings: vec!["B?".into()], path: Some("docs".into()) };
        assert_eq!(own, Item { line: 3, id: Some("a".into()), content: Ok(wanted) });
        let beir = json(1, r#"{"_id": "7", "text": "A?", "metadata": {"x": 1}}"#);
        assert_eq!((beir.id.as_deref(), beir.content), (Some("7"), Ok(Wanted::bare("A?"))));
        assert_eq!(json(1, r#"{"qid": 12, "question": "A?"}"#).id.as_deref(), Some("12"));
        assert_eq!(json(9, r#"{"query": "A?", "id": null}"#).id.as_deref(), Some("9"));
    }

    #[test]
    fn what_is_wrong_with_a_record_is_named() {
        assert_eq!(fault("{\"id\": \"a\","), "not JSON: EOF while parsing a value (column 11)");
        assert_eq!(fault("[1]"), "not a JSON object");
        assert_eq!(fault(r#"{"id": "a"}"#), "no question: there is no field `query`");
        assert_eq!(fault(r#"{"id": "a", "query": 1}"#), "`query` is not a string");
        assert_eq!(fault(r#"{"id": [1], "query": "A?"}"#), "`id` is not a string or an integer");
        assert_eq!(fault(r#"{"id": "a", "_id": "b", "query": "A?"}"#), "both `id` and `_id` are there");
        assert_eq!(
            fault(r#"{"query": "A?", "rephrasing": ["B?"]}"#),
            "unknown field `rephrasing`: did you mean `rephrasings`?"
        );
        assert_eq!(
            fault(r#"{"query": "A?", "Querry": "B?"}"#),
            "unknown field `Querry`: did you mean `query`?"
        );
        assert_eq!(fault(r#"{"query": "A?", "zzz": 1}"#), "unknown field `zzz`");
        assert_eq!(
            fault(r#"{"query": "A?", "rephrasings": "B?"}"#),
            "`rephrasings` is not a list of strings"
        );
        let known = json(4, r#"{"id": "a", "querry": "A?"}"#);
        assert_eq!(known.id.as_deref(), Some("a"), "an error keeps its id where it has one");
    }

    #[test]
    fn tables_and_plain_lines_are_read() {
        let item = tabbed(2, "q1\tone\ttwo");
        assert_eq!((item.id.as_deref(), item.content), (Some("q1"), Ok(Wanted::bare("one\ttwo"))));
        assert_eq!(tabbed(2, "no tab").content, Err(LineError::NoTab));
        assert_eq!(tabbed(2, "\tno id").content, Err(LineError::NoTab));
        assert!(is_header("query-id\tText") && is_header("id\tquery\tkind") && !is_header("q1\tquery"));
        assert_eq!(plain(8, " A? ").id.as_deref(), Some("8"));
    }
}
