//! Builds a generation: walk, read, chunk, embed what is new, write, commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cache::Cache;
use super::calibration::Calibration;
use super::chunks::DocumentRecord;
use super::commit::{Content, commit, ensure_index_folder};
use super::cutting::{CutFile, Cutter};
use super::embed::{Embedded, Embedding, Reusable};
use super::failure::{BuildError, OpenError};
use super::graph::{BuiltGraph, ExactVectors, GraphBuilder, GraphSettings};
use super::manifest::{Counts, FORMAT_VERSION, Manifest, READABLE_FROM, SkipSummary};
use super::parallel::in_parallel;
use super::planes::Planes;
use super::prepared::{Preparation, Prepared, SpooledDocument};
use super::survey::{NumberedFile, Survey, folder_name};
use super::tokens::TokensWriter;
use super::vectors::VectorArrays;
use super::{Index, WriterLock, read_manifest, storage};
use crate::chunking::ChunkSettings;
use crate::embedding::Embedder;
use crate::progress::{Progress, Unit};
use crate::source::{Limits, Skip, SourceError, SourceFile, SourceSpec};

/// A folder or file to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where it is on this machine.
    pub path: PathBuf,
    /// How it was declared.
    pub source: SourceSpec,
}

impl Root {
    /// A folder or file of which everything is indexed.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { source: SourceSpec::directory(path.clone()), path }
    }

    /// What stands before its documents' paths where there are several roots in its collection.
    pub(super) fn prefix(&self) -> Option<String> {
        let name = self.source.name.as_ref().map(|name| name.replace(['/', '\\'], "-"));
        name.filter(|name| !name.is_empty()).or_else(|| folder_name(&self.path))
    }
}

/// Builds the index in one folder.
pub struct IndexBuilder<'work> {
    /// Where the index is or will be.
    pub folder: PathBuf,
    /// What to index: exactly this, afterwards.
    pub roots: Vec<Root>,
    /// The sources that the index was declared to have when the roots were chosen, none where there was no index.
    /// Where others have taken their place since, nothing is built. Not looked at where `None`.
    pub beside: Option<Vec<SourceSpec>>,
    /// What to leave out.
    pub limits: Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub trust_times: bool,
    /// How to cut.
    pub chunking: ChunkSettings,
    /// When and how to build a graph for approximate search.
    pub graph: GraphSettings,
    /// The most bytes that may be kept in memory of all chunks; no limit where there is none.
    pub chunk_memory: Option<u64>,
    /// What to embed with.
    pub embedder: &'work dyn Embedder,
    /// Finds out how answers look in the new generation where nothing answers.
    pub calibrate: Option<&'work Calibrate<'work>>,
    /// Who watches.
    pub progress: &'work dyn Progress,
}

/// Asks a generation that is whole, and not in force yet.
pub type Calibrate<'work> = dyn Fn(&Index) -> Result<Calibration, BuildError> + Sync + 'work;

/// What a build did.
#[derive(Debug, Clone)]
pub struct BuildReport {
    /// Whether a new generation was written.
    pub outcome: Outcome,
    /// The manifest in force now.
    pub manifest: Manifest,
    /// Everything that was left out.
    pub skipped: Vec<Skip>,
}

/// Chunks that are looked at in the generation before until their memory is given back.
const LOOK: usize = 1024;

/// What a build keeps in memory of a chunk: its vector in two bytes a dimension; its hashes, places and
/// lengths. With a graph also a byte a dimension, and its links while they are made.
fn bytes_of_chunk(dimensions: usize, with_graph: bool) -> u64 {
    let of_graph = if with_graph { dimensions + 1600 } else { 0 };
    (2 * dimensions + 250 + of_graph) as u64
}

/// What the encoder made, in the order of the chunks.
struct MadeVectors {
    arrays: VectorArrays,
    tokens: TokensWriter,
    /// The vectors as they were made, where a graph is wanted.
    exact: Option<ExactVectors>,
}

/// Whether a new generation was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing had changed.
    Unchanged,
    /// A new generation is in place.
    Built {
        /// Chunks that went through the encoder.
        embedded: usize,
        /// Chunks whose vectors were there already.
        reused: usize,
    },
}

impl<'work> IndexBuilder<'work> {
    /// A builder of the index in `folder`, with the usual settings.
    #[must_use]
    pub fn new(
        folder: PathBuf,
        roots: Vec<Root>,
        embedder: &'work dyn Embedder,
        progress: &'work dyn Progress,
    ) -> Self {
        Self {
            folder,
            roots,
            beside: None,
            limits: Limits::default(),
            trust_times: true,
            chunking: ChunkSettings::for_encoder(embedder.max_passage_tokens()),
            graph: GraphSettings::default(),
            chunk_memory: None,
            embedder,
            calibrate: None,
            progress,
        }
    }

