//! Which folders a walk goes into.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder};

use super::Limits;

/// Links to folders that are not below the root: not walked, since that might be all of the machine.
pub(super) type Outward = Arc<Mutex<Vec<PathBuf>>>;

pub(super) fn builder(
    root: &Path,
    limits: &Limits,
    without: Option<&Path>,
    (base, outward): (&Path, &Outward),
) -> WalkBuilder {
    let (without, base, outward) = (without.map(Path::to_owned), base.to_owned(), Arc::clone(outward));
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(true)
        // One deeper than is read, so that what lies too deep is seen and counted.
        .max_depth(Some(limits.max_depth.saturating_add(1)))
        .add_custom_ignore_filename(".docentignore")
        .filter_entry(move |entry| {
            if is_unwanted_folder(entry) || Some(entry.path()) == without.as_deref() {
                return false;
            }
            let Some(target) = target_of_link(entry) else { return true };
            if Some(&*target) == without.as_deref() {
                return false;
            }
            let is_inside = target.starts_with(&base);
            if !is_inside {
                outward.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().to_owned());
            }
            is_inside
        });
    builder
}

/// Where a link below the root leads, if that is a folder.
fn target_of_link(entry: &DirEntry) -> Option<PathBuf> {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    if entry.depth() > 0 && is_folder && entry.path_is_symlink() {
        entry.path().canonicalize().ok()
    } else {
        None
    }
}

/// Folders that never hold a project's own documents. The root itself may have such a name.
fn is_unwanted_folder(entry: &DirEntry) -> bool {
    entry.depth() > 0
        && entry.file_type().is_some_and(|kind| kind.is_dir())
        && entry.file_name().to_str().is_some_and(is_unwanted_name)
}

/// Whether folders of this name are never read.
pub(super) fn is_unwanted_name(name: &str) -> bool {
    const UNWANTED: [&str; 8] =
        [".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv", "target"];
    UNWANTED.contains(&name)
}
