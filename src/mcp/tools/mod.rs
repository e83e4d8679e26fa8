//! The tools: one file each, with the definition, the arguments and the work.

mod changelog;
mod connector;
mod examples;
mod excerpts;
mod list;
mod near;
mod page;
mod passages;
mod read;
mod related;
mod search;
mod section;
mod status;

use std::sync::Arc;

use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::call::Call;
use super::failure::ToolError;
use crate::retrieval::DocumentKind;
pub(super) use read::line_range;

/// Everything that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolName {
    Changelog,
    Examples,
    Excerpts,
    Fetch,
    Find,
    List,
    Page,
    Read,
    Related,
    Search,
    Status,
}

/// A call whose arguments are understood: the work that is left needs no async and no client.
pub(super) type Work = Box<dyn FnOnce(&Call) -> Result<CallToolResult, ToolError> + Send>;

impl ToolName {
    /// docent's own, in the order in which they are listed.
    pub(super) const OFFERED: [Self; 7] =
        [Self::Search, Self::Read, Self::List, Self::Related, Self::Status, Self::Examples, Self::Changelog];
    /// These, and what only presets offer.
    pub(super) const KNOWN: [Self; 11] = [
        Self::Search,
        Self::Read,
        Self::List,
        Self::Related,
        Self::Status,
        Self::Examples,
        Self::Changelog,
        Self::Find,
        Self::Fetch,
        Self::Excerpts,
        Self::Page,
    ];

    /// The kind of documents without which docent's own tools do not list this one.
    pub(super) fn needs(self) -> Option<DocumentKind> {
        match self {
            Self::Changelog => Some(DocumentKind::Changelog),
            Self::Examples => Some(DocumentKind::Example),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Changelog => "changelog",
            Self::Examples => "examples",
            Self::Excerpts => "excerpts",
            Self::Fetch => "fetch",
            Self::Find => "find",
            Self::List => "list",
            Self::Page => "page",
            Self::Read => "read",
            Self::Related => "related",
            Self::Search => "search",
            Self::Status => "status",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|tool| tool.as_str() == name)
    }

    pub(super) fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Changelog => changelog::PARAMETERS,
            Self::Examples => examples::PARAMETERS,
            Self::Excerpts => excerpts::PARAMETERS,
            Self::Fetch => connector::FETCH_PARAMETERS,
            Self::Find => connector::FIND_PARAMETERS,
            Self::List => list::PARAMETERS,
            Self::Page => page::PARAMETERS,
            Self::Read => read::PARAMETERS,
            Self::Related => related::PARAMETERS,
            Self::Search => search::PARAMETERS,
            Self::Status => &[],
        }
    }

    pub(super) fn definition(self) -> Tool {
        match self {
            Self::Changelog => changelog::definition(),
            Self::Examples => examples::definition(),
            Self::Excerpts => excerpts::definition(),
            Self::Fetch => connector::fetch_definition(),
            Self::Find => connector::find_definition(),
            Self::List => list::definition(),
            Self::Page => page::definition(),
            Self::Read => read::definition(),
            Self::Related => related::definition(),
            Self::Search => search::definition(),
            Self::Status => status::definition(),
        }
    }

    /// Reads the arguments of a call.
    pub(super) fn prepare(self, arguments: Option<JsonObject>) -> Result<Work, ToolError> {
        match self {
            Self::Changelog => changelog::prepare(arguments),
            Self::Examples => examples::prepare(arguments),
            Self::Excerpts => excerpts::prepare(arguments),
            Self::Fetch => connector::prepare_fetch(arguments),
            Self::Find => connector::prepare_find(arguments),
            Self::List => list::prepare(arguments),
            Self::Page => page::prepare(arguments),
            Self::Read => read::prepare(arguments),
            Self::Related => related::prepare(arguments),
            Self::Search => search::prepare(arguments),
            Self::Status => status::prepare(arguments),
        }
    }
}

/// A tool that reads the index and nothing else, as all of them do.
fn reading_tool(name: ToolName, title: &str, description: &'static str, input: Value) -> Tool {
    let annotations = ToolAnnotations::with_title(title)
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name.as_str(), description, schema(input)).with_title(title).with_annotations(annotations)
}

/// The schema of [`passages::Passages`].
fn passages_schema() -> Arc<JsonObject> {
    schema(json!({
        "type": "object",
        "properties": {
            "hits": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "path": {"type": "string"},
                    "title": {"type": "string"},
                    "breadcrumb": {"type": "array"},
                    "start_line": {"type": "integer"},
                    "end_line": {"type": "integer"},
                    "score": {"type": "number"},
                    "text": {"type": "string", "description": "Untrusted"},
                    "question": {"type": "integer"},
                    "stale": {"type": "boolean"},
                },
                "required": ["id", "path", "start_line", "end_line", "text"],
            }},
            "generation": {"type": "integer"},
            "indexed_at": {"type": "string"},
            "confidence": {"type": "number"},
            "no_good_match": {"type": "boolean"},
            "degraded": {"type": "string"},
            "next_cursor": {"type": "string"},
            "note": {"type": "string"},
        },
        "required": ["hits"],
    }))
}

/// A schema written as a JSON object; anything else would allow anything.
fn schema(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}
