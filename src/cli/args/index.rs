//! What is typed for `docent index`.

use clap::Args;

use super::SourceArguments;
use crate::source::CollectionName;

/// `docent index`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent index docs/                 a folder
  docent index docs/ examples/ a.md  several: their names come first in the documents' paths
  docent index package:npm:@workos/mcp-docs-server@0.1.0
  docent index git:https://example.com/handbook.git#main feed:https://example.com/rss.xml
  docent index                       what `docent.toml` says, else what was indexed before, again
  docent index --collection api api/ these beside the others, as a collection of their own
  docent index --prune               the same, without folders that are gone, and tidied up
  docent index docs/ --dry-run       only say what would change

Sources: PATH, git:URL#BRANCH, package:npm:NAME@VERSION (or pypi, crates), feed:URL, changelog:PATH,
examples:PATH.

The index then holds exactly these documents, and its collections that have a name. What did not
change is not embedded again. Markdown, MDX, HTML, reStructuredText, plain text, notebooks, Word,
PDF, JSON changelogs and source code are read; `.gitignore`, `.ignore` and `.docentignore` are
honoured; keys and `.env` files are never indexed.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that is typed")]
pub(in crate::cli) struct IndexArguments {
    #[command(flatten)]
    pub(in crate::cli) from: SourceArguments,

    /// Take the collection NAME out of the index
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sources", "collection", "config"])]
    pub(in crate::cli) drop_collection: Option<CollectionName>,

    /// Skip files larger than this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = crate::source::Limits::default().max_file_bytes)]
    pub(in crate::cli) max_file_size: u64,

    /// Stay within this much memory, such as 150MB: on fewer threads, or not at all [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::memory::size, conflicts_with = "dry_run")]
    pub(in crate::cli) max_memory: Option<u64>,

    /// Read every file, also those whose size and time have not changed
    #[arg(long)]
    pub(in crate::cli) checksum: bool,

    /// Forget folders and files that are gone, and remove what is kept to speed up later builds
    #[arg(long)]
    pub(in crate::cli) prune: bool,

    /// Only say what would be added, changed, renamed, removed and left out; write nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,

    /// Print what was done, or what a dry run finds, as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Number of passages from which the index has a graph for approximate search
    #[arg(long, value_name = "N", default_value_t = crate::index::GraphSettings::default().from, hide_short_help = true)]
    pub(in crate::cli) graph_from: usize,

    /// How many passages a search of the graph keeps; more finds more and takes longer
    #[arg(long, value_name = "N", default_value_t = crate::index::GraphSettings::default().ef_search as u32, value_parser = clap::value_parser!(u32).range(10..=1_000_000), hide_short_help = true)]
    pub(in crate::cli) ef_search: u32,
}
