//! Builds a generation: walk, read, chunk, embed what is new, write, commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cache::Cache;
use super::calibration::Calibration;
use super::chunks::{DocumentRecord, StoredChunk};
use super::commit::{Content, commit, ensure_index_folder};
use super::cutting::{CutFile, Cutter};
use super::embed::Embedding;
use super::failure::{BuildError, OpenError};
use super::graph::{GraphBuilder, GraphSettings};
use super::manifest::{Counts, FORMAT_VERSION, Manifest, READABLE_FROM, SkipSummary};
use super::parallel::in_parallel;
use super::passages::passage_hash;
use super::survey::{NumberedFile, Survey, folder_name};
use super::vectors::VectorArrays;
use super::{Index, WriterLock, storage};
use crate::chunking::{ChunkSettings, Cut};
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
        let own = folder_name(&self.path)?;
        let name = self.source.name.as_ref().map(|name| name.replace(['/', '\\'], "-"));
        Some(name.filter(|name| !name.is_empty()).unwrap_or(own))
    }
}

/// Builds the index in one folder.
pub struct IndexBuilder<'work> {
    /// Where the index is or will be.
    pub folder: PathBuf,
    /// What to index: exactly this, afterwards.
    pub roots: Vec<Root>,
    /// What to leave out.
    pub limits: Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub trust_times: bool,
    /// How to cut.
    pub chunking: ChunkSettings,
    /// When and how to build a graph for approximate search.
    pub graph: GraphSettings,
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

/// A file, read and cut.
struct Prepared {
    document: DocumentRecord,
    cuts: Vec<Cut>,
}

impl IndexBuilder<'_> {
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
        if let Some(report) = survey.unchanged_of(&files, &skipped, self.embedder.identity(), &self.chunking)
        {
            return Ok(report);
        }
        let previous = self.previous();
        let mut prepared = self.prepare(&files, &mut skipped);
        if prepared.is_empty() {
            let path = self.roots.first().map_or_else(PathBuf::new, |root| root.path.clone());
            return Err(SourceError::Empty { path, skipped }.into());
        }
        number_chunks(&mut prepared);
        self.build_generation(&prepared, skipped, listed, previous.as_ref())
    }

    fn build_generation(
        &self,
        prepared: &[Prepared],
        skipped: Vec<Skip>,
        listed_ns: u64,
        previous: Option<&Index>,
    ) -> Result<BuildReport, BuildError> {
        let cuts = || prepared.iter().flat_map(|file| &file.cuts);
        let passages: Vec<&str> = cuts().map(|cut| cut.passage.as_str()).collect();
        let model = self.embedder.identity();
        let hashes: Vec<[u8; 32]> = passages.iter().map(|passage| passage_hash(model, passage)).collect();
        let stage = Embedding { embedder: self.embedder, progress: self.progress };
        let mut cache = Cache::open(&self.folder, self.embedder);
        let embedded = stage.run(&passages, &hashes, previous, &mut cache)?;
        let chunks = stored_chunks(prepared, &hashes);
        let document_of: Vec<u32> = chunks.iter().map(|chunk| chunk.document).collect();
        let vectors = VectorArrays::new(&embedded.vectors, model.dimensions, &document_of, prepared.len());
        let graph = GraphBuilder {
            settings: self.graph,
            values: &embedded.vectors,
            vectors: &vectors,
            threads: self.embedder.parallelism(),
            progress: self.progress,
        };
        let graph = graph.build()?;
        let content = Content {
            documents: prepared.iter().map(|file| &file.document).collect(),
            chunks: &chunks,
            bodies: cuts().map(|cut| cut.body.as_str()).collect(),
            embedded: &embedded,
            vectors: &vectors,
            graph: graph.as_ref(),
        };
        let manifest = Manifest {
            listed_ns: Some(listed_ns),
            graph: graph.as_ref().map(|graph| graph.summary),
            ..self.manifest(prepared, passages.len(), &skipped)
        };
        let manifest = commit(&self.folder, &content, manifest, self.calibrate)?;
        let by_the_same = |index: &&Index| {
            (&index.manifest().model, index.manifest().arithmetic) == (&manifest.model, manifest.arithmetic)
        };
        let reusable = previous.filter(by_the_same);
        cache.settle(reusable, &embedded.centre, &hashes);
        let outcome = Outcome::Built { embedded: embedded.made, reused: passages.len() - embedded.made };
        Ok(BuildReport { outcome, manifest, skipped })
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
    fn prepare(&self, files: &[NumberedFile], skipped: &mut Vec<Skip>) -> Vec<Prepared> {
        self.progress.begin("reading", Some(files.len() as u64), Unit::Files);
        let results = in_parallel(files.len(), self.embedder.parallelism(), |index| {
            let (root, file) = &files[index];
            let prepared = self.prepare_file(*root, file);
            self.progress.advance(1);
            prepared
        });
        self.progress.finish();
        let mut prepared = Vec::with_capacity(files.len());
        for result in results {
            match result {
                Ok(file) => prepared.push(file),
                Err(skip) => skipped.push(skip),
            }
        }
        skipped.sort_by(|first, second| first.path.cmp(&second.path));
        prepared
    }

    fn prepare_file(&self, root: u32, file: &SourceFile) -> Result<Prepared, Skip> {
        let cutter = Cutter {
            chunking: self.chunking,
            embedder: self.embedder,
            max_bytes: self.limits.max_file_bytes,
        };
        let CutFile { title, description, hash, cuts, .. } =
            cutter.cut(file).map_err(|reason| Skip { path: file.path.to_string(), reason })?;
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
        Ok(Prepared { document, cuts })
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
    fn manifest(&self, prepared: &[Prepared], chunks: usize, skipped: &[Skip]) -> Manifest {
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
                documents: prepared.len(),
                chunks,
                source_bytes: prepared.iter().map(|file| file.document.size).sum(),
            },
            calibration: None,
            kinds: BTreeMap::new(),
            collections: BTreeMap::new(),
            skipped: SkipSummary::of(skipped),
            graph: None,
            checksums: BTreeMap::new(),
            seal: None,
        };
        manifest.count_documents(prepared.iter().map(|file| &file.document));
        manifest
    }
}

fn stored_chunks(prepared: &[Prepared], hashes: &[[u8; 32]]) -> Vec<StoredChunk> {
    let numbered = prepared.iter().enumerate();
    let chunks = numbered.flat_map(|(number, file)| file.cuts.iter().map(move |cut| (number as u32, cut)));
    let stored = |((document, cut), hash): ((u32, &Cut), &[u8; 32])| StoredChunk {
        document,
        passage_hash: *hash,
        chunk: cut.chunk.clone(),
    };
    chunks.zip(hashes).map(stored).collect()
}

fn number_chunks(prepared: &mut [Prepared]) {
    let mut first = 0;
    for file in prepared {
        file.document.first_chunk = first;
        first += file.document.chunk_count;
    }
}
