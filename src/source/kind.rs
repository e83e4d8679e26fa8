//! What a document is for: documentation, an example, a changelog, or code.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SourcePath;
use super::language::is_code;

/// What a document is for. It follows from what its source was declared to hold, else from its path,
/// so that it needs no place of its own in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// Pages for readers.
    Docs,
    /// Code that shows how something is used.
    Example,
    /// What changed, by version or date.
    Changelog,
    /// Other source code.
    Code,
}

impl DocumentKind {
    /// In the order of the manual.
    pub const ALL: [Self; 4] = [Self::Docs, Self::Example, Self::Changelog, Self::Code];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::Example => "example",
            Self::Changelog => "changelog",
            Self::Code => "code",
        }
    }

    /// What the document at `path` is, by its name and its folders.
    #[must_use]
    pub fn of(path: &SourcePath) -> Self {
        let name = path.stem().to_lowercase();
        let folders = path.as_str().rsplit_once('/').map_or("", |(folders, _)| folders);
        let is_in = |names: &[&str]| {
            folders.split('/').any(|folder| names.iter().any(|name| folder.eq_ignore_ascii_case(name)))
        };
        let is_code = is_code(&path.extension());
        let is_named =
            ["changelog", "changes", "history", "news", "release-notes", "releases"].contains(&name.as_str());
        if !is_code && (is_named || is_in(&["changelog", "changelogs"])) {
            return Self::Changelog;
        }
        if is_in(&["example", "examples", "samples"]) && (is_code || path.extension() == "ipynb") {
            return Self::Example;
        }
        if is_code { Self::Code } else { Self::Docs }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of document (docs, example, changelog, code)")]
pub struct InvalidKind(String);

impl FromStr for DocumentKind {
    type Err = InvalidKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let same = |kind: &Self| kind.as_str().eq_ignore_ascii_case(text.trim());
        Self::ALL.into_iter().find(same).ok_or_else(|| InvalidKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_a_document_is() {
        for (path, kind) in [
            ("docs/sso/index.mdx", DocumentKind::Docs),
            ("README", DocumentKind::Docs),
            ("settings.toml", DocumentKind::Docs),
            ("examples/sso/app.ts", DocumentKind::Example),
            ("examples/tour.ipynb", DocumentKind::Example),
            ("examples/README.md", DocumentKind::Docs),
            ("packages/a/CHANGELOG.md", DocumentKind::Changelog),
            ("CHANGES", DocumentKind::Changelog),
            ("changelogs/platform.json", DocumentKind::Changelog),
            ("src/changelog.rs", DocumentKind::Code),
            ("src/main.py", DocumentKind::Code),
        ] {
            assert_eq!(DocumentKind::of(&SourcePath::try_from(path.to_owned()).unwrap()), kind, "{path}");
        }
        assert_eq!(" Example".parse(), Ok(DocumentKind::Example));
        assert!("examples".parse::<DocumentKind>().is_err());
    }
}
