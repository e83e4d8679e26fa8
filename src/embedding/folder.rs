//! A folder of pulled files: which of them are there and whole.
//!
//! Two small files lie beside them. `files.toml` is the record that a pull leaves: the digest of
//! each file as it was when it came, which is what later loads are held to where the catalogue pins
//! nothing. `.stamps.toml` only saves time: it remembers the digest of a file as long as size and
//! time of change stay, and may be deleted at any time.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::catalog::FileSpec;
use super::digest::Sha256;

const RECORD_NAME: &str = "files.toml";
const STAMPS_NAME: &str = ".stamps.toml";
const RECORD_HEAD: &str =
    "# Written by `docent pull`: each file as it was when it came. Loads are held to these digests.\n\n";

/// A file that changes again within this time may keep its time of change on some file systems, so
/// that only files older than this are stamped.
const SETTLING_TIME: Duration = Duration::from_secs(2);

/// A folder of pulled files.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// A file that is there and is what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WholeFile {
    pub(crate) path: PathBuf,
    pub(crate) sha256: Sha256,
    pub(crate) bytes: u64,
    /// Whether anything said beforehand what its digest should be.
    pub(crate) expected: bool,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum FileFault {
    Missing { path: PathBuf },
    Corrupt { path: PathBuf, wanted: Sha256, got: Sha256 },
    Unreadable { path: PathBuf, source: io::Error },
}

/// What a pull noted down.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(default, rename = "file")]
    pub(crate) files: BTreeMap<String, RecordedFile>,
}

/// What a pull noted down of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFile {
    pub(crate) sha256: Sha256,
    pub(crate) bytes: u64,
    pub(crate) source: String,
}

/// `files.toml` is not what a pull writes.
#[derive(Debug)]
pub(crate) struct RecordFault {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stamps {
    #[serde(default, rename = "file")]
    files: BTreeMap<String, Stamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// Time of change in nanoseconds since 1970: TOML's 64 bits reach to the year 2262.
    modified: i64,
    sha256: Sha256,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, spec: &FileSpec) -> PathBuf {
        self.path.join(&spec.name)
    }

    /// Looks at one file, and reads it whole unless a stamp vouches for it.
    pub(crate) fn check(&self, spec: &FileSpec, record: &Record) -> Result<WholeFile, FileFault> {
        let path = self.file(spec);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Err(FileFault::Missing { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FileFault::Missing { path });
            }
            Err(source) => return Err(FileFault::Unreadable { path, source }),
        };
        let (got, bytes) = match self.digest(&spec.name, &path, &metadata) {
            Ok(found) => found,
            Err(source) => return Err(FileFault::Unreadable { path, source }),
        };
        let wanted = spec.sha256.or_else(|| record.files.get(&spec.name).map(|file| file.sha256));
        match wanted {
            Some(wanted) if wanted != got => Err(FileFault::Corrupt { path, wanted, got }),
            _ => Ok(WholeFile { path, sha256: got, bytes, expected: wanted.is_some() }),
        }
    }

    pub(crate) fn record(&self) -> Result<Record, RecordFault> {
        let path = self.path.join(RECORD_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| RecordFault {
                path,
                source: io::Error::new(io::ErrorKind::InvalidData, error),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
            Err(source) => Err(RecordFault { path, source }),
        }
    }

    pub(crate) fn write_record(&self, record: &Record) -> io::Result<()> {
        let text = toml::to_string(record).map_err(io::Error::other)?;
        write_whole(&self.path.join(RECORD_NAME), &format!("{RECORD_HEAD}{text}"))
    }

    fn digest(&self, name: &str, path: &Path, metadata: &Metadata) -> io::Result<(Sha256, u64)> {
        let modified = metadata.modified().ok().and_then(nanoseconds);
        let mut stamps = self.stamps();
        if let (Some(stamp), Some(modified)) = (stamps.files.get(name), modified)
            && (stamp.bytes, stamp.modified) == (metadata.len(), modified)
        {
            return Ok((stamp.sha256, stamp.bytes));
        }
        let (sha256, bytes) = Sha256::of_file(path)?;
        if let Some(modified) = modified
            && has_settled(metadata)
            && bytes == metadata.len()
        {
            stamps.files.insert(name.to_owned(), Stamp { bytes, modified, sha256 });
            self.remember(&stamps);
        }
        Ok((sha256, bytes))
    }

    fn stamps(&self) -> Stamps {
        let text = fs::read_to_string(self.path.join(STAMPS_NAME)).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    /// Failing is no loss: a store on a read-only disk is hashed at every load, and works.
    fn remember(&self, stamps: &Stamps) {
        if let Ok(text) = toml::to_string(stamps) {
            let _ = write_whole(&self.path.join(STAMPS_NAME), &text);
        }
    }
}

fn has_settled(metadata: &Metadata) -> bool {
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age > SETTLING_TIME)
}

