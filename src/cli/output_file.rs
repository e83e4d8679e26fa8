//! Files that the user asked for by name, reports and runs, and files of other programs that the
//! user asked to have changed.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// Writes `text` to the file at `path`, in place of what was there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| Failure::Unwritable { path: path.to_owned(), source })
}

/// Makes a folder for such files, and those above it.
pub(super) fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|source| Failure::Unwritable { path: path.to_owned(), source })
}

/// Removes a file of an earlier run, where there is one.
pub(super) fn forget(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Unwritable { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
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

/// A file that was put in place of another one.
pub(super) struct Replaced {
    /// Where what was there is kept, if there was anything.
    pub(super) backup: Option<PathBuf>,
}

/// Puts `text` in place of the file at `path`, whole or not at all, and keeps what was there beside
/// it. Links are followed, permissions kept, missing folders made.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<Replaced> {
    // Somebody's configuration may be a link into a repository of their own.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let backup = if path.exists() { Some(back_up(&path)?) } else { None };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(mode);
    let mut file = builder.prefix(".docent-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if backup.is_some() {
        file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(Replaced { backup })
}

/// Copies a file to the first free name of `FILE.bak-1`, `FILE.bak-2`, ...
fn back_up(path: &Path) -> io::Result<PathBuf> {
    let content = std::fs::read(path)?;
    for number in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".bak-{number}"));
        let backup = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&backup) {
            Ok(mut file) => {
                // Before its content: what was private stays so.
                file.set_permissions(std::fs::metadata(path)?.permissions())?;
                file.write_all(&content)?;
                file.sync_all()?;
                return Ok(backup);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
