//! Token vectors for late interaction, at one bit a dimension.
//!
//! Each content token of a chunk keeps the signs of its unit vector after the corpus' mean token
//! vector is taken away: 48 bytes for 384 dimensions. Against the question's tokens in full
//! precision the signs rank as well as the vectors themselves (O. Khattab, M. Zaharia, "`ColBERT`",
//! SIGIR 2020, for the interaction; our measurements for the signs).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::failure::{BuildError, OpenError};
use super::kernels::prefetch;
use super::spool::Spool;
use super::storage::{ArrayWriter, Kind, MappedFile};

pub(super) const KIND: Kind = *b"tokens  ";

/// Number of 64-bit words that hold one bit for each of `dimensions`.
pub(super) fn words_per_token(dimensions: usize) -> usize {
    dimensions.div_ceil(64)
}

/// The tokens of one chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ChunkTokens {
    /// Vocabulary ids, folded to 16 bits: they only count how common a token is.
    pub(super) ids: Vec<u16>,
    /// Signs, [`words_per_token`] words a token, the first dimension in the lowest bit.
    pub(super) signs: Vec<u64>,
}

impl ChunkTokens {
    /// The tokens of an encoding (`vectors` is `ids.len()` x dimensions), centred at `centre`.
    pub(super) fn of(ids: &[u32], vectors: &[f32], centre: &[f32]) -> Self {
        let mut signs = Vec::with_capacity(ids.len() * words_per_token(centre.len()));
        for row in vectors.chunks_exact(centre.len().max(1)) {
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
            for (values, middle) in row.chunks(64).zip(centre.chunks(64)) {
                let mut word = 0_u64;
                for (bit, (value, middle)) in values.iter().zip(middle).enumerate() {
                    word |= u64::from(value / length >= *middle) << bit;
                }
                signs.push(word);
            }
        }
        Self { ids: ids.iter().map(|id| fold(*id)).collect(), signs }
    }
}

fn fold(id: u32) -> u16 {
    (id ^ (id >> 16)) as u16
}

/// The mean of unit token vectors, row after row.
#[derive(Default)]
pub(super) struct CentreSum {
    sum: Vec<f64>,
    count: usize,
}

impl CentreSum {
    pub(super) fn add(&mut self, vectors: &[f32], dimensions: usize) {
        self.sum.resize(dimensions, 0.0);
        for row in vectors.chunks_exact(dimensions) {
            let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(1e-12);
            self.sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value) / length);
            self.count += 1;
        }
    }

    pub(super) fn mean(&self, dimensions: usize) -> Vec<f32> {
        let count = self.count.max(1) as f64;
        let mut mean: Vec<f32> = self.sum.iter().map(|sum| (sum / count) as f32).collect();
        mean.resize(dimensions, 0.0);
        mean
    }
}

/// Collects the tokens of chunks into a data file. Of each chunk it keeps eight bytes in memory, and of each
/// token of the vocabulary how many chunks have it.
pub(super) struct TokensWriter {
    offsets: Vec<u64>,
    ids: Spool,
    signs: Spool,
    frequencies: BTreeMap<u16, u32>,
}

impl TokensWriter {
    /// What is collected waits in `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self, BuildError> {
        let (ids, signs) = (Spool::new(folder)?, Spool::new(folder)?);
        Ok(Self { offsets: vec![0], ids, signs, frequencies: BTreeMap::new() })
    }

    /// The tokens of the next chunk.
    pub(super) fn push(&mut self, chunk: &ChunkTokens) -> Result<(), BuildError> {
        self.ids.push(bytemuck::cast_slice(&chunk.ids))?;
        self.signs.push(bytemuck::cast_slice(&chunk.signs))?;
        self.offsets.push(self.ids.len() / size_of::<u16>() as u64);
        for id in chunk.ids.iter().copied().collect::<BTreeSet<u16>>() {
            *self.frequencies.entry(id).or_default() += 1;
        }
        Ok(())
    }

    /// The file of tokens whose signs were taken around `centre`.
    pub(super) fn finish(self, centre: &[f32]) -> ArrayWriter<'static> {
        let frequencies: Vec<[u32; 2]> =
            self.frequencies.into_iter().map(|(id, count)| [u32::from(id), count]).collect();
        let mut writer = ArrayWriter::new(KIND);
        writer.push(&self.offsets).push_spool(self.ids).push_spool(self.signs);
        writer.push(centre).push(&frequencies);
        writer
    }
}

/// The tokens of a generation, read in place.
pub struct TokenSigns {
    file: MappedFile,
    chunk_count: usize,
    words: usize,
}

