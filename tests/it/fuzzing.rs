//! The fuzz targets over their corpus, and over seeded changes to it: a fuzzer's first minutes, the
//! same on every run. `fuzz/README.md` says how to go further.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/targets.rs"]
mod targets;

/// Changed inputs for each target.
const ROUNDS: usize = 150;

/// Xorshift64*: the same changes everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    /// `bytes` with some of what fuzzers do to them.
    fn changed(&mut self, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
        // Numbers that lengths and counts go wrong at.
        const NUMBERS: [u64; 6] = [0, 1, 0xffff_ffff, 1 << 31, u64::MAX, 1 << 63];
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(place),
                1 => bytes.insert(place.min(bytes.len()), self.below(256) as u8),
                2 => {
                    let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                    let width = [1, 2, 4, 8][self.below(4)];
                    for (byte, value) in bytes.iter_mut().skip(place).zip(&number[..width]) {
                        *byte = *value;
                    }
                }
                3 => {
                    let start = self.below(other.len());
                    let end = (start + self.below(64)).min(other.len());
                    bytes.splice(place..place, other[start..end].iter().copied());
                }
                4 if !bytes.is_empty() => {
                    bytes.remove(place);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        bytes
    }
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(target: &str, run: fn(&[u8]), more: Vec<Vec<u8>>) {
    let mut inputs: Vec<Vec<u8>> = corpus(target).iter().map(|file| fs::read(file).unwrap()).collect();
    inputs.extend(more);
    assert!(!inputs.is_empty(), "no corpus of {target}");
    for input in &inputs {
        run(input);
    }
    let rounds = std::env::var("DOCENT_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let (one, other) = (random.below(inputs.len()), random.below(inputs.len()));
        let input = random.changed(inputs[one].clone(), &inputs[other]);
        let ended = std::panic::catch_unwind(|| run(&input));
        assert!(ended.is_ok(), "{target}, round {round}: {:?}", String::from_utf8_lossy(&input));
    }
}

/// What each file of a whole index holds: a start that no committed file has to be kept for.
fn index_files() -> Vec<Vec<u8>> {
    let contents = targets::FILES.iter().enumerate().map(|(number, file)| {
        let bytes = fs::read(targets::BASE.generation.join(file)).unwrap();
        [&[number as u8], &bytes[64..]].concat()
    });
    contents.collect()
}

#[test]
fn files_of_an_index() {
    replay("index_files", targets::index_files, index_files());
}

#[test]
fn a_manifest() {
    let manifest = fs::read(targets::BASE.index.join("manifest.json")).unwrap();
    // Without its seal, which would refuse every change.
    let mut open: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    open.as_object_mut().unwrap().remove("seal");
    replay("index_manifest", targets::index_manifest, vec![manifest, open.to_string().into_bytes()]);
}

#[test]
fn a_cache_of_embeddings() {
    replay("embedding_cache", targets::embedding_cache, Vec::new());
}

#[test]
fn documents_of_every_format() {
    let pages = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources.md")).unwrap();
    let all = (0..targets::DOCUMENTS.len()).map(|format| [&[format as u8], pages.as_slice()].concat());
    replay("documents", targets::documents, all.collect());
}

#[test]
fn records_of_a_corpus() {
    replay("records", targets::records, Vec::new());
}

#[test]
fn questions_of_a_batch() {
    replay("questions", targets::questions, Vec::new());
}

#[test]
fn feeds() {
    replay("feed", targets::feed, Vec::new());
}

#[test]
fn matrices() {
    replay("npy", targets::npy, Vec::new());
}
