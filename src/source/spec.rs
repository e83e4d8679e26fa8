//! What to index, as it is declared: a folder or file here, or something to be fetched first.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CollectionName, DocumentKind};

/// One source of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSpec {
    /// Where its documents are.
    pub origin: Origin,
    /// What they are, where that is not left to their paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DocumentKind>,
    /// What stands before their paths where there are several sources; the folder's name by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The collection that its documents belong to, where not to the one without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionName>,
    /// Globs of the paths to take in; all where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Globs of the paths to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// Where documents are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Origin {
    /// A folder or a file of this machine.
    Directory {
        /// Its path.
        path: PathBuf,
    },
    /// A git repository.
    Git {
        /// A URL, or the path of a repository.
        url: String,
        /// A branch or tag; the repository's default without.
        branch: Option<String>,
        /// A folder in it; all of it without.
        folder: Option<String>,
    },
    /// A package of a registry.
    Package {
        /// Which registry.
        registry: Registry,
        /// The package's name.
        package: String,
        /// Its version; the newest without.
        version: Option<String>,
    },
    /// An RSS or Atom feed.
    Feed {
        /// A URL (http, https), or the path of a file.
        url: String,
    },
}

/// A registry of packages, reached through its ordinary client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// Through `cargo`.
    Crates,
    /// Through `npm`.
    Npm,
    /// Through `pip`.
    Pypi,
}

impl Registry {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crates => "crates",
            Self::Npm => "npm",
            Self::Pypi => "pypi",
        }
    }
}

/// A source that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{source_text}` is no source: {reason}")]
pub struct InvalidSource {
    /// As given.
    pub source_text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Files that changelogs are in, in capitals or not: bare, or with an ending or a number behind.
const CHANGELOGS: [&str; 2] = [
    "**/{CHANGELOG,Changelog,ChangeLog,changelog,CHANGES,Changes,changes,HISTORY,History,history,NEWS,News,news,\
     RELEASES,Releases,releases,RELEASE-NOTES,Release-Notes,release-notes}",
    "**/{CHANGELOG,Changelog,ChangeLog,changelog,CHANGES,Changes,changes,HISTORY,History,history,NEWS,News,news,\
     RELEASES,Releases,releases,RELEASE-NOTES,Release-Notes,release-notes}[.-]*",
];
/// Files that examples are in.
const EXAMPLES: [&str; 1] = ["**/*.{ts,js,tsx,jsx,mjs,py,rb,go,java,php,rs,kt,cs,swift,sh,ipynb,md,mdx}"];

impl SourceSpec {
    /// A source without anything beyond its origin.
    #[must_use]
    pub fn of(origin: Origin) -> Self {
        Self { origin, kind: None, name: None, collection: None, include: Vec::new(), exclude: Vec::new() }
    }

    /// A folder or file.
    #[must_use]
    pub fn directory(path: PathBuf) -> Self {
        Self::of(Origin::Directory { path })
    }

    /// The changelogs under a folder, such as `packages/*/CHANGELOG.md`.
    #[must_use]
    pub fn changelogs(path: PathBuf) -> Self {
        let include = CHANGELOGS.map(str::to_owned).to_vec();
        Self { kind: Some(DocumentKind::Changelog), include, ..Self::directory(path) }
    }

    /// The examples under a folder.
    #[must_use]
    pub fn examples(path: PathBuf) -> Self {
        let include = EXAMPLES.map(str::to_owned).to_vec();
        let exclude = ["**/node_modules/**", "**/dist/**"].map(str::to_owned).to_vec();
        Self { kind: Some(DocumentKind::Example), include, exclude, ..Self::directory(path) }
    }
}

impl FromStr for SourceSpec {
    type Err = InvalidSource;

