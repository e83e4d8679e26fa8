//! Puts a new generation in place: written whole, opened to prove it, and only then named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::builder::Calibrate;
use super::chunks::{CHUNKS, DOCUMENTS, StoredChunk};
use super::failure::{BuildError, OpenError};
use super::generation::{CHUNKS_FILE, DOCUMENTS_FILE, GRAPH_FILE, LEXICAL_FILE, TOKENS_FILE, VECTORS_FILE};
use super::graph::BuiltGraph;
use super::lexical::{FieldTexts, LexicalBuilder};
use super::manifest::{MANIFEST, Manifest, generation_name, read_manifest};
use super::prepared::Prepared;
use super::records::RecordsWriter;
use super::storage::{ArrayWriter, Check};
use super::vectors::VectorArrays;
use super::{Index, cache, storage};
use crate::chunking::Cut;

/// What a generation holds.
pub(super) struct Content<'build> {
    pub(super) prepared: &'build Prepared,
    /// The chunks' vectors as they are kept.
    pub(super) vectors: VectorArrays,
    pub(super) graph: Option<BuiltGraph>,
    pub(super) tokens: ArrayWriter<'static>,
}

/// Writes `content` as the next generation of the index in `folder`, and gives its memory back before that is
/// opened. `manifest` is complete but for its generation and checksums. Called with the writer's lock held.
pub(super) fn commit(
    folder: &Path,
    content: Content<'_>,
    manifest: Manifest,
    calibrate: Option<&Calibrate>,
) -> Result<Manifest, BuildError> {
    commit_with(folder, manifest, calibrate, |files| {
        let checksums = write_files(files, &content);
        drop(content);
        checksums
    })
}

/// The same with what `write` puts into the generation's folder; it gives the checksums.
pub(super) fn commit_with(
    folder: &Path,
    manifest: Manifest,
    calibrate: Option<&Calibrate>,
    write: impl FnOnce(&Path) -> Result<BTreeMap<String, String>, BuildError>,
) -> Result<Manifest, BuildError> {
    let generation = next_generation(folder);
    remove_leftovers(folder)?;
    let files = folder.join(generation_name(generation));
    let committed = write(&files).and_then(|checksums| {
        storage::sync_folder(folder)?;
        let manifest = Manifest { generation, checksums, ..manifest };
        let index = Index::open_generation(folder, manifest.clone(), Check::Whole)
            .map_err(|error| BuildError::Verify(Box::new(error)))?;
        let calibration = calibrate.map(|calibrate| calibrate(&index)).transpose()?;
        let manifest = Manifest { calibration, ..manifest };
        storage::replace_file(&folder.join(MANIFEST), manifest.sealed().as_bytes())?;
        Ok(manifest)
    });
    match committed {
        // The new generation is in force: an old one that cannot be removed is only in the way.
        Ok(_) => drop(remove_leftovers(folder)),
        // The last step may fail with the manifest in its place: then both generations stay, and
        // whichever manifest is there after a crash finds its own.
        Err(_) if is_named(folder, generation) => {}
        // What is half-written helps nobody, and on a full disk it is in the way.
        Err(_) => drop(storage::remove_folder(&files)),
    }
    committed
}

/// Whether the manifest names this generation.
fn is_named(folder: &Path, generation: u64) -> bool {
    read_manifest(folder).is_ok_and(|manifest| manifest.generation == generation)
}

fn write_files(folder: &Path, content: &Content<'_>) -> Result<BTreeMap<String, String>, BuildError> {
    storage::create_folder(folder)?;
    let prepared = content.prepared;
    let mut documents = RecordsWriter::new(DOCUMENTS, prepared.folder())?;
    prepared.documents.iter().try_for_each(|document| documents.push(document))?;
    let (chunks, lexical) = chunk_files(prepared)?;
    let mut checksums = BTreeMap::new();
    let mut write = |name: &str, file: &ArrayWriter<'_>| {
        checksums.insert(name.to_owned(), file.write(&folder.join(name))?);
        Ok::<_, BuildError>(())
    };
    write(DOCUMENTS_FILE, &documents.finish())?;
    write(CHUNKS_FILE, &chunks)?;
    write(VECTORS_FILE, &content.vectors.encode())?;
    write(TOKENS_FILE, &content.tokens)?;
    write(LEXICAL_FILE, &lexical)?;
    if let Some(graph) = &content.graph {
        write(GRAPH_FILE, &graph.encode())?;
    }
    storage::sync_folder(folder)?;
    Ok(checksums)
}

