//! What there is to index, and whether an index holds it already.

use std::path::{Path, PathBuf};

use super::builder::{BuildReport, Outcome, Root};
use super::cache;
use super::chunks::DocumentRecord;
use super::commit::{ensure_index_folder, remove_leftovers};
use super::failure::BuildError;
use super::manifest::{FORMAT_VERSION, Manifest, SkipSummary};
use super::{GraphSettings, Index, WriterLock};
use crate::chunking::ChunkSettings;
use crate::embedding::ModelIdentity;
use crate::extract::{converted_text, read_document};
use crate::parse::Format;
use crate::source::{
    Globs, Limits, Origin, Skip, SkipReason, SourceError, SourceFile, SourcePath, SourceSpec, walk,
};

/// A file to read, with the number of its root.
pub(super) type NumberedFile = (u32, SourceFile);

/// A file whose last change is more recent than this when it is found may change again within the
/// same tick of its file system's clock (two seconds on FAT).
const TOO_RECENT_NS: u64 = 2_000_000_000;

/// Looks at sources and at the index in one folder, without an encoder.
pub struct Survey<'work> {
    /// Where the index is or will be.
    pub folder: &'work Path,
    /// What is to be indexed.
    pub roots: &'work [Root],
    /// What to leave out.
    pub limits: &'work Limits,
    /// Whether a file of the same size and time is taken for unchanged without reading it.
    pub trust_times: bool,
    /// Whether an index that does not know what its answers mean is out of date.
    pub calibrates: bool,
    /// When there has to be a graph.
    pub graph: GraphSettings,
}

