//! From a question in one or several wordings to one ranking of chunks.

use std::collections::{BTreeSet, HashMap};

use super::fusion::{CANDIDATES, DENSE, DOCUMENT, FULL_SCORE, LATE, LATE_TAKES_OVER, LEXICAL, top};
use super::late::LateQuery;
use crate::embedding::Encoding;
use crate::index::Index;

/// Chunks of one document that may stand among the first before other documents had their turn.
const CHUNKS_PER_DOCUMENT: usize = 2;

/// A chunk and its score, on the scale of [`FULL_SCORE`].
pub(super) type Scored = (usize, f32);

/// What ranking needs to know of an index.
pub(super) struct Ranking<'index> {
    pub(super) index: &'index Index,
    /// The number of each chunk's document.
    pub(super) document_of: &'index [u32],
    /// The chunks that may be returned; all where `None`.
    pub(super) admitted: Option<Vec<bool>>,
}

/// One wording of the question, scored over all chunks.
struct Wording {
    /// Every chunk's score before late interaction.
    first: Vec<f32>,
    /// The dense view's values.
    dense: Vec<f32>,
    late: Option<LateQuery>,
}

impl Ranking<'_> {
    /// At least `wanted` admitted chunks, as far as there are so many, best first. The candidates of
    /// all wordings come first, scored by all views; the rest follow by what was known of them
    /// before.
    pub(super) fn of(&self, wordings: &[(&str, Encoding)], wanted: usize) -> Vec<Scored> {
        let scored: Vec<Wording> =
            wordings.iter().map(|(text, encoding)| self.score(text, encoding)).collect();
        let candidates: BTreeSet<usize> =
            scored.iter().flat_map(|wording| self.top_admitted(&wording.first)).collect();
        let candidates: Vec<usize> = candidates.into_iter().collect();
        let full: Vec<Vec<f32>> =
            scored.iter().map(|wording| self.full_scores(wording, &candidates)).collect();
        let fused = fuse(&full);
        let mut ranked: Vec<Scored> = candidates.iter().copied().zip(fused).collect();
        sort(&mut ranked);
        let mut ranked = spread(ranked, |chunk| self.document_of[chunk]);
        if ranked.len() < wanted {
            ranked.extend(self.rest(&scored, &candidates));
        }
        ranked.into_iter().map(|(chunk, score)| (chunk, score / FULL_SCORE)).collect()
    }

    /// The score of every chunk before late interaction.
    fn score(&self, text: &str, encoding: &Encoding) -> Wording {
        let vectors = self.index.vectors();
        let query = encoding.pooled.as_slice();
        let dense = vectors.scan(query);
        let documents = vectors.scan_documents(query);
        let lexical = self.index.lexical().scores(&self.index.lexical().query_terms(text));
        let views = dense.iter().zip(&lexical).zip(self.document_of);
        let first = views
            .map(|((dense, lexical), document)| {
                DENSE.part(*dense) + LEXICAL.part(*lexical) + DOCUMENT.part(documents[*document as usize])
            })
            .collect();
        Wording { first, dense, late: LateQuery::new(encoding, self.index.tokens()) }
    }

    fn is_admitted(&self, chunk: usize) -> bool {
        self.admitted.as_ref().is_none_or(|admitted| admitted[chunk])
    }

    /// Filters apply before the best are taken, so that a narrow one still finds its own best.
    fn top_admitted(&self, scores: &[f32]) -> Vec<usize> {
        if self.admitted.is_none() {
            return top(scores, CANDIDATES);
        }
        let admitted: Vec<usize> = (0..scores.len()).filter(|chunk| self.is_admitted(*chunk)).collect();
        let values: Vec<f32> = admitted.iter().map(|chunk| scores[*chunk]).collect();
        top(&values, CANDIDATES).into_iter().map(|place| admitted[place]).collect()
    }

    /// The scores of `candidates` with late interaction.
    fn full_scores(&self, wording: &Wording, candidates: &[usize]) -> Vec<f32> {
        let score = |chunk: &usize| {
            let first = wording.first[*chunk];
            match &wording.late {
                Some(late) => {
                    let interaction = late.score(self.index.tokens().signs(*chunk));
                    first + LATE.part(interaction) - LATE_TAKES_OVER.part(wording.dense[*chunk])
                }
                None => first,
            }
        };
        candidates.iter().map(score).collect()
    }

    /// What is admitted and no candidate, by the question's own first score, below the candidates.
    fn rest(&self, scored: &[Wording], candidates: &[usize]) -> Vec<Scored> {
        let Some(question) = scored.first() else { return Vec::new() };
        let is_rest = |chunk: &usize| self.is_admitted(*chunk) && candidates.binary_search(chunk).is_err();
        let mut rest: Vec<Scored> =
            (0..question.first.len()).filter(is_rest).map(|chunk| (chunk, question.first[chunk])).collect();
        sort(&mut rest);
        rest
    }
}

