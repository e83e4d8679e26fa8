//! Files of an index: the only code that writes to disk, and the only code that maps it. Each step
//! that changes the disk goes through [`faults`], where a test makes it fail.
//!
//! A data file is a header of 64 bytes (magic, kind, format, length and blake3 of what follows), a
//! table of arrays, and the arrays, each aligned to 64 bytes so that numbers can be read in place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::failure::{BuildError, OpenError};
use super::faults;
use super::manifest::FORMAT_VERSION;

const MAGIC: &[u8; 8] = b"DOCENTIX";
const HEADER: usize = 64;
const ALIGNMENT: usize = 64;
/// No file has more arrays than this; a larger count is damage.
const MAX_ARRAYS: usize = 64;
/// A file up to this many bytes is read whole when it is opened: some milliseconds for all of an index.
const SMALL: usize = 4 << 20;

/// What a data file holds, as eight bytes in its header.
pub(super) type Kind = [u8; 8];

/// How closely files are looked at when they are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Header, length and shape of each, and the content of small ones: the price does not grow with
    /// the index. What a larger file holds is checked where it could mislead: records have checksums
    /// of their own, and numbers are never trusted to be in range.
    Quick,
    /// Every byte.
    Whole,
    /// As [`Check::Quick`] for an index of any size, so that a test meets what it lets through.
    #[cfg(test)]
    Shape,
}

impl Check {
    fn reads_whole(self, bytes: usize) -> bool {
        match self {
            Self::Quick => bytes <= SMALL,
            Self::Whole => true,
            #[cfg(test)]
            Self::Shape => false,
        }
    }
}

/// Collects arrays into one data file.
pub(super) struct FileWriter {
    kind: Kind,
    arrays: Vec<Vec<u8>>,
}

impl FileWriter {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, arrays: Vec::new() }
    }

    pub(super) fn push<T: bytemuck::NoUninit>(&mut self, array: &[T]) -> &mut Self {
        self.arrays.push(bytemuck::cast_slice(array).to_vec());
        self
    }

    /// Writes the file and syncs it. Returns the checksum for the manifest, in hexadecimal.
    pub(super) fn write(&self, path: &Path) -> Result<String, BuildError> {
        let payload = self.payload();
        let checksum = blake3::hash(&payload);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&self.kind);
        header.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        header.extend_from_slice(checksum.as_bytes());
        let write = || -> io::Result<()> {
            let mut file = faults::step(|| File::create(path))?;
            faults::write(&mut file, &header)?;
            faults::write(&mut file, &payload)?;
            faults::sync(&file)
        };
        write().map_err(|source| BuildError::Write { path: path.to_owned(), source })?;
        Ok(checksum.to_hex().to_string())
    }

    fn payload(&self) -> Vec<u8> {
        let table = 8 + 16 * self.arrays.len();
        let mut payload = Vec::new();
        payload.extend_from_slice(&(self.arrays.len() as u64).to_le_bytes());
        let mut offset = table.next_multiple_of(ALIGNMENT);
        for array in &self.arrays {
            payload.extend_from_slice(&(offset as u64).to_le_bytes());
            payload.extend_from_slice(&(array.len() as u64).to_le_bytes());
            offset = (offset + array.len()).next_multiple_of(ALIGNMENT);
        }
        for array in &self.arrays {
            payload.resize(payload.len().next_multiple_of(ALIGNMENT), 0);
            payload.extend_from_slice(array);
        }
        payload
    }
}

/// A data file, mapped and checked.
pub(super) struct MappedFile {
    path: PathBuf,
    map: Mmap,
    arrays: Vec<std::ops::Range<usize>>,
}

impl MappedFile {
    /// Maps the file and checks its header, length and shape, that format and checksum are the ones
    /// that the manifest gives, and as far as `check` says that the content has this checksum.
    pub(super) fn open(
        path: &Path,
        kind: Kind,
        format: u32,
        checksum: &str,
        check: Check,
    ) -> Result<Self, OpenError> {
        let map = Self::framed(path, kind, format, checksum)?;
        let damaged = |reason: &str| OpenError::damaged(path, reason);
        if check.reads_whole(map.len()) && blake3::hash(&map[HEADER..]).to_hex().as_str() != checksum {
            return Err(damaged("its checksum does not match its content"));
        }
        let arrays = read_table(&map).ok_or_else(|| damaged("its table of contents is not valid"))?;
        Ok(Self { path: path.to_owned(), map, arrays })
    }

