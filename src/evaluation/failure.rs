//! What can go wrong when a retriever is evaluated, and what mends it.

use std::path::{Path, PathBuf};

use crate::retrieval::RetrievalError;

/// An evaluation or a comparison that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line that is not what the file should hold.
    #[error("`{}`, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What does not fit.
        reason: String,
        /// What a line should look like.
        layout: &'static str,
    },
    /// A folder without questions.
    #[error("no questions in `{}`: neither questions.jsonl nor queries.jsonl is there", path.display())]
    NotASet {
        /// The folder.
        path: PathBuf,
    },
    /// Questions without judgements.
    #[error("no judgements for `{}`: none of {} is there", path.display(), names(looked_for))]
    NoJudgements {
        /// The questions.
        path: PathBuf,
        /// Where judgements were looked for.
        looked_for: Vec<PathBuf>,
    },
    /// A part of a set that has none.
    #[error("`{}` has judgements in its questions, and no part `{split}`", path.display())]
    NoSplits {
        /// The set.
        path: PathBuf,
        /// The part that was asked for.
        split: String,
    },
    /// A set in which no question has a judgement.
    #[error("`{}` holds no question with a judgement", path.display())]
    NothingToEvaluate {
        /// The set.
        path: PathBuf,
    },
    /// A set that has no corpus to build an index from.
    #[error("there is nothing to build an index from: `{}` is not there", corpus.display())]
    NoCorpus {
        /// Where one was looked for.
        corpus: PathBuf,
    },
    /// There is no index to ask.
    #[error("no index in `{}`", folder.display())]
    NoIndex {
        /// Where one was looked for.
        folder: PathBuf,
    },
    /// The index that would be overwritten is of other documents.
    #[error("the index in `{}` holds other documents than `{}`", folder.display(), corpus.display())]
    OtherIndex {
        /// The index.
        folder: PathBuf,
        /// What was to be indexed.
        corpus: PathBuf,
    },
    /// Judgements about documents that are not indexed, all of them.
    #[error(
        "none of the {judged} judged documents is in the index: there is no `{example}`; the index has `{indexed}`"
    )]
    NothingIndexed {
        /// How many there are.
        judged: usize,
        /// One of them.
        example: String,
        /// A document that is there.
        indexed: String,
    },
    /// A file that is not the JSON of an evaluation.
    #[error("`{}` is not the JSON of an evaluation: {reason}", path.display())]
    NotAnEvaluation {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Two evaluations that have nothing to compare.
    #[error("the two evaluations have no question in common (`{}`, `{}`)", first.display(), second.display())]
    NothingInCommon {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A baseline over other questions.
    #[error("the baseline `{}` is over other questions: {missing} of its {total} were not asked now", path.display())]
    OtherQuestions {
        /// The baseline.
        path: PathBuf,
        /// How many of its questions are missing.
        missing: usize,
        /// How many it has.
        total: usize,
    },
    /// Figures that mean different things.
    #[error("`{}` was measured otherwise: {there}; now it is {here}", path.display())]
    MeasuredOtherwise {
        /// One evaluation.
        path: PathBuf,
        /// To which depth and from which grades on.
        there: String,
        /// The same of the other.
        here: String,
    },
    /// The index turned out to be damaged.
    #[error(transparent)]
    Index(RetrievalError),
    /// The retriever failed on a question.
    #[error("question `{id}`: {source}")]
    Retrieval {
        /// Its id.
        id: String,
        /// What happened.
        source: RetrievalError,
    },
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

impl EvaluationError {
    pub(super) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Unreadable { path: path.to_owned(), source }
    }

    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the spelling and the permissions".into(),
            Self::Line { layout, .. } => format!("a line looks like this: {layout}"),
            Self::NotASet { .. } => {
                "name a folder with questions.jsonl, or with queries.jsonl and qrels (BEIR), or a file of TREC topics with --qrels FILE".into()
            }
            Self::NoJudgements { .. } => "name the judgements with --qrels FILE".into(),
            Self::NoSplits { .. } => {
                "leave --split out: it is for BEIR folders; name other judgements with --qrels FILE".into()
            }
            Self::NothingToEvaluate { .. } => {
                "check that the ids of the judgements are those of the questions".into()
            }
            Self::NoCorpus { .. } => "name the documents with --corpus PATH".into(),
            Self::NoIndex { .. } => {
                "name its folder with --index DIR, or build one for this run: --build for the set's own corpus.jsonl, --corpus PATH for other documents".into()
            }
            Self::OtherIndex { .. } => {
                "name an empty or new folder with --index DIR, or leave --index out to build in a temporary one".into()
            }
            Self::NothingIndexed { .. } => {
                "index the folder that the judgements' paths are relative to".into()
            }
            Self::NotAnEvaluation { .. } => "write one with `docent eval SET --json FILE`".into(),
            Self::NothingInCommon { .. } => "compare two evaluations of the same set".into(),
            Self::OtherQuestions { .. } => "compare with a baseline of the same set".into(),
            Self::MeasuredOtherwise { .. } => "evaluate both with the same --limit and --relevant-from".into(),
            Self::Index(source) | Self::Retrieval { source, .. } => source.hint(),
        }
    }
}
