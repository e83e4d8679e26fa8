//! The chunks' vectors, row after row, read in place.
//!
//! Vectors of one corpus share a direction that says nothing ("this is documentation of that
//! product"). Dense scores are cosines after the mean vector is taken away, which needs no second
//! copy of the vectors: a scale for each of them does.

use super::failure::OpenError;
use super::storage::{FileWriter, Kind, MappedFile};

pub(super) const KIND: Kind = *b"vectors ";

/// Unit vectors in a mapped file, with the mean vector and the mean of each document.
pub struct Vectors {
    file: MappedFile,
    dimensions: usize,
    count: usize,
}

impl Vectors {
    pub(super) fn open(file: MappedFile, dimensions: usize, documents: usize) -> Result<Self, OpenError> {
        let damaged = |reason: String| OpenError::damaged(file.path(), reason);
        let values = file.array::<f32>(0)?.len();
        if dimensions == 0 || values % dimensions != 0 {
            return Err(damaged(format!("{values} values are not rows of {dimensions}")));
        }
        let count = values / dimensions;
        let lengths = (file.array::<f32>(1)?.len(), file.array::<f32>(2)?.len(), file.array::<f32>(3)?.len());
        if Some(lengths) != documents.checked_mul(dimensions).map(|means| (dimensions, count, means)) {
            return Err(damaged("its means are not those of its vectors".into()));
        }
        Ok(Self { file, dimensions, count })
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
        &self.values(0)[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The centred cosine of `query` (a unit vector) and every chunk, in the order of the chunks.
    #[must_use]
    pub fn scan(&self, query: &[f32]) -> Vec<f32> {
        let mean = self.values(1);
        let centred: Vec<f32> = query.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        let length = dot(&centred, &centred).sqrt().max(1e-6);
        let offset = dot(&centred, mean);
        let rows = self.values(0).chunks_exact(self.dimensions);
        rows.zip(self.values(2)).map(|(row, scale)| (dot(&centred, row) - offset) * scale / length).collect()
    }

    /// The cosine of `query` and the mean vector of every document, in the order of the documents.
    #[must_use]
    pub fn scan_documents(&self, query: &[f32]) -> Vec<f32> {
        self.values(3).chunks_exact(self.dimensions).map(|mean| dot(query, mean)).collect()
    }

    /// Reads all of it, for `docent doctor --deep`.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let is_unit = |row: &[f32]| (dot(row, row) - 1.0).abs() < 1e-3;
        match self.values(0).chunks_exact(self.dimensions).position(|row| !is_unit(row)) {
            Some(chunk) => Err(OpenError::damaged(
                self.file.path(),
                format!("the vector of chunk {chunk} is not of unit length"),
            )),
            None => Ok(()),
        }
    }

    fn values(&self, array: usize) -> &[f32] {
        self.file.array(array).unwrap_or_default()
    }
}

/// `values` are unit vectors of `dimensions`, row after row; `document_of` names each row's
/// document, in ascending order.
pub(super) fn encode(values: &[f32], dimensions: usize, document_of: &[u32], documents: usize) -> FileWriter {
    let rows = || values.chunks_exact(dimensions);
    let mut mean = vec![0.0_f32; dimensions];
    let mut document_means = vec![0.0_f32; documents * dimensions];
    let share = 1.0 / document_of.len().max(1) as f32;
    for (row, document) in rows().zip(document_of) {
        let start = *document as usize * dimensions;
        let sums = &mut document_means[start..start + dimensions];
        for ((mean, sum), value) in mean.iter_mut().zip(sums).zip(row) {
            *mean += value * share;
            *sum += value;
        }
    }
    for sums in document_means.chunks_exact_mut(dimensions) {
        // A document whose chunks cancel out is near nothing.
        let length = dot(sums, sums).sqrt();
        for value in sums {
            *value = if length > 1e-6 { *value / length } else { 0.0 };
        }
    }
    let mean_length = dot(&mean, &mean);
    let scale = |row: &[f32]| {
        let squared = dot(row, row) - 2.0 * dot(row, &mean) + mean_length;
        // A vector that is the mean itself has no direction left.
        if squared > 1e-9 { squared.sqrt().recip() } else { 0.0 }
    };
    let scales: Vec<f32> = rows().map(scale).collect();
    let mut writer = FileWriter::new(KIND);
    writer.push(values).push(&mean).push(&scales).push(&document_means);
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
    use super::super::manifest::FORMAT_VERSION;
    use super::super::storage::Check;
    use super::*;

    #[test]
    fn dot_handles_every_length() {
        for length in [0, 1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..length).map(|value| value as f32).collect();
            let expected: f32 = values.iter().map(|value| value * value).sum();
            assert!((dot(&values, &values) - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn scores_are_cosines_around_the_mean() {
        let unit = |x: f32, y: f32| [x / x.hypot(y), y / x.hypot(y)];
        let rows = [unit(1.0, 0.2), unit(1.0, -0.2), unit(0.9, 0.6)];
        let values: Vec<f32> = rows.iter().flatten().copied().collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let checksum = encode(&values, 2, &[0, 0, 1], 2).write(&path).unwrap();
        let vectors = Vectors::open(
            MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap(),
            2,
            2,
        )
        .unwrap();
        let mean = [0, 1].map(|axis| rows.iter().map(|row| row[axis]).sum::<f32>() / 3.0);
        let query = unit(0.7, 0.7);
        let centred = |row: &[f32; 2]| [row[0] - mean[0], row[1] - mean[1]];
        let query_centred = centred(&query);
        for (row, score) in rows.iter().zip(vectors.scan(&query)) {
            let row = centred(row);
            let expected = (row[0] * query_centred[0] + row[1] * query_centred[1])
                / (row[0].hypot(row[1]) * query_centred[0].hypot(query_centred[1]));
            assert!((score - expected).abs() < 1e-4, "{score} instead of {expected}");
        }
        let documents = vectors.scan_documents(&query);
        assert!((documents[1] - (query[0] * rows[2][0] + query[1] * rows[2][1])).abs() < 1e-6);
    }
}
