//! A made-up corpus and a stand-in encoder: documents of one chunk, 110 tokens each, drawn from 20,000 words with a
//! Zipf-like distribution (fixed seed), and vectors of 384 dimensions that are the mean of their words'.

use std::fmt::Write;
use std::path::Path;

use docent::chunking::ChunkSettings;
use docent::embedding::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role};
use docent::index::{GraphSettings, IndexBuilder, Root};
use docent::progress::Silent;

const WORDS: u64 = 20_000;
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

    /// Common words are much more frequent than rare ones.
    fn word(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (WORDS as f64).powf(uniform) as u64
    }

    pub(crate) fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let word = self.word();
            write!(text, "w{word} ").unwrap();
        }
        text
    }
}

/// A vector for each word, and their mean for the text.
pub(crate) struct StandIn(ModelIdentity);

impl Default for StandIn {
    fn default() -> Self {
        let name = String::from("stand-in");
        Self(ModelIdentity { sha256: name.clone(), name, dimensions: DIMENSIONS, max_tokens: 256 })
    }
}

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
