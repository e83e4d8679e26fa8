//! What goes wrong while a source is fetched.

use std::io;
use std::path::PathBuf;

/// Why a source could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The program that fetches it is not there.
    #[error("`{program}` is not installed, and fetches {purpose}")]
    NoProgram {
        /// What was called.
        program: String,
        /// What for.
        purpose: String,
    },
    /// It ended with an error.
    #[error("{purpose} could not be fetched with `{program}`: {output}")]
    Program {
        /// What was called.
        program: String,
        /// What for.
        purpose: String,
        /// Its last lines.
        output: String,
    },
    /// The server could not be reached, or answered with an error.
    #[error("`{url}` could not be fetched: {reason}")]
    Http {
        /// What was asked for, without passwords.
        url: String,
        /// What happened.
        reason: String,
    },
    /// What came is no feed.
    #[error("`{url}` is no RSS or Atom feed: {reason}")]
    NoFeed {
        /// Where it came from.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// An archive that cannot be unpacked.
    #[error("{purpose} cannot be unpacked: {reason}")]
    Archive {
        /// What was fetched.
        purpose: String,
        /// What is wrong.
        reason: String,
    },
    /// A package that brings no documents.
    #[error("{purpose} holds no documentation, examples or changelog")]
    NoDocuments {
        /// The package.
        purpose: String,
    },
    /// The source does not have the folder that was named.
    #[error("{source_name} has no folder `{}`", folder.display())]
    NoFolder {
        /// The source.
        source_name: String,
        /// What was looked for.
        folder: PathBuf,
    },
    /// A file that was given as a source cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The cache cannot be written.
    #[error("`{}` cannot be read or written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl FetchError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoProgram { program, .. } => {
                format!("install `{program}`, or index a folder that is there already")
            }
            Self::Program { .. } => "check the name, the version or branch, and the network".into(),
            Self::Http { .. } => "check the address and the network; a file can be given in its place".into(),
            Self::NoFeed { .. } => {
                "give the address of the feed itself, not of the page that links to it".into()
            }
            Self::Archive { .. } => "fetch and unpack it yourself, and index the folder".into(),
            Self::NoDocuments { .. } => {
                "index the project's repository instead: `docent index git:URL`".into()
            }
            Self::NoFolder { .. } => {
                "check the spelling of the folder in docent.toml; a link that leads out of the source is none"
                    .into()
            }
            Self::Unreadable { .. } => "check the spelling and the permissions".into(),
            Self::Write { .. } => {
                "check the permissions, or name another cache folder in DOCENT_CACHE".into()
            }
        }
    }
}
