//! Where agents and the one process behind them meet: a socket and a lock in a folder of the user.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::SharedError;

/// The longest path of a socket that every system takes.
const LONGEST_SOCKET: usize = 100;

/// One meeting place: everybody who names the same things comes to the same one.
#[derive(Debug, Clone)]
pub struct Meeting {
    socket: PathBuf,
    lock: PathBuf,
}

/// Held by the process behind for as long as it lives. The operating system lets go of it when that
/// process dies, however it dies.
pub(super) struct Held {
    _lock: File,
}

impl Meeting {
    /// The place for what these words describe: the program, the index, the model, the tools.
    ///
    /// # Errors
    /// Where the user has no folder for it, or not one of their own.
    pub fn new(words: &[&str]) -> Result<Self, SharedError> {
        let mut hasher = blake3::Hasher::new();
        for word in words {
            hasher.update(&(word.len() as u64).to_le_bytes());
            hasher.update(word.as_bytes());
        }
        let name = hasher.finalize().to_hex()[..16].to_owned();
        let folder = folder()?;
        let socket = folder.join(format!("{name}.sock"));
        if socket.as_os_str().len() > LONGEST_SOCKET {
            return Err(SharedError::LongPath { path: socket });
        }
        private(&folder).map_err(|source| SharedError::Folder { path: folder.clone(), source })?;
        Ok(Self { socket, lock: folder.join(format!("{name}.lock")) })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Takes the place, if nobody has it.
    pub(super) fn take(&self) -> Result<Option<Held>, SharedError> {
        let failed = |source| SharedError::Folder { path: self.lock.clone(), source };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&self.lock);
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Takes the socket away: nobody comes any more. Only for the one who has the place.
    pub(super) fn close(&self, _held: &Held) {
        // Whatever is left is taken away by the next one.
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// For sockets, where the system has a place for them, else in the user's cache.
fn folder() -> Result<PathBuf, SharedError> {
    let variable = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir())
    };
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let base = variable("XDG_RUNTIME_DIR").or_else(cache).ok_or(SharedError::NoFolder)?;
    Ok(base.join("docent"))
}

/// Makes a folder that is nobody else's: whoever can open the socket can read the documents.
fn private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
