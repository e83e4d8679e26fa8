//! Cosines around the mean of an index's vectors, in each layout that vectors lie in.

use super::kernels::{dot, prefetch};
use super::planes::{Codes, Planes, Row};

/// A vector to compare with rows of an index.
#[derive(Debug, Clone)]
pub struct Question {
    values: Vec<f32>,
    codes: Codes,
}

impl Question {
    /// The vector `values`, of as many components as the index has dimensions.
    #[must_use]
    pub fn new(values: Vec<f32>) -> Self {
        Self { codes: Codes::new(&values), values }
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn codes(&self) -> &Codes {
        &self.codes
    }
}

/// A question around the mean of an index's vectors.
pub struct CentredQuestion {
    question: Question,
    /// Its dot product with the mean: what the centring of a chunk takes away.
    offset: f32,
    length: f32,
}

impl CentredQuestion {
    pub(super) fn new(question: &[f32], mean: &[f32]) -> Self {
        let values: Vec<f32> = question.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        let length = dot(&values, &values).sqrt().max(1e-6);
        let offset = dot(&values, mean);
        Self { question: Question::new(values), offset, length }
    }

    /// The cosine with a row of `f32` that is `1 / scale` away from the mean.
    pub(super) fn score(&self, row: &[f32], scale: f32) -> f32 {
        self.centre(dot(&self.question.values, row), scale)
    }

    fn centre(&self, dot: f32, scale: f32) -> f32 {
        (dot - self.offset) * scale / self.length
    }
}

/// The rows of an index in their layout, looked up once.
#[derive(Clone, Copy)]
pub(super) enum Rows<'index> {
    Floats {
        values: &'index [f32],
        /// 1 / the distance of each from the mean.
        scales: &'index [f32],
        dimensions: usize,
    },
    Codes(CodeRows<'index>),
}

impl Rows<'_> {
    /// The centred cosine with a row.
    pub(super) fn score(&self, question: &CentredQuestion, index: usize) -> f32 {
        match self {
            Self::Floats { values, scales, dimensions } => {
                question.score(&values[index * dimensions..(index + 1) * dimensions], scales[index])
            }
            Self::Codes(rows) => rows.score(question, index),
        }
    }

    /// The same by half of the bytes, for a search that looks at what it finds once more.
    pub(super) fn coarse_score(&self, question: &CentredQuestion, index: usize) -> f32 {
        match self {
            Self::Floats { .. } => self.score(question, index),
            Self::Codes(rows) => rows.coarse_score(question, index),
        }
    }

    /// Says that a row's coarse score will be asked for next.
    pub(super) fn prefetch(&self, index: usize) {
        match self {
            Self::Floats { values, dimensions, .. } => {
                prefetch(&values[index * dimensions..(index + 1) * dimensions]);
            }
            Self::Codes(rows) => rows.prefetch(index),
        }
    }
}

/// Rows of codes, in a file or in memory.
#[derive(Clone, Copy)]
pub(super) struct CodeRows<'rows> {
    pub(super) high: &'rows [i8],
    pub(super) low: &'rows [i8],
    /// For each what its codes are worth, and 1 / its distance from the mean.
    pub(super) scales: &'rows [[f32; 2]],
    pub(super) dimensions: usize,
}

impl<'rows> CodeRows<'rows> {
    pub(super) fn new(planes: &'rows Planes, centring: &'rows Centring) -> Self {
        let (high, low) = (&planes.high, &planes.low);
        Self { high, low, scales: &centring.scales, dimensions: planes.dimensions }
    }

    pub(super) fn row(&self, index: usize) -> Row<'rows> {
        let range = index * self.dimensions..(index + 1) * self.dimensions;
        Row { high: &self.high[range.clone()], low: &self.low[range], scale: self.scales[index][0] }
    }

    pub(super) fn score(&self, question: &CentredQuestion, index: usize) -> f32 {
        question.centre(self.row(index).dot(&question.question.codes), self.scales[index][1])
    }

    pub(super) fn coarse_score(&self, question: &CentredQuestion, index: usize) -> f32 {
        question.centre(self.row(index).coarse_dot(&question.question.codes), self.scales[index][1])
    }

    pub(super) fn prefetch(&self, index: usize) {
        prefetch(&self.scales[index..=index]);
        prefetch(&self.high[index * self.dimensions..(index + 1) * self.dimensions]);
    }
}

/// The mean of all vectors, and for each what its codes are worth and 1 / its distance from the mean.
pub(super) struct Centring {
    pub(super) mean: Vec<f32>,
    pub(super) scales: Vec<[f32; 2]>,
}

impl Centring {
    /// Of the vectors as they will be read back: so it is the same whether they were just made or not.
    pub(super) fn of(planes: &Planes) -> Self {
        let rows = || (0..planes.len()).map(|number| planes.row(number));
        let mut mean = vec![0.0_f32; planes.dimensions];
        let share = 1.0 / planes.len().max(1) as f32;
        for row in rows() {
            for (mean, value) in mean.iter_mut().zip(row.values()) {
                *mean += value * share;
            }
        }
        let mean_length = dot(&mean, &mean);
        let mut values = Vec::with_capacity(planes.dimensions);
        let mut scale = |row: Row<'_>| {
            values.clear();
            values.extend(row.values());
            let squared = dot(&values, &values) - 2.0 * dot(&values, &mean) + mean_length;
            // A vector that is the mean itself has no direction left.
            [row.scale, if squared > 1e-9 { squared.sqrt().recip() } else { 0.0 }]
        };
        let scales = rows().map(&mut scale).collect();
        Self { mean, scales }
    }

    pub(super) fn question(&self, question: &[f32]) -> CentredQuestion {
        CentredQuestion::new(question, &self.mean)
    }
}
