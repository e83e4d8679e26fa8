//! Encoders as ONNX models: texts to token vectors and pooled ones.

use std::collections::HashSet;
use std::path::Path;

use tokenizers::Tokenizer;

use super::calibration::{self, Form};
use super::catalog::{ModelSpec, Pooling};
use super::graph::Arithmetic;
use super::pool::SessionPool;
use super::session::environment;
use super::store::ModelFiles;
use super::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role, Spreads, tokens_of_long_words};

/// How an encoder shares the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads {
    /// Texts encoded at the same time.
    pub sessions: usize,
    /// Threads that work on one text.
    pub per_session: usize,
}

impl Threads {
    /// For many texts: every thread has a text of its own, the most texts a second.
    #[must_use]
    pub fn for_throughput(threads: usize) -> Self {
        Self { sessions: threads.max(1), per_session: 1 }
    }

    /// For one question at a time: all threads share it, the shortest wait.
    #[must_use]
    pub fn for_latency(threads: usize) -> Self {
        Self { sessions: 1, per_session: threads.max(1) }
    }
}

/// An encoder with a pool of sessions: one text a run, so that a vector never depends on what else is in a
/// batch, and no padding is computed.
pub struct OnnxEmbedder {
    identity: ModelIdentity,
    form: Form,
    pooling: Pooling,
    spreads: Spreads,
    query_prefix: String,
    passage_prefix: String,
    /// Neither cuts nor pads.
    tokenizer: Tokenizer,
    /// Ids of special tokens and punctuation, which say nothing in late interaction.
    silent: HashSet<u32>,
    sessions: SessionPool,
}

impl OnnxEmbedder {
    /// Loads a model, in the form that calibration found best on this machine; as it is in its
    /// file where there was none.
    ///
    /// # Errors
    /// Where ONNX Runtime, the model or the tokenizer does not load.
    pub fn load(
        spec: &ModelSpec,
        files: &ModelFiles,
        runtime: &Path,
        threads: Threads,
    ) -> Result<Self, EmbedError> {
        Self::load_as(calibration::recorded(files), spec, files, runtime, threads)
    }

    /// Which model these files are, without loading it.
    #[must_use]
    pub fn identity_of(spec: &ModelSpec, files: &ModelFiles) -> ModelIdentity {
        ModelIdentity {
            name: spec.name.clone(),
            sha256: files.identity.to_string(),
            dimensions: spec.dimensions,
            max_tokens: spec.max_tokens,
        }
    }

    /// Loads a model in this form.
    ///
    /// # Errors
    /// As [`OnnxEmbedder::load`], and where the file is not one that can be brought into the form.
    pub(super) fn load_as(
        form: Form,
        spec: &ModelSpec,
        files: &ModelFiles,
        runtime: &Path,
        threads: Threads,
    ) -> Result<Self, EmbedError> {
        let environment = environment(runtime)?;
        let tokenizer = load_tokenizer(&files.tokenizer)
            .map_err(|message| EmbedError::Load { model: spec.name.clone(), message })?;
        let sessions = SessionPool::load(form, spec, files, environment, threads, &tokenizer)?;
        Ok(Self {
            identity: Self::identity_of(spec, files),
            form,
            pooling: spec.pooling,
            spreads: spec.spreads,
            query_prefix: spec.query_prefix.clone(),
            passage_prefix: spec.passage_prefix.clone(),
            silent: silent_tokens(&tokenizer),
            tokenizer,
            sessions,
        })
    }

    /// The tokens that carry content; all of them where none does.
    fn telling(&self, ids: Vec<u32>, vectors: Vec<f32>) -> (Vec<u32>, Vec<f32>) {
        let dimensions = self.identity.dimensions;
        let telling: Vec<usize> =
            (0..ids.len()).filter(|index| !self.silent.contains(&ids[*index])).collect();
        if telling.is_empty() {
            return (ids, vectors);
        }
        let rows = telling.iter().flat_map(|index| &vectors[index * dimensions..(index + 1) * dimensions]);
        (telling.iter().map(|index| ids[*index]).collect(), rows.copied().collect())
    }

