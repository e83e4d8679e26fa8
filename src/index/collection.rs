//! Collections: sets of documents in one index that are searched together or apart.

use std::fmt;
use std::path::Path;

/// The name of a collection: 1 to 64 letters, digits, `-`, `_` and `.`, not beginning with a dot. The
/// paths of its documents begin with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CollectionName(String);

/// Text that is not the name of a collection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a collection's name has 1 to 64 letters, digits, `-`, `_` and `.`, and no dot in front")]
pub struct InvalidCollectionName;

const LONGEST: usize = 64;

impl std::str::FromStr for CollectionName {
    type Err = InvalidCollectionName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidCollectionName)
        }
    }
}

impl CollectionName {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What stands before the paths of the documents of each root: the collection's name, and with several
/// roots in one collection the root's. `collections` names the collection of each root, empty for the one
/// without a name.
pub(super) fn prefixes(roots: &[(&Path, &str)]) -> Vec<Option<String>> {
    let prefix = |(path, collection): &(&Path, &str)| {
        let in_the_same = roots.iter().filter(|(_, other)| other == collection).count();
        let folder = if in_the_same > 1 { folder_name(path) } else { None };
        match (collection.is_empty(), folder) {
            (true, folder) => folder,
            (false, None) => Some((*collection).to_owned()),
            (false, Some(folder)) => Some(format!("{collection}/{folder}")),
        }
    };
    roots.iter().map(prefix).collect()
}

fn folder_name(path: &Path) -> Option<String> {
    let canonical = path.canonicalize().ok()?;
    if canonical.is_dir() {
        canonical.file_name().map(|name| name.to_string_lossy().into_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_paths() {
        for name in ["handbook", "api-v2.1", "A_b"] {
            assert_eq!(name.parse::<CollectionName>().unwrap().as_str(), name);
        }
        for name in ["", ".", "..", ".x", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(name.parse::<CollectionName>(), Err(InvalidCollectionName), "{name}");
        }
    }
}
