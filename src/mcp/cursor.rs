//! Where to go on. A cursor names the generation it was made on, how far one has come, and (by a
//! fingerprint) the question; to a client it is opaque.

use super::failure::ToolError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) generation: u64,
    pub(super) offset: usize,
}

impl Cursor {
    /// `question` is everything that decides on the order of what is paged.
    pub(super) fn write(self, question: &[&str]) -> String {
        format!("{:x}.{:x}.{}", self.generation, self.offset, fingerprint(question))
    }

    pub(super) fn read(text: &str, question: &[&str]) -> Result<Self, ToolError> {
        let mut parts = text.trim().splitn(3, '.');
        let mut next = || parts.next().ok_or(ToolError::Cursor);
        let (generation, offset, print) = (next()?, next()?, next()?);
        if print != fingerprint(question) {
            return Err(ToolError::Cursor);
        }
        let generation = u64::from_str_radix(generation, 16).map_err(|_| ToolError::Cursor)?;
        let offset = usize::from_str_radix(offset, 16).map_err(|_| ToolError::Cursor)?;
        Ok(Self { generation, offset })
    }
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
        let cursor = Cursor { generation: 7, offset: 30 };
        let text = cursor.write(&["a", "b"]);
        assert_eq!(Cursor::read(&text, &["a", "b"]), Ok(cursor));
        assert_eq!(Cursor::read(&text, &["ab", ""]), Err(ToolError::Cursor));
        for text in ["", "1.2", "x.y.z", "-1.0.00000000", "é"] {
            assert_eq!(Cursor::read(text, &["a", "b"]), Err(ToolError::Cursor), "{text}");
        }
    }
}
