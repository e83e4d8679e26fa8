//! `related`: more passages like one that was found.

use rmcp::model::{JsonObject, Tool};
use serde_json::json;

use super::passages::{Passage, Passages};
use super::search::answer_of;
use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::failure::ToolError;
use crate::retrieval::MAX_LIMIT;

const DEFAULT_LIMIT: usize = 5;
pub(super) const PARAMETERS: &[&str] = &["id", "limit"];

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Of a hit"},
            "limit": {"type": "integer", "description": "Default 5"},
        },
        "required": ["id"],
        "additionalProperties": false,
    });
    let description = "Find more passages like a hit.";
    reading_tool(ToolName::Related, "Related", description, input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let id = arguments.required_text("id")?.trim().to_owned();
    let limit = arguments.count_within("limit", 1, MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    Ok(Box::new(move |call| {
        let reader = call.resident.reader()?;
        let Some(hits) = reader.related(&id, limit)? else {
            let hint =
                "give the `id` of a hit of this index's `search`; ids change with their passage".into();
            return Err(ToolError::NotFound { what: "passage", name: id, hint });
        };
        let manifest = reader.manifest();
        answer_of(&Passages {
            hits: hits.into_iter().map(|hit| Passage { hit, question: None }).collect(),
            generation: manifest.generation,
            indexed_at: manifest.indexed_at.clone(),
            ..Passages::default()
        })
    }))
}
