//! `list`: what there is, folder by folder.

use std::fmt::Write;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::cursor::Cursor;
use crate::mcp::failure::ToolError;
use crate::retrieval::{PathFilter, Reader, Resident};

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 500;
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
        entry.push_to(&mut text);
    }
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

enum Entry {
    Folder { path: String, documents: usize },
    Document { path: String, title: String },
}

impl Entry {
    fn push_to(&self, text: &mut String) {
        let _ = match self {
            Self::Folder { path, documents: 1 } => write!(text, "{path}/ · 1 document"),
            Self::Folder { path, documents } => write!(text, "{path}/ · {documents} documents"),
            Self::Document { path, title } => {
                write!(text, "{path} · {}", title.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        };
    }
}

fn matching(reader: &Reader, filter: &PathFilter) -> Result<Vec<Entry>, ToolError> {
    let documents = reader.documents(0..usize::MAX)?;
    let admitted = documents.into_iter().filter(|document| filter.admits(&document.path));
    Ok(admitted
        .map(|document| Entry::Document { path: document.path.into(), title: document.title })
        .collect())
}

/// What stands directly in a folder, in the order of the paths.
fn children(reader: &Reader, folder: &str) -> Result<Vec<Entry>, ToolError> {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    let prefix = if folder.is_empty() || folder == "." { String::new() } else { format!("{folder}/") };
    let mut entries: Vec<Entry> = Vec::new();
    let mut number = reader.first_not_before(&prefix)?;
    while let Some(document) = reader.documents(number..number + 1)?.pop() {
        number += 1;
        let Some(below) = document.path.as_str().strip_prefix(&prefix) else { break };
        let Some((child, _)) = below.split_once('/') else {
            entries.push(Entry::Document { path: document.path.into(), title: document.title });
            continue;
        };
        let child = format!("{prefix}{child}");
        match entries.last_mut() {
            Some(Entry::Folder { path, documents }) if *path == child => *documents += 1,
            _ => entries.push(Entry::Folder { path: child, documents: 1 }),
        }
    }
    Ok(entries)
}
