//! Walks folders into an inventory of readable files and named skips.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::UNIX_EPOCH;

use ignore::DirEntry;

use super::containment::Containment;
use super::corpus::{Record, is_corpus, read_corpus};
use super::walker::{Outward, builder};
use super::{Limits, Skip, SkipReason, SourcePath};

/// A file that can be read, as the walk saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name under the root.
    pub path: SourcePath,
    /// Where it is on this machine.
    pub location: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the Unix epoch (0 where the system does not say).
    pub modified_ns: u64,
    /// Its content, where it came with the inventory: a record of a corpus has no file of its own.
    pub record: Option<Arc<Record>>,
}

/// What a walk found, each list sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The files to read.
    pub files: Vec<SourceFile>,
    /// The ones left out.
    pub skipped: Vec<Skip>,
}

/// A source that cannot be walked at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path given by the user is not there.
    #[error("`{}` does not exist", path.display())]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// It is there, but cannot be listed or read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Two roots hold a document of the same name.
    #[error("`{path}` is both in `{}` and in `{}`", first.display(), second.display())]
    SamePath {
        /// The name under its root.
        path: SourcePath,
        /// Where it was seen first.
        first: PathBuf,
        /// Where it was seen again.
        second: PathBuf,
    },
    /// A line of a corpus that is not a record.
    #[error("`{}`, line {line}: {reason}", path.display())]
    Record {
        /// The corpus.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What does not fit.
        reason: String,
    },
    /// A pattern of what to take in that is no glob.
    #[error(transparent)]
    Glob(#[from] super::InvalidGlob),
    /// More files than the limit allows.
    #[error("more than {limit} files under `{}`", path.display())]
    TooManyFiles {
        /// The root.
        path: PathBuf,
        /// The limit in force.
        limit: usize,
    },
    /// Nothing that can be indexed.
    #[error("no documents under `{}`{}", path.display(), left_out(skipped))]
    Empty {
        /// The root, or the first of several.
        path: PathBuf,
        /// What was there but left out.
        skipped: Vec<Skip>,
    },
}

impl SourceError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound { .. } => {
                "check the spelling, or give a folder of documents: `docent index docs/`".into()
            }
            Self::Unreadable { .. } => "check the permissions of the folder and those above it".into(),
            Self::SamePath { .. } => {
                "index their common parent folder, so that each document has its own path".into()
            }
            Self::Record { .. } => {
                "a corpus has one JSON object a line: {\"_id\": ..., \"title\": ..., \"text\": ...}".into()
            }
            Self::Glob(_) => "write it like `docs/**/*.md`".into(),
            Self::TooManyFiles { .. } => {
                "index a folder further down, or leave some out with a `.docentignore` file".into()
            }
            Self::Empty { .. } => {
                "docent reads Markdown, MDX, HTML, reStructuredText, text, notebooks, Word, PDF, JSON and code".into()
            }
        }
    }
}

fn left_out(skipped: &[Skip]) -> String {
    const NAMED: usize = 10;
    if skipped.is_empty() {
        return String::new();
    }
    let named = skipped.iter().take(NAMED).map(|skip| format!("\n  {}: {}", skip.path, skip.reason));
    let more = skipped.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!("\n  and {more} more") };
    format!("; left out:{}{more}", named.collect::<String>())
}

/// Walks `root`, a folder or one file, into an inventory. Paths are relative to a folder root; a
/// single file is named by its file name; a single `.jsonl` file is a corpus, and each of its
/// records a document named by its id.
///
/// Ignore files (`.gitignore`, `.ignore`, `.docentignore`) are honoured below the root but not
/// above it: what was named is what is indexed. Hidden files and folders are taken in (the
/// documentation of many packages is in one), version control and dependency folders are not.
///
/// `without` is a folder, in its canonical form, that is not part of the source wherever it lies.
///
/// # Errors
/// A root that does not exist or cannot be listed, and more files than `limits` allow.
pub fn walk(
    root: &Path,
    limits: &Limits,
    without: Option<&Path>,
    accepts: &dyn Fn(&SourcePath) -> bool,
) -> Result<Inventory, SourceError> {
    let metadata = std::fs::metadata(root).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => SourceError::NotFound { path: root.to_owned() },
        _ => SourceError::Unreadable { path: root.to_owned(), source },
    })?;
    if metadata.is_file() && is_corpus(root) {
        return read_corpus(root, limits);
    }
    let canonical =
        root.canonicalize().map_err(|source| SourceError::Unreadable { path: root.to_owned(), source })?;
    let base = if metadata.is_dir() { canonical.clone() } else { parent_of(&canonical) };
    if metadata.is_dir() {
        std::fs::read_dir(root)
            .map_err(|source| SourceError::Unreadable { path: root.to_owned(), source })?;
    }
    let mut inventory = Inventory::default();
    let mut containment = Containment::within(&base);
    let outward = Outward::default();
    for entry in builder(&canonical, limits, without, (&base, &outward)).build() {
        visit(entry, &mut containment, limits, accepts, &mut inventory);
        if inventory.files.len() > limits.max_files {
            return Err(SourceError::TooManyFiles { path: root.to_owned(), limit: limits.max_files });
        }
    }
    let outward = std::mem::take(&mut *outward.lock().unwrap_or_else(PoisonError::into_inner));
    inventory.skipped.extend(outward.into_iter().map(|link| Skip {
        path: link.strip_prefix(&base).unwrap_or(&link).display().to_string(),
        reason: SkipReason::leads_out(),
    }));
    inventory.files.sort_by(|a, b| a.path.cmp(&b.path));
    inventory.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(inventory)
}

