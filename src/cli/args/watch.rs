//! What is typed for `docent watch`.

use std::path::PathBuf;

use clap::Args;

use crate::source::CollectionName;

/// `docent watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent watch                       what `docent.toml` says, else what was indexed before
  docent watch docs/                 a folder
  docent watch --quiet &             beside `docent serve`, which moves on by itself

It indexes once, then again whenever something changes, until it is stopped (Ctrl-C). While a folder
is gone, the index stays as it is. What has to be fetched is fetched at the start. What it prints is
what `docent index` prints. `docent serve --watch` does the same while it serves.")]
pub(in crate::cli) struct WatchArguments {
    /// Folders, files and other sources [default: those of docent.toml, else the ones indexed before]
    #[arg(value_name = "SOURCE")]
    pub(in crate::cli) sources: Vec<std::ffi::OsString>,

    /// File that declares the sources [default: docent.toml, where it is there and no SOURCE is given]
    #[arg(long, value_name = "FILE", conflicts_with = "sources")]
    pub(in crate::cli) config: Option<PathBuf>,

    /// Make these sources the collection NAME of the index, beside the others in it
    #[arg(long, value_name = "NAME", requires = "sources")]
    pub(in crate::cli) collection: Option<CollectionName>,
}
