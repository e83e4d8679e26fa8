//! Instructions of the hot paths on fixed inputs, against the counts that are committed.
//!
//! Counted by valgrind's callgrind: unlike times, counts hardly differ between runs and machines, so that a change of
//! 3 % shows. Each path runs N and then 2 N times over the same made-up corpus (`synthetic/mod.rs`), and the difference
//! counts, so that starting and opening are no part of it. callgrind knows no AVX-512: what is counted is the AVX2 path.
//!
//! `cargo bench --bench guard -- [--update]`: exit status 1 where a path has grown by more than 3 %.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

#[path = "synthetic/mod.rs"]
mod synthetic;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use docent::chunking::{ChunkSettings, Chunker, TokenCounter};
use docent::embedding::{EmbedError, Embedder, Encoding, ModelIdentity, Role};
use docent::index::{GraphSettings, Index};
use docent::parse::{Format, parse};
use docent::retrieval::{Query, Retriever};
use docent::source::SourcePath;
use synthetic::{Random, StandIn};

const COUNTS: &str = "benches/guard.toml";
const DOCUMENTS: usize = 4_000;
const TIMES: usize = 4;
const MOST_GROWTH: f64 = 0.03;

/// Runs a path over an index so many times.
type Rounds = fn(&Path, usize);

/// The paths by their names. Late interaction is what `answer` has and `first views` has not.
const PATHS: [(&str, Rounds); 5] = [
    ("answer", |index, times| answer(index, times, Arc::new(StandIn::default()))),
    ("first views", |index, times| answer(index, times, Arc::new(Pooled(StandIn::default())))),
    ("dense", dense),
    ("lexical", lexical),
    ("chunking", |_, times| chunk(times)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [run, path, times, index] = arguments.as_slice() {
        assert_eq!(run, "run");
        let (_, repeat) = PATHS.iter().find(|(name, _)| *name == path).unwrap();
        repeat(Path::new(index), times.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, index) = (folder.path().join("source"), folder.path().join("index"));
    synthetic::write_documents(&source, DOCUMENTS, &mut Random::new(42));
    synthetic::build(&index, &source, &StandIn::default(), GraphSettings::default());
    let paths = PATHS.iter().map(|(name, _)| *name);
    let counts: BTreeMap<String, u64> = paths.map(|path| (path.to_owned(), counted(path, &index))).collect();
    if arguments.iter().any(|argument| argument == "--update") {
        std::fs::write(COUNTS, toml::to_string(&counts).unwrap()).unwrap();
        return ExitCode::SUCCESS;
    }
    compare(&counts)
}

fn compare(counts: &BTreeMap<String, u64>) -> ExitCode {
    let committed: BTreeMap<String, u64> = toml::from_str(&std::fs::read_to_string(COUNTS).unwrap()).unwrap();
    let mut has_grown = false;
    for (path, count) in counts {
        let before = committed.get(path).copied().unwrap_or(*count);
        let growth = *count as f64 / before as f64 - 1.0;
        has_grown |= growth > MOST_GROWTH;
        let verdict = if growth > MOST_GROWTH { "   TOO MUCH" } else { "" };
        println!("{path:12} {count:>14} instructions   {:+.2} %{verdict}", growth * 100.0);
    }
    if has_grown {
        println!(
            "More than 3 % above {COUNTS}. If that is wanted, say why in the commit: `just bench-guard --update`."
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Instructions of `TIMES` runs of a path.
fn counted(path: &str, index: &Path) -> u64 {
    let [once, twice] = [TIMES, 2 * TIMES].map(|times| {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap());
        let output = command.args(["run", path, &times.to_string()]).arg(index).output();
        let output = output.expect("valgrind is needed: install your system's package of that name");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let line = told.lines().find_map(|line| line.split_once("Collected : ")).expect("callgrind's count");
        line.1.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    });
    twice - once
}

fn answer(index: &Path, times: usize, embedder: Arc<dyn Embedder>) {
    let retriever = Retriever::new(Index::open(index).unwrap(), embedder).unwrap();
    let query = Query::new(&question(), 10).unwrap();
    for _ in 0..times {
        black_box(retriever.answer(&query).unwrap());
    }
}

fn dense(index: &Path, times: usize) {
    let index = Index::open(index).unwrap();
    let vector = StandIn::default().encode(&question(), Role::Query).unwrap().pooled;
    for _ in 0..times {
        let centred = index.vectors().centred(vector.as_slice());
        black_box(index.vectors().scan(&centred));
    }
}

fn lexical(index: &Path, times: usize) {
    let (index, question) = (Index::open(index).unwrap(), question());
    for _ in 0..times {
        black_box(index.lexical().scores(&index.lexical().query_terms(&question)));
    }
}

fn question() -> String {
    Random::new(7).text(14)
}

/// Gives no vectors of single tokens.
struct Pooled(StandIn);

impl Embedder for Pooled {
    fn identity(&self) -> &ModelIdentity {
        self.0.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        let pooled = self.0.encode(text, role)?.pooled;
        Ok(Encoding { pooled, token_ids: Vec::new(), token_vectors: Vec::new() })
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        1
    }
}

struct Words;

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// A page of 40 sections with lists, a table and code.
fn chunk(times: usize) {
    let mut random = Random::new(7);
    let mut page = String::from("# Page\n\n");
    for section in 0..40 {
        page += &format!(
            "## Section {section}\n\n{}\n\n- {}\n- {}\n\n",
            random.text(90),
            random.text(12),
            random.text(9)
        );
        page += &format!(
            "| key | value |\n|---|---|\n| {} | {} |\n\n```\n{}\n```\n\n",
            random.text(1),
            random.text(5),
            random.text(30)
        );
    }
    let path = SourcePath::relative_to(Path::new("docs"), Path::new("docs/page.md")).unwrap();
    let counter = Words;
    for _ in 0..times {
        let document = parse(&path, Format::of(&path).unwrap(), &page);
        black_box(Chunker::new(ChunkSettings::for_encoder(256), &counter).chunk(&path, &page, &document));
    }
}
