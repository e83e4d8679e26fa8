//! Several wordings of one question into one score.

use std::cmp::Ordering;

/// How much each wording counts. The question itself counts in full, 1; another wording as far as the
/// others agree with what it puts first, so that a wrong guess at the answer cannot drown the question.
/// All count in full where they are not gated.
pub(super) fn gates(wordings: &[Vec<f32>], is_gated: bool) -> Vec<f32> {
    if !is_gated || wordings.len() < 2 {
        return vec![1.0; wordings.len()];
    }
    let standard: Vec<Vec<f32>> = wordings.iter().map(|scores| standardized(scores)).collect();
    std::iter::once(1.0).chain((1..wordings.len()).map(|number| gate(&standard, number))).collect()
}

/// The scores of all wordings in one: their mean, each counting as much as its gate.
pub(super) fn fuse(wordings: &[Vec<f32>], gates: &[f32]) -> Vec<f32> {
    let Some((question, rephrasings)) = wordings.split_first() else { return Vec::new() };
    let others = &gates[1..];
    let total = 1.0 + others.iter().sum::<f32>();
    let fused = |chunk: usize| {
        let others = rephrasings.iter().zip(others).map(|(scores, gate)| gate * scores[chunk]);
        (question[chunk] + others.sum::<f32>()) / total
    };
    (0..question.len()).map(fused).collect()
}

/// How far the other wordings agree with what wording `number` puts first, 0 to 1.
fn gate(standard: &[Vec<f32>], number: usize) -> f32 {
    const HEAD: usize = 10;
    const NO_AGREEMENT: f32 = 0.25;
    const FULL_AGREEMENT: f32 = 0.60;
    let others = (standard.len() - 1) as f32;
    let opinion: Vec<f32> = (0..standard[number].len())
        .map(|chunk| {
            standard
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number)
                .map(|(_, z)| z[chunk])
                .sum::<f32>()
                / others
        })
        .collect();
    let mean = |chunks: &[usize]| {
        chunks.iter().map(|chunk| opinion[*chunk]).sum::<f32>() / chunks.len().max(1) as f32
    };
    let best = mean(&top(&opinion, HEAD));
    if best <= 0.0 {
        return 0.0;
    }
    let agreement = mean(&top(&standard[number], HEAD)) / best;
    ((agreement - NO_AGREEMENT) / (FULL_AGREEMENT - NO_AGREEMENT)).clamp(0.0, 1.0)
}

/// `scores` with mean 0 and standard deviation 1.
fn standardized(scores: &[f32]) -> Vec<f32> {
    let count = scores.len().max(1) as f32;
    let mean = scores.iter().sum::<f32>() / count;
    let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count).sqrt().max(1e-6);
    scores.iter().map(|score| (score - mean) / deviation).collect()
}

/// A chunk and its score.
pub(super) type Scored = (usize, f32);

/// Best first; equal scores in the order of the chunks, so that a question has one answer.
pub(super) fn best_first(first: &Scored, second: &Scored) -> Ordering {
    second.1.total_cmp(&first.1).then_with(|| first.0.cmp(&second.0))
}

/// The numbers of the `count` best, best first.
pub(super) fn top(scores: &[f32], count: usize) -> Vec<usize> {
    top_of(scores.iter().copied().enumerate(), count)
}

/// The same of some chunks, which come in ascending order.
pub(super) fn top_of(scored: impl Iterator<Item = Scored>, count: usize) -> Vec<usize> {
    let mut best = Best::new(count);
    scored.for_each(|scored| best.offer(scored));
    best.numbers()
}

