//! The tools: one file each, with the definition, the arguments and the work.

mod search;

use std::sync::Arc;

use rmcp::model::{CallToolResult, JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

use super::failure::ToolError;
use crate::retrieval::Resident;

/// Everything that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolName {
    Search,
}

/// A call whose arguments are understood: the work that is left needs no async and no client.
pub(super) type Work = Box<dyn FnOnce(&Resident) -> Result<CallToolResult, ToolError> + Send>;

impl ToolName {
    /// In the order in which they are listed.
    pub(super) const ALL: [Self; 1] = [Self::Search];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    pub(super) fn definition(self) -> Tool {
        match self {
            Self::Search => search::definition(),
        }
    }

    /// Reads the arguments of a call.
    pub(super) fn prepare(self, arguments: Option<JsonObject>) -> Result<Work, ToolError> {
        match self {
            Self::Search => search::prepare(arguments),
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

/// A schema written as a JSON object; anything else would allow anything.
fn schema(value: Value) -> Arc<JsonObject> {
    match value {
        Value::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}