    /// The mapped file, with the header that is expected of it.
    fn framed(path: &Path, kind: Kind, format: u32, checksum: &str) -> Result<Mmap, OpenError> {
        let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let map = map(&file).map_err(unreadable)?;
        let damaged = |reason: &str| OpenError::damaged(path, reason);
        if map.len() < HEADER || &map[..8] != MAGIC {
            return Err(damaged("it is not a docent index file"));
        }
        if map[8..16] != kind {
            return Err(damaged("it is another file of the index under this name"));
        }
        if map[20..24] != [0; 4] {
            return Err(damaged("its header is not valid"));
        }
        if map[16..20] != format.to_le_bytes() {
            return Err(damaged("its format is not the manifest's"));
        }
        let length = read_u64(&map, 24).unwrap_or(u64::MAX);
        if length != (map.len() - HEADER) as u64 {
            return Err(damaged(&format!(
                "{} bytes instead of {}",
                map.len(),
                length.saturating_add(HEADER as u64)
            )));
        }
        let recorded = blake3::Hash::from_slice(&map[32..HEADER]).map(|hash| hash.to_hex().to_string());
        if recorded.ok().as_deref() != Some(checksum) {
            return Err(damaged("it belongs to another generation than the manifest"));
        }
        Ok(map)
    }

    /// Whether the content has the checksum that its header names.
    pub(super) fn is_whole(&self) -> bool {
        blake3::hash(&self.map[HEADER..]).as_bytes() == &self.map[32..HEADER]
    }

    /// The array at `index`, read in place.
    pub(super) fn array<T: bytemuck::AnyBitPattern>(&self, index: usize) -> Result<&[T], OpenError> {
        let damaged = || OpenError::damaged(&self.path, format!("its array {index} is missing or misshapen"));
        let range = self.arrays.get(index).ok_or_else(damaged)?;
        bytemuck::try_cast_slice(&self.map[range.clone()]).map_err(|_| damaged())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe; the argument is in the body")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a generation's files are written once, before the manifest names them, and never
    // changed in place afterwards: only whole folders are removed, which keeps mapped pages alive.
    // Somebody who truncates them by hand while docent runs can still make it stop with a bus
    // error; nothing that docent or a second docent does can.
    unsafe { Mmap::map(file) }
}

fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    let eight = bytes.get(offset..offset.checked_add(8)?)?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

fn read_table(map: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let payload = map.get(HEADER..)?;
    let count = usize::try_from(read_u64(payload, 0)?).ok().filter(|count| *count <= MAX_ARRAYS)?;
    let mut arrays = Vec::with_capacity(count);
    for index in 0..count {
        let offset = usize::try_from(read_u64(payload, 8 + 16 * index)?).ok()?;
        let length = usize::try_from(read_u64(payload, 16 + 16 * index)?).ok()?;
        let end = offset.checked_add(length).filter(|end| *end <= payload.len())?;
        arrays.push(HEADER + offset..HEADER + end);
    }
    Some(arrays)
}

/// Replaces the file at `path` by `content` so that a reader sees the old or the new, whole.
pub(super) fn replace_file(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    let write_error = |source| BuildError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = faults::step(|| temporary_in(folder)).map_err(write_error)?;
    faults::write(temporary.as_file_mut(), content).map_err(write_error)?;
    faults::sync(temporary.as_file()).map_err(write_error)?;
    faults::step(|| temporary.persist(path).map_err(|error| error.error)).map_err(write_error)?;
    sync_folder(folder)
}

/// A file that becomes as readable as any other: temporary files are made for their owner alone,
/// and an index may be shared.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BuildError> {
    // Windows cannot sync a folder, and does not need to.
    if cfg!(unix) {
        File::open(folder)
            .and_then(|file| faults::sync(&file))
            .map_err(|source| BuildError::Write { path: folder.to_owned(), source })
    } else {
        Ok(())
    }
}

