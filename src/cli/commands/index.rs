//! `docent index`: documents in, one new generation out.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use crate::chunking::ChunkSettings;
use crate::cli::args::IndexArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::index::{BuildReport, IndexBuilder, Manifest, OpenError, Outcome, Root, read_manifest};
use crate::progress::Progress;
use crate::retrieval::calibrate;
use crate::source::{Limits, Skip};

/// Files left out that are named one by one; `docent status --json` names more.
const NAMED_SKIPS: usize = 10;

pub(in crate::cli) fn run(settings: &Settings, arguments: IndexArguments) -> Result<ExitStatus, Failure> {
    let limits = Limits { max_file_bytes: arguments.max_file_size, ..Limits::default() };
    build(settings, arguments.paths, limits)?;
    Ok(ExitStatus::Success)
}

/// Builds the index and tells on stderr what was done.
pub(in crate::cli) fn build(
    settings: &Settings,
    paths: Vec<PathBuf>,
    limits: Limits,
) -> Result<BuildReport, Failure> {
    let started = Instant::now();
    let paths = if paths.is_empty() { indexed_before(settings)? } else { paths };
    ensure_paths_exist(&paths)?;
    let paths = without_repeats(paths);
    // An index that cannot be read is replaced; the builder says so.
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let embedder = model::load(settings, spec, Purpose::Indexing)?;
    let report = IndexBuilder {
        folder: settings.index.clone(),
        roots: paths.into_iter().map(Root::at).collect(),
        limits,
        chunking: ChunkSettings::for_encoder(embedder.max_passage_tokens()),
        embedder: embedder.as_ref(),
        calibrate: Some(&|index| calibrate(index, embedder.as_ref())),
        progress: &settings.progress,
    }
    .build()?;
    tell(settings, &report, existing.as_ref(), started);
    Ok(report)
}

/// What the index that is there was made of.
fn indexed_before(settings: &Settings) -> Result<Vec<PathBuf>, Failure> {
    match read_manifest(&settings.index) {
        Ok(manifest) => Ok(manifest.roots),
        Err(OpenError::Missing { folder }) => Err(Failure::NothingToIndex { folder }),
        Err(error) => Err(error.into()),
    }
}

/// A misspelt path should not wait for a model to load.
pub(super) fn ensure_paths_exist(paths: &[PathBuf]) -> Result<(), Failure> {
    match paths.iter().find(|path| !path.exists()) {
        Some(path) => {
            let error = crate::source::SourceError::NotFound { path: path.clone() };
            Err(crate::index::BuildError::Source(error).into())
        }
        None => Ok(()),
    }
}

/// One folder named twice is one folder.
fn without_repeats(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths
        .into_iter()
        .filter(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
        .collect()
}

fn tell(settings: &Settings, report: &BuildReport, before: Option<&Manifest>, started: Instant) {
    let note = |text: &str| settings.progress.note(text);
    if let Some(before) = before.filter(|before| before.roots != report.manifest.roots) {
        let roots: Vec<String> = before.roots.iter().map(|root| format!("`{}`", root.display())).collect();
        note(&format!("this index held {}; it now holds what you named, and only that", roots.join(", ")));
    }
    note(&skips(&report.skipped));
    let counts = report.manifest.counts;
    let holds = format!(
        "{}, {} in `{}`",
        counted(counts.documents, "document"),
        counted(counts.chunks, "chunk"),
        settings.index.display()
    );
    let generation = report.manifest.generation;
    let seconds = started.elapsed().as_secs_f64();
    match report.outcome {
        Outcome::Unchanged => note(&format!("up to date: {holds}, generation {generation} ({seconds:.1} s)")),
        Outcome::Built { embedded, reused } => note(&format!(
            "indexed {holds}, generation {generation}: {embedded} embedded, {reused} reused ({seconds:.1} s)"
        )),
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What was left out: the ones that may surprise by name, the others by number.
fn skips(skipped: &[Skip]) -> String {
    if skipped.is_empty() {
        return "nothing was left out".into();
    }
    let (unsupported, named): (Vec<&Skip>, Vec<&Skip>) =
        skipped.iter().partition(|skip| skip.reason.kind() == "unsupported");
    let mut lines = vec![format!("left out {}:", counted(skipped.len(), "file"))];
    lines.extend(named.iter().take(NAMED_SKIPS).map(|skip| format!("  {}: {}", skip.path, skip.reason)));
    if named.len() > NAMED_SKIPS {
        lines.push(format!("  and {} more (see `docent status --json`)", named.len() - NAMED_SKIPS));
    }
    if let Some(first) = unsupported.first() {
        lines.push(format!(
            "  {} of kinds that docent does not read, such as `{}`",
            unsupported.len(),
            first.path
        ));
    }
    lines.join("\n")
}
