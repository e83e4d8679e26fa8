//! What is typed for `docent eval` and `docent compare`.

use std::path::PathBuf;

use clap::Args;

use crate::retrieval::Part;

/// `docent eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent eval questions/                             over the index that is there
  docent eval scifact/ --build                       over the set's own corpus.jsonl, indexed for it
  docent eval questions/ --corpus docs/              over documents indexed for this run
  docent eval questions/ --json now.json --html now.html --by kind
  docent eval questions/ --baseline now.json --tolerance 0.01
  docent eval topics.txt --qrels qrels.txt --run docent.run

SET is a folder with questions.jsonl (docent's own layout) or with queries.jsonl and qrels (BEIR), or
a file of questions or TREC topics. The manual's page on evaluation describes formats and measures.

Exit status: 0 done, 1 a measure fell below the baseline by more than the tolerance, 2 error.")]
pub(in crate::cli) struct EvalArguments {
    /// Questions with judged documents
    pub(in crate::cli) set: PathBuf,

    /// Index the set's own corpus.jsonl first, in --index DIR if that is given, else in a temporary folder
    #[arg(long)]
    pub(in crate::cli) build: bool,

    /// Index this folder or corpus.jsonl first, in place of the set's own
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) corpus: Option<PathBuf>,

    /// Judgements, in place of those beside the questions
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) qrels: Option<PathBuf>,

    /// Part of a BEIR set: the judgements in `qrels/NAME.tsv` [default: test]
    #[arg(long, value_name = "NAME", conflicts_with = "qrels")]
    pub(in crate::cli) split: Option<String>,

    /// Documents to rank for a question, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) limit: u16,

    /// Grade from which on a document is relevant to MAP, MRR and recall [default: 1]
    #[arg(long, value_name = "GRADE")]
    pub(in crate::cli) relevant_from: Option<i32>,

    /// Ask each question in the wordings of rephrasings.jsonl as well
    #[arg(long)]
    pub(in crate::cli) with_rephrasings: bool,

    /// Rank without this part, to see what it is worth; may be repeated
    #[arg(long, value_name = "PART", value_parser = part)]
    pub(in crate::cli) without: Vec<Part>,

    /// Vectors of the questions, a row each in the order of their file, for an index with imported vectors
    #[arg(long, value_name = "FILE.npy", conflicts_with = "with_rephrasings")]
    pub(in crate::cli) query_vectors: Option<PathBuf>,

    /// Print the measures by kind of question as well
    #[arg(long, value_name = "WHAT")]
    pub(in crate::cli) by: Option<By>,

    /// Write everything as JSON to FILE, or to stdout with `-`
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) json: Option<PathBuf>,

    /// Write the rankings as a TREC run
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) run: Option<PathBuf>,

    /// Write a report for a browser
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,

    /// Compare with the JSON of an earlier evaluation of the same set
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) baseline: Option<PathBuf>,

    /// How far a measure may fall below the baseline
    #[arg(long, value_name = "X", default_value_t = 0.0, requires = "baseline", value_parser = tolerance)]
    pub(in crate::cli) tolerance: f64,
}

/// What measures are broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum By {
    /// The kind of question
    Kind,
}

fn part(text: &str) -> Result<Part, String> {
    let names = Part::ALL.map(Part::name).join(", ");
    Part::named(text).ok_or_else(|| format!("not a part of the ranking; the parts are {names}"))
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("not a number from 0 to 1".to_owned()),
    }
}

/// `docent compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent eval questions/ --json before.json
  docent eval questions/ --json after.json --with-rephrasings
  docent compare before.json after.json --html what-changed.html

  docent compare index-a/ index-b/ --set questions/           two indexes, asked now
  docent compare index/ index/ --set questions/ --first-without late --html late.html

Differences are second less first, with 95 % intervals (paired bootstrap) and p-values (paired
randomisation).")]
pub(in crate::cli) struct CompareArguments {
    /// JSON of `docent eval --json`, to compare with; with --set an index
    pub(in crate::cli) first: PathBuf,

    /// JSON of `docent eval --json`, to compare; with --set an index
    pub(in crate::cli) second: PathBuf,

    /// Put these questions to the indexes FIRST and SECOND, and compare what comes of it
    #[arg(long)]
    pub(in crate::cli) set: Option<PathBuf>,

    /// Judgements, in place of those beside the questions
    #[arg(long, value_name = "FILE", requires = "set")]
    pub(in crate::cli) qrels: Option<PathBuf>,

    /// Part of a BEIR set: the judgements in `qrels/NAME.tsv` [default: test]
    #[arg(long, value_name = "NAME", requires = "set", conflicts_with = "qrels")]
    pub(in crate::cli) split: Option<String>,

    /// Rank without this part in the first; may be repeated
    #[arg(long, value_name = "PART", value_parser = part, requires = "set")]
    pub(in crate::cli) first_without: Vec<Part>,

    /// Rank without this part in the second; may be repeated
    #[arg(long, value_name = "PART", value_parser = part, requires = "set")]
    pub(in crate::cli) second_without: Vec<Part>,

    /// Ask the first in the wordings of rephrasings.jsonl as well
    #[arg(long, requires = "set")]
    pub(in crate::cli) first_with_rephrasings: bool,

    /// Ask the second in the wordings of rephrasings.jsonl as well
    #[arg(long, requires = "set")]
    pub(in crate::cli) second_with_rephrasings: bool,

    /// Vectors of the questions for the first, where its own vectors were imported
    #[arg(long, value_name = "FILE.npy", requires = "set", conflicts_with = "first_with_rephrasings")]
    pub(in crate::cli) first_query_vectors: Option<PathBuf>,

    /// Vectors of the questions for the second, where its own vectors were imported
    #[arg(long, value_name = "FILE.npy", requires = "set", conflicts_with = "second_with_rephrasings")]
    pub(in crate::cli) second_query_vectors: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Write a report for a browser
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,
}
