//! Late interaction (MaxSim): every token of the question looks for its best match in a chunk.
//!
//! O. Khattab, M. Zaharia, "`ColBERT`: Efficient and Effective Passage Search via Contextualized Late
//! Interaction over BERT", SIGIR 2020. The chunk's tokens are signs (see `index`), the question's are
//! quantised to six bits, so that a dot product is a few population counts: with s = ±1 in D's bits
//! and q = scale * (u - 32), `sum(q s) = scale * (sum over planes of 2^b (2 |P_b & D| - |P_b|) - 32 sum(s))`.

use crate::embedding::Encoding;
use crate::index::{TokenSigns, dot};

/// Bits that a component of a question's token keeps.
const PLANES: usize = 6;
/// What is added to make components positive.
const OFFSET: f32 = 32.0;
/// The largest quantised magnitude.
const LARGEST: f32 = 31.0;

/// A question, ready to be matched with chunks.
pub(super) struct LateQuery {
    tokens: Vec<QueryToken>,
    words: usize,
    total_weight: f32,
}

struct QueryToken {
    /// Bit planes, [`PLANES`] for each word of a chunk token: `planes[word * PLANES + bit]`.
    planes: Vec<u64>,
    /// Sum over planes of `2^b |P_b|`, and the offset's share: what does not depend on the chunk.
    constant: i32,
    /// From counts back to a cosine.
    scale: f32,
    weight: f32,
}

impl LateQuery {
    /// The content tokens of `encoding`, centred as the index's are and weighted by how telling
    /// they are in it. `None` where the model gives no token vectors.
    pub(super) fn new(encoding: &Encoding, signs: &TokenSigns) -> Option<Self> {
        let centre = signs.centre();
        let dimensions = centre.len();
        if encoding.token_ids.is_empty() || signs.is_empty() || dimensions == 0 {
            return None;
        }
        let rows = encoding.token_vectors.chunks_exact(dimensions);
        let tokens: Vec<QueryToken> = rows
            .zip(&encoding.token_ids)
            .map(|(row, id)| QueryToken::new(row, centre, signs.weight(*id)))
            .collect();
        let total_weight = tokens.iter().map(|token| token.weight).sum::<f32>().max(1e-6);
        Some(Self { tokens, words: dimensions.div_ceil(64), total_weight })
    }

    /// The mean over the question's tokens, weighted by the squares of their weights, of the best
    /// cosine among the tokens of all these chunks: how well the question is met, its rarest words
    /// above all.
    pub(super) fn met_by(&self, chunks: &[&[u64]]) -> f32 {
        let (mut sum, mut total) = (0.0, 1e-6);
        for token in &self.tokens {
            let best =
                chunks.iter().filter(|chunk| !chunk.is_empty()).map(|chunk| token.best(chunk, self.words));
            let square = token.weight * token.weight;
            sum += square * token.scale * best.max().unwrap_or(0) as f32;
            total += square;
        }
        sum / total
    }

    /// The weighted mean over the question's tokens of the best cosine among the chunk's tokens;
    /// 0 for a chunk without tokens.
    pub(super) fn score(&self, chunk: &[u64]) -> f32 {
        if chunk.is_empty() {
            return 0.0;
        }
        let best = |token: &QueryToken| token.weight * token.scale * token.best(chunk, self.words) as f32;
        self.tokens.iter().map(best).sum::<f32>() / self.total_weight
    }
}

