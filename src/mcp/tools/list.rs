//! `list`: what there is, folder by folder.

use std::fmt::Write;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, changelog, examples, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::cursor::Cursor;
use crate::mcp::failure::ToolError;
use crate::mcp::folder::{Entry, children, plain};
use crate::retrieval::{DocumentKind, PathFilter, Reader, Resident};

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 500;
/// Groups and packages that are named: their own tools name all.
const MOST_NAMED: usize = 20;
pub(super) const PARAMETERS: &[&str] = &["path", "limit", "cursor"];

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Folder or glob; default all"},
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
    let entries = match filter {
        Some(filter) => matching(&reader, filter)?,
        None => children(&reader, path)?,
    };
    if entries.is_empty() {
        let hint = "call `list` without `path` to see the top, or with a glob such as `**/*.md`".into();
        return Err(ToolError::NotFound { what: "document under", name: path.to_owned(), hint });
    }
    let shown: Vec<&Entry> = entries.iter().skip(offset).take(limit).collect();
    let end = offset + shown.len();
    let mut text = format!("{}-{end} of {} entries", (offset + 1).min(end), entries.len());
    if end < entries.len() {
        let next = Cursor { generation, offset: end }.write(&["list", path]);
        // Writing to a string does not fail.
        let _ = write!(text, " · next: cursor {next}");
    }
    for entry in shown {
        text.push('\n');
        let _ = write!(text, "{entry}");
    }
    if end == entries.len() && plain(path).is_empty() {
        text.push_str(&collections(&reader)?);
    }
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// What there is beside the tree: groups of examples and packages with a changelog.
fn collections(reader: &Reader) -> Result<String, ToolError> {
    let manifest = reader.manifest();
    let mut text = String::new();
    if manifest.holds(DocumentKind::Example) {
        text.push_str(&section("example groups, for `examples`", &examples::groups(reader)?));
    }
    if manifest.holds(DocumentKind::Changelog) {
        text.push_str(&section(
            "changelogs, for `changelog`",
            &changelog::counted_packages(reader, MOST_NAMED)?,
        ));
    }
    Ok(text)
}

fn section(title: &str, names: &[String]) -> String {
    let mut text = format!("\n\n{title}:");
    for name in names.iter().take(MOST_NAMED) {
        text.push('\n');
        text.push_str(name);
    }
    if names.len() > MOST_NAMED {
        text.push_str(&format!("\nand {} more", names.len() - MOST_NAMED));
    }
    text
}

fn matching(reader: &Reader, filter: &PathFilter) -> Result<Vec<Entry>, ToolError> {
    let documents = reader.documents(0..usize::MAX)?;
    let admitted = documents.into_iter().filter(|document| filter.admits(&document.path));
    Ok(admitted
        .map(|document| Entry::Document { path: document.path.into(), title: document.title })
        .collect())
}
