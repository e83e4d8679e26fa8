//! JSON changelogs: a list of entries, each with a version or title, a date and its changes.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Block, BlockKind, Parsed, Part, Section, clipped};

/// The names that changelogs have for the same. One entry may have several of them.
#[derive(Deserialize)]
struct Entry {
    version: Option<String>,
    title: Option<String>,
    name: Option<String>,
    date: Option<String>,
    released: Option<String>,
    #[serde(rename = "pubDate")]
    published: Option<String>,
    description: Option<String>,
    body: Option<String>,
    summary: Option<String>,
    changes: Option<Value>,
    notes: Option<Value>,
    entries: Option<Value>,
    package: Option<String>,
}

impl Entry {
    /// The first is what the entry is called.
    fn names(&self) -> impl Iterator<Item = &String> {
        [&self.version, &self.title, &self.name].into_iter().flatten()
    }

    fn date(&self) -> Option<&String> {
        [&self.date, &self.released, &self.published].into_iter().flatten().next()
    }

    fn descriptions(&self) -> impl Iterator<Item = &String> {
        [&self.description, &self.body, &self.summary].into_iter().flatten()
    }

    fn changes(&self) -> impl Iterator<Item = &Value> {
        [&self.changes, &self.notes, &self.entries].into_iter().flatten()
    }
}

/// One standalone section an entry, or `None` where the text is not a list of such entries.
pub(super) fn parse(text: &str) -> Option<Parsed> {
    let raw: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let mut title = None;
    let mut sections = Vec::with_capacity(raw.len());
    for value in raw {
        let entry: Entry = serde_json::from_str(value.get()).ok()?;
        let heading = clipped(heading(&entry)?);
        title = title.or(entry.package.as_ref().map(|package| clipped(format!("{package} changelog"))));
        let block = Block { kind: BlockKind::Entry, span: span_of(text, value), text: body(&entry) };
        sections.push(Section {
            headings: vec![heading],
            blocks: vec![block],
            part: Part::Entry,
            ..Section::default()
        });
    }
    (!sections.is_empty()).then_some(Parsed { title, description: None, sections })
}

fn heading(entry: &Entry) -> Option<String> {
    let has_content = entry.changes().next().is_some() || entry.descriptions().next().is_some();
    let name = entry.names().next().filter(|_| has_content)?;
    Some(match entry.date() {
        Some(date) => format!("{name} ({date})"),
        None => name.clone(),
    })
}

fn body(entry: &Entry) -> String {
    let mut lines: Vec<String> = entry.names().skip(1).chain(entry.descriptions()).cloned().collect();
    for changes in entry.changes() {
        collect_text(changes, &mut lines);
    }
    if lines.is_empty() {
        lines.extend(entry.names().next().cloned());
    }
    lines.join("\n")
}

fn collect_text(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::String(text) => lines.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_text(item, lines)),
        Value::Object(fields) => fields.values().for_each(|field| collect_text(field, lines)),
        _ => {}
    }
}

/// `serde_json` lends raw values out of the text they were read from, so their distance from its
/// beginning is their offset.
fn span_of(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
    start..start + value.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_a_section_with_its_date_and_exact_place() {
        let text = r#"[ {"package":"p","version":"1.2","date":"2025-05-30","changes":["Fixed a.","Added b."]},
            {"version":"1.1","changes":[]} ]"#;
        let parsed = parse(text).unwrap();
        assert_eq!(parsed.title.as_deref(), Some("p changelog"));
        assert_eq!(parsed.sections[0].headings, ["1.2 (2025-05-30)"]);
        assert_eq!(parsed.sections[0].blocks[0].text, "Fixed a.\nAdded b.");
        assert!(text[parsed.sections[0].blocks[0].span.clone()].starts_with(r#"{"package""#));
        assert_eq!(parsed.sections[1].blocks[0].text, "1.1");
    }

    #[test]
    fn an_entry_may_have_several_names_for_the_same() {
        let text = r#"[{"version":"1.2","title":"Faster","released":"May","pubDate":"June","summary":"S.","notes":["N."],"changes":["C."]},
            {"name":"Only","body":"B."}]"#;
        let parsed = parse(text).unwrap();
        assert_eq!(parsed.sections[0].headings, ["1.2 (May)"]);
        assert_eq!(parsed.sections[0].blocks[0].text, "Faster\nS.\nC.\nN.");
        assert_eq!(parsed.sections[1].headings, ["Only"]);
    }

    #[test]
    fn other_json_is_not_a_changelog() {
        for other in ["{}", "[]", "[1]", r#"[{"id":1}]"#, "not json"] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
