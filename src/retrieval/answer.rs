//! Answers as they are printed and sent: the same fields over the command line and MCP.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::query::Query;
use super::staleness::is_stale;
use crate::chunking::ChunkId;
use crate::index::{Index, OpenError};
use crate::source::{CollectionName, DocumentKind, SourcePath};

/// Version of the JSON form of an [`Answer`].
pub const SCHEMA: u32 = 1;

/// The most duplicates that a hit names: a notice that stands on every page would fill the answer.
pub const MOST_DUPLICATES: usize = 10;

/// The chunks that answer a question best, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// The question.
    pub query: String,
    /// The generation of the index that answered.
    pub generation: u64,
    /// When that generation was built, RFC 3339 in UTC.
    pub indexed_at: String,
    /// How sure the answer is, 0 to 1; absent where the index or the answer is less than whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Whether nothing here seems to answer: the hits are only the nearest passages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_good_match: bool,
    /// Best first; empty only where nothing is indexed, or nothing that the filters let in.
    pub hits: Vec<Hit>,
    /// What is missing from the answer's quality, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<Degraded>,
    /// Whether there are hits after these.
    #[serde(skip)]
    pub has_more: bool,
}

/// An answer that is less than docent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degraded {
    /// By words alone, because the model was not loaded yet.
    LexicalOnly,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Stable for as long as the passage stays the same.
    pub id: ChunkId,
    /// The document, relative to the indexed root.
    pub path: SourcePath,
    /// What the document is: docs, example, changelog or code.
    pub kind: DocumentKind,
    /// The collection of the document, where it is in one that has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionName>,
    /// The document's title.
    pub title: String,
    /// Headings above the chunk, outermost first, without the title.
    pub breadcrumb: Vec<String>,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, included.
    pub end_line: u32,
    /// Larger is better, and the scale is the same for every question: about 1 for a passage that
    /// says what the question says, about 0.2 for one that has nothing to do with it.
    pub score: f32,
    /// The source itself.
    pub text: String,
    /// Passages that say the same, which are not hits of their own: the best of them, up to
    /// [`MOST_DUPLICATES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Place>,
    /// Whether the document has changed, or is gone, since it was indexed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// Where a passage stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The document.
    pub path: SourcePath,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, included.
    pub end_line: u32,
}

impl Answer {
    /// The page of `ranked` (a few more than needed, best first) that `query` asks for. Hits that stand
    /// for others have those in `same`.
    pub(super) fn page(
        index: &Index,
        query: &Query,
        ranked: &[(usize, f32)],
        same: &HashMap<usize, Vec<usize>>,
    ) -> Result<Self, OpenError> {
        let rest = ranked.get(query.offset()..).unwrap_or_default();
        let shown = &rest[..rest.len().min(query.limit())];
        let manifest = index.manifest();
        let mut hits = Hit::all(index, shown, same)?;
        if query.asks_for_freshness() {
            mark_stale(index, shown, &mut hits)?;
        }
        Ok(Self {
            schema: SCHEMA,
            query: query.text().to_owned(),
            generation: manifest.generation,
            indexed_at: manifest.indexed_at.clone(),
            confidence: None,
            no_good_match: false,
            hits,
            degraded: None,
            has_more: rest.len() > shown.len(),
        })
    }
}

/// Marks the hits, which are the chunks `shown`, whose source has changed. Looks at each source once.
pub(super) fn mark_stale(index: &Index, shown: &[(usize, f32)], hits: &mut [Hit]) -> Result<(), OpenError> {
    let mut known: HashMap<u32, bool> = HashMap::new();
    for (hit, (chunk, _)) in hits.iter_mut().zip(shown) {
        let number = index.chunk(*chunk)?.document;
        hit.stale = match known.get(&number) {
            Some(stale) => *stale,
            None => is_stale(index.manifest(), &index.document(number as usize)?),
        };
        known.insert(number, hit.stale);
    }
    Ok(())
}

impl Place {
    fn of(index: &Index, chunk: usize) -> Result<Self, OpenError> {
        let stored = index.chunk(chunk)?;
        let document = index.document(stored.document as usize)?;
        let (start_line, end_line) = stored.chunk.lines;
        Ok(Self { path: document.path, start_line, end_line })
    }
}

impl Hit {
    /// The chunks of a ranking, each with where those stand that it stands for.
    pub(super) fn all(
        index: &Index,
        shown: &[(usize, f32)],
        same: &HashMap<usize, Vec<usize>>,
    ) -> Result<Vec<Self>, OpenError> {
        let hit = |(chunk, score): &(usize, f32)| {
            let others = same.get(chunk).into_iter().flatten().take(MOST_DUPLICATES);
            let places = others.map(|other| Place::of(index, *other));
            let duplicates = places.collect::<Result<_, _>>()?;
            Ok(Self { duplicates, ..Self::of(index, *chunk, *score)? })
        };
        shown.iter().map(hit).collect()
    }

    /// The chunk with this number.
    pub(super) fn of(index: &Index, number: usize, score: f32) -> Result<Self, OpenError> {
        let stored = index.chunk(number)?;
        let document = index.document(stored.document as usize)?;
        Ok(Self {
            id: stored.chunk.id,
            kind: index.manifest().kind_of(&document),
            collection: index.manifest().collection_of(document.root).cloned(),
            path: document.path,
            title: document.title,
            breadcrumb: stored.chunk.headings,
            start_line: stored.chunk.lines.0,
            end_line: stored.chunk.lines.1,
            score,
            text: stored.chunk.text,
            duplicates: Vec::new(),
            stale: false,
        })
    }
}
