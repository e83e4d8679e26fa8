//! Encodings from which a corpus' mean token vector is taken. Their token vectors are large (half a megabyte
//! for a long passage) and wanted once more when the mean is known: until then they are spooled as they are.

use std::path::Path;

use super::failure::BuildError;
use super::spool::{Piece, Spool};
use crate::embedding::Encoding;

/// Numbers of passages, and what the encoder gave for them.
pub(super) struct Sample {
    spool: Spool,
    dimensions: usize,
    /// Numbers of passages, and where their encodings are.
    pub(super) passages: Vec<(usize, Piece)>,
}

impl Sample {
    /// An empty one, which waits in `folder`.
    pub(super) fn new(folder: &Path, dimensions: usize) -> Result<Self, BuildError> {
        Ok(Self { spool: Spool::new(folder)?, dimensions, passages: Vec::new() })
    }

    /// Keeps the encoding of a passage: its pooled vector, its token vectors, and their ids.
    pub(super) fn push(&mut self, number: usize, encoding: &Encoding) -> Result<(), BuildError> {
        let mut bytes = bytemuck::cast_slice(encoding.pooled.as_slice()).to_vec();
        bytes.extend_from_slice(bytemuck::cast_slice(&encoding.token_vectors));
        bytes.extend_from_slice(bytemuck::cast_slice(&encoding.token_ids));
        let piece = self.spool.push(&bytes)?;
        self.passages.push((number, piece));
        Ok(())
    }

    /// All of them, one after the other.
    pub(super) fn encodings(&self) -> impl Iterator<Item = Result<Sampled, BuildError>> + '_ {
        self.passages.iter().map(|(number, piece)| self.encoding(*number, *piece))
    }

    fn encoding(&self, number: usize, piece: Piece) -> Result<Sampled, BuildError> {
        let bytes = self.spool.read(piece)?;
        let a_vector = size_of::<f32>() * self.dimensions;
        let tokens = (bytes.len() - a_vector) / (a_vector + size_of::<u32>());
        let (vector, rest) = bytes.split_at(a_vector);
        let (token_vectors, token_ids) = rest.split_at(a_vector * tokens);
        Ok(Sampled {
            number,
            vector: numbers(vector, f32::from_le_bytes),
            token_ids: numbers(token_ids, u32::from_le_bytes),
            token_vectors: numbers(token_vectors, f32::from_le_bytes),
        })
    }
}

fn numbers<T>(bytes: &[u8], number: fn([u8; 4]) -> T) -> Vec<T> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| number(*bytes)).collect()
}

/// The encoding of a passage, as it was.
#[derive(Debug, PartialEq)]
pub(super) struct Sampled {
    /// The number of the passage.
    pub(super) number: usize,
    pub(super) vector: Vec<f32>,
    pub(super) token_ids: Vec<u32>,
    pub(super) token_vectors: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Embedder, HashingEmbedder, Role};

    #[test]
    fn encodings_come_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let embedder = HashingEmbedder::default();
        let mut sample = Sample::new(folder.path(), embedder.identity().dimensions).unwrap();
        let encode = |text: &str| embedder.encode(text, Role::Passage).unwrap();
        let without_tokens = Encoding { token_ids: Vec::new(), token_vectors: Vec::new(), ..encode("three") };
        let encodings = [encode("one"), encode("two words and more"), without_tokens];
        for (number, encoding) in encodings.iter().enumerate() {
            sample.push(number, encoding).unwrap();
        }
        for (sampled, encoding) in sample.encodings().zip(&encodings) {
            let sampled = sampled.unwrap();
            assert_eq!(sampled.vector, encoding.pooled.as_slice());
            assert_eq!(
                (&sampled.token_ids, &sampled.token_vectors),
                (&encoding.token_ids, &encoding.token_vectors)
            );
        }
        assert_eq!(sample.encodings().count(), 3);
    }
}
