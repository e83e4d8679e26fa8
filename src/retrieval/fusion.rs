//! Several views of a question's candidates into one score.
//!
//! Each view has the same spread over the chunks of a corpus whatever the corpus (measured on three:
//! developer documentation, abstracts, mixed technical documentation), so that dividing by that
//! spread puts them on one scale without looking at the question's other candidates: a score then
//! means the same for every question. Adding scores keeps what rank fusion throws away, by how much
//! the best stands out.

/// A view's share of the score, and the standard deviation of its values over chunks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    share: f32,
    spread: f32,
}

impl View {
    /// What a value of this view adds to the score.
    pub(super) fn part(self, value: f32) -> f32 {
        self.share * value / self.spread
    }
}

/// Late interaction: the best single view of all.
pub(super) const LATE: View = View { share: 1.0, spread: 0.053 };
/// The centred cosine of the pooled vectors.
pub(super) const DENSE: View = View { share: 1.0, spread: 0.11 };
/// How much of the dense view late interaction replaces where it runs: both see the same meaning.
pub(super) const LATE_TAKES_OVER: View = View { share: 0.5, spread: 0.11 };
/// BM25F as a share of its maximum, which is on one scale by itself.
pub(super) const LEXICAL: View = View { share: 9.0, spread: 1.0 };
/// The cosine of the question and its document's mean vector.
pub(super) const DOCUMENT: View = View { share: 0.25, spread: 0.1 };

/// Scores are shown divided by this: 1 is about what a passage gets that is the question itself.
pub(super) const FULL_SCORE: f32 = 30.0;

/// How many chunks late interaction looks at.
pub(super) const CANDIDATES: usize = 200;

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
