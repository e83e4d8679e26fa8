//! Two rankings into one.
//!
//! Scores are put on one scale per question (the best candidate is 1, the worst 0) and added with
//! weights. Adding scores keeps what ranks throw away: by how much the best stands out. In the
//! experiments that DESIGN decisions rest on, rank fusion was no better than the dense arm alone.

/// How much each arm counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weights {
    pub(super) dense: f32,
    pub(super) lexical: f32,
    /// Of the similarity to the whole document's mean vector.
    pub(super) document: f32,
}

pub(super) const WEIGHTS: Weights = Weights { dense: 0.7, lexical: 0.3, document: 0.15 };

/// `scores` mapped to 0..1 by their own smallest and largest; all 0 where they are equal.
pub(super) fn min_max(scores: &mut [f32]) {
    let low = scores.iter().copied().fold(f32::INFINITY, f32::min);
    let high = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    for score in scores {
        *score = if range > 0.0 { (*score - low) / range } else { 0.0 };
    }
}

/// The numbers of the `count` best, best first; equal scores in the order of the chunks, so that a
/// question has one answer.
pub(super) fn top(scores: &[f32], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let better = |first: &usize, second: &usize| {
        scores[*second].total_cmp(&scores[*first]).then_with(|| first.cmp(second))
    };
    if count < order.len() {
        order.select_nth_unstable_by(count, better);
        order.truncate(count);
    }
    order.sort_unstable_by(better);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_put_on_one_scale() {
        let mut scores = [2.0, 4.0, 3.0];
        min_max(&mut scores);
        assert_eq!(scores, [0.0, 1.0, 0.5]);
        let mut equal = [0.3, 0.3];
        min_max(&mut equal);
        assert_eq!(equal, [0.0, 0.0]);
        min_max(&mut []);
    }

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
}
