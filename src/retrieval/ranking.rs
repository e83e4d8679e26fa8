//! From a question in one or several wordings to one ranking of chunks.

use std::collections::{BTreeSet, HashMap};

use super::confidence::{Evidence, HEAD, names};
use super::dense::{Dense, Plan};
use super::fusion::{fuse, top};
use super::late::LateQuery;
use super::recipe::Recipe;
use crate::embedding::Encoding;
use crate::index::{Index, Question};

/// A chunk and its score.
pub(super) type Scored = (usize, f32);

/// What ranking needs to know of an index.
pub(super) struct Ranking<'index> {
    pub(super) index: &'index Index,
    /// The number of each chunk's document.
    pub(super) document_of: &'index [u32],
    /// The chunks that may be returned; all where `None`.
    pub(super) admitted: Option<Vec<bool>>,
    /// How the views become one score.
    pub(super) recipe: &'index Recipe,
}

/// Chunks in their order, and what speaks for the first of them.
pub(super) struct Ranked {
    pub(super) chunks: Vec<Scored>,
    pub(super) evidence: Evidence,
}

/// One wording of the question.
struct Wording {
    /// The lexical view of every chunk.
    lexical: Vec<f32>,
    dense: Dense,
    documents: Documents,
    /// The chunks that may become candidates, in ascending order.
    pool: Vec<usize>,
    /// The names in it.
    names: String,
    late: Option<LateQuery>,
}

/// Cosines of a wording and the mean vectors of documents: of all, or of those that are asked for.
enum Documents {
    All(Vec<f32>),
    Each(Question),
}

impl Ranking<'_> {
    /// At least `wanted` admitted chunks, as far as there are so many, best first. The candidates of
    /// all wordings come first, scored by all views; the rest follow by what was known of them
    /// before.
    pub(super) fn of(&self, wordings: &[(&str, Encoding)], wanted: usize) -> Ranked {
        let admitted = self.admitted.as_ref().map_or(self.index.chunk_count(), |admitted| {
            admitted.iter().filter(|admitted| **admitted).count()
        });
        let plan = Plan::new(self.index, admitted, wanted, self.recipe.candidates);
        let scored: Vec<Wording> =
            wordings.iter().map(|(text, encoding)| self.score(plan, text, encoding)).collect();
        let candidates: BTreeSet<usize> = scored.iter().flat_map(|wording| self.best_of(wording)).collect();
        let candidates: Vec<usize> = candidates.into_iter().collect();
        let full: Vec<Vec<f32>> =
            scored.iter().map(|wording| self.full_scores(wording, &candidates)).collect();
        let fused = fuse(&full, self.recipe.gates_rephrasings);
        let mut ranked: Vec<Scored> = candidates.iter().copied().zip(fused).collect();
        sort(&mut ranked);
        let mut ranked = spread(ranked, self.recipe.chunks_per_document, |chunk| self.document_of[chunk]);
        let head: Vec<usize> = ranked.iter().take(HEAD).map(|(chunk, _)| *chunk).collect();
        let evidence = self.evidence(&scored, &head);
        if ranked.len() < wanted {
            ranked.extend(self.rest(&scored, &candidates));
        }
        let scaled = ranked.into_iter().map(|(chunk, score)| (chunk, score / self.recipe.full_score));
        Ranked { chunks: falling(scaled), evidence }
    }

    /// What speaks for the chunks at the head of the ranking, as the mean of all wordings.
    fn evidence(&self, scored: &[Wording], head: &[usize]) -> Evidence {
        let signs: Vec<&[u64]> = head.iter().map(|chunk| self.index.tokens().signs(*chunk)).collect();
        let mean =
            |of: &dyn Fn(usize) -> f32| (0..scored.len()).map(of).sum::<f32>() / scored.len().max(1) as f32;
        let nearest =
            |dense: &Dense| head.iter().map(|chunk| dense.score(self.index, *chunk)).fold(0.0, f32::max);
        let meaning = |number: usize| {
            let late = scored[number].late.as_ref();
            late.map_or_else(|| nearest(&scored[number].dense), |late| late.met_by(&signs))
        };
        let document = |number: usize| {
            let wording = &scored[number];
            match &wording.documents {
                Documents::All(cosines) => cosines.iter().copied().fold(0.0, f32::max),
                Documents::Each(_) => {
                    wording.pool.iter().map(|chunk| self.document(wording, *chunk)).fold(0.0, f32::max)
                }
            }
        };
        let missed = |number: usize| self.index.lexical().missed(&scored[number].names, head);
        Evidence { meaning: mean(&meaning), document: mean(&document), missed: mean(&missed) }
    }

    fn score(&self, plan: Plan<'_>, text: &str, encoding: &Encoding) -> Wording {
        let vectors = self.index.vectors();
        let question = encoding.pooled.as_slice();
        let lexical = self.index.lexical().scores(&self.index.lexical().query_terms(text));
        let dense = plan.view(self.index, question, self.admitted.as_deref());
        let (pool, documents) = match &dense {
            Dense::All(_) => {
                let all = (0..self.index.chunk_count()).filter(|chunk| self.is_admitted(*chunk));
                (all.collect(), Documents::All(vectors.scan_documents(&Question::new(question.to_vec()))))
            }
            Dense::Near { found, .. } => {
                (self.pool(found, &lexical), Documents::Each(Question::new(question.to_vec())))
            }
        };
        let late = LateQuery::new(encoding, self.index.tokens());
        Wording { lexical, dense, documents, pool, names: names(text), late }
    }

    /// What the graph found, and as many of the best by words: a chunk that is good enough by both
    /// views together is among the best of one.
    fn pool(&self, found: &[usize], lexical: &[f32]) -> Vec<usize> {
        let matching: Vec<usize> =
            (0..lexical.len()).filter(|chunk| lexical[*chunk] > 0.0 && self.is_admitted(*chunk)).collect();
        let values: Vec<f32> = matching.iter().map(|chunk| lexical[*chunk]).collect();
        let by_words = top(&values, found.len()).into_iter().map(|place| matching[place]);
        let pool: BTreeSet<usize> = found.iter().copied().chain(by_words).collect();
        pool.into_iter().collect()
    }

    /// The score of a chunk before late interaction.
    fn first(&self, wording: &Wording, chunk: usize) -> f32 {
        self.recipe.dense.part(wording.dense.score(self.index, chunk))
            + self.recipe.lexical.part(wording.lexical[chunk])
            + self.recipe.document.part(self.document(wording, chunk))
    }

    /// The cosine with the mean of a chunk's document.
    fn document(&self, wording: &Wording, chunk: usize) -> f32 {
        let document = self.document_of[chunk] as usize;
        match &wording.documents {
            Documents::All(scores) => scores[document],
            Documents::Each(question) => self.index.vectors().score_document(question, document),
        }
    }

    fn is_admitted(&self, chunk: usize) -> bool {
        self.admitted.as_ref().is_none_or(|admitted| admitted[chunk])
    }

    /// Filters apply before the best are taken, so that a narrow one still finds its own best.
    fn best_of(&self, wording: &Wording) -> Vec<usize> {
        let values: Vec<f32> = wording.pool.iter().map(|chunk| self.first(wording, *chunk)).collect();
        top(&values, self.recipe.candidates).into_iter().map(|place| wording.pool[place]).collect()
    }

    /// The scores of `candidates` with late interaction.
    fn full_scores(&self, wording: &Wording, candidates: &[usize]) -> Vec<f32> {
        let score = |chunk: &usize| {
            let first = self.first(wording, *chunk);
            match &wording.late {
                Some(late) => {
                    let interaction = late.score(self.index.tokens().signs(*chunk));
                    let dense = wording.dense.score(self.index, *chunk);
                    let seen_twice = self.recipe.late_takes_over * self.recipe.dense.part(dense);
                    first + self.recipe.late.part(interaction) - seen_twice
                }
                None => first,
            }
        };
        candidates.iter().map(score).collect()
    }

    /// What is admitted and no candidate, by the question's own first score, below the candidates.
    fn rest(&self, scored: &[Wording], candidates: &[usize]) -> Vec<Scored> {
        let Some(question) = scored.first() else { return Vec::new() };
        let is_rest = |chunk: &usize| candidates.binary_search(chunk).is_err();
        let rest = question.pool.iter().copied().filter(is_rest);
        let mut rest: Vec<Scored> = rest.map(|chunk| (chunk, self.first(question, chunk))).collect();
        sort(&mut rest);
        rest
    }
}

