//! What a generation keeps of its vectors, as arrays in memory.

use super::KIND;
use crate::index::centred::{CentredQuestion, CodeRows};
use crate::index::kernels::dot;
use crate::index::planes::{Planes, Row};
use crate::index::storage::ArrayWriter;

/// The arrays of a file of vectors.
pub(in crate::index) struct VectorArrays {
    /// A row for each chunk, then one for the mean direction of each document that has not one chunk.
    planes: Planes,
    /// For each row what its codes are worth, and of a chunk 1 / its distance from the mean.
    scales: Vec<[f32; 2]>,
    /// The mean of the chunks' vectors.
    mean: Vec<f32>,
    /// For each document the row of its mean direction: that of its chunk, where it has just one.
    documents: Vec<u32>,
    count: usize,
}

impl VectorArrays {
    /// `values` are unit vectors of `dimensions`, row after row; `document_of` names each row's document,
    /// in ascending order.
    ///
    /// All else is made of the vectors as they will be read back: so it is the same whether they
    /// were just made or come from the generation before.
    pub(in crate::index) fn new(
        values: &[f32],
        dimensions: usize,
        document_of: &[u32],
        documents: usize,
    ) -> Self {
        Self::of_planes(Planes::new(values, dimensions), document_of, documents)
    }

    /// The same of rows that are in planes already.
    pub(in crate::index) fn of_planes(mut planes: Planes, document_of: &[u32], documents: usize) -> Self {
        let count = planes.len();
        let (mean, mut scales) = centring(&planes);
        let documents = push_document_means(&mut planes, document_of, documents);
        scales.extend((count..planes.len()).map(|row| [planes.row(row).scale, 0.0]));
        Self { planes, scales, mean, documents, count }
    }

    /// Of what format 1 keeps, all of it `f32`: the chunks' vectors, their mean, for each 1 / its distance
    /// from it, and the mean direction of each document.
    pub(super) fn of_format_1(values: &[f32], mean: &[f32], distances: &[f32], documents: &[f32]) -> Self {
        let mut planes = Planes::new(values, mean.len());
        let count = planes.len();
        documents.chunks_exact(mean.len()).for_each(|row| planes.push(row));
        let distances = distances.iter().copied().chain(std::iter::repeat(0.0));
        let scales = planes.scales.iter().copied().zip(distances).map(<[f32; 2]>::from).collect();
        let documents = (count as u32..planes.len() as u32).collect();
        Self { planes, scales, mean: mean.to_vec(), documents, count }
    }

    /// Number of chunks.
    pub(in crate::index) fn len(&self) -> usize {
        self.count
    }

    /// All rows.
    pub(in crate::index) fn rows(&self) -> CodeRows<'_> {
        let planes = &self.planes;
        CodeRows { high: &planes.high, low: &planes.low, scales: &self.scales, dimensions: planes.dimensions }
    }

    /// The mean of the chunks' vectors.
    pub(in crate::index) fn mean(&self) -> &[f32] {
        &self.mean
    }

    pub(super) fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// `question` with the mean taken away.
    pub(in crate::index) fn centred(&self, question: &[f32]) -> CentredQuestion {
        CentredQuestion::new(question, &self.mean)
    }

    /// The file; `array` in `mod.rs` has the order.
    pub(in crate::index) fn encode(&self) -> ArrayWriter<'_> {
        let mut writer = ArrayWriter::new(KIND);
        let planes = &self.planes;
        writer.push_in_place(&planes.high).push_in_place(&planes.low).push_in_place(&self.scales);
        writer.push_in_place(&self.mean).push_in_place(&self.documents);
        writer
    }
}

/// The mean of all rows, and for each what its codes are worth and 1 / its distance from the mean.
fn centring(planes: &Planes) -> (Vec<f32>, Vec<[f32; 2]>) {
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
        // A vector that is the mean itself has no direction left, but for what rounding makes of numbers near 1.
        [row.scale, if squared > 1e-6 { squared.sqrt().recip() } else { 0.0 }]
    };
    let scales = rows().map(&mut scale).collect();
    (mean, scales)
}

/// Appends the mean directions of documents that have not one chunk, of unit length. Returns for each
/// document the row of its mean.
fn push_document_means(planes: &mut Planes, document_of: &[u32], documents: usize) -> Vec<u32> {
    let mut next = 0;
    let mut row_of = |document: u32| {
        let first = next;
        while document_of.get(next) == Some(&document) {
            next += 1;
        }
        if next == first + 1 {
            return first as u32;
        }
        let mut mean = vec![0.0_f32; planes.dimensions];
        for row in first..next {
            for (sum, value) in mean.iter_mut().zip(planes.row(row).values()) {
                *sum += value;
            }
        }
        // A document whose chunks cancel out is near nothing.
        let length = dot(&mean, &mean).sqrt();
        for value in &mut mean {
            *value = if length > 1e-6 { *value / length } else { 0.0 };
        }
        planes.push(&mean);
        planes.len() as u32 - 1
    };
    (0..documents as u32).map(&mut row_of).collect()
}
