//! Files that the user asked for by name: reports, runs, JSON.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use super::failure::Failure;

/// Writes `text` to the file at `path`, in place of what was there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Unwritable { path: path.to_owned(), source })
}

/// Opens the file at `path` for writing, with its first `kept` bytes in it.
pub(super) fn open(path: &Path, kept: u64) -> Result<File, Failure> {
    let unwritable = |source| Failure::Unwritable { path: path.to_owned(), source };
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(unwritable)?;
    // A pipe or a device has nothing to cut off, and no place to go to.
    if file.metadata().map_err(unwritable)?.is_file() {
        file.set_len(kept).map_err(unwritable)?;
        file.seek(SeekFrom::Start(kept)).map_err(unwritable)?;
    }
    Ok(file)
}
