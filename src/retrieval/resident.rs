//! A retriever that stays: loaded once, shared by every question, and moved on to a new generation
//! when the manifest names one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::SystemTime;

use super::retriever::Retriever;
use crate::embedding::{EmbedError, Embedder, ModelIdentity};
use crate::index::{Index, Manifest, OpenError, read_manifest};

/// Gets the encoder that made an index: by its identity, which stands in the manifest.
pub type LoadEncoder = dyn Fn(&ModelIdentity) -> Result<Arc<dyn Embedder>, LoadFailure> + Send + Sync;

/// Why nothing can be answered, in a form that can be told to every question that comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LoadFailure {
    /// What happened.
    pub message: String,
    /// The next thing to do.
    pub hint: String,
}

impl From<OpenError> for LoadFailure {
    fn from(error: OpenError) -> Self {
        Self { message: error.to_string(), hint: error.hint() }
    }
}

impl From<EmbedError> for LoadFailure {
    fn from(error: EmbedError) -> Self {
        Self { message: error.to_string(), hint: error.hint() }
    }
}

/// The current generation of the index in one folder, and the encoder for it.
pub struct Resident {
    folder: PathBuf,
    load_encoder: Box<LoadEncoder>,
    held: RwLock<Option<Held>>,
    /// Taken by the one thread that loads or moves on.
    renewal: Mutex<()>,
}

#[derive(Clone)]
struct Held {
    retriever: Arc<Retriever>,
    stamp: Option<Stamp>,
}

impl Resident {
    /// Nothing is opened yet: the first call of [`Resident::current`] does that.
    #[must_use]
    pub fn new(folder: &Path, load_encoder: Box<LoadEncoder>) -> Self {
        Self { folder: folder.to_owned(), load_encoder, held: RwLock::new(None), renewal: Mutex::new(()) }
    }

    /// What the manifest says now. Reads one small file, needs no encoder.
    ///
    /// # Errors
    /// Where there is no readable index.
    pub fn manifest(&self) -> Result<Manifest, OpenError> {
        read_manifest(&self.folder)
    }

    /// A retriever over the newest generation. The first call loads it, and others meanwhile wait;
    /// a failed load is tried again by the next call, so that `docent index` or `docent pull`
    /// mends a server that runs.
    ///
    /// Once loaded it does not fail any more: while a new generation is being opened, or cannot
    /// be, the one at hand answers.
    ///
    /// # Errors
    /// Where there is no readable index, or its encoder cannot be loaded.
    pub fn current(&self) -> Result<Arc<Retriever>, LoadFailure> {
        let stamp = Stamp::of(&self.folder);
        if let Some(held) = self.held() {
            if held.stamp == stamp {
                return Ok(held.retriever);
            }
            return Ok(self.moved_on(held, stamp));
        }
        let _loading = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = self.held() {
            return Ok(held.retriever);
        }
        let index = Index::open(&self.folder)?;
        let encoder = (self.load_encoder)(&index.manifest().model)?;
        Ok(self.hold(Retriever::new(index, encoder)?, stamp))
    }

    /// The retriever at hand, if one is loaded: never waits.
    #[must_use]
    pub fn loaded(&self) -> Option<Arc<Retriever>> {
        self.held().map(|held| held.retriever)
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, retriever: Retriever, stamp: Option<Stamp>) -> Arc<Retriever> {
        let retriever = Arc::new(retriever);
        let held = Held { retriever: Arc::clone(&retriever), stamp };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        retriever
    }

    /// The newest generation, or `held` where somebody else is opening it or it does not open.
    fn moved_on(&self, held: Held, stamp: Option<Stamp>) -> Arc<Retriever> {
        let _renewing = match self.renewal.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return held.retriever,
        };
        match self.newer_than(&held.retriever) {
            Ok(retriever) => self.hold(retriever, stamp),
            Err(_) => held.retriever,
        }
    }

    fn newer_than(&self, current: &Retriever) -> Result<Retriever, LoadFailure> {
        let index = Index::open(&self.folder)?;
        let model = &index.manifest().model;
        let encoder = if current.embedder().identity() == model {
            Arc::clone(current.embedder())
        } else {
            (self.load_encoder)(model)?
        };
        Ok(Retriever::new(index, encoder)?)
    }
}

/// Tells one manifest file from another without reading it. A commit renames a new file into place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    file: u64,
}

impl Stamp {
    fn of(folder: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(Manifest::path(folder)).ok()?;
        Some(Self { modified: metadata.modified().ok(), bytes: metadata.len(), file: file_number(&metadata) })
    }
}

#[cfg(unix)]
fn file_number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_metadata: &std::fs::Metadata) -> u64 {
    0
}
