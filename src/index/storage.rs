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
pub(super) use super::writer::ArrayWriter;

pub(super) const MAGIC: &[u8; 8] = b"DOCENTIX";
pub(super) const HEADER: usize = 64;
pub(super) const ALIGNMENT: usize = 64;
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
        let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let map = Self::framed(path, &file, kind, format, checksum)?;
        let damaged = |reason: &str| OpenError::damaged(path, reason);
        if check.reads_whole(map.len()) && content_hash(&mut file).map_err(unreadable)? != checksum {
            return Err(damaged("its checksum does not match its content"));
        }
        let arrays = read_table(&map).ok_or_else(|| damaged("its table of contents is not valid"))?;
        Ok(Self { path: path.to_owned(), map, arrays })
    }

    /// The mapped file, with the header that is expected of it.
    fn framed(path: &Path, file: &File, kind: Kind, format: u32, checksum: &str) -> Result<Mmap, OpenError> {
        let map = map(file).map_err(|source| OpenError::Unreadable { path: path.to_owned(), source })?;
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

    /// Gives back the pages that were looked at. They count as memory of the process, and are read again when
    /// they are wanted.
    pub(super) fn forget_pages(&self) {
        forget_pages(&self.map);
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "giving back pages of a map is unsafe; the argument is in the body")]
fn forget_pages(map: &Mmap) {
    // SAFETY: the map is of a file, is never written to, and the file does not change: a page that was given
    // back is read from it again, the same as it was.
    let given = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    // Where the system does not want them they stay.
    drop(given);
}

/// Other systems take pages back when they want to.
#[cfg(not(unix))]
fn forget_pages(_map: &Mmap) {}

/// The checksum of what follows the header, in hexadecimal: read in blocks, since what is looked at in a map
/// counts as memory of the process.
fn content_hash(file: &mut File) -> io::Result<String> {
    file.seek(io::SeekFrom::Start(HEADER as u64))?;
    Ok(blake3::Hasher::new().update_reader(file)?.finalize().to_hex().to_string())
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
    replace_file_by(path, std::iter::once(Ok(content)))
}

/// The same with content that comes in blocks.
pub(super) fn replace_file_by<Block: AsRef<[u8]>>(
    path: &Path,
    content: impl Iterator<Item = Result<Block, BuildError>>,
) -> Result<(), BuildError> {
    let write_error = |source| BuildError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = faults::step(|| temporary_in(folder)).map_err(write_error)?;
    for block in content {
        faults::write(temporary.as_file_mut(), block?.as_ref()).map_err(write_error)?;
    }
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

/// A file at `path`, empty.
pub(super) fn create_file(path: &Path) -> io::Result<File> {
    faults::step(|| File::create(path))
}

/// Whether a file in an index has the name of a temporary one. Where the system has no files without a
/// name, one has six letters and digits for a moment.
pub(super) fn is_temporary(name: &str) -> bool {
    let unnamed = name.strip_prefix(".tmp").filter(|rest| rest.len() == 6);
    name.starts_with(".tmp-")
        || unnamed.is_some_and(|rest| rest.bytes().all(|letter| letter.is_ascii_alphanumeric()))
}

/// A file without a name, on the same disk as `folder`; the system removes it with the process.
pub(super) fn unnamed_file(folder: &Path) -> io::Result<File> {
    faults::step(|| tempfile::tempfile_in(folder))
}

/// Reads what stands at `offset`, wherever the file is written to.
#[cfg(unix)]
pub(super) fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads what stands at `offset`. Windows moves on where the file is written to; that is put back.
#[cfg(not(unix))]
pub(super) fn read_at(mut file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    static READING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = READING.lock();
    file.seek(io::SeekFrom::Start(offset))?;
    io::Read::read_exact(&mut file, bytes)?;
    file.seek(io::SeekFrom::End(0)).map(|_| ())
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

impl Kept {
    /// Gives back the pages that were looked at.
    pub(super) fn forget_pages(&self) {
        forget_pages(&self.0);
    }
}

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
    use super::super::manifest::FORMAT_VERSION;
    use super::*;

    const KIND: Kind = *b"testfile";

    fn written() -> (tempfile::TempDir, PathBuf, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let checksum = ArrayWriter::new(KIND)
            .push(&[1_u32, 2, 3])
            .push(&[0.5_f32])
            .push::<u8>(&[])
            .write(&path)
            .unwrap();
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
        ArrayWriter::new(KIND).push(&[9_u32]).write(&path).unwrap();
        let error = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).err().unwrap();
        assert!(error.to_string().contains("another generation"), "{error}");
        drop(folder);
    }
}
