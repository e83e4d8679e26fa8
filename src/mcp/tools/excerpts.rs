//! `excerpts`: documents that answer a question, each with its best passages, as Markdown. It is
//! offered by presets: docent's own `search` costs an agent less.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::call::Call;
use crate::mcp::failure::ToolError;
use crate::mcp::layout::Layout;
use crate::retrieval::{Answer, DocumentKind, Hit, MAX_LIMIT, Query};

pub(super) const PARAMETERS: &[&str] = &["query", "rephrasings", "limit"];
const DEFAULT_LIMIT: usize = 10;
const PASSAGES_PER_DOCUMENT: usize = 3;
const PASSAGES_ASKED: usize = 6;

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
    reading_tool(
        ToolName::Excerpts,
        "Excerpts",
        "Find documents that answer a question, with their best passages.",
        input,
    )
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let limit = arguments.count("limit")?.filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let rephrasings = arguments.texts("rephrasings")?;
    // Several passages of one document are one result: enough are asked for that there are `limit`.
    let passages = (limit * PASSAGES_ASKED).min(MAX_LIMIT);
    let query = Query::new(arguments.required_text("query")?, passages)?
        .rephrased(rephrasings.iter().map(String::as_str))?;
    Ok(Box::new(move |call| answer(call, &query, limit)))
}

fn answer(call: &Call, query: &Query, limit: usize) -> Result<CallToolResult, ToolError> {
    let ready = call.resident.now()?;
    let reader = ready.reader();
    // Changelogs and examples have tools of their own.
    let has_pages = reader.manifest().holds(DocumentKind::Docs);
    let query = if has_pages { query.clone().of_kind(DocumentKind::Docs) } else { query.clone() };
    let answer = call.answer(&ready, &query)?;
    let is_poor = answer.no_good_match;
    let documents = grouped(answer, limit);
    let layout = Layout::of(reader.manifest(), &reader.documents(0..usize::MAX)?);
    let mut text = format!("# Search Results for \"{}\"\n\n", query.text());
    if documents.is_empty() {
        text.push_str("Nothing is indexed that could be searched: run `docent index`.\n\n");
    } else if is_poor {
        text.push_str("Nothing seems to answer this. The nearest there is:\n\n");
    } else {
        text.push_str(&format!("Found {} document(s) that answer best.\n\n", documents.len()));
    }
    for hits in &documents {
        text.push_str(&format!("## 📄 {}\n\n", layout.name_of(hits[0].path.as_str())));
        for hit in hits {
            push(&mut text, hit);
        }
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
    let headings =
        if hit.breadcrumb.is_empty() { String::new() } else { format!(" {}", hit.breadcrumb.join(" > ")) };
    text.push_str(&format!("**Line {}:**{headings}\n{fence}\n{}\n{fence}\n\n", hit.start_line, hit.text));
}
