//! Vectors in 16 bits a component, in two planes of eight.
//!
//! A component is `scale * (256 * high + low)`, with a scale for each row. A search of the graph reads
//! the high bytes only; what it finds is scored again by both planes, which tell vectors apart as
//! finely as their encoder does. `docs/approximate-search.md` has what was measured.
//!
//! Scales have four significant bits, and the largest component is rounded away from zero. So what is
//! read back is quantised to the same bytes again, and a vector that goes from generation to
//! generation does not drift.

use super::kernels::dot_codes;

/// The largest magnitude of a code: `256 * 127 + 127`.
const LARGEST: f32 = 32_639.0;
/// What a high byte stands for.
const HIGH: i32 = 256;
/// The bits of an `f32` that a scale leaves empty.
const EMPTY: u32 = (1 << 20) - 1;

/// Rows of codes in memory, before they are written.
pub(super) struct Planes {
    pub(super) high: Vec<i8>,
    pub(super) low: Vec<i8>,
    /// What a code of each row is worth.
    pub(super) scales: Vec<f32>,
    pub(super) dimensions: usize,
}

impl Planes {
    /// `values` are rows of `dimensions`.
    pub(super) fn new(values: &[f32], dimensions: usize) -> Self {
        let rows = values.chunks_exact(dimensions.max(1));
        let mut planes = Self::with_capacity(rows.len(), dimensions);
        rows.for_each(|row| planes.push(row));
        planes
    }

    /// None yet, and room for so many.
    pub(super) fn with_capacity(rows: usize, dimensions: usize) -> Self {
        Self {
            high: Vec::with_capacity(rows * dimensions),
            low: Vec::with_capacity(rows * dimensions),
            scales: Vec::with_capacity(rows),
            dimensions,
        }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, row: &[f32]) {
        let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = scale_of(largest);
        for value in row {
            let code = code_of(*value, largest, scale);
            let high = (code + HIGH / 2) >> 8;
            self.high.push(high as i8);
            self.low.push((code - HIGH * high) as i8);
        }
        self.scales.push(scale);
    }

    /// The row of a number.
    pub(super) fn row(&self, number: usize) -> Row<'_> {
        let range = number * self.dimensions..(number + 1) * self.dimensions;
        Row { high: &self.high[range.clone()], low: &self.low[range], scale: self.scales[number] }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }
}

/// The least scale that gives every component a code: rounded up to four significant bits.
fn scale_of(largest: f32) -> f32 {
    let least = largest / LARGEST;
    // Adding below the bits that stay carries into them, and into the exponent where they are full.
    if least > 0.0 { f32::from_bits((least.to_bits() + EMPTY) & !EMPTY) } else { 0.0 }
}

fn code_of(value: f32, largest: f32, scale: f32) -> i32 {
    if scale == 0.0 {
        return 0;
    }
    let steps = value.abs() / scale;
    let code = if value.abs() < largest { steps.round() } else { steps.ceil() };
    code.min(LARGEST).copysign(value) as i32
}

/// One row of codes, wherever it lies.
#[derive(Clone, Copy)]
pub(super) struct Row<'planes> {
    pub(super) high: &'planes [i8],
    pub(super) low: &'planes [i8],
    pub(super) scale: f32,
}

impl Row<'_> {
    /// Its components.
    pub(super) fn values(self) -> impl Iterator<Item = f32> {
        let codes = self.high.iter().zip(self.low);
        codes.map(move |(high, low)| self.scale * (i32::from(*high) * HIGH + i32::from(*low)) as f32)
    }

    /// The dot product with a question, as exact as the row.
    pub(super) fn dot(self, question: &QuestionCodes) -> f32 {
        let high = i64::from(dot_codes(&question.codes, self.high)) * i64::from(HIGH);
        let low = i64::from(dot_codes(&question.codes, self.low));
        (high + low) as f32 * (question.scale * self.scale)
    }

    /// The same by the high bytes alone.
    pub(super) fn coarse_dot(self, question: &QuestionCodes) -> f32 {
        dot_codes(&question.codes, self.high) as f32 * (HIGH as f32 * question.scale * self.scale)
    }
}

/// A vector to compare with rows of an index, in 16 bits a component: as finely as sums of products
/// with bytes fit 32 bits.
#[derive(Debug, Clone)]
pub struct QuestionCodes {
    codes: Vec<i16>,
    scale: f32,
}

impl QuestionCodes {
    /// Of a vector with as many components as the index has dimensions.
    #[must_use]
    pub fn new(values: &[f32]) -> Self {
        let most = f32::from(i16::MAX).min((i32::MAX / 128) as f32 / values.len().max(1) as f32).floor();
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest / most } else { 0.0 };
        let code = |value: &f32| if scale > 0.0 { (value / scale).round() as i16 } else { 0 };
        Self { codes: values.iter().map(code).collect(), scale }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::dot;
    use super::*;

    fn unit(mut values: Vec<f32>) -> Vec<f32> {
        let length = dot(&values, &values).sqrt();
        for value in &mut values {
            *value /= length.max(1e-6);
        }
        values
    }

    #[test]
    fn nothing_and_one_direction() {
        let planes = Planes::new(&[0.0, 0.0, 0.0, -1.0], 2);
        let rows: Vec<Vec<f32>> = (0..2).map(|number| planes.row(number).values().collect()).collect();
        assert_eq!(rows[0], [0.0, 0.0]);
        assert!(rows[1][0] == 0.0 && (rows[1][1] + 1.0).abs() < 1e-4, "{rows:?}");
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_back_is_quantised_to_the_same_bytes(
            values in proptest::collection::vec(-1.0_f32..1.0, 1..500), shrink in 0_u32..12,
        ) {
            // Also rows with one component far above the others.
            let mut values = values;
            let last = values.len() - 1;
            values[..last].iter_mut().for_each(|value| *value /= (1 << shrink) as f32);
            let values = unit(values);
            let planes = Planes::new(&values, values.len());
            let back: Vec<f32> = planes.row(0).values().collect();
            let again = Planes::new(&back, back.len());
            proptest::prop_assert_eq!((&planes.high, &planes.low, &planes.scales), (&again.high, &again.low, &again.scales));
            let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            for (value, back) in values.iter().zip(&back) {
                proptest::prop_assert!((value - back).abs() <= largest / 28_000.0, "{} became {}", value, back);
            }
        }

        #[test]
        fn dot_products_are_those_of_the_vectors(
            pairs in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 2..1_100),
        ) {
            let (first, second): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (first, second) = (unit(first), unit(second));
            let codes = QuestionCodes::new(&first);
            let planes = Planes::new(&second, second.len());
            let exact = dot(&first, &second);
            proptest::prop_assert!((planes.row(0).dot(&codes) - exact).abs() < 2e-4);
            proptest::prop_assert!((planes.row(0).coarse_dot(&codes) - exact).abs() < 2e-2);
        }
    }
}
