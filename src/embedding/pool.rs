//! The sessions of one model, lent to one text at a time, and let go while there are none.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokenizers::Tokenizer;

use super::EmbedError;
use super::calibration::Form;
use super::catalog::ModelSpec;
use super::onnx::Threads;
use super::session::{EncoderSession, SessionMaker, Sessions};
use super::store::ModelFiles;

/// Sessions of a model, made again where they were let go.
pub(super) struct SessionPool {
    form: Form,
    spec: ModelSpec,
    files: ModelFiles,
    /// Of the files when they were loaded: sessions of others would make other vectors.
    stamps: Vec<Stamp>,
    environment: &'static ort::environment::Environment,
    threads: Threads,
    shared_weights: Option<u64>,
    sessions: Mutex<Loaded>,
    returned: Condvar,
}

/// Size and time of change of a file; nothing of one that is gone.
type Stamp = Option<(u64, Option<SystemTime>)>;

/// What there is of the sessions.
struct Loaded {
    idle: Vec<EncoderSession>,
    /// Idle or lent.
    count: usize,
}

impl SessionPool {
    /// Loads a model in this form, for as many threads.
    pub(super) fn load(
        form: Form,
        spec: &ModelSpec,
        files: &ModelFiles,
        environment: &'static ort::environment::Environment,
        threads: Threads,
        tokenizer: &Tokenizer,
    ) -> Result<Self, EmbedError> {
        let mut pool = Self {
            form,
            spec: spec.clone(),
            files: files.clone(),
            stamps: stamps(files),
            environment,
            threads,
            shared_weights: None,
            sessions: Mutex::new(Loaded { idle: Vec::new(), count: 0 }),
            returned: Condvar::new(),
        };
        let Sessions { sessions, shared_weights } = pool.make(tokenizer)?;
        pool.threads.sessions = sessions.len();
        pool.shared_weights = shared_weights;
        pool.sessions = Mutex::new(Loaded { count: sessions.len(), idle: sessions });
        Ok(pool)
    }

    pub(super) fn threads(&self) -> Threads {
        self.threads
    }

    /// Bytes of the weights that several sessions have in common.
    pub(super) fn shared_weights(&self) -> Option<u64> {
        self.shared_weights
    }

    /// The token ids of a text, and what the model gives. Waits for a session where all are lent.
    pub(super) fn run(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        max_tokens: usize,
    ) -> Result<(Vec<u32>, Vec<f32>), EmbedError> {
        let mut session = self.borrow(tokenizer)?;
        let result = session.run(tokenizer, text, max_tokens);
        self.lock().idle.push(session);
        self.returned.notify_one();
        let failed = |message| EmbedError::Run { model: self.spec.name.clone(), bytes: text.len(), message };
        result.map_err(failed)
    }

    /// Lets go of the sessions and of their memory, unless a text is being encoded.
    pub(super) fn rest(&self) {
        let mut sessions = self.lock();
        if sessions.idle.len() == sessions.count {
            *sessions = Loaded { idle: Vec::new(), count: 0 };
        }
    }

    fn borrow(&self, tokenizer: &Tokenizer) -> Result<EncoderSession, EmbedError> {
        let mut sessions = self.lock();
        loop {
            if let Some(session) = sessions.idle.pop() {
                return Ok(session);
            }
            if sessions.count == 0 {
                let made = self.make(tokenizer);
                // Whoever waits for a session that was let go gets one of these, or the same error.
                self.returned.notify_all();
                sessions.idle = made?.sessions;
                sessions.count = sessions.idle.len();
            } else {
                sessions = self.returned.wait(sessions).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn make(&self, tokenizer: &Tokenizer) -> Result<Sessions, EmbedError> {
        let failed = |message| EmbedError::Load { model: self.spec.name.clone(), message };
        if stamps(&self.files) != self.stamps {
            return Err(failed("its files have changed since it was loaded: start again".into()));
        }
        let Self { form, spec, files, environment, threads, .. } = self;
        let maker = SessionMaker { form: *form, spec, files, tokenizer, environment, threads: *threads };
        maker.sessions().map_err(failed)
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamps(files: &ModelFiles) -> Vec<Stamp> {
    let stamp = |path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.len(), found.modified().ok()))
    };
    std::iter::once(&files.model).chain(&files.data).map(stamp).collect()
}
