//! The chunks' vectors in two planes of bytes, row after row, read in place.
//!
//! Vectors of one corpus share a direction that says nothing ("this is documentation of that
//! product"). Dense scores are cosines after the mean vector is taken away, which needs no second
//! copy of the vectors: a scale for each of them does.

mod arrays;

use std::path::{Path, PathBuf};

use super::centred::{CentredQuestion, CodeRows};
use super::failure::OpenError;
use super::kernels::dot;
use super::manifest::PLANES_FROM;
use super::planes::QuestionCodes;
use super::storage::{Kind, MappedFile};

pub(super) use self::arrays::VectorArrays;

pub(super) const KIND: Kind = *b"vectors ";

/// So many rows ahead a row is asked for, when rows that lie anywhere are looked at: about what memory takes.
const AHEAD: usize = 4;

/// Numbers of the arrays of a file.
mod array {
    pub(super) const HIGH: usize = 0;
    pub(super) const LOW: usize = 1;
    pub(super) const SCALES: usize = 2;
    pub(super) const MEAN: usize = 3;
    pub(super) const DOCUMENTS: usize = 4;
}

/// Unit vectors with their mean, and the mean direction of each document.
pub struct Vectors {
    rows: Stored,
    dimensions: usize,
    count: usize,
}

/// Where the rows are.
enum Stored {
    Mapped(MappedFile),
    /// A file of format 1 has `f32`, and is converted when it is opened.
    Converted(PathBuf, VectorArrays),
}

impl Vectors {
    /// A file of an index of `format` with so many chunks and documents.
    pub(super) fn open(
        file: MappedFile,
        format: u32,
        dimensions: usize,
        (chunks, documents): (usize, usize),
    ) -> Result<Self, OpenError> {
        let path = file.path().to_owned();
        let shape = Shape { dimensions, chunks, documents };
        let rows = if format < PLANES_FROM {
            let converted = shape.convert_format_1(&file)?;
            converted.map(|arrays| Stored::Converted(path.clone(), arrays))
        } else {
            shape.fits(&file)?.then_some(Stored::Mapped(file))
        };
        match rows {
            Some(rows) => Ok(Self { rows, dimensions, count: chunks }),
            None => Err(OpenError::damaged(
                &path,
                format!("its arrays are not those of {chunks} vectors of {dimensions}"),
            )),
        }
    }

    pub(super) fn forget_pages(&self) {
        if let Stored::Mapped(file) = &self.rows {
            file.forget_pages();
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
        self.rows().row(index).values().collect()
    }

    /// The rows for many looks at them.
    pub(super) fn rows(&self) -> CodeRows<'_> {
        match &self.rows {
            Stored::Converted(_, arrays) => arrays.rows(),
            Stored::Mapped(file) => CodeRows {
                high: values(file, array::HIGH),
                low: values(file, array::LOW),
                scales: values(file, array::SCALES),
                dimensions: self.dimensions,
            },
        }
    }

    /// The row of each document's mean.
    fn documents(&self) -> &[u32] {
        match &self.rows {
            Stored::Converted(_, arrays) => arrays.documents(),
            Stored::Mapped(file) => values(file, array::DOCUMENTS),
        }
    }