/// Best first; equal scores in the order of the chunks, so that a question has one answer.
fn sort(ranked: &mut [Scored]) {
    ranked
        .sort_unstable_by(|first, second| second.1.total_cmp(&first.1).then_with(|| first.0.cmp(&second.0)));
}

/// The same order, with scores that never rise down the list: what was put off for another document
/// is worth no more than what it made way for, also to a reader who sorts by score.
fn falling(ranked: impl Iterator<Item = Scored>) -> Vec<Scored> {
    let mut least = f32::INFINITY;
    ranked
        .map(|(chunk, score)| {
            least = least.min(score);
            (chunk, least)
        })
        .collect()
}

/// The same chunks, where a document's chunks beyond the first `most` come after everything else.
fn spread(ranked: Vec<Scored>, most: usize, document_of: impl Fn(usize) -> u32) -> Vec<Scored> {
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let (mut first, rest): (Vec<Scored>, Vec<Scored>) = ranked.into_iter().partition(|(chunk, _)| {
        let count = taken.entry(document_of(*chunk)).or_default();
        *count += 1;
        *count <= most
    });
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_does_not_crowd_out_the_others() {
        let documents = [7, 7, 7, 8, 7, 9];
        let ranked: Vec<Scored> = (0..6).map(|chunk| (chunk, 1.0 - chunk as f32 / 10.0)).collect();
        let order: Vec<usize> =
            spread(ranked, 2, |chunk| documents[chunk]).iter().map(|(chunk, _)| *chunk).collect();
        assert_eq!(order, [0, 1, 3, 5, 2, 4]);
    }

    #[test]
    fn scores_never_rise_down_the_list() {
        let ranked = falling([(0, 3.0), (1, 1.0), (2, 2.0)].into_iter());
        assert_eq!(ranked.iter().map(|(chunk, _)| *chunk).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(ranked.is_sorted_by(|first, second| first.1 >= second.1));
    }
}
