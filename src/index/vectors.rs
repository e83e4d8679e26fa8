//! The chunks' vectors, row after row, read in place.

use super::failure::OpenError;
use super::storage::{FileWriter, Kind, MappedFile};

pub(super) const KIND: Kind = *b"vectors ";

/// Unit vectors in a mapped file.
pub struct Vectors {
    file: MappedFile,
    dimensions: usize,
    count: usize,
}

impl Vectors {
    pub(super) fn open(file: MappedFile, dimensions: usize) -> Result<Self, OpenError> {
        let values = file.array::<f32>(0)?.len();
        if dimensions == 0 || values % dimensions != 0 {
            return Err(OpenError::damaged(
                file.path(),
                format!("{values} values are not rows of {dimensions}"),
            ));
        }
        Ok(Self { count: values / dimensions, dimensions, file })
    }

    /// Number of vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The vector of a chunk.
    ///
    /// # Panics
    /// Where `index` is not less than [`Vectors::len`].
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values()[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The cosine of `query` and every chunk, in the order of the chunks.
    #[must_use]
    pub fn scan(&self, query: &[f32]) -> Vec<f32> {
        self.values().chunks_exact(self.dimensions).map(|row| dot(query, row)).collect()
    }

    fn values(&self) -> &[f32] {
        self.file.array(0).unwrap_or_default()
    }
}

pub(super) fn encode(values: &[f32]) -> FileWriter {
    let mut writer = FileWriter::new(KIND);
    writer.push(values);
    writer
}

/// The dot product of two vectors of equal length: of unit vectors, their cosine.
#[must_use]
pub fn dot(first: &[f32], second: &[f32]) -> f32 {
    const LANES: usize = 16;
    // Independent sums let the compiler use vector registers; the order of addition is fixed, so
    // that a score is the same on every run.
    let mut sums = [0.0_f32; LANES];
    let (first_blocks, first_rest) = first.as_chunks::<LANES>();
    let (second_blocks, second_rest) = second.as_chunks::<LANES>();
    for (left, right) in first_blocks.iter().zip(second_blocks) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = first_rest.iter().zip(second_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::dot;

    #[test]
    fn dot_handles_every_length() {
        for length in [0, 1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..length).map(|value| value as f32).collect();
            let expected: f32 = values.iter().map(|value| value * value).sum();
            assert!((dot(&values, &values) - expected).abs() < 1e-3);
        }
    }
}
