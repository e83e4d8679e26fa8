//! The chunks' vectors in `f32`, as the encoder made them: the truth that a graph is measured by. Nothing else
//! needs them, and they would take most of the memory of a build: they wait in a file.

use std::path::Path;

use crate::index::failure::BuildError;
use crate::index::spool::Spool;

/// Rows that are read at once.
const BLOCK: usize = 256;

/// Unit vectors, row after row.
pub(in crate::index) struct ExactVectors {
    spool: Spool,
    dimensions: usize,
}

impl ExactVectors {
    /// None yet. Their file is made in `folder`.
    pub(in crate::index) fn new(folder: &Path, dimensions: usize) -> Result<Self, BuildError> {
        Ok(Self { spool: Spool::new(folder)?, dimensions })
    }

    /// Appends a row.
    pub(in crate::index) fn push(&mut self, row: &[f32]) -> Result<(), BuildError> {
        self.spool.push(bytemuck::cast_slice(row)).map(drop)
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        (self.spool.len() / self.row_bytes()) as usize
    }

    /// Row `number`.
    pub(super) fn row(&self, number: usize) -> Result<Vec<f32>, BuildError> {
        self.rows(number, 1)
    }

    /// Calls `look` with every row, in order.
    pub(super) fn each(&self, mut look: impl FnMut(usize, &[f32])) -> Result<(), BuildError> {
        for first in (0..self.len()).step_by(BLOCK) {
            let rows = self.rows(first, BLOCK.min(self.len() - first))?;
            for (offset, row) in rows.chunks_exact(self.dimensions).enumerate() {
                look(first + offset, row);
            }
        }
        Ok(())
    }

    fn rows(&self, first: usize, count: usize) -> Result<Vec<f32>, BuildError> {
        let mut values = vec![0.0_f32; count * self.dimensions];
        self.spool.read_at(first as u64 * self.row_bytes(), bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    fn row_bytes(&self) -> u64 {
        (self.dimensions * size_of::<f32>()).max(1) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut vectors = ExactVectors::new(folder.path(), 2).unwrap();
        let rows: Vec<[f32; 2]> = (0..2 * BLOCK + 3).map(|row| [row as f32, 0.5]).collect();
        for row in &rows {
            vectors.push(row).unwrap();
        }
        assert_eq!(vectors.len(), rows.len());
        assert_eq!(vectors.row(BLOCK + 1).unwrap(), rows[BLOCK + 1]);
        let mut seen = Vec::new();
        vectors.each(|number, row| seen.push((number, row.to_vec()))).unwrap();
        assert_eq!(seen.len(), rows.len());
        assert!(
            seen.iter().enumerate().all(|(place, (number, row))| *number == place && *row == rows[place])
        );
        assert!(vectors.row(rows.len()).is_err());
    }
}
