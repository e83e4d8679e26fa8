//! What stands directly in a folder of an index.

use std::fmt;

use super::failure::ToolError;
use crate::retrieval::{DocumentRecord, Reader};

/// A folder or a document. Paths are whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Folder { path: String, documents: usize },
    Document { path: String, title: String },
}

impl Entry {
    /// Its path; a folder's has `/` at its end.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Folder { path, .. } => format!("{path}/"),
            Self::Document { path, .. } => path.clone(),
        }
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> String {
        let path = self.path();
        let start = path.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
        path[start..].to_owned()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, documents: 1 } => write!(formatter, "{path}/ · 1 document"),
            Self::Folder { path, documents } => write!(formatter, "{path}/ · {documents} documents"),
            Self::Document { path, title } => {
                write!(formatter, "{path} · {}", title.split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// A folder as clients write it: without `./` before and `/` around it. The top is empty.
pub(super) fn plain(folder: &str) -> &str {
    let folder = folder.trim_start_matches("./").trim_matches('/');
    if folder == "." { "" } else { folder }
}

/// What is directly in `folder`, in the order of the paths; nothing where there is no such folder.
pub(super) fn children(reader: &Reader, folder: &str) -> Result<Vec<Entry>, ToolError> {
    children_among(reader, folder, &|_| true)
}

/// The same of those documents alone that `is_among` admits.
pub(super) fn children_among(
    reader: &Reader,
    folder: &str,
    is_among: &dyn Fn(&DocumentRecord) -> bool,
) -> Result<Vec<Entry>, ToolError> {
    let folder = plain(folder);
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut entries: Vec<Entry> = Vec::new();
    let mut number = reader.first_not_before(&prefix)?;
    while let Some(document) = reader.documents(number..number + 1)?.pop() {
        number += 1;
        let Some(below) = document.path.as_str().strip_prefix(&prefix) else { break };
        if !is_among(&document) {
            continue;
        }
        let Some((child, _)) = below.split_once('/') else {
            entries.push(Entry::Document { path: document.path.into(), title: document.title });
            continue;
        };
        let child = format!("{prefix}{child}");
        match entries.last_mut() {
            Some(Entry::Folder { path, documents }) if *path == child => *documents += 1,
            _ => entries.push(Entry::Folder { path: child, documents: 1 }),
        }
    }
    Ok(entries)
}

/// The folder that `path` is in; empty for the top.
pub(super) fn parent(path: &str) -> &str {
    path.trim_end_matches('/').rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Some of `entries` by name, and how many more there are.
pub(super) fn named(entries: &[Entry], most: usize) -> String {
    let mut names: Vec<String> = entries.iter().take(most).map(Entry::name).collect();
    if entries.len() > most {
        names.push(format!("and {} more", entries.len() - most));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_named_by_their_last_part() {
        let folder = Entry::Folder { path: "docs/sso".into(), documents: 2 };
        let document = Entry::Document { path: "docs/keys.md".into(), title: " Keys\n of kings".into() };
        assert_eq!((folder.path().as_str(), folder.name().as_str()), ("docs/sso/", "sso/"));
        assert_eq!(document.to_string(), "docs/keys.md · Keys of kings");
        assert_eq!(named(&[folder, document], 1), "sso/, and 1 more");
        assert_eq!((parent("a/b/c.md"), parent("a/b/"), parent("a.md")), ("a/b", "a", ""));
        assert_eq!((plain("./a/"), plain("."), plain("/")), ("a", "", ""));
    }
}
