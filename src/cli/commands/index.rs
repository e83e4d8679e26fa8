//! `docent index`: documents in, one new generation out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::indexed::Done;
use super::{collections, plan};
use crate::chunking::ChunkSettings;
use crate::cli::allocator::give_back_everything_free;
use crate::cli::args::{IndexArguments, SourceArguments};
use crate::cli::declared;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::memory::{self, Fitted};
use crate::cli::model::{self, Purpose};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::embedding::catalog::ModelSpec;
use crate::index::{
    BuildError, BuildReport, GraphSettings, Index, IndexBuilder, Manifest, OpenError, Root, Survey, prune,
    read_manifest,
};
use crate::progress::Progress;
use crate::remote;
use crate::retrieval::calibrate;
use crate::source::{Limits, Origin, SourceSpec};

/// How often the sources are chosen anew because another docent has changed them meanwhile.
const MOST_OVERTAKEN: usize = 5;

pub(in crate::cli) fn run(settings: &Settings, arguments: &IndexArguments) -> Result<ExitStatus, Failure> {
    if arguments.dry_run {
        return plan::run(settings, &chosen(settings, arguments)?, arguments.json);
    }
    let mut overtaken = 0;
    let done = loop {
        match build(settings, &chosen(settings, arguments)?) {
            // Another docent has added or dropped a collection: what stands beside is chosen anew.
            Err(Failure::Build(BuildError::Overtaken { .. })) if overtaken < MOST_OVERTAKEN => overtaken += 1,
            done => break done?,
        }
    };
    if arguments.prune {
        prune(&settings.index)?;
    }
    if arguments.json {
        render::json(&done.summary(settings, arguments.max_memory))?;
    }
    Ok(ExitStatus::Success)
}

/// What the arguments ask for, beside what the index holds now.
fn chosen(settings: &Settings, arguments: &IndexArguments) -> Result<Sources, Failure> {
    // First, so that a change while the sources are chosen is seen as well.
    let beside = Some(declared_now(settings));
    let mut of = match &arguments.drop_collection {
        Some(name) => collections::without(settings, name)?,
        None => sources(settings, &arguments.from)?,
    };
    if arguments.prune && arguments.from.sources.is_empty() {
        of = without_gone(settings, of);
    }
    let graph = GraphSettings {
        from: arguments.graph_from,
        ef_search: arguments.ef_search as usize,
        ..GraphSettings::default()
    };
    let limits = Limits { max_file_bytes: arguments.max_file_size, ..Limits::default() };
    let max_memory = arguments.max_memory;
    Ok(Sources { of, beside, limits, trust_times: !arguments.checksum, graph, max_memory })
}

/// The sources that the index is declared to have; none where there is none that can be read.
pub(super) fn declared_now(settings: &Settings) -> Vec<SourceSpec> {
    read_manifest(&settings.index).map(|manifest| manifest.declared()).unwrap_or_default()
}

/// What to index, and how closely to look.
pub(in crate::cli) struct Sources {
    pub(in crate::cli) of: Vec<SourceSpec>,
    /// What the index was declared to have when they were chosen; `None` where that does not matter.
    pub(in crate::cli) beside: Option<Vec<SourceSpec>>,
    pub(in crate::cli) limits: Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub(in crate::cli) trust_times: bool,
    /// When and how to build a graph.
    pub(in crate::cli) graph: GraphSettings,
    /// The most bytes of memory that a build may take.
    pub(in crate::cli) max_memory: Option<u64>,
}

impl Sources {
    /// These, looked at in the common way.
    pub(in crate::cli) fn of(sources: Vec<SourceSpec>) -> Self {
        let graph = GraphSettings::default();
        let limits = Limits::default();
        Self { of: sources, beside: None, limits, trust_times: true, graph, max_memory: None }
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
pub(in crate::cli) fn build(settings: &Settings, sources: &Sources) -> Result<Done, Failure> {
    let started = Instant::now();
    let roots = roots(settings, sources)?;
    let before = read_manifest(&settings.index).ok();
    let mut loaded = None;
    let report = build_with(settings, sources, &roots, &mut loaded)?;
    let done = Done::new(report, loaded.as_deref(), started);
    done.tell(settings, before.as_ref());
    Ok(done)
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
    let loaded_before = loaded.take().filter(|loaded| loaded.identity().name == spec.name);
    let (embedder, chunk_memory) = match (loaded_before, sources.max_memory) {
        (Some(embedder), _) => (embedder, None),
        (None, None) => (model::load(settings, spec, Purpose::Indexing)?, None),
        (None, Some(most)) => {
            let Fitted { embedder, chunk_memory } = memory::fit(settings, spec, most)?;
            (embedder, Some(chunk_memory))
        }
    };
    let embedder = &**loaded.insert(embedder);
    // What the build has let go of makes room for the pages that are looked at now.
    let calibrate = |index: &Index| {
        give_back_everything_free();
        calibrate(index, embedder)
    };
    let builder = IndexBuilder {
        beside: sources.beside.clone(),
        limits: sources.limits.clone(),
        trust_times: sources.trust_times,
        graph: sources.graph,
        chunk_memory,
        calibrate: Some(&calibrate),
        ..IndexBuilder::new(settings.index.clone(), roots.to_vec(), embedder, &settings.progress)
    };
    Ok(builder.build()?)
}

/// The sources as they are on this machine, fetched where they are elsewhere.
pub(super) fn roots(settings: &Settings, sources: &Sources) -> Result<Vec<Root>, Failure> {
    if let Some(source) = sources.of.iter().find(|source| is_remembered(sources, source)) {
        let collection = source.collection.as_ref().map(ToString::to_string);
        return Err(Failure::Gone { path: local_path(source).unwrap_or_default(), collection });
    }
    ensure_paths_exist(&sources.of.iter().filter_map(local_path).collect::<Vec<_>>())?;
    Ok(without_repeats(fetched(settings, sources.of.clone())?))
}

/// Whether a source was indexed before and is gone since.
fn is_remembered(sources: &Sources, source: &SourceSpec) -> bool {
    let is_known = sources.beside.as_ref().is_some_and(|beside| beside.contains(source));
    is_known && local_path(source).is_some_and(|path| !path.exists())
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

pub(super) fn local_path(source: &SourceSpec) -> Option<PathBuf> {
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

/// One folder named twice, and wanted in the same way, is one source.
fn without_repeats(roots: Vec<Root>) -> Vec<Root> {
    let wanted = |root: &Root| {
        let path = root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
        SourceSpec { origin: Origin::Directory { path }, ..root.source.clone() }
    };
    let mut kept: Vec<Root> = Vec::with_capacity(roots.len());
    for root in roots {
        if kept.iter().all(|kept| wanted(kept) != wanted(&root)) {
            kept.push(root);
        }
    }
    kept
}