impl Survey<'_> {
    /// A report where the index holds exactly these sources, by this model in these sizes; `None` where
    /// there is something to do. Leftovers of interrupted builds are removed.
    ///
    /// # Errors
    /// Where the sources cannot be listed, the folder is no index, or somebody else is writing to it.
    pub fn unchanged(
        &self,
        model: &ModelIdentity,
        chunking: &ChunkSettings,
    ) -> Result<Option<BuildReport>, BuildError> {
        let (files, skipped) = self.inventory()?;
        ensure_index_folder(self.folder)?;
        if !self.folder.is_dir() {
            return Ok(None);
        }
        let _lock = WriterLock::acquire(self.folder)?;
        Ok(self.unchanged_of(&files, &skipped, model, chunking))
    }

    /// The same for what was found already, with the lock held.
    pub(super) fn unchanged_of(
        &self,
        files: &[NumberedFile],
        skipped: &[Skip],
        model: &ModelIdentity,
        chunking: &ChunkSettings,
    ) -> Option<BuildReport> {
        let index = Index::open(self.folder).ok()?;
        let manifest = index.manifest();
        let is_by_these = manifest.format == FORMAT_VERSION
            && manifest.model == *model
            && manifest.chunking == *chunking
            && manifest.roots == self.absolute_roots()
            && manifest.sources == self.sources()
            && (manifest.calibration.is_some() || !self.calibrates)
            && self.graph.fits(manifest);
        if !is_by_these {
            return None;
        }
        let skipped = self.compare(&index, files, skipped)?;
        if !manifest.skipped.names_the_same(&SkipSummary::of(&skipped)) {
            return None;
        }
        // A build that was killed after its last step left the generation before it.
        let _ = remove_leftovers(self.folder);
        Some(BuildReport { outcome: Outcome::Unchanged, manifest: manifest.clone(), skipped })
    }

    /// All that is left out, where the index holds all that is not; `None` at the first difference. Both
    /// are in the order of their paths.
    fn compare(&self, index: &Index, files: &[NumberedFile], skipped: &[Skip]) -> Option<Vec<Skip>> {
        let mut skipped = skipped.to_vec();
        let mut number = 0;
        for (root, file) in files {
            let document =
                if number < index.document_count() { Some(index.document(number).ok()?) } else { None };
            match document.filter(|document| document.path == file.path) {
                Some(document)
                    if document.root == *root && self.is_same(index.manifest(), &document, file) =>
                {
                    number += 1;
                }
                Some(_) => return None,
                None => {
                    skipped.push(Skip { path: file.path.to_string(), reason: self.reason_to_skip(file)? });
                }
            }
        }
        skipped.sort_by(|first, second| first.path.cmp(&second.path));
        (number == index.document_count()).then_some(skipped)
    }

    pub(super) fn is_same(&self, manifest: &Manifest, document: &DocumentRecord, file: &SourceFile) -> bool {
        if let Some(record) = &file.record {
            return record.hash() == document.hash;
        }
        let is_told = self.trust_times && time_tells(manifest, document);
        document.size == file.size
            && (is_told && document.modified_ns == file.modified_ns
                || read_document(&file.path, &file.location, self.limits.max_file_bytes)
                    .is_ok_and(|read| read.hash == document.hash))
    }

    /// Why a file that is no document of the index is none; `None` where it should be one.
    fn reason_to_skip(&self, file: &SourceFile) -> Option<SkipReason> {
        match &file.record {
            Some(record) => converted_text(&file.path, record.text.clone()).err(),
            None => read_document(&file.path, &file.location, self.limits.max_file_bytes).err(),
        }
    }

    /// What stands before the paths of a root: its collection, and where that has several roots, its
    /// name.
    fn prefix(&self, root: &Root) -> Option<String> {
        let collection = &root.source.collection;
        let in_the_same = self.roots.iter().filter(|other| other.source.collection == *collection);
        let own = if in_the_same.count() > 1 { root.prefix() } else { None };
        let parts: Vec<String> = collection.iter().map(ToString::to_string).chain(own).collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    }

    /// The files of all roots, by their paths in the index.
    pub(super) fn inventory(&self) -> Result<(Vec<NumberedFile>, Vec<Skip>), BuildError> {
        let mut files: Vec<NumberedFile> = Vec::new();
        let mut skipped = Vec::new();
        // `docent index .` writes below what it reads.
        let own = self.folder.canonicalize().ok();
        for (number, root) in self.roots.iter().enumerate() {
            let found = walk(&root.path, self.limits, own.as_deref(), &|path| Format::of(path).is_some())?;
            let globs = Globs::new(&root.source.include, &root.source.exclude).map_err(SourceError::from)?;
            let prefix = self.prefix(root);
            let prefixed = |path: &str| match &prefix {
                Some(prefix) => format!("{prefix}/{path}"),
                None => path.to_owned(),
            };
            for mut file in found.files.into_iter().filter(|file| globs.admit(file.path.as_str())) {
                if let Ok(path) = SourcePath::try_from(prefixed(file.path.as_str())) {
                    file.path = path;
                }
                files.push((number as u32, file));
            }
            // A folder that was not read may hold what is to be taken in, whatever its own name.
            let is_wanted = |skip: &Skip| {
                skip.may_be_a_folder() && !globs.excludes(&skip.path) || globs.admit(&skip.path)
            };
            let found = found.skipped.into_iter().filter(is_wanted);
            skipped.extend(found.map(|skip| Skip { path: prefixed(&skip.path), ..skip }));
        }
        files.sort_by(|(_, first), (_, second)| first.path.cmp(&second.path));
        self.refuse_same_paths(&files)?;
        Ok((files, skipped))
    }

    fn refuse_same_paths(&self, files: &[NumberedFile]) -> Result<(), BuildError> {
        let Some(pair) = files.windows(2).find(|pair| pair[0].1.path == pair[1].1.path) else {
            return Ok(());
        };
        let root = |number: u32| self.roots[number as usize].path.clone();
        let path = pair[0].1.path.clone();
        Err(SourceError::SamePath { path, first: root(pair[0].0), second: root(pair[1].0) }.into())
    }

    /// The declarations, with the paths of folders as good from anywhere as the roots are.
    pub(super) fn sources(&self) -> Vec<SourceSpec> {
        let declared =
            self.roots.iter().zip(self.absolute_roots()).map(|(root, path)| match root.source.origin {
                Origin::Directory { .. } => {
                    SourceSpec { origin: Origin::Directory { path }, ..root.source.clone() }
                }
                _ => root.source.clone(),
            });
        declared.collect()
    }

    pub(super) fn absolute_roots(&self) -> Vec<PathBuf> {
        let absolute = |root: &Root| root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
        self.roots.iter().map(absolute).collect()
    }
}

/// Removes from the index in `folder` what no answer needs: leftovers of interrupted builds, and
/// embeddings that are kept for later.
///
/// # Errors
/// Where somebody else is writing to it, or something cannot be removed.
pub fn prune(folder: &Path) -> Result<(), BuildError> {
    let _lock = WriterLock::acquire(folder)?;
    cache::clear(folder);
    remove_leftovers(folder)
}

/// Whether a file's size and time tell that it has changed. They do not where it was modified so
/// shortly before it was read that its next change might leave the same time.
#[must_use]
pub fn time_tells(manifest: &Manifest, document: &DocumentRecord) -> bool {
    let settled = document.modified_ns.saturating_add(TOO_RECENT_NS);
    document.modified_ns != 0 && manifest.listed_ns.is_some_and(|listed| settled < listed)
}

pub(super) fn folder_name(path: &Path) -> Option<String> {
    let canonical = path.canonicalize().ok()?;
    if canonical.is_dir() {
        canonical.file_name().map(|name| name.to_string_lossy().into_owned())
    } else {
        None
    }
}
