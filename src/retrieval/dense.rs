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
    /// Admitted chunks that a search of the graph has to meet. A filter may keep just what lies far from the
    /// question: then each that it admits is compared.
    least: usize,
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
        Self { graph, least: candidates.min(admitted) }
    }

    /// Whether the graph is asked first.
    pub(super) fn asks_graph(self) -> bool {
        self.graph.is_some()
    }

    /// The dense view of `question`, a unit vector.
    pub(super) fn view(self, index: &Index, question: &[f32], admitted: Option<&[bool]>) -> Dense {
        let vectors = index.vectors();
        let centred = vectors.centred(question);
        let is_admitted = |chunk: usize| admitted.is_none_or(|admitted| admitted[chunk]);
        if let Some((graph, effort)) = self.graph {
            let met = graph.search(vectors, &centred, effort).into_iter();
            let found: Vec<Scored> = met.filter(|(chunk, _)| is_admitted(*chunk)).collect();
            if found.len() >= self.least {
                return Dense::Near(Near { found, question: QuestionCodes::new(question), centred });
            }
        }
        match admitted {
            None => Dense::All(vectors.scan(&centred)),
            Some(admitted) => Dense::All(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Embedder as _, HashingEmbedder, Role};
    use crate::index::{GraphSettings, IndexBuilder, Root};
    use crate::progress::Silent;

    /// An index with a graph of pages about keys, and after them as many about sailing.
    fn of_two_subjects(embedder: &HashingEmbedder) -> (tempfile::TempDir, Index) {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        for (subject, words) in [("keys", "rotate the signing key"), ("sailing", "trim the main sail")] {
            std::fs::create_dir_all(source.join(subject)).unwrap();
            for number in 0..30 {
                let text = format!("# Page {number}\n\n{words} {subject}{number}\n");
                std::fs::write(source.join(format!("{subject}/{number:02}.md")), text).unwrap();
            }
        }
        let index = folder.path().join("index");
        let builder = IndexBuilder {
            graph: GraphSettings { from: 1, ..GraphSettings::default() },
            ..IndexBuilder::new(index.clone(), vec![Root::at(source)], embedder, &Silent)
        };
        builder.build().unwrap();
        (folder, Index::open(&index).unwrap())
    }

    #[test]
    fn a_filter_that_keeps_what_is_far_off_finds_all_the_same() {
        let embedder = HashingEmbedder::default();
        let (_folder, index) = of_two_subjects(&embedder);
        let question = embedder.encode("rotate the signing key", Role::Query).unwrap().pooled;
        let ask = |least, admitted: &[bool]| {
            let plan = Plan { graph: index.graph().map(|graph| (graph, 16)), least };
            plan.view(&index, question.as_slice(), Some(admitted))
        };
        let (keys, sailing): (Vec<bool>, Vec<bool>) = (0..60).map(|chunk| (chunk < 30, chunk >= 30)).unzip();
        match ask(10, &keys) {
            Dense::Near(near) => {
                assert!(near.found.len() >= 10 && near.found.iter().all(|(chunk, _)| keys[*chunk]));
            }
            Dense::All(_) => panic!("the graph leads to what is asked for"),
        }
        match ask(10, &sailing) {
            Dense::All(scores) => assert!((0..60).all(|chunk| (scores[chunk] > UNMET) == sailing[chunk])),
            Dense::Near(near) => panic!("{} of 10 were met", near.found.len()),
        }
    }
}