impl TokenSigns {
    pub(super) fn open(file: MappedFile, chunk_count: usize, dimensions: usize) -> Result<Self, OpenError> {
        let damaged = |reason: &str| OpenError::damaged(file.path(), reason);
        let offsets = file.array::<u64>(0)?;
        let tokens = file.array::<u16>(1)?.len();
        let words = words_per_token(dimensions);
        let fits =
            offsets.is_sorted() && offsets.first() == Some(&0) && offsets.last() == Some(&(tokens as u64));
        if !fits || offsets.len() != chunk_count + 1 {
            return Err(damaged("its offsets are not valid"));
        }
        if file.array::<u64>(2)?.len() != tokens * words || file.array::<f32>(3)?.len() != dimensions {
            return Err(damaged("its signs are not of the model's dimensions"));
        }
        if !file.array::<[u32; 2]>(4)?.is_sorted_by_key(|[id, _]| *id) {
            return Err(damaged("its frequencies are out of order"));
        }
        Ok(Self { file, chunk_count, words })
    }

    pub(super) fn forget_pages(&self) {
        self.file.forget_pages();
    }

    /// Whether there is anything to interact with: a model that pools by itself gives no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.file.array::<u16>(1).is_ok_and(<[u16]>::is_empty)
    }

    /// The mean token vector of the corpus, taken from unit vectors.
    #[must_use]
    pub fn centre(&self) -> &[f32] {
        self.file.array(3).unwrap_or_default()
    }

    /// The signs of a chunk's tokens, dimensions / 64 words a token, rounded up.
    ///
    /// # Panics
    /// Where `chunk` is not a chunk of the index.
    #[must_use]
    pub fn signs(&self, chunk: usize) -> &[u64] {
        let range = self.range(chunk);
        let all = self.file.array::<u64>(2).unwrap_or_default();
        &all[range.start * self.words..range.end * self.words]
    }

    /// Says that the signs of a chunk will be looked at next.
    ///
    /// # Panics
    /// Where `chunk` is not a chunk of the index.
    pub fn prefetch(&self, chunk: usize) {
        prefetch(self.signs(chunk));
    }

    /// How telling a token is: ln(1 + N / (n + 1)) with N chunks, n of them with this token.
    #[must_use]
    pub fn weight(&self, token_id: u32) -> f32 {
        let frequencies = self.file.array::<[u32; 2]>(4).unwrap_or_default();
        let id = u32::from(fold(token_id));
        let found = frequencies.binary_search_by_key(&id, |[id, _]| *id);
        let containing = found.map_or(0, |index| frequencies[index][1]);
        (self.chunk_count as f32 / (containing as f32 + 1.0)).ln_1p()
    }

    pub(super) fn chunk(&self, chunk: usize) -> ChunkTokens {
        let ids = self.file.array::<u16>(1).unwrap_or_default();
        ChunkTokens { ids: ids[self.range(chunk)].to_vec(), signs: self.signs(chunk).to_vec() }
    }

    fn range(&self, chunk: usize) -> std::ops::Range<usize> {
        let offsets = self.file.array::<u64>(0).unwrap_or_default();
        offsets[chunk] as usize..offsets[chunk + 1] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::FORMAT_VERSION;
    use super::super::storage::Check;
    use super::*;

    #[test]
    fn signs_are_taken_around_the_centre() {
        let mut vector = vec![0.0_f32; 70];
        vector[0] = 3.0;
        vector[69] = 4.0;
        let mut centre = vec![0.1_f32; 70];
        centre[1] = -0.1;
        let tokens = ChunkTokens::of(&[70_000], &vector, &centre);
        assert_eq!(tokens.signs, [0b11, 1 << 5]);
        assert_eq!(tokens.ids, [0x1171]);
    }

    #[test]
    fn tokens_and_their_weights_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let chunks = [
            ChunkTokens { ids: vec![5, 7], signs: vec![1, 2] },
            ChunkTokens::default(),
            ChunkTokens { ids: vec![7, 7], signs: vec![3, 4] },
        ];
        let centre = vec![0.5_f32; 64];
        let mut writer = TokensWriter::new(folder.path()).unwrap();
        for chunk in &chunks {
            writer.push(chunk).unwrap();
        }
        let checksum = writer.finish(&centre).write(&path).unwrap();
        let tokens = TokenSigns::open(
            MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap(),
            3,
            64,
        )
        .unwrap();
        assert_eq!((tokens.signs(0), tokens.signs(1), tokens.signs(2)), (&[1, 2][..], &[][..], &[3, 4][..]));
        assert_eq!(tokens.centre(), centre);
        assert!((tokens.weight(7) - 2.0_f32.ln()).abs() < 1e-6);
        assert!(tokens.weight(9) > tokens.weight(5));
    }
}
