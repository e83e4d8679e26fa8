//! `docent index`: documents in, one new generation out.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::{collections, plan};
use crate::chunking::ChunkSettings;
use crate::cli::args::{IndexArguments, SourceArguments};
use crate::cli::declared;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::embedding::catalog::ModelSpec;
use crate::index::{
    BuildReport, GraphSettings, GraphSummary, IndexBuilder, Manifest, OpenError, Outcome, Root, Survey,
    prune, read_manifest,
};
use crate::progress::Progress;
use crate::remote;
use crate::retrieval::calibrate;
use crate::source::{Limits, Origin, Skip, SourceSpec};

/// Files left out that are named one by one; `docent status --json` names more.
const NAMED_SKIPS: usize = 10;

pub(in crate::cli) fn run(settings: &Settings, arguments: &IndexArguments) -> Result<ExitStatus, Failure> {
    let limits = Limits { max_file_bytes: arguments.max_file_size, ..Limits::default() };
    let mut sources = if let Some(name) = &arguments.drop_collection {
        collections::without(settings, name)?
    } else {
        sources(settings, &arguments.from)?
    };
    if arguments.prune && arguments.from.sources.is_empty() {
        sources = without_gone(settings, sources);
    }
    let graph = GraphSettings {
        from: arguments.graph_from,
        ef_search: arguments.ef_search as usize,
        ..GraphSettings::default()
    };
    let sources = Sources { of: sources, limits, trust_times: !arguments.checksum, graph };
    if arguments.dry_run {
        return plan::run(settings, &sources, arguments.json);
    }
    build(settings, &sources)?;
    if arguments.prune {
        prune(&settings.index)?;
    }
    Ok(ExitStatus::Success)
}

/// What to index, and how closely to look.
pub(in crate::cli) struct Sources {
    pub(in crate::cli) of: Vec<SourceSpec>,
    pub(in crate::cli) limits: Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub(in crate::cli) trust_times: bool,
    /// When and how to build a graph.
    pub(in crate::cli) graph: GraphSettings,
}

impl Sources {
    /// These, looked at in the common way.
    pub(in crate::cli) fn of(sources: Vec<SourceSpec>) -> Self {
        Self { of: sources, limits: Limits::default(), trust_times: true, graph: GraphSettings::default() }
    }

    /// A look at them, found at `roots`, and at the index.
    pub(super) fn survey<'work>(
        &'work self,
        settings: &'work Settings,
        roots: &'work [Root],
    ) -> Survey<'work> {
        Survey {
            folder: &settings.index,
            roots,
            limits: &self.limits,
            trust_times: self.trust_times,
            calibrates: true,
            graph: self.graph,
        }
    }
}

/// What was typed, beside the other collections; else what is declared, else what was indexed before.
pub(super) fn sources(settings: &Settings, wanted: &SourceArguments) -> Result<Vec<SourceSpec>, Failure> {
    if !wanted.sources.is_empty() {
        let typed = wanted.sources.iter().map(|text| source_of(text)).collect::<Result<_, _>>()?;
        return Ok(collections::beside_the_others(settings, typed, wanted.collection.as_ref()));
    }
    match declaration(wanted) {
        Some(file) => Ok(declared::read(file)?),
        None => indexed_before(settings),
    }
}

/// The file that declares the sources; none where they are typed.
pub(super) fn declaration(wanted: &SourceArguments) -> Option<&Path> {
    let is_there = |file: &&Path| !wanted.ignores_declaration && file.is_file();
    let default = || Some(Path::new(declared::FILE)).filter(is_there);
    if wanted.sources.is_empty() { wanted.config.as_deref().or_else(default) } else { None }
}

/// What is there under this name is meant, whatever it looks like.
pub(super) fn source_of(text: &OsStr) -> Result<SourceSpec, Failure> {
    match text.to_str().filter(|_| !Path::new(text).exists()) {
        Some(text) => Ok(text.parse()?),
        None => Ok(SourceSpec::directory(text.into())),
    }
}

/// Builds the index and tells on stderr what was done.
pub(in crate::cli) fn build(settings: &Settings, sources: &Sources) -> Result<BuildReport, Failure> {
    let started = Instant::now();
    let roots = roots(settings, sources)?;
    let before = read_manifest(&settings.index).ok();
    let report = build_with(settings, sources, &roots, &mut None)?;
    tell(settings, &report, before.as_ref(), started);
    Ok(report)
}

