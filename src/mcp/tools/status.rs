//! `status`: what the index holds, how fresh it is, and whether the model is loaded.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::collections::shown;
use crate::mcp::failure::ToolError;
use crate::mcp::instructions::names;
use crate::retrieval::Resident;

pub(super) fn definition() -> Tool {
    let input = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let description = "Show what is indexed, and how fresh.";
    reading_tool(ToolName::Status, "Status", description, input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    Arguments::new(arguments, &[])?;
    Ok(Box::new(|call| {
        let text = describe(&call.resident)?;
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }))
}

fn describe(resident: &Resident) -> Result<String, ToolError> {
    let reader = resident.reader()?;
    let manifest = reader.manifest();
    let skipped: Vec<String> = manifest
        .skipped
        .by_reason
        .iter()
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    let state = if resident.is_whole() { "ready" } else { "lexical_only (the model is not loaded)" };
    let collections = match manifest.collections.len() {
        0 => String::new(),
        _ => format!("\ncollections: {}", shown(manifest)),
    };
    Ok(format!(
        "docent {}: {state}\nsources: {}{collections}\ndocuments: {}\npassages: {}\nbytes: {}\nleft out: {}\n\
        generation: {}\nindexed_at: {}\nmodel: {}",
        env!("CARGO_PKG_VERSION"),
        names(manifest),
        manifest.counts.documents,
        manifest.counts.chunks,
        manifest.counts.source_bytes,
        if skipped.is_empty() { "nothing".to_owned() } else { skipped.join(", ") },
        manifest.generation,
        manifest.indexed_at,
        manifest.model.name,
    ))
}
