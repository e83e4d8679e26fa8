//! An encoder without weights: words hashed into a vector.
//!
//! It knows words, not meaning (K. Weinberger et al., "Feature Hashing for Large Scale Multitask
//! Learning", ICML 2009). It is here for tests that need an index but no model, and for a first
//! try where nothing can be downloaded: `--model hashing`.

use super::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role, tokens_of_long_words};

/// Signed feature hashing of lower-case words and their beginnings.
#[derive(Debug)]
pub struct HashingEmbedder {
    identity: ModelIdentity,
    threads: usize,
}

const DIMENSIONS: usize = 256;
const MAX_TOKENS: usize = 256;
/// Letters of a word's beginning that are hashed as well, so that "sign" is near "signed".
const STEM_LETTERS: usize = 5;

impl Default for HashingEmbedder {
    /// On all cores.
    fn default() -> Self {
        Self::on_threads(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl HashingEmbedder {
    /// For so many texts at once.
    #[must_use]
    pub fn on_threads(threads: usize) -> Self {
        let identity = ModelIdentity {
            name: "hashing".into(),
            sha256: "hashing-v1".into(),
            dimensions: DIMENSIONS,
            max_tokens: MAX_TOKENS,
        };
        Self { identity, threads }
    }
}

impl Embedder for HashingEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, _role: Role) -> Result<Encoding, EmbedError> {
        // A constant component keeps a text without words from having no direction.
        let mut pooled = vec![0.0; DIMENSIONS];
        pooled[0] = 0.01;
        let mut token_ids = Vec::new();
        let mut token_vectors = Vec::new();
        for word in words(text).take(MAX_TOKENS) {
            let mut vector = vec![0.0; DIMENSIONS];
            token_ids.push(add_feature(&mut vector, &word));
            let stem: String = word.chars().take(STEM_LETTERS).collect();
            add_feature(&mut vector, &stem);
            pooled.iter_mut().zip(&vector).for_each(|(sum, value)| *sum += value);
            token_vectors.extend(vector);
        }
        let pooled = Embedding::normalized(pooled)
            .map_err(|source| EmbedError::Vector { model: self.identity.name.clone(), source })?;
        Ok(Encoding { pooled, token_ids, token_vectors })
    }

    fn count_tokens(&self, text: &str) -> usize {
        words(text).count().max(tokens_of_long_words(text))
    }

    fn parallelism(&self) -> usize {
        self.threads
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn add_feature(vector: &mut [f32], feature: &str) -> u32 {
    let digest = blake3::hash(feature.as_bytes());
    let bytes = digest.as_bytes();
    let slot = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let sign = if bytes[4] & 1 == 0 { 1.0 } else { -1.0 };
    vector[slot as usize % DIMENSIONS] += sign;
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(first: &str, second: &str) -> f32 {
        let embedder = HashingEmbedder::default();
        let encode = |text| embedder.encode(text, Role::Passage).unwrap().pooled;
        encode(first).as_slice().iter().zip(encode(second).as_slice()).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn long_words_count_by_their_length() {
        let count = |text: &str| HashingEmbedder::default().count_tokens(text);
        assert_eq!(count("rotate the keys"), 3);
        assert_eq!(count(&"f".repeat(100)), 1);
        assert_eq!(count(&format!("key {}", "ü".repeat(400))), 100);
    }

    #[test]
    fn shared_words_bring_texts_together() {
        assert!((cosine("rotate the keys", "rotate the keys") - 1.0).abs() < 1e-6);
        assert!(cosine("rotate the keys", "key rotation") > cosine("rotate the keys", "weather report"));
        assert!(HashingEmbedder::default().encode("", Role::Query).is_ok());
    }
}
