//! Builds a generation: walk, read, chunk, embed what is new, write, commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::calibration::Calibration;
use super::chunks::{DocumentRecord, StoredChunk};
use super::commit::{Content, commit, is_generation, remove_leftovers};
use super::embed::Embedding;
use super::failure::{BuildError, OpenError};
use super::manifest::{Counts, FORMAT_VERSION, MANIFEST, Manifest, READABLE_FROM, SkipSummary};
use super::parallel::in_parallel;
use super::passages::{EncoderTokens, passage_hash};
use super::{Index, WriterLock, storage};
use crate::chunking::{ChunkSettings, Chunker, Cut};
use crate::embedding::Embedder;
use crate::extract::{converted_text, read_document};
use crate::parse::{Format, parse};
use crate::progress::{Progress, Unit};
use crate::source::{
    FileText, Globs, Limits, Origin, Skip, SourceError, SourceFile, SourcePath, SourceSpec, walk,
};

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

    /// What stands before its documents' paths where there are several roots.
    fn prefix(&self) -> Option<String> {
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
    /// How to cut.
    pub chunking: ChunkSettings,
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

/// A file to read, with the number of its root.
type NumberedFile = (u32, SourceFile);

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
        let (files, mut skipped) = self.inventory()?;
        ensure_index_folder(&self.folder)?;
        storage::create_folder(&self.folder)?;
        let _lock = WriterLock::acquire(&self.folder)?;
        let previous = self.previous();
        let mut prepared = self.prepare(&files, &mut skipped);
        if prepared.is_empty() {
            let path = self.roots.first().map_or_else(PathBuf::new, |root| root.path.clone());
            return Err(SourceError::Empty { path, skipped }.into());
        }
        number_chunks(&mut prepared);
        if let Some(index) = previous.as_ref().filter(|index| self.is_current(index, &prepared, &skipped)) {
            let manifest = index.manifest().clone();
            // A build that was killed after its last step left the generation before it.
            let _ = remove_leftovers(&self.folder);
            return Ok(BuildReport { outcome: Outcome::Unchanged, manifest, skipped });
        }
        self.build_generation(&prepared, skipped, previous.as_ref())
    }

    fn build_generation(
        &self,
        prepared: &[Prepared],
        skipped: Vec<Skip>,
        previous: Option<&Index>,
    ) -> Result<BuildReport, BuildError> {
        let cuts = || prepared.iter().flat_map(|file| &file.cuts);
        let passages: Vec<&str> = cuts().map(|cut| cut.passage.as_str()).collect();
        let model = self.embedder.identity();
        let hashes: Vec<[u8; 32]> = passages.iter().map(|passage| passage_hash(model, passage)).collect();
        let stage = Embedding { embedder: self.embedder, progress: self.progress };
        let embedded = stage.run(&passages, &hashes, previous)?;
        let content = Content {
            documents: prepared.iter().map(|file| &file.document).collect(),
            chunks: &stored_chunks(prepared, &hashes),
            bodies: cuts().map(|cut| cut.body.as_str()).collect(),
            embedded: &embedded,
        };
        let manifest = commit(
            &self.folder,
            &content,
            self.manifest(prepared, passages.len(), &skipped),
            self.calibrate,
        )?;
        let outcome = Outcome::Built { embedded: embedded.made, reused: passages.len() - embedded.made };
        Ok(BuildReport { outcome, manifest, skipped })
    }

    /// The files of all roots. With several roots, each root's name stands before its paths.
    fn inventory(&self) -> Result<(Vec<NumberedFile>, Vec<Skip>), BuildError> {
        let mut files: Vec<NumberedFile> = Vec::new();
        let mut skipped = Vec::new();
        // `docent index .` writes below what it reads.
        let own = self.folder.canonicalize().ok();
        for (number, root) in self.roots.iter().enumerate() {
            let found = walk(&root.path, &self.limits, own.as_deref(), &|path| Format::of(path).is_some())?;
            let globs = Globs::new(&root.source.include, &root.source.exclude).map_err(SourceError::from)?;
            let prefix = if self.roots.len() > 1 { root.prefix() } else { None };
            let prefixed = |path: &str| match &prefix {
                Some(prefix) => format!("{prefix}/{path}"),
                None => path.to_owned(),
            };
            for mut file in found.files.into_iter().filter(|file| globs.admit(file.path.as_str())) {
                if let Ok(path) = SourcePath::try_from(prefixed(file.path.as_str())) {
                    file.path = path;
                }
                files.push((number as u32, file));
            }
            let found = found.skipped.into_iter().filter(|skip| globs.admit(&skip.path));
            skipped.extend(found.map(|skip| Skip { path: prefixed(&skip.path), ..skip }));
        }
        files.sort_by(|(_, first), (_, second)| first.path.cmp(&second.path));
        self.refuse_same_paths(&files)?;
        Ok((files, skipped))
    }

    fn refuse_same_paths(&self, files: &[NumberedFile]) -> Result<(), BuildError> {
        let Some(pair) = files.windows(2).find(|pair| pair[0].1.path == pair[1].1.path) else {
            return Ok(());
        };
        let root = |number: u32| self.roots[number as usize].path.clone();
        let path = pair[0].1.path.clone();
        Err(SourceError::SamePath { path, first: root(pair[0].0), second: root(pair[1].0) }.into())
    }

    /// The index that is there, for what can be reused. A damaged one is as good as none, and is
    /// replaced.
    fn previous(&self) -> Option<Index> {
        match Index::open(&self.folder) {
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
        let skip = |reason| Skip { path: file.path.to_string(), reason };
        let read = match &file.record {
            Some(record) => FileText {
                text: converted_text(&file.path, record.text.clone()).map_err(skip)?,
                hash: record.hash(),
            },
            None => read_document(&file.path, &file.location, self.limits.max_file_bytes).map_err(skip)?,
        };
        let format = Format::of(&file.path);
        let mut parsed = parse(&file.path, format.unwrap_or(Format::PlainText), &read.text);
        // A record's id is no title, unless it is a file's name.
        if let Some(record) =
            file.record.as_ref().filter(|record| format.is_none() || !record.title.is_empty())
        {
            parsed.title.clone_from(&record.title);
        }
        let counter = EncoderTokens(self.embedder);
        let cuts = Chunker::new(self.chunking, &counter).chunk(&file.path, &read.text, &parsed);
        let document = DocumentRecord {
            path: file.path.clone(),
            title: parsed.title,
            description: parsed.description,
            root,
            hash: read.hash,
            size: file.size,
            modified_ns: file.modified_ns,
            first_chunk: 0,
            chunk_count: cuts.len() as u32,
        };
        Ok(Prepared { document, cuts })
    }

    fn is_current(&self, index: &Index, prepared: &[Prepared], skipped: &[Skip]) -> bool {
        let manifest = index.manifest();
        let same_settings = manifest.model == *self.embedder.identity()
            && manifest.chunking == self.chunking
            && (manifest.calibration.is_some() || self.calibrate.is_none())
            && manifest.roots == self.absolute_roots()
            && manifest.sources == self.sources()
            && manifest.skipped == SkipSummary::of(skipped)
            && index.document_count() == prepared.len();
        same_settings
            && prepared.iter().enumerate().all(|(number, file)| {
                index.document(number).is_ok_and(|stored| {
                    stored.path == file.document.path && stored.hash == file.document.hash
                })
            })
    }

    fn absolute_roots(&self) -> Vec<PathBuf> {
        let absolute = |root: &Root| root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
        self.roots.iter().map(absolute).collect()
    }

    /// The declarations, with the paths of folders as good from anywhere as the roots are.
    fn sources(&self) -> Vec<SourceSpec> {
        let declared =
            self.roots.iter().zip(self.absolute_roots()).map(|(root, path)| match root.source.origin {
                Origin::Directory { .. } => {
                    SourceSpec { origin: Origin::Directory { path }, ..root.source.clone() }
                }
                _ => root.source.clone(),
            });
        declared.collect()
    }

    /// The manifest, but for what only the commit knows.
    fn manifest(&self, prepared: &[Prepared], chunks: usize, skipped: &[Skip]) -> Manifest {
        Manifest {
            format: FORMAT_VERSION,
            readable_from: Some(READABLE_FROM),
            generation: 0,
            indexed_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            roots: self.absolute_roots(),
            sources: self.sources(),
            model: self.embedder.identity().clone(),
            arithmetic: self.embedder.arithmetic(),
            chunking: self.chunking,
            counts: Counts {
                documents: prepared.len(),
                chunks,
                source_bytes: prepared.iter().map(|file| file.document.size).sum(),
            },
            calibration: None,
            skipped: SkipSummary::of(skipped),
            checksums: BTreeMap::new(),
        }
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

fn folder_name(path: &Path) -> Option<String> {
    let canonical = path.canonicalize().ok()?;
    if canonical.is_dir() {
        canonical.file_name().map(|name| name.to_string_lossy().into_owned())
    } else {
        None
    }
}

/// A folder may become an index if it is new, empty, an index already, or holds only the notes
/// that a repository keeps in it.
fn ensure_index_folder(folder: &Path) -> Result<(), BuildError> {
    let harmless = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        ["README.md", ".gitignore", ".gitkeep", "writer.lock", MANIFEST].contains(&name.as_str())
            || name.starts_with(".tmp-")
            || is_generation(&entry.path())
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BuildError::Write { path: folder.to_owned(), source }),
    };
    let is_index = folder.join(MANIFEST).exists();
    let foreign = entries.flatten().any(|entry| !harmless(&entry));
    if foreign && !is_index { Err(BuildError::NotAnIndex { folder: folder.to_owned() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::generation::VECTORS_FILE;
    use super::*;
    use crate::embedding::HashingEmbedder;
    use crate::progress::Silent;
    use std::fs;

    struct Fixture {
        source: tempfile::TempDir,
        index: tempfile::TempDir,
        embedder: HashingEmbedder,
    }

    impl Fixture {
        fn new(files: &[(&str, &str)]) -> Self {
            let fixture = Self {
                source: tempfile::tempdir().unwrap(),
                index: tempfile::tempdir().unwrap(),
                embedder: HashingEmbedder::default(),
            };
            for (path, text) in files {
                fixture.write(path, text);
            }
            fixture
        }

        fn write(&self, path: &str, text: &str) {
            let file = self.source.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }

        fn build(&self) -> Result<BuildReport, BuildError> {
            IndexBuilder {
                folder: self.index.path().to_owned(),
                roots: vec![Root::at(self.source.path().to_owned())],
                limits: Limits::default(),
                chunking: ChunkSettings::for_encoder(256),
                calibrate: None,
                embedder: &self.embedder,
                progress: &Silent,
            }
            .build()
        }

        fn generations(&self) -> usize {
            let entries = fs::read_dir(self.index.path()).unwrap().flatten();
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("gen-")).count()
        }
    }

    #[test]
    fn an_unchanged_source_makes_no_new_generation() {
        let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b/c.md", "# C\n\nTwo.")]);
        assert_eq!(fixture.build().unwrap().outcome, Outcome::Built { embedded: 2, reused: 0 });
        let again = fixture.build().unwrap();
        assert_eq!((again.outcome, again.manifest.generation), (Outcome::Unchanged, 1));
    }

    #[test]
    fn only_what_changed_is_embedded_and_a_rename_is_not() {
        let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b.md", "# B\n\nTwo.")]);
        fixture.build().unwrap();
        fixture.write("b.md", "# B\n\nThree.");
        fs::rename(fixture.source.path().join("a.md"), fixture.source.path().join("z.md")).unwrap();
        let report = fixture.build().unwrap();
        assert_eq!(report.outcome, Outcome::Built { embedded: 1, reused: 1 });
        assert_eq!((report.manifest.generation, fixture.generations()), (2, 1));
        let index = Index::open(fixture.index.path()).unwrap();
        assert_eq!(index.document(1).unwrap().path.as_str(), "z.md");
        assert_eq!(index.chunk(1).unwrap().chunk.text, "One.");
    }

    #[test]
    fn a_damaged_index_is_replaced() {
        let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
        let report = fixture.build().unwrap();
        let vectors = report.manifest.generation_folder(fixture.index.path()).join(VECTORS_FILE);
        fs::write(&vectors, b"junk").unwrap();
        let error = Index::open(fixture.index.path()).err().unwrap();
        assert!(error.to_string().contains(&vectors.display().to_string()), "{error}");
        fixture.build().unwrap();
        Index::open(fixture.index.path()).unwrap();
    }

    #[test]
    fn leftovers_of_a_crash_are_removed() {
        let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
        fs::create_dir_all(fixture.index.path().join("gen-000007")).unwrap();
        fs::write(fixture.index.path().join(".tmp-x"), "x").unwrap();
        assert_eq!(fixture.build().unwrap().manifest.generation, 8);
        assert_eq!(fixture.generations(), 1);
        assert!(!fixture.index.path().join(".tmp-x").exists());
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
        fs::write(fixture.index.path().join("thesis.doc"), "years of work").unwrap();
        assert!(matches!(fixture.build(), Err(BuildError::NotAnIndex { .. })));
    }

    #[test]
    fn nothing_to_index_is_an_error_that_names_what_was_left_out() {
        let fixture = Fixture::new(&[("a.png", "x"), ("b.md", "  ")]);
        let error = fixture.build().unwrap_err();
        assert!(error.to_string().contains("no documents under"), "{error}");
        assert!(error.to_string().contains("a.png"), "{error}");
    }
}
