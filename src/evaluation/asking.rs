//! Puts a question to the retriever the way an agent would, and ranks documents deeper than any
//! agent looks.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::ranking::{RankedDocument, rank_documents};
use super::set::Question;
use crate::chunking::ChunkId;
use crate::retrieval::{Answer, Hit, Query, QueryError, RetrievalError, Retriever};

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

/// How sure an answer is, larger is surer: until answers say so themselves, the best score.
pub(super) fn confidence(answer: &Answer) -> f64 {
    answer.hits.first().map_or(0.0, |hit| f64::from(hit.score))
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
        if self.with_rephrasings && !question.rephrasings.is_empty() {
            self.ask_in_wordings(question)
        } else {
            self.ask_once(&question.text)
        }
    }

    fn ask_once(&self, text: &str) -> Result<Asked, Unanswered> {
        let (answer, milliseconds) = self.timed(text)?;
        let hits = self.deep(text)?;
        Ok(Asked {
            confidence: confidence(&answer),
            hits: answer.hits,
            ranking: rank_documents(&hits, self.limit),
            latency_ms: total(milliseconds),
        })
    }

    /// The scores of all wordings added up, chunk by chunk.
    fn ask_in_wordings(&self, question: &Question) -> Result<Asked, Unanswered> {
        let mut milliseconds = 0.0;
        let mut confidences = Vec::new();
        let mut lists = Vec::new();
        for text in std::iter::once(&question.text).chain(&question.rephrasings) {
            let (answer, taken) = self.timed(text)?;
            milliseconds += taken;
            confidences.push(confidence(&answer));
            lists.push(self.deep(text)?);
        }
        let hits = added_up(lists);
        Ok(Asked {
            ranking: rank_documents(&hits, self.limit),
            hits: hits.into_iter().take(ANSWER_CHUNKS).collect(),
            confidence: super::significance::mean(&confidences),
            latency_ms: total(milliseconds),
        })
    }

    fn timed(&self, text: &str) -> Result<(Answer, f64), Unanswered> {
        let query = Query::new(text, ANSWER_CHUNKS)?;
        let started = Instant::now();
        let answer = self.retriever.answer(&query)?;
        Ok((answer, started.elapsed().as_secs_f64() * 1e3))
    }

    /// Enough chunks for the wanted number of documents, or all there are.
    fn deep(&self, text: &str) -> Result<Vec<Hit>, Unanswered> {
        let all = self.retriever.index().chunk_count();
        let mut wanted = self.limit.saturating_mul(CHUNKS_PER_DOCUMENT);
        loop {
            let depth = wanted.min(all);
            let hits = self.retriever.answer(&Query::for_ranking(text, depth)?)?.hits;
            let is_all = depth == all || hits.len() < depth;
            if is_all || rank_documents(&hits, self.limit).len() == self.limit {
                return Ok(hits);
            }
            wanted = wanted.saturating_mul(4);
        }
    }
}

fn total(milliseconds: f64) -> BTreeMap<String, f64> {
    BTreeMap::from([("total".to_owned(), milliseconds)])
}

/// One ranking of chunks by the sum of their scores. A chunk that a list does not reach counts
/// there as much as the list's last.
fn added_up(lists: Vec<Vec<Hit>>) -> Vec<Hit> {
    let floors: Vec<f32> = lists.iter().map(|list| list.last().map_or(0.0, |hit| hit.score)).collect();
    let everywhere: f32 = floors.iter().sum();
    let mut sums: HashMap<ChunkId, Hit> = HashMap::new();
    for (list, floor) in lists.into_iter().zip(floors) {
        for hit in list {
            let above = hit.score - floor;
            let sum = sums.entry(hit.id).or_insert_with(|| Hit { score: everywhere, ..hit });
            sum.score += above;
        }
    }
    let mut hits: Vec<Hit> = sums.into_values().collect();
    hits.sort_by(|first, second| second.score.total_cmp(&first.score).then_with(|| first.id.cmp(&second.id)));
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::hit;

    #[test]
    fn wordings_are_added_up_chunk_by_chunk() {
        let lists =
            vec![vec![hit("a", 1.0), hit("b", 0.75), hit("c", 0.5)], vec![hit("b", 1.0), hit("d", 0.25)]];
        let found: Vec<(String, f32)> =
            added_up(lists).into_iter().map(|hit| (hit.path.to_string(), hit.score)).collect();
        let expected = [("b", 1.75), ("a", 1.25)].map(|(path, score)| (path.to_owned(), score));
        assert_eq!(found[..2], expected);
        assert!(found[2..].iter().all(|(_, score)| (*score - 0.75).abs() < 1e-6), "{found:?}");
        assert!(added_up(vec![Vec::new()]).is_empty());
    }
}
