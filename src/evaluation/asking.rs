//! Puts a question to the retriever the way an agent would, and ranks documents deeper than any
//! agent looks.

use std::collections::BTreeMap;

use super::ranking::{RankedDocument, rank_documents};
use super::set::Question;
use crate::retrieval::{Answer, Hit, MAX_REPHRASINGS, Query, QueryError, RetrievalError, Retriever};

/// Chunks of the answer that is timed and read: more than any measure looks at.
pub(super) const ANSWER_CHUNKS: usize = 10;
/// Chunks asked for at first for each document of a ranking; most documents have several.
const CHUNKS_PER_DOCUMENT: usize = 8;

/// The name under which a question's whole time stands beside its stages.
pub(super) const TOTAL: &str = "total";

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
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Its form does not allow it.
    #[error(transparent)]
    Form(#[from] QueryError),
    /// The retriever failed.
    #[error(transparent)]
    Failed(#[from] RetrievalError),
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
        let (answer, times) = self.retriever.timed(&query)?;
        let stages =
            times.milliseconds().map(|(stage, milliseconds)| (stage.name().to_owned(), milliseconds));
        let total = (TOTAL.to_owned(), times.total_milliseconds());
        Ok(Asked {
            confidence: confidence(&answer),
            hits: answer.hits,
            ranking: self.ranking(question)?,
            latency_ms: stages.chain([total]).collect(),
        })
    }

    fn worded(&self, query: Query, question: &Question) -> Result<Query, QueryError> {
        let taken = if self.with_rephrasings { MAX_REPHRASINGS } else { 0 };
        query.rephrased(question.rephrasings.iter().take(taken).map(String::as_str))
    }

    /// Documents for a question in the wordings that count.
    fn ranking(&self, question: &Question) -> Result<Vec<RankedDocument>, Unanswered> {
        ranked_documents(self.retriever, self.limit, |chunks| {
            self.worded(Query::for_ranking(&question.text, chunks)?, question)
        })
    }
}

/// The first `limit` documents for a question, or all that are found: asks for enough chunks, by
/// `query_of` their number.
///
/// # Errors
/// Where the question cannot be asked, or the retriever fails.
pub fn ranked_documents(
    retriever: &Retriever,
    limit: usize,
    query_of: impl Fn(usize) -> Result<Query, QueryError>,
) -> Result<Vec<RankedDocument>, Unanswered> {
    let all = retriever.index().chunk_count();
    let mut wanted = limit.saturating_mul(CHUNKS_PER_DOCUMENT);
    loop {
        let depth = wanted.min(all);
        let hits = retriever.answer(&query_of(depth)?)?.hits;
        let is_all = depth == all || hits.len() < depth;
        let ranking = rank_documents(&hits, limit);
        if is_all || ranking.len() == limit {
            return Ok(ranking);
        }
        wanted = wanted.saturating_mul(4);
    }
}
