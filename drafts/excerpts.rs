//! `excerpts`: documents that answer a question, each with its best passages, as Markdown. It is
//! offered by presets: docent's own `search` costs an agent less.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::failure::ToolError;
use crate::mcp::layout::Layout;
use crate::retrieval::{Answer, Hit, MAX_LIMIT, Query, Resident};

pub(super) const PARAMETERS: &[&str] = &["query", "rephrasings", "limit"];
const DEFAULT_LIMIT: usize = 10;
const PASSAGES_PER_DOCUMENT: usize = 3;

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Whole question"},
            "rephrasings": {"type": "array", "items": {"type": "string"}, "maxItems": 5,
                "description": "Same question in other words"},
            "limit": {"type": "integer", "description": "Documents; default 10"},
        },
        "required": ["query"],
        "additionalProperties": false,
    });
    reading_tool(ToolName::Excerpts, "Excerpts", "Find documents that answer a question, with their best passages.", input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let limit = arguments.count("limit")?.filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let rephrasings = arguments.texts("rephrasings")?;
    let passages = (limit * PASSAGES_PER_DOCUMENT).min(MAX_LIMIT);
    let query = Query::new(arguments.required_text("query")?, passages)?
        .rephrased(rephrasings.iter().map(String::as_str))?;
    Ok(Box::new(move |resident| answer(resident, &query, limit)))
}

fn answer(resident: &Resident, query: &Query, limit: usize) -> Result<CallToolResult, ToolError> {
    let answer = resident.now()?.answer(query)?;
    let documents = grouped(answer, limit);
    let mut text = format!("# Search Results for \"{}\"\n\n", query.text());
    if documents.is_empty() {
        text.push_str("Nothing is indexed.\n");
    } else {
        text.push_str(&format!("Found {} document(s) that answer best.\n\n", documents.len()));
    }
    for hits in &documents {
        let path = Layout::without_extension(hits[0].path.as_str());
        text.push_str(&format!("## 📄 {path}\n\n"));
        hits.iter().for_each(|hit| push(&mut text, hit));
        text.push_str("---\n\n");
    }
    text.push_str("💡 **Tip:** Give a path shown above to the tool for pages to read the whole document.");
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// The hits of each document together, best document first.
fn grouped(answer: Answer, limit: usize) -> Vec<Vec<Hit>> {
    let mut documents: Vec<Vec<Hit>> = Vec::new();
    for hit in answer.hits {
        match documents.iter_mut().find(|hits| hits[0].path == hit.path) {
            Some(hits) if hits.len() < PASSAGES_PER_DOCUMENT => hits.push(hit),
            Some(_) => {}
            None => documents.push(vec![hit]),
        }
    }
    documents.truncate(limit);
    documents
}

fn push(text: &mut String, hit: &Hit) {
    let runs = hit.text.split(|letter| letter != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    let headings = if hit.breadcrumb.is_empty() { String::new() } else { format!(" {}", hit.breadcrumb.join(" > ")) };
    text.push_str(&format!("**Line {}:**{headings}\n{fence}\n{}\n{fence}\n\n", hit.start_line, hit.text));
}
