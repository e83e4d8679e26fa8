//! What is typed for `docent watch`.

use clap::Args;

use super::SourceArguments;

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
    #[command(flatten)]
    pub(in crate::cli) from: SourceArguments,
}
