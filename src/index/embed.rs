//! The embedding stage of a build: what is known already is reused, the rest goes through the
//! encoder on all cores, and is written down as it comes.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::Index;
use super::cache::{
    Cache, CacheFile, Passage, PassageHash, decode_entry, encode_entry, passage_of, passages_of,
};
use super::failure::BuildError;
use super::parallel::each_in_parallel;
use super::prepared::Prepared;
use super::sample::{Sample, Sampled};
use super::spool::{Piece, Spool};
use super::tokens::{CentreSum, ChunkTokens};
use crate::embedding::{Embedder, Encoding, Role};
use crate::progress::{Progress, Unit};

/// Passages from which the mean token vector is taken. More change it no further than the signs
/// of a few tokens.
const CENTRE_SAMPLE: usize = 256;

/// So few new passages never make a corpus another one.
const FEW: usize = 16;

/// So many new passages are worth being written down as they come.
const MANY: usize = 64;

/// What the encoder made of the passages.
pub(super) struct Embedded {
    places: Vec<Place>,
    made: Spool,
    /// What the token signs were taken around.
    pub(super) centre: Vec<f32>,
    /// How many passages went through the encoder.
    pub(super) count: usize,
}

/// What was known before a build.
#[derive(Clone, Copy)]
pub(super) struct Reusable<'build> {
    pub(super) previous: Option<&'build Index>,
    pub(super) files: &'build [CacheFile],
}

impl Reusable<'_> {
    /// Gives back the memory of what was looked at.
    pub(super) fn forget_pages(self) {
        self.previous.into_iter().for_each(Index::forget_pages);
        self.files.iter().for_each(CacheFile::forget_pages);
    }
}

impl Embedded {
    /// The vector and the tokens of a passage of `prepared`.
    pub(super) fn passage(
        &self,
        number: usize,
        prepared: &Prepared,
        reusable: Reusable<'_>,
    ) -> Result<Passage, BuildError> {
        let passage = match (self.places[number], reusable.previous) {
            (Place::Generation(chunk), Some(index)) => Some(passage_of(index, chunk as usize)),
            (Place::Cache(file), _) => {
                reusable.files.get(file as usize).and_then(|file| file.get(&prepared.hashes[number]))
            }
            (Place::Made(piece), _) => decode_entry(&self.made.read(piece)?, self.centre.len()),
            _ => None,
        };
        passage.ok_or_else(|| prepared.lost(number))
    }
}

/// Embeds passages for one build.
pub(super) struct Embedding<'work> {
    pub(super) embedder: &'work dyn Embedder,
    pub(super) progress: &'work dyn Progress,
    pub(super) prepared: &'work Prepared,
    /// Where what is made waits until it is written where it belongs.
    pub(super) folder: &'work Path,
}

/// Where what is made goes.
struct Sink<'work> {
    places: Vec<Option<Place>>,
    spool: Spool,
    cache: &'work mut Cache,
}

impl Sink<'_> {
    fn take(&mut self, number: usize, hash: &PassageHash, passage: &Passage) -> Result<(), BuildError> {
        let mut entry = Vec::new();
        encode_entry(&mut entry, hash, passage);
        self.places[number] = Some(Place::Made(self.spool.push(&entry)?));
        self.cache.append(&entry);
        Ok(())
    }
}

