//! Which sources are meant, for the commands that index.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::source::CollectionName;

/// Sources by their names, or those that are declared, or known already.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct SourceArguments {
    /// Folders, files and other sources [default: those of docent.toml, else the ones indexed before]
    #[arg(value_name = "SOURCE")]
    pub(in crate::cli) sources: Vec<OsString>,

    /// File that declares the sources [default: docent.toml, where it is there and no SOURCE is given]
    #[arg(long, value_name = "FILE", conflicts_with = "sources")]
    pub(in crate::cli) config: Option<PathBuf>,

    /// Make these sources the collection NAME of the index, beside the others in it
    #[arg(long, value_name = "NAME", requires = "sources")]
    pub(in crate::cli) collection: Option<CollectionName>,

    /// Whether a docent.toml that happens to be there is passed over.
    #[arg(skip)]
    pub(in crate::cli) ignores_declaration: bool,
}
