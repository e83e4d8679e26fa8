//! What a build would do, without doing it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::Index;
use super::chunks::DocumentRecord;
use super::failure::{BuildError, OpenError};
use super::survey::{NumberedFile, Survey};
use crate::chunking::ChunkSettings;
use crate::extract::{converted_text, read_document};
use crate::source::{Skip, SkipReason};

/// What a build would change. Paths are those of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Plan {
    /// Why every document would go through the encoder again, where it would.
    pub all_anew: Option<AllAnew>,
    /// Not in the index.
    pub added: Vec<String>,
    /// In the index with another content.
    pub changed: Vec<String>,
    /// In the index with the same content under another path.
    pub renamed: Vec<Renamed>,
    /// In the index, and not here any more.
    pub removed: Vec<String>,
    /// How many stay as they are.
    pub unchanged: usize,
    /// What would be left out, and why.
    pub skipped: Vec<Skip>,
}

/// A document that has moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its path in the index.
    pub from: String,
    /// Its path now.
    pub to: String,
}

/// Why nothing of an index can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllAnew {
    /// There is none.
    NoIndex,
    /// It cannot be read.
    UnreadableIndex,
    /// Another model made it.
    OtherModel,
    /// Its chunks are of other sizes, or by other rules.
    OtherChunks,
}

impl Plan {
    /// Whether a build would leave the index as it is.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let none = |paths: &[String]| paths.is_empty();
        self.all_anew.is_none()
            && none(&self.added)
            && none(&self.changed)
            && none(&self.removed)
            && self.renamed.is_empty()
    }
}

impl Survey<'_> {
    /// What a build would do. Reads the index and whatever of the sources may have changed; writes
    /// nothing, and takes no lock. `is_same_model` tells of an index's model whether it is the one to
    /// build with, and in which sizes.
    ///
    /// # Errors
    /// Where the sources cannot be listed, or the folder holds something else.
    pub fn plan(&self, is_same_model: impl Fn(&Index) -> Option<ChunkSettings>) -> Result<Plan, BuildError> {
        let (files, skipped) = self.inventory()?;
        super::commit::ensure_index_folder(self.folder)?;
        let index = Index::open(self.folder);
        let all_anew = match &index {
            Err(OpenError::Missing { .. }) => Some(AllAnew::NoIndex),
            Err(_) => Some(AllAnew::UnreadableIndex),
            Ok(index) => match is_same_model(index) {
                None => Some(AllAnew::OtherModel),
                Some(chunking) if chunking != index.manifest().chunking => Some(AllAnew::OtherChunks),
                Some(_) => None,
            },
        };
        let mut plan = Plan { all_anew, skipped, ..Plan::default() };
        self.compare_all(&files, index.ok().as_ref(), &mut plan);
        plan.skipped.sort_by(|first, second| first.path.cmp(&second.path));
        Ok(plan)
    }

    fn compare_all(&self, files: &[NumberedFile], index: Option<&Index>, plan: &mut Plan) {
        // A record that cannot be read is one that is not there.
        let documents: BTreeMap<String, DocumentRecord> = index
            .into_iter()
            .flat_map(|index| (0..index.document_count()).filter_map(|number| index.document(number).ok()))
            .map(|document| (document.path.to_string(), document))
            .collect();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut added: Vec<(String, String)> = Vec::new();
        for (_, file) in files {
            let path = file.path.as_str();
            let before = documents.get_key_value(path);
            let is_same = index
                .zip(before)
                .is_some_and(|(index, (_, document))| self.is_same(index.manifest(), document, file));
            let hash = if is_same { Ok(String::new()) } else { self.hash(file) };
            match (hash, before) {
                (Err(reason), _) => plan.skipped.push(Skip { path: path.to_owned(), reason }),
                (Ok(_), Some((known, _))) => {
                    seen.insert(known);
                    if is_same {
                        plan.unchanged += 1;
                    } else {
                        plan.changed.push(path.to_owned());
                    }
                }
                (Ok(hash), None) => added.push((path.to_owned(), hash)),
            }
        }
        let gone = documents.values().filter(|document| !seen.contains(document.path.as_str()));
        part_renamed(added, gone, plan);
    }

    /// The hash of a document's content, or why it is none.
    fn hash(&self, file: &crate::source::SourceFile) -> Result<String, SkipReason> {
        match &file.record {
            Some(record) => converted_text(&file.path, record.text.clone()).map(|_| record.hash()),
            None => {
                read_document(&file.path, &file.location, self.limits.max_file_bytes).map(|read| read.hash)
            }
        }
    }
}

/// What was added with the content of what is gone has moved.
fn part_renamed<'documents>(
    added: Vec<(String, String)>,
    gone: impl Iterator<Item = &'documents DocumentRecord>,
    plan: &mut Plan,
) {
    let mut by_hash: HashMap<&str, Vec<&DocumentRecord>> = HashMap::new();
    let gone: Vec<&DocumentRecord> = gone.collect();
    for document in gone.iter().rev() {
        by_hash.entry(document.hash.as_str()).or_default().push(document);
    }
    let mut moved: HashSet<&str> = HashSet::new();
    for (to, hash) in added {
        match by_hash.get_mut(hash.as_str()).and_then(Vec::pop) {
            Some(document) => {
                moved.insert(document.path.as_str());
                plan.renamed.push(Renamed { from: document.path.to_string(), to });
            }
            None => plan.added.push(to),
        }
    }
    let removed = gone.iter().filter(|document| !moved.contains(document.path.as_str()));
    plan.removed = removed.map(|document| document.path.to_string()).collect();
}
