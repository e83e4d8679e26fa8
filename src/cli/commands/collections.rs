//! Which collections an index has, and which sources are theirs.

use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::index::{Manifest, read_manifest};
use crate::retrieval::Scope;
use crate::source::{CollectionName, SourceSpec};

/// `sources` as all of a collection (of the one without a name, where `collection` is `None`), and
/// beside them the other collections that the index has.
pub(super) fn beside_the_others(
    settings: &Settings,
    sources: Vec<SourceSpec>,
    collection: Option<&CollectionName>,
) -> Vec<SourceSpec> {
    // An index that cannot be read is replaced, and what it held is not known.
    let before = read_manifest(&settings.index).map(|manifest| manifest.declared()).unwrap_or_default();
    let others = before.into_iter().filter(|source| source.collection.as_ref() != collection);
    let own = sources.into_iter().map(|source| SourceSpec { collection: collection.cloned(), ..source });
    let mut all: Vec<SourceSpec> = others.chain(own).collect();
    all.sort_by(|first, second| first.collection.cmp(&second.collection));
    all
}

/// All sources of the index but those of a collection. The last one stays: an index of nothing is none.
pub(super) fn without(settings: &Settings, name: &CollectionName) -> Result<Vec<SourceSpec>, Failure> {
    let manifest = read_manifest(&settings.index)?;
    ensure(settings, &manifest, name)?;
    let mut kept = manifest.declared();
    kept.retain(|source| source.collection.as_ref() != Some(name));
    if kept.is_empty() {
        return Err(Failure::LastCollection { folder: settings.index.clone(), name: name.to_string() });
    }
    Ok(kept)
}

/// Refuses to ask a collection that the index does not have.
pub(super) fn ensure_asked(settings: &Settings, manifest: &Manifest, scope: &Scope) -> Result<(), Failure> {
    scope.collection.as_ref().map_or(Ok(()), |name| ensure(settings, manifest, name))
}

/// Refuses a collection that the index does not have.
pub(super) fn ensure(settings: &Settings, manifest: &Manifest, name: &CollectionName) -> Result<(), Failure> {
    let known = &manifest.collections;
    if known.contains_key(name) {
        return Ok(());
    }
    Err(Failure::NoCollection {
        folder: settings.index.clone(),
        name: name.to_string(),
        known: known.keys().map(|known| format!("`{known}`")).collect(),
    })
}