impl QueryToken {
    fn new(vector: &[f32], centre: &[f32], weight: f32) -> Self {
        let length = dot(vector, vector).sqrt().max(1e-12);
        let centred: Vec<f32> =
            vector.iter().zip(centre).map(|(value, middle)| value / length - middle).collect();
        let length = dot(&centred, &centred).sqrt().max(1e-12);
        let largest = centred.iter().fold(1e-12_f32, |largest, value| largest.max(value.abs()));
        let mut planes = Vec::with_capacity(centred.len().div_ceil(64) * PLANES);
        let mut constant = 0_i32;
        for values in centred.chunks(64) {
            let mut word = [0_u64; PLANES];
            for (bit, value) in values.iter().enumerate() {
                let level = (value / largest * LARGEST).round() + OFFSET;
                let level = level as u64;
                for (plane, bits) in word.iter_mut().enumerate() {
                    *bits |= (level >> plane & 1) << bit;
                }
            }
            constant +=
                word.iter().enumerate().map(|(plane, bits)| (bits.count_ones() << plane) as i32).sum::<i32>();
            planes.extend(word);
        }
        // The offset meets sum(s) = 2 |D| - dimensions; its constant part belongs here.
        constant -= OFFSET as i32 * centred.len() as i32;
        let scale = largest / LARGEST / length / (centred.len() as f32).sqrt();
        Self { planes, constant, scale, weight }
    }

    /// The largest quantised dot product with a token of the chunk.
    fn best(&self, chunk: &[u64], words: usize) -> i32 {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            return best_with_popcnt(&self.planes, self.constant, chunk, words);
        }
        best_match(&self.planes, self.constant, chunk, words)
    }
}

/// [`best_match`] compiled for the instruction that counts bits, which the baseline of x86-64 lacks.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calling a function with a target feature; checked by the caller")]
fn best_with_popcnt(planes: &[u64], constant: i32, chunk: &[u64], words: usize) -> i32 {
    #[target_feature(enable = "popcnt")]
    fn inner(planes: &[u64], constant: i32, chunk: &[u64], words: usize) -> i32 {
        best_match(planes, constant, chunk, words)
    }
    // SAFETY: only called where the processor was found to have popcnt; the function itself is
    // ordinary safe code.
    unsafe { inner(planes, constant, chunk, words) }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it must be compiled with the features of its caller")]
fn best_match(planes: &[u64], constant: i32, chunk: &[u64], words: usize) -> i32 {
    let mut best = i32::MIN;
    for token in chunk.chunks_exact(words) {
        let mut sum = 0_i32;
        let mut ones = 0_i32;
        for (bits, planes) in token.iter().zip(planes.as_chunks::<PLANES>().0) {
            ones += bits.count_ones() as i32;
            for (plane, mask) in planes.iter().enumerate() {
                sum += ((bits & mask).count_ones() << plane) as i32;
            }
        }
        best = best.max(2 * (sum - OFFSET as i32 * ones));
    }
    best.saturating_sub(constant)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cosine of a centred vector and signs, from its definition.
    fn exact(vector: &[f32], centre: &[f32], signs: &[u64]) -> f32 {
        let length = dot(vector, vector).sqrt();
        let centred: Vec<f32> =
            vector.iter().zip(centre).map(|(value, middle)| value / length - middle).collect();
        let length = dot(&centred, &centred).sqrt();
        let sum: f32 = centred
            .iter()
            .enumerate()
            .map(|(index, value)| if signs[index / 64] >> (index % 64) & 1 == 1 { *value } else { -value })
            .sum();
        sum / length / (centred.len() as f32).sqrt()
    }

    proptest::proptest! {
        #[test]
        fn bit_counting_is_the_dot_product(
            vector in proptest::collection::vec(-1.0_f32..1.0, 70),
            signs in proptest::collection::vec(proptest::num::u64::ANY, 2 * 3),
        ) {
            let signs: Vec<u64> = signs.chunks(2).flat_map(|token| [token[0], token[1] & 0x3f]).collect();
            let centre = vec![0.01_f32; 70];
            let token = QueryToken::new(&vector, &centre, 1.0);
            let expected = signs.chunks(2).map(|signs| exact(&vector, &centre, signs)).fold(f32::MIN, f32::max);
            let counted = token.scale * token.best(&signs, 2) as f32;
            proptest::prop_assert!((counted - expected).abs() < 0.02, "{} instead of {}", counted, expected);
            let portable = best_match(&token.planes, token.constant, &signs, 2);
            proptest::prop_assert_eq!(portable, token.best(&signs, 2));
        }
    }
}
