//! What is near a document: beside it, below it and above it.

use crate::mcp::failure::ToolError;
use crate::mcp::folder::{Entry, children, named, parent};
use crate::retrieval::Reader;

const MOST_NAMED: usize = 6;

/// One line that names them, for whoever reads on from the document at `path`.
pub(super) fn near(reader: &Reader, path: &str) -> Result<String, ToolError> {
    let folder = parent(path);
    let beside: Vec<Entry> =
        children(reader, folder)?.into_iter().filter(|entry| entry.path() != path).collect();
    let mut parts = Vec::new();
    if !beside.is_empty() {
        parts.push(format!("beside it in {}: {}", shown(folder), named(&around(beside, path), MOST_NAMED)));
    }
    // `sso.md` stands over the folder `sso/`.
    let own = path.rsplit_once('.').map_or(path, |(own, _)| own);
    let below = if own == path { Vec::new() } else { children(reader, own)? };
    if !below.is_empty() {
        parts.push(format!("below it in {}: {}", shown(own), named(&below, MOST_NAMED)));
    }
    if !folder.is_empty() {
        let upper = parent(folder);
        let above = children(reader, upper)?;
        let above: Vec<Entry> =
            above.into_iter().filter(|entry| entry.path() != format!("{folder}/")).collect();
        let others = if above.is_empty() { "nothing else".into() } else { named(&above, MOST_NAMED) };
        parts.push(format!("above it in {}: {others}", shown(upper)));
    }
    Ok(parts.join(" · "))
}

fn shown(folder: &str) -> String {
    if folder.is_empty() { "the top".to_owned() } else { format!("{folder}/") }
}

/// The neighbours first that stand closest to `path`, in the order of the paths.
fn around(mut entries: Vec<Entry>, path: &str) -> Vec<Entry> {
    if entries.len() > MOST_NAMED {
        let place = entries.iter().filter(|entry| entry.path().as_str() < path).count();
        let start = place.saturating_sub(MOST_NAMED / 2).min(entries.len() - MOST_NAMED);
        entries.rotate_left(start);
    }
    entries
}
