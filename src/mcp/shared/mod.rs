//! One resident process for many agents: each agent's own `docent serve --shared` only passes bytes
//! on, to a process that has the index and the model in memory, and that is started by whoever needs
//! it first and ends by itself.
//!
//! Nobody is left behind. The agent's process ends with its input; the one behind sees each
//! connection end, also where an agent was killed, and ends when it has been idle for a while. A lock
//! that the operating system lets go of tells whether one is there.

mod behind;
mod place;
mod relay;

use std::path::PathBuf;

pub use behind::serve_behind;
pub use place::Meeting;
pub use relay::relay_stdio;

/// Why the shared process cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// Neither the system nor the user has a place for sockets.
    #[error("there is no folder for the shared server's socket")]
    NoFolder,
    /// The folder or a file in it cannot be used.
    #[error("the shared server's `{}` cannot be used: {source}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Sockets have short names.
    #[error("the shared server's socket `{}` has too long a path", path.display())]
    LongPath {
        /// The path.
        path: PathBuf,
    },
    /// The process behind could not be started.
    #[error("the shared server cannot be started: {0}")]
    Start(#[source] std::io::Error),
    /// It was started, and does not answer.
    #[error("the shared server was started and does not answer at `{}`", path.display())]
    Silent {
        /// Its socket.
        path: PathBuf,
    },
    /// It ended while an agent was connected.
    #[error("the shared server has ended")]
    Gone,
}

impl SharedError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoFolder | Self::LongPath { .. } => {
                "set XDG_RUNTIME_DIR to a folder of yours with a short path, or leave --shared out".into()
            }
            Self::Folder { .. } => "check that the folder is yours, or leave --shared out".into(),
            Self::Start(_) | Self::Silent { .. } => {
                "run the same command without --shared: it says what is wrong".into()
            }
            Self::Gone => "start again; most clients do it by themselves".into(),
        }
    }
}
