//! What a question costs beyond its embedding, over 10,000 chunks, against the least it could cost.
//!
//! Corpus model: 10,000 documents of one chunk, 110 tokens each, drawn from 20,000 made-up words with a
//! Zipf-like distribution (fixed seed). Vectors are those of a stand-in encoder with 384 dimensions, so that
//! no model is needed and embedding costs next to nothing. The limit is reading every vector once: an exact
//! scan cannot do less. Figures of one run on one machine: compare the ratio, not the milliseconds.
//!
//! `cargo bench --bench ask`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent::chunking::ChunkSettings;
use docent::embedding::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role};
use docent::index::{GraphSettings, Index, IndexBuilder, Root};
use docent::progress::Silent;
use docent::retrieval::{Query, Retriever};
use docent::source::Limits;

const DOCUMENTS: usize = 10_000;
const WORDS: u64 = 20_000;
const TOKENS: usize = 110;
const DIMENSIONS: usize = 384;
const QUESTIONS: usize = 300;

/// Xorshift64*: enough for made-up words, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Common words are much more frequent than rare ones.
    fn word(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (WORDS as f64).powf(uniform) as u64
    }

    fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let word = self.word();
            write!(text, "w{word} ").unwrap();
        }
        text
    }
}

/// A vector for each word, and their mean for the text.
struct StandIn(ModelIdentity);

impl Embedder for StandIn {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn encode(&self, text: &str, _role: Role) -> Result<Encoding, EmbedError> {
        let mut pooled = vec![0.0_f32; DIMENSIONS];
        let (mut token_ids, mut token_vectors) = (Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            let id =
                word.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
            let mut random = Random(id | 1);
            token_ids.push(id as u32);
            for sum in &mut pooled {
                let value = (random.next() >> 40) as f32 / (1 << 24) as f32 - 0.5;
                *sum += value;
                token_vectors.push(value);
            }
        }
        let pooled = Embedding::normalized(pooled)
            .map_err(|source| EmbedError::Vector { model: self.0.name.clone(), source })?;
        Ok(Encoding { pooled, token_ids, token_vectors })
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn parallelism(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let mut random = Random(42);
    for number in 0..DOCUMENTS {
        std::fs::write(source.join(format!("d{number:05}.txt")), random.text(TOKENS)).unwrap();
    }
    let model = ModelIdentity {
        name: "stand-in".into(),
        sha256: "stand-in".into(),
        dimensions: DIMENSIONS,
        max_tokens: 256,
    };
    let embedder: Arc<dyn Embedder> = Arc::new(StandIn(model));
    let index = folder.path().join("index");
    build(&index, &source, embedder.as_ref());
    let retriever = Retriever::new(Index::open(&index).unwrap(), Arc::clone(&embedder)).unwrap();
    report(&retriever, embedder.as_ref(), &mut random);
}

fn build(index: &std::path::Path, source: &std::path::Path, embedder: &dyn Embedder) {
    let builder = IndexBuilder {
        folder: index.to_owned(),
        roots: vec![Root::at(source.to_owned())],
        limits: Limits::default(),
        trust_times: true,
        chunking: ChunkSettings::for_encoder(256),
        calibrate: None,
        graph: GraphSettings::default(),
        embedder,
        progress: &Silent,
    };
    builder.build().unwrap();
}

fn report(retriever: &Retriever, embedder: &dyn Embedder, random: &mut Random) {
    let index = retriever.index();
    let vectors =
        std::fs::read(index.manifest().generation_folder(index.folder()).join("vectors.bin")).unwrap();
    let (mut answers, mut encodings, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..QUESTIONS {
        let text = random.text(14);
        let query = Query::new(&text, 10).unwrap();
        encodings.push(time(|| black_box(embedder.encode(&text, Role::Query).unwrap())));
        answers.push(time(|| black_box(retriever.answer(&query).unwrap())));
        limits.push(time(|| read_all(&vectors)));
    }
    let encoding = milliseconds(percentile(&mut encodings, 50));
    let limit = milliseconds(percentile(&mut limits, 50));
    let beyond = [50, 95].map(|percent| milliseconds(percentile(&mut answers, percent)) - encoding);
    println!("chunks                         {}", retriever.index().chunk_count());
    println!("beyond embedding, p50          {:.2} ms", beyond[0]);
    println!("beyond embedding, p95          {:.2} ms", beyond[1]);
    println!("reading every vector once, p50 {limit:.2} ms");
    println!("ratio to that limit            {:.2}", beyond[0] / limit);
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
