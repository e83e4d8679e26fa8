//! Collections by the names that clients give them.

use rmcp::model::CompletionInfo;

use super::failure::ToolError;
use crate::retrieval::{CollectionName, Manifest, Resident};

/// The collection that is meant by `asked`.
pub(super) fn named(manifest: &Manifest, asked: &str) -> Result<CollectionName, ToolError> {
    let known = || manifest.collections.keys();
    let found = known()
        .find(|name| name.as_str() == asked)
        .or_else(|| known().find(|name| name.as_str().eq_ignore_ascii_case(asked)));
    found.cloned().ok_or_else(|| ToolError::NotFound {
        what: "collection",
        name: asked.chars().take(200).collect(),
        hint: match known().next() {
            None => "this index has none: leave `collection` out".into(),
            Some(_) => format!("there is {}", shown(manifest)),
        },
    })
}

/// All of them, each as `` `name` (documents) ``.
pub(super) fn shown(manifest: &Manifest) -> String {
    let names: Vec<String> =
        manifest.collections.iter().map(|(name, count)| format!("`{name}` ({count})")).collect();
    names.join(", ")
}

/// Those whose names begin with what was typed.
pub(super) fn complete(resident: &Resident, typed: &str) -> Result<CompletionInfo, ToolError> {
    let manifest = resident.manifest()?;
    let typed = typed.to_lowercase();
    let names = manifest.collections.keys().map(CollectionName::as_str);
    let names = names.filter(|name| name.to_lowercase().starts_with(&typed)).map(str::to_owned);
    let names: Vec<String> = names.take(CompletionInfo::MAX_VALUES).collect();
    CompletionInfo::with_all_values(names).map_err(|reason| ToolError::Crashed { reason })
}
