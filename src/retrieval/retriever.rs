//! Answers questions from one generation of an index.

use std::sync::Arc;

use super::answer::Answer;
use super::fusion::{WEIGHTS, min_max};
use super::query::Query;
use super::reader::Reader;
use crate::embedding::{EmbedError, Embedder, Embedding, Role};
use crate::index::{Index, OpenError, dot};

/// Holds what it needs to answer: an index and the encoder that made it.
pub struct Retriever {
    index: Arc<Index>,
    reader: Arc<Reader>,
    embedder: Arc<dyn Embedder>,
    /// The mean direction of each document's chunks: which document a question is about.
    documents: DocumentMeans,
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
        Self::over(Arc::new(Reader::new(index)), embedder)
    }

    /// A retriever over an index that is being read already.
    ///
    /// # Errors
    /// Where `embedder` is not the model that made the index.
    pub fn over(reader: Arc<Reader>, embedder: Arc<dyn Embedder>) -> Result<Self, OpenError> {
        let index = Arc::clone(reader.index());
        if index.manifest().model != *embedder.identity() {
            return Err(OpenError::OtherModel {
                folder: index.folder().to_owned(),
                index: index.manifest().model.to_string(),
                wanted: embedder.identity().to_string(),
            });
        }
        let documents = DocumentMeans::of(&index)?;
        Ok(Self { index, reader, embedder, documents })
    }

    /// The index that answers.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The same index, for everything that needs no encoder.
    #[must_use]
    pub fn reader(&self) -> &Arc<Reader> {
        &self.reader
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
        let mut scores = vec![0.0; self.index.chunk_count()];
        let wordings = query.wordings().count() as f32;
        for text in query.wordings() {
            let encoded = self.embedder.encode(text, Role::Query)?;
            let wording = self.scores(text, &encoded.pooled);
            scores.iter_mut().zip(wording).for_each(|(sum, score)| *sum += score / wordings);
        }
        Ok(Answer::page(&self.index, query, &self.reader.ranked(&scores, query)?)?)
    }

    /// The fused score of every chunk.
    fn scores(&self, text: &str, query: &Embedding) -> Vec<f32> {
        let mut dense = self.index.vectors().scan(query.as_slice());
        let lexical_index = self.index.lexical();
        let mut lexical = lexical_index.scores(&lexical_index.query_terms(text));
        let document = self.documents.scan(query.as_slice());
        min_max(&mut dense);
        min_max(&mut lexical);
        let document_of = &self.documents.document_of;
        dense
            .iter()
            .zip(&lexical)
            .zip(document_of)
            .map(|((dense, lexical), number)| {
                WEIGHTS.dense * dense
                    + WEIGHTS.lexical * lexical
                    + WEIGHTS.document * document[*number as usize]
            })
            .collect()
    }
}

/// The mean vector of each document, and the document of each chunk.
struct DocumentMeans {
    means: Vec<f32>,
    dimensions: usize,
    document_of: Vec<u32>,
}

impl DocumentMeans {
    fn of(index: &Index) -> Result<Self, OpenError> {
        let dimensions = index.manifest().model.dimensions;
        let mut means = Vec::with_capacity(index.document_count() * dimensions);
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
            document_of[chunks.clone()].fill(number as u32);
            means.extend(mean_direction(index, chunks, dimensions));
        }
        Ok(Self { means, dimensions, document_of })
    }

    /// The cosine of `query` and every document's mean, scaled to 0..1 by the best and the worst.
    fn scan(&self, query: &[f32]) -> Vec<f32> {
        let mut scores: Vec<f32> =
            self.means.chunks_exact(self.dimensions).map(|mean| dot(query, mean)).collect();
        min_max(&mut scores);
        scores
    }
}

fn mean_direction(index: &Index, chunks: std::ops::Range<usize>, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0; dimensions];
    for chunk in chunks {
        sum.iter_mut().zip(index.vectors().row(chunk)).for_each(|(sum, value)| *sum += value);
    }
    // A document without chunks, or with chunks that cancel out, is near nothing.
    Embedding::normalized(sum).map_or_else(|_| vec![0.0; dimensions], |mean| mean.as_slice().to_vec())
}