/// Builds the index from what is at `roots`. The model is loaded into `loaded` when it is needed first.
pub(super) fn build_with(
    settings: &Settings,
    sources: &Sources,
    roots: &[Root],
    loaded: &mut Option<Arc<dyn Embedder>>,
) -> Result<BuildReport, Failure> {
    // An index that cannot be read is replaced; the builder says so.
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let survey = sources.survey(settings, roots);
    if let Some(report) = unchanged(settings, spec, existing.as_ref(), &survey)? {
        return Ok(report);
    }
    let embedder = match loaded.take().filter(|loaded| loaded.identity().name == spec.name) {
        Some(embedder) => embedder,
        None => model::load(settings, spec, Purpose::Indexing)?,
    };
    let embedder = &**loaded.insert(embedder);
    let builder = IndexBuilder {
        folder: settings.index.clone(),
        roots: roots.to_vec(),
        limits: sources.limits.clone(),
        trust_times: sources.trust_times,
        chunking: ChunkSettings::for_encoder(embedder.max_passage_tokens()),
        graph: sources.graph,
        embedder,
        calibrate: Some(&|index| calibrate(index, embedder)),
        progress: &settings.progress,
    };
    Ok(builder.build()?)
}

/// The sources as they are on this machine, fetched where they are elsewhere.
pub(super) fn roots(settings: &Settings, sources: &Sources) -> Result<Vec<Root>, Failure> {
    ensure_paths_exist(&sources.of.iter().filter_map(local_path).collect::<Vec<_>>())?;
    Ok(without_repeats(fetched(settings, sources.of.clone())?))
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

/// What is still there of `sources`; what is not is told. What is fetched is never gone.
fn without_gone(settings: &Settings, sources: Vec<SourceSpec>) -> Vec<SourceSpec> {
    let is_there = |source: &SourceSpec| local_path(source).is_none_or(|path| path.exists());
    let (there, gone): (Vec<SourceSpec>, Vec<SourceSpec>) = sources.iter().cloned().partition(is_there);
    if there.is_empty() {
        return sources;
    }
    for source in gone {
        settings.progress.note(&format!("`{source}` is gone, and so are its documents"));
    }
    there
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
    // The same folder with other globs, or in another collection, is another source.
    roots.retain(|root| {
        seen.insert((place(root), root.source.include.clone(), root.source.collection.clone()))
    });
    roots
}

pub(super) fn tell(settings: &Settings, report: &BuildReport, before: Option<&Manifest>, started: Instant) {
    let note = |text: &str| settings.progress.note(text);
    if let Some(text) = before.and_then(|before| replaced(before, &report.manifest)) {
        note(&text);
    }
    note(&skips(&report.skipped));
    let counts = report.manifest.counts;
    let holds = format!(
        "{}, {} in `{}`",
        counted(counts.documents, "document"),
        counted(counts.chunks, "chunk"),
        settings.index.display()
    );
    if let Some(graph) = &report.manifest.graph {
        note(&format!("graph: {}", describe_graph(graph)));
    }
    let generation = report.manifest.generation;
    let seconds = started.elapsed().as_secs_f64();
    match report.outcome {
        Outcome::Unchanged => note(&format!("up to date: {holds}, generation {generation} ({seconds:.1} s)")),
        Outcome::Built { embedded, reused } => note(&format!(
            "indexed {holds}, generation {generation}: {embedded} embedded, {reused} reused ({seconds:.1} s)"
        )),
    }
}

/// What the index no longer holds because other sources were named.
fn replaced(before: &Manifest, now: &Manifest) -> Option<String> {
    if before.roots == now.roots {
        return None;
    }
    let shown = |sources: &[SourceSpec]| {
        sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ")
    };
    if before.collections.is_empty() && now.collections.is_empty() {
        let held = shown(&before.declared());
        return Some(format!("this index held {held}; it now holds what you named, and only that"));
    }
    let kept = now.declared();
    let mut gone = before.declared();
    // Of a folder that is not there any more, `--prune` tells.
    gone.retain(|source| !kept.contains(source) && local_path(source).is_none_or(|path| path.exists()));
    (!gone.is_empty()).then(|| format!("no longer in this index: {}", shown(&gone)))
}

/// A graph's figures, for `index` and `status`.
pub(super) fn describe_graph(graph: &GraphSummary) -> String {
    format!(
        "recall@10 {:.4} on {} questions, M {}, ef_construction {}, ef_search {}, {} linked in",
        graph.recall_at_10,
        graph.questions,
        graph.connections,
        graph.ef_construction,
        graph.ef_search,
        counted(graph.orphans_linked, "orphan"),
    )
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
