//! The recipe of a ranking: every constant that decides on the order of answers, with its reason.
//!
//! Each view has the same spread over the chunks of a corpus whatever the corpus (measured on three:
//! developer documentation, abstracts, mixed technical documentation), so that dividing by that
//! spread puts them on one scale without looking at the question's other candidates: a score then
//! means the same for every question. Adding scores keeps what rank fusion throws away, by how much
//! the best stands out. The spreads of the two views that a model makes are the model's own.

use std::fmt;

use crate::embedding::Spreads;

/// A view's share of the score, and the standard deviation of its values over chunks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub(super) share: f32,
    pub(super) spread: f32,
}

impl View {
    /// What a value of this view adds to the score.
    pub(super) fn part(self, value: f32) -> f32 {
        self.share * value / self.spread
    }

    fn without(self) -> Self {
        Self { share: 0.0, ..self }
    }
}

/// The shares of the views that rest on pooled vectors, and the full score, where no trained token vectors stand
/// beside them.
const DENSE_ALONE: f32 = 1.0;
const DOCUMENT_ALONE: f32 = 0.25;
const FULL_SCORE: f32 = 30.0;

/// How a question's views become one ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Late interaction: the best single view of all.
    pub(super) late: View,
    /// The centred cosine of the pooled vectors.
    pub(super) dense: View,
    /// The part of the dense view's share that late interaction replaces where it runs: both see
    /// the same meaning, and counting it twice would drown the words.
    pub(super) late_takes_over: f32,
    /// BM25F as a share of its maximum, which is on one scale by itself.
    pub(super) lexical: View,
    /// The same for a question in a sentence, which is in the asker's own words: measured on
    /// questions about documentation, shares of 0 to 5 can hardly be told from each other, and those of claims and
    /// keywords are too much. It keeps words that must be there, such as names, from being overlooked.
    pub(super) lexical_of_questions: View,
    /// The cosine of the question and its document's mean vector.
    pub(super) document: View,
    /// The share of the phrases in double quotes that a chunk has word for word: with all of them it
    /// gains a fifth of the scale. Chosen, not measured: few questions have any.
    pub(super) phrase: View,
    /// How many chunks late interaction looks at. Few good answers come from further down, and the
    /// time is a part of a millisecond for each hundred.
    pub(super) candidates: usize,
    /// Chunks of one document that may stand among the first before other documents had their turn.
    pub(super) chunks_per_document: usize,
    /// Where a document has more chunks than this for each of them, more of it may: a book in one
    /// file is many pages, and what is asked of it stands in several.
    pub(super) chunks_per_page: usize,
    /// Whether a wording counts only as far as the others agree with it; in full where not.
    pub(super) gates_rephrasings: bool,
    /// Scores are shown divided by this: 1 is about what a passage gets that is the question itself.
    pub(super) full_score: f32,
}

impl Recipe {
    /// The recipe for a model whose similarities differ this much. Beside trained token vectors the two views
    /// that rest on pooled ones have less to add and count half or less (docs/ablation.md); a model without such
    /// training would lose by it.
    #[must_use]
    pub fn for_spreads(spreads: Spreads) -> Self {
        let (dense, document, full_score) = if spreads.late_is_trained {
            (0.5, 0.1, 26.0)
        } else {
            (DENSE_ALONE, DOCUMENT_ALONE, FULL_SCORE)
        };
        Self {
            late: View { share: 1.0, spread: spreads.late },
            dense: View { share: dense, spread: spreads.dense },
            late_takes_over: 0.5,
            lexical: View { share: 9.0, spread: 1.0 },
            lexical_of_questions: View { share: 4.0, spread: 1.0 },
            document: View { share: document, spread: 0.1 },
            phrase: View { share: 6.0, spread: 1.0 },
            candidates: 200,
            chunks_per_document: 2,
            chunks_per_page: 16,
            gates_rephrasings: true,
            full_score,
        }
    }

    /// The words' view for a wording of this shape.
    pub(super) fn lexical_for(&self, is_question: bool) -> View {
        if is_question { self.lexical_of_questions } else { self.lexical }
    }

    /// The same recipe without one of its parts.
    #[must_use]
    pub fn without(self, part: Part) -> Self {
        match part {
            Part::Late => Self {
                late: self.late.without(),
                late_takes_over: 0.0,
                dense: View { share: DENSE_ALONE, ..self.dense },
                document: View { share: DOCUMENT_ALONE, ..self.document },
                full_score: FULL_SCORE,
                ..self
            },
            Part::Dense => Self { dense: self.dense.without(), ..self },
            Part::Lexical => Self {
                lexical: self.lexical.without(),
                lexical_of_questions: self.lexical_of_questions.without(),
                ..self
            },
            Part::Document => Self { document: self.document.without(), ..self },
            Part::Spread => Self { chunks_per_document: usize::MAX, ..self },
            Part::Gate => Self { gates_rephrasings: false, ..self },
        }
    }
}

/// A part of the ranking that can be left out, to see what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Late interaction.
    Late,
    /// The pooled vectors.
    Dense,
    /// The words.
    Lexical,
    /// The document as a whole.
    Document,
    /// Putting off a document's further chunks.
    Spread,
    /// Doubting wordings that no other wording agrees with.
    Gate,
}

impl Part {
    /// Every part, in the order of the manual.
    pub const ALL: [Self; 6] =
        [Self::Late, Self::Dense, Self::Lexical, Self::Document, Self::Spread, Self::Gate];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Dense => "dense",
            Self::Lexical => "lexical",
            Self::Document => "document",
            Self::Spread => "spread",
            Self::Gate => "gate",
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_with_wider_similarities_gets_the_same_scores() {
        let usual = Recipe::for_spreads(Spreads::default());
        let wide = Recipe::for_spreads(Spreads { dense: 0.22, late: 0.106, late_is_trained: false });
        assert!((usual.dense.part(0.3) - wide.dense.part(0.6)).abs() < 1e-6);
        assert!((usual.late.part(0.3) - wide.late.part(0.6)).abs() < 1e-6);
        assert_eq!(usual.lexical, wide.lexical);
    }

    #[test]
    fn trained_token_vectors_count_for_more_beside_pooled_ones() {
        let usual = Recipe::for_spreads(Spreads::default());
        let trained = Recipe::for_spreads(Spreads { late_is_trained: true, ..Spreads::default() });
        assert!(trained.dense.part(0.3) < usual.dense.part(0.3));
        assert!(trained.document.part(0.3) < usual.document.part(0.3));
        assert_eq!((trained.late, trained.lexical), (usual.late, usual.lexical));
        assert_eq!(trained.without(Part::Late), usual.without(Part::Late), "nothing trained is left");
    }

    #[test]
    fn every_part_can_be_left_out_by_its_name() {
        let whole = Recipe::for_spreads(Spreads::default());
        for part in Part::ALL {
            assert_eq!(Part::named(part.name()), Some(part));
            assert_ne!(whole.clone().without(part), whole, "{part}");
        }
        assert_eq!(Part::named("hope"), None);
    }
}
