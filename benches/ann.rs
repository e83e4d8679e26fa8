//! docent's side of the comparison of approximate searches: builds, opens and searches an index over
//! vectors that `benches/ann.py` made, and prints one line of JSON for each thing done. That script calls
//! it; `just bench-ann` runs both.
//!
//! Corpus model: each chunk's text is its number, and the stand-in encoder returns the vector of that number,
//! so that all else is what a user gets: the same builder, files, and search. Four chunks a document.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

use std::fmt::Write as _;
use std::io::BufRead;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use docent::chunking::ChunkSettings;
use docent::embedding::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role};
use docent::index::{GraphSettings, Index, IndexBuilder, Root};
use docent::progress::{Progress, Unit};

const DIMENSIONS: usize = 384;
const CHUNKS_A_DOCUMENT: usize = 4;
/// What a number counts: two do not fit one chunk.
const TOKENS: usize = 100;
const DEPTH: usize = 10;

fn main() {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["build", folder, threads, settings @ ..] => {
            build(Path::new(folder), threads.parse().unwrap(), graph(settings));
        }
        ["open", folder] => open(Path::new(folder)),
        ["search", folder] => search(Path::new(folder)),
        _ => println!("run `just bench-ann`, or python3 benches/ann.py --help"),
    }
}

/// The default settings, from one chunk on; then connections, effort of the builder, and of a search.
fn graph(settings: &[&str]) -> GraphSettings {
    let mut graph = GraphSettings { from: 1, ..GraphSettings::default() };
    let fields = [&mut graph.connections, &mut graph.ef_construction, &mut graph.ef_search];
    for (field, value) in fields.into_iter().zip(settings) {
        *field = value.parse().unwrap();
    }
    graph
}

/// Rows of `f32` in a file.
fn vectors(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Returns the vector whose number a text ends with.
struct Numbered {
    identity: ModelIdentity,
    vectors: Vec<f32>,
    threads: usize,
}

fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split_whitespace().filter_map(|word| word.strip_prefix("number-")?.parse().ok())
}

impl Embedder for Numbered {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, _role: Role) -> Result<Encoding, EmbedError> {
        let number = numbers(text).last().unwrap();
        let row = self.vectors[number * DIMENSIONS..(number + 1) * DIMENSIONS].to_vec();
        let pooled = Embedding::normalized(row)
            .map_err(|source| EmbedError::Vector { model: self.identity.name.clone(), source })?;
        Ok(Encoding { pooled, token_ids: Vec::new(), token_vectors: Vec::new() })
    }

    fn count_tokens(&self, text: &str) -> usize {
        numbers(text).count() * TOKENS
    }

    fn parallelism(&self) -> usize {
        self.threads
    }
}

/// How long each stage took.
#[derive(Default)]
struct Stages(Mutex<Vec<(String, Instant, Duration)>>);

impl Progress for Stages {
    fn begin(&self, stage: &str, _total: Option<u64>, _unit: Unit) {
        self.0.lock().unwrap().push((stage.to_owned(), Instant::now(), Duration::ZERO));
    }

    fn advance(&self, _count: u64) {}

    fn finish(&self) {
        if let Some((_, started, took)) = self.0.lock().unwrap().last_mut() {
            *took = started.elapsed();
        }
    }

    fn note(&self, message: &str) {
        eprintln!("{message}");
    }
}

fn build(folder: &Path, threads: usize, graph: GraphSettings) {
    let vectors = vectors(&folder.join("vectors.f32"));
    let count = vectors.len() / DIMENSIONS;
    let source = folder.join("source");
    if !source.exists() {
        write_documents(&source, count);
    }
    let index = folder.join("index");
    drop(std::fs::remove_dir_all(&index));
    let identity = ModelIdentity {
        name: "numbered".into(),
        sha256: "numbered".into(),
        dimensions: DIMENSIONS,
        max_tokens: 256,
    };
    let embedder = Numbered { identity, vectors, threads };
    let stages = Stages::default();
    let builder = IndexBuilder {
        chunking: ChunkSettings::for_encoder(256),
        graph,
        ..IndexBuilder::new(index.clone(), vec![Root::at(source)], &embedder, &stages)
    };
    let started = Instant::now();
    let report = builder.build().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(report.manifest.counts.chunks, count);
    let stages = stages.0.into_inner().unwrap();
    let graph: f64 = stages
        .iter()
        .filter(|(stage, ..)| stage.contains("graph"))
        .map(|(_, _, took)| took.as_secs_f64())
        .sum();
    let size = |name: &str| {
        let path = index.join(format!("gen-{:06}", report.manifest.generation)).join(name);
        std::fs::metadata(path).map_or(0, |metadata| metadata.len())
    };
    println!(
        "{}",
        serde_json::json!({
            "chunks": count, "graph_seconds": graph, "all_seconds": seconds, "graph": report.manifest.graph,
            "vector_bytes": size("vectors.bin"), "graph_bytes": size("graph.bin"), "peak_kb": memory("VmHWM:"),
        })
    );
}

fn write_documents(source: &Path, count: usize) {
    for (document, start) in (0..count).step_by(CHUNKS_A_DOCUMENT).enumerate() {
        let folder = source.join(format!("{:04}", document / 1_000));
        std::fs::create_dir_all(&folder).unwrap();
        let mut text = String::new();
        for number in start..(start + CHUNKS_A_DOCUMENT).min(count) {
            write!(text, "number-{number}\n\n").unwrap();
        }
        std::fs::write(folder.join(format!("{document:07}.txt")), text).unwrap();
    }
}

/// A figure of this process, in kilobytes.
fn memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn open(folder: &Path) {
    let before = memory("VmRSS:");
    let started = Instant::now();
    let index = Index::open(&folder.join("index")).unwrap();
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let chunks = index.chunk_count();
    let after = memory("VmRSS:");
    println!(
        "{}",
        serde_json::json!({ "chunks": chunks, "milliseconds": milliseconds, "before_kb": before, "resident_kb": after })
    );
}

/// For each line on standard input, an `ef_search` or `scan`: all questions, one after another on one thread.
fn search(folder: &Path) {
    let index = Index::open(&folder.join("index")).unwrap();
    let questions = vectors(&folder.join("questions.f32"));
    let rows = index.vectors();
    let scan = |question: &[f32]| {
        let scores = rows.scan(&rows.centred(question));
        let mut best: Vec<usize> = (0..scores.len()).collect();
        best.select_nth_unstable_by(DEPTH - 1, |first, second| scores[*second].total_cmp(&scores[*first]));
        best.truncate(DEPTH);
        best
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let find = |question: &[f32]| match (index.graph(), line.trim().parse()) {
            (Some(graph), Ok(effort)) => {
                let found = graph.search(rows, &rows.centred(question), effort);
                found.into_iter().take(DEPTH).map(|(chunk, _)| chunk).collect()
            }
            _ => scan(question),
        };
        let (mut found, mut times) = (Vec::new(), Vec::new());
        for question in questions.chunks_exact(DIMENSIONS) {
            let started = Instant::now();
            found.push(find(question));
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        times.sort_unstable_by(f64::total_cmp);
        println!("{}", serde_json::json!({ "mean": mean, "p50": times[times.len() / 2], "found": found }));
    }
}