impl Embedding<'_> {
    /// Embeds the passages, reusing what `previous` and `cache` hold of them.
    pub(super) fn run(&self, previous: Option<&Index>, cache: &mut Cache) -> Result<Embedded, BuildError> {
        let hashes = &self.prepared.hashes;
        let previous = previous.filter(|index| index.manifest().model == *self.embedder.identity());
        let (centre, places) = match Known::of(hashes, previous, cache.files()) {
            Some(known) => {
                let places = hashes.iter().map(|hash| known.places.get(hash).copied()).collect();
                (Some(known.centre), places)
            }
            None => (None, vec![None; hashes.len()]),
        };
        let missing: Vec<usize> = (0..places.len()).filter(|number| places[*number].is_none()).collect();
        let sink = Sink { places, spool: Spool::new(self.folder)?, cache };
        self.progress.begin("embedding", Some(missing.len() as u64), Unit::Chunks);
        let made = self.make(&missing, centre, sink);
        self.progress.finish();
        let (centre, sink) = made?;
        let places = sink.places.into_iter().flatten().collect();
        Ok(Embedded { places, made: sink.spool, centre, count: missing.len() })
    }

    /// Embeds the passages with the numbers `missing`, around `centre` or, where there is none yet,
    /// around their own.
    fn make<'sink>(
        &self,
        missing: &[usize],
        centre: Option<Vec<f32>>,
        mut sink: Sink<'sink>,
    ) -> Result<(Vec<f32>, Sink<'sink>), BuildError> {
        let hashes = &self.prepared.hashes;
        let (centre, sampled) = match centre {
            Some(centre) => (centre, None),
            None => self.sample(missing).map(|(centre, sample)| (centre, Some(sample)))?,
        };
        if missing.len() >= MANY {
            let sampled = sampled.iter().flat_map(|sample| &sample.passages);
            let sampled = sampled.map(|(number, _)| hashes[*number]).collect();
            sink.cache.begin_log(&centre, sampled, hashes.len());
        }
        for sampled in sampled.iter().flat_map(Sample::encodings) {
            let Sampled { number, vector, token_ids, token_vectors } = sampled?;
            let tokens = ChunkTokens::of(&token_ids, &token_vectors, &centre);
            sink.take(number, &hashes[number], &(vector, tokens))?;
        }
        let rest: Vec<usize> =
            missing.iter().copied().filter(|number| sink.places[*number].is_none()).collect();
        let sink = Mutex::new(sink);
        self.encode(&rest, |number, encoding| {
            let tokens = ChunkTokens::of(&encoding.token_ids, &encoding.token_vectors, &centre);
            let passage = (encoding.pooled.as_slice().to_vec(), tokens);
            sink.lock().unwrap_or_else(PoisonError::into_inner).take(number, &hashes[number], &passage)
        })?;
        let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((centre, sink))
    }

    /// The mean token vector of evenly spaced passages, and what the encoder gave for them.
    fn sample(&self, missing: &[usize]) -> Result<(Vec<f32>, Sample), BuildError> {
        let step = missing.len().div_ceil(CENTRE_SAMPLE).max(1);
        let numbers: Vec<usize> = missing.iter().copied().step_by(step).collect();
        let dimensions = self.embedder.identity().dimensions;
        let sample = Mutex::new(Sample::new(self.folder, dimensions)?);
        self.encode(&numbers, |number, encoding| {
            sample.lock().unwrap_or_else(PoisonError::into_inner).push(number, &encoding)
        })?;
        let mut sample = sample.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Sums depend on their order, and threads come in any.
        sample.passages.sort_by_key(|(number, _)| *number);
        let mut sum = CentreSum::default();
        for encoding in sample.encodings() {
            sum.add(&encoding?.token_vectors, dimensions);
        }
        Ok((sum.mean(dimensions), sample))
    }

    /// Gives what the encoder makes of the passages with these numbers to `keep`, as it comes, until one
    /// fails.
    fn encode(
        &self,
        numbers: &[usize],
        keep: impl Fn(usize, Encoding) -> Result<(), BuildError> + Sync,
    ) -> Result<(), BuildError> {
        each_in_parallel(numbers.len(), self.embedder.parallelism(), |index| {
            let number = numbers[index];
            let encoding = self.embedder.encode(&self.prepared.cut(number)?.passage, Role::Passage)?;
            self.progress.advance(1);
            keep(number, encoding)
        })
    }
}

/// Where a passage's vector and tokens are.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The chunk of the generation before.
    Generation(u32),
    /// The file of the cache.
    Cache(u32),
    /// The entry in the spool.
    Made(Piece),
}

/// Passages that need not be embedded, all with token signs around one centre.
struct Known<'sources> {
    centre: Vec<f32>,
    places: HashMap<PassageHash, Place>,
    /// Whether the generation before is among the sources.
    has_generation: bool,
    file: Option<&'sources CacheFile>,
}

impl<'sources> Known<'sources> {
    /// What is known of a corpus of passages: of all centres the one around which most is known. `None`
    /// where the corpus needs a centre of its own.
    fn of(hashes: &[PassageHash], previous: Option<&Index>, files: &'sources [CacheFile]) -> Option<Self> {
        let mut all: Vec<Self> = Vec::new();
        if let Some(index) = previous.filter(|index| index.chunk_count() > 0) {
            let places =
                passages_of(index).map(|(hash, chunk)| (hash, Place::Generation(chunk as u32))).collect();
            index.forget_pages();
            all.push(Self {
                centre: index.tokens().centre().to_vec(),
                places,
                has_generation: true,
                file: None,
            });
        }
        for (number, file) in files.iter().enumerate() {
            if !all.iter().any(|known| known.centre == file.header.centre) {
                let centre = file.header.centre.clone();
                all.push(Self { centre, places: HashMap::new(), has_generation: false, file: None });
            }
            let known = all.iter_mut().find(|known| known.centre == file.header.centre)?;
            known.file = Some(file);
            for hash in file.hashes() {
                known.places.entry(*hash).or_insert(Place::Cache(number as u32));
            }
        }
        let corpus: HashSet<PassageHash> = hashes.iter().copied().collect();
        let covered = |known: &Self| hashes.iter().filter(|hash| known.places.contains_key(*hash)).count();
        // Of equals the first, which is the generation's.
        let best = all.into_iter().rev().max_by_key(covered)?;
        let covered = covered(&best);
        let is_related = best.has_generation || covered > 0;
        (is_related && best.suits(hashes.len() - covered, &corpus, hashes.len())).then_some(best)
    }

    /// The centre is that of the corpus. Where most of it is new, the old centre is another's, and what
    /// hangs on it is made again; unless it was taken from this very corpus by a build that did not end.
    fn suits(&self, new: usize, corpus: &HashSet<PassageHash>, passages: usize) -> bool {
        let is_most_new = new > FEW && 2 * new > passages;
        !is_most_new || self.file.is_some_and(|file| file.header.fits(corpus))
    }
}
