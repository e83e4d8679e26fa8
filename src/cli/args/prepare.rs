//! What is typed for `docent prepare`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `docent prepare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent prepare                                   the project in this folder, into .docs/organized
  docent prepare git:https://example.com/sdk.git --output organized
  docent prepare --feed platform=https://example.com/changelog/rss.xml

Writes `docs/` (pages, with their original path in the front matter), `examples/` (grouped by folder,
each group with an index.json) and `changelogs/` (JSON: the newest 10 entries of each package, the
newest 25 of a feed). What was prepared there before is replaced. The result can be indexed, and served
with `docent serve --preset workos`.")]
pub(in crate::cli) struct PrepareArguments {
    /// The project: a folder, or git:URL#BRANCH
    #[arg(value_name = "PROJECT", default_value = ".")]
    pub(in crate::cli) project: OsString,

    /// Folder of pages in the project [default: docs, else packages/docs/content]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) docs: Option<PathBuf>,

    /// Folder of examples in the project
    #[arg(long, value_name = "DIR", default_value = "examples")]
    pub(in crate::cli) examples: PathBuf,

    /// Folder of packages in the project, each with a CHANGELOG.md
    #[arg(long, value_name = "DIR", default_value = "packages")]
    pub(in crate::cli) packages: PathBuf,

    /// A feed to keep as a changelog, under a name; may be given several times
    #[arg(long = "feed", value_name = "NAME=URL", value_parser = named_feed)]
    pub(in crate::cli) feeds: Vec<(String, String)>,

    /// Folder to write
    #[arg(long, short, value_name = "DIR", default_value = ".docs/organized")]
    pub(in crate::cli) output: PathBuf,
}

fn named_feed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() && !name.contains([':', '/', '\\']) => {
            Ok((name.to_owned(), url.to_owned()))
        }
        _ => Err("a feed is given as NAME=URL".to_owned()),
    }
}
