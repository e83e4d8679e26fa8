//! A retriever that stays: loaded once, shared by every question, and moved on to a new generation
//! when the manifest names one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

use super::answer::Answer;
use super::query::Query;
use super::reader::Reader;
use super::retriever::{RetrievalError, Retriever};
use super::waiting::{Patient, Waiting};
use crate::embedding::{EmbedError, Embedder, ModelIdentity};
use crate::index::{Index, Manifest, OpenError, read_manifest};

/// How long a question waits for an encoder that is being loaded: most are there by then, and a
/// whole answer is worth it.
const PATIENCE: Duration = Duration::from_millis(400);

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

impl From<RetrievalError> for LoadFailure {
    fn from(error: RetrievalError) -> Self {
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
    /// The index, from when it is opened until its encoder is loaded too.
    opened: Mutex<Option<Opened>>,
    held: RwLock<Option<Held>>,
    /// The generation before the one that is held, for clients in the middle of its pages.
    previous: RwLock<Option<Arc<Retriever>>>,
    /// Taken by the one thread that loads or moves on.
    renewal: Mutex<()>,
    /// Whether a thread of its own is loading, so that questions need not wait.
    loading_behind: Mutex<bool>,
    /// Told when that thread is done.
    loaded: Condvar,
}

#[derive(Clone)]
struct Held {
    retriever: Arc<Retriever>,
    stamp: Option<Stamp>,
}

#[derive(Clone)]
struct Opened {
    reader: Arc<Reader>,
    stamp: Option<Stamp>,
}

/// What can answer now.
#[derive(Clone)]
pub enum Ready {
    /// The index and its encoder.
    Whole(Arc<Retriever>),
    /// The index; its encoder is still being loaded.
    WordsOnly(Arc<Reader>),
}

impl Ready {
    /// Answers as well as it can.
    ///
    /// # Errors
    /// Where the encoder fails, or a record of the index is damaged.
    pub fn answer(&self, query: &Query) -> Result<Answer, RetrievalError> {
        self.answer_for(query, &Patient)
    }

    /// The same for somebody who wants to know how far it is, and may leave.
    ///
    /// # Errors
    /// As [`Ready::answer`], and where they have left.
    pub fn answer_for(&self, query: &Query, waiting: &dyn Waiting) -> Result<Answer, RetrievalError> {
        match self {
            Self::Whole(retriever) => retriever.answer_for(query, waiting),
            Self::WordsOnly(reader) => reader.answer_by_words(query, waiting),
        }
    }

    /// The index.
    #[must_use]
    pub fn reader(&self) -> &Arc<Reader> {
        match self {
            Self::Whole(retriever) => retriever.reader(),
            Self::WordsOnly(reader) => reader,
        }
    }
}

impl Resident {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(folder: &Path, load_encoder: Box<LoadEncoder>) -> Self {
        Self {
            folder: folder.to_owned(),
            load_encoder,
            opened: Mutex::default(),
            held: RwLock::default(),
            previous: RwLock::default(),
            renewal: Mutex::default(),
            loading_behind: Mutex::new(false),
            loaded: Condvar::new(),
        }
    }

    /// Work for a thread of its own: loads everything. From this call on, until that work is done,
    /// questions that cannot wait are answered by words alone.
    pub fn load_behind(self: &Arc<Self>) -> impl FnOnce() + Send + 'static {
        let resident = Arc::clone(self);
        resident.set_loading_behind(true);
        move || {
            // A failure is met, and told, by the next question.
            let _ = resident.current();
            resident.set_loading_behind(false);
        }
    }

    fn set_loading_behind(&self, loading: bool) {
        *self.loading_behind.lock().unwrap_or_else(PoisonError::into_inner) = loading;
        self.loaded.notify_all();
    }

