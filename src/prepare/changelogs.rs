//! Changelogs: of each package, and of feeds, their newest entries as JSON.

use super::files::{Workshop, read_all};
use super::{CHANGELOG_ENTRIES, FEED_ENTRIES, Preparation, PrepareError, Prepared};
use crate::extract::html_to_markdown;
use crate::parse::{ChangelogEntry, plain_changelog_entries};
use crate::progress::Progress;
use crate::remote::{FeedEntry, read_feed};
use crate::source::SourcePath;

pub(super) fn write(
    preparation: &Preparation<'_>,
    workshop: &Workshop,
    progress: &dyn Progress,
    prepared: &mut Prepared,
) -> Result<(), PrepareError> {
    let root = preparation.below(preparation.packages)?;
    let is_changelog =
        |path: &SourcePath| path.as_str().split_once('/').is_some_and(|(_, name)| name == "CHANGELOG.md");
    let (files, skipped) = read_all(&root, workshop.old.as_deref(), &is_changelog)?;
    prepared.skipped += skipped;
    for (file, text) in &files {
        let package = file.path.as_str().split('/').next().unwrap_or_default();
        let entries = plain_changelog_entries(text, package);
        write_entries(workshop, package, &entries, CHANGELOG_ENTRIES)?;
        prepared.changelogs += 1;
    }
    for (name, url) in preparation.feeds {
        // A feed that cannot be had is no reason to lose everything else, or what it said before.
        match read_feed(url) {
            Ok(entries) => {
                let entries: Vec<ChangelogEntry> =
                    entries.into_iter().map(|entry| changelog_entry(name, entry)).collect();
                write_entries(workshop, name, &entries, FEED_ENTRIES)?;
            }
            Err(error) => {
                let Some(text) = prepared_before(workshop, name) else {
                    progress.note(&format!("{error}; {}; going on without it", error.hint()));
                    continue;
                };
                progress.note(&format!("{error}; keeping what it said before"));
                workshop.write(&file_of(name), &text)?;
            }
        }
        prepared.changelogs += 1;
    }
    Ok(())
}

fn write_entries(
    workshop: &Workshop,
    name: &str,
    entries: &[ChangelogEntry],
    most: usize,
) -> Result<(), PrepareError> {
    let newest = &entries[..entries.len().min(most)];
    workshop.write(&file_of(name), &serde_json::to_string_pretty(newest).unwrap_or_default())
}

/// A name is what the user writes, and no path.
fn file_of(name: &str) -> String {
    format!("changelogs/{}.json", name.replace(['/', '\\'], "-"))
}

fn prepared_before(workshop: &Workshop, name: &str) -> Option<String> {
    std::fs::read_to_string(workshop.old.as_ref()?.join(file_of(name))).ok()
}

fn changelog_entry(package: &str, entry: FeedEntry) -> ChangelogEntry {
    let body = if entry.summary.is_empty() { &entry.content } else { &entry.summary };
    let text = html_to_markdown(body).split_whitespace().collect::<Vec<_>>().join(" ");
    ChangelogEntry {
        package: package.to_owned(),
        date: entry.date,
        changes: vec![if text.is_empty() { entry.title.clone() } else { text }],
        version: if entry.title.is_empty() { "Untitled".to_owned() } else { entry.title },
        source: "rss".to_owned(),
        url: Some(entry.url),
        guid: Some(entry.guid),
    }
}
