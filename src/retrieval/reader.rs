//! What can be had from an index without an encoder: documents, passages by id, passages like a
//! passage, and answers by words alone.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::answer::{Answer, Degraded, Hit, mark_stale};
use super::dense::nearest;
use super::duplicates::{Distinct, distinct};
use super::fusion::top;
use super::query::Query;
use super::retriever::{RetrievalError, still_wanted};
use super::staleness::source_file;
use super::waiting::Waiting;
use crate::chunking::ChunkId;
use crate::extract::read_document;
use crate::index::{DocumentRecord, Index, Manifest, OpenError};
use crate::parse::{ChangelogEntry, changelog_entries};
use crate::source::Limits;

/// One generation of an index, read by path, by id and by word.
pub struct Reader {
    index: Arc<Index>,
    /// The number of each chunk, made when the first id is asked for.
    numbers: OnceLock<HashMap<ChunkId, usize>>,
}

/// A document's text, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub freshness: Freshness,
}

/// How a document's text stands to what was indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The source is what it was.
    AsIndexed,
    /// The source has changed since: line numbers of answers may be off.
    Changed,
    /// The source cannot be read any more: this is put together from the indexed passages.
    Gone,
}

/// A document was let in at its size; it may have grown as far as any.
fn most_bytes(document: &DocumentRecord) -> u64 {
    document.size.max(Limits::default().max_file_bytes)
}

impl Reader {
    /// A reader of `index`.
    #[must_use]
    pub fn new(index: Index) -> Self {
        Self { index: Arc::new(index), numbers: OnceLock::new() }
    }

