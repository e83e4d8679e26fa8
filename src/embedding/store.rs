//! Where models lie on disk, and whether they are whole. Nothing here touches the network, and
//! nothing but [`pull`](super::pull) puts files here.
//!
//! `models/NAME/{model.onnx, tokenizer.json, ...}` and `models/onnxruntime-VERSION/LIBRARY`.

use std::env::consts::{ARCH, OS};
use std::io;
use std::path::{Path, PathBuf};

use super::catalog::{Catalog, FileRole, FileSpec, ModelKind, ModelSpec, RuntimeSpec};
use super::digest::Sha256;
use super::folder::{FileFault, Folder, Record, RecordFault, WholeFile};

/// The variable that names an ONNX Runtime library to use in place of the pulled one.
pub const RUNTIME_VARIABLE: &str = "ORT_DYLIB_PATH";

/// What the graph may be called in a folder that was not pulled, best first.
const MODEL_NAMES: [&str; 6] = [
    "model.onnx",
    "onnx/model.onnx",
    "model_quantized.onnx",
    "onnx/model_quantized.onnx",
    "model_optimized.onnx",
    "onnx/model_optimized.onnx",
];

/// The folder that holds all pulled models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    root: PathBuf,
    runtime_override: Option<PathBuf>,
}

/// The files of a model, all there and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// The ONNX graph.
    pub model: PathBuf,
    /// The tokenizer's `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Weights beside the graph, which ONNX Runtime finds by itself.
    pub data: Vec<PathBuf>,
    /// What the model is: the SHA-256 of the graph, or of the digests of graph and data where the
    /// weights lie in data. An index is only good for the model with the same identity.
    pub identity: Sha256,
    /// The SHA-256 of the tokenizer.
    pub tokenizer_sha256: Sha256,
}

/// How much of a model is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallState {
    /// It needs no files.
    BuiltIn,
    /// All files are there; whether they are whole is only seen at a load or a pull.
    Installed,
    /// Some are there, these are not.
    Incomplete {
        /// Names of the missing files.
        missing: Vec<String>,
    },
    /// None is there.
    Absent,
}

/// A model of the catalogue, and how much of it is on disk.
#[derive(Debug, Clone)]
pub struct InstalledModel<'a> {
    /// The model.
    pub spec: &'a ModelSpec,
    /// How much of it is there.
    pub state: InstallState,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Why a model, or the library that runs it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The model has no files.
    #[error("the model `{model}` is built in and has no files")]
    BuiltIn {
        /// The model.
        model: String,
    },
    /// Files of the model are not there.
    #[error("the model `{model}` is not installed: {} missing", list(.paths))]
    Missing {
        /// The model.
        model: String,
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// A file is not the one that the catalogue or the pull's record names.
    #[error("`{path}` is damaged: sha256 wanted {wanted}, got {got}", path = .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The digest that it should have.
        wanted: Sha256,
        /// The digest that it has.
        got: Sha256,
        /// The command that replaces it.
        command: String,
    },
    /// A file is there and cannot be read.
    #[error("`{path}` cannot be read", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The record that the pull left is not one.
    #[error("`{path}` cannot be read, and it says what the model's files should be", path = .path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
        /// The command that writes it anew.
        command: String,
    },
    /// ONNX Runtime is not there.
    #[error("ONNX Runtime, which runs the models, is not installed: `{path}` is missing", path = .path.display())]
    RuntimeMissing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The library that the environment names is not there.
    #[error("{RUNTIME_VARIABLE} names `{path}`, which is not a file", path = .path.display())]
    RuntimeOverride {
        /// What the variable says.
        path: PathBuf,
    },
    /// There is no ONNX Runtime in the catalogue for this machine.
    #[error("docent knows no ONNX Runtime for {os} on {arch}")]
    RuntimeUnsupported {
        /// The system.
        os: String,
        /// The processor.
        arch: String,
    },
    /// A folder of model files that was named is none.
    #[error("`{path}` is not a folder", path = .path.display())]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
    /// A folder of model files that was named lacks some.
    #[error("`{path}` has no {}", .missing.join(" and no "), path = .path.display())]
    Incomplete {
        /// The folder.
        path: PathBuf,
        /// The files, each with the names that would do.
        missing: Vec<String>,
    },
}

