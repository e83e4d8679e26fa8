//! `list`: what there is, folder by folder.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::examples::counted;
use super::{ToolName, Work, changelog, examples, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::cursor::Cursor;
use crate::mcp::failure::ToolError;
use crate::mcp::folder::{Entry, children, plain};
use crate::retrieval::{DocumentKind, DocumentRecord, PathFilter, Reader, Resident};

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 500;
pub(super) const PARAMETERS: &[&str] = &["path", "limit", "cursor"];

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Folder or glob"},
            "limit": {"type": "integer", "description": "Default 50"},
            "cursor": {"type": "string", "description": "To go on"},
        },
        "additionalProperties": false,
    });
    let description = "Browse folders and documents.";
    reading_tool(ToolName::List, "List", description, input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let path = arguments.text("path")?.unwrap_or_default().trim().to_owned();
    let filter = path.contains(['*', '?', '[', '{']).then(|| PathFilter::new(&path)).transpose()?;
    let limit = arguments.count_within("limit", 1, MOST)?.unwrap_or(DEFAULT_LIMIT);
    let cursor = arguments.text("cursor")?.map(|text| Cursor::read(text, &["list", &path])).transpose()?;
    Ok(Box::new(move |resident| page(resident, &path, filter.as_ref(), limit, cursor)))
}

fn page(
    resident: &Resident,
    path: &str,
    filter: Option<&PathFilter>,
    limit: usize,
    cursor: Option<Cursor>,
) -> Result<CallToolResult, ToolError> {
    let reader = resident.reader()?;
    let generation = reader.manifest().generation;
    if let Some(Cursor { generation: wanted, .. }) = cursor.filter(|cursor| cursor.generation != generation) {
        return Err(ToolError::Generation { wanted });
    }
    let offset = cursor.map_or(0, |cursor| cursor.offset);
    let items = match filter {
        Some(filter) => matching(&reader, filter)?,
        None if plain(path).is_empty() => top(&reader)?,
        None => in_tree(children(&reader, path)?),
    };
    if items.is_empty() {
        let hint = "call `list` without `path` to see the top, or with a glob such as `**/*.md`".into();
        return Err(ToolError::NotFound { what: "document under", name: path.to_owned(), hint });
    }
    let shown: Vec<&Item> = items.iter().skip(offset).take(limit).collect();
    let end = offset + shown.len();
    let mut text = format!("{}-{end} of {} entries", (offset + 1).min(end), items.len());
    if end < items.len() {
        let next = Cursor { generation, offset: end }.write(&["list", path]);
        text.push_str(&format!(" · next: cursor {next}"));
    }
    let mut section = None;
    for item in shown {
        if item.section != section {
            section = item.section;
            text.push_str(&format!("\n\n{}:", section.unwrap_or_default()));
        }
        text.push_str(&format!("\n{}", item.line(&reader)?));
    }
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// An entry of what is listed.
struct Item {
    /// What stands above the first of its kind; nothing for the tree of documents.
    section: Option<&'static str>,
    what: Listed,
}

enum Listed {
    Entry(Entry),
    /// In words already.
    Named(String),
    /// A package with its changelog, which is read only where it is shown.
    Package(String, DocumentRecord),
}

impl Item {
    fn line(&self, reader: &Reader) -> Result<String, ToolError> {
        Ok(match &self.what {
            Listed::Entry(entry) => entry.to_string(),
            Listed::Named(line) => line.clone(),
            Listed::Package(name, document) => counted(name, reader.changelog(document)?.len(), "entry"),
        })
    }
}

/// The top of the tree, and what there is beside it: collections, groups of examples and packages
/// with a changelog.
fn top(reader: &Reader) -> Result<Vec<Item>, ToolError> {
    let manifest = reader.manifest();
    let mut items = in_tree(children(reader, "")?);
    let collections = manifest.collections.iter();
    let lines = collections.map(|(name, count)| Listed::Named(counted(name.as_str(), *count, "document")));
    push(&mut items, "collections, for `search`", lines);
    if manifest.holds(DocumentKind::Example) {
        let groups = examples::groups(reader)?.into_iter().map(Listed::Named);
        push(&mut items, "example groups, for `examples`", groups);
    }
    if manifest.holds(DocumentKind::Changelog) {
        let packages = changelog::packages(reader)?.into_iter();
        let packages = packages.map(|(name, document)| Listed::Package(name, document));
        push(&mut items, "changelogs, for `changelog`", packages);
    }
    Ok(items)
}

fn push(items: &mut Vec<Item>, section: &'static str, listed: impl Iterator<Item = Listed>) {
    items.extend(listed.map(|what| Item { section: Some(section), what }));
}

fn in_tree(entries: Vec<Entry>) -> Vec<Item> {
    entries.into_iter().map(|entry| Item { section: None, what: Listed::Entry(entry) }).collect()
}

fn matching(reader: &Reader, filter: &PathFilter) -> Result<Vec<Item>, ToolError> {
    let documents = reader.documents(0..usize::MAX)?;
    let admitted = documents.into_iter().filter(|document| filter.admits(&document.path));
    let entry =
        |document: DocumentRecord| Entry::Document { path: document.path.into(), title: document.title };
    Ok(in_tree(admitted.map(entry).collect()))
}
