//! JSON changelogs: a list of entries, each with a version or title, a date and its changes.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Block, BlockKind, Parsed, Part, Section, clipped};

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "title", alias = "name")]
    version: Option<String>,
    #[serde(alias = "released", alias = "pubDate")]
    date: Option<String>,
    #[serde(alias = "notes", alias = "entries")]
    changes: Option<serde_json::Value>,
    #[serde(alias = "body", alias = "summary")]
    description: Option<String>,
    package: Option<String>,
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
        sections.push(Section { headings: vec![heading], blocks: vec![block], part: Part::Entry, start: None });
    }
    (!sections.is_empty()).then_some(Parsed { title, description: None, sections })
}

fn heading(entry: &Entry) -> Option<String> {
    let has_content = entry.changes.is_some() || entry.description.is_some();
    let name = entry.version.as_ref().filter(|_| has_content)?;
    Some(match &entry.date {
        Some(date) => format!("{name} ({date})"),
        None => name.clone(),
    })
}

fn body(entry: &Entry) -> String {
    let mut lines: Vec<String> = entry.description.iter().cloned().collect();
    if let Some(changes) = &entry.changes {
        collect_text(changes, &mut lines);
    }
    if lines.is_empty() {
        lines.extend(entry.version.clone());
    }
    lines.join("\n")
}

fn collect_text(value: &serde_json::Value, lines: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => lines.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_text(item, lines)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| collect_text(field, lines)),
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
    fn other_json_is_not_a_changelog() {
        for other in ["{}", "[]", "[1]", r#"[{"id":1}]"#, "not json"] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
