//! Centred unit vectors in eight bits a component, for building: a quarter of the memory to move, and
//! close enough to tell neighbours.

use super::search::Scores;
use crate::index::kernels::{dot_bytes, prefetch};
use crate::index::vectors::VectorArrays;

/// The scale behind each row, as the bytes of an `f32`.
const TAIL: usize = 4;

/// Rows of bytes, each followed by its scale.
pub(super) struct ByteRows {
    values: Vec<i8>,
    length: usize,
}

impl ByteRows {
    /// The chunks' vectors, centred and of unit length.
    pub(super) fn new(vectors: &VectorArrays) -> Self {
        let rows = vectors.rows();
        let length = rows.dimensions + TAIL;
        let mut bytes = Vec::with_capacity(vectors.len() * length);
        let mut centred = Vec::with_capacity(rows.dimensions);
        for number in 0..vectors.len() {
            let [_, scale] = rows.scales[number];
            centred.clear();
            let values = rows.row(number).values().zip(vectors.mean());
            centred.extend(values.map(|(value, mean)| (value - mean) * scale));
            push_row(&mut bytes, &centred);
        }
        Self { values: bytes, length }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.length
    }

    /// A row with its scale.
    pub(super) fn row(&self, number: usize) -> &[i8] {
        &self.values[number * self.length..(number + 1) * self.length]
    }

    /// How the row `from` sees the others.
    pub(super) fn seen_from(&self, from: u32) -> SeenFrom<'_> {
        SeenFrom { rows: self, row: self.row(from as usize) }
    }
}

fn push_row(bytes: &mut Vec<i8>, values: &[f32]) {
    const LARGEST: f32 = 127.0;
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = if largest > 0.0 { largest / LARGEST } else { 0.0 };
    let to_byte = |value: &f32| if scale > 0.0 { (value / scale).round() as i8 } else { 0 };
    bytes.extend(values.iter().map(to_byte));
    bytes.extend(scale.to_le_bytes().map(u8::cast_signed));
}

/// The cosine of two rows, each with its scale.
pub(super) fn similarity(first: &[i8], second: &[i8]) -> f32 {
    match (first.split_last_chunk::<TAIL>(), second.split_last_chunk::<TAIL>()) {
        (Some((first, first_scale)), Some((second, second_scale))) => {
            let scale = |bytes: &[i8; TAIL]| f32::from_le_bytes(bytes.map(i8::cast_unsigned));
            dot_bytes(first, second) as f32 * scale(first_scale) * scale(second_scale)
        }
        _ => 0.0,
    }
}

/// The cosines of one row with the others.
pub(super) struct SeenFrom<'rows> {
    rows: &'rows ByteRows,
    row: &'rows [i8],
}

impl SeenFrom<'_> {
    /// The cosine with another row.
    pub(super) fn similarity(&self, other: u32) -> f32 {
        similarity(self.row, self.rows.row(other as usize))
    }
}

impl Scores for SeenFrom<'_> {
    fn score(&self, node: u32) -> f32 {
        self.similarity(node)
    }

    fn prefetch(&self, node: u32) {
        prefetch(self.rows.row(node as usize));
    }
}
