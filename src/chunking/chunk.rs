//! A chunk and its identity.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::source::SourcePath;

/// A passage of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Stable for as long as the document's path and this passage's text stay the same.
    pub id: ChunkId,
    /// Headings above the passage, outermost first, without the document's title.
    pub headings: Vec<String>,
    /// Its place in the document's text, in bytes.
    pub bytes: Range<usize>,
    /// First and last line, counted from 1, both included.
    pub lines: (u32, u32),
    /// The source itself, as shown.
    pub text: String,
}

/// Ten letters and digits that name a chunk, derived from its content (50 bits of blake3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkId([u8; ChunkId::LENGTH]);

/// Text that is not a chunk id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a chunk id (ten letters and digits, as in an answer's `id`)")]
pub struct InvalidChunkId(String);

impl ChunkId {
    const LENGTH: usize = 10;
    /// Crockford's base 32, in lower case: no i, l, o or u to misread.
    const ALPHABET: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

    /// The id of the `occurrence`-th chunk (from 0) with this text in the document at `path`.
    #[must_use]
    pub fn of(path: &SourcePath, text: &str, occurrence: usize) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(text.as_bytes());
        hasher.update(&(occurrence as u64).to_le_bytes());
        let digest = hasher.finalize();
        let mut letters = [0; Self::LENGTH];
        for (letter, byte) in letters.iter_mut().zip(digest.as_bytes()) {
            *letter = Self::ALPHABET[usize::from(byte & 31)];
        }
        Self(letters)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl TryFrom<String> for ChunkId {
    type Error = InvalidChunkId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match <[u8; Self::LENGTH]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(|letter| Self::ALPHABET.contains(letter)) => Ok(Self(letters)),
            _ => Err(InvalidChunkId(text)),
        }
    }
}

impl From<ChunkId> for String {
    fn from(id: ChunkId) -> Self {
        id.as_str().to_owned()
    }
}

impl Serialize for ChunkId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ChunkId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depends_on_path_text_and_occurrence_only() {
        let path = |text: &str| SourcePath::try_from(text.to_owned()).unwrap();
        let id = ChunkId::of(&path("a.md"), "text", 0);
        assert_eq!(id, ChunkId::of(&path("a.md"), "text", 0));
        assert_ne!(id, ChunkId::of(&path("b.md"), "text", 0));
        assert_ne!(id, ChunkId::of(&path("a.md"), "texts", 0));
        assert_ne!(id, ChunkId::of(&path("a.md"), "text", 1));
        assert_eq!(ChunkId::try_from(id.to_string()).unwrap(), id);
        assert!(ChunkId::try_from("no".to_owned()).is_err());
    }
}