    /// Whether the thread that loads behind is still at it after a moment's patience.
    fn is_loading_behind(&self) -> bool {
        let loading = self.loading_behind.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.loaded.wait_timeout_while(loading, PATIENCE, |loading| *loading);
        waited.is_ok_and(|(_, waited)| waited.timed_out())
    }

    /// What can answer without waiting long for an encoder that is being loaded behind.
    ///
    /// # Errors
    /// As [`Resident::current`].
    pub fn now(&self) -> Result<Ready, LoadFailure> {
        if self.held().is_none() {
            let opened = self.opened()?;
            // There is no encoder to wait for where the vectors were made elsewhere.
            if opened.manifest().model.is_imported() || self.is_loading_behind() {
                return Ok(Ready::WordsOnly(opened));
            }
        }
        self.current().map(Ready::Whole)
    }

    /// The generation with this number, if it is the current one or the one before it.
    ///
    /// # Errors
    /// As [`Resident::current`].
    pub fn generation(&self, number: u64) -> Result<Option<Ready>, LoadFailure> {
        let now = self.now()?;
        let previous = self.previous.read().unwrap_or_else(PoisonError::into_inner).clone();
        let kept = std::iter::once(now).chain(previous.map(Ready::Whole));
        Ok(kept.into_iter().find(|ready| ready.reader().manifest().generation == number))
    }

    /// The newest generation, for what needs no encoder.
    ///
    /// # Errors
    /// Where there is no readable index.
    pub fn reader(&self) -> Result<Arc<Reader>, LoadFailure> {
        let stamp = Stamp::of(&self.folder);
        match self.held() {
            Some(held) if held.stamp == stamp => Ok(Arc::clone(held.retriever.reader())),
            Some(held) => Ok(Arc::clone(self.moved_on(held, stamp).reader())),
            None => self.opened(),
        }
    }

    /// The index in the generation with this number, if it is the newest one or the one before it.
    ///
    /// # Errors
    /// As [`Resident::reader`].
    pub fn reader_of(&self, number: u64) -> Result<Option<Arc<Reader>>, LoadFailure> {
        let newest = self.reader()?;
        let previous = self.previous.read().unwrap_or_else(PoisonError::into_inner).clone();
        let previous = previous.map(|retriever| Arc::clone(retriever.reader()));
        let kept = std::iter::once(newest).chain(previous);
        Ok(kept.into_iter().find(|reader| reader.manifest().generation == number))
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
        let reader = self.opened()?;
        let encoder = (self.load_encoder)(&reader.manifest().model)?;
        let retriever = self.hold(Retriever::over(reader, encoder)?, stamp);
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(retriever)
    }

    /// The index alone, opened once for as long as no retriever is held.
    fn opened(&self) -> Result<Arc<Reader>, LoadFailure> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.folder);
        if let Some(opened) = opened.as_ref().filter(|opened| opened.stamp == stamp) {
            return Ok(Arc::clone(&opened.reader));
        }
        let reader = Arc::new(Reader::new(Index::open(&self.folder)?));
        *opened = Some(Opened { reader: Arc::clone(&reader), stamp });
        Ok(reader)
    }

    /// Number of tokens of `text`: by the encoder's own tokenizer, or by a guess that is rather too
    /// high (a token of English is about four bytes) while there is none.
    #[must_use]
    pub fn count_tokens(&self, text: &str) -> usize {
        match self.held() {
            Some(held) => held.retriever.embedder().count_tokens(text),
            None => text.len().div_ceil(3),
        }
    }

    /// Whether the encoder is loaded.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.held().is_some()
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, retriever: Retriever, stamp: Option<Stamp>) -> Arc<Retriever> {
        let retriever = Arc::new(retriever);
        let held = Held { retriever: Arc::clone(&retriever), stamp };
        let before = self.held.write().unwrap_or_else(PoisonError::into_inner).replace(held);
        if let Some(before) = before {
            *self.previous.write().unwrap_or_else(PoisonError::into_inner) = Some(before.retriever);
        }
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
