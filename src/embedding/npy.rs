//! Vectors in `.npy` files, the array files of `NumPy`: 32-bit floats, row after row.
//!
//! The format is that of `numpy.lib.format` (NEP 1): six bytes of magic, a version, the length of a
//! header, the header as a Python dictionary, and the numbers. Of all that it can hold, docent takes
//! one form and says of each other what to do about it.

use std::path::{Path, PathBuf};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The numbers begin at a multiple of this, as `numpy.save` has it.
const ALIGNMENT: usize = 64;
/// No header of a plain array is longer.
const LONGEST_HEADER: usize = 10_000;

/// Vectors of one length, row after row, all finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// `rows` x `columns` numbers.
    pub values: Vec<f32>,
    /// Number of vectors.
    pub rows: usize,
    /// Length of each.
    pub columns: usize,
}

/// A file that does not hold vectors in the form that docent takes.
#[derive(Debug, thiserror::Error)]
#[error("`{}` {fault}", path.display())]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: NpyFault,
}

/// What is wrong with a file of vectors.
#[derive(Debug, thiserror::Error)]
pub enum NpyFault {
    /// The operating system does not give it.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// Something else.
    #[error("is no .npy file: {0}")]
    NotNpy(&'static str),
    /// Other numbers.
    #[error("holds numbers of the type `{0}`, and not 32-bit floats (`<f4`)")]
    Type(String),
    /// Column after column.
    #[error("is in Fortran order, column after column")]
    FortranOrder,
    /// Not rows and columns.
    #[error("has the shape ({0}), and not (rows, columns)")]
    Shape(String),
    /// Fewer or more numbers than its shape says.
    #[error("has {bytes} bytes of numbers where its shape says {expected}")]
    Length {
        /// As they are.
        bytes: usize,
        /// As they should be.
        expected: usize,
    },
    /// A number that cannot be compared.
    #[error("has a number in row {row}, column {column} (from 0) that is not finite")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
    },
}

impl NpyError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        let how = match self.fault {
            NpyFault::Unreadable(_) => return "check the path, and that you may read it".into(),
            NpyFault::NotNpy(_) => "write it with NumPy: `np.save(\"vectors.npy\", vectors)`",
            NpyFault::Type(_) => "convert it: `np.save(\"vectors.npy\", vectors.astype(\"<f4\"))`",
            NpyFault::FortranOrder => {
                "turn it round: `np.save(\"vectors.npy\", np.ascontiguousarray(vectors))`"
            }
            NpyFault::Shape(_) => "give it a row for each text: `np.stack(list_of_vectors)`",
            NpyFault::Length { .. } => "the file is cut or was added to: write it again with `np.save`",
            NpyFault::NotFinite { .. } => {
                "find what made it: `np.argwhere(~np.isfinite(vectors))`, and encode that text again"
            }
        };
        how.into()
    }
}

/// What stands in front of the numbers of an array with this shape.
#[must_use]
pub fn npy_header(rows: usize, columns: usize) -> Vec<u8> {
    let dictionary = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let unpadded = MAGIC.len() + 4 + dictionary.len() + 1;
    let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
    let length = (dictionary.len() + padding + 1) as u16;
    let mut header = [MAGIC.as_slice(), &[1, 0], &length.to_le_bytes(), dictionary.as_bytes()].concat();
    header.resize(header.len() + padding, b' ');
    header.push(b'\n');
    header
}

impl Matrix {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read, or is not in the one form that is taken.
    pub fn read(path: &Path) -> Result<Self, NpyError> {
        let failed = |fault| NpyError { path: path.to_owned(), fault };
        let bytes = std::fs::read(path).map_err(|error| failed(NpyFault::Unreadable(error)))?;
        Self::of_bytes(&bytes).map_err(failed)
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    /// See [`NpyFault`].
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, NpyFault> {
        let (header, numbers) = parts(bytes)?;
        let (rows, columns) = shape(header)?;
        let expected = rows.saturating_mul(columns).saturating_mul(size_of::<f32>());
        if numbers.len() != expected {
            return Err(NpyFault::Length { bytes: numbers.len(), expected });
        }
        let (numbers, _) = numbers.as_chunks::<4>();
        let values: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(NpyFault::NotFinite { row: place / columns, column: place % columns }),
            None => Ok(Self { values, rows, columns }),
        }
    }

    /// The vectors.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns)
    }
}

/// The dictionary and the numbers.
fn parts(bytes: &[u8]) -> Result<(&str, &[u8]), NpyFault> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(NpyFault::NotNpy("it does not begin with NumPy's magic"))?;
    let cut = NpyFault::NotNpy("it is cut in its header");
    let (length, rest) = match rest {
        [1, _, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        [1..=3, ..] => return Err(cut),
        _ => return Err(NpyFault::NotNpy("its version is not 1, 2 or 3")),
    };
    if length > LONGEST_HEADER {
        return Err(NpyFault::NotNpy("its header is too long for an array of numbers"));
    }
    let (header, numbers) = rest.split_at_checked(length).ok_or(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| NpyFault::NotNpy("its header is not text"))?;
    Ok((header, numbers))
}

