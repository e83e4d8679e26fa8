//! What can go wrong when an index is opened or built, and the command that mends it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{GraphError, LockError};
use crate::embedding::EmbedError;
use crate::source::SourceError;

/// An index that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no index in the folder.
    #[error("no index in `{}`", folder.display())]
    Missing {
        /// Where one was looked for.
        folder: PathBuf,
    },
    /// Written by a newer or a much older docent.
    #[error("the index in `{}` has format {found}; this docent reads {oldest} to {newest}", folder.display())]
    Format {
        /// The index.
        folder: PathBuf,
        /// Its format.
        found: u32,
        /// The oldest readable one.
        oldest: u32,
        /// The newest readable one.
        newest: u32,
    },
    /// Its vectors are of another model than the one in use.
    #[error("the index in `{}` was made by the model {index}, not by {wanted}", folder.display())]
    OtherModel {
        /// The index.
        folder: PathBuf,
        /// The model that made it.
        index: String,
        /// The model in use.
        wanted: String,
    },
    /// A file is damaged, cut, or belongs to another generation.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl OpenError {
    /// A damaged file.
    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX".into()
            }
            Self::Format { found, newest, .. } if found > newest => {
                "use the docent that wrote it, or build it anew: `docent index PATH`".into()
            }
            Self::OtherModel { .. } => {
                "leave --model out to use the index's own model, or build the index anew: `docent index --model NAME`".into()
            }
            Self::Unreadable { source, .. } if source.kind() == ErrorKind::NotADirectory => {
                "name the folder of an index with --index DIR or DOCENT_INDEX".into()
            }
            Self::Unreadable { source, .. } if source.kind() != ErrorKind::NotFound => {
                "check the permissions of the index folder".into()
            }
            Self::Format { .. } | Self::Damaged { .. } | Self::Unreadable { .. } => {
                "build it anew: `docent index PATH`".into()
            }
        }
    }
}

const MEGABYTE: u64 = 1_000_000;

/// A build that did not finish. The generation before it, if there was one, is untouched.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The source cannot be walked, or holds nothing.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// Somebody else is writing.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The graph could not be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A file could not be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// What is kept of the chunks in memory is more than allowed.
    #[error(
        "what has to be in memory of {chunks} chunks{} takes {} MB, and the limit leaves {} MB for it",
        if *with_graph { " and the graph over them" } else { "" }, needed.div_ceil(MEGABYTE), allowed / MEGABYTE
    )]
    Memory {
        /// Number of chunks.
        chunks: usize,
        /// Bytes that they take.
        needed: u64,
        /// Bytes that there are for them.
        allowed: u64,
        /// Whether a graph is built over them.
        with_graph: bool,
    },
    /// Another docent has declared other sources since the roots were chosen.
    #[error("the sources of `{}` were changed by another docent meanwhile", folder.display())]
    Overtaken {
        /// The index.
        folder: PathBuf,
    },
    /// The folder for the index holds something else.
    #[error("`{}` is not empty and holds no docent index", folder.display())]
    NotAnIndex {
        /// The folder.
        folder: PathBuf,
    },
    /// What was written does not read back.
    #[error("the new generation does not open: {0}")]
    Verify(#[source] Box<OpenError>),
}

impl BuildError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Source(error) => error.hint(),
            Self::Embed(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Graph(error) => error.hint(),
            Self::Overtaken { .. } => "run the command again: it will start from what the index holds now".into(),
            Self::Write { source, .. }
                if matches!(source.kind(), ErrorKind::NotADirectory | ErrorKind::AlreadyExists) =>
            {
                "a file is where the index folder should be: name another folder with --index DIR".into()
            }
            Self::Write { source, .. }
                if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                "make room on the disk, or put the index elsewhere with --index DIR; the index that was there is untouched".into()
            }
            Self::Write { .. } => {
                "check permissions and free space, or put the index elsewhere with --index DIR; the index that was there is untouched".into()
            }
            Self::Memory { needed, allowed, with_graph, .. } => {
                let more = (needed - allowed).div_ceil(MEGABYTE);
                let without = if *with_graph { ", or leave the graph out with a larger --graph-from" } else { "" };
                format!("allow {more} MB more with --max-memory{without}")
            }
            Self::NotAnIndex { .. } => "name an empty or new folder with --index DIR".into(),
            Self::Verify(error) => error.hint(),
        }
    }
}
