//! Near-duplicates: documentation repeats itself, and an answer should not.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::fusion::Scored;
use crate::index::{Index, OpenError};

/// Words in a row that are compared as one.
const SHINGLE: usize = 5;
/// Texts are near-duplicates from this share of shingles on that they have in common: a changed word
/// in a long passage leaves it one, a changed sentence does not.
const SAME: f64 = 0.95;

/// The head of a ranking without what says the same as something better.
pub(super) struct Distinct {
    /// Best first.
    pub(super) chunks: Vec<Scored>,
    /// For each chunk that stands for others: those, best first.
    pub(super) same: HashMap<usize, Vec<usize>>,
}

/// The first `wanted` chunks of `ranked` that say something else than every one before.
///
/// # Errors
/// Where a record is damaged.
pub(super) fn distinct(index: &Index, ranked: &[Scored], wanted: usize) -> Result<Distinct, OpenError> {
    let mut kept: Vec<(Scored, Said)> = Vec::new();
    let mut same: HashMap<usize, Vec<usize>> = HashMap::new();
    for scored in ranked {
        if kept.len() >= wanted {
            break;
        }
        let said = Said::of(&index.chunk(scored.0)?.chunk.text);
        match kept.iter().find(|(_, better)| better.is_same(&said)) {
            Some(((better, _), _)) => same.entry(*better).or_default().push(scored.0),
            None => kept.push((*scored, said)),
        }
    }
    Ok(Distinct { chunks: kept.into_iter().map(|(scored, _)| scored).collect(), same })
}

/// What a text says, whatever its white space.
struct Said {
    whole: u64,
    /// Hashes of all words in a row, ascending, each once; none where there are too few words.
    shingles: Vec<u64>,
}

impl Said {
    fn of(text: &str) -> Self {
        let words: Vec<u64> = text.split_whitespace().map(hash).collect();
        let mut shingles: Vec<u64> = words.windows(SHINGLE).map(in_a_row).collect();
        shingles.sort_unstable();
        shingles.dedup();
        Self { whole: in_a_row(&words), shingles }
    }

    fn is_same(&self, other: &Self) -> bool {
        if self.whole == other.whole {
            return true;
        }
        let (one, another) = (self.shingles.len(), other.shingles.len());
        let (fewer, more) = (one.min(another), one.max(another));
        // What is so much longer has too much of its own, whatever the rest.
        if fewer == 0 || (fewer as f64) < SAME * more as f64 {
            return false;
        }
        let common = common(&self.shingles, &other.shingles);
        common as f64 >= SAME * (fewer + more - common) as f64
    }
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

/// One hash of the hashes of words in a row. Words are hashed once, not once for every shingle that they stand in.
fn in_a_row(words: &[u64]) -> u64 {
    /// Odd, its bits without a pattern: the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    words.iter().fold(0, |hash, word| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR))
}

/// How many numbers two ascending lists have in common.
fn common(one: &[u64], other: &[u64]) -> usize {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    let mut count = 0;
    while let (Some(first), Some(second)) = (one.peek(), other.peek()) {
        let order = first.cmp(second);
        count += usize::from(order.is_eq());
        if order.is_le() {
            one.next();
        }
        if order.is_ge() {
            other.next();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_same(one: &str, other: &str) -> bool {
        let (one, other) = (Said::of(one), Said::of(other));
        assert_eq!(one.is_same(&other), other.is_same(&one));
        one.is_same(&other)
    }

    fn long(changed: usize) -> String {
        let word = |number: usize| if number < changed { 1_000 + number } else { number };
        (0..300).map(|number| word(number).to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn white_space_and_a_word_in_a_long_text_make_no_difference() {
        assert!(are_same("a b\n\nc", "a  b c"));
        assert!(are_same(&long(0), &long(1)));
        assert!(!are_same(&long(0), &long(40)));
        assert!(!are_same("a b c", "a b d"), "short texts are compared whole");
        assert!(!are_same(&long(0), &format!("{} {}", long(0), long(40))));
        assert!(are_same("", " \n"));
    }
}