/// The chunks' records and their terms, from one look at each.
fn chunk_files(prepared: &Prepared) -> Result<(ArrayWriter<'static>, ArrayWriter<'static>), BuildError> {
    let mut records = RecordsWriter::new(CHUNKS, prepared.folder())?;
    let mut lexical = LexicalBuilder::new(prepared.folder());
    for (number, document) in prepared.document_of().into_iter().enumerate() {
        let Cut { chunk, body, .. } = prepared.cut(number)?;
        let of = &prepared.documents[document as usize];
        lexical.add(&FieldTexts {
            body: &body,
            headings: &chunk.headings.join("\n"),
            title: &of.title,
            path: of.path.as_str(),
        })?;
        records.push(&StoredChunk { document, passage_hash: prepared.hashes[number], chunk })?;
    }
    Ok((records.finish(), lexical.finish()?))
}

/// The number of a generation's folder, by exactly the name that docent gives it.
fn generation_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("gen-")?.parse().ok()?;
    (generation_name(number) == name).then_some(number)
}

/// Whether a folder is a generation, whole or half-written: by its name, and by holding nothing that
/// docent does not write. Anything else is somebody's own.
pub(super) fn is_generation(folder: &Path) -> bool {
    const FILES: [&str; 6] =
        [DOCUMENTS_FILE, CHUNKS_FILE, VECTORS_FILE, TOKENS_FILE, LEXICAL_FILE, GRAPH_FILE];
    let name = folder.file_name().and_then(|name| name.to_str());
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let only_ours = entries.flatten().all(|entry| FILES.iter().any(|file| entry.file_name() == *file));
    name.and_then(generation_number).is_some() && only_ours
}

/// One more than any generation that is there, named or not.
fn next_generation(folder: &Path) -> u64 {
    let on_disk = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let newest = on_disk.filter_map(|entry| generation_number(&entry.file_name().to_string_lossy())).max();
    let named = read_manifest(folder).ok().map(|manifest| manifest.generation);
    newest.max(named).unwrap_or(0).saturating_add(1)
}

/// What interrupted builds left in the index at `folder`: generations that the manifest does not
/// name, and temporary files. Where the manifest cannot be read nobody knows which these are, and
/// there are none: another docent may read what this one cannot.
#[must_use]
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let current = match read_manifest(folder) {
        Ok(manifest) => Some(manifest.generation),
        Err(OpenError::Missing { .. }) => None,
        Err(_) => return Vec::new(),
    };
    let is_leftover = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match generation_number(name) {
            Some(generation) => Some(generation) != current && is_generation(path),
            None => storage::is_temporary(name) && path.is_file(),
        }
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut leftovers: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_leftover).collect();
    leftovers.sort();
    leftovers
}

/// Removes them. Call it with the lock held.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), BuildError> {
    for path in leftovers(folder) {
        if path.is_dir() {
            storage::remove_folder(&path)?;
        } else {
            storage::remove_file(&path)?;
        }
    }
    Ok(())
}

/// A folder may become an index if it is new, empty, an index already, or holds only the notes
/// that a repository keeps in it.
pub(super) fn ensure_index_folder(folder: &Path) -> Result<(), BuildError> {
    let harmless = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        ["README.md", ".gitignore", ".gitkeep", "writer.lock", cache::FOLDER, MANIFEST]
            .contains(&name.as_str())
            || storage::is_temporary(&name)
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
