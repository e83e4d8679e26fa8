//! Where each hit of an answer came from, in numbers: what `docent ask --explain` shows.

use serde::Serialize;

use super::answer::Answer;
use super::fusion::Scored;
use super::late::LateQuery;
use super::query::Query;
use super::ranking::{Ranked, Ranking, Wording};
use super::recipe::{Recipe, View};
use super::scores::Scores;
use super::stages::StageTimes;
use crate::chunking::ChunkId;

/// How an answer came about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// How values become scores.
    pub formula: Formula,
    /// Chunks of the index.
    pub chunks: usize,
    /// How many of them the filters let in.
    pub admitted: usize,
    /// How many of those all views were scored for: the best by dense, lexical and document view.
    pub candidates: usize,
    /// The question, and its other wordings.
    pub wordings: Vec<ExplainedWording>,
    /// One for each hit of the answer, in its order.
    pub hits: Vec<ExplainedHit>,
    /// How long each stage took, in milliseconds.
    pub milliseconds: StageTimes,
}

/// How values become scores: each is divided by its view's spread and multiplied by its share, which
/// is what it adds; the sum divided by `full_score` is the hit's score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Formula {
    /// Late interaction: the mean over the question's tokens of the best cosine in the chunk.
    pub late: Share,
    /// The pooled vectors: the cosine after their mean is taken away.
    pub dense: Share,
    /// BM25F, as a part of the most that the question's words can have.
    pub lexical: Share,
    /// The same for wordings that are questions in a sentence.
    pub lexical_of_questions: Share,
    /// The cosine of the question and the document's mean vector.
    pub document: Share,
    /// The part of the phrases in double quotes that the chunk has word for word.
    pub phrase: Share,
    /// The part of what the dense view adds that is taken away where late interaction ran.
    pub late_takes_over: f32,
    /// The most candidates of one wording.
    pub candidates: usize,
    /// Chunks of one document before other documents had their turn; nothing where they are not spread.
    pub chunks_per_document: Option<usize>,
    /// A document with more chunks than this for each of them may have more of them there.
    pub chunks_per_page: usize,
    /// Whether wordings that no other agrees with count less.
    pub gates_rephrasings: bool,
    /// What the sums are divided by.
    pub full_score: f32,
}

/// How much a view counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Its weight; 0 where it is left out.
    pub share: f32,
    /// The standard deviation of its values over chunks, which normalises them.
    pub spread: f32,
}

/// A wording of the question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedWording {
    /// As asked.
    pub text: String,
    /// Whether it is a question in a sentence.
    pub is_question: bool,
    /// How much it counts beside the question itself, which has 1.
    pub gate: f32,
}

/// What one view says of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ViewScore {
    /// In the view's own unit.
    pub value: f32,
    /// The chunk's place by this value, from 1: among the admitted chunks that were looked at; of late
    /// interaction, among the candidates; of the document view, the document's among documents.
    pub rank: usize,
    /// What it adds to the sum.
    pub adds: f32,
}

/// One wording's score of a chunk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WordingScore {
    /// The pooled vectors.
    pub dense: ViewScore,
    /// The words.
    pub lexical: ViewScore,
    /// The document as a whole.
    pub document: ViewScore,
    /// Late interaction; nothing where the chunk was no candidate, or the model has no token vectors.
    pub late: Option<ViewScore>,
    /// Quoted phrases; nothing where the wording has none, or the chunk was no candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrase: Option<ViewScore>,
    /// What late interaction takes away of the dense view's share: 0 or less.
    pub taken_over: f32,
    /// The sum of what was added.
    pub sum: f32,
}

/// Where one hit came from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedHit {
    /// The hit's id.
    pub id: ChunkId,
    /// Its place in the answer to the whole question, from 1.
    pub rank: usize,
    /// By wording, in the order of `wordings`.
    pub wordings: Vec<WordingScore>,
    /// Whether late interaction looked at it.
    pub is_candidate: bool,
    /// The wordings' sums in one: their mean, each weighted by its gate.
    pub sum: f32,
    /// Its place by that sum, from 1.
    pub rank_by_sum: usize,
    /// Whether it made way for other documents, having enough of its own document before it.
    pub is_put_off: bool,
    /// The sum divided by `full_score`, and no more than the hit before has.
    pub score: f32,
}

impl Explanation {
    pub(super) fn of(
        query: &Query,
        ranking: &Ranking<'_>,
        ranked: &Ranked,
        answer: &Answer,
        milliseconds: StageTimes,
    ) -> Self {
        let texts = query.wordings().zip(&ranked.gates).zip(&ranked.wordings);
        let shown = ranked.chunks.iter().enumerate().skip(query.offset()).zip(&answer.hits);
        let chunks = ranking.document_of.len();
        let late = late_values(ranking, ranked);
        Self {
            formula: Formula::of(ranking.recipe),
            chunks,
            admitted: (0..chunks).filter(|chunk| ranking.is_admitted(*chunk)).count(),
            candidates: ranked.candidates.len(),
            wordings: texts
                .map(|((text, gate), wording)| ExplainedWording {
                    text: text.to_owned(),
                    is_question: wording.is_question,
                    gate: *gate,
                })
                .collect(),
            hits: shown
                .map(|((place, (chunk, score)), hit)| {
                    Explained { ranking, ranked, late: &late, chunk: *chunk }.hit(hit.id, place, *score)
                })
                .collect(),
            milliseconds,
        }
    }
}

