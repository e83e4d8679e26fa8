//! `docent status`: what the index holds, how fresh it is, and what was left out.

use std::path::Path;

use serde::Serialize;

use super::index::describe_graph;
use crate::cli::args::StatusArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, Manifest};

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
    let names: Vec<String> = manifest.collections().iter().map(ToString::to_string).collect();
    let collections =
        if names.is_empty() { String::new() } else { format!("collections {}\n", names.join(", ")) };
    format!(
        "index      {}\ngeneration {} (format {})\nindexed    {}\nsources    {}\n{collections}documents  {}\nchunks     {}\nmodel      {}{arithmetic}\ngraph      {graph}\nleft out   {skipped}\n",
        folder.display(),
        manifest.generation,
        manifest.format,
        manifest.indexed_at,
        roots.join(", "),
        counts.documents,
        counts.chunks,
        manifest.model,
    )
}
