//! `docent index`: documents in, one new generation out.

use std::sync::Arc;
use std::time::Instant;

use crate::chunking::ChunkSettings;
use crate::cli::args::IndexArguments;
use crate::cli::commands::roots;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::embedding::catalog::ModelSpec;
use crate::index::{BuildReport, IndexBuilder, Manifest, Outcome, Root, Survey, prune, read_manifest};
use crate::progress::Progress;
use crate::source::{Limits, Skip};

/// Files left out that are named one by one; `docent status --json` names more.
const NAMED_SKIPS: usize = 10;

pub(in crate::cli) fn run(settings: &Settings, arguments: IndexArguments) -> Result<ExitStatus, Failure> {
    let limits = Limits { max_file_bytes: arguments.max_file_size, ..Limits::default() };
    let mut roots = roots::wanted(settings, arguments.paths, arguments.collection.as_ref())?;
    if let Some(name) = arguments.drop_collection {
        roots = roots::without_collection(settings, roots, &name)?;
    }
    if arguments.prune {
        roots = roots::without_gone(settings, roots);
    }
    build(settings, Sources { roots, limits, trust_times: !arguments.checksum })?;
    if arguments.prune {
        prune(&settings.index)?;
    }
    Ok(ExitStatus::Success)
}

/// What to index, and how closely to look.
pub(in crate::cli) struct Sources {
    pub(in crate::cli) roots: Vec<Root>,
    pub(in crate::cli) limits: Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub(in crate::cli) trust_times: bool,
}

impl Sources {
    /// These, looked at in the common way.
    pub(in crate::cli) fn of(roots: Vec<Root>) -> Self {
        Self { roots, limits: Limits::default(), trust_times: true }
    }
}

/// Builds the index and tells on stderr what was done.
pub(in crate::cli) fn build(settings: &Settings, sources: Sources) -> Result<BuildReport, Failure> {
    let started = Instant::now();
    let existing = read_manifest(&settings.index).ok();
    let report = build_with(settings, sources, &mut None)?;
    tell(settings, &report, existing.as_ref(), started);
    Ok(report)
}

/// Builds the index with the model in `loaded`, which is loaded when it is needed first.
pub(super) fn build_with(
    settings: &Settings,
    sources: Sources,
    loaded: &mut Option<Arc<dyn Embedder>>,
) -> Result<BuildReport, Failure> {
    let roots = sources.roots;
    roots::ensure_exist(roots.iter().map(|root| &root.path))?;
    // An index that cannot be read is replaced; the builder says so.
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let survey = Survey {
        folder: &settings.index,
        roots: &roots,
        limits: &sources.limits,
        trust_times: sources.trust_times,
    };
    if let Some(report) = unchanged(settings, spec, existing.as_ref(), &survey)? {
        return Ok(report);
    }
    let embedder = match loaded {
        Some(embedder) if embedder.identity().name == spec.name => Arc::clone(embedder),
        _ => model::load(settings, spec, Purpose::Indexing)?,
    };
    *loaded = Some(Arc::clone(&embedder));
    let builder = IndexBuilder {
        folder: settings.index.clone(),
        roots: roots.clone(),
        limits: sources.limits,
        trust_times: sources.trust_times,
        chunking: ChunkSettings::for_encoder(embedder.max_passage_tokens()),
        embedder: embedder.as_ref(),
        progress: &settings.progress,
    };
    Ok(builder.build()?)
}

/// A report where there is nothing to do, found out without loading the model.
fn unchanged(
    settings: &Settings,
    spec: &ModelSpec,
    existing: Option<&Manifest>,
    survey: &Survey<'_>,
) -> Result<Option<BuildReport>, Failure> {
    let Some(manifest) = existing else { return Ok(None) };
    // What else the sizes are made of does not change while the model stays the same.
    let sizes = ChunkSettings::for_encoder(manifest.chunking.max_tokens);
    match model::identity(settings, spec)? {
        Some(identity) => Ok(survey.unchanged(&identity, &sizes)?),
        None => Ok(None),
    }
}

/// Whether other folders have taken the place of those that were indexed before. Collections are made
/// and dropped by name: nobody needs to be told of them.
fn is_replaced(before: &Manifest, now: &Manifest) -> bool {
    let collections = before.collections.is_empty() && now.collections.is_empty();
    collections && before.roots != now.roots
}

pub(super) fn tell(settings: &Settings, report: &BuildReport, before: Option<&Manifest>, started: Instant) {
    let note = |text: &str| settings.progress.note(text);
    if let Some(before) = before.filter(|before| is_replaced(before, &report.manifest)) {
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
