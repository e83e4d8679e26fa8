//! Errors of all rooms as a person sees them: what happened, and the next thing to do.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use super::clients::ClientError;
use super::declared::DeclarationError;
use super::exit_status::ExitStatus;
use super::memory::MEGABYTE;
use super::render::printable;
use crate::batch::BatchError;
use crate::embedding::catalog::UnknownModel;
use crate::embedding::pull::PullError;
use crate::embedding::store::StoreError;
use crate::embedding::{EmbedError, GivenError, NpyError};
use crate::evaluation::EvaluationError;
use crate::index::{BuildError, ImportError, OpenError};
use crate::mcp::{HttpSettingsError, PresetError, ServeError};
use crate::prepare::PrepareError;
use crate::remote::FetchError;
use crate::retrieval::{QueryError, RetrievalError};
use crate::source::InvalidSource;

/// Whatever ends a command early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    UnknownModel(#[from] UnknownModel),
    #[error(transparent)]
    Pull(#[from] PullError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Source(#[from] InvalidSource),
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error(transparent)]
    Batch(BatchError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Http(#[from] HttpSettingsError),
    #[error(transparent)]
    Preset(#[from] PresetError),
    #[error("the preset `{}` cannot be used: {source}", path.display())]
    PresetFile { path: PathBuf, source: PresetError },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Given(#[from] GivenError),
    #[error(transparent)]
    Npy(#[from] NpyError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("the vectors of the index in `{}` were imported: docent does not have the model `{model}`, and cannot make vectors of questions by it", folder.display())]
    ImportedVectors { model: String, folder: PathBuf },
    #[error("the vectors of the index in `{}` were made by docent, and those of questions have to be too", folder.display())]
    NotImported { folder: PathBuf },
    #[error("the vectors of the index in `{}` were imported (model `{model}`): docent cannot make more of them", folder.display())]
    WouldReplaceImport { model: String, folder: PathBuf },
    #[error("`{}` is not empty and holds no earlier export", folder.display())]
    NotAnExport { folder: PathBuf },
    #[error("nothing to index: no PATH is given, and `{}` holds no index to bring up to date", folder.display())]
    NothingToIndex { folder: PathBuf },
    #[error("`{}`, which was indexed before{}, is gone", path.display(), in_collection(collection.as_ref()))]
    Gone { path: PathBuf, collection: Option<String> },
    #[error("the index in `{}` has no collection `{name}`", folder.display())]
    NoCollection { folder: PathBuf, name: String, known: Vec<String> },
    #[error("the collection `{name}` is all that the index in `{}` holds", folder.display())]
    LastCollection { folder: PathBuf, name: String },
    #[error("docent's manual is not here: there is no `{}` in the working folder", manual.display())]
    NoManual { manual: PathBuf },
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("the model `{model}` and a build by it need {} MB of memory, and --max-memory allows {} MB", needed.div_ceil(MEGABYTE), most / MEGABYTE)]
    Memory { model: String, most: u64, needed: u64 },
    #[error("--max-memory cannot be obeyed: this system does not tell how much memory a program has")]
    MemoryUnknown,
    #[error("stdout cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// What cannot be written to stdout is the same failure whoever writes.
impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Output(source) if source.kind() == std::io::ErrorKind::BrokenPipe => {
                Self::Output(source)
            }
            error => Self::Batch(error),
        }
    }
}

fn in_collection(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| format!(" in the collection `{name}`"))
}

impl Failure {
    /// The next thing to do.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::UnknownModel(error) => error.hint(),
            Self::Pull(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Embed(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Source(_) => {
                "sources are PATH, git:URL, package:npm:NAME, feed:URL, changelog:PATH, examples:PATH".into()
            }
            Self::Declaration(error) => error.hint(),
            Self::Fetch(error) => error.hint(),
            Self::Prepare(error) => error.hint(),
            Self::Open(error) => error.hint(),
            Self::Query(error) => error.hint(),
            Self::Retrieval(error) => error.hint(),
            Self::Evaluation(error) => error.hint(),
            Self::Batch(error) => error.hint(),
            Self::Serve(error) => error.hint(),
            Self::Http(error) => error.hint(),
            Self::Preset(error) | Self::PresetFile { source: error, .. } => error.hint(),
            Self::Client(error) => error.hint(),
            Self::Given(error) => error.hint(),
            Self::Npy(error) => error.hint(),
            Self::Import(error) => error.hint(),
            Self::ImportedVectors { .. } => {
                "give the questions' vectors, made by the same model: --query-vectors FILE.npy".into()
            }
            Self::NotImported { .. } => "leave --query-vectors out".into(),
            Self::WouldReplaceImport { .. } => {
                "to replace them by those of a model that docent has, name it: `docent index --model NAME`"
                    .into()
            }
            Self::NotAnExport { .. } => "name a new folder".into(),
            Self::Gone { .. } => {
                "bring it back, or drop it and its documents with `docent index --prune`; to index something else, name it"
                    .into()
            }
            Self::NothingToIndex { .. } => "name a folder of documents: `docent index docs/`".into(),
            Self::NoCollection { known, .. } if known.is_empty() => {
                "make one: `docent index --collection NAME PATH`".into()
            }
            Self::NoCollection { known, .. } => format!("it has {}", known.join(", ")),
            Self::LastCollection { .. } => "delete the folder of the index instead".into(),
            Self::NoManual { .. } => "name a folder of your documents: `docent quickstart PATH`".into(),
            Self::Unreadable { .. } => "check the path, and that you may read it".into(),
            Self::Unwritable { .. } => "name a file in a folder that is there and can be written".into(),
            Self::Memory { needed, .. } => {
                format!(
                    "allow at least --max-memory {}MB, or choose a smaller model with --model",
                    needed.div_ceil(MEGABYTE)
                )
            }
            Self::MemoryUnknown => "leave --max-memory out; --threads 1 takes the least".into(),
            Self::Output(_) => "check where stdout leads".into(),
        }
    }

    /// What happened, with each cause that is not part of it already.
    pub(super) fn message(&self) -> String {
        let mut text = self.to_string();
        let causes = std::iter::successors(self.source(), |cause| (**cause).source());
        for cause in causes.map(ToString::to_string) {
            if !text.contains(&cause) {
                text.extend([": ", &cause]);
            }
        }
        text
    }

    /// Prints the error. A reader that stopped reading (`docent ask ... | head -1`) is none.
    pub(super) fn report(&self) -> ExitStatus {
        if matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitStatus::Success;
        }
        let mut stderr = std::io::stderr().lock();
        // Where stderr is gone as well there is nobody left to tell.
        let _ = writeln!(stderr, "error: {}\n\nhint: {}", printable(&self.message()), self.hint());
        ExitStatus::Error
    }
}
