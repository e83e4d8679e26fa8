//! Collections: sets of documents in one index that are searched together or apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a collection: 1 to 64 letters, digits, `-`, `_` and `.`, not beginning with a dot. The
/// paths of its documents begin with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CollectionName(String);

/// Text that is not the name of a collection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a collection's name has 1 to 64 letters, digits, `-`, `_` and `.`, and no dot in front")]
pub struct InvalidCollectionName;

const LONGEST: usize = 64;

impl TryFrom<String> for CollectionName {
    type Error = InvalidCollectionName;

    fn try_from(name: String) -> Result<Self, InvalidCollectionName> {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_allowed) {
            Ok(Self(name))
        } else {
            Err(InvalidCollectionName)
        }
    }
}

impl std::str::FromStr for CollectionName {
    type Err = InvalidCollectionName;

    fn from_str(name: &str) -> Result<Self, InvalidCollectionName> {
        name.to_owned().try_into()
    }
}

impl From<CollectionName> for String {
    fn from(name: CollectionName) -> Self {
        name.0
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
