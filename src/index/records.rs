//! Records of varying length, written by bincode between offsets and checksums of our own.
//!
//! bincode is unmaintained (RUSTSEC-2025-0141), so this is the one file that names it: a record is
//! read only from its own bytes, whose length comes from checked offsets, and never allocates more
//! than a limit.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{BuildError, OpenError};
use super::spool::Spool;
use super::storage::{ArrayWriter, Kind, MappedFile};

/// No record may claim more memory than this while it is read.
const MAX_RECORD_BYTES: usize = 64 << 20;

fn config() -> impl bincode::config::Config {
    bincode::config::standard()
        .with_little_endian()
        .with_fixed_int_encoding()
        .with_limit::<MAX_RECORD_BYTES>()
}

/// One record as bytes, for a spool.
pub(super) fn to_bytes<T: Serialize>(record: &T) -> std::io::Result<Vec<u8>> {
    bincode::serde::encode_to_vec(record, config()).map_err(std::io::Error::other)
}

/// The record that such bytes are.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> std::io::Result<T> {
    let decoded = bincode::serde::decode_from_slice(bytes, config()).map_err(std::io::Error::other);
    decoded.map(|(record, _)| record)
}

/// Collects records into a data file. Of each it keeps 16 bytes in memory.
pub(super) struct RecordsWriter {
    kind: Kind,
    folder: PathBuf,
    offsets: Vec<u64>,
    checksums: Vec<u64>,
    bytes: Spool,
}

impl RecordsWriter {
    /// What is collected waits in `folder`.
    pub(super) fn new(kind: Kind, folder: &Path) -> Result<Self, BuildError> {
        let bytes = Spool::new(folder)?;
        Ok(Self { kind, folder: folder.to_owned(), offsets: vec![0], checksums: Vec::new(), bytes })
    }

    pub(super) fn push<T: Serialize>(&mut self, record: &T) -> Result<(), BuildError> {
        let failed = |source| BuildError::Write { path: self.folder.clone(), source };
        let record = to_bytes(record).map_err(failed)?;
        self.checksums.push(checksum(&record));
        self.bytes.push(&record)?;
        self.offsets.push(self.bytes.len());
        Ok(())
    }

    pub(super) fn finish(self) -> ArrayWriter<'static> {
        let mut writer = ArrayWriter::new(self.kind);
        writer.push(&self.offsets).push_spool(self.bytes).push(&self.checksums);
        writer
    }
}

/// The first eight bytes of the blake3 of a record: no damage passes by chance.
fn checksum(record: &[u8]) -> u64 {
    let digest = blake3::hash(record);
    digest.as_bytes().first_chunk::<8>().map_or(0, |first| u64::from_le_bytes(*first))
}

/// Records of one type in a mapped file, decoded one by one as they are asked for.
pub(super) struct Records<T> {
    file: MappedFile,
    count: usize,
    has_checksums: bool,
    record: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Records<T> {
    pub(super) fn open(file: MappedFile) -> Result<Self, OpenError> {
        let offsets = file.array::<u64>(0)?;
        let bytes = file.array::<u8>(1)?.len() as u64;
        let ends_well = offsets.first() == Some(&0) && offsets.last() == Some(&bytes);
        if !ends_well || !offsets.is_sorted() {
            return Err(OpenError::damaged(file.path(), "its record offsets are not valid"));
        }
        let count = offsets.len() - 1;
        let has_checksums = match file.array::<u64>(2) {
            Ok(checksums) if checksums.len() == count => true,
            Ok(_) => return Err(OpenError::damaged(file.path(), "its records have not each a checksum")),
            // As the first builds of format 1 wrote it: then the file is checked as one.
            Err(_) if file.is_whole() => false,
            Err(_) => return Err(OpenError::damaged(file.path(), "its checksum does not match its content")),
        };
        Ok(Self { file, count, has_checksums, record: PhantomData })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn forget_pages(&self) {
        self.file.forget_pages();
    }

    pub(super) fn get(&self, index: usize) -> Result<T, OpenError> {
        let invalid = |reason: String| OpenError::damaged(self.file.path(), reason);
        let offsets = self.file.array::<u64>(0)?;
        let bytes = self.file.array::<u8>(1)?;
        let (Some(start), Some(end)) = (offsets.get(index), offsets.get(index + 1)) else {
            return Err(invalid(format!("it has no record {index}")));
        };
        let record = &bytes[*start as usize..*end as usize];
        if self.has_checksums && self.file.array::<u64>(2)?.get(index) != Some(&checksum(record)) {
            return Err(invalid(format!("the checksum of record {index} does not match its content")));
        }
        let (value, read) = bincode::serde::decode_from_slice(record, config())
            .map_err(|error| invalid(format!("record {index}: {error}")))?;
        if read != record.len() {
            return Err(invalid(format!("record {index} is longer than its content")));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::FORMAT_VERSION;
    use super::super::storage::Check;
    use super::*;

    fn written(records: &[(String, u32)], path: &Path) -> String {
        let mut writer = RecordsWriter::new(*b"testrecs", path.parent().unwrap()).unwrap();
        for record in records {
            writer.push(record).unwrap();
        }
        writer.finish().write(path).unwrap()
    }

    #[test]
    fn records_come_back_and_others_do_not_exist() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let records = vec![("a".to_owned(), 1_u32), (String::new(), 2), ("long".repeat(100), 3)];
        let checksum = written(&records, &path);
        let read = Records::<(String, u32)>::open(
            MappedFile::open(&path, *b"testrecs", FORMAT_VERSION, &checksum, Check::Whole).unwrap(),
        )
        .unwrap();
        let back: Vec<_> = (0..read.len()).map(|index| read.get(index).unwrap()).collect();
        assert_eq!(back, records);
        assert!(read.get(3).is_err());
    }

    #[test]
    fn a_record_that_claims_too_much_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let claim = u64::MAX.to_le_bytes();
        let mut writer = ArrayWriter::new(*b"testrecs");
        writer.push(&[0_u64, 8]).push(&claim).push(&[super::checksum(&claim)]);
        let checksum = writer.write(&path).unwrap();
        let read = Records::<String>::open(
            MappedFile::open(&path, *b"testrecs", FORMAT_VERSION, &checksum, Check::Whole).unwrap(),
        )
        .unwrap();
        let error = read.get(0).unwrap_err().to_string();
        assert!(!error.contains("checksum"), "{error}");
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed_when_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let records = vec![("a text".to_owned(), 1_u32), ("another".to_owned(), 2)];
        let checksum = written(&records, &path);
        let whole = std::fs::read(&path).unwrap();
        for bit in 64 * 8..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, flipped).unwrap();
            let file = MappedFile::open(&path, *b"testrecs", FORMAT_VERSION, &checksum, Check::Shape);
            let Ok(read) = file.and_then(Records::<(String, u32)>::open) else { continue };
            for (index, record) in records.iter().enumerate() {
                assert!(read.get(index).map_or(true, |found| found == *record), "bit {bit}");
            }
        }
    }
}
