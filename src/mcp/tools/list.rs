//! `list`: what there is, folder by folder.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::examples::counted;
use super::{ToolName, Work, changelog, examples, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::call::Call;
use crate::mcp::collections;
use crate::mcp::cursor::{Cursor, reader_at};
use crate::mcp::failure::ToolError;
use crate::mcp::folder::{Entry, children, children_among, plain};
use crate::retrieval::{DocumentKind, DocumentRecord, PathFilter, Reader};

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 500;
pub(super) const PARAMETERS: &[&str] = &["path", "collection", "limit", "cursor"];

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Folder or glob"},
            "collection": {"type": "string", "description": "Default all"},
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
    let path = arguments.filled("path")?.unwrap_or_default().to_owned();
    let filter = path.contains(['*', '?', '[', '{']).then(|| PathFilter::new(&path)).transpose()?;
    let collection = arguments.filled("collection")?.unwrap_or_default().to_owned();
    let limit = arguments.count_within("limit", 1, MOST)?.unwrap_or(DEFAULT_LIMIT);
    let list = List { path, filter, collection, limit };
    let cursor = arguments.filled("cursor")?.map(|text| Cursor::read(text, &list.question())).transpose()?;
    Ok(Box::new(move |call| list.page(call, cursor)))
}

/// A call that is understood.
struct List {
    path: String,
    filter: Option<PathFilter>,
    /// The name of the collection to list, as it was given; empty for all.
    collection: String,
    limit: usize,
}

impl List {
    /// Everything that decides on the order of the entries.
    fn question(&self) -> [&str; 3] {
        ["list", &self.path, &self.collection]
    }

    fn page(&self, call: &Call, cursor: Option<Cursor>) -> Result<CallToolResult, ToolError> {
        let reader = reader_at(&call.resident, cursor)?;
        let generation = reader.manifest().generation;
        let offset = cursor.map_or(0, |cursor| cursor.offset);
        let items = self.items(&reader)?;
        if items.is_empty() {
            return Err(self.nothing());
        }
        let shown: Vec<&Item> = items.iter().skip(offset).take(self.limit).collect();
        let end = offset + shown.len();
        let mut text = format!("{}-{end} of {} entries", (offset + 1).min(end), items.len());
        if end < items.len() {
            let next = Cursor::in_order(generation, end).write(&self.question());
            text.push_str(&format!(" · next: cursor {next}"));
        }
        let mut section = None;
        for item in shown {
            call.still_wanted()?;
            if item.section != section {
                section = item.section;
                text.push_str(&format!("\n\n{}:", section.unwrap_or_default()));
            }
            text.push_str(&format!("\n{}", item.line(&reader)?));
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    fn items(&self, reader: &Reader) -> Result<Vec<Item>, ToolError> {
        if self.collection.is_empty() {
            if plain(&self.path).is_empty() {
                return top(reader);
            }
            return self.items_among(reader, &|_| true);
        }
        let manifest = reader.manifest();
        let name = collections::named(manifest, &self.collection)?;
        self.items_among(reader, &|document| manifest.collection_of(document.root) == Some(&name))
    }

    /// What is in the folder of that name, whatever wildcards the name seems to have, or else what
    /// the glob matches.
    fn items_among(
        &self,
        reader: &Reader,
        is_among: &dyn Fn(&DocumentRecord) -> bool,
    ) -> Result<Vec<Item>, ToolError> {
        let entries = children_among(reader, &self.path, is_among)?;
        match &self.filter {
            Some(filter) if entries.is_empty() => {
                matching(reader, &|document| filter.admits(&document.path) && is_among(document))
            }
            _ => Ok(in_tree(entries)),
        }
    }

    fn nothing(&self) -> ToolError {
        let hint = match self.collection.as_str() {
            "" => "call `list` without `path` to see the top, or with a glob such as `**/*.md`".into(),
            name => format!("call `list` without `path` to see the top of `{name}`, or without `collection`"),
        };
        ToolError::NotFound { what: "document under", name: self.path.chars().take(200).collect(), hint }
    }
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
    push(&mut items, "collections, for `search` and `list`", lines);
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

fn matching(reader: &Reader, is_shown: &dyn Fn(&DocumentRecord) -> bool) -> Result<Vec<Item>, ToolError> {
    let documents = reader.documents(0..usize::MAX)?;
    let entry =
        |document: DocumentRecord| Entry::Document { path: document.path.into(), title: document.title };
    Ok(in_tree(documents.into_iter().filter(|document| is_shown(document)).map(entry).collect()))
}
