//! One file of the cache: a header with the centre that token signs were taken around, then entry
//! after entry, each with its checksum. It is only appended to, or replaced; where a process died
//! while it wrote, the file is good up to the first entry that does not check.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::storage::{self, Kept};
use super::super::tokens::{ChunkTokens, words_per_token};
use super::Passage;

const MAGIC: &[u8; 8] = b"DOCENTCE";
/// Raised whenever an older docent could misread an entry: files of another version are passed over.
const VERSION: u32 = 1;
/// No sample is larger; a larger count is damage.
const MAX_SAMPLE: usize = 4096;
/// No model has longer vectors; a longer one is damage.
const MAX_DIMENSIONS: usize = 1 << 16;

/// Names what was embedded and by which model: see `passage_hash`.
pub(in crate::index) type PassageHash = [u8; 32];

/// What all entries of a file have in common.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::index) struct Header {
    /// The model and its arithmetic, as one digest.
    pub(in crate::index) key: [u8; 32],
    /// What token signs are taken around.
    pub(in crate::index) centre: Vec<f32>,
    /// The passages that the centre was taken from; empty where that is not known any more.
    pub(in crate::index) sample: Vec<PassageHash>,
    /// Number of passages of the corpus that they stood for.
    pub(in crate::index) corpus: u32,
}

impl Header {
    /// Little-endian: magic, version, dimensions, key, number of samples, corpus, centre, samples,
    /// checksum.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.centre.len() as u32).to_le_bytes());
        bytes.extend(self.key);
        bytes.extend((self.sample.len() as u32).to_le_bytes());
        bytes.extend(self.corpus.to_le_bytes());
        bytes.extend(self.centre.iter().flat_map(|value| value.to_le_bytes()));
        bytes.extend(self.sample.iter().flatten());
        with_checksum(bytes, 0)
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        if cursor.take(8)? != MAGIC || cursor.number()? != VERSION as usize {
            return None;
        }
        let dimensions = cursor.number().filter(|count| *count <= MAX_DIMENSIONS)?;
        let key = *cursor.take(32)?.first_chunk()?;
        let samples = cursor.number().filter(|count| *count <= MAX_SAMPLE)?;
        let corpus = cursor.number()? as u32;
        let centre = floats(cursor.take(4 * dimensions)?);
        let sample = cursor.take(32 * samples)?.as_chunks::<32>().0.to_vec();
        cursor.check(0)?;
        Some(Self { key, centre, sample, corpus })
    }

    /// Whether a corpus of these passages is still the one that the centre was taken from.
    pub(in crate::index) fn fits(&self, passages: &HashSet<PassageHash>) -> bool {
        let still_there = self.sample.iter().filter(|hash| passages.contains(*hash)).count();
        let is_same = !self.sample.is_empty() && 2 * still_there >= self.sample.len();
        is_same && passages.len() <= 2 * self.corpus as usize
    }
}

