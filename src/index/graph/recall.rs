//! How much of the truth a search finds: recall@10 against exact search in `f32`, on a sample.
//!
//! The questions of a corpus are not known when it is indexed. The sample's are mixtures of two of its
//! vectors, two parts of one and one of the other: close to the corpus, and to no chunk in particular.

use super::exact::ExactVectors;
use crate::index::failure::BuildError;
use crate::index::kernels::dot;
use crate::index::parallel::in_parallel;
use crate::index::vectors::VectorArrays;

/// How many of the best are looked for.
pub(super) const DEPTH: usize = 10;
/// Questions of the sample: the standard error of a recall of 0.99 is then about 0.002.
const QUESTIONS: usize = 256;
/// Scores as close as this are the same: either of two such chunks is as good an answer.
const TIE: f32 = 1e-6;

/// Questions, and how good their ten best are.
pub(super) struct Sample {
    /// Unit vectors, not centred.
    pub(super) questions: Vec<Vec<f32>>,
    /// For each question, the centred cosine of its tenth best chunk.
    thresholds: Vec<f32>,
    /// Ten, or the number of chunks where there are fewer.
    depth: usize,
}

impl Sample {
    /// Draws questions and answers them by comparing each with every row of `exact`, which `vectors` keeps
    /// in fewer bits. Each thread reads all rows once.
    pub(super) fn new(
        exact: &ExactVectors,
        vectors: &VectorArrays,
        threads: usize,
    ) -> Result<Self, BuildError> {
        let questions = questions(exact)?;
        let together = questions.len().div_ceil(threads.max(1)).max(1);
        let blocks: Vec<&[Vec<f32>]> = questions.chunks(together).collect();
        let answers = in_parallel(blocks.len(), threads, |block| tenth_best(exact, vectors, blocks[block]));
        let thresholds = answers.into_iter().collect::<Result<Vec<_>, BuildError>>()?.concat();
        Ok(Self { questions, thresholds, depth: DEPTH.min(vectors.len()) })
    }

    /// The share of the ten best that `search` finds; it gets a question and returns the
    /// scores of what it finds.
    pub(super) fn recall(
        &self,
        threads: usize,
        search: impl Fn(&[f32]) -> Result<Vec<f32>, BuildError> + Sync,
    ) -> Result<f64, BuildError> {
        let found = in_parallel(self.questions.len(), threads, |number| {
            let threshold = self.thresholds[number] - TIE;
            let scores = search(&self.questions[number])?;
            Ok(scores.iter().filter(|score| **score >= threshold).count().min(self.depth))
        });
        let found = found.into_iter().collect::<Result<Vec<usize>, BuildError>>()?;
        Ok(found.iter().sum::<usize>() as f64 / (self.questions.len() * self.depth).max(1) as f64)
    }
}

fn questions(exact: &ExactVectors) -> Result<Vec<Vec<f32>>, BuildError> {
    let count = exact.len();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        // Xorshift64*: a fixed sample, so that the figure of a build can be had again.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        exact.row(state.wrapping_mul(0x2545_f491_4f6c_dd1d) as usize % count.max(1))
    };
    let mut mixture = || {
        let (first, second) = (draw()?, draw()?);
        let mixed: Vec<f32> = first.iter().zip(&second).map(|(first, second)| 2.0 * first + second).collect();
        let length = dot(&mixed, &mixed).sqrt().max(1e-6);
        Ok(mixed.iter().map(|value| value / length).collect())
    };
    (0..QUESTIONS.min(count)).map(|_| mixture()).collect()
}

/// For each question of a block, the score of its tenth best row (of its worst, where there are fewer).
fn tenth_best(
    exact: &ExactVectors,
    vectors: &VectorArrays,
    block: &[Vec<f32>],
) -> Result<Vec<f32>, BuildError> {
    let centred: Vec<_> = block.iter().map(|question| vectors.centred(question)).collect();
    let mut best: Vec<Vec<f32>> = vec![Vec::with_capacity(DEPTH + 1); block.len()];
    let scales = vectors.rows().scales;
    exact.each(|number, row| {
        for (question, best) in centred.iter().zip(&mut best) {
            let score = question.exact_score(row, scales[number][1]);
            if best.len() < DEPTH || best.last().is_some_and(|last| score > *last) {
                let place = best.partition_point(|other| *other >= score);
                best.insert(place, score);
                best.truncate(DEPTH);
            }
        }
    })?;
    Ok(best.iter().map(|best| best.last().copied().unwrap_or(f32::NEG_INFINITY)).collect())
}
