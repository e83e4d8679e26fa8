//! The graph for approximate search: its upper layers built by `hnsw_rs`, its lowest by ours, audited,
//! measured, frozen into flat arrays, and searched there by our own code. An index has one from
//! [`GraphSettings::from`] chunks on; below that, a question is compared with every chunk, which misses
//! nothing.

mod audit;
mod exact;
mod hierarchy;
mod layers;
mod lowest;
mod recall;
mod rows;
mod search;
mod twins;

use serde::{Deserialize, Serialize};

use self::layers::{Arrays, Layers, Lists};
use self::lowest::Insertion;
use self::recall::{DEPTH, Sample};
use self::rows::ByteRows;
use self::search::Scores;
use self::twins::Twins;
use super::centred::{CentredQuestion, CodeRows};
use super::failure::{BuildError, OpenError};
use super::manifest::Manifest;
use super::storage::{ArrayWriter, MappedFile};
use super::vectors::{VectorArrays, Vectors};
use crate::progress::{Progress, Unit};

pub(super) use self::exact::ExactVectors;
pub(super) use self::layers::KIND;

/// What every graph has to reach, on the sample of its own build.
pub const RECALL: f64 = 0.99;
/// The most a search may look at to reach it, before the graph is built anew with more effort.
const MOST_EF_SEARCH: usize = 2_048;
/// How often it is built anew, with twice the effort each time.
const REBUILDS: u32 = 2;

/// When and how a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphSettings {
    /// Number of chunks from which an index has a graph.
    pub from: usize,
    /// Connections of a node (M); twice as many in the lowest layer. At most 128.
    pub connections: usize,
    /// How many nodes an insertion looks at.
    pub ef_construction: usize,
    /// How many nodes a search keeps, at least.
    pub ef_search: usize,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self { from: 20_000, connections: 16, ef_construction: 200, ef_search: 256 }
    }
}

impl GraphSettings {
    /// Whether an index of so many chunks has a graph.
    pub(super) fn wants(&self, chunks: usize) -> bool {
        chunks >= self.from.max(1)
    }

    /// Whether an index has the graph that these settings would build for it, or none if they would not.
    pub(super) fn fits(&self, manifest: &Manifest) -> bool {
        match &manifest.graph {
            Some(graph) => {
                self.wants(manifest.counts.chunks)
                    && graph.connections == self.connections
                    && graph.ef_construction >= self.ef_construction
                    && graph.ef_search >= self.ef_search
            }
            None => !self.wants(manifest.counts.chunks),
        }
    }
}

/// What the manifest says of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GraphSummary {
    /// Connections of a node (M).
    pub connections: usize,
    /// How many nodes an insertion looked at.
    pub ef_construction: usize,
    /// How many nodes a search keeps.
    pub ef_search: usize,
    /// The share of the ten best chunks that searches of a sample found, against exact search in `f32`.
    pub recall_at_10: f64,
    /// Questions of that sample.
    pub questions: usize,
    /// Chunks that nothing led to after the build, and that were linked in.
    pub orphans_linked: usize,
}

/// A graph that could not be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// The builder gave up.
    #[error("the graph's builder stopped after {inserted} of {chunks} chunks")]
    Builder {
        /// Nodes that are in.
        inserted: usize,
        /// Nodes there should be.
        chunks: usize,
    },
    /// More chunks than a graph has numbers for.
    #[error("{chunks} chunks are more than a graph can have, {most}")]
    TooMany {
        /// How many there are.
        chunks: usize,
        /// How many there may be.
        most: usize,
    },
    /// Orphans that could not be linked in.
    #[error("{left} of {chunks} chunks cannot be reached in the graph, after linking {linked}")]
    Unreachable {
        /// Orphans that are left.
        left: usize,
        /// Orphans at first.
        linked: usize,
        /// All nodes.
        chunks: usize,
    },
    /// Too little is found.
    #[error(
        "the graph finds {found:.4} of the ten best chunks, less than {RECALL}, with ef_construction {ef_construction} and ef_search {ef_search}"
    )]
    Recall {
        /// The share found.
        found: f64,
        /// The effort of the last build.
        ef_construction: usize,
        /// The effort of the last search.
        ef_search: usize,
    },
}

impl GraphError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        "index fewer documents, or compare every question with every chunk: `docent index --graph-from 4000000000`"
            .into()
    }
}

/// A graph that was built, audited and measured, still to be written.
pub(super) struct BuiltGraph {
    arrays: Arrays,
    pub(super) summary: GraphSummary,
}

impl BuiltGraph {
    pub(super) fn encode(&self) -> ArrayWriter<'static> {
        self.arrays.encode()
    }
}

/// What a graph is built over.
pub(super) struct GraphBuilder<'work> {
    pub(super) settings: GraphSettings,
    /// The vectors as the encoder made them: the truth that recall is measured by.
    pub(super) exact: &'work ExactVectors,
    /// The same as they are kept and searched.
    pub(super) vectors: &'work VectorArrays,
    pub(super) threads: usize,
    pub(super) progress: &'work dyn Progress,
}

