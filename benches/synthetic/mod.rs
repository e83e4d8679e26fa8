//! A made-up corpus and a stand-in encoder: documents of one chunk, 110 tokens each. Three words in five are of the
//! 20,000 of the language, the others of the 100 of the document's topic, one of 400; all are drawn by Zipf's law with
//! Mandelbrot's shift, which stands for the stop words that the index leaves out (fixed seed).
//!
//! A text's vector is the mean of its words', 384 dimensions. Words of a topic are like each other, and the spread falls
//! with the number of the axis, as it does for the principal axes of sentence encoders: without that, neighbours
//! are much harder to find than among real vectors.

use std::fmt::Write;
use std::path::Path;

use docent::chunking::ChunkSettings;
use docent::embedding::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role};
use docent::index::{GraphSettings, IndexBuilder, Root};
use docent::progress::Silent;

const WORDS: u64 = 20_000;
const TOPICS: u64 = 400;
const WORDS_OF_TOPIC: u64 = 100;
const TOKENS: usize = 110;
const DIMENSIONS: usize = 384;
/// A folder of more would be slow in itself.
const FOLDER: usize = 1_000;

/// Xorshift64*: enough for made-up words, and the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A rank below `count`, the lower the more frequent: about 1 / (rank + `shift`).
    fn rank(&mut self, count: u64, shift: f64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((count as f64 / shift + 1.0).powf(uniform).mul_add(shift, -shift)) as u64
    }

    /// Words about one topic.
    pub(crate) fn text(&mut self, words: usize) -> String {
        let topic = self.rank(TOPICS, 20.0);
        let mut text = String::new();
        for _ in 0..words {
            if self.next() % 5 < 2 {
                write!(text, "t{topic}w{} ", self.rank(WORDS_OF_TOPIC, 5.0)).unwrap();
            } else {
                write!(text, "w{} ", self.rank(WORDS, 30.0)).unwrap();
            }
        }
        text
    }
}

/// A vector for each word, and their mean for the text.
pub(crate) struct StandIn {
    identity: ModelIdentity,
    /// By axis.
    spreads: Vec<f32>,
    /// Threads for one question: as many as a server gives it, or one, where instructions are counted.
    threads: usize,
}

impl StandIn {
    /// With all cores for one question.
    #[allow(dead_code, reason = "not every bench asks questions")]
    pub(crate) fn on_all_cores() -> Self {
        let stand_in = Self::default();
        Self { threads: stand_in.parallelism(), ..stand_in }
    }

    /// Adds what `name` stands for to `vector`.
    fn add(&self, name: &str, vector: &mut [f32]) {
        let mut random = Random(hash(name) | 1);
        for (value, spread) in vector.iter_mut().zip(&self.spreads) {
            *value += spread * ((random.next() >> 40) as f32 / (1 << 24) as f32 - 0.5);
        }
    }
}

fn hash(name: &str) -> u64 {
    name.bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

impl Default for StandIn {
    fn default() -> Self {
        let name = String::from("stand-in");
        let identity = ModelIdentity { sha256: name.clone(), name, dimensions: DIMENSIONS, max_tokens: 256 };
        Self {
            identity,
            spreads: (1..=DIMENSIONS).map(|axis| (axis as f32).powf(-0.42)).collect(),
            threads: 1,
        }
    }
}

impl Embedder for StandIn {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, _role: Role) -> Result<Encoding, EmbedError> {
        let mut pooled = vec![0.0_f32; DIMENSIONS];
        let (mut token_ids, mut token_vectors) = (Vec::new(), Vec::new());
        for word in text.split_whitespace() {
            let mut vector = vec![0.0; DIMENSIONS];
            self.add(word, &mut vector);
            if let Some((topic, _)) = word.split_once('w').filter(|(topic, _)| !topic.is_empty()) {
                self.add(topic, &mut vector);
            }
            pooled.iter_mut().zip(&vector).for_each(|(sum, value)| *sum += value);
            token_ids.push(hash(word) as u32);
            token_vectors.extend(vector);
        }
        let pooled = Embedding::normalized(pooled)
            .map_err(|source| EmbedError::Vector { model: self.identity.name.clone(), source })?;
        Ok(Encoding { pooled, token_ids, token_vectors })
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn parallelism(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn threads_per_text(&self) -> usize {
        self.threads
    }
}

pub(crate) fn write_documents(folder: &Path, documents: usize, random: &mut Random) {
    for number in 0..documents {
        let part = folder.join((number / FOLDER).to_string());
        if number % FOLDER == 0 {
            std::fs::create_dir_all(&part).unwrap();
        }
        std::fs::write(part.join(format!("d{number:07}.txt")), random.text(TOKENS)).unwrap();
    }
}

pub(crate) fn build(index: &Path, source: &Path, embedder: &dyn Embedder, graph: GraphSettings) {
    let builder = IndexBuilder {
        chunking: ChunkSettings::for_encoder(256),
        graph,
        ..IndexBuilder::new(index.to_owned(), vec![Root::at(source.to_owned())], embedder, &Silent)
    };
    builder.build().unwrap();
}
