//! How the program ends.

use std::process::ExitCode;

/// What the exit status says, as grep has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExitStatus {
    /// Found, or done.
    Success,
    /// The question has no answer here.
    NothingFound,
    /// A measure fell below its baseline; stderr says which.
    Regressed,
    /// Something went wrong; stderr says what.
    Error,
    /// Stopped by Ctrl-C, with whole records: 128 + SIGINT, as shells have it.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::NothingFound | ExitStatus::Regressed => 1,
            ExitStatus::Error => 2,
            ExitStatus::Interrupted => 130,
        })
    }
}
