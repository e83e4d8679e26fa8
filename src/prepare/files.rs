//! Reading and writing of files: the new content is made beside the old, and takes its place whole.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{PrepareError, limits};
use crate::source::{SourceFile, SourcePath, read_bytes, text_of, walk};

/// Names the files that were written beside it, a line each. Only what it names is ever replaced.
const LIST: &str = ".docent-prepared";

/// The folder in which the new content is made.
pub(super) struct Workshop {
    folder: tempfile::TempDir,
    /// The output in its canonical form, where it is there already: no source.
    pub(super) old: Option<PathBuf>,
    /// What was written so far, by its path below the output.
    written: RefCell<BTreeSet<String>>,
}

impl Workshop {
    /// Beside `output`, so that moving it there is one step.
    ///
    /// # Errors
    /// Where something is in the output, or the project or the working folder is in it, that is not to be replaced.
    pub(super) fn for_output(output: &Path, project: &Path) -> Result<Self, PrepareError> {
        let old = output.canonicalize().ok();
        if let Some(old) = &old {
            let found = in_use(old, project).or(foreign(old)?);
            if let Some(found) = found {
                return Err(PrepareError::NotOurs { output: output.to_owned(), found });
            }
        }
        let place = old.as_deref().unwrap_or(output);
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        let folder = beside(parent).map_err(|source| failed(parent, source))?;
        Ok(Self { folder, old, written: RefCell::default() })
    }

    /// Writes `text` at `path` below the output.
    ///
    /// # Errors
    /// Also where something is there already: of two sources that would become one file, none is lost.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), PrepareError> {
        if !self.written.borrow_mut().insert(path.to_owned()) {
            return Err(PrepareError::Twice { path: path.to_owned() });
        }
        let file = self.folder.path().join(path);
        let parent = file.parent().unwrap_or(self.folder.path());
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .map_err(|source| failed(Path::new(path), source))
    }

    /// Moves all that was written to `output`. The old content is there until then, and comes back where that fails.
    pub(super) fn put_in_place(self, output: &Path) -> Result<(), PrepareError> {
        let in_output = |source| failed(output, source);
        let list: Vec<String> = self.written.take().into_iter().collect();
        fs::write(self.folder.path().join(LIST), list.join("\n")).map_err(in_output)?;
        let Some(old) = &self.old else {
            return fs::rename(self.folder.keep(), output).map_err(in_output);
        };
        let aside = beside(old.parent().unwrap_or(Path::new("/"))).map_err(in_output)?;
        let kept = aside.path().join("old");
        fs::rename(old, &kept).map_err(in_output)?;
        fs::rename(self.folder.keep(), old).map_err(|source| {
            if fs::rename(&kept, old).is_err() {
                // Better in a place with an odd name than nowhere.
                let _ = aside.keep();
            }
            in_output(source)
        })
    }
}

fn beside(parent: &Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(".tmp-docent-").tempdir_in(parent)
}

/// The project or the working folder, where it is `old` or in it.
fn in_use(old: &Path, project: &Path) -> Option<String> {
    let working = std::env::current_dir().unwrap_or_default();
    let is_in = |folder: &&Path| folder.canonicalize().is_ok_and(|folder| folder.starts_with(old));
    [project, &working].into_iter().find(is_in).map(|folder| folder.display().to_string())
}

/// The first of what is in `old` that docent does not say that it has written there.
fn foreign(old: &Path) -> Result<Option<String>, PrepareError> {
    let list = fs::read_to_string(old.join(LIST)).unwrap_or_default();
    let ours: BTreeSet<&str> = list.lines().collect();
    let mut folders = VecDeque::from([PathBuf::new()]);
    while let Some(folder) = folders.pop_front() {
        let place = old.join(&folder);
        let entries = fs::read_dir(&place).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(|source| failed(&place, source))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().replace('\\', "/");
            // A link is never ours, wherever it leads.
            if entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
                folders.push_back(path);
            } else if name != LIST && !ours.contains(name.as_str()) {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
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

fn failed(path: &Path, source: io::Error) -> PrepareError {
    PrepareError::Write { path: path.to_owned(), source }
}
