//! The embedding stage of a build: what is known already is reused, the rest goes through the
//! encoder on all cores, and is written down as it comes.

use std::collections::{HashMap, HashSet};

use super::Index;
use super::cache::{Cache, CacheFile, Passage, PassageHash, passage_of, passages_of};
use super::parallel::in_parallel;
use super::tokens::{CentreSum, ChunkTokens};
use crate::embedding::{EmbedError, Embedder, Encoding, Role};
use crate::progress::{Progress, Unit};

/// Passages from which the mean token vector is taken. More change it no further than the signs
/// of a few tokens.
const CENTRE_SAMPLE: usize = 256;

/// So few new passages never make a corpus another one.
const FEW: usize = 16;

/// Passages that are embedded before they are written down; fewer are not worth it.
const BATCH: usize = 64;

/// What the encoder made of the passages, in their order.
pub(super) struct Embedded {
    /// Unit vectors, row after row.
    pub(super) vectors: Vec<f32>,
    /// Token signs.
    pub(super) tokens: Vec<ChunkTokens>,
    /// What the signs were taken around.
    pub(super) centre: Vec<f32>,
    /// How many passages went through the encoder.
    pub(super) made: usize,
}

/// The number of a passage, and what the encoder gave for it.
type Encoded = (usize, Encoding);

/// Embeds passages for one build.
pub(super) struct Embedding<'work> {
    pub(super) embedder: &'work dyn Embedder,
    pub(super) progress: &'work dyn Progress,
}

impl Embedding<'_> {
    /// Embeds `passages`, named by `hashes`, reusing what `previous` and `cache` hold of them.
    pub(super) fn run(
        &self,
        passages: &[&str],
        hashes: &[PassageHash],
        previous: Option<&Index>,
        cache: &mut Cache,
    ) -> Result<Embedded, EmbedError> {
        let previous = previous.filter(|index| index.manifest().model == *self.embedder.identity());
        let (centre, places) = match Known::of(hashes, previous, cache.files()) {
            Some(known) => (Some(known.centre), known.places),
            None => (None, HashMap::new()),
        };
        let missing: Vec<usize> =
            (0..passages.len()).filter(|number| !places.contains_key(&hashes[*number])).collect();
        self.progress.begin("embedding", Some(missing.len() as u64), Unit::Chunks);
        let made = self.make(&missing, passages, hashes, centre, cache);
        self.progress.finish();
        let (centre, mut made) = made?;
        let mut embedded = Embedded { vectors: Vec::new(), tokens: Vec::new(), centre, made: missing.len() };
        for (number, hash) in hashes.iter().enumerate() {
            let found = match (places.get(hash), previous) {
                (Some(Place::Generation(chunk)), Some(index)) => Some(passage_of(index, *chunk)),
                (Some(Place::Cache(file)), _) => cache.files().get(*file).and_then(|file| file.get(hash)),
                _ => made.remove(&number),
            };
            let (vector, tokens) = found.unwrap_or_default();
            embedded.vectors.extend(vector);
            embedded.tokens.push(tokens);
        }
        Ok(embedded)
    }

    /// Embeds the passages with the numbers `missing`, around `centre` or, where there is none yet,
    /// around their own.
    fn make(
        &self,
        missing: &[usize],
        passages: &[&str],
        hashes: &[PassageHash],
        centre: Option<Vec<f32>>,
        cache: &mut Cache,
    ) -> Result<(Vec<f32>, HashMap<usize, Passage>), EmbedError> {
        let (centre, sampled) = match centre {
            Some(centre) => (centre, Vec::new()),
            None => self.sample(missing, passages)?,
        };
        let compress = |encoding: Encoding| {
            let tokens = ChunkTokens::of(&encoding.token_ids, &encoding.token_vectors, &centre);
            (encoding.pooled.as_slice().to_vec(), tokens)
        };
        if missing.len() >= BATCH {
            let sample = sampled.iter().map(|(number, _)| hashes[*number]).collect();
            cache.begin_log(&centre, sample, passages.len());
        }
        let mut made: HashMap<usize, Passage> =
            sampled.into_iter().map(|(number, encoding)| (number, compress(encoding))).collect();
        cache.append(made.iter().map(|(number, passage)| (&hashes[*number], passage)));
        let rest: Vec<usize> = missing.iter().copied().filter(|number| !made.contains_key(number)).collect();
        for batch in rest.chunks(BATCH) {
            let (encoded, failure) = self.encode(batch, passages, compress);
            cache.append(encoded.iter().map(|(number, passage)| (&hashes[*number], passage)));
            if let Some(error) = failure {
                return Err(error);
            }
            made.extend(encoded);
        }
        Ok((centre, made))
    }

    /// The mean token vector of evenly spaced passages, and what the encoder gave for them.
    fn sample(&self, missing: &[usize], passages: &[&str]) -> Result<(Vec<f32>, Vec<Encoded>), EmbedError> {
        let step = missing.len().div_ceil(CENTRE_SAMPLE).max(1);
        let numbers: Vec<usize> = missing.iter().copied().step_by(step).collect();
        let (encodings, failure) = self.encode(&numbers, passages, |encoding| encoding);
        if let Some(error) = failure {
            return Err(error);
        }
        let dimensions = self.embedder.identity().dimensions;
        let mut sum = CentreSum::default();
        for (_, encoding) in &encodings {
            sum.add(&encoding.token_vectors, dimensions);
        }
        Ok((sum.mean(dimensions), encodings))
    }

    /// What the encoder gives for the passages with these numbers, in order, up to its first failure.
    fn encode<T: Send>(
        &self,
        numbers: &[usize],
        passages: &[&str],
        keep: impl Fn(Encoding) -> T + Sync,
    ) -> (Vec<(usize, T)>, Option<EmbedError>) {
        let results = in_parallel(numbers.len(), self.embedder.parallelism(), |index| {
            let encoded = self.embedder.encode(passages[numbers[index]], Role::Passage);
            self.progress.advance(1);
            encoded.map(&keep)
        });
        let mut encoded = Vec::with_capacity(numbers.len());
        for (number, result) in numbers.iter().zip(results) {
            match result {
                Ok(passage) => encoded.push((*number, passage)),
                Err(error) => return (encoded, Some(error)),
            }
        }
        (encoded, None)
    }
}

/// Where a passage's vector and tokens are.
#[derive(Clone, Copy)]
enum Place {
    /// The chunk of the generation before.
    Generation(usize),
    /// The file of the cache.
    Cache(usize),
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
            let places = passages_of(index).map(|(hash, chunk)| (hash, Place::Generation(chunk))).collect();
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
                known.places.entry(*hash).or_insert(Place::Cache(number));
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
