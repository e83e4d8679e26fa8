//! From a model's name to an encoder that runs.

use std::path::Path;
use std::sync::Arc;

use super::failure::Failure;
use super::settings::Settings;
use crate::embedding::calibration;
use crate::embedding::catalog::{Catalog, ModelKind, ModelSpec};
use crate::embedding::store::{ModelFiles, ModelStore};
use crate::embedding::{
    Arithmetic, Embedder, GivenVectors, HashingEmbedder, ModelIdentity, OnnxEmbedder, Spreads, Threads,
};
use crate::index::{Manifest, OpenError};
use crate::progress::Progress as _;

/// What the encoder will be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Many passages: the most texts a second.
    Indexing,
    /// A question now and then: the shortest wait.
    Asking,
    /// Many questions at once: the most of them a second.
    Many,
}

/// The model to index with: the one asked for, else the one that made the index that is there,
/// else the default.
pub(super) fn for_indexing<'a>(
    settings: &Settings,
    existing: Option<&Manifest>,
) -> Result<&'a ModelSpec, Failure> {
    let catalog = Catalog::builtin();
    match (&settings.model, existing) {
        (Some(name), _) => Ok(catalog.find(name)?),
        (None, Some(manifest)) if manifest.model.is_imported() => Err(Failure::WouldReplaceImport {
            model: manifest.model.name.clone(),
            folder: settings.index.clone(),
        }),
        (None, Some(manifest)) => Ok(catalog.find(&manifest.model.name)?),
        (None, None) => Ok(catalog.default_model()),
    }
}

/// The model to ask with: the index's own. Another one that is asked for is refused, naming both.
pub(super) fn for_asking<'a>(settings: &Settings, manifest: &Manifest) -> Result<&'a ModelSpec, Failure> {
    by_identity(settings, &manifest.model)
}

/// The same for the model with this identity.
pub(super) fn by_identity<'a>(
    settings: &Settings,
    made_by: &ModelIdentity,
) -> Result<&'a ModelSpec, Failure> {
    if made_by.is_imported() {
        return Err(Failure::ImportedVectors { model: made_by.name.clone(), folder: settings.index.clone() });
    }
    let spec = Catalog::builtin().find(settings.model.as_ref().unwrap_or(&made_by.name))?;
    // Before the model is loaded: it may not even be installed, and pulling it would not help.
    if spec.name != made_by.name {
        return Err(Failure::Open(OpenError::OtherModel {
            folder: settings.index.clone(),
            index: made_by.to_string(),
            wanted: spec.name.clone(),
        }));
    }
    Ok(spec)
}

/// What turns questions into vectors: the index's own model, or the vectors in a file, one for each of
/// `texts`, where those of the index were imported.
pub(super) fn for_questions<'texts, Texts: ExactSizeIterator<Item = Option<&'texts str>>>(
    settings: &Settings,
    manifest: &Manifest,
    query_vectors: Option<&Path>,
    purpose: Purpose,
    texts: impl FnOnce() -> Texts,
) -> Result<Arc<dyn Embedder>, Failure> {
    let Some(path) = query_vectors else {
        return load(settings, for_asking(settings, manifest)?, purpose);
    };
    // Vectors of two models cannot be compared, and nobody can tell whose these are but for imports.
    let Some(imported) = &manifest.imported else {
        return Err(Failure::NotImported { folder: settings.index.clone() });
    };
    let spreads = Spreads { dense: imported.dense_spread, ..Spreads::default() };
    Ok(Arc::new(GivenVectors::read(path, texts(), manifest.model.clone(), spreads)?))
}

/// Loads a model from its files.
pub(super) fn load(
    settings: &Settings,
    spec: &ModelSpec,
    purpose: Purpose,
) -> Result<Arc<dyn Embedder>, Failure> {
    load_on(settings, spec, purpose, settings.threads)
}

/// The same on so many threads.
pub(super) fn load_on(
    settings: &Settings,
    spec: &ModelSpec,
    purpose: Purpose,
    threads: usize,
) -> Result<Arc<dyn Embedder>, Failure> {
    if spec.kind == ModelKind::Hashing {
        return Ok(Arc::new(HashingEmbedder::on_threads(threads)));
    }
    let files = files(settings, spec)?;
    let runtime = settings.models.runtime()?;
    let threads = match purpose {
        Purpose::Indexing | Purpose::Many => Threads::for_throughput(threads),
        Purpose::Asking => Threads::for_latency(threads),
    };
    // A question cannot wait for it, and an index is always made first.
    if purpose == Purpose::Indexing && settings.model_dir.is_none() && !calibration::is_recorded(&files) {
        calibrate(settings, spec, &files, None)?;
    }
    Ok(Arc::new(OnnxEmbedder::load(spec, &files, &runtime, threads)?))
}

/// What [`load`] would give, told from the files alone; `None` where only loading tells.
pub(super) fn identity(settings: &Settings, spec: &ModelSpec) -> Result<Option<ModelIdentity>, Failure> {
    if spec.kind == ModelKind::Hashing {
        return Ok(Some(HashingEmbedder::default().identity().clone()));
    }
    if settings.model_dir.is_some() {
        return Ok(None);
    }
    Ok(Some(OnnxEmbedder::identity_of(spec, &files(settings, spec)?)))
}

/// Finds out how a model runs best on this machine, and tells what was found.
pub(super) fn calibrate(
    settings: &Settings,
    spec: &ModelSpec,
    files: &ModelFiles,
    wanted: Option<Arithmetic>,
) -> Result<(), Failure> {
    let runtime = settings.models.runtime()?;
    let calibration = calibration::calibrate(spec, files, &runtime, wanted)?;
    settings.progress.note(&format!("{}: {calibration}", spec.name));
    Ok(())
}

fn files(settings: &Settings, spec: &ModelSpec) -> Result<ModelFiles, Failure> {
    match &settings.model_dir {
        Some(folder) => Ok(ModelStore::from_dir(folder, spec)?),
        None => Ok(settings.models.files(spec)?),
    }
}