impl StoreError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::BuiltIn { .. } => "use it as it is: it needs no pull".to_owned(),
            Self::Missing { model, .. } => {
                format!("run `docent pull {model}`, or name its files with `--model-dir DIR`")
            }
            Self::Corrupt { command, .. } => format!("run `{command}` to replace it"),
            Self::Record { command, .. } => format!("run `{command}` to write it anew"),
            Self::Unreadable { .. } => {
                "check the permissions of the file and of the folders above it".to_owned()
            }
            Self::RuntimeMissing { .. } => {
                format!("run `docent pull`, or set {RUNTIME_VARIABLE} to an ONNX Runtime library of your own")
            }
            Self::RuntimeOverride { .. } => {
                format!("set {RUNTIME_VARIABLE} to the library itself, or unset it and run `docent pull`")
            }
            Self::RuntimeUnsupported { .. } => {
                format!(
                    "set {RUNTIME_VARIABLE} to an ONNX Runtime library for this machine, or use `--model hashing`"
                )
            }
            Self::NotAFolder { .. } => "name the folder that holds model.onnx and tokenizer.json".to_owned(),
            Self::Incomplete { .. } => {
                "put the files there, or leave `--model-dir` out and run `docent pull`".to_owned()
            }
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

impl ModelStore {
    /// The store in `root`, which need not exist yet. [`RUNTIME_VARIABLE`] is read here, once.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let runtime_override =
            std::env::var_os(RUNTIME_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self { root: root.into(), runtime_override }
    }

    /// The same store, with a given library in place of the pulled ONNX Runtime, or with none
    /// whatever the environment says.
    #[must_use]
    pub fn with_runtime_override(self, library: Option<PathBuf>) -> Self {
        Self { runtime_override: library, ..self }
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The library that is used in place of the pulled ONNX Runtime, if one is set.
    #[must_use]
    pub fn runtime_override(&self) -> Option<&Path> {
        self.runtime_override.as_deref()
    }

    /// The folder of one model.
    #[must_use]
    pub fn model_folder(&self, spec: &ModelSpec) -> PathBuf {
        self.root.join(&spec.name)
    }

    /// The files of a pulled model. Reads each file whole, unless it did so before and the file has
    /// not changed since.
    ///
    /// # Errors
    /// When a file is missing, unreadable, or not the one that was pulled.
    pub fn files(&self, spec: &ModelSpec) -> Result<ModelFiles, StoreError> {
        if spec.kind == ModelKind::Hashing {
            return Err(StoreError::BuiltIn { model: spec.name.clone() });
        }
        let folder = Folder::new(self.model_folder(spec));
        let command = format!("docent pull {}", spec.name);
        let record = folder.record().map_err(|fault| record_error(fault, &command))?;
        let missing: Vec<PathBuf> = missing_files(&folder, spec).map(|file| folder.file(file)).collect();
        if !missing.is_empty() {
            return Err(StoreError::Missing { model: spec.name.clone(), paths: missing });
        }
        let mut whole = Vec::new();
        for file in &spec.files {
            let checked =
                folder.check(file, &record).map_err(|fault| file_error(fault, &spec.name, &command))?;
            whole.push((file.role, checked));
        }
        Ok(model_files(whole))
    }

    /// The ONNX Runtime library: the one that [`RUNTIME_VARIABLE`] names, or the pulled one.
    ///
    /// # Errors
    /// When it is missing, damaged, or not made for this machine.
    pub fn runtime(&self) -> Result<PathBuf, StoreError> {
        self.runtime_of(Catalog::builtin().runtime())
    }

    /// As [`runtime`](Self::runtime), for a given runtime.
    ///
    /// # Errors
    /// When it is missing, damaged, or not made for this machine.
    pub fn runtime_of(&self, runtime: &RuntimeSpec) -> Result<PathBuf, StoreError> {
        if let Some(path) = &self.runtime_override {
            let there = path.is_file();
            return if there {
                Ok(path.clone())
            } else {
                Err(StoreError::RuntimeOverride { path: path.clone() })
            };
        }
        let file = runtime_file(runtime)?;
        let folder = Folder::new(self.root.join(runtime.folder()));
        match folder.check(file, &Record::default()) {
            Ok(whole) => Ok(whole.path),
            Err(FileFault::Missing { path }) => Err(StoreError::RuntimeMissing { path }),
            Err(fault) => Err(file_error(fault, &runtime.name, "docent pull")),
        }
    }

    /// The files of a model in a folder of the user's own. They are taken as they are: nothing says
    /// what they should be.
    ///
    /// # Errors
    /// When the folder or a file in it is missing or unreadable.
    pub fn from_dir(dir: &Path, spec: &ModelSpec) -> Result<ModelFiles, StoreError> {
        if spec.kind == ModelKind::Hashing {
            return Err(StoreError::BuiltIn { model: spec.name.clone() });
        }
        if !dir.is_dir() {
            return Err(StoreError::NotAFolder { path: dir.to_owned() });
        }
        let model = MODEL_NAMES.iter().map(|name| dir.join(name)).find(|path| path.is_file());
        let beside = model.as_deref().and_then(Path::parent).unwrap_or(dir).to_owned();
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for file in &spec.files {
            let path = match file.role {
                FileRole::Model => model.clone(),
                _ => find_file(&[dir, &beside], &file.name),
            };
            match path {
                Some(path) => found.push((file.role, path)),
                None => missing.push(acceptable_names(file)),
            }
        }
        if !missing.is_empty() {
            return Err(StoreError::Incomplete { path: dir.to_owned(), missing });
        }
        found
            .into_iter()
            .map(|(role, path)| Ok((role, as_it_is(path)?)))
            .collect::<Result<_, _>>()
            .map(model_files)
    }

    /// Each model of the catalogue, and how much of it is on disk, by name and size alone.
    #[must_use]
    pub fn installed<'a>(&self, catalog: &'a Catalog) -> Vec<InstalledModel<'a>> {
        catalog.models().iter().map(|spec| self.installed_model(spec)).collect()
    }

    fn installed_model<'a>(&self, spec: &'a ModelSpec) -> InstalledModel<'a> {
        let folder = Folder::new(self.model_folder(spec));
        let missing: Vec<String> = missing_files(&folder, spec).map(|file| file.name.clone()).collect();
        let state = if spec.files.is_empty() {
            InstallState::BuiltIn
        } else if missing.is_empty() {
            InstallState::Installed
        } else if missing.len() == spec.files.len() {
            InstallState::Absent
        } else {
            InstallState::Incomplete { missing }
        };
        let sizes = spec
            .files
            .iter()
            .filter_map(|file| folder.file(file).metadata().ok())
            .filter(std::fs::Metadata::is_file);
        InstalledModel { spec, state, bytes: sizes.map(|metadata| metadata.len()).sum() }
    }
}

