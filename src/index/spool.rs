//! What a build has made and does not write where it belongs yet: in a file without a name, in the folder of
//! the index, which is gone with the process. So memory does not grow with the number of documents.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::failure::BuildError;
use super::{faults, storage};

/// Bytes that are collected before they are written; in tests so few that little ones are written too.
const BUFFER: usize = if cfg!(test) { 64 } else { 256 << 10 };

/// Pieces of bytes, appended one after the other.
pub(super) struct Spool {
    folder: PathBuf,
    file: File,
    /// Behind what is written.
    buffer: Vec<u8>,
    written: u64,
}

/// A piece of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) length: u32,
}

impl Spool {
    /// An empty one. Its file is made in `folder`, which has room for an index, or nothing has.
    pub(super) fn new(folder: &Path) -> Result<Self, BuildError> {
        let file = storage::unnamed_file(folder).map_err(|source| failed(folder, source))?;
        Ok(Self { folder: folder.to_owned(), file, buffer: Vec::new(), written: 0 })
    }

    /// Number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Piece, BuildError> {
        let piece = Piece { offset: self.len(), length: bytes.len() as u32 };
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            faults::write(&mut self.file, &self.buffer).map_err(|source| failed(&self.folder, source))?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(piece)
    }

    /// A piece that was appended.
    pub(super) fn read(&self, piece: Piece) -> Result<Vec<u8>, BuildError> {
        let mut bytes = vec![0; piece.length as usize];
        self.read_at(piece.offset, &mut bytes)?;
        Ok(bytes)
    }

    /// What stands at `offset`, as much as `bytes` holds; it may be several pieces.
    pub(super) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<(), BuildError> {
        let on_disk = self.written.saturating_sub(offset).min(bytes.len() as u64) as usize;
        let (written, buffered) = bytes.split_at_mut(on_disk);
        if !written.is_empty() {
            storage::read_at(&self.file, offset, written).map_err(|source| failed(&self.folder, source))?;
        }
        let start = (offset + on_disk as u64).saturating_sub(self.written) as usize;
        match self.buffer.get(start..start + buffered.len()) {
            Some(kept) => buffered.copy_from_slice(kept),
            None => return Err(failed(&self.folder, std::io::ErrorKind::UnexpectedEof.into())),
        }
        Ok(())
    }

    /// Everything, block after block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Result<Vec<u8>, BuildError>> + '_ {
        let length = self.len();
        (0..length).step_by(BUFFER).map(move |offset| {
            self.read(Piece { offset, length: (length - offset).min(BUFFER as u64) as u32 })
        })
    }
}

fn failed(folder: &Path, source: std::io::Error) -> BuildError {
    BuildError::Write { path: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn pieces_come_back_whether_they_are_written_yet_or_not(
            pieces in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..90), 0..20),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = Spool::new(folder.path()).unwrap();
            let places: Vec<Piece> = pieces.iter().map(|piece| spool.push(piece).unwrap()).collect();
            for (place, piece) in places.iter().zip(&pieces) {
                proptest::prop_assert_eq!(&spool.read(*place).unwrap(), piece);
            }
            let whole: Vec<u8> = spool.blocks().flat_map(Result::unwrap).collect();
            proptest::prop_assert_eq!(&whole, &pieces.concat());
            let behind = Piece { offset: spool.len(), length: 1 };
            proptest::prop_assert!(spool.read(behind).is_err());
        }
    }

    #[test]
    fn it_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        spool.push(&[7; 1000]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), usize::from(cfg!(windows)));
    }
}