impl GraphBuilder<'_> {
    /// The graph, where the settings want one for so many vectors.
    pub(super) fn build(&self) -> Result<Option<BuiltGraph>, BuildError> {
        let chunks = self.vectors.len();
        if !self.settings.wants(chunks) {
            return Ok(None);
        }
        if chunks > layers::MOST_NODES {
            return Err(GraphError::TooMany { chunks, most: layers::MOST_NODES }.into());
        }
        let rows = ByteRows::new(self.vectors);
        let twins = Twins::of(&rows);
        let sample = Sample::new(self.exact, self.vectors, self.threads)?;
        let mut settings = self.settings;
        for _ in 0..REBUILDS {
            match self.attempt(&settings, &rows, &twins, &sample) {
                Err(BuildError::Graph(GraphError::Recall { .. })) => settings.ef_construction *= 2,
                done => return done.map(Some),
            }
        }
        self.attempt(&settings, &rows, &twins, &sample).map(Some)
    }

    fn attempt(
        &self,
        settings: &GraphSettings,
        rows: &ByteRows,
        twins: &Twins,
        sample: &Sample,
    ) -> Result<BuiltGraph, BuildError> {
        let above = hierarchy::nodes_above(rows.len(), settings.connections, twins);
        let mut lists = hierarchy::build(rows, &above, settings, self.threads)?;
        self.progress.begin("building the graph", Some(rows.len() as u64), Unit::Chunks);
        let insertion = Insertion {
            rows,
            twins,
            connections: settings.connections,
            effort: settings.ef_construction,
            threads: self.threads,
        };
        insertion.run(&mut lists, self.progress);
        self.progress.finish();
        let orphans_linked = link(&mut lists, settings, rows)?;
        self.measure(&lists, settings, sample, orphans_linked)
    }

    /// The graph of `lists`, with the least effort of a search by which it finds enough.
    fn measure(
        &self,
        lists: &Lists,
        settings: &GraphSettings,
        sample: &Sample,
        orphans_linked: usize,
    ) -> Result<BuiltGraph, BuildError> {
        let arrays = lists.freeze();
        let mut ef_search = settings.ef_search.max(DEPTH);
        loop {
            let search = |question: &[f32]| {
                let question = self.vectors.centred(question);
                let scores = RowScores { question: &question, rows: self.vectors.rows() };
                let found = scores.search(&arrays.layers(), ef_search);
                found.iter().take(DEPTH).map(|(node, _)| self.exact_score(&question, *node)).collect()
            };
            let found = sample.recall(self.threads, search)?;
            if found >= RECALL {
                let summary = GraphSummary {
                    connections: settings.connections,
                    ef_construction: settings.ef_construction,
                    ef_search,
                    // Down to four decimals: exact in JSON, and never more than was found.
                    recall_at_10: (found * 1e4).floor() / 1e4,
                    questions: sample.questions.len(),
                    orphans_linked,
                };
                return Ok(BuiltGraph { arrays, summary });
            }
            if ef_search >= MOST_EF_SEARCH {
                let ef_construction = settings.ef_construction;
                return Err(GraphError::Recall { found, ef_construction, ef_search }.into());
            }
            ef_search = (ef_search + ef_search / 2).min(MOST_EF_SEARCH);
        }
    }

    /// What exact search in `f32` says of a node.
    fn exact_score(&self, question: &CentredQuestion, node: u32) -> Result<f32, BuildError> {
        let vector = self.exact.row(node as usize)?;
        Ok(question.exact_score(&vector, self.vectors.rows().scales[node as usize][1]))
    }
}

fn link(lists: &mut Lists, settings: &GraphSettings, rows: &ByteRows) -> Result<usize, GraphError> {
    let width = 2 * settings.connections;
    let audit = audit::link_orphans(lists, width, |node| rows.seen_from(node));
    if audit.left > 0 {
        return Err(GraphError::Unreachable { left: audit.left, linked: audit.linked, chunks: rows.len() });
    }
    Ok(audit.linked)
}

/// The graph of a generation, read in place.
pub struct Graph {
    file: MappedFile,
}

impl Graph {
    pub(super) fn open(file: MappedFile, chunks: usize) -> Result<Self, OpenError> {
        Layers::read(&file, chunks)?;
        Ok(Self { file })
    }

    /// Whether the entry leads to every chunk, for `docent doctor --deep`: a search never finds the others.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let reached = audit::reachable(&Layers::read_again(&self.file));
        match reached.iter().filter(|reached| !**reached).count() {
            0 => Ok(()),
            left => Err(OpenError::damaged(
                self.file.path(),
                format!("{left} of {} chunks cannot be reached in it", reached.len()),
            )),
        }
    }

    /// The chunks that a search keeping `effort` of them finds, with their centred cosines, best first.
    #[must_use]
    pub fn search(&self, vectors: &Vectors, question: &CentredQuestion, effort: usize) -> Vec<(usize, f32)> {
        let scores = RowScores { question, rows: vectors.rows() };
        let found = scores.search(&Layers::read_again(&self.file), effort);
        found.into_iter().map(|(node, score)| (node as usize, score)).collect()
    }
}

/// A question's view of the rows of an index.
struct RowScores<'index> {
    question: &'index CentredQuestion,
    rows: CodeRows<'index>,
}

impl RowScores<'_> {
    /// The nodes that a search by half of the bytes finds, scored by all of them, best first.
    fn search(&self, layers: &Layers<'_>, effort: usize) -> Vec<search::Found> {
        let mut found = search::best_first(layers, self, effort);
        for (node, score) in &mut found {
            *score = self.rows.score(self.question, *node as usize);
        }
        search::sort(&mut found);
        found
    }
}

impl Scores for RowScores<'_> {
    fn score(&self, node: u32) -> f32 {
        self.rows.coarse_score(self.question, node as usize)
    }

    fn prefetch(&self, node: u32) {
        self.rows.prefetch(node as usize);
    }
}

#[cfg(test)]
mod tests;
