//! The best match of a question's token among the tokens of a chunk, in whole numbers: the components of the
//! one have six bits, those of the others are signs.
//!
//! With s = ±1 in the bits D of a sign vector, `sum(q s) = 2 sum(q over D) - sum(q)`, so that only the sum over D is
//! looked for. With AVX2 it is looked up: a table holds the sums of each four components for all 16 patterns of
//! their signs, and one instruction looks up 32 tokens at once (F. André, A.-M. Kermarrec, N. Le Scouarnec, "Cache
//! locality is not enough: high-performance nearest neighbor search with product quantization fast scan",
//! VLDB 2015). Elsewhere bits are counted, plane by plane. Both are exact, so that every machine ranks alike.

use super::lanes::Lanes;

/// Bits that a component of a question's token keeps.
const PLANES: usize = 6;
/// What is added to make components positive.
const OFFSET: i32 = 32;
/// The largest magnitude of a component.
pub(super) const LARGEST: f32 = 31.0;

/// The signs of a chunk's tokens, as both ways of matching want them.
pub(super) struct SignedTokens<'chunk> {
    signs: &'chunk [u64],
    words: usize,
    lanes: Option<Lanes>,
}

impl<'chunk> SignedTokens<'chunk> {
    /// Tokens of `words` 64-bit words each.
    pub(super) fn new(signs: &'chunk [u64], words: usize) -> Self {
        Self { signs, words, lanes: Lanes::of(signs, words) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.signs.is_empty()
    }
}

/// The components of a question's token, -32 to 31 each.
pub(super) struct Levels {
    /// Components plus [`OFFSET`], [`PLANES`] for each word of a sign vector: `planes[word * PLANES + bit]`.
    planes: Vec<u64>,
    /// Sums of four components over each pattern of signs, plus [`Lanes::BIAS`].
    tables: Vec<[u8; 16]>,
    sum: i32,
}

impl Levels {
    /// `levels` has a component for each dimension.
    pub(super) fn new(levels: &[i8]) -> Self {
        let mut planes = Vec::with_capacity(levels.len().div_ceil(64) * PLANES);
        for levels in levels.chunks(64) {
            let mut word = [0_u64; PLANES];
            for (bit, level) in levels.iter().enumerate() {
                let level = (i32::from(*level) + OFFSET) as u64;
                for (plane, bits) in word.iter_mut().enumerate() {
                    *bits |= (level >> plane & 1) << bit;
                }
            }
            planes.extend(word);
        }
        let sum = levels.iter().map(|level| i32::from(*level)).sum();
        Self { planes, tables: Lanes::tables(levels), sum }
    }

    /// The largest dot product with one of the tokens; 0 where there is none.
    pub(super) fn best(&self, tokens: &SignedTokens) -> i32 {
        if tokens.is_empty() {
            return 0;
        }
        let over_signs = match &tokens.lanes {
            Some(lanes) => lanes.best(&self.tables),
            None => best_by_counting(&self.planes, tokens.signs, tokens.words),
        };
        2 * over_signs - self.sum
    }
}

/// The largest sum of components over the bits of a token.
fn best_by_counting(planes: &[u64], signs: &[u64], words: usize) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("popcnt") {
        return best_with_popcnt(planes, signs, words);
    }
    count(planes, signs, words)
}

/// [`count`] compiled for the instruction that counts bits, which the baseline of x86-64 lacks.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calling a function with a target feature; checked by the caller")]
fn best_with_popcnt(planes: &[u64], signs: &[u64], words: usize) -> i32 {
    #[target_feature(enable = "popcnt")]
    fn inner(planes: &[u64], signs: &[u64], words: usize) -> i32 {
        count(planes, signs, words)
    }
    // SAFETY: only called where the processor was found to have popcnt; the function itself is
    // ordinary safe code.
    unsafe { inner(planes, signs, words) }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it must be compiled with the features of its caller")]
fn count(planes: &[u64], signs: &[u64], words: usize) -> i32 {
    let mut best = i32::MIN;
    for token in signs.chunks_exact(words) {
        let mut sum = 0_i32;
        let mut ones = 0_i32;
        for (bits, planes) in token.iter().zip(planes.as_chunks::<PLANES>().0) {
            ones += bits.count_ones() as i32;
            for (plane, mask) in planes.iter().enumerate() {
                sum += ((bits & mask).count_ones() << plane) as i32;
            }
        }
        best = best.max(sum - OFFSET * ones);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the definition, dimension by dimension.
    fn by_definition(levels: &[i8], signs: &[u64], words: usize) -> i32 {
        let sign =
            |token: &[u64], index: usize| if token[index / 64] >> (index % 64) & 1 == 1 { 1 } else { -1 };
        let product = |token: &[u64]| {
            levels.iter().enumerate().map(|(index, level)| i32::from(*level) * sign(token, index)).sum()
        };
        signs.chunks(words).map(product).max().unwrap_or(0)
    }

    proptest::proptest! {
        #[test]
        fn looked_up_or_counted_the_product_is_the_one_defined(
            (words, levels, tokens) in (1_usize..=17).prop_flat_map(|words| (
                proptest::strategy::Just(words),
                proptest::collection::vec(-32_i8..=31, 64 * words - 63..=64 * words),
                proptest::collection::vec(proptest::collection::vec(proptest::num::u64::ANY, words), 1..70),
            )),
        ) {
            let last = u64::MAX >> ((64 - levels.len() % 64) % 64);
            let signs: Vec<u64> = tokens
                .into_iter()
                .flat_map(|mut token| { token[words - 1] &= last; token })
                .collect();
            let prepared = Levels::new(&levels);
            let expected = by_definition(&levels, &signs, words);
            proptest::prop_assert_eq!(prepared.best(&SignedTokens::new(&signs, words)), expected);
            let counted = SignedTokens { signs: &signs, words, lanes: None };
            proptest::prop_assert_eq!(prepared.best(&counted), expected);
            let plainly = count(&prepared.planes, &signs, words);
            proptest::prop_assert_eq!(2 * plainly - prepared.sum, expected);
        }
    }

    use proptest::strategy::Strategy as _;

    #[test]
    fn no_tokens_match_nothing() {
        assert_eq!(Levels::new(&[5; 64]).best(&SignedTokens::new(&[], 1)), 0);
    }

    #[test]
    fn extremes_do_not_overflow() {
        for level in [-32_i8, 31] {
            let (levels, words) = (vec![level; 1_024], 16);
            let signs = vec![u64::MAX; words];
            let expected = 1_024 * i32::from(level);
            assert_eq!(Levels::new(&levels).best(&SignedTokens::new(&signs, words)), expected);
        }
    }
}
