//! Answers questions from one generation of an index.

use std::sync::Arc;

use super::answer::Answer;
use super::confidence::{confidence, is_no_good_match};
use super::duplicates::distinct;
use super::explanation::Explanation;
use super::query::Query;
use super::ranking::{Ranked, Ranking};
use super::reader::Reader;
use super::recipe::{Part, Recipe};
use super::stages::{Stage, StageTimes, Watch};
use super::waiting::{Patient, Waiting};
use crate::embedding::{EmbedError, Embedder, Role};
use crate::index::{Index, OpenError};

/// Holds what it needs to answer: an index and the encoder that made it.
pub struct Retriever {
    index: Arc<Index>,
    reader: Arc<Reader>,
    embedder: Arc<dyn Embedder>,
    /// The number of each chunk's document.
    document_of: Vec<u32>,
    recipe: Recipe,
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
    /// Whoever asked has left before there was an answer.
    #[error("nobody waits for the answer any more")]
    Abandoned,
}

impl RetrievalError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Embed(error) => error.hint(),
            Self::Index(error) => error.hint(),
            Self::Abandoned => "ask again if the answer is still wanted".into(),
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
        let document_of = documents_of_chunks(&index)?;
        let recipe = Recipe::for_spreads(embedder.spreads());
        Ok(Self { index, reader, embedder, document_of, recipe })
    }

    /// The same without some parts of the ranking, to see what they are worth.
    #[must_use]
    pub fn without(self, parts: &[Part]) -> Self {
        let recipe = parts.iter().fold(self.recipe, |recipe, part| recipe.without(*part));
        Self { recipe, ..self }
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
        self.answer_for(query, &Patient)
    }

    /// The same for somebody who wants to know how far it is, and may leave: that is looked at
    /// before each step.
    ///
    /// # Errors
    /// As [`Retriever::answer`], and where they have left.
    pub fn answer_for(&self, query: &Query, waiting: &dyn Waiting) -> Result<Answer, RetrievalError> {
        let watch = &mut Watch::off();
        let ranking = self.ranking(query, watch)?;
        let ranked = self.ranked(query, &ranking, watch, waiting)?;
        self.page(query, &ranked, watch)
    }

    /// The same answer, and how long each of its stages took.
    ///
    /// # Errors
    /// As [`Retriever::answer`].
    pub fn timed(&self, query: &Query) -> Result<(Answer, StageTimes), RetrievalError> {
        let mut watch = Watch::on();
        let ranking = self.ranking(query, &mut watch)?;
        let ranked = self.ranked(query, &ranking, &mut watch, &Patient)?;
        let answer = self.page(query, &ranked, &mut watch)?;
        Ok((answer, watch.times()))
    }

    /// The same answer, and where each of its hits came from.
    ///
    /// # Errors
    /// As [`Retriever::answer`].
    pub fn explained(&self, query: &Query) -> Result<(Answer, Explanation), RetrievalError> {
        let mut watch = Watch::on();
        let ranking = self.ranking(query, &mut watch)?;
        let ranked = self.ranked(query, &ranking, &mut watch, &Patient)?;
        let answer = self.page(query, &ranked, &mut watch)?;
        let times = watch.times();
        let explanation = Explanation::of(query, &ranking, &ranked, &answer, times);
        Ok((answer, explanation))
    }

    fn ranking(&self, query: &Query, watch: &mut Watch) -> Result<Ranking<'_>, RetrievalError> {
        Ok(Ranking {
            index: &self.index,
            document_of: &self.document_of,
            admitted: watch.during(Stage::Filter, || self.reader.admitted(query))?,
            recipe: &self.recipe,
            threads: self.embedder.threads_per_text(),
        })
    }

    fn ranked(
        &self,
        query: &Query,
        ranking: &Ranking<'_>,
        watch: &mut Watch,
        waiting: &dyn Waiting,
    ) -> Result<Ranked, RetrievalError> {
        let mut wordings = Vec::new();
        for text in query.wordings() {
            still_wanted(waiting)?;
            let encoding = watch.during(Stage::Embed, || self.embedder.encode(text, Role::Query))?;
            wordings.push((text, encoding));
            waiting.advance();
        }
        still_wanted(waiting)?;
        let wanted = query.wanted();
        let mut ranked = ranking.of(&wordings, wanted, watch);
        waiting.advance();
        if !query.collapses_duplicates() {
            return Ok(ranked);
        }
        let mut found = watch.during(Stage::Order, || distinct(&self.index, &ranked.chunks, wanted))?;
        if found.chunks.len() < wanted && ranked.chunks.len() >= wanted {
            // So many say the same that there have to be more.
            ranked = ranking.of(&wordings, usize::MAX, watch);
            found = watch.during(Stage::Order, || distinct(&self.index, &ranked.chunks, wanted))?;
        }
        (ranked.chunks, ranked.same) = (found.chunks, found.same);
        Ok(ranked)
    }

    fn page(&self, query: &Query, ranked: &Ranked, watch: &mut Watch) -> Result<Answer, RetrievalError> {
        let answer =
            watch.during(Stage::Read, || Answer::page(&self.index, query, &ranked.chunks, &ranked.same))?;
        // An index of an older docent says nothing of what is usual in it, and an empty one neither.
        let calibration = self.index.manifest().calibration.filter(|_| !ranked.chunks.is_empty());
        let confidence = calibration.map(|calibration| confidence(&ranked.evidence, &calibration));
        Ok(Answer { confidence, no_good_match: confidence.is_some_and(is_no_good_match), ..answer })
    }
}

/// Work for somebody who has left is not begun.
pub(super) fn still_wanted(waiting: &dyn Waiting) -> Result<(), RetrievalError> {
    if waiting.has_left() { Err(RetrievalError::Abandoned) } else { Ok(()) }
}

/// The document of each chunk.
pub(super) fn documents_of_chunks(index: &Index) -> Result<Vec<u32>, OpenError> {
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
