//! The embedding stage of a build: what is known already is reused, the rest goes through the
//! encoder on all cores.

use std::collections::HashMap;

use super::Index;
use super::parallel::in_parallel;
use super::tokens::{CentreSum, ChunkTokens};
use crate::embedding::{EmbedError, Embedder, Encoding, Role};
use crate::progress::{Progress, Unit};

/// Passages from which the mean token vector is taken. More change it no further than the signs
/// of a few tokens.
const CENTRE_SAMPLE: usize = 256;

/// So few new passages never make a corpus another one.
const FEW: usize = 16;

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

/// A passage's vector and tokens.
type Passage = (Vec<f32>, ChunkTokens);

/// Embeds passages for one build.
pub(super) struct Embedding<'work> {
    pub(super) embedder: &'work dyn Embedder,
    pub(super) progress: &'work dyn Progress,
}

impl Embedding<'_> {
    /// Embeds `passages`, named by `hashes`, reusing what `previous` holds of them.
    pub(super) fn run(
        &self,
        passages: &[&str],
        hashes: &[[u8; 32]],
        previous: Option<&Index>,
    ) -> Result<Embedded, EmbedError> {
        let previous = previous.filter(|index| index.manifest().model == *self.embedder.identity());
        let known = previous.map(known_passages).unwrap_or_default();
        let new = hashes.iter().filter(|hash| !known.contains_key(*hash)).count();
        // The centre is that of the corpus. Where most of it is new, the old centre is another's, and
        // what hangs on it is made again.
        let is_most_new = new > FEW && 2 * new > hashes.len();
        let previous = previous.filter(|index| !is_most_new && index.chunk_count() > 0);
        let known = if previous.is_some() { known } else { HashMap::new() };
        let missing: Vec<usize> =
            (0..passages.len()).filter(|number| !known.contains_key(&hashes[*number])).collect();
        self.progress.begin("embedding", Some(missing.len() as u64), Unit::Chunks);
        let (centre, sampled) = match previous {
            Some(index) => (index.tokens().centre().to_vec(), HashMap::new()),
            None => self.sample(&missing, passages)?,
        };
        let made = self.encode_rest(&missing, passages, &centre, sampled);
        self.progress.finish();
        let mut made = made?.into_iter();
        let mut embedded = Embedded { vectors: Vec::new(), tokens: Vec::new(), centre, made: missing.len() };
        for hash in hashes {
            let (vector, tokens) = match (known.get(hash), previous) {
                (Some(chunk), Some(index)) => {
                    (index.vectors().row(*chunk).to_vec(), index.tokens().chunk(*chunk))
                }
                _ => made.next().unwrap_or_default(),
            };
            embedded.vectors.extend(vector);
            embedded.tokens.push(tokens);
        }
        Ok(embedded)
    }

    /// The mean token vector of evenly spaced passages, and what the encoder gave for them.
    fn sample(
        &self,
        missing: &[usize],
        passages: &[&str],
    ) -> Result<(Vec<f32>, HashMap<usize, Encoding>), EmbedError> {
        let step = missing.len().div_ceil(CENTRE_SAMPLE).max(1);
        let numbers: Vec<usize> = missing.iter().copied().step_by(step).collect();
        let encodings = self.encode(&numbers, passages, |encoding| encoding)?;
        let dimensions = self.embedder.identity().dimensions;
        let mut sum = CentreSum::default();
        for encoding in &encodings {
            sum.add(&encoding.token_vectors, dimensions);
        }
        Ok((sum.mean(dimensions), numbers.into_iter().zip(encodings).collect()))
    }

    /// Every missing passage, in order; the sampled ones do not run again.
    fn encode_rest(
        &self,
        missing: &[usize],
        passages: &[&str],
        centre: &[f32],
        mut sampled: HashMap<usize, Encoding>,
    ) -> Result<Vec<Passage>, EmbedError> {
        let compress = |encoding: Encoding| {
            let tokens = ChunkTokens::of(&encoding.token_ids, &encoding.token_vectors, centre);
            (encoding.pooled.as_slice().to_vec(), tokens)
        };
        let rest: Vec<usize> =
            missing.iter().copied().filter(|number| !sampled.contains_key(number)).collect();
        let mut encoded = self.encode(&rest, passages, compress)?.into_iter();
        let passage = |number: &usize| match sampled.remove(number) {
            Some(encoding) => compress(encoding),
            None => encoded.next().unwrap_or_default(),
        };
        Ok(missing.iter().map(passage).collect())
    }

    fn encode<T: Send>(
        &self,
        numbers: &[usize],
        passages: &[&str],
        keep: impl Fn(Encoding) -> T + Sync,
    ) -> Result<Vec<T>, EmbedError> {
        let results = in_parallel(numbers.len(), self.embedder.parallelism(), |index| {
            let encoded = self.embedder.encode(passages[numbers[index]], Role::Passage);
            self.progress.advance(1);
            encoded.map(&keep)
        });
        results.into_iter().collect()
    }
}

/// Chunk numbers by what was embedded for them. A record that does not read back costs an
/// embedding, no more.
fn known_passages(index: &Index) -> HashMap<[u8; 32], usize> {
    (0..index.chunk_count())
        .filter_map(|number| Some((index.chunk(number).ok()?.passage_hash, number)))
        .collect()
}
