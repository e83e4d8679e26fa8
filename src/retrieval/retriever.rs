//! Answers questions from one generation of an index.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::{Answer, Hit, SCHEMA};
use super::fusion::{CANDIDATES, DENSE, DOCUMENT, FULL_SCORE, LATE, LATE_TAKES_OVER, LEXICAL, top};
use super::late::LateQuery;
use super::query::Query;
use crate::embedding::{EmbedError, Embedder, Role};
use crate::index::{Index, OpenError};

/// Holds what it needs to answer: an index and the encoder that made it.
pub struct Retriever {
    index: Index,
    embedder: Arc<dyn Embedder>,
    /// The number of each chunk's document.
    document_of: Vec<u32>,
}

/// A question that could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum RetrievalError {
    /// The encoder failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The index turned out to be damaged.
    #[error(transparent)]
    Index(#[from] OpenError),
}

impl RetrievalError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Embed(error) => error.hint(),
            Self::Index(error) => error.hint(),
        }
    }
}

impl Retriever {
    /// A retriever over `index`.
    ///
    /// # Errors
    /// Where `embedder` is not the model that made the index.
    pub fn new(index: Index, embedder: Arc<dyn Embedder>) -> Result<Self, OpenError> {
        if index.manifest().model != *embedder.identity() {
            return Err(OpenError::OtherModel {
                folder: index.folder().to_owned(),
                index: index.manifest().model.to_string(),
                wanted: embedder.identity().to_string(),
            });
        }
        let document_of = documents_of_chunks(&index)?;
        Ok(Self { index, embedder, document_of })
    }

    /// The index that answers.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The encoder that questions go through.
    #[must_use]
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.embedder
    }

    /// The best chunks for a question.
    ///
    /// # Errors
    /// Where the encoder fails, or a record of the index is damaged.
    pub fn answer(&self, query: &Query) -> Result<Answer, RetrievalError> {
        let ranked = self.rank(query.text(), query.limit())?;
        let mut hits = Vec::with_capacity(query.limit());
        for Candidate { chunk, score } in ranked {
            hits.push(self.hit(chunk, score / FULL_SCORE)?);
        }
        let manifest = self.index.manifest();
        Ok(Answer {
            schema: SCHEMA,
            query: query.text().to_owned(),
            generation: manifest.generation,
            indexed_at: manifest.indexed_at.clone(),
            hits,
        })
    }

    /// The `limit` best chunks: candidates by meaning and by words, scored again by late
    /// interaction, with no document crowding out the others.
    fn rank(&self, text: &str, limit: usize) -> Result<Vec<Candidate>, RetrievalError> {
        let encoded = self.embedder.encode(text, Role::Query)?;
        let scores = self.first_scores(text, encoded.pooled.as_slice());
        let late = LateQuery::new(&encoded, self.index.tokens());
        let mut candidates: Vec<Candidate> = top(&scores.all, CANDIDATES.max(2 * limit))
            .into_iter()
            .map(|chunk| Candidate { chunk, score: scores.all[chunk] })
            .collect();
        if let Some(late) = late {
            for candidate in &mut candidates {
                let interaction = late.score(self.index.tokens().signs(candidate.chunk));
                candidate.score +=
                    LATE.part(interaction) - LATE_TAKES_OVER.part(scores.dense[candidate.chunk]);
            }
        }
        candidates.sort_by(|first, second| {
            second.score.total_cmp(&first.score).then_with(|| first.chunk.cmp(&second.chunk))
        });
        Ok(spread(candidates, limit, |candidate| self.document_of[candidate.chunk]))
    }

    /// The score of every chunk before late interaction.
    fn first_scores(&self, text: &str, query: &[f32]) -> FirstScores {
        let dense = self.index.vectors().scan(query);
        let documents = self.index.vectors().scan_documents(query);
        let terms = self.index.lexical().query_terms(text);
        let lexical = self.index.lexical().scores(&terms);
        let views = dense.iter().zip(&lexical).zip(&self.document_of);
        let all = views
            .map(|((dense, lexical), document)| {
                DENSE.part(*dense) + LEXICAL.part(*lexical) + DOCUMENT.part(documents[*document as usize])
            })
            .collect();
        FirstScores { all, dense }
    }

    fn hit(&self, number: usize, score: f32) -> Result<Hit, OpenError> {
        let stored = self.index.chunk(number)?;
        let document = self.index.document(stored.document as usize)?;
        Ok(Hit {
            id: stored.chunk.id,
            path: document.path,
            title: document.title,
            breadcrumb: stored.chunk.headings,
            start_line: stored.chunk.lines.0,
            end_line: stored.chunk.lines.1,
            score,
            text: stored.chunk.text,
        })
    }
}

/// The scores of all chunks, in their order.
struct FirstScores {
    all: Vec<f32>,
    /// The dense view's part of them.
    dense: Vec<f32>,
}

/// A chunk and its score so far.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    chunk: usize,
    score: f32,
}

/// Chunks of one document that may stand among the first before other documents had their turn.
const CHUNKS_PER_DOCUMENT: usize = 2;

/// The first `limit` candidates, where a document's further chunks come after everything else.
fn spread(ranked: Vec<Candidate>, limit: usize, document_of: impl Fn(&Candidate) -> u32) -> Vec<Candidate> {
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let (mut first, rest): (Vec<Candidate>, Vec<Candidate>) = ranked.into_iter().partition(|candidate| {
        let count = taken.entry(document_of(candidate)).or_default();
        *count += 1;
        *count <= CHUNKS_PER_DOCUMENT
    });
    first.extend(rest);
    first.truncate(limit);
    first
}

/// The document of each chunk.
fn documents_of_chunks(index: &Index) -> Result<Vec<u32>, OpenError> {
    let mut document_of = vec![0; index.chunk_count()];
    for number in 0..index.document_count() {
        let document = index.document(number)?;
        let first = document.first_chunk as usize;
        let chunks = first..first.saturating_add(document.chunk_count as usize);
        if chunks.end > index.chunk_count() {
            return Err(OpenError::Damaged {
                path: index.folder().to_owned(),
                reason: format!("document `{}` has chunks that do not exist", document.path),
            });
        }
        document_of[chunks].fill(number as u32);
    }
    Ok(document_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_does_not_crowd_out_the_others() {
        let documents = [7, 7, 7, 8, 7, 9];
        let ranked = (0..6).map(|chunk| Candidate { chunk, score: 1.0 - chunk as f32 / 10.0 }).collect();
        let order = |limit| {
            let ranked: &Vec<Candidate> = &ranked;
            let spread = spread(ranked.clone(), limit, |candidate| documents[candidate.chunk]);
            spread.iter().map(|candidate| candidate.chunk).collect::<Vec<_>>()
        };
        assert_eq!(order(4), [0, 1, 3, 5]);
        assert_eq!(order(10), [0, 1, 3, 5, 2, 4]);
    }
}
