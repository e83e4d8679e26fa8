//! A corpus in one file: JSON lines, each record a document (the layout of BEIR's `corpus.jsonl`).
//!
//! `{"_id": "4983", "title": "...", "text": "..."}`; `id` is read as well, and further fields are
//! left alone. A record's document is named by its id, so that an answer's paths are the corpus's
//! own ids.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::directory::{Inventory, SourceError, SourceFile};
use super::{Limits, Skip, SkipReason, SourcePath};

/// A document that came with the inventory instead of lying in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its title; empty where the corpus gives none.
    pub title: String,
    /// What it says.
    pub text: String,
}

impl Record {
    /// Names the content, as a file's hash does: blake3 in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.title.as_bytes());
        hasher.update(&[0]);
        hasher.update(self.text.as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

#[derive(Deserialize)]
struct Line {
    /// What BEIR calls it; where it is there, `id` is a further field.
    #[serde(default, rename = "_id")]
    own: Option<String>,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

impl Line {
    fn id(&self) -> Result<String, String> {
        match (&self.own, &self.id) {
            (Some(id), _) | (None, Some(Value::String(id))) => Ok(id.clone()),
            (None, Some(_)) => Err("`id` is not a string".into()),
            (None, None) => Err("missing field `_id`".into()),
        }
    }
}

/// Bytes that JSON may take for one of a text: `\u001f`.
const MOST_ESCAPED: u64 = 6;
/// Bytes of a record beside its text.
const OTHER_FIELDS: u64 = 1 << 20;

/// Stands before an id that cannot be a path as it is.
const ENCODED: &str = "id:";

/// Whether `path` names a corpus by its extension.
#[must_use]
pub fn is_corpus(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"))
}

/// The documents of the corpus at `path`.
pub(super) fn read_corpus(path: &Path, limits: &Limits) -> Result<Inventory, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut inventory = Inventory::default();
    let mut lines_of_ids = HashMap::new();
    let mut text = String::new();
    let longest = limits.max_file_bytes.saturating_mul(MOST_ESCAPED).saturating_add(OTHER_FIELDS);
    for number in 1.. {
        text.clear();
        let length = reader.by_ref().take(longest).read_line(&mut text).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        if text.trim().is_empty() {
            continue;
        }
        let malformed = |reason| SourceError::Record { path: path.to_owned(), line: number, reason };
        if length as u64 == longest && !text.ends_with('\n') {
            return Err(malformed(format!("the line is longer than {longest} bytes")));
        }
        let line: Line = serde_json::from_str(&text).map_err(|error| malformed(reason_of(&error)))?;
        let id = line.id().map_err(&malformed)?;
        take(&id, line, limits, &mut inventory);
        if let Some(first) = lines_of_ids.get(&id) {
            return Err(malformed(format!("the id `{id}` is also on line {first}")));
        }
        lines_of_ids.insert(id, number);
        if inventory.files.len() > limits.max_files {
            return Err(SourceError::TooManyFiles { path: path.to_owned(), limit: limits.max_files });
        }
    }
    inventory.files.sort_by(|first, second| first.path.cmp(&second.path));
    Ok(inventory)
}

/// What is wrong, with the column but without the line number of the one-line text.
fn reason_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} (column {})", error.column()),
        None => text,
    }
}

fn take(id: &str, line: Line, limits: &Limits, inventory: &mut Inventory) {
    let path = path_of_id(id);
    let title = line.title.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let text = line.text.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| title.clone());
    let size = text.len() as u64;
    let reason = if text.is_empty() {
        SkipReason::Empty
    } else if size > limits.max_file_bytes {
        SkipReason::TooLarge { bytes: size, limit: limits.max_file_bytes }
    } else {
        let record = Some(Arc::new(Record { title, text }));
        let location = Path::new(path.as_str()).to_owned();
        return inventory.files.push(SourceFile { path, location, size, modified_ns: 0, record });
    };
    inventory.skipped.push(Skip { path: path.into(), reason });
}

