//! What the arguments mean: folders resolved, numbers checked. The commands see only this.

use std::path::PathBuf;

use super::args::GlobalArguments;
use super::progress::Reporter;
use crate::embedding::store::ModelStore;
use crate::remote::Cache;

/// The settings of one run.
pub(super) struct Settings {
    /// Folder of the index.
    pub(super) index: PathBuf,
    /// Whether that folder was asked for, by option or variable.
    pub(super) index_is_named: bool,
    /// Whether it was asked for in this run.
    pub(super) index_is_typed: bool,
    /// Where models are.
    pub(super) models: ModelStore,
    /// The model that was asked for by name.
    pub(super) model: Option<String>,
    /// A folder with the model's files in it.
    pub(super) model_dir: Option<PathBuf>,
    /// Where fetched sources are kept.
    pub(super) cache: Cache,
    /// Threads for the work.
    pub(super) threads: usize,
    /// Who tells the user about it.
    pub(super) progress: Reporter,
}

impl Settings {
    pub(super) fn new(arguments: GlobalArguments) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let index_is_typed = arguments.index.is_some();
        let index = arguments.index.or_else(|| variable("DOCENT_INDEX"));
        let models = arguments.models.or_else(|| variable("DOCENT_MODELS"));
        Self {
            index_is_named: index.is_some(),
            index_is_typed,
            index: index.unwrap_or_else(|| PathBuf::from("index")),
            models: ModelStore::new(models.unwrap_or_else(default_models_folder)),
            cache: Cache { folder: cache_folder() },
            model: arguments.model,
            model_dir: arguments.model_dir,
            threads: arguments.threads.map_or(cores, usize::from),
            progress: Reporter::new(arguments.quiet),
        }
    }
}

/// An environment variable that names a path. Set to nothing is the same as not set.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `DOCENT_CACHE`, else the user's folder for what can be fetched again, else the working folder.
fn cache_folder() -> PathBuf {
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let default =
        || cache.map_or_else(|| PathBuf::from(".docent-cache"), |cache| cache.join("docent/sources"));
    variable("DOCENT_CACHE").unwrap_or_else(default)
}

/// The checkout that docent runs in, else the user's data folder, else the working folder: a
/// service may run without HOME, and needs none where its model is built in or named.
fn default_models_folder() -> PathBuf {
    let here = PathBuf::from("models");
    if here.join("catalog.toml").is_file() {
        return here;
    }
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    data.map_or(here, |folder| folder.join("docent/models"))
}
