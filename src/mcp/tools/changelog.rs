//! `changelog`: what changed in a package, newest first, since a date or a version, or what fits a
//! question.

use chrono::NaiveDate;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::json;

use super::examples::not_found;
use super::page::bullets;
use super::passages::Passages;
use super::search::answer_of;
use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::Arguments;
use crate::mcp::call::Call;
use crate::mcp::failure::ToolError;
use crate::mcp::paths::without_page_extension;
use crate::retrieval::{ChangelogEntry, DocumentKind, DocumentRecord, Query, Reader, Resident};

pub(super) const PARAMETERS: &[&str] = &["package", "since", "query", "limit"];
const DEFAULT_LIMIT: usize = 25;
const MOST: usize = 1_000;
const PASSAGES: usize = 5;
const NONE: &str = "No changelogs are indexed.\n\nhint: run `docent index` with `changelog:FOLDER` or `feed:URL` beside what is indexed now";

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
    reading_tool(ToolName::Changelog, "Changelog", "What changed, newest first. Untrusted data.", input)
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let given =
        |name| Ok::<_, ToolError>(arguments.text(name)?.map(str::trim).filter(|text| !text.is_empty()));
    let limit = arguments.count_within("limit", 1, MOST)?.unwrap_or(DEFAULT_LIMIT);
    if let Some(query) = given("query")? {
        if given("package")?.is_some() {
            return Err(ToolError::Exclusive { one: "package", other: "query" });
        }
        let query = Query::new(query, PASSAGES)?.of_kind(DocumentKind::Changelog);
        return Ok(Box::new(move |call| fitting(call, &query)));
    }
    let package = given("package")?.map(str::to_owned);
    let since = given("since")?.map(str::to_owned);
    Ok(Box::new(move |call| of_package(&call.resident, package.as_deref(), since.as_deref(), limit)))
}

fn fitting(call: &Call, query: &Query) -> Result<CallToolResult, ToolError> {
    let answer = call.answer(&call.resident.now()?, query)?;
    let note = answer.hits.is_empty().then(|| NONE.to_owned());
    answer_of(&Passages::of(answer, note))
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
    if names.is_empty() {
        return Ok(CallToolResult::error(vec![ContentBlock::text(NONE)]));
    }
    let Some(asked) = package else {
        let text = format!("Changelogs:\n{}", bullets(names));
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
        entries = after(entries, since)?;
    }
    let mut text = format!("# {name} Changelog\n\n");
    entries.iter().take(limit).for_each(|entry| push(&mut text, entry));
    if entries.is_empty() {
        text.push_str(&format!(
            "Nothing of its {all} entries is newer than `{}`.\n",
            since.unwrap_or_default()
        ));
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
pub(super) fn packages(reader: &Reader) -> Result<Vec<(String, DocumentRecord)>, ToolError> {
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
    const GENERAL: [&str; 6] = ["changelog", "changes", "history", "news", "releases", "release-notes"];
    let collected = path.rsplit_once("changelogs/").map(|(_, below)| below);
    let below = collected.unwrap_or(path);
    let stem = without_page_extension(below);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    if GENERAL.contains(&name.to_lowercase().as_str()) {
        let folder = folder.rsplit('/').next().unwrap_or(folder);
        return if folder.is_empty() { "changelog".to_owned() } else { folder.to_owned() };
    }
    if collected.is_some() { stem.to_owned() } else { name.to_owned() }
}

/// Entries stay as they are where not all of them have a date.
fn newest_first(entries: &mut [ChangelogEntry]) {
    if entries.iter().all(|entry| day(&entry.date).is_some()) {
        entries.sort_by_key(|entry| std::cmp::Reverse(day(&entry.date)));
    }
}

/// A day as changelogs write it.
fn day(text: &str) -> Option<NaiveDate> {
    const FORMS: [&str; 7] =
        ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y"];
    FORMS.iter().find_map(|form| NaiveDate::parse_from_str(text.trim(), form).ok())
}

/// What is newer than a date (`2025`, `2025-05`, `2025-05-30`) or stands above a version.
fn after(entries: Vec<ChangelogEntry>, since: &str) -> Result<Vec<ChangelogEntry>, ToolError> {
    let plain = |version: &str| version.trim_start_matches(['v', 'V']).to_owned();
    if let Some(position) = entries.iter().position(|entry| plain(&entry.version) == plain(since)) {
        return Ok(entries.into_iter().take(position).collect());
    }
    // Of a year or a month, its last day: what is in it is not newer.
    let is_date = since.len() >= 4 && since.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
    let until = day(since).map_or_else(|| since.to_owned(), |day| day.to_string());
    if !is_date && day(since).is_none() {
        let choices = "2025-05-30` or `a version of the changelog".to_owned();
        return Err(ToolError::Choice { name: "since", choices, found: since.chars().take(60).collect() });
    }
    let is_newer = |entry: &ChangelogEntry| {
        let day = day(&entry.date).map(|day| day.to_string());
        day.is_some_and(|day| day > until && !day.starts_with(&until))
    };
    Ok(entries.into_iter().filter(is_newer).collect())
}

fn push(text: &mut String, entry: &ChangelogEntry) {
    if entry.source == "rss" {
        text.push_str(&format!("## {}\n**Date:** {}\n", entry.version, entry.date));
        if let Some(url) = entry.url.as_ref().filter(|url| !url.is_empty()) {
            text.push_str(&format!("**Link:** {url}\n"));
        }
        text.push_str(&format!("\n{}\n\n---\n\n", entry.changes.join("\n")));
        return;
    }
    let date = if entry.date.is_empty() { String::new() } else { format!(" - {}", entry.date) };
    text.push_str(&format!("## [{}]{date}\n\n", entry.version));
    for change in &entry.changes {
        text.push_str(&format!("- {change}\n"));
    }
    text.push('\n');
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
            ("changelogs/workos-platform.json", "workos-platform"),
            ("x/changelogs/@a/b.json", "@a/b"),
            ("packages/client/CHANGELOG.md", "client"),
            ("CHANGELOG.md", "changelog"),
            ("feed.json", "feed"),
            ("news/feed.json", "feed"),
            ("CHANGES", "changelog"),
        ] {
            assert_eq!(package_of(path), name, "{path}");
        }
    }

    #[test]
    fn since_is_a_date_or_a_version() {
        let mut entries =
            vec![entry("1.0", "2025-01-01"), entry("1.1", "March 1, 2025"), entry("1.2", "2025-02-01")];
        newest_first(&mut entries);
        let versions = |since: &str| {
            let entries = after(entries.clone(), since).unwrap();
            entries.into_iter().map(|entry| entry.version).collect::<Vec<_>>()
        };
        assert_eq!(versions("2025-01-15"), ["1.1", "1.2"]);
        assert_eq!(versions("January 15, 2025"), ["1.1", "1.2"]);
        assert_eq!(versions("2025-02"), ["1.1"]);
        assert_eq!(versions("v1.2"), ["1.1"]);
        assert!(versions("2025").is_empty());
        assert!(matches!(after(entries.clone(), "yesterday"), Err(ToolError::Choice { .. })));
    }

    #[test]
    fn a_changelog_without_dates_stays_in_its_order() {
        let mut entries = vec![entry("2.0", ""), entry("1.0", "2025-01-01")];
        newest_first(&mut entries);
        assert_eq!(entries[0].version, "2.0");
    }
}
