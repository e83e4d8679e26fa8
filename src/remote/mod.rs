//! Sources that are elsewhere: git repositories, packages and feeds. Each is brought into a folder of
//! the cache, which is then walked as any other.
//!
//! What cannot be reached is taken as it was fetched last, with a note; only what was never fetched
//! is an error.

mod archive;
mod command;
mod failure;
mod feed;
mod feed_xml;
mod git;
mod package;

use std::fs;
use std::path::{Path, PathBuf};

pub use failure::FetchError;
pub use feed::{FeedEntry, read_feed};

use crate::progress::Progress;
use crate::source::{Origin, SourceSpec};

/// Where fetched sources are kept.
#[derive(Debug, Clone)]
pub struct Cache {
    /// The folder; made when something is put into it.
    pub folder: PathBuf,
}

impl Cache {
    /// The folder of one source: a name that people recognise, and a hash that tells it from others.
    fn place(&self, group: &str, name: &str, identity: &str) -> PathBuf {
        let safe: String = name
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' })
            .collect();
        let safe = safe.trim_matches(['-', '.']);
        let hash = blake3::hash(identity.as_bytes()).to_hex();
        self.folder.join(group).join(&hash[..12]).join(if safe.is_empty() { "source" } else { safe })
    }
}

/// Brings a source up to date and returns the folder or file to walk.
///
/// # Errors
/// Where it cannot be fetched and was not fetched before.
pub fn fetch(spec: &SourceSpec, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, FetchError> {
    let (place, result) = match &spec.origin {
        Origin::Directory { path } => return Ok(path.clone()),
        Origin::Git { url, branch, folder } => {
            let branch = branch.as_deref();
            let place = cache.place("git", last_part(url), &format!("{url}\n{}", branch.unwrap_or_default()));
            let result = alone(&place, || git::update(url, branch, &place));
            (git::below(place, folder.as_deref(), url)?, result)
        }
        Origin::Package { registry, package, version } => {
            let place = cache.place(registry.as_str(), last_part(package), &spec.to_string());
            let known = version.is_some() && place.is_dir();
            let update = || package::update(*registry, package, version.as_deref(), &place);
            let result = if known { Ok(()) } else { alone(&place, update) };
            (place, result)
        }
        Origin::Feed { url } => {
            let name = spec.name.as_deref().unwrap_or_else(|| feed::name_of(url));
            // Under another name it is another changelog, which is told apart from what the server sent last.
            let place = cache.place("feed", name, &format!("{url}\n{name}"));
            let result = alone(&place, || feed::update(url, name, &place));
            (place, result)
        }
    };
    match result {
        Err(error) if place.exists() => {
            progress.warn(&format!("{error}; using what was fetched before"));
            Ok(place)
        }
        Err(error) => Err(error),
        Ok(()) if place.exists() => Ok(place),
        Ok(()) => Err(FetchError::NoFolder { source_name: spec.to_string(), folder: place }),
    }
}

/// `source`, with the path of a repository or feed on this machine as good from anywhere.
#[must_use]
pub fn absolute(mut source: SourceSpec) -> SourceSpec {
    if let Origin::Git { url, .. } | Origin::Feed { url } = &mut source.origin
        && let Ok(path) = Path::new(url.as_str()).canonicalize()
    {
        *url = path.to_string_lossy().into_owned();
    }
    source
}

/// `c` of `a/b/c`, `a/b/c/` and `a/b/c.git`.
fn last_part(name: &str) -> &str {
    let name = name.trim_end_matches('/');
    let last = name.rsplit(['/', ':', '\\']).next().unwrap_or(name);
    last.strip_suffix(".git").unwrap_or(last)
}

/// Does `work` on `place` while no other docent does: two would meet each other's half-made files and locks.
fn alone<T>(place: &Path, work: impl FnOnce() -> Result<T, FetchError>) -> Result<T, FetchError> {
    let lock = place.with_file_name("lock");
    let unwritable = |source| FetchError::Write { path: lock.clone(), source };
    fs::create_dir_all(place.parent().unwrap_or(place)).map_err(unwritable)?;
    let file = fs::File::create(&lock).map_err(unwritable)?;
    // Where a file system knows no locks, it goes without.
    let _ = file.lock();
    work()
}

/// Puts `made` in the place of `place`, which is there until then, and comes back where that fails.
fn replace_folder(made: &Path, place: &Path) -> Result<(), FetchError> {
    let unwritable = |source| FetchError::Write { path: place.to_owned(), source };
    if !place.exists() {
        return fs::rename(made, place).map_err(unwritable);
    }
    let aside = workshop(place)?;
    let old = aside.path().join("old");
    fs::rename(place, &old).map_err(unwritable)?;
    fs::rename(made, place).map_err(|source| {
        // What failed is told; there is nothing to do about a second failure.
        let _ = fs::rename(&old, place);
        unwritable(source)
    })
}

/// A new folder beside `place`, in which to make what will take it.
fn workshop(place: &Path) -> Result<tempfile::TempDir, FetchError> {
    let parent = place.parent().unwrap_or(place);
    let unwritable = |source| FetchError::Write { path: parent.to_owned(), source };
    fs::create_dir_all(parent).map_err(unwritable)?;
    tempfile::Builder::new().prefix(".tmp-").tempdir_in(parent).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_named() {
        let cache = Cache { folder: "c".into() };
        let one = cache.place("git", last_part("https://example.com/team/handbook.git"), "a");
        assert!(one.ends_with("handbook") && one.starts_with("c/git"), "{one:?}");
        assert_ne!(one, cache.place("git", "handbook", "b"));
        assert!(cache.place("git", "..", "x").ends_with("source"));
        assert_eq!(last_part("git@host:team/a.git"), "a");
    }
}
