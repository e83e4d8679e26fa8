//! The chunks' vectors, row after row, read in place.
//!
//! Vectors of one corpus share a direction that says nothing ("this is documentation of that
//! product"). Dense scores are cosines after the mean vector is taken away, which needs no second
//! copy of the vectors: a scale for each of them does.

use super::centred::{CentredQuestion, Centring, CodeRows, Question, Rows};
use super::failure::OpenError;
use super::kernels::dot;
use super::manifest::PLANES_FROM;
use super::planes::{Planes, Row};
use super::storage::{FileWriter, Kind, MappedFile};

pub(super) const KIND: Kind = *b"vectors ";

/// Unit vectors in a mapped file, with the mean vector and the mean of each document.
pub struct Vectors {
    file: MappedFile,
    layout: Layout,
    dimensions: usize,
    count: usize,
    documents: usize,
}

/// How a file holds its vectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// As `f32`: format 1.
    Floats,
    /// As codes in two planes. The mean of a document of one chunk is that chunk; the means of the
    /// others are kept by their high bytes.
    Planes,
}

/// Numbers of the arrays of a file in planes.
mod array {
    pub(super) const HIGH: usize = 0;
    pub(super) const LOW: usize = 1;
    /// For each row what its codes are worth, and 1 / its distance from the mean.
    pub(super) const SCALES: usize = 2;
    pub(super) const MEAN: usize = 3;
    /// For each document the number of its chunk, or the number of chunks and of its mean.
    pub(super) const DOCUMENTS: usize = 4;
    pub(super) const MEANS: usize = 5;
    pub(super) const MEAN_SCALES: usize = 6;
}

impl Vectors {
    pub(super) fn open(
        file: MappedFile,
        format: u32,
        dimensions: usize,
        documents: usize,
    ) -> Result<Self, OpenError> {
        let layout = if format < PLANES_FROM { Layout::Floats } else { Layout::Planes };
        let values = match layout {
            Layout::Floats => file.array::<f32>(0)?.len(),
            Layout::Planes => file.array::<i8>(array::HIGH)?.len(),
        };
        if dimensions == 0 || values % dimensions != 0 {
            let reason = format!("{values} values are not rows of {dimensions}");
            return Err(OpenError::damaged(file.path(), reason));
        }
        let vectors = Self { count: values / dimensions, file, layout, dimensions, documents };
        if vectors.lengths()? == vectors.expected_lengths() {
            Ok(vectors)
        } else {
            Err(OpenError::damaged(vectors.file.path(), "its means are not those of its vectors"))
        }
    }

    /// The lengths of the arrays behind the first; the means of documents in rows, where they are bytes.
    fn lengths(&self) -> Result<Vec<usize>, OpenError> {
        let file = &self.file;
        Ok(match self.layout {
            Layout::Floats => {
                vec![file.array::<f32>(1)?.len(), file.array::<f32>(2)?.len(), file.array::<f32>(3)?.len()]
            }
            Layout::Planes => vec![
                file.array::<i8>(array::LOW)?.len(),
                file.array::<[f32; 2]>(array::SCALES)?.len(),
                file.array::<f32>(array::MEAN)?.len(),
                file.array::<u32>(array::DOCUMENTS)?.len(),
                file.array::<i8>(array::MEANS)?.len(),
                file.array::<f32>(array::MEAN_SCALES)?.len(),
            ],
        })
    }

