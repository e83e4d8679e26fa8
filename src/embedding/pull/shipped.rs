//! Files that come with docent itself: its own encoder lies in `models/` of the checkout, and of a
//! release beside the program.

use std::env;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::embedding::catalog::{FileSpec, ShippedSource};
use crate::embedding::digest::{Hasher, Sha256};

const COPY_BYTES: usize = 256 * 1024;

/// How far above the program its `models` folder is looked for: `target/release/docent` in a
/// checkout lies two below it.
const LEVELS: usize = 4;

/// Why a file that should have come with docent was not had.
#[derive(Debug, thiserror::Error)]
pub enum ShippedError {
    /// It is nowhere.
    #[error("it is in none of {}", list(.looked_in))]
    Absent {
        /// The folders that were looked in.
        looked_in: Vec<PathBuf>,
    },
    /// It cannot be read.
    #[error("`{path}` cannot be read", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is another file, as one that a version control system did not fetch whole.
    #[error("`{path}` is not the file wanted: sha256 wanted {wanted}, got {got}", path = .path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest that it should have.
        wanted: Sha256,
        /// The digest that it has.
        got: Sha256,
    },
    /// The copy cannot be written.
    #[error("`{path}` cannot be written", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ShippedError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Absent { .. } => {
                "copy the folder `models/docent-minilm` of docent's repository into one of \
                these, or use another model (`docent models`)"
                    .to_owned()
            }
            Self::Read { .. } => "check the permissions of the file and of the folders above it".to_owned(),
            Self::Digest { .. } => {
                "restore the file from docent's repository (`git checkout -- models`)".to_owned()
            }
            Self::Write { .. } => "make room on the disk and check the folder's permissions".to_owned(),
        }
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", ")
}

/// A copy in the scratch folder, whole and checked.
pub(super) struct Copied {
    pub(super) path: PathBuf,
    pub(super) sha256: Sha256,
    pub(super) bytes: u64,
}

/// Where the folders that come with docent may be: beside the program or above it, in the current
/// folder, and in the checkout that the program was built from.
#[must_use]
pub fn shipped_folders() -> Vec<PathBuf> {
    let program = env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let above = program.ancestors().skip(1).take(LEVELS);
    let beside = above.flat_map(|folder| [folder.join("models"), folder.join("share/docent/models")]);
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut folders: Vec<PathBuf> = beside.chain([PathBuf::from("models"), built_from]).collect();
    let beside_program = folders.first().cloned();
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| folder.is_dir() && seen.insert(folder.canonicalize().ok()));
    if folders.is_empty() {
        // Where the program was copied alone: an error has to name a place to put them.
        folders.extend(beside_program);
    }
    folders
}

/// Copies the file from the first of `folders` that has it as it is wanted: another may have that of another version.
pub(super) fn fetch(
    source: &ShippedSource,
    file: &FileSpec,
    scratch: &Path,
    folders: &[PathBuf],
) -> Result<Copied, ShippedError> {
    let mut first_failure = None;
    for path in folders.iter().map(|folder| folder.join(&source.path)).filter(|path| path.is_file()) {
        match copy_wanted(path, file, scratch) {
            Ok(copied) => return Ok(copied),
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    Err(first_failure.unwrap_or_else(|| ShippedError::Absent { looked_in: folders.to_vec() }))
}

fn copy_wanted(path: PathBuf, file: &FileSpec, scratch: &Path) -> Result<Copied, ShippedError> {
    let copied = copy(&path, &scratch.join(&file.name))?;
    match file.sha256 {
        Some(wanted) if wanted != copied.sha256 => {
            Err(ShippedError::Digest { path, wanted, got: copied.sha256 })
        }
        _ => Ok(copied),
    }
}

fn copy(from: &Path, to: &Path) -> Result<Copied, ShippedError> {
    let reading = |source| ShippedError::Read { path: from.to_owned(), source };
    let writing = |source| ShippedError::Write { path: to.to_owned(), source };
    let mut input = File::open(from).map_err(reading)?;
    let mut output = File::create(to).map_err(writing)?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count = input.read(&mut buffer).map_err(reading)?;
        if count == 0 {
            let (sha256, bytes) = hasher.finish();
            return Ok(Copied { path: to.to_owned(), sha256, bytes });
        }
        hasher.update(&buffer[..count]);
        output.write_all(&buffer[..count]).map_err(writing)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::catalog::FileRole;
    use std::fs;

    fn file(sha256: Option<&str>) -> FileSpec {
        FileSpec {
            role: FileRole::Model,
            name: "model.onnx".into(),
            sha256: sha256.map(|digest| digest.parse().unwrap()),
            size: None,
            sources: Vec::new(),
        }
    }

    fn source() -> ShippedSource {
        ShippedSource { path: "own/model.onnx".into() }
    }

    /// Of the three letters `abc` (FIPS 180-2, appendix B.1).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_first_folder_that_has_the_file_gives_it() {
        let root = tempfile::tempdir().unwrap();
        let folders = [root.path().join("empty"), root.path().join("full")];
        fs::create_dir_all(folders[1].join("own")).unwrap();
        fs::write(folders[1].join("own/model.onnx"), "abc").unwrap();
        let copied = fetch(&source(), &file(Some(ABC)), root.path(), &folders).unwrap();
        assert_eq!(copied.bytes, 3);
        assert_eq!(fs::read(copied.path).unwrap(), b"abc");
    }

    #[test]
    fn a_file_of_another_version_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let folders = [root.path().join("before"), root.path().join("now")];
        for (folder, text) in folders.iter().zip(["ab", "abc"]) {
            fs::create_dir_all(folder.join("own")).unwrap();
            fs::write(folder.join("own/model.onnx"), text).unwrap();
        }
        let copied = fetch(&source(), &file(Some(ABC)), root.path(), &folders).unwrap();
        assert_eq!(fs::read(copied.path).unwrap(), b"abc");
    }

    #[test]
    fn a_missing_file_and_another_file_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let folders = [root.path().to_owned()];
        let absent = fetch(&source(), &file(Some(ABC)), root.path(), &folders).err().unwrap();
        assert!(matches!(absent, ShippedError::Absent { .. }), "{absent}");
        fs::create_dir(root.path().join("own")).unwrap();
        fs::write(root.path().join("own/model.onnx"), "version https://lfs").unwrap();
        let other = fetch(&source(), &file(Some(ABC)), root.path(), &folders).err().unwrap();
        assert!(matches!(other, ShippedError::Digest { .. }), "{other}");
    }

    #[test]
    fn the_checkout_is_among_the_folders() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").canonicalize().unwrap();
        assert!(shipped_folders().iter().any(|folder| folder.canonicalize().unwrap() == checkout));
    }
}
