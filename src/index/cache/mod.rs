//! What the encoder made of passages that no generation holds: those of a build that was interrupted,
//! and those that the last generations held and the current one does not.
//!
//! It lies in `embeddings/` beside the generations and is nothing but saved time: whatever cannot be
//! read or written here is passed over, and removing the folder costs embeddings only. Whoever
//! writes holds the writer's lock.

mod file;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::failure::BuildError;
use super::spool::Spool;
use super::tokens::ChunkTokens;
use super::{Index, storage};
use crate::embedding::Embedder;

pub(in crate::index) use file::{CacheFile, Header, PassageHash, decode_entry, encode_entry};

pub(super) const FOLDER: &str = "embeddings";
const EXTENSION: &str = "cache";
/// What is kept after a build, all files together: passages of some ten thousand chunks.
const MOST_BYTES: usize = 256 << 20;

/// A passage's vector and tokens.
pub(super) type Passage = (Vec<f32>, ChunkTokens);

/// The cache of one index, for one model.
pub(super) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    files: Vec<CacheFile>,
    /// Of other models.
    others: Vec<CacheFile>,
    /// What this build embeds, as it goes.
    log: Option<File>,
    /// Where that is written.
    log_path: Option<PathBuf>,
}

impl Cache {
    /// What the index in `folder` keeps of this model. Another arithmetic is another model here: a
    /// vector stays what it was when it was made.
    pub(super) fn open(folder: &Path, embedder: &dyn Embedder) -> Self {
        let folder = folder.join(FOLDER);
        let model = embedder.identity();
        let arithmetic = embedder.arithmetic().map_or("", |arithmetic| arithmetic.as_str());
        let named = format!("{}\0{}\0{}\0{arithmetic}", model.name, model.sha256, model.dimensions);
        let key = *blake3::hash(named.as_bytes()).as_bytes();
        let is_ours =
            |file: &CacheFile| file.header.key == key && file.header.centre.len() == model.dimensions;
        let (mut files, mut others) = (Vec::new(), Vec::new());
        for path in paths(&folder) {
            match CacheFile::open(&path) {
                Ok(Some(file)) if is_ours(&file) => files.push(file),
                Ok(Some(file)) => others.push(file),
                // Of no use to anybody: half-written, damaged, or of another docent.
                _ => drop(storage::remove_file(&path)),
            }
        }
        Self { folder, key, files, others, log: None, log_path: None }
    }

    pub(super) fn files(&self) -> &[CacheFile] {
        &self.files
    }

    /// From now on, what is embedded around `centre` is written down.
    pub(super) fn begin_log(&mut self, centre: &[f32], sample: Vec<PassageHash>, corpus: usize) {
        let header = Header { key: self.key, centre: centre.to_vec(), sample, corpus: corpus as u32 };
        let path = self.path_of(&header);
        self.log = self.open_log(&path, &header);
        self.log_path = Some(path);
    }

    fn open_log(&self, path: &Path, header: &Header) -> Option<File> {
        storage::create_folder(&self.folder).ok()?;
        let length = self.files.iter().find(|file| file.path == path).map_or(0, |file| file.length);
        let mut file = storage::open_to_append(path, length as u64).ok()?;
        if length == 0 {
            storage::append(&mut file, &header.encode()).ok()?;
        }
        Some(file)
    }

    /// Writes down what was embedded, as an entry. A disk that is full ends the log, not the build.
    pub(super) fn append(&mut self, entry: &[u8]) {
        let Some(log) = &mut self.log else { return };
        if storage::append(log, entry).is_err() {
            self.log = None;
        }
    }

    /// After a commit: keeps what `previous` and the files hold and the new generation does not.
    pub(super) fn settle(mut self, previous: Option<&Index>, centre: &[f32], hashes: &[PassageHash]) {
        let current: HashSet<&PassageHash> = hashes.iter().collect();
        if let Some(index) = previous {
            let before = self.header_of(index.tokens().centre());
            let path = self.path_of(&before);
            if !self.files.iter().any(|file| file.path == path) {
                self.files.push(CacheFile::new(path, before));
            }
        }
        let mut left = MOST_BYTES;
        // What the generation before had is wanted first, then what was written last.
        for file in self.files.iter().rev() {
            let is_around_the_same = file.header.centre == centre;
            let is_kept = |hash: &PassageHash| !(is_around_the_same && current.contains(hash));
            let retired = previous.filter(|index| index.tokens().centre() == file.header.centre);
            left -= self.rewrite(file, retired, &is_kept, left);
        }
        // What was logged is in the generation now, and so is all of a file that held nothing else.
        if let Some(path) =
            self.log_path.take().filter(|path| !self.files.iter().any(|file| file.path == *path))
        {
            drop(storage::remove_file(&path));
        }
        for other in self.others.iter().rev() {
            match left.checked_sub(other.length) {
                Some(rest) => left = rest,
                None => drop(storage::remove_file(&other.path)),
            }
        }
        drop(storage::remove_empty_folder(&self.folder));
    }