fn parent_of(file: &Path) -> PathBuf {
    file.parent().map_or_else(|| file.to_owned(), Path::to_owned)
}

fn visit(
    entry: Result<DirEntry, ignore::Error>,
    containment: &mut Containment<'_>,
    limits: &Limits,
    accepts: &dyn Fn(&SourcePath) -> bool,
    inventory: &mut Inventory,
) {
    let base = containment.base;
    let entry = match entry {
        Ok(entry) if entry.depth() > limits.max_depth => {
            let path = entry.path().strip_prefix(base).unwrap_or(entry.path()).display().to_string();
            let reason = SkipReason::TooDeep { limit: limits.max_depth };
            return inventory.skipped.push(Skip { path, reason });
        }
        Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => return,
        Ok(entry) => entry,
        Err(error) => return inventory.skipped.push(walk_failure(&error, base)),
    };
    let Ok(path) = SourcePath::relative_to(base, entry.path()) else { return };
    match inspect(&entry, &path, containment, limits, accepts) {
        Ok(file) => inventory.files.push(file),
        Err(reason) => inventory.skipped.push(Skip { path: path.into(), reason }),
    }
}

fn inspect(
    entry: &DirEntry,
    path: &SourcePath,
    containment: &mut Containment<'_>,
    limits: &Limits,
    accepts: &dyn Fn(&SourcePath) -> bool,
) -> Result<SourceFile, SkipReason> {
    if is_secret(path) {
        return Err(SkipReason::Secret);
    }
    if !accepts(path) {
        return Err(SkipReason::Unsupported { extension: path.extension() });
    }
    containment.ensure(entry)?;
    let unreadable = |message: String| SkipReason::Unreadable { message };
    let metadata = std::fs::metadata(entry.path()).map_err(|error| unreadable(error.to_string()))?;
    if !metadata.is_file() {
        return Err(unreadable("not a regular file".into()));
    }
    if metadata.len() > limits.max_file_bytes {
        return Err(SkipReason::TooLarge { bytes: metadata.len(), limit: limits.max_file_bytes });
    }
    Ok(SourceFile {
        path: path.clone(),
        location: entry.path().to_owned(),
        size: metadata.len(),
        modified_ns: modified_ns(&metadata),
        record: None,
    })
}

/// When a file was modified, in nanoseconds since the Unix epoch; 0 where that is not known.
#[must_use]
pub fn modified_ns(metadata: &std::fs::Metadata) -> u64 {
    let age = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    age.map_or(0, |age| age.as_nanos() as u64)
}

fn walk_failure(error: &ignore::Error, base: &Path) -> Skip {
    let path = failing_path(error).unwrap_or(base);
    let shown = path.strip_prefix(base).unwrap_or(path).display().to_string();
    let message = error.io_error().map_or_else(|| error.to_string(), system_message);
    let reason = match innermost(error) {
        ignore::Error::Loop { .. } => {
            SkipReason::Symlink { message: "leads back to a folder above it".into() }
        }
        _ if is_dangling(path) => SkipReason::Symlink { message: "leads nowhere".into() },
        _ if path.is_symlink() => SkipReason::Symlink { message: format!("cannot be followed: {message}") },
        _ => SkipReason::Unreadable { message },
    };
    Skip { path: shown, reason }
}

