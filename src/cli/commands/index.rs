//! `docent index`: documents in, one new generation out.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::chunking::ChunkSettings;
use crate::cli::args::IndexArguments;
use crate::cli::declared;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::index::{BuildReport, IndexBuilder, Manifest, OpenError, Outcome, Root, read_manifest};
use crate::progress::Progress;
use crate::remote;
use crate::source::{Limits, Origin, Skip, SourceSpec};

/// Files left out that are named one by one; `docent status --json` names more.
const NAMED_SKIPS: usize = 10;

pub(in crate::cli) fn run(settings: &Settings, arguments: &IndexArguments) -> Result<ExitStatus, Failure> {
    let limits = Limits { max_file_bytes: arguments.max_file_size, ..Limits::default() };
    let sources = sources(settings, arguments)?;
    build_sources(settings, sources, limits)?;
    Ok(ExitStatus::Success)
}

/// What was typed, else what is declared, else what was indexed before.
fn sources(settings: &Settings, arguments: &IndexArguments) -> Result<Vec<SourceSpec>, Failure> {
    if !arguments.sources.is_empty() {
        return arguments.sources.iter().map(|text| source_of(text)).collect();
    }
    let default = Path::new(declared::FILE);
    match arguments.config.as_deref().or_else(|| default.is_file().then_some(default)) {
        Some(file) => Ok(declared::read(file)?),
        None => indexed_before(settings),
    }
}

/// What is there under this name is meant, whatever it looks like.
fn source_of(text: &OsStr) -> Result<SourceSpec, Failure> {
    match text.to_str().filter(|_| !Path::new(text).exists()) {
        Some(text) => Ok(text.parse()?),
        None => Ok(SourceSpec::directory(text.into())),
    }
}

/// Builds the index of folders and files and tells on stderr what was done.
pub(in crate::cli) fn build(
    settings: &Settings,
    paths: Vec<PathBuf>,
    limits: Limits,
) -> Result<BuildReport, Failure> {
    build_sources(settings, paths.into_iter().map(SourceSpec::directory).collect(), limits)
}

fn build_sources(
    settings: &Settings,
    sources: Vec<SourceSpec>,
    limits: Limits,
) -> Result<BuildReport, Failure> {
    let started = Instant::now();
    ensure_paths_exist(&sources.iter().filter_map(local_path).collect::<Vec<_>>())?;
    let roots = without_repeats(fetched(settings, sources)?);
    // An index that cannot be read is replaced; the builder says so.
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let embedder = model::load(settings, spec, Purpose::Indexing)?;
    let report = IndexBuilder {
        folder: settings.index.clone(),
        roots,
        limits,
        chunking: ChunkSettings::for_encoder(embedder.max_passage_tokens()),
        embedder: embedder.as_ref(),
        progress: &settings.progress,
    }
    .build()?;
    tell(settings, &report, existing.as_ref(), started);
    Ok(report)
}

/// What the index that is there was made of.
fn indexed_before(settings: &Settings) -> Result<Vec<SourceSpec>, Failure> {
    match read_manifest(&settings.index) {
        Ok(manifest) => Ok(manifest.declared()),
        Err(OpenError::Missing { folder }) => Err(Failure::NothingToIndex { folder }),
        Err(error) => Err(error.into()),
    }
}

/// Brings what is elsewhere here, in the order of the sources.
fn fetched(settings: &Settings, sources: Vec<SourceSpec>) -> Result<Vec<Root>, Failure> {
    let fetch = |source: SourceSpec| {
        let source = remote::absolute(source);
        if !matches!(source.origin, Origin::Directory { .. }) {
            settings.progress.note(&format!("fetching {source}"));
        }
        let path = remote::fetch(&source, &settings.cache, &settings.progress)?;
        Ok(Root { path, source })
    };
    sources.into_iter().map(fetch).collect()
}

fn local_path(source: &SourceSpec) -> Option<PathBuf> {
    match &source.origin {
        Origin::Directory { path } => Some(path.clone()),
        _ => None,
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
fn without_repeats(mut roots: Vec<Root>) -> Vec<Root> {
    let mut seen = HashSet::new();
    let place = |root: &Root| root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
    // The same folder with other globs is another source.
    roots.retain(|root| seen.insert((place(root), root.source.include.clone())));
    roots
}

fn tell(settings: &Settings, report: &BuildReport, before: Option<&Manifest>, started: Instant) {
    let note = |text: &str| settings.progress.note(text);
    if let Some(before) = before.filter(|before| before.roots != report.manifest.roots) {
        let roots: Vec<String> = before.declared().iter().map(|source| format!("`{source}`")).collect();
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
