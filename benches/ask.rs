//! What a question costs beyond its embedding, over 10,000 chunks or as many as are given, against the least it could
//! cost without a graph.
//!
//! The corpus is made up (`synthetic/mod.rs`), with a stand-in encoder, so that no model is needed and embedding costs
//! next to nothing; a question has all cores, as a server gives it. As many questions are asked before as are
//! measured. The limit is reading every vector once: an exact scan cannot do less. Figures of one run on one machine:
//! compare the ratio, not the milliseconds. A JSON object a line, times in milliseconds.
//!
//! `cargo bench --bench ask -- [CHUNKS]...`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

#[path = "synthetic/mod.rs"]
mod synthetic;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent::embedding::Embedder;
use docent::index::{GraphSettings, Index};
use docent::retrieval::{Query, Retriever, Stage};
use serde_json::json;
use synthetic::{Random, StandIn};

const DOCUMENTS: usize = 10_000;
const QUESTIONS: usize = 300;
/// How often the limit is taken.
const LIMITS: usize = 20;
/// Of a question: what is left of one of twenty without stop words.
const WORDS: usize = 10;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes.push(DOCUMENTS);
    }
    for documents in sizes {
        measure(documents);
    }
}

fn measure(documents: usize) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    let mut random = Random::new(42);
    synthetic::write_documents(&source, documents, &mut random);
    let embedder: Arc<dyn Embedder> = Arc::new(StandIn::on_all_cores());
    let index = folder.path().join("index");
    let built = time(|| synthetic::build(&index, &source, embedder.as_ref(), GraphSettings::default()));
    let retriever = Retriever::new(Index::open(&index).unwrap(), Arc::clone(&embedder)).unwrap();
    report(&retriever, &mut random, built);
}

fn report(retriever: &Retriever, random: &mut Random, built: Duration) {
    let index = retriever.index();
    let vectors =
        std::fs::read(index.manifest().generation_folder(index.folder()).join("vectors.bin")).unwrap();
    // A server that has been asked before has mapped most of what it looks at.
    for _ in 0..QUESTIONS {
        black_box(retriever.answer(&Query::new(&random.text(WORDS), 10).unwrap()).unwrap());
    }
    let mut beyond = Vec::new();
    let mut stages: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..QUESTIONS {
        let query = Query::new(&random.text(WORDS), 10).unwrap();
        let (answer, times) = retriever.timed(&query).unwrap();
        black_box(answer);
        for (stage, milliseconds) in times.milliseconds() {
            stages.entry(stage.name()).or_default().push(milliseconds);
        }
        let embedding = stages[Stage::Embed.name()].last().copied().unwrap_or_default();
        beyond.push(times.total_milliseconds() - embedding);
    }
    // Apart from the questions: it would take the processor's cache from them, as no other question does.
    let mut limits: Vec<f64> = (0..LIMITS).map(|_| milliseconds(time(|| read_all(&vectors)))).collect();
    let limit = percentile(&mut limits, 50);
    let p50 = percentile(&mut beyond, 50);
    let stages: BTreeMap<&str, f64> =
        stages.iter_mut().map(|(name, times)| (*name, percentile(times, 50))).collect();
    let line = json!({
        "chunks": index.chunk_count(),
        "p50": p50,
        "p95": percentile(&mut beyond, 95),
        "every_vector_read_once": limit,
        "p50_by_that": p50 / limit,
        "stages": stages,
        "ef_search": index.manifest().graph.map(|graph| graph.ef_search),
        "built_seconds": built.as_secs_f64(),
    });
    println!("{line}");
}

/// Touches every byte of every vector.
fn read_all(vectors: &[u8]) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    black_box(vectors.chunks(4096).map(sum).sum())
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    let result = work();
    let elapsed = started.elapsed();
    drop(result);
    elapsed
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[(times.len() - 1) * percent / 100]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
