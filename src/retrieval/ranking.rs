//! From a question in one or several wordings to one ranking of chunks.

use std::collections::{BTreeSet, HashMap};

use super::confidence::{Evidence, HEAD, names};
use super::dense::{Dense, Near, Plan, UNMET};
use super::fusion::{Scored, best_first, fuse, gates, top_matches, top_of};
use super::late::LateQuery;
use super::phrase::Phrases;
use super::recipe::Recipe;
use super::scores::Scores;
use super::shape::is_question;
use super::stages::{Stage, Watch};
use crate::embedding::Encoding;
use crate::index::{Index, QuestionCodes, in_parallel};

/// Chunks that a thread takes at once for late interaction: about a tenth of a millisecond.
const SHARE: usize = 20;

/// From how many chunks on words and documents are looked at while chunks' vectors are compared: below, starting a
/// thread takes a good part of what it saves.
const SIDE_BY_SIDE_FROM: usize = 5_000;

/// What ranking needs to know of an index.
pub(super) struct Ranking<'index> {
    pub(super) index: &'index Index,
    /// The number of each chunk's document.
    pub(super) document_of: &'index [u32],
    /// The chunks that may be returned; all where `None`.
    pub(super) admitted: Option<Vec<bool>>,
    /// How the views become one score.
    pub(super) recipe: &'index Recipe,
    /// Threads for late interaction, which takes longest.
    pub(super) threads: usize,
}

/// One wording of the question, scored over all chunks, or over those that a graph led to and the best
/// by words.
pub(super) struct Wording {
    /// The chunks' scores before late interaction.
    pub(super) first: Scores,
    /// The dense view's values of the chunks.
    pub(super) dense: Scores,
    /// The lexical view's value of every chunk.
    pub(super) lexical: Vec<f32>,
    /// The document view's values of the documents.
    pub(super) documents: Scores,
    /// Whether it is a question in a sentence.
    pub(super) is_question: bool,
    /// The names in it.
    names: String,
    /// What it has in double quotes.
    pub(super) phrases: Phrases,
    pub(super) late: Option<LateQuery>,
    /// What scores further chunks, where not all are scored.
    near: Option<Near>,
}

/// A ranking, what speaks for its head, and what it was made of.
pub(super) struct Ranked {
    /// Best first.
    pub(super) chunks: Vec<Scored>,
    /// For each chunk that stands for others that say the same: those.
    pub(super) same: HashMap<usize, Vec<usize>>,
    pub(super) evidence: Evidence,
    pub(super) wordings: Vec<Wording>,
    /// How much each wording counts.
    pub(super) gates: Vec<f32>,
    /// The chunks that all views were scored for, in ascending order.
    pub(super) candidates: Vec<usize>,
    /// The candidates by score, before a document's further chunks were put off.
    pub(super) by_score: Vec<Scored>,
}

