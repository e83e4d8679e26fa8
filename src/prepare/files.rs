//! Reading and writing of files: the new content is made beside the old, and takes its place whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::{PrepareError, limits};
use crate::source::{SourceFile, SourcePath, read_bytes, text_of, walk};

/// The folders that an output consists of.
const FOLDERS: [&str; 3] = ["changelogs", "docs", "examples"];

/// The folder in which the new content is made.
pub(super) struct Workshop {
    folder: tempfile::TempDir,
    /// The output in its canonical form, where it is there already: no source.
    pub(super) old: Option<PathBuf>,
}

impl Workshop {
    /// Beside `output`, so that moving it there is one step.
    ///
    /// # Errors
    /// Where something is in the output, or the project is in it, that is not to be replaced.
    pub(super) fn for_output(output: &Path, project: &Path) -> Result<Self, PrepareError> {
        let old = output.canonicalize().ok();
        let not_ours = |found: String| PrepareError::NotOurs { output: output.to_owned(), found };
        if let Some(old) = &old {
            if project.canonicalize().is_ok_and(|project| project.starts_with(old)) {
                return Err(not_ours(project.display().to_string()));
            }
            let there = fs::read_dir(old).map_err(|source| failed(old, source))?.flatten();
            let names = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
            if let Some(found) = names.filter(|name| !FOLDERS.contains(&name.as_str())).min() {
                return Err(not_ours(found));
            }
        }
        let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        let made = tempfile::Builder::new().prefix(".tmp-docent-").tempdir_in(parent);
        Ok(Self { folder: made.map_err(|source| failed(parent, source))?, old })
    }

    /// Writes `text` at `path` below the output.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), PrepareError> {
        let file = self.folder.path().join(path);
        let parent = file.parent().unwrap_or(self.folder.path());
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .map_err(|source| failed(Path::new(path), source))
    }

    /// Moves all that was written to `output`.
    pub(super) fn put_in_place(self, output: &Path) -> Result<(), PrepareError> {
        let in_output = |source| failed(output, source);
        if output.exists() {
            fs::remove_dir_all(output).map_err(in_output)?;
        }
        fs::rename(self.folder.keep(), output).map_err(in_output)
    }
}

/// What can be read of the files below `root` that are wanted, in the order of their paths; and how
/// many others of these were left out.
pub(super) fn read_all(
    root: &Path,
    without: Option<&Path>,
    is_wanted: &dyn Fn(&SourcePath) -> bool,
) -> Result<(Vec<(SourceFile, String)>, usize), PrepareError> {
    if !root.is_dir() {
        return Ok((Vec::new(), 0));
    }
    let inventory = walk(root, &limits(), without, is_wanted)?;
    let mut skipped = inventory.skipped.iter().filter(|skip| skip.reason.kind() != "unsupported").count();
    let mut files = Vec::new();
    for file in inventory.files {
        let read = read_bytes(&file.location, limits().max_file_bytes);
        match read.and_then(|(bytes, _)| text_of(bytes)) {
            Ok(text) => files.push((file, text)),
            Err(_) => skipped += 1,
        }
    }
    Ok((files, skipped))
}

fn failed(path: &Path, source: std::io::Error) -> PrepareError {
    PrepareError::Write { path: path.to_owned(), source }
}