    /// `PATH`, `git:URL#BRANCH`, `package:npm:NAME@VERSION`, `feed:URL`, `changelog:PATH` or
    /// `examples:PATH`.
    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let invalid =
            |reason: &str| InvalidSource { source_text: text.to_owned(), reason: reason.to_owned() };
        let Some((word, rest)) = text.split_once(':') else { return Ok(Self::directory(text.into())) };
        if rest.is_empty() && ["git", "package", "feed", "changelog", "examples"].contains(&word) {
            return Err(invalid("nothing stands behind its colon"));
        }
        Ok(match word {
            "git" => {
                let (url, branch) = match rest.rsplit_once('#') {
                    Some((url, branch)) => (url, Some(branch.to_owned())),
                    None => (rest, None),
                };
                Self::of(Origin::Git { url: url.to_owned(), branch, folder: None })
            }
            "package" => Self::of(package(rest).map_err(|reason| invalid(&reason))?),
            "feed" => Self {
                kind: Some(DocumentKind::Changelog),
                ..Self::of(Origin::Feed { url: rest.to_owned() })
            },
            "changelog" => Self::changelogs(rest.into()),
            "examples" => Self::examples(rest.into()),
            _ => Self::directory(text.into()),
        })
    }
}

/// `npm:@scope/name@1.2.3`
pub(super) fn package(text: &str) -> Result<Origin, String> {
    let (registry, rest) = text.split_once(':').ok_or("write package:npm:NAME@VERSION (or pypi, crates)")?;
    let registry = match registry {
        "crates" => Registry::Crates,
        "npm" => Registry::Npm,
        "pypi" => Registry::Pypi,
        other => return Err(format!("there is no registry `{other}` (npm, pypi, crates)")),
    };
    let (name, version) = match rest.char_indices().skip(1).find(|(_, letter)| *letter == '@') {
        Some((at, _)) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let is_name = |text: &str, special: &str| {
        !text.is_empty()
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || special.contains(letter))
    };
    // These go to the registry's client as arguments: nothing in them may be an option or a path.
    if !is_name(name, "@/._-") || name.starts_with(['-', '.', '/']) || name.contains("..") {
        return Err(format!("`{name}` is no name of a package"));
    }
    if version.is_some_and(|version| !is_name(version, "._+-!") || version.starts_with(['-', '.'])) {
        return Err(format!("`{}` is no version", version.unwrap_or_default()));
    }
    Ok(Origin::Package { registry, package: name.to_owned(), version: version.map(str::to_owned) })
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Directory { path } => write!(formatter, "{}", path.display()),
            Origin::Git { url, branch, .. } => {
                write!(formatter, "git:{}", without_password(url))?;
                branch.as_ref().map_or(Ok(()), |branch| write!(formatter, "#{branch}"))
            }
            Origin::Package { registry, package, version } => {
                write!(formatter, "package:{}:{package}", registry.as_str())?;
                version.as_ref().map_or(Ok(()), |version| write!(formatter, "@{version}"))
            }
            Origin::Feed { url } => write!(formatter, "feed:{}", without_password(url)),
        }
    }
}

/// A URL as it may be shown: `https://user:secret@host/` without what stands before the host.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_comes_back_as_it_is_shown() {
        for text in [
            "docs/a:b",
            "git:../repository#v1.2",
            "git:https://example.com/a.git",
            "package:npm:@workos/mcp-docs-server@0.1.0",
            "package:pypi:requests",
            "package:crates:serde@1.0.200",
            "feed:https://example.com/rss.xml",
        ] {
            assert_eq!(text.parse::<SourceSpec>().unwrap().to_string(), text);
        }
        assert_eq!("examples:a".parse::<SourceSpec>().unwrap().kind, Some(DocumentKind::Example));
        let secret: SourceSpec = "git:https://me:token@example.com/a#b".parse().unwrap();
        assert_eq!(secret.to_string(), "git:https://example.com/a#b");
    }

    #[test]
    fn what_would_reach_a_client_as_an_option_is_refused() {
        for text in [
            "package:npm",
            "package:npm:",
            "package:maven:a",
            "package:npm:--global",
            "package:npm:../x",
            "package:pypi:a@-r",
            "package:npm:a b",
            "git:",
            "feed:",
        ] {
            assert!(text.parse::<SourceSpec>().is_err(), "{text}");
        }
    }
}
