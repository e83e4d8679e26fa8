//! One writer at a time: an OS lock on a file that also says who holds it.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::storage;

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
        let mut file = storage::open_kept(&path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let claim = format!("{} {now}", std::process::id());
        storage::overwrite(&file, claim.as_bytes()).map_err(io_error)?;
        Ok(Self { _file: file })
    }
}

/// Who is writing to the index in `folder`, as "process 7, for 3 seconds"; `None` where nobody is, or
/// nobody can tell.
#[must_use]
pub fn writer_of(folder: &Path) -> Option<String> {
    let mut file = File::open(folder.join("writer.lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder(&mut file).trim_matches([' ', '(', ')']).to_owned()),
        _ => None,
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
        assert!(writer_of(folder.path()).unwrap().starts_with(&expected[1..]));
        drop(first);
        assert_eq!(writer_of(folder.path()), None);
        WriterLock::acquire(folder.path()).unwrap();
    }
}
