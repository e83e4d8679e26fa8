//! `docent status`: what the index holds, how fresh it is, and what was left out.

use std::path::Path;

use serde::Serialize;

use super::indexed::describe_graph;
use crate::cli::args::StatusArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, Manifest};
use crate::source::DocumentKind;

#[derive(Serialize)]
struct Status<'a> {
    schema: u32,
    index: &'a Path,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: StatusArguments) -> Result<ExitStatus, Failure> {
    // Every byte is looked at: a status that says "fine" means it.
    let index = Index::open_whole(&settings.index)?;
    if arguments.json {
        render::json(&Status { schema: 1, index: &settings.index, manifest: index.manifest() })?;
    } else {
        render::text(&describe(&settings.index, index.manifest()))?;
    }
    Ok(ExitStatus::Success)
}

fn describe(folder: &Path, manifest: &Manifest) -> String {
    let roots: Vec<String> = manifest.declared().iter().map(ToString::to_string).collect();
    let skipped: Vec<String> = manifest
        .skipped
        .by_reason
        .iter()
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    let skipped = if skipped.is_empty() { "nothing".to_owned() } else { skipped.join(", ") };
    let counts = manifest.counts;
    let arithmetic =
        manifest.arithmetic.map(|kind| format!(", {} arithmetic", kind.as_str())).unwrap_or_default();
    let graph = manifest
        .graph
        .as_ref()
        .map_or("none: each question is compared with every chunk".into(), describe_graph);
    let collections: Vec<String> =
        manifest.collections.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    let collections = match collections.as_slice() {
        [] => String::new(),
        named => format!("collections {}\n", named.join(", ")),
    };
    format!(
        "index      {}\ngeneration {} (format {})\nindexed    {}\nsources    {}\n{collections}documents  {}\nchunks     {}\nmodel      {}{arithmetic}\ngraph      {graph}\nleft out   {skipped}\n",
        folder.display(),
        manifest.generation,
        manifest.format,
        manifest.indexed_at,
        roots.join(", "),
        documents(manifest),
        counts.chunks,
        manifest.model,
    )
}

/// How many there are, and of each kind where not all are documentation.
fn documents(manifest: &Manifest) -> String {
    let count = manifest.counts.documents;
    let of_kinds: Vec<String> =
        manifest.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if manifest.kinds.keys().all(|kind| *kind == DocumentKind::Docs) {
        return count.to_string();
    }
    format!("{count} ({})", of_kinds.join(", "))
}
