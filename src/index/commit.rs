//! Puts a new generation in place: written whole, opened to prove it, and only then named.

use std::collections::BTreeMap;
use std::path::Path;

use super::builder::Calibrate;
use super::chunks::{CHUNKS, DOCUMENTS, DocumentRecord, StoredChunk};
use super::embed::Embedded;
use super::failure::{BuildError, OpenError};
use super::generation::{CHUNKS_FILE, DOCUMENTS_FILE, LEXICAL_FILE, TOKENS_FILE, VECTORS_FILE};
use super::lexical::{FieldTexts, LexicalBuilder};
use super::manifest::{MANIFEST, Manifest, generation_name, read_manifest};
use super::{Index, records, storage, tokens, vectors};

/// Everything that a generation holds.
pub(super) struct Content<'build> {
    pub(super) documents: Vec<&'build DocumentRecord>,
    pub(super) chunks: &'build [StoredChunk],
    /// The chunks' texts without markup, for the lexical index.
    pub(super) bodies: Vec<&'build str>,
    pub(super) embedded: &'build Embedded,
}

/// Writes `content` as the next generation of the index in `folder`. `manifest` is complete but
/// for its generation and checksums. Called with the writer's lock held.
pub(super) fn commit(
    folder: &Path,
    content: &Content<'_>,
    manifest: Manifest,
    calibrate: Option<&Calibrate>,
) -> Result<Manifest, BuildError> {
    let generation = next_generation(folder);
    remove_leftovers(folder)?;
    let files = folder.join(generation_name(generation));
    let committed = write_files(&files, content).and_then(|checksums| {
        storage::sync_folder(folder)?;
        let manifest = Manifest { generation, checksums, ..manifest };
        let index = Index::open_generation(folder, manifest.clone())
            .map_err(|error| BuildError::Verify(Box::new(error)))?;
        let calibration = calibrate.map(|calibrate| calibrate(&index)).transpose()?;
        let manifest = Manifest { calibration, ..manifest };
        let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        storage::replace_file(&folder.join(MANIFEST), &text)?;
        Ok(manifest)
    });
    match committed {
        // The new generation is in force: an old one that cannot be removed is only in the way.
        Ok(_) => drop(remove_leftovers(folder)),
        // What is half-written helps nobody, and on a full disk it is in the way.
        Err(_) => drop(storage::remove_folder(&files)),
    }
    committed
}

fn write_files(folder: &Path, content: &Content<'_>) -> Result<BTreeMap<String, String>, BuildError> {
    storage::create_folder(folder)?;
    let encode_error = |source| BuildError::Write { path: folder.to_owned(), source };
    let embedded = content.embedded;
    let dimensions = embedded.centre.len();
    let document_of: Vec<u32> = content.chunks.iter().map(|chunk| chunk.document).collect();
    let files = [
        (DOCUMENTS_FILE, records::encode(DOCUMENTS, &content.documents).map_err(encode_error)?),
        (CHUNKS_FILE, records::encode(CHUNKS, content.chunks).map_err(encode_error)?),
        (VECTORS_FILE, vectors::encode(&embedded.vectors, dimensions, &document_of, content.documents.len())),
        (TOKENS_FILE, tokens::encode(&embedded.tokens, &embedded.centre)),
        (LEXICAL_FILE, lexical_file(content)),
    ];
    let mut checksums = BTreeMap::new();
    for (name, file) in files {
        checksums.insert(name.to_owned(), file.write(&folder.join(name))?);
    }
    storage::sync_folder(folder)?;
    Ok(checksums)
}

fn lexical_file(content: &Content<'_>) -> storage::FileWriter {
    let mut builder = LexicalBuilder::default();
    for (stored, body) in content.chunks.iter().zip(&content.bodies) {
        let document = content.documents[stored.document as usize];
        builder.add(&FieldTexts {
            body,
            headings: &stored.chunk.headings.join("\n"),
            title: &document.title,
            path: document.path.as_str(),
        });
    }
    builder.finish()
}

/// The number of a generation's folder, by exactly the name that docent gives it.
fn generation_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("gen-")?.parse().ok()?;
    (generation_name(number) == name).then_some(number)
}

/// Whether a folder is a generation, whole or half-written: by its name, and by holding nothing that
/// docent does not write. Anything else is somebody's own.
pub(super) fn is_generation(folder: &Path) -> bool {
    const FILES: [&str; 5] = [DOCUMENTS_FILE, CHUNKS_FILE, VECTORS_FILE, TOKENS_FILE, LEXICAL_FILE];
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

/// Removes the generations that the manifest does not name, and temporary files. Call it with the
/// lock held. Where the manifest cannot be read nobody knows which these are, and all stay: another
/// docent may read what this one cannot.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), BuildError> {
    let current = match read_manifest(folder) {
        Ok(manifest) => Some(manifest.generation),
        Err(OpenError::Missing { .. }) => None,
        Err(_) => return Ok(()),
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match generation_number(&name) {
            Some(generation) if Some(generation) != current && is_generation(&entry.path()) => {
                storage::remove_folder(&entry.path())?;
            }
            None if name.starts_with(".tmp-") => storage::remove_file(&entry.path())?,
            _ => {}
        }
    }
    Ok(())
}
