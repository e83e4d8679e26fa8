//! `changelog`: what changed in a package, newest first, since a date or a version, or what fits a
//! question.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::examples::not_found;
use super::page::bullets;
use super::passages::{Passage, Passages};
use super::search::answer_of;
use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::failure::ToolError;
use crate::retrieval::{ChangelogEntry, DocumentKind, DocumentRecord, Query, Reader, Resident};

pub(super) const PARAMETERS: &[&str] = &["package", "since", "query", "limit"];
const DEFAULT_LIMIT: usize = 25;
const MOST: usize = 1_000;
const PASSAGES: usize = 5;

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "package": {"type": "string", "description": "Left out: all packages"},
            "since": {"type": "string", "description": "Date or version"},
            "query": {"type": "string", "description": "Or a question"},
            "limit": {"type": "integer", "description": "Entries; default 25"},
        },
        "additionalProperties": false,
    });
    reading_tool(ToolName::Changelog, "Changelog", "What changed, newest first.", input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let given = |name| Ok::<_, ToolError>(arguments.text(name)?.map(str::trim).filter(|text| !text.is_empty()));
    let limit = arguments.count_within("limit", 1, MOST)?.unwrap_or(DEFAULT_LIMIT);
    if let Some(query) = given("query")? {
        if given("package")?.is_some() {
            return Err(ToolError::Exclusive { one: "package", other: "query" });
        }
        let query = Query::new(query, PASSAGES)?.of_kind(DocumentKind::Changelog);
        return Ok(Box::new(move |resident| fitting(resident, &query)));
    }
    let package = given("package")?.map(str::to_owned);
    let since = given("since")?.map(str::to_owned);
    Ok(Box::new(move |resident| of_package(resident, package.as_deref(), since.as_deref(), limit)))
}

fn fitting(resident: &Resident, query: &Query) -> Result<CallToolResult, ToolError> {
    let answer = resident.now()?.answer(query)?;
    let note = answer.hits.is_empty().then(|| "No changelogs are indexed.".to_owned());
    answer_of(&Passages {
        hits: answer.hits.into_iter().map(|hit| Passage { hit, question: None }).collect(),
        generation: answer.generation,
        indexed_at: answer.indexed_at,
        degraded: answer.degraded,
        next_cursor: None,
        note,
    })
}

fn of_package(
    resident: &Resident,
    package: Option<&str>,
    since: Option<&str>,
    limit: usize,
) -> Result<CallToolResult, ToolError> {
    let reader = resident.reader()?;
    let packages = packages(&reader)?;
    let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
    let Some(asked) = package else {
        let text = if names.is_empty() { "No changelogs are indexed.".into() } else { format!("Changelogs:\n{}", bullets(names)) };
        return Ok(CallToolResult::success(vec![ContentBlock::text(text)]));
    };
    let Some((name, document)) = packages.iter().find(|(name, _)| name == asked) else {
        let asked: String = asked.chars().take(200).collect();
        let text = not_found("📋 Changelog for package", &asked, "Available package changelogs", &names);
        return Ok(CallToolResult::error(vec![ContentBlock::text(text)]));
    };
    let mut entries = reader.changelog(document)?;
    newest_first(&mut entries);
    let all = entries.len();
    if let Some(since) = since {
        entries = after(entries, since);
    }
    let mut text = format!("# {name} Changelog\n\n");
    entries.iter().take(limit).for_each(|entry| push(&mut text, entry));
    if entries.is_empty() {
        text.push_str(&format!("Nothing of its {all} entries is newer than `{}`.\n", since.unwrap_or_default()));
    } else if entries.len() > limit {
        text.push_str(&format!("{} older entries are left out: raise `limit`.\n", entries.len() - limit));
    }
    let others: Vec<&str> = names.into_iter().filter(|other| other != name).collect();
    if !others.is_empty() {
        text.push_str(&format!("\n---\n### Other Package Changelogs\n{}", bullets(others)));
    }
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
}

