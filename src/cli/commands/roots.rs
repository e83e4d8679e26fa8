//! From what is typed, and what an index holds already, to what is to be indexed.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::index::{BuildError, CollectionName, Manifest, OpenError, Root, read_manifest};
use crate::progress::Progress as _;
use crate::source::SourceError;

/// `paths` as all of a collection, and the other collections that the index has; without paths
/// everything that was indexed before.
pub(super) fn wanted(
    settings: &Settings,
    paths: Vec<PathBuf>,
    collection: Option<&CollectionName>,
) -> Result<Vec<Root>, Failure> {
    if paths.is_empty() {
        return indexed_before(settings);
    }
    ensure_exist(&paths)?;
    let named = without_repeats(paths).into_iter().map(|path| Root { path, collection: collection.cloned() });
    // An index that cannot be read is replaced, and what it held is not known.
    let before = read_manifest(&settings.index).map(|manifest| roots_of(&manifest)).unwrap_or_default();
    let kept = before.into_iter().filter(|root| root.collection.as_ref() != collection);
    let mut roots: Vec<Root> = kept.chain(named).collect();
    roots.sort_by(|first, second| first.collection.cmp(&second.collection));
    Ok(roots)
}

/// What the index that is there was made of.
fn indexed_before(settings: &Settings) -> Result<Vec<Root>, Failure> {
    match read_manifest(&settings.index) {
        Ok(manifest) => Ok(roots_of(&manifest)),
        Err(OpenError::Missing { folder }) => Err(Failure::NothingToIndex { folder }),
        Err(error) => Err(error.into()),
    }
}

fn roots_of(manifest: &Manifest) -> Vec<Root> {
    let root = |(number, path): (usize, &PathBuf)| Root {
        path: path.clone(),
        collection: manifest.collection_of(number).parse().ok(),
    };
    manifest.roots.iter().enumerate().map(root).collect()
}

/// All but those of a collection. The last one stays: an index of nothing is none.
pub(super) fn without_collection(
    settings: &Settings,
    roots: Vec<Root>,
    name: &CollectionName,
) -> Result<Vec<Root>, Failure> {
    ensure_collection(settings, &read_manifest(&settings.index)?, name)?;
    let kept: Vec<Root> = roots.into_iter().filter(|root| root.collection.as_ref() != Some(name)).collect();
    if kept.is_empty() {
        return Err(Failure::LastCollection { folder: settings.index.clone(), name: name.to_string() });
    }
    Ok(kept)
}

/// Refuses a collection that the index does not have.
pub(super) fn ensure_collection(
    settings: &Settings,
    manifest: &Manifest,
    name: &CollectionName,
) -> Result<(), Failure> {
    let known = manifest.named_collections();
    if known.contains(name.as_str()) {
        return Ok(());
    }
    Err(Failure::NoCollection {
        folder: settings.index.clone(),
        name: name.to_string(),
        known: known.into_iter().map(|known| format!("`{known}`")).collect(),
    })
}

/// A misspelt path should not wait for a model to load.
pub(super) fn ensure_exist<'paths>(paths: impl IntoIterator<Item = &'paths PathBuf>) -> Result<(), Failure> {
    match paths.into_iter().find(|path| !path.exists()) {
        Some(path) => Err(BuildError::Source(SourceError::NotFound { path: path.clone() }).into()),
        None => Ok(()),
    }
}

/// One folder named twice is one folder.
fn without_repeats(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths
        .into_iter()
        .filter(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())))
        .collect()
}

/// What is still there of `roots`; what is not is told.
pub(super) fn without_gone(settings: &Settings, roots: Vec<Root>) -> Vec<Root> {
    let (there, gone): (Vec<Root>, Vec<Root>) = roots.iter().cloned().partition(|root| root.path.exists());
    if there.is_empty() {
        return roots;
    }
    for root in gone {
        let path = root.path.display();
        settings.progress.note(&format!("`{path}` is gone, and so are its documents"));
    }
    there
}
