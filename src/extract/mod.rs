//! Files whose text is not what their bytes say: HTML, notebooks, Word documents and PDF become
//! Markdown, which is then read, cut and shown as any other.
//!
//! Everything else is text already and comes back as it is. A file that cannot be understood is a
//! reason to skip it, with its cause, and never ends a run.

mod docx;
mod html;
mod notebook;
mod pdf;
mod writer;
mod xml;

use std::path::Path;

use crate::source::{FileText, SkipReason, SourcePath, read_bytes, text_of};

pub use html::html_to_markdown;

/// What a converted text may grow to, in bytes: small files can hold large ones.
const MAX_CONVERTED_BYTES: usize = 64 << 20;

/// A format that is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    Docx,
    Html,
    Notebook,
    Pdf,
}

impl Conversion {
    fn of(path: &SourcePath) -> Option<Self> {
        match path.extension().as_str() {
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "ipynb" => Some(Self::Notebook),
            "docx" => Some(Self::Docx),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Reads the document called `path` from the file at `location` as text, converted where its
/// format asks for it. The hash is that of the file's bytes.
///
/// # Errors
/// The reason to skip the file.
pub fn read_document(path: &SourcePath, location: &Path, max_bytes: u64) -> Result<FileText, SkipReason> {
    let (bytes, hash) = read_bytes(location, max_bytes)?;
    let text = match Conversion::of(path) {
        None => text_of(bytes)?,
        Some(Conversion::Docx) => docx::to_markdown(&bytes).map_err(unreadable)?,
        Some(Conversion::Pdf) => pdf::to_markdown(&bytes).map_err(unreadable)?,
        Some(Conversion::Html | Conversion::Notebook) => converted_text(path, text_of(bytes)?)?,
    };
    if text.trim().is_empty() { Err(SkipReason::Empty) } else { Ok(FileText { text, hash }) }
}

/// The same for a document that came as text: a record of a corpus.
///
/// # Errors
/// The reason to skip it.
pub fn converted_text(path: &SourcePath, text: String) -> Result<String, SkipReason> {
    match Conversion::of(path) {
        Some(Conversion::Html) => Ok(html_to_markdown(&text)),
        Some(Conversion::Notebook) => notebook::to_markdown(&text).map_err(unreadable),
        _ => Ok(text),
    }
}

fn unreadable(message: String) -> SkipReason {
    SkipReason::Unreadable { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<String, SkipReason> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, bytes).unwrap();
        read_document(&SourcePath::try_from(name.to_owned()).unwrap(), &file, 1 << 20).map(|read| read.text)
    }

    #[test]
    fn text_comes_back_as_it_is() {
        assert_eq!(read("a.md", b"# <b>x</b>\n").unwrap(), "# <b>x</b>\n");
    }

    #[test]
    fn what_is_not_what_its_name_says_is_skipped_with_its_cause() {
        for name in ["a.pdf", "a.docx", "a.ipynb"] {
            let reason = read(name, b"no such thing").unwrap_err();
            assert_eq!(reason.kind(), "unreadable", "{name}: {reason}");
        }
        assert_eq!(read("a.html", b"<script>x()</script>"), Err(SkipReason::Empty));
        assert_eq!(read("a.html", b"\0\0"), Err(SkipReason::Binary));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_a_conversion_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            for (name, start) in [("a.pdf", "%PDF-1.4\n"), ("a.docx", "PK\u{3}\u{4}"), ("a.html", "<p>"), ("a.ipynb", "{\"cells\":[")] {
                let _ = read(name, &[start.as_bytes(), &bytes].concat());
            }
        }
    }
}
