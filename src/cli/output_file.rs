//! Files that the user asked for by name: reports, runs, JSON.

use std::path::Path;

use super::failure::Failure;

/// Writes `text` to the file at `path`, in place of what was there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Unwritable { path: path.to_owned(), source })
}