/// Appends one entry: number of tokens, hash, vector, signs, ids, checksum.
pub(in crate::index) fn encode_entry(bytes: &mut Vec<u8>, hash: &PassageHash, (vector, tokens): &Passage) {
    let start = bytes.len();
    bytes.extend((tokens.ids.len() as u32).to_le_bytes());
    bytes.extend(hash);
    bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(tokens.signs.iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend(tokens.ids.iter().flat_map(|id| id.to_le_bytes()));
    *bytes = with_checksum(std::mem::take(bytes), start);
}

/// Adds the first eight bytes of the blake3 of what follows `start`.
fn with_checksum(mut bytes: Vec<u8>, start: usize) -> Vec<u8> {
    let digest = blake3::hash(&bytes[start..]);
    bytes.extend(&digest.as_bytes()[..8]);
    bytes
}

/// A file that was read up to where it is good.
pub(in crate::index) struct CacheFile {
    pub(super) path: PathBuf,
    pub(in crate::index) header: Header,
    /// Absent for a file that is still to be written.
    bytes: Option<Kept>,
    /// How many bytes of it are good.
    pub(super) length: usize,
    entries: HashMap<PassageHash, Range<usize>>,
}

impl CacheFile {
    /// One that is still to be written.
    pub(super) fn new(path: PathBuf, header: Header) -> Self {
        Self { path, header, bytes: None, length: 0, entries: HashMap::new() }
    }

    /// Reads `path`; `None` where it is not a cache of this docent.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let bytes = storage::map_kept(path)?;
        let mut cursor = Cursor { bytes: &bytes, place: 0 };
        let Some(header) = Header::read(&mut cursor) else { return Ok(None) };
        let dimensions = header.centre.len();
        let mut entries = HashMap::new();
        let mut length = cursor.place;
        while let Some((hash, range)) = cursor.entry(dimensions) {
            entries.insert(hash, range);
            length = cursor.place;
        }
        bytes.forget_pages();
        Ok(Some(Self { path: path.to_owned(), header, bytes: Some(bytes), length, entries }))
    }

    pub(in crate::index) fn forget_pages(&self) {
        if let Some(bytes) = &self.bytes {
            bytes.forget_pages();
        }
    }

    pub(in crate::index) fn hashes(&self) -> impl Iterator<Item = &PassageHash> {
        self.entries.keys()
    }

    pub(super) fn contains(&self, hash: &PassageHash) -> bool {
        self.entries.contains_key(hash)
    }

    /// The entry of `hash` as it stands in the file.
    pub(super) fn raw(&self, hash: &PassageHash) -> &[u8] {
        let range = self.entries.get(hash).cloned().unwrap_or_default();
        self.bytes.as_ref().and_then(|bytes| bytes.get(range)).unwrap_or_default()
    }

    /// What the encoder made of a passage.
    pub(in crate::index) fn get(&self, hash: &PassageHash) -> Option<Passage> {
        decode_entry(self.raw(hash), self.header.centre.len())
    }
}

/// The passage of an entry.
pub(in crate::index) fn decode_entry(entry: &[u8], dimensions: usize) -> Option<Passage> {
    let mut cursor = Cursor { bytes: entry, place: 0 };
    let tokens = cursor.number()?;
    cursor.take(32)?;
    let vector = floats(cursor.take(4 * dimensions)?);
    let signs = cursor.take(8 * words_per_token(dimensions) * tokens)?.as_chunks::<8>().0;
    let signs = signs.iter().map(|word| u64::from_le_bytes(*word)).collect();
    let ids = cursor.take(2 * tokens)?.as_chunks::<2>().0;
    let ids = ids.iter().map(|id| u16::from_le_bytes(*id)).collect();
    Some((vector, ChunkTokens { ids, signs }))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// Reads numbers and never beyond the end.
struct Cursor<'bytes> {
    bytes: &'bytes [u8],
    place: usize,
}

impl<'bytes> Cursor<'bytes> {
    fn take(&mut self, length: usize) -> Option<&'bytes [u8]> {
        let end = self.place.checked_add(length)?;
        let taken = self.bytes.get(self.place..end)?;
        self.place = end;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize)
    }

    /// Reads a checksum and holds it against what follows `start`.
    fn check(&mut self, start: usize) -> Option<()> {
        let digest = blake3::hash(&self.bytes[start..self.place]);
        (self.take(8)? == &digest.as_bytes()[..8]).then_some(())
    }

    /// Passes over the next entry, if it is good.
    fn entry(&mut self, dimensions: usize) -> Option<(PassageHash, Range<usize>)> {
        let start = self.place;
        let tokens = self.number()?;
        let hash = *self.take(32)?.first_chunk()?;
        let a_token = 8 * words_per_token(dimensions) + 2;
        self.take((4 * dimensions).checked_add(tokens.checked_mul(a_token)?)?)?;
        self.check(start)?;
        Some((hash, start..self.place))
    }
}
