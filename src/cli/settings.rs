//! What the arguments mean: folders resolved, numbers checked. The commands see only this.

use std::path::{Path, PathBuf};

use super::args::GlobalArguments;
use super::failure::Failure;
use super::progress::Reporter;
use crate::embedding::store::ModelStore;

/// The settings of one run.
pub(super) struct Settings {
    /// Folder of the index.
    pub(super) index: PathBuf,
    /// Whether that folder was asked for.
    pub(super) index_is_named: bool,
    /// Where models are.
    pub(super) models: ModelStore,
    /// The model that was asked for by name.
    pub(super) model: Option<String>,
    /// A folder with the model's files in it.
    pub(super) model_dir: Option<PathBuf>,
    /// Threads for the work.
    pub(super) threads: usize,
    /// Who tells the user about it.
    pub(super) progress: Reporter,
}

impl Settings {
    pub(super) fn new(arguments: GlobalArguments) -> Result<Self, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            index_is_named: arguments.index.is_some(),
            index: arguments.index.unwrap_or_else(|| PathBuf::from("index")),
            models: ModelStore::new(models_folder(arguments.models)?),
            model: arguments.model,
            model_dir: arguments.model_dir,
            threads: arguments.threads.map_or(cores, usize::from),
            progress: Reporter::new(arguments.quiet),
        })
    }
}

/// As asked for, else the checkout that docent runs in, else the user's data folder.
fn models_folder(asked: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = asked {
        return Ok(folder);
    }
    if Path::new("models/catalog.toml").is_file() {
        return Ok(PathBuf::from("models"));
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    data.map(|folder| folder.join("docent/models")).ok_or(Failure::NoModelsFolder)
}
