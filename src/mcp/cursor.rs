//! Where to go on. A cursor names the generation it was made on, how far one has come, (by a
//! fingerprint) the question, and where words alone ranked what is paged, that too; to a client it
//! is opaque.

use std::sync::Arc;

use super::failure::ToolError;
use crate::retrieval::{Reader, Resident};

/// What ends a cursor into a ranking by words alone.
const BY_WORDS: &str = ".words";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) generation: u64,
    pub(super) offset: usize,
    /// Whether words alone ranked what came before: the model ranks otherwise, and an offset into one
    /// ranking means nothing in the other.
    pub(super) by_words: bool,
}

impl Cursor {
    /// In a list whose order is always the same.
    pub(super) fn in_order(generation: u64, offset: usize) -> Self {
        Self { generation, offset, by_words: false }
    }

    /// `question` is everything that decides on the order of what is paged.
    pub(super) fn write(self, question: &[&str]) -> String {
        let mark = if self.by_words { BY_WORDS } else { "" };
        format!("{:x}.{:x}.{}{mark}", self.generation, self.offset, fingerprint(question))
    }

    pub(super) fn read(text: &str, question: &[&str]) -> Result<Self, ToolError> {
        let mut parts = text.trim().splitn(3, '.');
        let mut next = || parts.next().ok_or(ToolError::Cursor);
        let (generation, offset, print) = (next()?, next()?, next()?);
        let (print, by_words) = print.strip_suffix(BY_WORDS).map_or((print, false), |print| (print, true));
        if print != fingerprint(question) {
            return Err(ToolError::Cursor);
        }
        let generation = u64::from_str_radix(generation, 16).map_err(|_| ToolError::Cursor)?;
        let offset = usize::from_str_radix(offset, 16).map_err(|_| ToolError::Cursor)?;
        Ok(Self { generation, offset, by_words })
    }
}

/// The index that a list goes on in: that of its cursor, for as long as it is kept, or the newest.
pub(super) fn reader_at(resident: &Resident, cursor: Option<Cursor>) -> Result<Arc<Reader>, ToolError> {
    let Some(Cursor { generation: wanted, .. }) = cursor else { return Ok(resident.reader()?) };
    if let Some(reader) = resident.reader_of(wanted)? {
        return Ok(reader);
    }
    let newest = resident.reader()?.manifest().generation;
    Err(ToolError::Generation { wanted, newest })
}

fn fingerprint(question: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in question {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_for_its_own_question_only() {
        for cursor in [Cursor::in_order(7, 30), Cursor { generation: 7, offset: 30, by_words: true }] {
            let text = cursor.write(&["a", "b"]);
            assert_eq!(Cursor::read(&text, &["a", "b"]), Ok(cursor));
            assert_eq!(Cursor::read(&text, &["ab", ""]), Err(ToolError::Cursor));
        }
        for text in ["", "1.2", "x.y.z", "-1.0.00000000", "é", "1.2.words", "1.2.00000000.words"] {
            assert_eq!(Cursor::read(text, &["a", "b"]), Err(ToolError::Cursor), "{text}");
        }
    }
}