/// Rows and columns, where the rest of the dictionary is as it should be.
fn shape(header: &str) -> Result<(usize, usize), NpyFault> {
    let value = |key: &str| {
        let (_, after) = header.split_once(&format!("'{key}':"))?;
        Some(after.trim_start())
    };
    let incomplete = || NpyFault::NotNpy("its header has not `descr`, `fortran_order` and `shape`");
    let kind = value("descr").ok_or_else(incomplete)?;
    let kind = match kind.strip_prefix('\'').and_then(|kind| kind.split_once('\'')) {
        Some((kind, _)) => kind,
        // Fields with names.
        None => kind.split_once(", 'fortran_order'").map_or("a structure", |(kind, _)| kind),
    };
    if kind != "<f4" {
        return Err(NpyFault::Type(kind.chars().take(40).collect()));
    }
    let is_fortran = value("fortran_order").ok_or_else(incomplete)?.starts_with("True");
    let shape = value("shape").and_then(|shape| shape.strip_prefix('(')?.split_once(')'));
    let (shape, _) = shape.ok_or_else(incomplete)?;
    let lengths: Option<Vec<usize>> = shape
        .split(',')
        .map(str::trim)
        .filter(|length| !length.is_empty())
        .map(|length| length.parse().ok())
        .collect();
    match lengths.as_deref() {
        Some([rows, columns]) if *columns > 0 => {
            // One row is both.
            if is_fortran && *rows > 1 { Err(NpyFault::FortranOrder) } else { Ok((*rows, *columns)) }
        }
        _ => Err(NpyFault::Shape(shape.chars().take(40).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: &[f32]) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &[1, 0], &(header.len() as u16).to_le_bytes()].concat();
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    fn message(header: &str, values: &[f32]) -> String {
        Matrix::of_bytes(&file(header, values)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_comes_back() {
        for (rows, columns) in [(0, 3), (1, 1), (2, 384), (12_345, 1)] {
            let values: Vec<f32> = (0..rows * columns).map(|value| value as f32).collect();
            let mut bytes = npy_header(rows, columns);
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            assert_eq!(Matrix::of_bytes(&bytes).unwrap(), Matrix { values, rows, columns });
        }
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        assert_eq!(Matrix::of_bytes(&file(plain, &[1.0, 2.0, 3.0, 4.0])).unwrap().rows, 2);
        let with = |from: &str, to: &str| message(&plain.replace(from, to), &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(with("<f4", "<f8"), "holds numbers of the type `<f8`, and not 32-bit floats (`<f4`)");
        assert_eq!(with("<f4", ">f4"), "holds numbers of the type `>f4`, and not 32-bit floats (`<f4`)");
        assert!(with("'<f4'", "[('a', '<f4')]").starts_with("holds numbers of the type `[('a', '<f4')]`"));
        assert_eq!(with("False", "True"), "is in Fortran order, column after column");
        assert_eq!(with("(2, 2)", "(4,)"), "has the shape (4,), and not (rows, columns)");
        assert_eq!(with("(2, 2)", "(1, 2, 2)"), "has the shape (1, 2, 2), and not (rows, columns)");
        assert_eq!(with("(2, 2)", "(2, 0)"), "has the shape (2, 0), and not (rows, columns)");
        assert_eq!(with("(2, 2)", "(3, 2)"), "has 16 bytes of numbers where its shape says 24");
        assert_eq!(
            with("'shape'", "'size'"),
            "is no .npy file: its header has not `descr`, `fortran_order` and `shape`"
        );
        assert_eq!(
            message(plain, &[1.0, 2.0, f32::NAN, 4.0]),
            "has a number in row 1, column 0 (from 0) that is not finite"
        );
        for (bytes, reason) in [
            (b"PK".to_vec(), "it does not begin with NumPy's magic"),
            ([MAGIC.as_slice(), &[9, 0, 0, 0]].concat(), "its version is not 1, 2 or 3"),
            ([MAGIC.as_slice(), &[1, 0, 90, 0, 1]].concat(), "it is cut in its header"),
            ([MAGIC.as_slice(), &[2, 0, 90]].concat(), "it is cut in its header"),
        ] {
            assert_eq!(
                Matrix::of_bytes(&bytes).unwrap_err().to_string(),
                format!("is no .npy file: {reason}")
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), text in ".{0,80}") {
            let _ = Matrix::of_bytes(&[MAGIC.as_slice(), &bytes].concat());
            let _ = Matrix::of_bytes(&file(&format!("'descr': '<f4', 'fortran_order': {text}, 'shape': ({text}"), &[1.0]));
        }
    }
}
