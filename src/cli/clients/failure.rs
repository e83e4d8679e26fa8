//! Why a client's configuration is left alone.

use std::path::PathBuf;

use super::Client;

/// A file that cannot be changed with certainty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum EditError {
    #[error("it is broken: {reason}")]
    Broken { reason: String },
    #[error("`{key}` in it is not {expected}")]
    Shape { key: String, expected: &'static str },
    #[error("it has a server `{name}` already, which is reached by URL")]
    OtherKind { name: String },
    #[error("a change would touch more than the server `{name}`")]
    Unsafe { name: String },
}

/// A client's configuration that was not changed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ClientError {
    #[error("where {} keeps its configuration is not known: {variable} is not set", client.title())]
    NoHome { client: Client, variable: &'static str },
    #[error("{} has no configuration for a project", client.title())]
    NoProject { client: Client },
    #[error("`{}` cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` was left as it is: {source}", path.display())]
    Edit { path: PathBuf, source: EditError },
    #[error("`{}` was changed by another program meanwhile, and was left as it is", path.display())]
    Raced { path: PathBuf },
    #[error("`{}` cannot be replaced: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

impl ClientError {
    /// The next thing to do.
    pub(in crate::cli) fn hint(&self) -> String {
        match self {
            Self::NoHome { .. } => "name the file: --config FILE".into(),
            Self::NoProject { .. } => "leave --project out: its configuration is for all projects".into(),
            Self::Read { .. } => "check that it is a UTF-8 text file that you may read".into(),
            Self::Edit { source: EditError::OtherKind { .. }, .. } => {
                "choose another name: --name NAME".into()
            }
            Self::Edit { source: EditError::Broken { .. } | EditError::Shape { .. }, .. } => {
                "mend it, or put the entry in by hand: `docent quickstart` prints it".into()
            }
            Self::Edit { source: EditError::Unsafe { .. }, .. } => {
                "look for a key that is there twice, or put the entry in by hand".into()
            }
            Self::Raced { .. } => "run the command again".into(),
            Self::Write { .. } => "check that you may write to its folder, and that the disk has room".into(),
        }
    }
}