    fn pool(&self, token_vectors: &[f32]) -> Vec<f32> {
        let dimensions = self.identity.dimensions;
        match self.pooling {
            Pooling::Cls => token_vectors.iter().copied().take(dimensions).collect(),
            Pooling::Mean => {
                let mut sum = vec![0.0_f32; dimensions];
                for row in token_vectors.chunks_exact(dimensions) {
                    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                sum
            }
        }
    }
}

impl Embedder for OnnxEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        let prefix = match role {
            Role::Query => &self.query_prefix,
            Role::Passage => &self.passage_prefix,
        };
        let model = || self.identity.name.clone();
        let text = format!("{prefix}{text}");
        let (token_ids, token_vectors) =
            self.sessions.run(&self.tokenizer, &text, self.identity.max_tokens)?;
        let dimensions = self.identity.dimensions;
        // A model that pools by itself gives one row.
        let is_pooled = token_vectors.len() == dimensions && token_ids.len() != 1;
        if !is_pooled && token_vectors.len() != token_ids.len() * dimensions {
            let actual = token_vectors.len() / token_ids.len().max(1);
            return Err(EmbedError::Dimensions { model: model(), expected: dimensions, actual });
        }
        let pooled = if is_pooled { token_vectors.clone() } else { self.pool(&token_vectors) };
        let pooled =
            Embedding::normalized(pooled).map_err(|source| EmbedError::Vector { model: model(), source })?;
        if is_pooled {
            return Ok(Encoding { pooled, token_ids: Vec::new(), token_vectors: Vec::new() });
        }
        let (token_ids, token_vectors) = self.telling(token_ids, token_vectors);
        Ok(Encoding { pooled, token_ids, token_vectors })
    }

    fn count_tokens(&self, text: &str) -> usize {
        count(&self.tokenizer, text)
    }

    fn max_passage_tokens(&self) -> usize {
        self.identity.max_tokens.saturating_sub(self.count_tokens(&self.passage_prefix))
    }

    fn parallelism(&self) -> usize {
        self.sessions.threads().sessions
    }

    fn threads_per_text(&self) -> usize {
        self.sessions.threads().per_session
    }

    fn shared_weights(&self) -> Option<u64> {
        self.sessions.shared_weights()
    }

    fn rest(&self) {
        self.sessions.rest();
    }

    fn spreads(&self) -> Spreads {
        self.spreads
    }

    fn arithmetic(&self) -> Option<Arithmetic> {
        self.form.arithmetic()
    }
}

fn count(tokenizer: &Tokenizer, text: &str) -> usize {
    let tokens = tokenizer.encode_fast(text, false).map_or(0, |encoded| encoded.len());
    tokens.max(tokens_of_long_words(text))
}

fn silent_tokens(tokenizer: &Tokenizer) -> HashSet<u32> {
    let added: HashSet<u32> = tokenizer.get_added_tokens_decoder().into_keys().collect();
    let is_punctuation = |token: &str| {
        let token = token.trim_start_matches("##").trim_start_matches('\u{2581}');
        token.chars().all(|character| character.is_ascii_punctuation())
    };
    let vocabulary = tokenizer.get_vocab(true).into_iter();
    vocabulary.filter(|(token, id)| added.contains(id) || is_punctuation(token)).map(|(_, id)| id).collect()
}

fn load_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    let mut tokenizer =
        Tokenizer::from_file(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENIZER: &str = r###"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "f": 1, "##f": 2}}}"###;

    /// The tokenizer makes one token of it.
    #[test]
    fn a_word_that_no_tokenizer_takes_apart_counts_by_its_length() {
        let tokenizer = Tokenizer::from_bytes(TOKENIZER).unwrap();
        let counted = |length: usize| count(&tokenizer, &"f".repeat(length));
        assert_eq!((counted(1), counted(100), counted(50_000)), (1, 100, 12_500));
        assert_eq!(count(&tokenizer, &format!("{}{}", "f ".repeat(50), "f".repeat(120))), 51);
    }
}