/// The library of a runtime for the machine that this runs on.
pub(crate) fn runtime_file(runtime: &RuntimeSpec) -> Result<&FileSpec, StoreError> {
    match runtime.library(OS, ARCH) {
        Some(library) => Ok(&library.file),
        None => Err(StoreError::RuntimeUnsupported { os: OS.to_owned(), arch: ARCH.to_owned() }),
    }
}

fn missing_files<'a>(folder: &'a Folder, spec: &'a ModelSpec) -> impl Iterator<Item = &'a FileSpec> {
    spec.files.iter().filter(|file| !folder.file(file).is_file())
}

fn record_error(fault: RecordFault, command: &str) -> StoreError {
    StoreError::Record { path: fault.path, source: fault.source, command: command.to_owned() }
}

fn file_error(fault: FileFault, model: &str, command: &str) -> StoreError {
    match fault {
        FileFault::Missing { path } => StoreError::Missing { model: model.to_owned(), paths: vec![path] },
        FileFault::Corrupt { path, wanted, got } => {
            StoreError::Corrupt { path, wanted, got, command: command.to_owned() }
        }
        FileFault::Unreadable { path, source } => StoreError::Unreadable { path, source },
    }
}

fn find_file(folders: &[&Path], name: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn acceptable_names(file: &FileSpec) -> String {
    match file.role {
        FileRole::Model => format!("{} (nor {})", MODEL_NAMES[0], MODEL_NAMES[1..].join(", ")),
        _ => file.name.clone(),
    }
}

fn as_it_is(path: PathBuf) -> Result<WholeFile, StoreError> {
    match Sha256::of_file(&path) {
        Ok((sha256, bytes)) => Ok(WholeFile { path, sha256, bytes, expected: false }),
        Err(source) => Err(StoreError::Unreadable { path, source }),
    }
}

/// Every list that comes here has one model and one tokenizer: the catalogue is checked for that
/// when it is read.
fn model_files(whole: Vec<(FileRole, WholeFile)>) -> ModelFiles {
    let mut files = ModelFiles {
        model: PathBuf::new(),
        tokenizer: PathBuf::new(),
        data: Vec::new(),
        identity: Sha256::of(b""),
        tokenizer_sha256: Sha256::of(b""),
    };
    let mut weights = Vec::new();
    for (role, file) in whole {
        match role {
            FileRole::Tokenizer => {
                (files.tokenizer, files.tokenizer_sha256) = (file.path, file.sha256);
            }
            FileRole::Data | FileRole::Library => {
                files.data.push(file.path);
                weights.push(file.sha256);
            }
            FileRole::Model => {
                (files.model, files.identity) = (file.path, file.sha256);
            }
        }
    }
    if !weights.is_empty() {
        let all: Vec<u8> =
            std::iter::once(&files.identity).chain(&weights).flat_map(Sha256::as_bytes).copied().collect();
        files.identity = Sha256::of(&all);
    }
    files
}
