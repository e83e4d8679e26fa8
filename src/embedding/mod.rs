//! Texts to vectors: the catalogue of models, their files, and the encoders that run them.
//!
//! This is the only room that names `fastembed` and ONNX Runtime. An encoder gives two views of a
//! text in one pass: a pooled unit vector for candidate search, and the vectors of its tokens for
//! late interaction.

pub mod calibration;
pub mod catalog;
pub mod digest;
mod folder;
mod given;
mod graph;
mod hashing;
mod npy;
mod onnx;
mod pool;
pub mod pull;
mod session;
pub mod store;
mod vector;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use given::{GivenError, GivenVectors};
pub use graph::Arithmetic;
pub use hashing::HashingEmbedder;
pub use npy::{Matrix, NpyError, NpyFault, npy_header};
pub use onnx::{OnnxEmbedder, Threads};
pub use vector::{Embedding, InvalidVector};

/// Which side of a search a text stands on: some models want a prefix that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is asked.
    Query,
    /// What is searched.
    Passage,
}

/// Which model made a vector. Two vectors may be compared only where these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Its name in the catalogue, or the folder's for files given by the user.
    pub name: String,
    /// sha256 of the model file in hexadecimal; for a model without files, its own version; for vectors
    /// made elsewhere, `imported-` and the sha256 of their file.
    pub sha256: String,
    /// Length of its vectors.
    pub dimensions: usize,
    /// The most tokens it takes in, special ones included; the rest of a text is not seen. 0 where it
    /// is not known.
    pub max_tokens: usize,
}

/// What the checksum of imported vectors begins with, in the place of a model's own.
const IMPORTED: &str = "imported-";

impl ModelIdentity {
    /// That of a model which docent does not have: its vectors were made elsewhere. `sha256` is that of
    /// their file.
    #[must_use]
    pub fn imported(name: &str, sha256: &str, dimensions: usize) -> Self {
        Self { name: name.to_owned(), sha256: format!("{IMPORTED}{sha256}"), dimensions, max_tokens: 0 }
    }

    /// Whether its vectors were made elsewhere: docent cannot make more of them.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.sha256.starts_with(IMPORTED)
    }
}

impl fmt::Display for ModelIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.name, &self.sha256[..self.sha256.len().min(12)])
    }
}

/// A text as an encoder sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// The pooled vector.
    pub pooled: Embedding,
    /// The vocabulary ids of the tokens that carry content: no special tokens, no punctuation.
    /// Empty where the model has no token vectors.
    pub token_ids: Vec<u32>,
    /// One vector a token, row after row (`token_ids.len()` x dimensions), as the model gives
    /// them: not normalised.
    pub token_vectors: Vec<f32>,
}

/// How much a model's similarities differ between the passages of a collection: the standard
/// deviations over all passages, for a question that the collection is about. Dividing by them puts
/// models, and the views of one model, on one scale. And whether one of the views was trained.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spreads {
    /// Of the cosines of pooled vectors, less their mean vector.
    pub dense: f32,
    /// Of the means of the tokens' best cosines (late interaction).
    pub late: f32,
    /// Whether the token vectors were trained to be compared one by one: then late interaction tells more
    /// than pooled vectors do.
    #[serde(default)]
    pub late_is_trained: bool,
}

impl Default for Spreads {
    /// Those of all-MiniLM-L6-v2, nearly the same on three collections: developer documentation,
    /// abstracts, mixed technical documentation. docent-minilm, made from it, has them too.
    fn default() -> Self {
        Self { dense: 0.11, late: 0.053, late_is_trained: false }
    }
}

/// A word of more characters is one unknown token to encoders, however long it is.
const LONGEST_WORD: usize = 100;
/// As many characters of such a word count as a token, as in any other text.
const CHARACTERS_A_TOKEN: usize = 4;