impl Ranking<'_> {
    /// At least `wanted` admitted chunks, as far as there are so many, best first. The candidates of
    /// all wordings come first, scored by all views; the rest follow by what was known of them
    /// before.
    pub(super) fn of(&self, wordings: &[(&str, Encoding)], wanted: usize, watch: &mut Watch) -> Ranked {
        let plan = self.plan(wanted);
        let mut wordings: Vec<Wording> =
            wordings.iter().map(|(text, encoding)| self.score(plan, text, encoding, watch)).collect();
        let candidates: Vec<usize> = watch.during(Stage::Combine, || {
            let of_each = wordings.iter().flat_map(|wording| self.top_admitted(wording.first.met()));
            let quoted = wordings.iter().flat_map(|wording| self.quoted(&wording.phrases));
            of_each.chain(quoted).collect::<BTreeSet<usize>>().into_iter().collect()
        });
        // What one wording found the others have to judge as well.
        watch.during(Stage::Combine, || {
            for wording in &mut wordings {
                self.score_more(wording, &candidates);
            }
        });
        let full: Vec<Vec<f32>> = watch.during(Stage::Late, || {
            wordings.iter().map(|wording| self.full_scores(wording, &candidates)).collect()
        });
        let (gates, by_score, mut ranked) = watch.during(Stage::Order, || {
            let gates = gates(&full, self.recipe.gates_rephrasings);
            let mut by_score: Vec<Scored> = candidates.iter().copied().zip(fuse(&full, &gates)).collect();
            by_score.sort_unstable_by(best_first);
            let ranked =
                spread(&by_score, |document| self.allowance(document), |chunk| self.document_of[chunk]);
            (gates, by_score, ranked)
        });
        let head: Vec<usize> = ranked.iter().take(HEAD).map(|(chunk, _)| *chunk).collect();
        let evidence = watch.during(Stage::Evidence, || self.evidence(&wordings, &head));
        let chunks = watch.during(Stage::Order, || {
            if ranked.len() < wanted {
                ranked.extend(self.rest(&wordings, &candidates));
            }
            falling(ranked.into_iter().map(|(chunk, score)| (chunk, score / self.recipe.full_score)))
        });
        Ranked { chunks, same: HashMap::new(), evidence, wordings, gates, candidates, by_score }
    }

    /// Chunks of this document that may stand among the first. The chunks of a document follow each
    /// other.
    pub(super) fn allowance(&self, document: u32) -> usize {
        let first = self.document_of.partition_point(|number| *number < document);
        let after = self.document_of.partition_point(|number| *number <= document);
        let share = (after - first) / self.recipe.chunks_per_page;
        self.recipe.chunks_per_document.max(share)
    }

    /// What speaks for the chunks at the head of the ranking, as the mean of all wordings.
    fn evidence(&self, wordings: &[Wording], head: &[usize]) -> Evidence {
        let signs: Vec<&[u64]> = head.iter().map(|chunk| self.index.tokens().signs(*chunk)).collect();
        let mean = |of: &dyn Fn(&Wording) -> f32| {
            wordings.iter().map(of).sum::<f32>() / wordings.len().max(1) as f32
        };
        let meaning = |wording: &Wording| match &wording.late {
            Some(late) => late.met_by(&signs),
            None => head.iter().map(|chunk| wording.dense.of(*chunk)).fold(0.0, f32::max),
        };
        let document = |wording: &Wording| self.best_document(wording);
        let passage = |wording: &Wording| head.first().map_or(0.0, |chunk| wording.dense.of(*chunk));
        let missed = |wording: &Wording| self.index.lexical().missed(&wording.names, head);
        Evidence {
            meaning: mean(&meaning),
            document: mean(&document),
            passage: mean(&passage),
            missed: mean(&missed),
        }
    }

    /// The document view's best value, at least 0, of the documents that an answer may come from.
    fn best_document(&self, wording: &Wording) -> f32 {
        let (Scores::All(documents), Some(admitted)) = (&wording.documents, &self.admitted) else {
            // Through a graph only documents of admitted chunks are met.
            return wording.documents.best();
        };
        let admitted = self.document_of.iter().zip(admitted).filter(|(_, admitted)| **admitted);
        admitted.map(|(document, _)| documents[*document as usize]).fold(0.0, f32::max)
    }

    /// Whether to ask the index's graph.
    fn plan(&self, wanted: usize) -> Plan<'_> {
        let admitted = self.admitted.as_ref().map_or(self.index.chunk_count(), |admitted| {
            admitted.iter().filter(|admitted| **admitted).count()
        });
        Plan::new(self.index, admitted, wanted, self.recipe.candidates)
    }

    /// The score of every chunk before late interaction, or of those that the graph led to.
    fn score(&self, plan: Plan<'_>, text: &str, encoding: &Encoding, watch: &mut Watch) -> Wording {
        let vectors = self.index.vectors();
        let query = encoding.pooled.as_slice();
        let scan_documents = || vectors.scan_documents(&QuestionCodes::new(query));
        let (view, (lexical, documents)) = watch.side_by_side(
            self.threads > 1 && self.index.chunk_count() >= SIDE_BY_SIDE_FROM,
            |watch| watch.during(Stage::Dense, || plan.view(self.index, query, self.admitted.as_deref())),
            |watch| {
                let by_words = self.index.lexical();
                let lexical = watch.during(Stage::Lexical, || by_words.scores(&by_words.query_terms(text)));
                let documents = (!plan.asks_graph()).then(|| watch.during(Stage::Document, scan_documents));
                (lexical, documents)
            },
        );
        let late = watch.during(Stage::Late, || LateQuery::new(encoding, self.index.tokens()));
        let (names, is_question, phrases) = (names(text), is_question(text), Phrases::of(text));
        match view {
            Dense::All(dense) => {
                let documents = documents.unwrap_or_else(|| watch.during(Stage::Document, scan_documents));
                let first = watch.during(Stage::Combine, || {
                    let views = dense.iter().zip(&lexical).zip(self.document_of);
                    let sum = |((dense, lexical), document): ((&f32, &f32), &u32)| {
                        self.combined(is_question, *dense, *lexical, documents[*document as usize])
                    };
                    views.map(sum).collect()
                });
                Wording {
                    first: Scores::All(first),
                    dense: Scores::All(dense),
                    lexical,
                    documents: Scores::All(documents),
                    is_question,
                    names,
                    phrases,
                    late,
                    near: None,
                }
            }
            Dense::Near(near) => watch.during(Stage::Combine, || {
                let pool = self.pool(&near.found, &lexical);
                let mut dense = Scores::none(UNMET);
                dense.meet(near.found.iter().copied());
                let mut wording = Wording {
                    first: Scores::none(f32::NEG_INFINITY),
                    dense,
                    lexical,
                    documents: Scores::none(UNMET),
                    is_question,
                    names,
                    phrases,
                    late,
                    near: Some(near),
                };
                self.score_more(&mut wording, &pool);
                wording
            }),
        }
    }

    /// Scores `chunks`, which come in ascending order, where they are not scored yet.
    fn score_more(&self, wording: &mut Wording, chunks: &[usize]) {
        let Some(near) = &wording.near else { return };
        let vectors = self.index.vectors();
        let fresh: Vec<usize> =
            chunks.iter().copied().filter(|chunk| !wording.first.is_met(*chunk)).collect();
        let unseen: Vec<usize> =
            fresh.iter().copied().filter(|chunk| !wording.dense.is_met(*chunk)).collect();
        wording.dense.meet(unseen.iter().copied().zip(vectors.scores(&near.centred, &unseen)));
        let mut documents: Vec<usize> = fresh.iter().map(|chunk| self.document_of[*chunk] as usize).collect();
        // A document's chunks stand together.
        documents.dedup();
        documents.retain(|document| !wording.documents.is_met(*document));
        let scores = vectors.document_scores(&near.question, &documents);
        wording.documents.meet(documents.into_iter().zip(scores));
        let first = |chunk: usize| {
            let document = wording.documents.of(self.document_of[chunk] as usize);
            let dense = wording.dense.of(chunk);
            (chunk, self.combined(wording.is_question, dense, wording.lexical[chunk], document))
        };
        let first: Vec<Scored> = fresh.iter().copied().map(first).collect();
        wording.first.meet(first);
    }

    /// What the graph found, and as many of the best by words: a chunk that is good enough by both
    /// views together is among the best of one.
    fn pool(&self, found: &[Scored], lexical: &[f32]) -> Vec<usize> {
        let by_words = top_matches(lexical, found.len(), |chunk| self.is_admitted(chunk));
        let mut pool: Vec<usize> = found.iter().map(|(chunk, _)| *chunk).chain(by_words).collect();
        pool.sort_unstable();
        pool.dedup();
        pool
    }

    /// The score of a chunk before late interaction.
    fn combined(&self, is_question: bool, dense: f32, lexical: f32, document: f32) -> f32 {
        let recipe = self.recipe;
        let lexical = recipe.lexical_for(is_question).part(lexical);
        recipe.dense.part(dense) + lexical + recipe.document.part(document)
    }

    pub(super) fn is_admitted(&self, chunk: usize) -> bool {
        self.admitted.as_ref().is_none_or(|admitted| admitted[chunk])
    }

    /// Filters apply before the best are taken, so that a narrow one still finds its own best.
    fn top_admitted(&self, scored: impl Iterator<Item = Scored>) -> Vec<usize> {
        top_of(scored.filter(|(chunk, _)| self.is_admitted(*chunk)), self.recipe.candidates)
    }

    /// The scores of `candidates` with late interaction.
    fn full_scores(&self, wording: &Wording, candidates: &[usize]) -> Vec<f32> {
        let first =
            |chunk: &usize| wording.first.of(*chunk) + self.recipe.phrase.part(self.phrase(wording, *chunk));
        let Some(late) = &wording.late else {
            return candidates.iter().map(first).collect();
        };
        let score = |chunk: &usize| {
            let interaction = late.score(self.index.tokens().signs(*chunk));
            let seen_twice = self.recipe.late_takes_over * self.recipe.dense.part(wording.dense.of(*chunk));
            first(chunk) + self.recipe.late.part(interaction) - seen_twice
        };
        let parts: Vec<&[usize]> = candidates.chunks(SHARE).collect();
        // The tokens of a chunk may lie anywhere: each is asked for while the one before it is looked at.
        let scores_of = |part: usize| {
            let chunks = parts[part];
            let score = |place: usize| {
                chunks.get(place + 1).into_iter().for_each(|next| self.index.tokens().prefetch(*next));
                score(&chunks[place])
            };
            (0..chunks.len()).map(score).collect::<Vec<f32>>()
        };
        in_parallel(parts.len(), self.threads, scores_of).concat()
    }

    /// The share of a wording's quoted phrases that a chunk has word for word; 0 where it has none.
    pub(super) fn phrase(&self, wording: &Wording, chunk: usize) -> f32 {
        if wording.phrases.is_empty() {
            return 0.0;
        }
        // A damaged record is met, and told, by whoever reads the hit.
        self.index.chunk(chunk).map_or(0.0, |stored| wording.phrases.found_in(&stored.chunk.text))
    }

    /// The chunks with a quoted phrase, among those that its words lead to.
    fn quoted(&self, phrases: &Phrases) -> Vec<usize> {
        let lexical = self.index.lexical();
        let leads = |phrase: &str| {
            let scores = lexical.scores(&lexical.query_terms(phrase));
            self.top_admitted(scores.into_iter().enumerate())
        };
        let led_to = phrases.iter().flat_map(leads);
        led_to
            .filter(|chunk| {
                let stored = self.index.chunk(*chunk);
                stored.is_ok_and(|stored| phrases.found_in(&stored.chunk.text) > 0.0)
            })
            .collect()
    }

    /// What is admitted and no candidate, by the question's own first score, below the candidates.
    fn rest(&self, scored: &[Wording], candidates: &[usize]) -> Vec<Scored> {
        let Some(question) = scored.first() else { return Vec::new() };
        let is_rest =
            |(chunk, _): &Scored| self.is_admitted(*chunk) && candidates.binary_search(chunk).is_err();
        let mut rest: Vec<Scored> = question.first.met().filter(is_rest).collect();
        rest.sort_unstable_by(best_first);
        rest
    }
}