/// Best first; equal scores in the order of the chunks, so that a question has one answer.
fn sort(ranked: &mut [Scored]) {
    ranked
        .sort_unstable_by(|first, second| second.1.total_cmp(&first.1).then_with(|| first.0.cmp(&second.0)));
}

/// The scores of all wordings in one. The question itself counts in full; another wording counts as
/// far as the others agree with what it puts first, so that a wrong guess at the answer cannot
/// drown the question.
fn fuse(wordings: &[Vec<f32>]) -> Vec<f32> {
    let Some((question, rephrasings)) = wordings.split_first() else { return Vec::new() };
    let standard: Vec<Vec<f32>> = wordings.iter().map(|scores| standardized(scores)).collect();
    let gates: Vec<f32> = (1..wordings.len()).map(|number| gate(&standard, number)).collect();
    let total = 1.0 + gates.iter().sum::<f32>();
    let fused = |chunk: usize| {
        let others = rephrasings.iter().zip(&gates).map(|(scores, gate)| gate * scores[chunk]);
        (question[chunk] + others.sum::<f32>()) / total
    };
    (0..question.len()).map(fused).collect()
}

/// How far the other wordings agree with what wording `number` puts first, 0 to 1.
fn gate(standard: &[Vec<f32>], number: usize) -> f32 {
    const HEAD: usize = 10;
    const NO_AGREEMENT: f32 = 0.25;
    const FULL_AGREEMENT: f32 = 0.60;
    let others = (standard.len() - 1) as f32;
    let opinion: Vec<f32> = (0..standard[number].len())
        .map(|chunk| {
            standard
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number)
                .map(|(_, z)| z[chunk])
                .sum::<f32>()
                / others
        })
        .collect();
    let mean = |chunks: &[usize]| {
        chunks.iter().map(|chunk| opinion[*chunk]).sum::<f32>() / chunks.len().max(1) as f32
    };
    let best = mean(&top(&opinion, HEAD));
    if best <= 0.0 {
        return 0.0;
    }
    let agreement = mean(&top(&standard[number], HEAD)) / best;
    ((agreement - NO_AGREEMENT) / (FULL_AGREEMENT - NO_AGREEMENT)).clamp(0.0, 1.0)
}

/// `scores` with mean 0 and standard deviation 1.
fn standardized(scores: &[f32]) -> Vec<f32> {
    let count = scores.len().max(1) as f32;
    let mean = scores.iter().sum::<f32>() / count;
    let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f32>() / count).sqrt().max(1e-6);
    scores.iter().map(|score| (score - mean) / deviation).collect()
}

/// The same chunks, where a document's further chunks come after everything else.
fn spread(ranked: Vec<Scored>, document_of: impl Fn(usize) -> u32) -> Vec<Scored> {
    let mut taken: HashMap<u32, usize> = HashMap::new();
    let (mut first, rest): (Vec<Scored>, Vec<Scored>) = ranked.into_iter().partition(|(chunk, _)| {
        let count = taken.entry(document_of(*chunk)).or_default();
        *count += 1;
        *count <= CHUNKS_PER_DOCUMENT
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
            spread(ranked, |chunk| documents[chunk]).iter().map(|(chunk, _)| *chunk).collect();
        assert_eq!(order, [0, 1, 3, 5, 2, 4]);
    }

    /// Scores over 100 chunks that are high for `best` only.
    fn peaked(best: std::ops::Range<usize>) -> Vec<f32> {
        (0..100)
            .map(
                |chunk| {
                    if best.contains(&chunk) {
                        10.0 + chunk as f32 / 100.0
                    } else {
                        (chunk % 7) as f32 / 10.0
                    }
                },
            )
            .collect()
    }

    #[test]
    fn a_wrong_guess_does_not_drown_the_question() {
        let question = peaked(0..10);
        let fused = fuse(&[question.clone(), peaked(50..60)]);
        assert_eq!(top(&fused, 10), top(&question, 10));
        assert!(gate(&[standardized(&question), standardized(&peaked(50..60))], 1) < 1e-6);
    }

    #[test]
    fn wordings_that_agree_count_in_full() {
        let wordings =
            [standardized(&peaked(0..10)), standardized(&peaked(0..10)), standardized(&peaked(2..12))];
        assert!((gate(&wordings, 1) - 1.0).abs() < 1e-6);
        assert!(gate(&wordings, 2) > 0.9);
    }

    #[test]
    fn one_wording_is_scored_as_it_is() {
        assert_eq!(fuse(&[vec![3.0, 1.0]]), [3.0, 1.0]);
        assert!(fuse(&[]).is_empty());
    }
}
