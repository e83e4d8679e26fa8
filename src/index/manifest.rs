//! The manifest: which generation is current, what made it, and a checksum for each of its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::GraphSummary;
use super::calibration::Calibration;
use super::chunks::DocumentRecord;
use super::failure::OpenError;
use crate::chunking::ChunkSettings;
use crate::embedding::{Arithmetic, ModelIdentity};
use crate::source::{CollectionName, DocumentKind, Skip, SourceSpec};

/// The format that this docent writes. It changes whenever an older docent could misread a file.
pub const FORMAT_VERSION: u32 = 2;
/// The oldest format that this docent reads.
pub const OLDEST_READABLE: u32 = 1;
/// The oldest format whose docent reads what this one writes.
pub(super) const READABLE_FROM: u32 = 2;
/// The first format that keeps vectors in two planes of bytes; before it they are `f32`.
pub(super) const PLANES_FROM: u32 = 2;

pub(super) const MANIFEST: &str = "manifest.json";
/// A manifest is small; a larger file is not one.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// `index/manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT_VERSION`].
    pub format: u32,
    /// The oldest format whose docent reads this index all the same: a newer docent that adds what
    /// an older one may pass over leaves it behind. Absent: `format` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable_from: Option<u32>,
    /// Counts the builds of this index, from 1. Its files are in `gen-` and this number.
    pub generation: u64,
    /// When the build ended, RFC 3339 in UTC.
    pub indexed_at: String,
    /// When the sources were listed, in nanoseconds since the Unix epoch: a file that was modified
    /// shortly before may change again without another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_ns: Option<u64>,
    /// The folders and files that were indexed.
    pub roots: Vec<PathBuf>,
    /// How those were declared, one for each; none in an index of an earlier docent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceSpec>,
    /// What made the vectors.
    pub model: ModelIdentity,
    /// In which numbers the encoder ran when the newest vectors were made; absent where the model's
    /// file decides. Vectors of different arithmetic agree closely enough to be searched together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Arithmetic>,
    /// Where the vectors come from, where docent did not make them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// What cut the chunks.
    pub chunking: ChunkSettings,
    /// How much it holds.
    pub counts: Counts,
    /// How answers look where nothing answers; absent where an older docent made the index, whose
    /// answers then carry no confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How many documents there are of each kind; nothing in an index of an earlier docent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<DocumentKind, usize>,
    /// How many documents there are in each collection; nothing where none has a name. The one without
    /// a name is not among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub collections: BTreeMap<CollectionName, usize>,
    /// What was left out, by reason, with up to a hundred of them named.
    pub skipped: SkipSummary,
    /// The graph for approximate search; absent where every question is compared with every chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphSummary>,
    /// blake3 of each file of the generation, by name.
    pub checksums: BTreeMap<String, String>,
    /// blake3 of the manifest's own text, with zeros in the place of these digits; absent in indexes of
    /// before, and in a manifest that a person has edited on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// Vectors that were made elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The name of their file.
    pub file: String,
    /// How much their centred cosines differ between chunks, a standard deviation: what the dense view
    /// is divided by.
    pub dense_spread: f32,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Documents.
    pub documents: usize,
    /// Chunks.
    pub chunks: usize,
    /// Bytes of the documents.
    pub source_bytes: u64,
}

/// What was left out of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SkipSummary {
    /// Number of files by kind of reason.
    pub by_reason: BTreeMap<String, usize>,
    /// The first of them.
    pub examples: Vec<Skip>,
}

const EXAMPLES: usize = 100;

impl SkipSummary {
    /// Whether the same is left out for reasons of the same kind: the size of a file that is too large may grow.
    pub(super) fn names_the_same(&self, other: &Self) -> bool {
        let named = |summary: &Self| -> Vec<(String, &'static str)> {
            summary.examples.iter().map(|skip| (skip.path.clone(), skip.reason.kind())).collect()
        };
        self.by_reason == other.by_reason && named(self) == named(other)
    }

    /// Counts `skipped`. Files without a parser are counted, and named only where room is left.
    #[must_use]
    pub fn of(skipped: &[Skip]) -> Self {
        let mut by_reason = BTreeMap::new();
        for skip in skipped {
            *by_reason.entry(skip.reason.kind().to_owned()).or_default() += 1;
        }
        let is_unsupported = |skip: &&Skip| skip.reason.kind() == "unsupported";
        let worth_naming = skipped.iter().filter(|skip| !is_unsupported(skip));
        let rest = skipped.iter().filter(is_unsupported);
        Self { by_reason, examples: worth_naming.chain(rest).take(EXAMPLES).cloned().collect() }
    }
}