fn is_dangling(path: &Path) -> bool {
    path.is_symlink() && path.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// What the operating system said, without the path that walkers put before it: the skip has it.
fn system_message(error: &std::io::Error) -> String {
    let first = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    let innermost = std::iter::successors(first, |cause| cause.source()).last();
    innermost.map_or_else(|| error.to_string(), ToString::to_string)
}

fn innermost(error: &ignore::Error) -> &ignore::Error {
    match error {
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => innermost(err),
        other => other,
    }
}

fn failing_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => failing_path(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

fn is_secret(path: &SourcePath) -> bool {
    const NAMES: [&str; 8] =
        ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".npmrc", ".pypirc", ".htpasswd"];
    const EXTENSIONS: [&str; 7] = ["pem", "key", "p12", "pfx", "jks", "keystore", "kdbx"];
    let name = path.file_name();
    name == ".env"
        || name.starts_with(".env.")
        || NAMES.contains(&name)
        || EXTENSIONS.contains(&path.extension().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_folder_of_the_index_is_no_source() {
        let root = tree(&[("a.md", "x"), ("index/manifest.json", "{}"), ("b/index/c.md", "x")]);
        let index = root.path().join("index").canonicalize().unwrap();
        let inventory = walk(root.path(), &Limits::default(), Some(&index), &|_| true).unwrap();
        assert_eq!(paths(&inventory), ["a.md", "b/index/c.md"]);
    }

    fn paths(inventory: &Inventory) -> Vec<&str> {
        inventory.files.iter().map(|file| file.path.as_str()).collect()
    }

    fn reason<'a>(inventory: &'a Inventory, path: &str) -> &'a SkipReason {
        &inventory.skipped.iter().find(|skip| skip.path == path).unwrap().reason
    }

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn takes_hidden_folders_and_leaves_dependencies_and_ignored_files() {
        let root = tree(&[
            (".docs/a.md", "a"),
            ("node_modules/x/readme.md", "x"),
            ("drafts/b.md", "b"),
            (".gitignore", "drafts/\n"),
            ("c.md", "c"),
        ]);
        let inventory =
            walk(root.path(), &Limits::default(), None, &|path| path.extension() == "md").unwrap();
        assert_eq!(paths(&inventory), [".docs/a.md", "c.md"]);
    }

    #[test]
    fn secrets_and_large_files_are_named_with_their_reason() {
        let root = tree(&[(".env", "TOKEN=1"), ("big.md", "0123456789"), ("tls.pem", "-"), ("ok.md", "ok")]);
        let limits = Limits { max_file_bytes: 5, ..Limits::default() };
        let inventory = walk(root.path(), &limits, None, &|_| true).unwrap();
        assert_eq!(paths(&inventory), ["ok.md"]);
        assert_eq!(reason(&inventory, ".env"), &SkipReason::Secret);
        assert_eq!(reason(&inventory, "tls.pem"), &SkipReason::Secret);
        assert_eq!(reason(&inventory, "big.md"), &SkipReason::TooLarge { bytes: 10, limit: 5 });
    }

    #[test]
    fn what_lies_too_deep_is_named() {
        let root = tree(&[("a/b/c.md", "x"), ("a/b.md", "x")]);
        let limits = Limits { max_depth: 2, ..Limits::default() };
        let inventory = walk(root.path(), &limits, None, &|_| true).unwrap();
        assert_eq!(paths(&inventory), ["a/b.md"]);
        assert_eq!(reason(&inventory, "a/b/c.md"), &SkipReason::TooDeep { limit: 2 });
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_inside_the_root_and_loops_end() {
        use std::os::unix::fs::symlink;
        let outside = tree(&[("secret.md", "s")]);
        let root = tree(&[("a/one.md", "1")]);
        symlink(outside.path().join("secret.md"), root.path().join("leak.md")).unwrap();
        symlink(outside.path(), root.path().join("leaks")).unwrap();
        symlink(root.path(), root.path().join("a/loop")).unwrap();
        symlink("nowhere.md", root.path().join("dangling.md")).unwrap();
        let inventory = walk(root.path(), &Limits::default(), None, &|_| true).unwrap();
        assert_eq!(paths(&inventory), ["a/one.md"]);
        for path in ["leak.md", "leaks", "a/loop", "dangling.md"] {
            assert!(matches!(reason(&inventory, path), SkipReason::Symlink { .. }), "{path}: {inventory:?}");
        }
    }

    #[test]
    fn a_single_file_is_named_by_its_file_name() {
        let root = tree(&[("sub/one.md", "1")]);
        let inventory = walk(&root.path().join("sub/one.md"), &Limits::default(), None, &|_| true).unwrap();
        assert_eq!(paths(&inventory), ["one.md"]);
    }

    #[test]
    fn a_missing_root_and_too_many_files_are_errors() {
        let root = tree(&[("1.md", "1"), ("2.md", "2")]);
        let gone = root.path().join("gone");
        assert!(matches!(
            walk(&gone, &Limits::default(), None, &|_| true),
            Err(SourceError::NotFound { path }) if path == gone
        ));
        let limits = Limits { max_files: 1, ..Limits::default() };
        assert!(matches!(
            walk(root.path(), &limits, None, &|_| true),
            Err(SourceError::TooManyFiles { limit: 1, .. })
        ));
    }
}
