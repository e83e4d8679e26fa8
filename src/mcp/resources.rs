//! Documents as resources: `docs:///` and their path.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{
    Annotations, CacheScope, CompletionInfo, ListResourceTemplatesResult, ListResourcesResult,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};

use serde_json::json;

use super::cursor::{Cursor, reader_at};
use super::failure::ToolError;
use super::paths::{SCHEME, locate, uri};
use crate::retrieval::{DocumentRecord, Reader, Resident};

const PAGE: usize = 200;
/// Of a description that is made up from the document.
const DESCRIPTION_CHARACTERS: usize = 160;
/// Documents change when the index is brought up to date.
const TTL_MS: u64 = 60_000;
/// What a cursor of this list is made for.
const LIST: &[&str] = &["resources"];

pub(super) const TEMPLATE: &str = "docs:///{+path}";

/// One page of all documents.
pub(super) fn list(resident: &Resident, cursor: Option<&str>) -> Result<ListResourcesResult, ToolError> {
    let cursor = cursor.map(|text| Cursor::read(text, LIST)).transpose()?;
    let reader = reader_at(resident, cursor)?;
    let generation = reader.manifest().generation;
    let offset = cursor.map_or(0, |cursor| cursor.offset);
    let end = offset.saturating_add(PAGE);
    let documents = reader.documents(offset..end)?;
    let mut page = ListResourcesResult::with_all_items(
        documents.iter().map(|document| resource(&reader, document)).collect(),
    )
    .with_ttl_ms(TTL_MS)
    .with_cache_scope(CacheScope::Private);
    if end < reader.manifest().counts.documents {
        page.next_cursor = Some(Cursor::in_order(generation, end).write(LIST));
    }
    Ok(page)
}

fn resource(reader: &Reader, document: &DocumentRecord) -> Resource {
    let path = document.path.as_str();
    let mut annotations = Annotations::default();
    annotations.last_modified = i64::try_from(document.modified_ns).ok().map(|nanoseconds| {
        let time = chrono::DateTime::from_timestamp_nanos(nanoseconds);
        time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    });
    let resource = Resource::new(uri(path), path)
        .with_title(document.title.as_str())
        .with_mime_type(mime_type(&document.path.extension()))
        .with_size(document.size)
        .with_annotations(annotations);
    resource.with_description(description(reader, document))
}

/// The document's own description, or else what stands in it: its headings, or its first words.
fn description(reader: &Reader, document: &DocumentRecord) -> String {
    if let Some(own) = document.description.as_ref().filter(|own| !own.trim().is_empty()) {
        return own.clone();
    }
    let passages = reader.passages(document).unwrap_or_default();
    let mut headings: Vec<&str> = Vec::new();
    for heading in passages.iter().filter_map(|passage| passage.breadcrumb.last()) {
        if !headings.contains(&heading.as_str()) {
            headings.push(heading);
        }
    }
    let whole = match passages.first() {
        Some(first) if headings.is_empty() => first.text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => headings.join(", "),
    };
    match whole.char_indices().nth(DESCRIPTION_CHARACTERS) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None if whole.is_empty() => document.title.clone(),
        None => whole,
    }
}

fn mime_type(extension: &str) -> &'static str {
    match extension {
        "md" | "mdx" | "markdown" => "text/markdown",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "rst" => "text/x-rst",
        _ => "text/plain",
    }
}

/// How every document is addressed.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = ResourceTemplate::new(TEMPLATE, "document")
        .with_title("Document")
        .with_description("An indexed document by its path, as in a hit's `path`")
        .with_mime_type("text/plain");
    ListResourceTemplatesResult::with_all_items(vec![template])
        .with_ttl_ms(TTL_MS)
        .with_cache_scope(CacheScope::Public)
}

/// Whether there is such a document, told by an error where not.
pub(super) fn exists(resident: &Resident, asked: &str) -> Result<(), ToolError> {
    located(resident, asked).map(|_| ())
}

/// A whole document.
pub(super) fn read(resident: &Resident, asked: &str) -> Result<ReadResourceResult, ToolError> {
    let (reader, document) = located(resident, asked)?;
    let text = reader.text(&document)?.text;
    let contents = ResourceContents::text(text, asked).with_mime_type(mime_type(&document.path.extension()));
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Private))
}

fn located(resident: &Resident, asked: &str) -> Result<(Arc<Reader>, DocumentRecord), ToolError> {
    if !asked.starts_with(SCHEME) {
        let hint = format!("resources are named `{TEMPLATE}`");
        return Err(ToolError::NotFound { what: "resource", name: asked.chars().take(200).collect(), hint });
    }
    let reader = resident.reader()?;
    let document = locate(&reader, asked)?.document;
    Ok((reader, document))
}

/// Paths that begin with `typed`, then those that contain it.
pub(super) fn complete(resident: &Resident, typed: &str) -> Result<CompletionInfo, ToolError> {
    let typed = typed.to_lowercase();
    let (mut values, mut containing) = (Vec::new(), Vec::new());
    for document in resident.reader()?.documents(0..usize::MAX)? {
        let path = document.path.as_str();
        let lower = path.to_lowercase();
        if lower.starts_with(&typed) {
            values.push(path.to_owned());
        } else if lower.contains(&typed) {
            containing.push(path.to_owned());
        }
    }
    values.append(&mut containing);
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let has_more = total > values.len();
    CompletionInfo::with_pagination(values, u32::try_from(total).ok(), has_more)
        .map_err(|reason| ToolError::Crashed { reason })
}

/// A failure where there is no tool's answer to put it into.
pub(super) fn protocol_error(error: &ToolError) -> ErrorData {
    let message = error.told();
    match error {
        ToolError::Cursor | ToolError::Generation { .. } => ErrorData::invalid_params(message, None),
        _ => ErrorData::internal_error(message, None),
    }
}

/// The same for the resource `uri`, which the answer to a miss has to name.
pub(super) fn reading_error(error: &ToolError, uri: &str) -> ErrorData {
    match error {
        ToolError::NotFound { .. } => ErrorData::resource_not_found(error.told(), Some(json!({"uri": uri}))),
        error => protocol_error(error),
    }
}
