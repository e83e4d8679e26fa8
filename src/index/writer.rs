//! Writes a data file: a header, a table of arrays, and the arrays. `storage` has the layout.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use super::failure::BuildError;
use super::faults;
use super::manifest::FORMAT_VERSION;
use super::spool::Spool;
use super::storage::{ALIGNMENT, HEADER, Kind, MAGIC, create_file};

/// Bytes that go to the disk at once.
const BLOCK: usize = 256 << 10;

/// Collects arrays into one data file.
pub(super) struct ArrayWriter<'arrays> {
    kind: Kind,
    arrays: Vec<Array<'arrays>>,
}

enum Array<'arrays> {
    InMemory(Cow<'arrays, [u8]>),
    Spooled(Spool),
}

impl Array<'_> {
    fn len(&self) -> usize {
        match self {
            Self::InMemory(bytes) => bytes.len(),
            Self::Spooled(spool) => spool.len() as usize,
        }
    }

    fn put_into(&self, payload: &mut Payload) -> Result<(), BuildError> {
        match self {
            Self::InMemory(bytes) => payload.put(bytes),
            Self::Spooled(spool) => spool.blocks().try_for_each(|block| payload.put(&block?)),
        }
    }
}

impl<'arrays> ArrayWriter<'arrays> {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, arrays: Vec::new() }
    }

    /// Takes a copy of the next array.
    pub(super) fn push<T: bytemuck::NoUninit>(&mut self, array: &[T]) -> &mut Self {
        self.arrays.push(Array::InMemory(bytemuck::cast_slice(array).to_vec().into()));
        self
    }

    /// The next array, which stays where it is.
    pub(super) fn push_in_place<T: bytemuck::NoUninit>(&mut self, array: &'arrays [T]) -> &mut Self {
        self.arrays.push(Array::InMemory(bytemuck::cast_slice(array).into()));
        self
    }

    /// The next array, its values' bytes in a spool.
    pub(super) fn push_spool(&mut self, spool: Spool) -> &mut Self {
        self.arrays.push(Array::Spooled(spool));
        self
    }

    /// Writes the file and syncs it. Returns the checksum for the manifest, in hexadecimal.
    pub(super) fn write(&self, path: &Path) -> Result<String, BuildError> {
        let failed = |source| BuildError::Write { path: path.to_owned(), source };
        let mut payload = Payload::new(path, create_file(path).map_err(failed)?);
        payload.put(&(self.arrays.len() as u64).to_le_bytes())?;
        let mut offset = (8 + 16 * self.arrays.len()).next_multiple_of(ALIGNMENT);
        for array in &self.arrays {
            payload.put(&(offset as u64).to_le_bytes())?;
            payload.put(&(array.len() as u64).to_le_bytes())?;
            offset = (offset + array.len()).next_multiple_of(ALIGNMENT);
        }
        for array in &self.arrays {
            payload.align()?;
            array.put_into(&mut payload)?;
        }
        payload.finish(self.kind).map_err(failed)
    }
}

/// What stands behind the header of a file that is being written. The header, which has its checksum, comes
/// last: nothing names the file before.
struct Payload<'path> {
    path: &'path Path,
    file: File,
    hasher: blake3::Hasher,
    length: usize,
    /// Not written yet.
    block: Vec<u8>,
}

impl<'path> Payload<'path> {
    fn new(path: &'path Path, file: File) -> Self {
        Self { path, file, hasher: blake3::Hasher::new(), length: 0, block: vec![0; HEADER] }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.hasher.update(bytes);
        self.length += bytes.len();
        if self.block.len() + bytes.len() >= BLOCK {
            self.write_block()?;
        }
        if bytes.len() >= BLOCK {
            return faults::write(&mut self.file, bytes).map_err(|source| self.failed(source));
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    fn align(&mut self) -> Result<(), BuildError> {
        self.put(&[0; ALIGNMENT][..self.length.next_multiple_of(ALIGNMENT) - self.length])
    }

    fn write_block(&mut self) -> Result<(), BuildError> {
        faults::write(&mut self.file, &self.block).map_err(|source| self.failed(source))?;
        self.block.clear();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> BuildError {
        BuildError::Write { path: self.path.to_owned(), source }
    }

    /// Writes the rest, then the header, and syncs the file. Returns the checksum.
    fn finish(mut self, kind: Kind) -> io::Result<String> {
        faults::write(&mut self.file, &self.block)?;
        let checksum = self.hasher.finalize();
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&kind);
        header.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&(self.length as u64).to_le_bytes());
        header.extend_from_slice(checksum.as_bytes());
        self.file.rewind()?;
        faults::write(&mut self.file, &header)?;
        faults::sync(&self.file)?;
        Ok(checksum.to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::storage::{Check, MappedFile};
    use super::*;

    const KIND: Kind = *b"testfile";

    #[test]
    fn wherever_its_arrays_are_the_file_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let numbers: Vec<u32> = (0..200_000).collect();
        let small = [1_u8, 2, 3];
        let mut spool = Spool::new(folder.path()).unwrap();
        for part in numbers.chunks(999) {
            spool.push(bytemuck::cast_slice(part)).unwrap();
        }
        let mut from_memory = ArrayWriter::new(KIND);
        from_memory.push(&small).push_in_place(&numbers).push(&small);
        let mut from_spool = ArrayWriter::new(KIND);
        from_spool.push(&small).push_spool(spool).push(&small);
        let paths = [folder.path().join("memory"), folder.path().join("spool")];
        let checksums = [from_memory.write(&paths[0]).unwrap(), from_spool.write(&paths[1]).unwrap()];
        assert_eq!(checksums[0], checksums[1]);
        assert_eq!(std::fs::read(&paths[0]).unwrap(), std::fs::read(&paths[1]).unwrap());
        let file = MappedFile::open(&paths[1], KIND, FORMAT_VERSION, &checksums[1], Check::Whole).unwrap();
        assert_eq!(file.array::<u32>(1).unwrap(), numbers);
        assert_eq!(file.array::<u8>(2).unwrap(), small);
    }
}