/// The same chunks, with scores that never rise down the list: what was put off for another document
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

/// The same chunks, where a document's chunks beyond its allowance come after everything else.
fn spread(
    ranked: &[Scored],
    allowance: impl Fn(u32) -> usize,
    document_of: impl Fn(usize) -> u32,
) -> Vec<Scored> {
    let mut left: HashMap<u32, usize> = HashMap::new();
    let (mut first, rest): (Vec<Scored>, Vec<Scored>) = ranked.iter().partition(|(chunk, _)| {
        let document = document_of(*chunk);
        let left = left.entry(document).or_insert_with(|| allowance(document));
        let is_allowed = *left > 0;
        *left = left.saturating_sub(1);
        is_allowed
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
            spread(&ranked, |document| if document == 7 { 2 } else { 1 }, |chunk| documents[chunk])
                .iter()
                .map(|(chunk, _)| *chunk)
                .collect();
        assert_eq!(order, [0, 1, 3, 5, 2, 4]);
    }

    #[test]
    fn scores_never_rise_down_the_list() {
        let ranked = falling([(0, 3.0), (1, 1.0), (2, 2.0)].into_iter());
        assert_eq!(ranked.iter().map(|(chunk, _)| *chunk).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(ranked.is_sorted_by(|first, second| first.1 >= second.1));
    }
}