impl Manifest {
    /// The manifest's own file, in the index at `folder`.
    #[must_use]
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(MANIFEST)
    }

    /// What a document of this index is: what its source was declared to hold, else what its path
    /// says.
    #[must_use]
    pub fn kind_of(&self, document: &DocumentRecord) -> DocumentKind {
        let declared = self.sources.get(document.root as usize).and_then(|source| source.kind);
        declared.unwrap_or_else(|| DocumentKind::of(&document.path))
    }

    /// Whether there are documents of `kind`.
    #[must_use]
    pub fn holds(&self, kind: DocumentKind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// Counts the documents by kind, and by collection.
    pub(super) fn count_documents<'a>(&mut self, documents: impl Iterator<Item = &'a DocumentRecord>) {
        let mut kinds = BTreeMap::new();
        // A collection may have no document now.
        let named = self.sources.iter().filter_map(|source| source.collection.clone());
        let mut collections: BTreeMap<CollectionName, usize> = named.map(|name| (name, 0)).collect();
        for document in documents {
            *kinds.entry(self.kind_of(document)).or_default() += 1;
            if let Some(count) = self.collection_of(document.root).and_then(|name| collections.get_mut(name))
            {
                *count += 1;
            }
        }
        (self.kinds, self.collections) = (kinds, collections);
    }

    /// What was declared, as it is typed; for an index of an earlier docent, its roots.
    #[must_use]
    pub fn declared(&self) -> Vec<SourceSpec> {
        if self.sources.len() == self.roots.len() {
            return self.sources.clone();
        }
        self.roots.iter().cloned().map(SourceSpec::directory).collect()
    }

    /// The collection of a root; `None` for the one without a name.
    #[must_use]
    pub fn collection_of(&self, root: u32) -> Option<&CollectionName> {
        self.sources.get(root as usize).and_then(|source| source.collection.as_ref())
    }

    /// How many names stand before the path that a document has under its root: that of its
    /// collection, and that of its root where the collection has several.
    #[must_use]
    pub fn depth_of(&self, root: u32) -> usize {
        let collection = self.collection_of(root);
        let roots = 0..self.roots.len() as u32;
        let in_the_same = roots.filter(|other| self.collection_of(*other) == collection).count();
        usize::from(collection.is_some()) + usize::from(in_the_same > 1)
    }

    /// The folder of the generation's files.
    #[must_use]
    pub fn generation_folder(&self, index: &Path) -> PathBuf {
        index.join(generation_name(self.generation))
    }
}

/// What stands in the place of the seal while it is taken.
const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl Manifest {
    /// Its text on disk, with its seal.
    pub(super) fn sealed(&self) -> String {
        let unsealed = Self { seal: Some(UNSEALED.to_owned()), ..self.clone() };
        let text = serde_json::to_string_pretty(&unsealed).unwrap_or_default();
        let seal = blake3::hash(text.as_bytes()).to_hex();
        // It is the last field.
        match text.rsplit_once(UNSEALED) {
            Some((before, after)) => format!("{before}{seal}{after}"),
            None => text,
        }
    }
}

/// Whether `text` is what was sealed: every other byte of it counts, fields that are not known here
/// included.
fn is_sealed_by(text: &str, seal: &str) -> bool {
    let Some((before, after)) = text.rsplit_once(seal) else { return false };
    blake3::hash(format!("{before}{UNSEALED}{after}").as_bytes()).to_hex().as_str() == seal
}

pub(super) fn generation_name(generation: u64) -> String {
    format!("gen-{generation:06}")
}

/// Reads the manifest of the index in `folder`.
///
/// # Errors
/// Where there is none, it cannot be read, or its format is not readable by this docent.
pub fn read_manifest(folder: &Path) -> Result<Manifest, OpenError> {
    let path = folder.join(MANIFEST);
    let unreadable = |source| OpenError::Unreadable { path: path.clone(), source };
    let size = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(OpenError::Missing { folder: folder.to_owned() });
        }
        Err(error) => return Err(unreadable(error)),
    };
    if size > MAX_MANIFEST_BYTES {
        return Err(OpenError::damaged(&path, format!("{size} bytes is too long for a manifest")));
    }
    let bytes = fs::read(&path).map_err(unreadable)?;
    check_format(folder, &path, &bytes)?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| OpenError::damaged(&path, error.to_string()))?;
    // What parses as JSON is UTF-8.
    let is_whole = |seal: &String| std::str::from_utf8(&bytes).is_ok_and(|text| is_sealed_by(text, seal));
    if manifest.seal.as_ref().is_some_and(|seal| !is_whole(seal)) {
        return Err(OpenError::damaged(&path, "its checksum does not match its content"));
    }
    Ok(manifest)
}

/// The format is read by itself first: a newer manifest may have other fields.
fn check_format(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    #[derive(Deserialize)]
    struct OnlyFormat {
        format: u32,
        readable_from: Option<u32>,
    }
    let OnlyFormat { format, readable_from } =
        serde_json::from_slice(bytes).map_err(|error| OpenError::damaged(path, error.to_string()))?;
    let needed = readable_from.unwrap_or(format).min(format);
    if format >= OLDEST_READABLE && needed <= FORMAT_VERSION {
        return Ok(());
    }
    Err(OpenError::Format {
        folder: folder.to_owned(),
        found: format,
        oldest: OLDEST_READABLE,
        newest: FORMAT_VERSION,
    })
}
