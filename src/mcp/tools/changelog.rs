//! `changelog`: what changed in a package, newest first, since a date or a version, or what fits a
//! question.

use chrono::{Months, NaiveDate};
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
use crate::retrieval::{ChangelogEntry, DocumentKind, DocumentRecord, MAX_LIMIT, Query, Reader};

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
    if let Some(query) = given("query")? {
        for (name, value) in [("package", given("package")?), ("since", given("since")?)] {
            if value.is_some() {
                return Err(ToolError::Exclusive { one: name, other: "query" });
            }
        }
        let limit = arguments.count_within("limit", 1, MAX_LIMIT)?.unwrap_or(PASSAGES);
        let query = Query::new(query, limit)?.of_kind(DocumentKind::Changelog);
        return Ok(Box::new(move |call| fitting(call, &query)));
    }
    let asked = Asked {
        package: given("package")?.map(str::to_owned),
        since: given("since")?.map(str::to_owned),
        limit: arguments.count_within("limit", 1, MOST)?,
    };
    Ok(Box::new(move |call| asked.run(call)))
}

fn fitting(call: &Call, query: &Query) -> Result<CallToolResult, ToolError> {
    let answer = call.answer(&call.resident.now()?, query)?;
    let note = answer.hits.is_empty().then(|| NONE.to_owned());
    answer_of(&Passages::of(answer, note))
}

/// A call for entries that is understood.
struct Asked {
    package: Option<String>,
    since: Option<String>,
    limit: Option<usize>,
}

