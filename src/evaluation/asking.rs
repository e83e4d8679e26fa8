//! Puts a question to the retriever the way an agent would, and ranks documents deeper than any
//! agent looks.

use std::collections::BTreeMap;
use std::time::Instant;

use super::ranking::{RankedDocument, rank_documents};
use super::set::Question;
use crate::retrieval::{Answer, Hit, MAX_REPHRASINGS, Query, QueryError, RetrievalError, Retriever};

/// Chunks of the answer that is timed and read: more than any measure looks at.
pub(super) const ANSWER_CHUNKS: usize = 10;
/// Chunks asked for at first for each document of a ranking; most documents have several.
const CHUNKS_PER_DOCUMENT: usize = 8;

/// Asks in one or in several wordings.
pub(super) struct Asking<'retriever> {
    pub(super) retriever: &'retriever Retriever,
    /// Documents to rank.
    pub(super) limit: usize,
    pub(super) with_rephrasings: bool,
}

/// What came of a question.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The answer's chunks.
    pub(super) hits: Vec<Hit>,
    pub(super) confidence: f64,
    pub(super) ranking: Vec<RankedDocument>,
    /// Milliseconds by stage.
    pub(super) latency_ms: BTreeMap<String, f64>,
}

/// A question that was not answered.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Its form does not allow it.
    Form(QueryError),
    /// The retriever failed.
    Failed(RetrievalError),
}

impl From<QueryError> for Unanswered {
    fn from(error: QueryError) -> Self {
        Self::Form(error)
    }
}

impl From<RetrievalError> for Unanswered {
    fn from(error: RetrievalError) -> Self {
        Self::Failed(error)
    }
}

/// How sure an answer is, larger is surer; over an index that says nothing of it, the best score.
pub(super) fn confidence(answer: &Answer) -> f64 {
    let score = || answer.hits.first().map_or(0.0, |hit| hit.score);
    f64::from(answer.confidence.unwrap_or_else(score))
}

impl Asking<'_> {
    /// The first call of a model takes longer than those that follow, and is nobody's latency.
    pub(super) fn warm_up(&self, question: &Question) {
        if let Ok(query) = Query::new(&question.text, ANSWER_CHUNKS) {
            // Should it fail it fails again where the question is asked, and is reported there.
            let _ = self.retriever.answer(&query);
        }
    }

    pub(super) fn ask(&self, question: &Question) -> Result<Asked, Unanswered> {
        let query = self.worded(Query::new(&question.text, ANSWER_CHUNKS)?, question)?;
        let started = Instant::now();
        let answer = self.retriever.answer(&query)?;
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        Ok(Asked {
            confidence: confidence(&answer),
            hits: answer.hits,
            ranking: rank_documents(&self.deep(question)?, self.limit),
            latency_ms: BTreeMap::from([("total".to_owned(), milliseconds)]),
        })
    }

    fn worded(&self, query: Query, question: &Question) -> Result<Query, QueryError> {
        let taken = if self.with_rephrasings { MAX_REPHRASINGS } else { 0 };
        query.rephrased(question.rephrasings.iter().take(taken).map(String::as_str))
    }

    /// Enough chunks for the wanted number of documents, or all there are.
    fn deep(&self, question: &Question) -> Result<Vec<Hit>, Unanswered> {
        let all = self.retriever.index().chunk_count();
        let mut wanted = self.limit.saturating_mul(CHUNKS_PER_DOCUMENT);
        loop {
            let depth = wanted.min(all);
            let query = self.worded(Query::for_ranking(&question.text, depth)?, question)?;
            let hits = self.retriever.answer(&query)?.hits;
            let is_all = depth == all || hits.len() < depth;
            if is_all || rank_documents(&hits, self.limit).len() == self.limit {
                return Ok(hits);
            }
            wanted = wanted.saturating_mul(4);
        }
    }
}
