//! Files that were left out, and why: counted and named, never silently lost.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One file or folder that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// Its path under the root, or as given where it has none.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a file was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SkipReason {
    /// No parser for this kind of file.
    Unsupported {
        /// The extension, without its dot; empty where the name has none.
        extension: String,
    },
    /// Larger than the limit.
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The limit in force.
        limit: u64,
    },
    /// More levels under the root than the limit allows: a file, or a folder with all in it.
    TooDeep {
        /// The limit in force.
        limit: usize,
    },
    /// A zero byte near its beginning: not text.
    Binary,
    /// Text, but not in UTF-8 (or UTF-16 with a byte-order mark).
    NotUtf8 {
        /// Offset of the first byte that does not fit.
        offset: u64,
    },
    /// It could not be read.
    Unreadable {
        /// What the operating system said.
        message: String,
    },
    /// A symbolic link that leads out of the root, nowhere, or back to a folder above.
    Symlink {
        /// What is wrong with it.
        message: String,
    },
    /// A name that is made for secrets: `.env`, private keys.
    Secret,
    /// Nothing in it but white space.
    Empty,
}

impl Skip {
    /// Whether it may be a folder, whose name says nothing of the documents in it.
    #[must_use]
    pub fn may_be_a_folder(&self) -> bool {
        let has_no_ending = Path::new(&self.path).extension().is_none();
        match self.reason {
            SkipReason::TooDeep { .. } => true,
            SkipReason::Symlink { .. } | SkipReason::Unreadable { .. } => has_no_ending,
            _ => false,
        }
    }
}

impl SkipReason {
    /// Of a link to what is not below the root.
    pub(super) fn leads_out() -> Self {
        Self::Symlink { message: "leads out of the indexed folder".into() }
    }

    /// A stable word for counting: `too_large`, `binary`...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "unsupported",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::Binary => "binary",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::Unreadable { .. } => "unreadable",
            Self::Symlink { .. } => "symlink",
            Self::Secret => "secret",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { extension } if extension.is_empty() => {
                formatter.write_str("no parser for a file without an extension")
            }
            Self::Unsupported { extension } => write!(formatter, "no parser for `.{extension}` files"),
            Self::TooLarge { bytes, limit } => {
                write!(formatter, "{bytes} bytes is over the limit of {limit} bytes (--max-file-size)")
            }
            Self::TooDeep { limit } => write!(formatter, "more than {limit} folders deep"),
            Self::Binary => formatter.write_str("binary, not text"),
            Self::NotUtf8 { offset } => write!(formatter, "not UTF-8 text (first bad byte at {offset})"),
            Self::Unreadable { message } => write!(formatter, "cannot be read: {message}"),
            Self::Symlink { message } => write!(formatter, "symbolic link {message}"),
            Self::Secret => {
                formatter.write_str("looks like a secret (keys and `.env` files are never indexed)")
            }
            Self::Empty => formatter.write_str("empty"),
        }
    }
}
