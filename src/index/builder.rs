//! Builds a generation: walk, read, chunk, embed what is new, write, commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cached::CachedVectors;
use super::chunks::{CHUNKS, DOCUMENTS, DocumentRecord, StoredChunk};
use super::failure::BuildError;
use super::generation::{CHUNKS_FILE, DOCUMENTS_FILE, LEXICAL_FILE, VECTORS_FILE};
use super::lexical::{FieldTexts, LexicalBuilder};
use super::manifest::{
    Counts, FORMAT_VERSION, MANIFEST, Manifest, SkipSummary, generation_name, read_manifest,
};
use super::passages::{EncoderTokens, passage, passage_hash};
use super::{Index, WriterLock, records, storage, vectors};
use crate::chunking::{Chunk, ChunkSettings, Chunker};
use crate::embedding::{EmbedError, Embedder, Role};
use crate::parse::{Format, parse};
use crate::progress::{Progress, Unit};
use crate::source::{FileText, Limits, Skip, SourceError, SourceFile, SourcePath, read_text, walk};

/// A folder or file to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where it is.
    pub path: PathBuf,
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
    /// Who watches.
    pub progress: &'work dyn Progress,
}

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
    chunks: Vec<Chunk>,
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
        if let Some(index) = previous.as_ref().filter(|index| self.is_current(index, &prepared)) {
            let manifest = index.manifest().clone();
            return Ok(BuildReport { outcome: Outcome::Unchanged, manifest, skipped });
        }
        let (stored, passages) = self.stored_chunks(&prepared);
        let known = CachedVectors::of(previous.as_ref(), self.embedder.identity());
        let (values, embedded) = self.embed(&stored, &passages, &known)?;
        let manifest = self.write(&prepared, &stored, &values, &skipped)?;
        let outcome = Outcome::Built { embedded, reused: stored.len() - embedded };
        Ok(BuildReport { outcome, manifest, skipped })
    }

    /// The files of all roots. With several roots, each root's name stands before its paths.
    fn inventory(&self) -> Result<(Vec<NumberedFile>, Vec<Skip>), BuildError> {
        let mut files: Vec<NumberedFile> = Vec::new();
        let mut skipped = Vec::new();
        for (number, root) in self.roots.iter().enumerate() {
            let found = walk(&root.path, &self.limits, &|path| Format::of(path).is_some())?;
            let prefix = if self.roots.len() > 1 { folder_name(&root.path) } else { None };
            let prefixed = |path: &str| match &prefix {
                Some(prefix) => format!("{prefix}/{path}"),
                None => path.to_owned(),
            };
            for mut file in found.files {
                if let Ok(path) = SourcePath::try_from(prefixed(file.path.as_str())) {
                    file.path = path;
                }
                files.push((number as u32, file));
            }
            skipped.extend(found.skipped.into_iter().map(|skip| Skip { path: prefixed(&skip.path), ..skip }));
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
        read_manifest(&self.folder).ok()?;
        match Index::open(&self.folder) {
            Ok(index) => Some(index),
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
        prepared
    }

    fn prepare_file(&self, root: u32, file: &SourceFile) -> Result<Prepared, Skip> {
        let skip = |reason| Skip { path: file.path.to_string(), reason };
        let read = match &file.record {
            Some(record) => FileText { text: record.text.clone(), hash: record.hash() },
            None => read_text(&file.location, self.limits.max_file_bytes).map_err(skip)?,
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
        let chunks = Chunker::new(self.chunking, &counter).chunk(&file.path, &read.text, &parsed);
        let document = DocumentRecord {
            path: file.path.clone(),
            title: parsed.title,
            description: parsed.description,
            root,
            hash: read.hash,
            size: file.size,
            modified_ns: file.modified_ns,
            first_chunk: 0,
            chunk_count: chunks.len() as u32,
        };
        Ok(Prepared { document, chunks })
    }

    fn is_current(&self, index: &Index, prepared: &[Prepared]) -> bool {
        let manifest = index.manifest();
        let same_settings = manifest.model == *self.embedder.identity()
            && manifest.chunking == self.chunking
            && manifest.roots == self.absolute_roots()
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

    fn stored_chunks(&self, prepared: &[Prepared]) -> (Vec<StoredChunk>, Vec<String>) {
        let mut stored = Vec::new();
        let mut passages = Vec::new();
        for (number, file) in prepared.iter().enumerate() {
            for chunk in &file.chunks {
                let passage = passage(&file.document.title, chunk);
                let passage_hash = passage_hash(self.embedder.identity(), &passage);
                stored.push(StoredChunk { document: number as u32, passage_hash, chunk: chunk.clone() });
                passages.push(passage);
            }
        }
        (stored, passages)
    }

    /// The vectors of all chunks, row after row, and how many of them had to be made.
    fn embed(
        &self,
        stored: &[StoredChunk],
        passages: &[String],
        known: &CachedVectors,
    ) -> Result<(Vec<f32>, usize), BuildError> {
        let missing: Vec<usize> =
            (0..stored.len()).filter(|index| known.get(&stored[*index].passage_hash).is_none()).collect();
        let made = self.encode_all(&missing, passages)?;
        let mut made = made.into_iter();
        let mut values = Vec::with_capacity(stored.len() * self.embedder.identity().dimensions);
        for chunk in stored {
            match known.get(&chunk.passage_hash) {
                Some(vector) => values.extend_from_slice(vector),
                None => values.extend(made.next().unwrap_or_default()),
            }
        }
        Ok((values, missing.len()))
    }

    /// Encodes the passages at `missing`, on as many threads as the encoder serves at once.
    fn encode_all(&self, missing: &[usize], passages: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        self.progress.begin("embedding", Some(missing.len() as u64), Unit::Chunks);
        let results = in_parallel(missing.len(), self.embedder.parallelism(), |index| {
            let encoded = self.embedder.encode(&passages[missing[index]], Role::Passage);
            self.progress.advance(1);
            encoded.map(|encoding| encoding.pooled.as_slice().to_vec())
        });
        self.progress.finish();
        results.into_iter().collect()
    }

    /// Writes a new generation, opens it to prove it, and only then names it in the manifest.
    fn write(
        &self,
        prepared: &[Prepared],
        stored: &[StoredChunk],
        values: &[f32],
        skipped: &[Skip],
    ) -> Result<Manifest, BuildError> {
        let generation = next_generation(&self.folder);
        remove_leftovers(&self.folder)?;
        let folder = self.folder.join(generation_name(generation));
        let written = self.write_files(&folder, prepared, stored, values);
        let committed = written.and_then(|checksums| {
            let manifest = self.manifest(generation, prepared, stored.len(), skipped, checksums);
            Index::open_generation(&self.folder, manifest.clone())
                .map_err(|error| BuildError::Verify(Box::new(error)))?;
            let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
            storage::replace_file(&self.folder.join(MANIFEST), &text)?;
            Ok(manifest)
        });
        if committed.is_err() {
            // What is half-written helps nobody, and on a full disk it is in the way.
            let _ = storage::remove_folder(&folder);
        }
        let manifest = committed?;
        // The new generation is in force: an old one that cannot be removed is only in the way.
        let _ = remove_leftovers(&self.folder);
        Ok(manifest)
    }

    fn write_files(
        &self,
        folder: &Path,
        prepared: &[Prepared],
        stored: &[StoredChunk],
        values: &[f32],
    ) -> Result<BTreeMap<String, String>, BuildError> {
        storage::create_folder(folder)?;
        let encode_error = |source| BuildError::Write { path: folder.to_owned(), source };
        let documents: Vec<&DocumentRecord> = prepared.iter().map(|file| &file.document).collect();
        let files = [
            (DOCUMENTS_FILE, records::encode(DOCUMENTS, &documents).map_err(encode_error)?),
            (CHUNKS_FILE, records::encode(CHUNKS, stored).map_err(encode_error)?),
            (VECTORS_FILE, vectors::encode(values)),
            (LEXICAL_FILE, lexical_file(prepared, stored)),
        ];
        let mut checksums = BTreeMap::new();
        for (name, file) in files {
            checksums.insert(name.to_owned(), file.write(&folder.join(name))?);
        }
        storage::sync_folder(folder)?;
        storage::sync_folder(&self.folder)?;
        Ok(checksums)
    }

    fn manifest(
        &self,
        generation: u64,
        prepared: &[Prepared],
        chunks: usize,
        skipped: &[Skip],
        checksums: BTreeMap<String, String>,
    ) -> Manifest {
        Manifest {
            format: FORMAT_VERSION,
            generation,
            indexed_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            roots: self.absolute_roots(),
            model: self.embedder.identity().clone(),
            chunking: self.chunking,
            counts: Counts {
                documents: prepared.len(),
                chunks,
                source_bytes: prepared.iter().map(|file| file.document.size).sum(),
            },
            skipped: SkipSummary::of(skipped),
            checksums,
        }
    }
}

fn lexical_file(prepared: &[Prepared], stored: &[StoredChunk]) -> storage::FileWriter {
    let mut builder = LexicalBuilder::default();
    for stored in stored {
        let document = &prepared[stored.document as usize].document;
        builder.add(&FieldTexts {
            body: &stored.chunk.body,
            headings: &stored.chunk.headings.join("\n"),
            title: &document.title,
            path: document.path.as_str(),
        });
    }
    builder.finish()
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

/// Calls `work` with 0..count on `threads` threads; the results come in order.
fn in_parallel<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let result = work(index);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A folder may become an index if it is new, empty, an index already, or holds only the notes
/// that a repository keeps in it.
fn ensure_index_folder(folder: &Path) -> Result<(), BuildError> {
    let harmless = |name: &str| {
        ["README.md", ".gitignore", ".gitkeep", "writer.lock", MANIFEST].contains(&name)
            || name.starts_with("gen-")
            || name.starts_with(".tmp-")
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BuildError::Write { path: folder.to_owned(), source }),
    };
    let is_index = folder.join(MANIFEST).exists();
    let foreign = entries.flatten().any(|entry| !harmless(&entry.file_name().to_string_lossy()));
    if foreign && !is_index { Err(BuildError::NotAnIndex { folder: folder.to_owned() }) } else { Ok(()) }
}

fn generation_number(name: &str) -> Option<u64> {
    name.strip_prefix("gen-")?.parse().ok()
}

/// One more than any generation that is there, named or not.
fn next_generation(folder: &Path) -> u64 {
    let on_disk = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let newest = on_disk.filter_map(|entry| generation_number(&entry.file_name().to_string_lossy())).max();
    let named = read_manifest(folder).ok().map(|manifest| manifest.generation);
    newest.max(named).unwrap_or(0) + 1
}

/// Removes the generations that the manifest does not name, and temporary files. Called with the
/// lock held.
fn remove_leftovers(folder: &Path) -> Result<(), BuildError> {
    let current = read_manifest(folder).ok().map(|manifest| manifest.generation);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match generation_number(&name) {
            Some(generation) if Some(generation) != current => storage::remove_folder(&entry.path())?,
            None if name.starts_with(".tmp-") => {
                let _ = std::fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
                roots: vec![Root { path: self.source.path().to_owned() }],
                limits: Limits::default(),
                chunking: ChunkSettings::for_encoder(256),
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