impl Formula {
    fn of(recipe: &Recipe) -> Self {
        let share = |view: View| Share { share: view.share, spread: view.spread };
        Self {
            late: share(recipe.late),
            dense: share(recipe.dense),
            lexical: share(recipe.lexical),
            lexical_of_questions: share(recipe.lexical_of_questions),
            document: share(recipe.document),
            phrase: share(recipe.phrase),
            late_takes_over: recipe.late_takes_over,
            candidates: recipe.candidates,
            chunks_per_document: Some(recipe.chunks_per_document).filter(|most| *most != usize::MAX),
            chunks_per_page: recipe.chunks_per_page,
            gates_rephrasings: recipe.gates_rephrasings,
            full_score: recipe.full_score,
        }
    }
}

/// For each wording the late interaction of every candidate, in their order; `None` where there is none.
type LateValues = Vec<Option<Vec<f32>>>;

/// The ranking keeps only what late interaction adds up to: it is made once more.
fn late_values(ranking: &Ranking<'_>, ranked: &Ranked) -> LateValues {
    let tokens = ranking.index.tokens();
    let values =
        |late: &LateQuery| ranked.candidates.iter().map(|chunk| late.score(tokens.signs(*chunk))).collect();
    ranked.wordings.iter().map(|wording| wording.late.as_ref().map(values)).collect()
}

/// One chunk of a ranking.
struct Explained<'a, 'index> {
    ranking: &'a Ranking<'index>,
    ranked: &'a Ranked,
    late: &'a LateValues,
    chunk: usize,
}

impl Explained<'_, '_> {
    fn hit(&self, id: ChunkId, place: usize, score: f32) -> ExplainedHit {
        let each = self.ranked.wordings.iter().zip(self.late);
        let wordings: Vec<WordingScore> =
            each.map(|(wording, late)| self.wording(wording, late.as_deref())).collect();
        let by_score = self.ranked.by_score.iter().position(|(chunk, _)| *chunk == self.chunk);
        // What is no candidate stands by the question's own score, in its place already.
        let of_question = || wordings.first().map_or(0.0, |question| question.sum);
        ExplainedHit {
            id,
            rank: place + 1,
            is_candidate: by_score.is_some(),
            sum: by_score.map_or_else(of_question, |place| self.ranked.by_score[place].1),
            rank_by_sum: by_score.unwrap_or(place) + 1,
            is_put_off: by_score.is_some_and(|place| self.is_put_off(place)),
            score,
            wordings,
        }
    }

    /// Whether the document of the chunk at this place by score had its turn before.
    fn is_put_off(&self, place: usize) -> bool {
        let document = |chunk: usize| self.ranking.document_of[chunk];
        let better = self.ranked.by_score[..place].iter();
        let before = better.filter(|(chunk, _)| document(*chunk) == document(self.chunk)).count();
        before >= self.ranking.allowance(document(self.chunk))
    }

    fn wording(&self, wording: &Wording, late: Option<&[f32]>) -> WordingScore {
        let recipe = self.ranking.recipe;
        let dense = self.view(recipe.dense, wording.dense.of(self.chunk), wording.dense.met());
        let words = wording.lexical.iter().copied().enumerate();
        let lexical = self.view(recipe.lexical_for(wording.is_question), wording.lexical[self.chunk], words);
        let document = self.document(&wording.documents);
        let late = late.and_then(|values| self.late(values));
        let taken_over = if late.is_some() { 0.0 - recipe.late_takes_over * dense.adds } else { 0.0 };
        let phrase = self.phrase(wording);
        let added = [late, phrase].into_iter().flatten().map(|view| view.adds).sum::<f32>();
        let sum = wording.first.of(self.chunk) + added + taken_over;
        WordingScore { dense, lexical, document, late, phrase, taken_over, sum }
    }

    /// The chunk's value among those of the admitted chunks that were looked at.
    fn view(&self, view: View, value: f32, met: impl Iterator<Item = Scored>) -> ViewScore {
        let better = met.filter(|(chunk, other)| *other > value && self.ranking.is_admitted(*chunk));
        ViewScore { value, rank: 1 + better.count(), adds: view.part(value) }
    }

    fn document(&self, values: &Scores) -> ViewScore {
        let document_of = self.ranking.document_of;
        let value = values.of(document_of[self.chunk] as usize);
        let admitted = (0..document_of.len()).filter(|chunk| self.ranking.is_admitted(*chunk));
        let mut better: Vec<u32> = admitted
            .map(|chunk| document_of[chunk])
            .filter(|document| values.of(*document as usize) > value)
            .collect();
        // A document's chunks stand together.
        better.dedup();
        ViewScore { value, rank: 1 + better.len(), adds: self.ranking.recipe.document.part(value) }
    }

    /// The phrases of a wording that the chunk has, among all candidates.
    fn phrase(&self, wording: &Wording) -> Option<ViewScore> {
        self.ranked.candidates.binary_search(&self.chunk).ok().filter(|_| !wording.phrases.is_empty())?;
        let value = self.ranking.phrase(wording, self.chunk);
        let others = self.ranked.candidates.iter();
        let better = others.filter(|other| self.ranking.phrase(wording, **other) > value).count();
        Some(ViewScore { value, rank: 1 + better, adds: self.ranking.recipe.phrase.part(value) })
    }

    /// The chunk's value among those of all candidates.
    fn late(&self, values: &[f32]) -> Option<ViewScore> {
        let value = values[self.ranked.candidates.binary_search(&self.chunk).ok()?];
        let better = values.iter().filter(|other| **other > value);
        Some(ViewScore { value, rank: 1 + better.count(), adds: self.ranking.recipe.late.part(value) })
    }
}
