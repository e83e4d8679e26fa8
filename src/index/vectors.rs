//! The chunks' vectors, row after row, read in place.
//!
//! Vectors of one corpus share a direction that says nothing ("this is documentation of that
//! product"). Dense scores are cosines after the mean vector is taken away, which needs no second
//! copy of the vectors: a scale for each of them does.

use super::failure::OpenError;
use super::kernels::{dot, prefetch};
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

    /// `question` (a unit vector) with the mean of the vectors taken away.
    #[must_use]
    pub fn centred(&self, question: &[f32]) -> CentredQuestion {
        CentredQuestion::new(question, self.values(1))
    }

    /// The centred cosine of a question and a chunk.
    ///
    /// # Panics
    /// Where `index` is not less than [`Vectors::len`].
    #[must_use]
    pub fn score(&self, question: &CentredQuestion, index: usize) -> f32 {
        question.score(self.row(index), self.values(2)[index])
    }

    /// The centred cosine of a question and every chunk, in the order of the chunks.
    #[must_use]
    pub fn scan(&self, question: &CentredQuestion) -> Vec<f32> {
        let rows = self.values(0).chunks_exact(self.dimensions);
        rows.zip(self.values(2)).map(|(row, scale)| question.score(row, *scale)).collect()
    }

    pub(super) fn prefetch(&self, index: usize) {
        prefetch(self.row(index));
    }

    /// The cosine of `query` and the mean vector of a document.
    ///
    /// # Panics
    /// Where there is no document of that number.
    #[must_use]
    pub fn score_document(&self, query: &[f32], document: usize) -> f32 {
        dot(query, &self.values(3)[document * self.dimensions..(document + 1) * self.dimensions])
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

/// A question around the mean of an index's vectors.
pub struct CentredQuestion {
    values: Vec<f32>,
    /// Its dot product with the mean: what the centring of a chunk takes away.
    offset: f32,
    length: f32,
}

impl CentredQuestion {
    fn new(question: &[f32], mean: &[f32]) -> Self {
        let values: Vec<f32> = question.iter().zip(mean).map(|(value, mean)| value - mean).collect();
        let length = dot(&values, &values).sqrt().max(1e-6);
        let offset = dot(&values, mean);
        Self { values, offset, length }
    }

    /// The cosine with a row that is `1 / scale` away from the mean.
    pub(super) fn score(&self, row: &[f32], scale: f32) -> f32 {
        (dot(&self.values, row) - self.offset) * scale / self.length
    }
}

/// The mean of all vectors, and for each 1 / its distance from it.
pub(super) struct Centring {
    pub(super) mean: Vec<f32>,
    pub(super) scales: Vec<f32>,
}

impl Centring {
    /// `values` are unit vectors of `dimensions`, row after row.
    pub(super) fn of(values: &[f32], dimensions: usize) -> Self {
        let rows = || values.chunks_exact(dimensions);
        let mut mean = vec![0.0_f32; dimensions];
        let share = 1.0 / rows().len().max(1) as f32;
        for row in rows() {
            for (mean, value) in mean.iter_mut().zip(row) {
                *mean += value * share;
            }
        }
        let mean_length = dot(&mean, &mean);
        let scale = |row: &[f32]| {
            let squared = dot(row, row) - 2.0 * dot(row, &mean) + mean_length;
            // A vector that is the mean itself has no direction left.
            if squared > 1e-9 { squared.sqrt().recip() } else { 0.0 }
        };
        let scales = rows().map(scale).collect();
        Self { mean, scales }
    }

    pub(super) fn question(&self, question: &[f32]) -> CentredQuestion {
        CentredQuestion::new(question, &self.mean)
    }
}

/// `values` are unit vectors of `dimensions`, row after row; `document_of` names each row's
/// document, in ascending order.
pub(super) fn encode(values: &[f32], dimensions: usize, document_of: &[u32], documents: usize) -> FileWriter {
    let centring = Centring::of(values, dimensions);
    let mut document_means = vec![0.0_f32; documents * dimensions];
    for (row, document) in values.chunks_exact(dimensions).zip(document_of) {
        let start = *document as usize * dimensions;
        for (sum, value) in document_means[start..start + dimensions].iter_mut().zip(row) {
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
    let mut writer = FileWriter::new(KIND);
    writer.push(values).push(&centring.mean).push(&centring.scales).push(&document_means);
    writer
}

#[cfg(test)]
mod tests {
    use super::super::manifest::FORMAT_VERSION;
    use super::super::storage::Check;
    use super::*;

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
        for (row, score) in rows.iter().zip(vectors.scan(&vectors.centred(&query))) {
            let row = centred(row);
            let expected = (row[0] * query_centred[0] + row[1] * query_centred[1])
                / (row[0].hypot(row[1]) * query_centred[0].hypot(query_centred[1]));
            assert!((score - expected).abs() < 1e-4, "{score} instead of {expected}");
        }
        let documents = vectors.scan_documents(&query);
        assert!((documents[1] - (query[0] * rows[2][0] + query[1] * rows[2][1])).abs() < 1e-6);
    }
}