    fn expected_lengths(&self) -> Vec<usize> {
        let (dimensions, count) = (self.dimensions, self.count);
        match self.layout {
            Layout::Floats => vec![dimensions, count, self.documents.saturating_mul(dimensions)],
            Layout::Planes => {
                let means = self.values::<f32>(array::MEAN_SCALES).len();
                let bytes = means.saturating_mul(dimensions);
                vec![count * dimensions, count, dimensions, self.documents, bytes, means]
            }
        }
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
    pub fn row(&self, index: usize) -> Vec<f32> {
        match self.layout {
            Layout::Floats => self.floats(index).to_vec(),
            Layout::Planes => self.codes().row(index).values().collect(),
        }
    }

    fn floats(&self, index: usize) -> &[f32] {
        &self.values(0)[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// The rows of a file in planes, for many looks at them.
    fn codes(&self) -> CodeRows<'_> {
        CodeRows {
            high: self.values(array::HIGH),
            low: self.values(array::LOW),
            scales: self.values(array::SCALES),
            dimensions: self.dimensions,
        }
    }

    /// The rows for the search of a graph.
    pub(super) fn rows(&self) -> Rows<'_> {
        match self.layout {
            Layout::Floats => {
                Rows::Floats { values: self.values(0), scales: self.values(2), dimensions: self.dimensions }
            }
            Layout::Planes => Rows::Codes(self.codes()),
        }
    }

    /// `question` (a unit vector) with the mean of the vectors taken away.
    #[must_use]
    pub fn centred(&self, question: &[f32]) -> CentredQuestion {
        let mean = match self.layout {
            Layout::Floats => self.values(1),
            Layout::Planes => self.values(array::MEAN),
        };
        CentredQuestion::new(question, mean)
    }

    /// The centred cosine of a question and a chunk.
    ///
    /// # Panics
    /// Where `index` is not less than [`Vectors::len`].
    #[must_use]
    pub fn score(&self, question: &CentredQuestion, index: usize) -> f32 {
        self.rows().score(question, index)
    }

    /// The centred cosine of a question and every chunk, in the order of the chunks.
    #[must_use]
    pub fn scan(&self, question: &CentredQuestion) -> Vec<f32> {
        let rows = self.rows();
        (0..self.count).map(|index| rows.score(question, index)).collect()
    }

    /// The cosine of `question` and the mean vector of a document.
    ///
    /// # Panics
    /// Where there is no document of that number.
    #[must_use]
    pub fn score_document(&self, question: &Question, document: usize) -> f32 {
        let range = |number: usize| number * self.dimensions..(number + 1) * self.dimensions;
        if self.layout == Layout::Floats {
            return dot(question.values(), &self.values(3)[range(document)]);
        }
        let number = self.values::<u32>(array::DOCUMENTS)[document] as usize;
        let Some(mean) = number.checked_sub(self.count) else {
            return self.codes().row(number).dot(question.codes());
        };
        // A number that leads nowhere is damage, and near nothing.
        match self.values::<f32>(array::MEAN_SCALES).get(mean) {
            Some(scale) => {
                let high = &self.values(array::MEANS)[range(mean)];
                Row { high, low: &[], scale: *scale }.coarse_dot(question.codes())
            }
            None => 0.0,
        }
    }

    /// The cosine of `question` and the mean vector of every document, in the order of the documents.
    #[must_use]
    pub fn scan_documents(&self, question: &Question) -> Vec<f32> {
        (0..self.documents).map(|document| self.score_document(question, document)).collect()
    }

    /// Reads all of it, for `docent doctor --deep`.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let is_unit = |row: &[f32]| (dot(row, row) - 1.0).abs() < 1e-3;
        match (0..self.count).find(|index| !is_unit(&self.row(*index))) {
            Some(chunk) => Err(OpenError::damaged(
                self.file.path(),
                format!("the vector of chunk {chunk} is not of unit length"),
            )),
            None => Ok(()),
        }
    }

    fn values<T: bytemuck::AnyBitPattern>(&self, array: usize) -> &[T] {
        self.file.array(array).unwrap_or_default()
    }
}

/// `document_of` names each row's document, in ascending order.
pub(super) fn encode(
    planes: &Planes,
    centring: &Centring,
    document_of: &[u32],
    documents: usize,
) -> FileWriter {
    let (numbers, means) = document_means(planes, document_of, documents);
    let means = Planes::new(&means, planes.dimensions);
    let mut writer = FileWriter::new(KIND);
    writer
        .push(&planes.high)
        .push(&planes.low)
        .push(&centring.scales)
        .push(&centring.mean)
        .push(&numbers)
        .push(&means.high)
        .push(&means.scales);
    writer
}

/// Where to find each document's mean, and the means of those that have several chunks (or none),
/// of unit length.
fn document_means(planes: &Planes, document_of: &[u32], documents: usize) -> (Vec<u32>, Vec<f32>) {
    let (mut numbers, mut means) = (Vec::with_capacity(documents), Vec::new());
    let mut next = 0;
    for document in 0..documents as u32 {
        let first = next;
        while document_of.get(next) == Some(&document) {
            next += 1;
        }
        if next == first + 1 {
            numbers.push(first as u32);
            continue;
        }
        numbers.push((planes.len() + means.len() / planes.dimensions.max(1)) as u32);
        let start = means.len();
        means.resize(start + planes.dimensions, 0.0_f32);
        for row in first..next {
            for (sum, value) in means[start..].iter_mut().zip(planes.row(row).values()) {
                *sum += value;
            }
        }
        // A document whose chunks cancel out is near nothing.
        let length = dot(&means[start..], &means[start..]).sqrt();
        for value in &mut means[start..] {
            *value = if length > 1e-6 { *value / length } else { 0.0 };
        }
    }
    (numbers, means)
}

#[cfg(test)]
mod tests;