/// The packages that have a changelog, by name.
fn packages(reader: &Reader) -> Result<Vec<(String, DocumentRecord)>, ToolError> {
    let manifest = reader.manifest();
    let documents = reader.documents(0..usize::MAX)?.into_iter();
    let mut packages: Vec<(String, DocumentRecord)> = documents
        .filter(|document| manifest.kind_of(document) == DocumentKind::Changelog)
        .map(|document| (package_of(document.path.as_str()), document))
        .collect();
    packages.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(packages)
}

/// `changelogs/client.json` is of `client`, as is `packages/client/CHANGELOG.md`.
fn package_of(path: &str) -> String {
    let below = path.rsplit_once("changelogs/").map_or(path, |(_, below)| below);
    let stem = below.rsplit_once('.').map_or(below, |(stem, _)| stem);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let is_general = ["changelog", "changes", "history", "news", "releases"].contains(&name.to_lowercase().as_str());
    match folder {
        "" if is_general => "changelog".to_owned(),
        folder if is_general => folder.rsplit('/').next().unwrap_or(folder).to_owned(),
        _ => stem.to_owned(),
    }
}

/// Entries stay as they are where not all of them have a date.
fn newest_first(entries: &mut [ChangelogEntry]) {
    let is_date = |text: &str| text.len() == 10 && text.is_ascii() && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    if entries.iter().all(|entry| is_date(&entry.date)) {
        entries.sort_by(|one, other| other.date.cmp(&one.date));
    }
}

/// What is newer than a date (`2025`, `2025-05`, `2025-05-30`) or stands above a version.
fn after(entries: Vec<ChangelogEntry>, since: &str) -> Vec<ChangelogEntry> {
    let plain = |version: &str| version.trim_start_matches(['v', 'V']).to_owned();
    match entries.iter().position(|entry| plain(&entry.version) == plain(since)) {
        Some(position) => entries.into_iter().take(position).collect(),
        None => entries.into_iter().filter(|entry| entry.date.as_str() > since).collect(),
    }
}

fn push(text: &mut String, entry: &ChangelogEntry) {
    if entry.source == "rss" {
        text.push_str(&format!("## {}\n**Date:** {}\n", entry.version, entry.date));
        if !entry.url.is_empty() {
            text.push_str(&format!("**Link:** {}\n", entry.url));
        }
        text.push_str(&format!("\n{}\n\n---\n\n", entry.changes.join("\n")));
        return;
    }
    let date = if entry.date.is_empty() { String::new() } else { format!(" - {}", entry.date) };
    let changes: String = entry.changes.iter().map(|change| format!("- {change}\n")).collect();
    text.push_str(&format!("## [{}]{date}\n\n{changes}\n", entry.version));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(version: &str, date: &str) -> ChangelogEntry {
        ChangelogEntry { version: version.into(), date: date.into(), ..ChangelogEntry::default() }
    }

    #[test]
    fn packages_are_named_by_their_files() {
        for (path, name) in [
            ("changelogs/workos-platform.json", "workos-platform"), ("x/changelogs/@a/b.json", "@a/b"),
            ("packages/client/CHANGELOG.md", "client"), ("CHANGELOG.md", "changelog"), ("feed.json", "feed"),
        ] {
            assert_eq!(package_of(path), name, "{path}");
        }
    }

    #[test]
    fn since_is_a_date_or_a_version() {
        let mut entries = vec![entry("1.0", "2025-01-01"), entry("1.1", "2025-03-01"), entry("1.2", "2025-02-01")];
        newest_first(&mut entries);
        let versions = |entries: Vec<ChangelogEntry>| entries.into_iter().map(|entry| entry.version).collect::<Vec<_>>();
        assert_eq!(versions(after(entries.clone(), "2025-01-15")), ["1.1", "1.2"]);
        assert_eq!(versions(after(entries.clone(), "v1.2")), ["1.1"]);
        assert!(after(entries, "2026").is_empty());
    }
}
