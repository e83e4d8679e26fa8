//! A document's name: its path under the indexed root, the same on every platform.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

/// A relative path with `/` between its parts, no `.` or `..`, and its extension kept:
/// `docs/sso/index.mdx`. Never absolute, never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourcePath(String);

/// A path that cannot name a document.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a relative path of plain folder and file names")]
pub struct InvalidSourcePath(pub String);

impl SourcePath {
    /// The path of `file` relative to `root`. Bytes that are not UTF-8 are written as `\xE9`, so
    /// that two names that differ only there stay two.
    ///
    /// # Errors
    /// Where `file` is not under `root`, or is `root` itself.
    pub fn relative_to(root: &Path, file: &Path) -> Result<Self, InvalidSourcePath> {
        let invalid = || InvalidSourcePath(file.display().to_string());
        let relative = file.strip_prefix(root).map_err(|_| invalid())?;
        let mut parts = Vec::new();
        for component in relative.components() {
            match component {
                Component::Normal(part) => parts.push(as_text(part)),
                _ => return Err(invalid()),
            }
        }
        Self::try_from(parts.join("/"))
    }

    /// A name that was made to be one plain file name.
    pub(super) fn encoded(name: String) -> Self {
        debug_assert!(!name.is_empty() && !name.contains(['/', '\0']));
        Self(name)
    }

    /// The path as text, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `/`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The lower-case text after the file name's last dot, or "" where it has none.
    #[must_use]
    pub fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// The file name without its extension.
    #[must_use]
    pub fn stem(&self) -> &str {
        match self.file_name().rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => self.file_name(),
        }
    }
}

fn as_text(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    text
}

impl TryFrom<String> for SourcePath {
    type Error = InvalidSourcePath;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if path.split('/').all(plain) && !path.contains('\0') {
            Ok(Self(path))
        } else {
            Err(InvalidSourcePath(path))
        }
    }
}

impl From<SourcePath> for String {
    fn from(path: SourcePath) -> Self {
        path.0
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_relative_to_the_root_with_forward_slashes() {
        let path = SourcePath::relative_to(Path::new("/a/b"), Path::new("/a/b/docs/x/index.MDX")).unwrap();
        assert_eq!(path.as_str(), "docs/x/index.MDX");
        assert_eq!(path.extension(), "mdx");
        assert_eq!(path.stem(), "index");
    }

    #[test]
    fn refuses_what_could_leave_the_root() {
        for bad in ["", "/etc/passwd", "a//b", "../x", "a/../b", "./a", "a/", "a\0b"] {
            assert!(SourcePath::try_from(bad.to_owned()).is_err(), "{bad:?} was taken");
        }
        assert!(SourcePath::relative_to(Path::new("/a"), Path::new("/b/c")).is_err());
    }

    #[test]
    fn a_dot_file_has_no_extension() {
        let path = SourcePath::try_from("a/.gitignore".to_owned()).unwrap();
        assert_eq!((path.extension().as_str(), path.stem()), ("", ".gitignore"));
    }
}
