//! Whether a document's source is still what was indexed, told by size and time, and by content only
//! where those leave a doubt.

use std::path::{Path, PathBuf};

use crate::index::{DocumentRecord, Manifest, time_tells};
use crate::source::{Limits, is_corpus, modified_ns, read_bytes};

/// The file of a document. Its path comes from the index, never from a client; `None` where it has
/// none of its own, or where it now leads out of its root.
pub(super) fn source_file(manifest: &Manifest, document: &DocumentRecord) -> Option<PathBuf> {
    let root = manifest.roots.get(document.root as usize)?;
    // A file may have become a link since: what leads out of the root is not read.
    let real = place_of(manifest, document)?.canonicalize().ok()?;
    (root.is_file() || real.starts_with(root.canonicalize().ok()?)).then_some(real)
}

/// Where the document was found.
fn place_of(manifest: &Manifest, document: &DocumentRecord) -> Option<PathBuf> {
    let root = manifest.roots.get(document.root as usize)?;
    if root.is_file() {
        // A record of a corpus has no file of its own.
        return (!is_corpus(root)).then(|| root.clone());
    }
    let depth = manifest.depth_of(document.root);
    let below = document.path.as_str().splitn(depth + 1, '/').nth(depth)?;
    let place = root.join(below);
    // The bytes of a name that is no text are written as numbers: what the name was is not known.
    (!below.contains("\\x") || place.exists()).then_some(place)
}

/// Whether the source of `document` has changed, or is gone, since it was indexed. Where its whole
/// root is not there, as with an index that was carried elsewhere, nothing is known and this is
/// `false`.
#[must_use]
pub fn is_stale(manifest: &Manifest, document: &DocumentRecord) -> bool {
    let root = manifest.roots.get(document.root as usize);
    if !root.is_some_and(|root| root.exists()) {
        return false;
    }
    match place_of(manifest, document) {
        Some(place) => has_changed(&place, manifest, document),
        None => false,
    }
}

fn has_changed(place: &Path, manifest: &Manifest, document: &DocumentRecord) -> bool {
    let Ok(metadata) = std::fs::metadata(place) else { return true };
    if metadata.len() != document.size {
        return true;
    }
    if time_tells(manifest, document) && modified_ns(&metadata) == document.modified_ns {
        return false;
    }
    // Touched, or copied: only the content tells.
    let most = document.size.max(Limits::default().max_file_bytes);
    read_bytes(place, most).map_or(true, |(_, hash)| hash != document.hash)
}
