//! Changelogs to their entries: Keep a Changelog, the headings of release tools, and JSON.
//!
//! An entry begins at a heading with a version in it (`## [1.2.0] - 2025-05-30`, `# v1.2`,
//! `## 1.2.0 (May 30, 2025)`, `1.2.0 / 2025-05-30` underlined) and has the list items below it.

use serde::{Deserialize, Serialize};

use super::markdown_lines::{heading_lines, list_item};

/// A version, or an announcement, and what changed with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangelogEntry {
    /// What it is of.
    #[serde(default)]
    pub package: String,
    /// The version, or the title of the announcement.
    pub version: String,
    /// As it is written, mostly `YYYY-MM-DD`; empty where there is none.
    #[serde(default)]
    pub date: String,
    /// One for each item; the heading of a group (`Fixed`) stands before its items.
    pub changes: Vec<String>,
    /// `rss` where it comes from a feed, `markdown` else.
    #[serde(default)]
    pub source: String,
    /// The page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its name in the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
}

/// The entries of a changelog in its order; none where it is no changelog.
#[must_use]
pub fn changelog_entries(text: &str) -> Vec<ChangelogEntry> {
    if text.trim_start().starts_with('[')
        && let Ok(entries) = serde_json::from_str::<Vec<ChangelogEntry>>(text)
    {
        return entries;
    }
    markdown_entries(text, true)
}

/// The entries of a changelog of `package` in Markdown, without the headings of groups.
#[must_use]
pub fn plain_changelog_entries(text: &str, package: &str) -> Vec<ChangelogEntry> {
    let mut entries = markdown_entries(text, false);
    for entry in &mut entries {
        package.clone_into(&mut entry.package);
    }
    entries
}

fn markdown_entries(text: &str, with_groups: bool) -> Vec<ChangelogEntry> {
    let mut entries: Vec<ChangelogEntry> = Vec::new();
    let mut group = String::new();
    // Paragraphs are changes only where an entry has no list.
    let mut prose: Vec<String> = Vec::new();
    let end = |entries: &mut Vec<ChangelogEntry>, prose: &mut Vec<String>| {
        let prose = std::mem::take(prose);
        if let Some(entry) = entries.last_mut().filter(|entry| entry.changes.is_empty()) {
            entry.changes = prose;
        }
    };
    for (heading, line) in heading_lines(text) {
        if let Some(heading) = heading {
            if let Some((version, date)) = version_and_date(heading) {
                end(&mut entries, &mut prose);
                group.clear();
                entries.push(ChangelogEntry {
                    version,
                    date,
                    source: "markdown".into(),
                    ..Default::default()
                });
            } else if entries.is_empty() {
                // The title of the whole.
            } else {
                heading.trim_end_matches(':').clone_into(&mut group);
            }
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        match list_item(line) {
            Some((0, item)) => {
                let change = if group.is_empty() || !with_groups {
                    item.to_owned()
                } else {
                    format!("{group}: {item}")
                };
                entry.changes.push(change);
            }
            _ if line.trim().is_empty() => {}
            // A change goes on in the lines below it.
            _ => match entry.changes.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
                Some(change) => {
                    change.push('\n');
                    change.push_str(line.trim_end());
                }
                None => prose.push(line.trim().to_owned()),
            },
        }
    }
    end(&mut entries, &mut prose);
    entries
}

/// `[1.2.0](url) - 2025-05-30`: the version, and the date or nothing.
fn version_and_date(heading: &str) -> Option<(String, String)> {
    let words = heading.replace("](", "] (");
    let mut words = words.split_whitespace();
    let is_mark = |letter: char| "[](){}:,/-–—".contains(letter);
    let mut version = None;
    for word in words.by_ref().take(3) {
        let plain = word.trim_matches(is_mark);
        if is_version(plain) {
            version = Some(plain.to_owned());
            break;
        }
    }
    let version = version?;
    let rest: Vec<&str> = words.filter(|word| !word.contains("://")).collect();
    let rest = rest.join(" ");
    Some((version, rest.trim_matches(|letter: char| letter.is_whitespace() || is_mark(letter)).to_owned()))
}

/// `1.2`, `v1.2.0-rc.1`, `pkg@1.2.0` and `Unreleased`; not `2025-05-30`, not `3`.
fn is_version(word: &str) -> bool {
    if word.eq_ignore_ascii_case("unreleased") {
        return true;
    }
    let word = word.rsplit('@').next().unwrap_or(word);
    let word = word.strip_prefix(['v', 'V']).unwrap_or(word);
    let mut parts = word.split('.');
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_digit());
    let begins = |part: &str| part.starts_with(|letter: char| letter.is_ascii_digit());
    parts.next().is_some_and(is_number) && parts.next().is_some_and(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> (String, String, Vec<String>) {
        let entry = changelog_entries(text).remove(0);
        (entry.version, entry.date, entry.changes)
    }

    #[test]
    fn keep_a_changelog_is_read() {
        let text = "# Changelog\n\nAll changes.\n\n## [Unreleased]\n\n## [1.2.0] - 2025-05-30\n\n### Added\n\n- A flag\n  for speed.\n- Another.\n\n### Fixed\n\n- A crash.\n\n## [1.1.0] - 2025-01-01\n\nOnly prose.\n\n[1.2.0]: https://example.com\n";
        let entries = changelog_entries(text);
        let versions: Vec<_> = entries.iter().map(|entry| entry.version.as_str()).collect();
        assert_eq!(versions, ["Unreleased", "1.2.0", "1.1.0"]);
        assert_eq!(entries[1].date, "2025-05-30");
        assert_eq!(entries[1].changes, ["Added: A flag\n  for speed.", "Added: Another.", "Fixed: A crash."]);
        assert_eq!(entries[2].changes[0], "Only prose.");
    }

    #[test]
    fn other_shapes_are_read() {
        let change = vec!["x".to_owned()];
        for (text, version, date) in [
            ("## 1.2.0 (May 30, 2025)\n\n* x\n", "1.2.0", "May 30, 2025"),
            ("# v1.2\n- x\n", "v1.2", ""),
            ("## [1.2.0](https://example.com/compare/a...b) (2025-05-30)\n\n* x\n", "1.2.0", "2025-05-30"),
            ("1.2.0 / 2025-05-30\n==================\n\n * x\n", "1.2.0", "2025-05-30"),
            ("## pkg@2.0.0\n\n- x\n", "pkg@2.0.0", ""),
            ("## Version 3.1 – 2024-02-02\n+ x\n", "3.1", "2024-02-02"),
        ] {
            assert_eq!(entry(text), (version.to_owned(), date.to_owned(), change.clone()), "{text}");
        }
        assert!(changelog_entries("# Title\n\n## 2025-05-30\n\n- x\n").is_empty());
    }

    #[test]
    fn json_is_read_and_code_is_not_a_heading() {
        let text = r#"[{"package": "p", "version": "News", "date": "2025-05-30", "changes": ["x"], "source": "rss", "url": "u", "guid": "g"}]"#;
        assert_eq!(entry(text), ("News".into(), "2025-05-30".into(), vec!["x".into()]));
        assert_eq!(changelog_entries("## 1.0.0\n\n- x\n\n```\n## 0.9.0\n```\n").len(), 1);
    }
}
