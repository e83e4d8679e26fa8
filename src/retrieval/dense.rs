//! The dense view of a question: every chunk compared, or those that the graph leads to.

use super::fusion::{Scored, top};
use crate::index::{CentredQuestion, Graph, Index, QuestionCodes};

/// Keeping one more chunk in a search of a graph costs as much as comparing with this many in a row: the lists
/// have to be read and the vectors lie anywhere. Measured with 100,000 chunks: `docs/index-performance.md`.
const GRAPH_STEP: usize = 32;
/// What stands for the cosine of a chunk that a search did not meet: the least there is.
pub(super) const UNMET: f32 = -1.0;

/// A question's centred cosines.
pub(super) enum Dense {
    /// With every chunk; with the admitted ones only, where not all are.
    All(Vec<f32>),
    /// With those that are asked for.
    Near(Near),
}

/// What a graph led to.
pub(super) struct Near {
    /// The question, for the cosines with chunks.
    pub(super) centred: CentredQuestion,
    /// The same for the cosines with documents.
    pub(super) question: QuestionCodes,
    /// The admitted chunks that the graph led to, with their cosines, best first.
    pub(super) found: Vec<Scored>,
}

/// Whether to ask the graph, and how.
#[derive(Clone, Copy)]
pub(super) struct Plan<'index> {
    graph: Option<(&'index Graph, usize)>,
}

impl<'index> Plan<'index> {
    /// A plan for `wanted` hits, taken from `candidates` of the `admitted` chunks. The graph is asked where
    /// the index has one, unless the ranking goes deeper than its search, or the filter leaves so few
    /// chunks that comparing each is cheaper than looking for them among all.
    pub(super) fn new(index: &'index Index, admitted: usize, wanted: usize, candidates: usize) -> Self {
        let graph = index.graph().zip(index.manifest().graph).and_then(|(graph, summary)| {
            let effort = summary.ef_search.max(candidates);
            // Of what a search meets, only the admitted share counts.
            let widened = effort.saturating_mul(index.chunk_count()).div_ceil(admitted.max(1));
            let is_cheaper = widened.saturating_mul(GRAPH_STEP) < admitted || admitted == index.chunk_count();
            (wanted <= candidates && is_cheaper).then_some((graph, widened))
        });
        Self { graph }
    }

    /// The dense view of `question`, a unit vector.
    pub(super) fn view(self, index: &Index, question: &[f32], admitted: Option<&[bool]>) -> Dense {
        let vectors = index.vectors();
        let centred = vectors.centred(question);
        let is_admitted = |chunk: usize| admitted.is_none_or(|admitted| admitted[chunk]);
        match (self.graph, admitted) {
            (Some((graph, effort)), _) => {
                let met = graph.search(vectors, &centred, effort).into_iter();
                let found = met.filter(|(chunk, _)| is_admitted(*chunk)).collect();
                Dense::Near(Near { found, question: QuestionCodes::new(question), centred })
            }
            (None, None) => Dense::All(vectors.scan(&centred)),
            (None, Some(admitted)) => Dense::All(
                admitted
                    .iter()
                    .enumerate()
                    .map(|(chunk, admitted)| if *admitted { vectors.score(&centred, chunk) } else { UNMET })
                    .collect(),
            ),
        }
    }
}

/// The chunks nearest to `question`, a unit vector, with their centred cosines, best first.
pub(super) fn nearest(index: &Index, question: &[f32], count: usize) -> Vec<Scored> {
    match Plan::new(index, index.chunk_count(), count, count).view(index, question, None) {
        Dense::All(scores) => top(&scores, count).into_iter().map(|chunk| (chunk, scores[chunk])).collect(),
        Dense::Near(near) => near.found.into_iter().take(count).collect(),
    }
}
