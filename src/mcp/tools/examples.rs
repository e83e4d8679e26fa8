//! `examples`: the files of a group of examples, or the examples that fit a question.

use std::collections::BTreeMap;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::page::bullets;
use super::passages::Passages;
use super::search::answer_of;
use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::call::Call;
use crate::mcp::failure::ToolError;
use crate::mcp::layout::Layout;
use crate::retrieval::{DocumentKind, DocumentRecord, Query, Reader};

pub(super) const PARAMETERS: &[&str] = &["group", "query", "max_tokens"];
const DEFAULT_BUDGET: usize = 20_000;
const LEAST_BUDGET: usize = 100;
const MOST_BUDGET: usize = 1_000_000;
const PASSAGES: usize = 5;
const NONE: &str =
    "No examples are indexed.\n\nhint: run `docent index` with `examples:FOLDER` beside what is indexed now";

/// The groups, each with how many files it has.
pub(super) fn groups(reader: &Reader) -> Result<Vec<String>, ToolError> {
    Ok(Examples::of(reader)?.counted())
}

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "group": {"type": "string", "description": "Folder of examples; left out: all groups"},
            "query": {"type": "string", "description": "Or a question"},
            "max_tokens": {"type": "integer", "description": "Default 20000"},
        },
        "additionalProperties": false,
    });
    reading_tool(
        ToolName::Examples,
        "Examples",
        "Code examples, by group or by question. Untrusted data.",
        input,
    )
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let given =
        |name| Ok::<_, ToolError>(arguments.text(name)?.map(str::trim).filter(|text| !text.is_empty()));
    let budget = arguments.count_within("max_tokens", LEAST_BUDGET, MOST_BUDGET)?.unwrap_or(DEFAULT_BUDGET);
    match (given("group")?, given("query")?) {
        (Some(_), Some(_)) => Err(ToolError::Exclusive { one: "group", other: "query" }),
        (None, Some(query)) => {
            let query = Query::new(query, PASSAGES)?.of_kind(DocumentKind::Example);
            Ok(Box::new(move |call| fitting(call, &query, budget)))
        }
        (group, None) => {
            let group = group.map(|group| group.trim_matches('/').to_owned());
            Ok(Box::new(move |call| of_group(call, group.as_deref(), budget)))
        }
    }
}

fn fitting(call: &Call, query: &Query, budget: usize) -> Result<CallToolResult, ToolError> {
    let answer = call.answer(&call.resident.now()?, query)?;
    let note = answer.hits.is_empty().then(|| NONE.to_owned());
    let passages = Passages::of(answer, note);
    answer_of(&passages.within(budget, &|text| call.resident.count_tokens(text)))
}

fn of_group(call: &Call, group: Option<&str>, budget: usize) -> Result<CallToolResult, ToolError> {
    let reader = call.resident.reader()?;
    let examples = Examples::of(&reader)?;
    if examples.files.is_empty() {
        return Ok(CallToolResult::error(vec![ContentBlock::text(NONE)]));
    }
    let Some(group) = group else {
        let text = format!("Example groups:\n{}", bullets(examples.counted()));
        return Ok(CallToolResult::success(vec![ContentBlock::text(text)]));
    };
    if !examples.groups().contains(&group) {
        return Ok(CallToolResult::error(vec![ContentBlock::text(examples.not_found(group))]));
    }
    let mut text = format!("# {group} Examples\n\n");
    let mut left = budget;
    for (path, document) in examples.in_group(group) {
        call.still_wanted()?;
        let name = path.strip_prefix(group).map_or(path.as_str(), |rest| rest.trim_start_matches('/'));
        let part = format!("## {name}\n\n```{}\n{}\n```\n\n", language(name), reader.text(document)?.text);
        let cost = call.resident.count_tokens(&part);
        if cost > left {
            text.push_str(&format!(
                "Cut at {budget} tokens: read `{}` and what follows it by themselves.\n\n",
                document.path
            ));
            break;
        }
        left -= cost;
        text.push_str(&part);
    }
    let others: Vec<&str> = examples.groups().into_iter().filter(|other| *other != group).collect();
    if !others.is_empty() {
        text.push_str(&format!("\n---\n### Other Example Groups\n{}", bullets(others)));
    }
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

struct Examples {
    /// Groups, paths below all examples, and documents, in the order of the paths.
    files: Vec<(String, String, DocumentRecord)>,
}

impl Examples {
    fn of(reader: &Reader) -> Result<Self, ToolError> {
        let manifest = reader.manifest();
        let documents = reader.documents(0..usize::MAX)?;
        let layout = Layout::of(manifest, &documents);
        let examples =
            documents.into_iter().filter(|document| manifest.kind_of(document) == DocumentKind::Example);
        let files = examples.map(|document| {
            let (group, path) = layout.example(document.path.as_str());
            (group.to_owned(), path.to_owned(), document)
        });
        Ok(Self { files: files.collect() })
    }

    fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.files.iter().map(|(group, ..)| group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    fn in_group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (&'a String, &'a DocumentRecord)> {
        self.files.iter().filter(move |(own, ..)| own == group).map(|(_, path, document)| (path, document))
    }

    fn counted(&self) -> Vec<String> {
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for (group, ..) in &self.files {
            *groups.entry(group).or_default() += 1;
        }
        groups.into_iter().map(|(group, files)| counted(group, files, "file")).collect()
    }

    fn not_found(&self, asked: &str) -> String {
        let asked: String = asked.chars().take(200).collect();
        not_found("📝 Example group", &asked, "Available example groups", &self.groups())
    }
}

/// `sso · 2 files`.
pub(super) fn counted(name: &str, number: usize, noun: &str) -> String {
    let plural = if number == 1 {
        ""
    } else if noun.ends_with('y') {
        "ies"
    } else {
        "s"
    };
    let noun = if plural == "ies" { noun.trim_end_matches('y') } else { noun };
    format!("{name} · {number} {noun}{plural}")
}

/// What there is in place of what was asked for.
pub(super) fn not_found(what: &str, asked: &str, there: &str, known: &[&str]) -> String {
    let mut text = format!("{what} \"{asked}\" not found.\n\n");
    text.push_str(&format!("**{there}:**\n{}", bullets(known)));
    let lower = asked.to_lowercase();
    let is_similar = |name: &&&str| {
        let name = name.to_lowercase();
        name.contains(&lower) || lower.contains(&name) || strsim::jaro_winkler(&name, &lower) >= 0.85
    };
    let similar: Vec<&&str> = known.iter().filter(is_similar).collect();
    if !similar.is_empty() && similar.len() < known.len() {
        text.push_str(&format!("\n\n**Did you mean:**\n{}", bullets(similar)));
    }
    text
}

fn language(name: &str) -> &str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "ts" => "typescript",
        "js" | "mjs" | "cjs" => "javascript",
        "py" => "python",
        "rb" => "ruby",
        "rs" => "rust",
        other => other,
    }
}
