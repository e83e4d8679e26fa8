//! Where documents come from.
//!
//! A source is walked once into an [`Inventory`]: the files that can be read, and the ones that
//! were left out, each with its reason. Nothing here looks inside a document; that is `parse`.

mod collection;
mod containment;
mod corpus;
mod directory;
mod globs;
mod kind;
mod language;
mod path;
mod read;
mod skip;
mod spec;
mod walker;
mod watch;

pub use collection::{CollectionName, InvalidCollectionName};
pub use corpus::{Record, id_of_path, is_corpus, path_of_id};
pub use directory::{Inventory, SourceError, SourceFile, modified_ns, walk};
pub use globs::{Globs, InvalidGlob};
pub use kind::{DocumentKind, InvalidKind};
pub use language::{InvalidLanguage, Language};
pub use path::{InvalidSourcePath, SourcePath};
pub use read::{FileText, read_bytes, text_of};
pub use skip::{Skip, SkipReason};
pub use spec::{InvalidSource, Origin, Registry, SourceSpec, without_password};
pub use watch::SourceWatch;

/// How much of a source is taken in.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Files larger than this many bytes are skipped.
    pub max_file_bytes: u64,
    /// Folders deeper than this many levels under the root are skipped.
    pub max_depth: usize,
    /// Walking stops with an error beyond this many files.
    pub max_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_file_bytes: 16 << 20, max_depth: 64, max_files: 1_000_000 }
    }
}