impl Asked {
    fn run(&self, call: &Call) -> Result<CallToolResult, ToolError> {
        let reader = call.resident.reader()?;
        let packages = packages(&reader)?;
        let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return Ok(CallToolResult::error(vec![ContentBlock::text(NONE)]));
        }
        let text = match &self.package {
            Some(asked) => {
                let Some((name, document)) = packages.iter().find(|(name, _)| name == asked) else {
                    let asked: String = asked.chars().take(200).collect();
                    let there = "Available package changelogs";
                    let text = not_found("📋 Changelog for package", &asked, there, &names);
                    return Ok(CallToolResult::error(vec![ContentBlock::text(text)]));
                };
                let others: Vec<&str> = names.into_iter().filter(|other| other != name).collect();
                self.of_package(name, reader.changelog(document)?, &others)?
            }
            None if self.since.is_none() && self.limit.is_none() => {
                format!("Changelogs:\n{}", bullets(names))
            }
            None => self.of_all(call, &reader, &packages)?,
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    fn of_package(
        &self,
        name: &str,
        mut entries: Vec<ChangelogEntry>,
        others: &[&str],
    ) -> Result<String, ToolError> {
        newest_first(&mut entries);
        let all = entries.len();
        if let Some(since) = &self.since {
            entries = Since::read(since, &[entries.as_slice()])?.newer(entries);
        }
        let mut text = format!("# {name} Changelog\n\n");
        let lines = entries.iter().map(|entry| (None, entry)).collect();
        self.push_all(&mut text, lines, &format!("Nothing of its {all} entries"));
        if !others.is_empty() {
            text.push_str(&format!("\n---\n### Other Package Changelogs\n{}", bullets(others)));
        }
        Ok(text)
    }

    /// The entries of all packages in one row, newest first; what has no date comes last.
    fn of_all(
        &self,
        call: &Call,
        reader: &Reader,
        packages: &[(String, DocumentRecord)],
    ) -> Result<String, ToolError> {
        let mut changelogs: Vec<Vec<ChangelogEntry>> = Vec::new();
        for (_, document) in packages {
            call.still_wanted()?;
            let mut entries = reader.changelog(document)?;
            newest_first(&mut entries);
            changelogs.push(entries);
        }
        let all: usize = changelogs.iter().map(Vec::len).sum();
        if let Some(since) = &self.since {
            let borrowed: Vec<&[ChangelogEntry]> = changelogs.iter().map(Vec::as_slice).collect();
            let since = Since::read(since, &borrowed)?;
            changelogs = changelogs.into_iter().map(|entries| since.newer(entries)).collect();
        }
        let named = packages.iter().zip(&changelogs);
        let mut entries: Vec<(Option<&str>, &ChangelogEntry)> = named
            .flat_map(|((name, _), entries)| entries.iter().map(|entry| (Some(name.as_str()), entry)))
            .collect();
        entries.sort_by_cached_key(|(_, entry)| std::cmp::Reverse(day(&entry.date)));
        let mut text = "# All Changelogs\n\n".to_owned();
        self.push_all(&mut text, entries, &format!("Nothing of the {all} entries of all packages"));
        Ok(text)
    }

    /// As many of the entries as are asked for, each under its package where it has one here.
    fn push_all(&self, text: &mut String, entries: Vec<(Option<&str>, &ChangelogEntry)>, nothing: &str) {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let count = entries.len();
        entries.into_iter().take(limit).for_each(|(package, entry)| push(text, package, entry));
        match &self.since {
            _ if count > limit => {
                text.push_str(&format!("{} older entries are left out: raise `limit`.\n", count - limit));
            }
            Some(since) if count == 0 => text.push_str(&format!("{nothing} is newer than `{since}`.\n")),
            None if count == 0 => text.push_str("There are no entries.\n"),
            _ => {}
        }
    }
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

/// What entries have to be newer than.
enum Since<'asked> {
    /// What is newer stands above it, in the changelogs that have it.
    Version(&'asked str),
    Day(NaiveDate),
}

impl<'asked> Since<'asked> {
    /// A version of one of the changelogs, or else a date.
    fn read(text: &'asked str, changelogs: &[&[ChangelogEntry]]) -> Result<Self, ToolError> {
        let mut entries = changelogs.iter().copied().flatten();
        if entries.any(|entry| is_version(entry, text)) {
            return Ok(Self::Version(text));
        }
        last_day(text).map(Self::Day).ok_or_else(|| ToolError::Choice {
            name: "since",
            choices: "YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `a version of the changelog".to_owned(),
            found: text.chars().take(60).collect(),
        })
    }

    /// Of one changelog's entries those that are newer.
    fn newer(&self, mut entries: Vec<ChangelogEntry>) -> Vec<ChangelogEntry> {
        match self {
            Self::Version(version) => {
                let position = entries.iter().position(|entry| is_version(entry, version));
                entries.truncate(position.unwrap_or(0));
            }
            Self::Day(last) => entries.retain(|entry| day(&entry.date).is_some_and(|day| day > *last)),
        }
        entries
    }
}

fn is_version(entry: &ChangelogEntry, version: &str) -> bool {
    let plain = |version: &str| version.trim_start_matches(['v', 'V']).to_owned();
    plain(&entry.version) == plain(version)
}

/// The last day of `2025`, `2025-05` or `2025-05-30`: what is in a year or a month is not newer than it.
/// Nothing else is taken for a date, since what is almost one would be compared with something
/// else than was meant.
fn last_day(text: &str) -> Option<NaiveDate> {
    let is_in_form =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if !text.bytes().enumerate().all(is_in_form) {
        return None;
    }
    let read = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    match text.len() {
        4 => read(&format!("{text}-12-31")),
        7 => read(&format!("{text}-01"))?.checked_add_months(Months::new(1))?.pred_opt(),
        10 => read(text),
        _ => None,
    }
}

fn push(text: &mut String, package: Option<&str>, entry: &ChangelogEntry) {
    let of = package.map(|package| format!("{package}: ")).unwrap_or_default();
    if entry.source == "rss" {
        text.push_str(&format!("## {of}{}\n**Date:** {}\n", entry.version, entry.date));
        if let Some(url) = entry.url.as_ref().filter(|url| !url.is_empty()) {
            text.push_str(&format!("**Link:** {url}\n"));
        }
        text.push_str(&format!("\n{}\n\n---\n\n", entry.changes.join("\n")));
        return;
    }
    let date = if entry.date.is_empty() { String::new() } else { format!(" - {}", entry.date) };
    text.push_str(&format!("## {of}[{}]{date}\n\n", entry.version));
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
            let entries = Since::read(since, &[entries.as_slice()]).unwrap().newer(entries.clone());
            entries.into_iter().map(|entry| entry.version).collect::<Vec<_>>()
        };
        assert_eq!(versions("2025-01-15"), ["1.1", "1.2"]);
        assert_eq!(versions("2025-02"), ["1.1"]);
        assert_eq!(versions("v1.2"), ["1.1"]);
        assert!(versions("2025").is_empty());
        assert_eq!(versions("2024"), ["1.1", "1.2", "1.0"]);
        for text in
            ["yesterday", "2025-5", "20250530", "2025-13", "2025-02-30", "2025-", "25", "January 15, 2025"]
        {
            let refused = Since::read(text, &[entries.as_slice()]).err();
            assert!(matches!(refused, Some(ToolError::Choice { .. })), "{text}");
        }
    }

    #[test]
    fn a_changelog_without_dates_stays_in_its_order() {
        let mut entries = vec![entry("2.0", ""), entry("1.0", "2025-01-01")];
        newest_first(&mut entries);
        assert_eq!(entries[0].version, "2.0");
    }
}