fn nanoseconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// Writes a small file so that a reader finds the old text or the new one, never half of it.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    make_readable(temporary.path())?;
    temporary.persist(path)?;
    sync_folder(folder)
}

/// Gives a finished file its final name, on disk before this returns.
pub(crate) fn promote(finished: &Path, name: &Path) -> io::Result<()> {
    File::options().write(true).open(finished)?.sync_all()?;
    fs::rename(finished, name)?;
    sync_folder(name.parent().unwrap_or(Path::new(".")))
}

/// A rename is only safe from a power cut once its folder is written; Windows has no such call and
/// needs none.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Temporary files are made for their owner alone; a store may be shared.
#[cfg(unix)]
fn make_readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;

    use super::*;
    use crate::embedding::catalog::FileRole;

    fn spec(sha256: Option<Sha256>) -> FileSpec {
        FileSpec { role: FileRole::Model, name: "model.onnx".into(), sha256, size: None, sources: Vec::new() }
    }

    fn folder_with(bytes: &[u8]) -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("model.onnx"), bytes).unwrap();
        let folder = Folder::new(root.path().to_owned());
        (root, folder)
    }

    fn set_modified(path: &Path, time: SystemTime) {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_times(FileTimes::new().set_modified(time))
            .unwrap();
    }

    #[test]
    fn an_old_file_is_hashed_once_and_again_when_it_changes() {
        let (_root, folder) = folder_with(b"weights");
        let path = folder.path().join("model.onnx");
        let long_ago = SystemTime::now() - Duration::from_mins(1);
        set_modified(&path, long_ago);
        let pinned = spec(Some(Sha256::of(b"weights")));
        folder.check(&pinned, &Record::default()).unwrap();
        assert_eq!(folder.stamps().files.len(), 1);

        // Same size and time: the stamp is believed, which shows that nothing was read.
        fs::write(&path, b"WEIGHTS").unwrap();
        set_modified(&path, long_ago);
        assert_eq!(folder.check(&pinned, &Record::default()).unwrap().sha256, Sha256::of(b"weights"));

        set_modified(&path, long_ago + Duration::from_millis(1));
        let fault = folder.check(&pinned, &Record::default()).unwrap_err();
        assert!(matches!(fault, FileFault::Corrupt { got, .. } if got == Sha256::of(b"WEIGHTS")));
    }

    #[test]
    fn a_fresh_file_is_not_stamped() {
        let (_root, folder) = folder_with(b"weights");
        folder.check(&spec(None), &Record::default()).unwrap();
        assert_eq!(folder.stamps(), Stamps::default());
    }

    #[test]
    fn the_catalogue_wins_over_the_record_and_the_record_over_nothing() {
        let (_root, folder) = folder_with(b"weights");
        let whole = folder.check(&spec(None), &Record::default()).unwrap();
        assert!(!whole.expected);
        let mut record = Record::default();
        let recorded = RecordedFile { sha256: Sha256::of(b"other"), bytes: 5, source: "here".into() };
        record.files.insert("model.onnx".into(), recorded);
        assert!(matches!(folder.check(&spec(None), &record), Err(FileFault::Corrupt { .. })));
        assert!(folder.check(&spec(Some(Sha256::of(b"weights"))), &record).unwrap().expected);
    }

    #[test]
    fn the_record_comes_back_as_it_was_written_and_rubbish_is_named() {
        let (_root, folder) = folder_with(b"weights");
        let mut record = Record::default();
        let recorded = RecordedFile { sha256: Sha256::of(b"weights"), bytes: 7, source: "a@main".into() };
        record.files.insert("model.onnx".into(), recorded.clone());
        folder.write_record(&record).unwrap();
        assert_eq!(folder.record().unwrap().files["model.onnx"], recorded);
        fs::write(folder.path().join(RECORD_NAME), "rubbish").unwrap();
        assert_eq!(folder.record().unwrap_err().path, folder.path().join(RECORD_NAME));
    }

    #[test]
    fn a_folder_in_place_of_a_file_is_a_missing_file() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("model.onnx")).unwrap();
        let folder = Folder::new(root.path().to_owned());
        assert!(matches!(folder.check(&spec(None), &Record::default()), Err(FileFault::Missing { .. })));
    }
}
