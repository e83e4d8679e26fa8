//! Archives of packages to the documents in them.
//!
//! Nothing is written but plain files with plain names: no links, no paths that lead out, no more
//! files and bytes than a documentation has.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::FetchError;
use crate::source::{DocumentKind, SourcePath};

const MOST_FILES: usize = 50_000;
/// A package's own description; what is larger is none.
const LARGEST_METADATA: u64 = 16 << 20;
const MOST_BYTES: u64 = 512 << 20;

/// Writes documents below one folder, within the limits.
pub(super) struct Documents<'a> {
    folder: &'a Path,
    purpose: &'a str,
    pub(super) files: usize,
    bytes: u64,
}

impl<'a> Documents<'a> {
    pub(super) fn new(folder: &'a Path, purpose: &'a str) -> Self {
        Self { folder, purpose, files: 0, bytes: 0 }
    }

    /// Takes in one file, if it is a document.
    pub(super) fn take(&mut self, path: &str, content: impl Read) -> Result<(), FetchError> {
        let Ok(path) = SourcePath::try_from(path.to_owned()) else { return Ok(()) };
        if !is_document(&path) {
            return Ok(());
        }
        self.files += 1;
        let file = self.folder.join(path.as_str());
        // A file that is too large to be indexed is written all the same: the walk leaves it out and counts it.
        let left = MOST_BYTES - self.bytes;
        self.bytes += write(&file, content.take(left + 1))
            .map_err(|source| FetchError::Write { path: file.clone(), source })?;
        if self.files > MOST_FILES || self.bytes > MOST_BYTES {
            let reason = format!("more than {MOST_FILES} documents or {MOST_BYTES} bytes");
            return Err(FetchError::Archive { purpose: self.purpose.to_owned(), reason });
        }
        Ok(())
    }
}

fn write(file: &Path, mut content: impl Read) -> std::io::Result<u64> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    std::io::copy(&mut content, &mut fs::File::create(file)?)
}

/// Documentation, examples and changelogs; not the package's code, its builds or its licence.
fn is_document(path: &SourcePath) -> bool {
    const TEXT: [&str; 11] =
        ["md", "mdx", "markdown", "rst", "txt", "html", "htm", "ipynb", "pdf", "docx", ""];
    const BUILDS: [&str; 6] = ["dist", "build", "node_modules", "vendor", "__pycache__", "target"];
    let folders = || path.as_str().split('/').rev().skip(1);
    if folders().any(|folder| BUILDS.contains(&folder)) || is_licence(path.stem()) {
        return false;
    }
    let extension = path.extension();
    match DocumentKind::of(path) {
        DocumentKind::Docs => {
            let is_list =
                ["requirements", "top_level", "SOURCES"].contains(&path.stem()) && extension == "txt";
            TEXT.contains(&extension.as_str())
                && !is_list
                && (!extension.is_empty() || path.stem() == "README")
        }
        DocumentKind::Changelog => extension == "json" || TEXT.contains(&extension.as_str()),
        DocumentKind::Example => true,
        DocumentKind::Code => false,
    }
}

fn is_licence(stem: &str) -> bool {
    let stem = stem.to_lowercase();
    ["license", "licence", "copying", "notice", "authors"].iter().any(|name| stem.starts_with(name))
}

/// The documents of a gzipped tar file, without the one folder that everything in it is in.
pub(super) fn unpack_tar(file: &Path, documents: &mut Documents<'_>) -> Result<(), FetchError> {
    let purpose = documents.purpose.to_owned();
    let failed =
        |error: std::io::Error| FetchError::Archive { purpose: purpose.clone(), reason: error.to_string() };
    let opened = fs::File::open(file).map_err(failed)?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(opened));
    for entry in archive.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(failed)?.to_string_lossy().replace('\\', "/");
        if let Some((_, below)) = path.split_once('/') {
            documents.take(below, entry)?;
        }
    }
    Ok(())
}

/// The documents of a wheel: those in it, and its description as a README.
pub(super) fn unpack_wheel(file: &Path, documents: &mut Documents<'_>) -> Result<(), FetchError> {
    let purpose = documents.purpose.to_owned();
    let failed = |reason: String| FetchError::Archive { purpose: purpose.clone(), reason };
    let opened = fs::File::open(file).map_err(|error| failed(error.to_string()))?;
    let mut archive = zip::ZipArchive::new(opened).map_err(|error| failed(error.to_string()))?;
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(|error| failed(error.to_string()))?;
        let path = entry.name().to_owned();
        if path.ends_with(".dist-info/METADATA") {
            let mut metadata = String::new();
            let read = entry.by_ref().take(LARGEST_METADATA).read_to_string(&mut metadata);
            read.map_err(|error| failed(error.to_string()))?;
            let (name, text) = description(&metadata);
            documents.take(name, text.as_bytes())?;
        } else if entry.is_file() {
            documents.take(&path, entry)?;
        }
    }
    Ok(())
}

/// The description in a package's metadata (core metadata 2.1: the body of the message), under a
/// name that says its format.
fn description(metadata: &str) -> (&'static str, &str) {
    let (head, body) = metadata.split_once("\n\n").unwrap_or((metadata, ""));
    let kind =
        head.lines().find_map(|line| line.strip_prefix("Description-Content-Type:")).unwrap_or_default();
    match kind.trim() {
        kind if kind.starts_with("text/markdown") => ("README.md", body),
        kind if kind.starts_with("text/plain") => ("README.txt", body),
        _ => ("README.rst", body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_taken_and_nothing_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let mut documents = Documents::new(&inner, "p");
        for path in [
            "README.md",
            "docs/a.mdx",
            ".docs/organized/changelogs/p.json",
            "examples/a/app.ts",
            "CHANGELOG",
            "../out.md",
            "/abs.md",
            "docs/../../out.md",
            "dist/a.md",
            "src/index.ts",
            "package.json",
            "LICENSE.md",
            "requirements.txt",
        ] {
            documents.take(path, "text".as_bytes()).unwrap();
        }
        assert_eq!(documents.files, 5);
        assert!(inner.join(".docs/organized/changelogs/p.json").is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_description_is_named_by_its_format() {
        let metadata = "Name: a\nDescription-Content-Type: text/markdown; charset=UTF-8\n\n# A\n\nText.\n";
        assert_eq!(description(metadata), ("README.md", "# A\n\nText.\n"));
        assert_eq!(description("Name: a\n\nText").0, "README.rst");
    }
}