    /// The index that is read.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// What made the index, and how much it holds.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.index.manifest()
    }

    /// The documents with these numbers, as far as there are any. They are numbered in the order of
    /// their paths.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn documents(&self, numbers: Range<usize>) -> Result<Vec<DocumentRecord>, OpenError> {
        let end = numbers.end.min(self.index.document_count());
        (numbers.start.min(end)..end).map(|number| self.index.document(number)).collect()
    }

    /// The document at `path`.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn document(&self, path: &str) -> Result<Option<DocumentRecord>, OpenError> {
        let number = self.first_not_before(path)?;
        let found = self.documents(number..number + 1)?.pop();
        Ok(found.filter(|document| document.path.as_str() == path))
    }

    /// The number of the first document whose path is `path` or stands after it.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn first_not_before(&self, path: &str) -> Result<usize, OpenError> {
        let (mut low, mut high) = (0, self.index.document_count());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.index.document(middle)?.path.as_str() < path {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The text of a document: its source as it is now, or what the index kept of it.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn text(&self, document: &DocumentRecord) -> Result<DocumentText, OpenError> {
        let source = source_file(self.manifest(), document);
        let read = source.and_then(|file| read_document(&document.path, &file, most_bytes(document)).ok());
        if let Some(read) = read {
            let unchanged = read.hash == document.hash;
            let freshness = if unchanged { Freshness::AsIndexed } else { Freshness::Changed };
            return Ok(DocumentText { text: read.text, freshness });
        }
        Ok(DocumentText { text: self.text_of_passages(document)?, freshness: Freshness::Gone })
    }

    /// The entries of a changelog, in its order; none where it is no changelog.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn changelog(&self, document: &DocumentRecord) -> Result<Vec<ChangelogEntry>, OpenError> {
        Ok(changelog_entries(&self.text(document)?.text))
    }

    /// The passages at their lines, with empty lines where the index kept nothing.
    fn text_of_passages(&self, document: &DocumentRecord) -> Result<String, OpenError> {
        let mut lines: Vec<String> = Vec::new();
        for hit in self.passages(document)? {
            let start = hit.start_line.max(1) as usize - 1;
            // A document has no more lines than bytes: damaged numbers must not fill the memory.
            let start = start.min(document.size.min(Limits::default().max_file_bytes) as usize);
            let lines_before = lines.len();
            if lines_before < start {
                lines.resize(start, String::new());
            }
            let mut text = hit.text.lines();
            if let Some(last) = lines.last_mut().filter(|_| start < lines_before) {
                // A long line is cut into several passages: this one goes on where the last ended.
                last.push(' ');
                last.push_str(text.next().unwrap_or_default());
            }
            lines.extend(text.map(str::to_owned));
        }
        Ok(lines.join("\n"))
    }

    /// The passages of a document, in their order.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn passages(&self, document: &DocumentRecord) -> Result<Vec<Hit>, OpenError> {
        let first = document.first_chunk as usize;
        (first..first + document.chunk_count as usize).map(|chunk| Hit::of(&self.index, chunk, 1.0)).collect()
    }

    /// The passage with this id.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn passage(&self, id: &str) -> Result<Option<Hit>, OpenError> {
        self.number(id)?.map(|number| Hit::of(&self.index, number, 1.0)).transpose()
    }

    /// The passages most like the one with this id, by their vectors, without copies of it or of one
    /// another; nothing where there is no such id.
    ///
    /// # Errors
    /// Where a record is damaged.
    pub fn related(&self, id: &str, limit: usize) -> Result<Option<Vec<Hit>>, OpenError> {
        let Some(number) = self.number(id)? else { return Ok(None) };
        let near = self.distinct_near(number, limit)?;
        let mut hits = Hit::all(&self.index, &near.chunks, &near.same)?;
        mark_stale(&self.index, &near.chunks, &mut hits)?;
        Ok(Some(hits))
    }

    /// The chunks nearest to one of them that say something else. What stands on every page fills all
    /// the first places: so many are looked at that there are enough, or no more.
    fn distinct_near(&self, number: usize, limit: usize) -> Result<Distinct, OpenError> {
        // Beside the chunk itself, one more: up to it the copies of the last are known.
        let wanted = limit.saturating_add(2);
        let mut count = wanted;
        loop {
            count = count.saturating_mul(4);
            let near = nearest(&self.index, &self.index.vectors().row(number), count);
            let is_all = near.len() < count;
            // The chunk itself goes first, whatever rounding makes of its own likeness.
            let others = near.into_iter().filter(|(chunk, _)| *chunk != number);
            let ranked: Vec<(usize, f32)> = std::iter::once((number, 1.0)).chain(others).collect();
            let mut found = distinct(&self.index, &ranked, wanted)?;
            if is_all || found.chunks.len() == wanted {
                found.chunks.remove(0);
                found.chunks.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// The best passages by words alone.
    ///
    /// # Errors
    /// Where a record is damaged, or who asks has left.
    pub fn answer_by_words(&self, query: &Query, waiting: &dyn Waiting) -> Result<Answer, RetrievalError> {
        let lexical = self.index.lexical();
        let mut scores = vec![0.0; self.index.chunk_count()];
        let wordings = query.wordings().count() as f32;
        for text in query.wordings() {
            still_wanted(waiting)?;
            let wording = lexical.scores(&lexical.query_terms(text));
            scores.iter_mut().zip(wording).for_each(|(sum, score)| *sum += score / wordings);
            waiting.advance();
        }
        still_wanted(waiting)?;
        let admitted = self.admitted(query)?;
        let may_be = |chunk: &usize| admitted.as_ref().is_none_or(|admitted| admitted[*chunk]);
        let ranked: Vec<(usize, f32)> = top(&scores, scores.len())
            .into_iter()
            .filter(may_be)
            .map(|chunk| (chunk, scores[chunk]))
            .collect();
        let distinct = distinct(&self.index, &ranked, query.wanted())?;
        let answer = Answer::page(&self.index, query, &distinct.chunks, &distinct.same)?;
        waiting.advance();
        Ok(Answer { degraded: Some(Degraded::LexicalOnly), ..answer })
    }

    /// Which chunks belong to the documents that `query` is asked of; `None` where all do.
    pub(super) fn admitted(&self, query: &Query) -> Result<Option<Vec<bool>>, OpenError> {
        let scope = query.scope();
        if scope.is_all() {
            return Ok(None);
        }
        let mut admitted = vec![false; self.index.chunk_count()];
        for document in self.documents(0..usize::MAX)? {
            if scope.admits(&document, self.manifest()) {
                let first = document.first_chunk as usize;
                let end = (first + document.chunk_count as usize).min(admitted.len());
                admitted[first.min(end)..end].fill(true);
            }
        }
        Ok(Some(admitted))
    }

    fn number(&self, id: &str) -> Result<Option<usize>, OpenError> {
        let Ok(id) = &ChunkId::try_from(id.to_owned()) else { return Ok(None) };
        if let Some(numbers) = self.numbers.get() {
            return Ok(numbers.get(id).copied());
        }
        let ids =
            (0..self.index.chunk_count()).map(|number| Ok((self.index.chunk(number)?.chunk.id, number)));
        let numbers = ids.collect::<Result<HashMap<_, _>, OpenError>>()?;
        Ok(self.numbers.get_or_init(|| numbers).get(id).copied())
    }
}