/// Copies a data file, which stays what it is.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), BuildError> {
    changed(to, || fs::copy(from, to).map(|_| ()))?;
    let copy = File::open(to).map_err(|source| BuildError::Write { path: to.to_owned(), source })?;
    faults::sync(&copy).map_err(|source| BuildError::Write { path: to.to_owned(), source })
}

/// Makes a folder and those above it.
pub(super) fn create_folder(folder: &Path) -> Result<(), BuildError> {
    changed(folder, || fs::create_dir_all(folder))
}

/// Removes a temporary file that a crash left.
pub(super) fn remove_file(path: &Path) -> Result<(), BuildError> {
    changed(path, || fs::remove_file(path))
}

/// Removes a generation that no manifest names.
pub(super) fn remove_folder(folder: &Path) -> Result<(), BuildError> {
    changed(folder, || fs::remove_dir_all(folder))
}

/// One step that changes what is at `path`.
fn changed(path: &Path, step: impl FnOnce() -> io::Result<()>) -> Result<(), BuildError> {
    faults::step(step).map_err(|source| BuildError::Write { path: path.to_owned(), source })
}

/// Removes a folder in which nothing is left.
pub(super) fn remove_empty_folder(folder: &Path) -> Result<(), BuildError> {
    changed(folder, || fs::remove_dir(folder))
}

/// A file that its one writer appends to, mapped as it was when it was opened.
pub(super) struct Kept(Mmap);

impl std::ops::Deref for Kept {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps a kept file. Only the holder of the writer's lock does, and it never cuts off what it reads.
pub(super) fn map_kept(path: &Path) -> io::Result<Kept> {
    Ok(Kept(map(&File::open(path)?)?))
}

/// Opens a kept file behind its first `length` bytes; what stood there is cut off.
pub(super) fn open_to_append(path: &Path, length: u64) -> io::Result<File> {
    let mut file = open_kept(path)?;
    faults::step(|| file.set_len(length))?;
    file.seek(io::SeekFrom::End(0))?;
    Ok(file)
}

/// Appends without waiting for the disk: what is lost can be made again.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    faults::write(file, bytes)
}

/// Opens a file that is kept from build to build, and makes it if it is not there.
pub(super) fn open_kept(path: &Path) -> io::Result<File> {
    faults::step(|| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path))
}

/// Puts a few bytes in place of what a kept file holds: for hints, not for what must survive.
pub(super) fn overwrite(mut file: &File, content: &[u8]) -> io::Result<()> {
    faults::step(|| file.set_len(0))?;
    file.rewind()?;
    faults::step(|| file.write_all(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = *b"testfile";

    fn written() -> (tempfile::TempDir, PathBuf, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let checksum =
            FileWriter::new(KIND).push(&[1_u32, 2, 3]).push(&[0.5_f32]).push::<u8>(&[]).write(&path).unwrap();
        (folder, path, checksum)
    }

    #[test]
    fn arrays_come_back_as_they_were() {
        let (_folder, path, checksum) = written();
        let file = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
        assert_eq!(file.array::<u32>(0).unwrap(), [1, 2, 3]);
        assert_eq!(file.array::<f32>(1).unwrap(), [0.5]);
        assert_eq!(file.array::<u8>(2).unwrap(), [0_u8; 0]);
        assert!(file.array::<u8>(3).is_err());
        assert!(file.array::<u64>(0).is_err());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let (_folder, path, checksum) = written();
        let whole = fs::read(&path).unwrap();
        for offset in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[offset] ^= 1 << (offset % 8);
            fs::write(&path, flipped).unwrap();
            assert!(
                MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).is_err(),
                "bit at {offset}"
            );
            fs::write(&path, &whole[..offset]).unwrap();
            assert!(
                MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).is_err(),
                "cut at {offset}"
            );
        }
    }

    #[test]
    fn a_file_of_another_generation_is_refused() {
        let (folder, path, checksum) = written();
        FileWriter::new(KIND).push(&[9_u32]).write(&path).unwrap();
        let error = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).err().unwrap();
        assert!(error.to_string().contains("another generation"), "{error}");
        drop(folder);
    }
}
