//! What a question costs beyond its embedding, over 10,000 chunks or as many as are given, against the least it could
//! cost without a graph.
//!
//! The corpus is made up (`synthetic/mod.rs`), with a stand-in encoder, so that no model is needed and embedding costs
//! next to nothing. The limit is reading every vector once: an exact
//! scan cannot do less. Figures of one run on one machine: compare the ratio, not the milliseconds. A JSON object a
//! line, times in milliseconds.
//!
//! `cargo bench --bench ask -- [CHUNKS]...`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

#[path = "synthetic/mod.rs"]
mod synthetic;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent::embedding::{Embedder, Role};
use docent::index::{GraphSettings, Index};
use docent::retrieval::{Query, Retriever};
use serde_json::json;
use synthetic::{Random, StandIn};

const DOCUMENTS: usize = 10_000;
const QUESTIONS: usize = 300;
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
    let embedder: Arc<dyn Embedder> = Arc::new(StandIn::default());
    let index = folder.path().join("index");
    let built = time(|| synthetic::build(&index, &source, embedder.as_ref(), GraphSettings::default()));
    let retriever = Retriever::new(Index::open(&index).unwrap(), Arc::clone(&embedder)).unwrap();
    report(&retriever, embedder.as_ref(), &mut random, built);
}

fn report(retriever: &Retriever, embedder: &dyn Embedder, random: &mut Random, built: Duration) {
    let index = retriever.index();
    let vectors =
        std::fs::read(index.manifest().generation_folder(index.folder()).join("vectors.bin")).unwrap();
    let (mut answers, mut encodings, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..QUESTIONS {
        let text = random.text(WORDS);
        let query = Query::new(&text, 10).unwrap();
        encodings.push(time(|| black_box(embedder.encode(&text, Role::Query).unwrap())));
        answers.push(time(|| black_box(retriever.answer(&query).unwrap())));
        limits.push(time(|| read_all(&vectors)));
    }
    let encoding = milliseconds(percentile(&mut encodings, 50));
    let limit = milliseconds(percentile(&mut limits, 50));
    let beyond = [50, 95].map(|percent| milliseconds(percentile(&mut answers, percent)) - encoding);
    let line = json!({
        "chunks": index.chunk_count(),
        "p50": beyond[0],
        "p95": beyond[1],
        "every_vector_read_once": limit,
        "p50_by_that": beyond[0] / limit,
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

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
