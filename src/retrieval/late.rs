//! Late interaction (MaxSim): every token of the question looks for its best match in a chunk.
//!
//! O. Khattab, M. Zaharia, "`ColBERT`: Efficient and Effective Passage Search via Contextualized Late
//! Interaction over BERT", SIGIR 2020. The chunk's tokens are signs (see `index`), the question's are
//! quantised to six bits (see `maxsim`).

use super::maxsim::{LARGEST, Levels, SignedTokens};
use crate::embedding::Encoding;
use crate::index::{TokenSigns, dot};

/// A question, ready to be matched with chunks.
pub(super) struct LateQuery {
    tokens: Vec<QueryToken>,
    words: usize,
    total_weight: f32,
}

struct QueryToken {
    levels: Levels,
    /// From products of levels and signs back to a cosine.
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
        let chunks: Vec<SignedTokens> = chunks
            .iter()
            .filter(|chunk| !chunk.is_empty())
            .map(|chunk| SignedTokens::new(chunk, self.words))
            .collect();
        for token in &self.tokens {
            let best = chunks.iter().map(|chunk| token.levels.best(chunk));
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
        let chunk = SignedTokens::new(chunk, self.words);
        let best = |token: &QueryToken| token.weight * token.scale * token.levels.best(&chunk) as f32;
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
        let level = |value: &f32| (value / largest * LARGEST).round() as i8;
        let levels: Vec<i8> = centred.iter().map(level).collect();
        let scale = largest / LARGEST / length / (centred.len() as f32).sqrt();
        Self { levels: Levels::new(&levels), scale, weight }
    }
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
        fn quantised_products_are_the_cosine(
            vector in proptest::collection::vec(-1.0_f32..1.0, 70),
            signs in proptest::collection::vec(proptest::num::u64::ANY, 2 * 3),
        ) {
            let signs: Vec<u64> = signs.chunks(2).flat_map(|token| [token[0], token[1] & 0x3f]).collect();
            let centre = vec![0.01_f32; 70];
            let token = QueryToken::new(&vector, &centre, 1.0);
            let expected = signs.chunks(2).map(|signs| exact(&vector, &centre, signs)).fold(f32::MIN, f32::max);
            let found = token.scale * token.levels.best(&SignedTokens::new(&signs, 2)) as f32;
            proptest::prop_assert!((found - expected).abs() < 0.02, "{} instead of {}", found, expected);
        }
    }
}