/// The same of those chunks that are admitted and score above 0. Of a large index nearly all blocks are turned away
/// by one look at each.
pub(super) fn top_matches(scores: &[f32], count: usize, is_admitted: impl Fn(usize) -> bool) -> Vec<usize> {
    const BLOCK: usize = 64;
    let mut best = Best::new(count);
    for (number, block) in scores.chunks(BLOCK).enumerate() {
        let least = best.last.unwrap_or(0.0).max(0.0);
        // Counted, not looked for until the first: without branches it is a few instructions.
        if block.iter().filter(|score| **score > least).count() == 0 {
            continue;
        }
        let numbered = block.iter().enumerate().map(|(place, score)| (number * BLOCK + place, *score));
        let is_match = |(chunk, score): &Scored| *score > least && is_admitted(*chunk);
        numbered.filter(is_match).for_each(|scored| best.offer(scored));
    }
    best.numbers()
}

/// The best so far of chunks that come in ascending order. Only about `count` of them are kept at a time: of a
/// large index nearly all are turned away by one comparison.
struct Best {
    count: usize,
    kept: Vec<Scored>,
    /// What has to be beaten: one that is as good as the last comes after it.
    last: Option<f32>,
}

impl Best {
    fn new(count: usize) -> Self {
        Self { count, kept: Vec::new(), last: None }
    }

    fn offer(&mut self, (chunk, score): Scored) {
        if self.count == 0 || self.last.is_some_and(|last| score.total_cmp(&last).is_le()) {
            return;
        }
        self.kept.push((chunk, score));
        if self.kept.len() == self.count.saturating_mul(2) {
            self.kept.select_nth_unstable_by(self.count - 1, best_first);
            self.kept.truncate(self.count);
            self.last = self.kept.last().map(|(_, score)| *score);
        }
    }

    /// Best first.
    fn numbers(mut self) -> Vec<usize> {
        self.kept.sort_unstable_by(best_first);
        self.kept.truncate(self.count);
        self.kept.into_iter().map(|(chunk, _)| chunk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_top_is_the_head_of_a_full_sort(
            scores in proptest::collection::vec(0_u8..6, 0..40), count in 0_usize..50
        ) {
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let mut expected: Vec<usize> = (0..scores.len()).collect();
            expected.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            expected.truncate(count);
            proptest::prop_assert_eq!(top(&scores, count), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_best_matches_are_those_of_all_that_match(
            scores in proptest::collection::vec(-2_i8..40, 0..400), count in 0_usize..50
        ) {
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let is_admitted = |chunk: usize| !chunk.is_multiple_of(3);
            let matches = scores.iter().copied().enumerate();
            let matches = matches.filter(|(chunk, score)| *score > 0.0 && is_admitted(*chunk));
            proptest::prop_assert_eq!(top_matches(&scores, count, is_admitted), top_of(matches, count));
        }
    }

    /// Scores over 100 chunks that are high for `best` only.
    fn peaked(best: std::ops::Range<usize>) -> Vec<f32> {
        (0..100)
            .map(
                |chunk| {
                    if best.contains(&chunk) {
                        10.0 + chunk as f32 / 100.0
                    } else {
                        (chunk % 7) as f32 / 10.0
                    }
                },
            )
            .collect()
    }

    #[test]
    fn a_wrong_guess_does_not_drown_the_question() {
        let question = peaked(0..10);
        let wordings = [question.clone(), peaked(50..60)];
        let fused = fuse(&wordings, &gates(&wordings, true));
        assert_eq!(top(&fused, 10), top(&question, 10));
        assert!(gate(&[standardized(&question), standardized(&peaked(50..60))], 1) < 1e-6);
    }

    #[test]
    fn wordings_that_agree_count_in_full() {
        let wordings =
            [standardized(&peaked(0..10)), standardized(&peaked(0..10)), standardized(&peaked(2..12))];
        assert!((gate(&wordings, 1) - 1.0).abs() < 1e-6);
        assert!(gate(&wordings, 2) > 0.9);
    }

    #[test]
    fn one_wording_is_scored_as_it_is() {
        assert_eq!(fuse(&[vec![3.0, 1.0]], &gates(&[vec![3.0, 1.0]], true)), [3.0, 1.0]);
        assert!(fuse(&[], &gates(&[], true)).is_empty());
    }
}