/// The least that the long words of `text` count for. What sizes are measured by is also read by people and
/// agents: a key or a file in hexadecimal must not fill a page because it is one word.
fn tokens_of_long_words(text: &str) -> usize {
    let lengths = text.split_whitespace().filter(|word| word.len() > LONGEST_WORD);
    let long = lengths.map(|word| word.chars().count()).filter(|length| *length > LONGEST_WORD);
    long.sum::<usize>() / CHARACTERS_A_TOKEN
}

/// Turns texts into vectors; shared between threads.
pub trait Embedder: Send + Sync {
    /// Which model this is.
    fn identity(&self) -> &ModelIdentity;

    /// Encodes one text. A text longer than the model's limit is cut there.
    ///
    /// # Errors
    /// Where the model fails to run, or gives a vector that is not finite.
    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError>;

    /// Number of tokens of `text`, special ones not counted, not cut at the limit. Words that are too long
    /// for the encoder to read count by their length.
    fn count_tokens(&self, text: &str) -> usize;

    /// The most tokens of a passage that are seen, special ones included: the limit less what the
    /// model wants in front of a passage.
    fn max_passage_tokens(&self) -> usize {
        self.identity().max_tokens
    }

    /// How many calls of [`Embedder::encode`] can run at the same time.
    fn parallelism(&self) -> usize;

    /// How many threads work on one text, and may work on the rest of its question. More than one where
    /// one question at a time is expected.
    fn threads_per_text(&self) -> usize {
        1
    }

    /// Bytes of weights that are in memory once where several texts can be encoded at the same time; `None`
    /// where each has its own.
    fn shared_weights(&self) -> Option<u64> {
        None
    }

    /// Called where no text comes for a while, and none is being encoded: gives back memory that the next text has
    /// made again.
    fn rest(&self) {}

    /// How much its similarities differ between passages.
    fn spreads(&self) -> Spreads {
        Spreads::default()
    }

    /// In which numbers it multiplies matrices, where docent chose that; `None` where the model's
    /// file decides.
    fn arithmetic(&self) -> Option<Arithmetic> {
        None
    }
}

/// An encoder that cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The shared library of ONNX Runtime does not load.
    #[error("ONNX Runtime cannot be loaded from `{path}`: {message}")]
    Runtime {
        /// The library.
        path: String,
        /// What the loader said.
        message: String,
    },
    /// The model or its tokenizer does not load.
    #[error("the model `{model}` cannot be loaded: {message}")]
    Load {
        /// Its name.
        model: String,
        /// What ONNX Runtime or the tokenizer said.
        message: String,
    },
    /// The model loaded, and failed on a text.
    #[error("the model `{model}` failed on a text of {bytes} bytes: {message}")]
    Run {
        /// Its name.
        model: String,
        /// Length of the text.
        bytes: usize,
        /// What ONNX Runtime said.
        message: String,
    },
    /// The model gives vectors of another length than the catalogue says.
    #[error("the model `{model}` gives vectors of {actual} dimensions, not {expected}")]
    Dimensions {
        /// Its name.
        model: String,
        /// By the catalogue.
        expected: usize,
        /// By the model.
        actual: usize,
    },
    /// A text of which no vector was made elsewhere.
    #[error("no vector is given for the question `{text}`")]
    NotGiven {
        /// The question, or its beginning.
        text: String,
    },
    /// The model gave a vector that cannot be compared.
    #[error("the model `{model}` gave an unusable vector: {source}")]
    Vector {
        /// Its name.
        model: String,
        /// What is wrong with it.
        source: InvalidVector,
    },
}

impl EmbedError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Runtime { .. } => {
                "run `docent pull` with ORT_DYLIB_PATH unset, or set it to a libonnxruntime 1.32".into()
            }
            Self::Load { model, .. } => {
                format!("run `docent pull {model}` to check and fetch its files again")
            }
            Self::Run { .. } | Self::Vector { .. } => {
                "please report this with the text that caused it".into()
            }
            Self::NotGiven { .. } => {
                "the index's vectors were imported: leave other wordings out, or give the question a row of its own".into()
            }
            Self::Dimensions { .. } => {
                "the files do not belong to this model: check --model and --model-dir".into()
            }
        }
    }
}
