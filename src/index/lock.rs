//! One writer at a time: an OS lock on a file that also says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Held for as long as it lives; the operating system gives it up when the process ends, however
/// it ends, so that a crash leaves nothing to clean up.
#[derive(Debug)]
pub struct WriterLock {
    _file: File,
}

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is writing.
    #[error("another docent is writing to `{}`{holder}", folder.display())]
    Held {
        /// The index folder.
        folder: PathBuf,
        /// Who holds it, as a clause with its own leading space, or empty.
        holder: String,
    },
    /// The lock file cannot be opened or locked.
    #[error("`{}` cannot be locked: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl LockError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Held { .. } => "wait for it to end, or write to another folder with --index DIR".into(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                "make room on the disk, or put the index elsewhere with --index DIR; the index that was there is untouched".into()
            }
            Self::Io { .. } => "check the permissions of the index folder".into(),
        }
    }
}

impl WriterLock {
    /// Takes the lock of the index in `folder`, or fails at once.
    ///
    /// # Errors
    /// Where it is held by another process, or the file cannot be made.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("writer.lock");
        let io_error = |source| LockError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let claim = || -> std::io::Result<()> {
            let mut claimed = &file;
            file.set_len(0)?;
            write!(claimed, "{} {now}", std::process::id())
        };
        claim().map_err(io_error)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(64).read_to_string(&mut text));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|word| word.parse::<u32>().ok());
    let since = words.next().and_then(|word| word.parse::<u64>().ok());
    match (read, pid, since) {
        (Ok(_), Some(pid), Some(since)) => {
            format!(" (process {pid}, for {} seconds)", now.saturating_sub(since))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let first = WriterLock::acquire(folder.path()).unwrap();
        let error = WriterLock::acquire(folder.path()).unwrap_err();
        let expected = format!("(process {}, for ", std::process::id());
        assert!(error.to_string().contains(&expected), "{error}");
        drop(first);
        WriterLock::acquire(folder.path()).unwrap();
    }
}