    /// Brings the index up to date with its roots.
    ///
    /// # Errors
    /// See [`BuildError`]. The generation that was there stays as it was.
    pub fn build(&self) -> Result<BuildReport, BuildError> {
        let listed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos() as u64);
        let survey = self.survey();
        let (files, mut skipped) = survey.inventory()?;
        ensure_index_folder(&self.folder)?;
        storage::create_folder(&self.folder)?;
        let _lock = WriterLock::acquire(&self.folder)?;
        self.ensure_beside()?;
        if let Some(report) = survey.unchanged_of(&files, &skipped, self.embedder.identity(), &self.chunking)
        {
            return Ok(report);
        }
        let previous = self.previous();
        let prepared = self.prepare(&files, &mut skipped)?;
        if prepared.documents.is_empty() {
            let path = self.roots.first().map_or_else(PathBuf::new, |root| root.path.clone());
            return Err(SourceError::Empty { path, skipped }.into());
        }
        // The documents of a corpus in one file stay in memory, as they came with the list.
        let texts = files.iter().filter(|(_, file)| file.record.is_some()).map(|(_, file)| file.size).sum();
        self.check_memory(prepared.len(), texts)?;
        self.build_generation(&prepared, skipped, listed, previous.as_ref())
    }

    /// Refuses to put roots in the place of sources that were not known when they were chosen.
    fn ensure_beside(&self) -> Result<(), BuildError> {
        let Some(known) = &self.beside else { return Ok(()) };
        let now = read_manifest(&self.folder).map(|manifest| manifest.declared()).unwrap_or_default();
        if now == *known { Ok(()) } else { Err(BuildError::Overtaken { folder: self.folder.clone() }) }
    }

    fn build_generation(
        &self,
        prepared: &Prepared,
        skipped: Vec<Skip>,
        listed_ns: u64,
        previous: Option<&Index>,
    ) -> Result<BuildReport, BuildError> {
        let folder = &*self.folder;
        let stage = Embedding { embedder: self.embedder, progress: self.progress, prepared, folder };
        let mut cache = Cache::open(folder, self.embedder);
        let embedded = stage.run(previous, &mut cache)?;
        // A graph takes memory and time; without one the encoder is asked again at once.
        if self.graph.wants(prepared.len()) {
            self.embedder.rest();
        }
        let made = self.vectors(prepared, &embedded, Reusable { previous, files: cache.files() })?;
        let graph = self.graph(&made.arrays, made.exact.as_ref())?;
        let manifest = Manifest {
            listed_ns: Some(listed_ns),
            graph: graph.as_ref().map(|graph| graph.summary),
            ..self.manifest(prepared, &skipped)
        };
        let tokens = made.tokens.finish(&embedded.centre);
        let content = Content { prepared, vectors: made.arrays, graph, tokens };
        let manifest = commit(folder, content, manifest, self.calibrate)?;
        let by_the_same = |index: &&Index| {
            (&index.manifest().model, index.manifest().arithmetic) == (&manifest.model, manifest.arithmetic)
        };
        let reusable = previous.filter(by_the_same);
        cache.settle(reusable, &embedded.centre, &prepared.hashes);
        let outcome = Outcome::Built { embedded: embedded.count, reused: prepared.len() - embedded.count };
        Ok(BuildReport { outcome, manifest, skipped })
    }

    /// Refuses before the work what would take too much memory at its end.
    fn check_memory(&self, chunks: usize, texts: u64) -> Result<(), BuildError> {
        let with_graph = self.graph.wants(chunks);
        let of_chunk = bytes_of_chunk(self.embedder.identity().dimensions, with_graph);
        let needed = chunks as u64 * of_chunk + texts;
        match self.chunk_memory {
            Some(allowed) if needed > allowed => {
                Err(BuildError::Memory { chunks, needed, allowed, with_graph })
            }
            _ => Ok(()),
        }
    }

    /// Puts what the encoder made in the order of the chunks, as it is kept.
    fn vectors(
        &self,
        prepared: &Prepared,
        embedded: &Embedded,
        reusable: Reusable<'_>,
    ) -> Result<MadeVectors, BuildError> {
        let dimensions = self.embedder.identity().dimensions;
        let wants_graph = self.graph.wants(prepared.len());
        let documents = prepared.documents.len();
        let mut planes = Planes::with_capacity(prepared.len() + documents, dimensions);
        let mut tokens = TokensWriter::new(&self.folder)?;
        let mut exact = wants_graph.then(|| ExactVectors::new(&self.folder, dimensions)).transpose()?;
        for number in 0..prepared.len() {
            let (vector, of_chunk) = embedded.passage(number, prepared, reusable)?;
            planes.push(&vector);
            tokens.push(&of_chunk)?;
            if let Some(exact) = &mut exact {
                exact.push(&vector)?;
            }
            if number % LOOK == LOOK - 1 {
                reusable.forget_pages();
            }
        }
        let arrays = VectorArrays::of_planes(planes, &prepared.document_of(), documents);
        Ok(MadeVectors { arrays, tokens, exact })
    }

    fn graph(
        &self,
        vectors: &VectorArrays,
        exact: Option<&ExactVectors>,
    ) -> Result<Option<BuiltGraph>, BuildError> {
        let Some(exact) = exact else { return Ok(None) };
        let graph = GraphBuilder {
            settings: self.graph,
            exact,
            vectors,
            threads: self.embedder.parallelism(),
            progress: self.progress,
        };
        graph.build()
    }

    /// The index that is there, for what can be reused. A damaged one is as good as none, and is
    /// replaced: every byte of it is looked at, since what is reused gets a new checksum.
    fn previous(&self) -> Option<Index> {
        match Index::open_whole(&self.folder) {
            Ok(index) => Some(index),
            Err(OpenError::Missing { .. }) => None,
            Err(error) => {
                self.progress.note(&format!("the index that is there cannot be reused: {error}"));
                None
            }
        }
    }

    /// Reads and cuts every file, on all cores.
    fn prepare(&self, files: &[NumberedFile], skipped: &mut Vec<Skip>) -> Result<Prepared, BuildError> {
        self.progress.begin("reading", Some(files.len() as u64), Unit::Files);
        let preparation = Preparation::new(&self.folder, self.embedder.identity())?;
        let results = in_parallel(files.len(), self.embedder.parallelism(), |index| {
            let (root, file) = &files[index];
            let prepared = self.prepare_file(*root, file, &preparation);
            self.progress.advance(1);
            prepared
        });
        self.progress.finish();
        let mut documents = Vec::with_capacity(files.len());
        for result in results {
            match result? {
                Ok(document) => documents.push(document),
                Err(skip) => skipped.push(skip),
            }
        }
        skipped.sort_by(|first, second| first.path.cmp(&second.path));
        Ok(preparation.finish(documents))
    }

    fn prepare_file(
        &self,
        root: u32,
        file: &SourceFile,
        preparation: &Preparation<'_>,
    ) -> Result<Result<SpooledDocument, Skip>, BuildError> {
        let cutter = Cutter {
            chunking: self.chunking,
            embedder: self.embedder,
            max_bytes: self.limits.max_file_bytes,
        };
        let CutFile { title, description, hash, cuts, .. } = match cutter.cut(file) {
            Ok(cut) => cut,
            Err(reason) => return Ok(Err(Skip { path: file.path.to_string(), reason })),
        };
        let document = DocumentRecord {
            path: file.path.clone(),
            title,
            description,
            root,
            hash,
            size: file.size,
            modified_ns: file.modified_ns,
            first_chunk: 0,
            chunk_count: cuts.len() as u32,
        };
        preparation.add(document, &cuts).map(Ok)
    }

    fn survey(&self) -> Survey<'_> {
        Survey {
            folder: &self.folder,
            roots: &self.roots,
            limits: &self.limits,
            trust_times: self.trust_times,
            calibrates: self.calibrate.is_some(),
            graph: self.graph,
        }
    }

    /// The manifest, but for what only the commit knows.
    fn manifest(&self, prepared: &Prepared, skipped: &[Skip]) -> Manifest {
        let mut manifest = Manifest {
            format: FORMAT_VERSION,
            readable_from: Some(READABLE_FROM),
            generation: 0,
            indexed_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            listed_ns: None,
            roots: self.survey().absolute_roots(),
            sources: self.survey().sources(),
            model: self.embedder.identity().clone(),
            arithmetic: self.embedder.arithmetic(),
            imported: None,
            chunking: self.chunking,
            counts: Counts {
                documents: prepared.documents.len(),
                chunks: prepared.len(),
                source_bytes: prepared.documents.iter().map(|document| document.size).sum(),
            },
            calibration: None,
            kinds: BTreeMap::new(),
            collections: BTreeMap::new(),
            skipped: SkipSummary::of(skipped),
            graph: None,
            checksums: BTreeMap::new(),
            seal: None,
        };
        manifest.count_documents(prepared.documents.iter());
        manifest
    }
}