/// The path of the document with this id: the id itself wherever it can be a path, else an
/// encoded form that [`id_of_path`] takes back.
#[must_use]
pub fn path_of_id(id: &str) -> SourcePath {
    if !id.starts_with(ENCODED)
        && let Ok(path) = SourcePath::try_from(id.to_owned())
    {
        return path;
    }
    let mut encoded = ENCODED.to_owned();
    for character in id.chars() {
        match character {
            '%' | '/' | '\0' => encoded.push_str(&format!("%{:02x}", character as u32)),
            other => encoded.push(other),
        }
    }
    SourcePath::encoded(encoded)
}

/// The id of the document at `path`.
#[must_use]
pub fn id_of_path(path: &str) -> Cow<'_, str> {
    match path.strip_prefix(ENCODED) {
        Some(encoded) => Cow::Owned(encoded.replace("%00", "\0").replace("%2f", "/").replace("%25", "%")),
        None => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::walk;

    fn corpus(lines: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corpus.jsonl");
        std::fs::write(&path, lines).unwrap();
        (folder, path)
    }

    fn read(lines: &str) -> Result<Inventory, SourceError> {
        let (_folder, path) = corpus(lines);
        walk(&path, &Limits::default(), None, &|_| false)
    }

    #[test]
    fn every_record_is_a_document_named_by_its_id() {
        let inventory = read(concat!(
            r#"{"_id": "b/2", "title": " Two\n words", "text": "Text.", "metadata": {}}"#,
            "\n\n",
            r#"{"id": "1", "text": "Only text."}"#,
            "\n",
            r#"{"_id": "3", "title": "Only title"}"#,
            "\n",
            r#"{"_id": "4", "title": "", "text": " "}"#,
        ))
        .unwrap();
        let found: Vec<(&str, &str, &str)> = inventory
            .files
            .iter()
            .map(|file| {
                let record = file.record.as_ref().unwrap();
                (file.path.as_str(), record.title.as_str(), record.text.as_str())
            })
            .collect();
        assert_eq!(
            found,
            [("1", "", "Only text."), ("3", "Only title", "Only title"), ("b/2", "Two words", "Text.")]
        );
        assert_eq!(inventory.skipped.len(), 1);
        assert_eq!((inventory.skipped[0].path.as_str(), inventory.skipped[0].reason.kind()), ("4", "empty"));
    }

    #[test]
    fn malformed_records_are_named_with_their_line() {
        let message = |lines: &str| {
            let (folder, path) = corpus(lines);
            let error = walk(&path, &Limits::default(), None, &|_| false).unwrap_err();
            error.to_string().replace(&folder.path().display().to_string(), "D")
        };
        let good = "{\"_id\": \"1\", \"text\": \"x\"}\n";
        assert_eq!(
            message(&format!("{good}{{\"text\": \"y\"}}")),
            "`D/corpus.jsonl`, line 2: missing field `_id`"
        );
        assert_eq!(
            message(&format!("{good}\n{good}")),
            "`D/corpus.jsonl`, line 3: the id `1` is also on line 1"
        );
        assert_eq!(message("{\"id\": 1, \"text\": \"y\"}"), "`D/corpus.jsonl`, line 1: `id` is not a string");
        assert!(message("nonsense").contains("line 1: "));
    }

    #[test]
    fn an_id_beside_the_corpus_own_is_a_further_field() {
        let inventory = read("{\"_id\": \"own\", \"id\": 7, \"text\": \"x\"}\n").unwrap();
        assert_eq!(inventory.files[0].path.as_str(), "own");
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let limits = Limits { max_file_bytes: 10, ..Limits::default() };
        let (_folder, path) = corpus(&"x".repeat(OTHER_FIELDS as usize + 100));
        let error = walk(&path, &limits, None, &|_| false).unwrap_err().to_string();
        assert!(error.ends_with("line 1: the line is longer than 1048636 bytes"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn ids_survive_the_way_through_a_path(id in "(id:)?[a-c/.%\0 5é]{0,8}") {
            let path = path_of_id(&id);
            assert_eq!(id_of_path(path.as_str()), id);
            assert!(SourcePath::try_from(path.to_string()).is_ok());
        }
    }
}
