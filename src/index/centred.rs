//! Cosines around the mean of an index's vectors.

use super::kernels::{dot, prefetch};
use super::planes::{QuestionCodes, Row};

/// A question around the mean of an index's vectors.
pub struct CentredQuestion {
    values: Vec<f32>,
    codes: QuestionCodes,
    /// Its dot product with the mean: what the centring of a chunk takes away.
    offset: f32,
    length: f32,
}

impl CentredQuestion {
    pub(super) fn new(question: &[f32], mean: &[f32]) -> Self {
        let values: Vec<f32> = question.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        let length = dot(&values, &values).sqrt().max(1e-6);
        let offset = dot(&values, mean);
        Self { codes: QuestionCodes::new(&values), values, offset, length }
    }

    /// The cosine with a vector of `f32` that is `1 / scale` away from the mean: the truth that what a
    /// search finds is held against.
    pub(super) fn exact_score(&self, vector: &[f32], scale: f32) -> f32 {
        self.centre(dot(&self.values, vector), scale)
    }

    fn centre(&self, dot: f32, scale: f32) -> f32 {
        (dot - self.offset) * scale / self.length
    }
}

/// Rows of codes, in a file or in memory, looked up once for many looks at them.
#[derive(Clone, Copy)]
pub(super) struct CodeRows<'rows> {
    pub(super) high: &'rows [i8],
    pub(super) low: &'rows [i8],
    /// For each what its codes are worth, and 1 / its distance from the mean.
    pub(super) scales: &'rows [[f32; 2]],
    pub(super) dimensions: usize,
}

impl<'rows> CodeRows<'rows> {
    pub(super) fn row(&self, index: usize) -> Row<'rows> {
        let range = index * self.dimensions..(index + 1) * self.dimensions;
        Row { high: &self.high[range.clone()], low: &self.low[range], scale: self.scales[index][0] }
    }

    /// The centred cosine with a row.
    pub(super) fn score(&self, question: &CentredQuestion, index: usize) -> f32 {
        question.centre(self.row(index).dot(&question.codes), self.scales[index][1])
    }

    /// The same by the high bytes alone, for a search that looks at what it finds once more.
    pub(super) fn coarse_score(&self, question: &CentredQuestion, index: usize) -> f32 {
        question.centre(self.row(index).coarse_dot(&question.codes), self.scales[index][1])
    }

    /// Says that a row's coarse score will be asked for next.
    pub(super) fn prefetch(&self, index: usize) {
        prefetch(&self.scales[index..=index]);
        prefetch(&self.high[index * self.dimensions..(index + 1) * self.dimensions]);
    }

    /// Says that all of a row will be looked at soon. One that is not there is passed over.
    pub(super) fn prefetch_whole(&self, index: usize) {
        if index < self.scales.len() {
            self.prefetch(index);
            prefetch(&self.low[index * self.dimensions..(index + 1) * self.dimensions]);
        }
    }
}