    /// Writes a file anew with what is to be kept, up to `room` bytes; gives how many it has then. What
    /// cannot be written is not kept.
    fn rewrite(
        &self,
        file: &CacheFile,
        retired: Option<&Index>,
        is_kept: &dyn Fn(&PassageHash) -> bool,
        room: usize,
    ) -> usize {
        let Ok(retired) = self.retired(file, retired, is_kept, room) else { return 0 };
        let has_retired = retired.len() > file.header.encode().len() as u64;
        let is_same =
            !has_retired && file.hashes().all(is_kept) && self.log_path.as_ref() != Some(&file.path);
        if is_same && file.length <= room {
            return file.length;
        }
        let mut kept = retired;
        let mut count = usize::from(has_retired);
        for hash in file.hashes().filter(|hash| is_kept(hash)) {
            let entry = file.raw(hash);
            if kept.len() as usize + entry.len() <= room {
                if kept.push(entry).is_err() {
                    return 0;
                }
                count += 1;
            }
        }
        file.forget_pages();
        let bytes = kept.len() as usize;
        // A header alone keeps nothing, and may itself be more than there is room for.
        if count == 0 {
            drop(storage::remove_file(&file.path));
            return 0;
        }
        let written = storage::create_folder(&self.folder)
            .and_then(|()| storage::replace_file_by(&file.path, kept.blocks()));
        if written.is_ok() { bytes } else { 0 }
    }

    /// The header of a file, and what `retired` has that is to be kept in it.
    fn retired(
        &self,
        file: &CacheFile,
        retired: Option<&Index>,
        is_kept: &dyn Fn(&PassageHash) -> bool,
        room: usize,
    ) -> Result<Spool, BuildError> {
        let mut bytes = Spool::new(self.folder.parent().unwrap_or(&self.folder))?;
        bytes.push(&file.header.encode())?;
        let Some(index) = retired else { return Ok(bytes) };
        for (hash, chunk) in passages_of(index) {
            if !is_kept(&hash) || file.contains(&hash) {
                continue;
            }
            let mut entry = Vec::new();
            encode_entry(&mut entry, &hash, &passage_of(index, chunk));
            // The others are hardly shorter, and each would be read to find that out.
            if bytes.len() as usize + entry.len() > room {
                break;
            }
            bytes.push(&entry)?;
        }
        index.forget_pages();
        Ok(bytes)
    }

    fn header_of(&self, centre: &[f32]) -> Header {
        Header { key: self.key, centre: centre.to_vec(), sample: Vec::new(), corpus: 0 }
    }

    /// A file for each model and centre.
    fn path_of(&self, header: &Header) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header.key);
        for value in &header.centre {
            hasher.update(&value.to_le_bytes());
        }
        let name = &hasher.finalize().to_hex()[..16];
        self.folder.join(format!("{name}.{EXTENSION}"))
    }
}

/// Removes the cache of the index in `folder`. Call it with the lock held.
pub(super) fn clear(folder: &Path) {
    let folder = folder.join(FOLDER);
    for path in paths(&folder) {
        drop(storage::remove_file(&path));
    }
    drop(storage::remove_empty_folder(&folder));
}

/// The files of a cache, oldest first.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        storage::is_temporary(name) || path.extension().is_some_and(|extension| extension == EXTENSION)
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    paths.sort_by_key(|path| (path.metadata().and_then(|metadata| metadata.modified()).ok(), path.clone()));
    paths
}

/// The passages of a generation with their chunks. A record that does not read back costs an
/// embedding, no more.
pub(super) fn passages_of(index: &Index) -> impl Iterator<Item = (PassageHash, usize)> + '_ {
    (0..index.chunk_count()).filter_map(|number| Some((index.chunk(number).ok()?.passage_hash, number)))
}

/// What the encoder made of a chunk of a generation.
pub(super) fn passage_of(index: &Index, chunk: usize) -> Passage {
    (index.vectors().row(chunk), index.tokens().chunk(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::HashingEmbedder;

    const HEADER: usize = 8 + 4 + 4 + 32 + 4 + 4 + 4 * 256 + 8;

    fn hash(number: u8) -> PassageHash {
        [number; 32]
    }

    /// A cache with a file of ten passages, and how long an entry is.
    fn filled(folder: &Path) -> (Cache, usize) {
        let embedder = HashingEmbedder::default();
        let mut cache = Cache::open(folder, &embedder);
        cache.begin_log(&[0.5; 256], Vec::new(), 10);
        let mut length = 0;
        for number in 0..10 {
            let mut entry = Vec::new();
            let tokens = ChunkTokens { ids: vec![7], signs: vec![0; 4] };
            encode_entry(&mut entry, &hash(number), &(vec![f32::from(number); 256], tokens));
            cache.append(&entry);
            length = entry.len();
        }
        (Cache::open(folder, &embedder), length)
    }

    #[test]
    fn what_fits_is_kept_where_not_all_does() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, entry) = filled(folder.path());
        assert_eq!(cache.files[0].length, HEADER + 10 * entry);
        let room = HEADER + 3 * entry + entry / 2;
        assert_eq!(cache.rewrite(&cache.files[0], None, &|_| true, room), HEADER + 3 * entry);
        let again = Cache::open(folder.path(), &HashingEmbedder::default());
        assert_eq!(again.files[0].hashes().count(), 3);
        // Where nothing does, there is no file of a header alone.
        assert_eq!(again.rewrite(&again.files[0], None, &|_| true, HEADER + 1), 0);
        assert!(paths(&folder.path().join(FOLDER)).is_empty());
    }
}