    /// `question` (a unit vector) with the mean of the vectors taken away.
    #[must_use]
    pub fn centred(&self, question: &[f32]) -> CentredQuestion {
        match &self.rows {
            Stored::Converted(_, arrays) => arrays.centred(question),
            Stored::Mapped(file) => CentredQuestion::new(question, values(file, array::MEAN)),
        }
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

    /// The centred cosines of a question and these chunks, in their order. They may lie anywhere: each is asked
    /// for ahead of its turn.
    ///
    /// # Panics
    /// Where a number is not less than [`Vectors::len`].
    #[must_use]
    pub fn scores(&self, question: &CentredQuestion, chunks: &[usize]) -> Vec<f32> {
        let rows = self.rows();
        let score = |place: usize| {
            chunks.get(place + AHEAD).into_iter().for_each(|chunk| rows.prefetch_whole(*chunk));
            rows.score(question, chunks[place])
        };
        (0..chunks.len()).map(score).collect()
    }

    /// The cosines of `question` and the mean vectors of these documents, in their order.
    ///
    /// # Panics
    /// Where there is no document of a number.
    #[must_use]
    pub fn document_scores(&self, question: &QuestionCodes, documents: &[usize]) -> Vec<f32> {
        let (rows, row_of) = (self.rows(), self.documents());
        let score = |place: usize| {
            let ahead = documents.get(place + AHEAD).into_iter();
            ahead.for_each(|document| rows.prefetch_whole(row_of[*document] as usize));
            score_mean(&rows, question, row_of[documents[place]])
        };
        (0..documents.len()).map(score).collect()
    }

    /// The cosine of `question` and the mean vector of every document, in the order of the documents.
    #[must_use]
    pub fn scan_documents(&self, question: &QuestionCodes) -> Vec<f32> {
        let rows = self.rows();
        self.documents().iter().map(|row| score_mean(&rows, question, *row)).collect()
    }

    /// Reads all of it, for `docent doctor --deep`.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let is_unit = |row: &[f32]| (dot(row, row) - 1.0).abs() < 1e-3;
        if let Some(chunk) = (0..self.count).find(|index| !is_unit(&self.row(*index))) {
            let reason = format!("the vector of chunk {chunk} is not of unit length");
            return Err(OpenError::damaged(self.path(), reason));
        }
        let rows = self.rows().scales.len();
        match self.documents().iter().position(|row| *row as usize >= rows) {
            Some(document) => {
                let reason = format!("the mean of document {document} is not there");
                Err(OpenError::damaged(self.path(), reason))
            }
            None => Ok(()),
        }
    }

    fn path(&self) -> &Path {
        match &self.rows {
            Stored::Mapped(file) => file.path(),
            Stored::Converted(path, _) => path,
        }
    }
}

/// How much a file has to hold.
struct Shape {
    dimensions: usize,
    chunks: usize,
    documents: usize,
}

impl Shape {
    /// As many values as there are in so many rows; `None` where that is no number, or there is nothing in
    /// a row.
    fn values(&self, rows: usize) -> Option<usize> {
        rows.checked_mul(self.dimensions).filter(|_| self.dimensions > 0)
    }

    fn fits(&self, file: &MappedFile) -> Result<bool, OpenError> {
        let rows = file.array::<[f32; 2]>(array::SCALES)?.len();
        let planes = (file.array::<i8>(array::HIGH)?.len(), file.array::<i8>(array::LOW)?.len());
        let others = (file.array::<f32>(array::MEAN)?.len(), file.array::<u32>(array::DOCUMENTS)?.len());
        Ok(rows >= self.chunks
            && self.values(rows).map(|bytes| (bytes, bytes)) == Some(planes)
            && others == (self.dimensions, self.documents))
    }

    /// Vectors, their mean, 1 / their distances from it, and the means of documents, in `f32`; `None` where
    /// they do not fit.
    fn convert_format_1(&self, file: &MappedFile) -> Result<Option<VectorArrays>, OpenError> {
        let (vectors, mean) = (file.array(0)?, file.array(1)?);
        let (distances, documents) = (file.array(2)?, file.array(3)?);
        let fits = self.values(self.chunks) == Some(vectors.len())
            && (mean.len(), distances.len()) == (self.dimensions, self.chunks)
            && self.values(self.documents) == Some(documents.len());
        Ok(fits.then(|| VectorArrays::of_format_1(vectors, mean, distances, documents)))
    }
}

/// A number that leads nowhere is damage, and near nothing.
fn score_mean(rows: &CodeRows<'_>, question: &QuestionCodes, row: u32) -> f32 {
    let row = row as usize;
    if row < rows.scales.len() { rows.row(row).dot(question) } else { 0.0 }
}

fn values<T: bytemuck::AnyBitPattern>(file: &MappedFile, array: usize) -> &[T] {
    file.array(array).unwrap_or_default()
}

#[cfg(test)]
mod tests;
