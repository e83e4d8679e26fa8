//! Vectors of the generation before, found again by what was embedded: what did not change is not
//! embedded a second time, whatever file it has moved to.

use std::collections::HashMap;

use super::Index;
use crate::embedding::ModelIdentity;

/// Known vectors by passage hash.
#[derive(Default)]
pub(super) struct CachedVectors {
    vectors: HashMap<[u8; 32], Vec<f32>>,
}

impl CachedVectors {
    /// The vectors of `previous`, where the same model made them. A record that does not read back
    /// costs an embedding, no more.
    pub(super) fn of(previous: Option<&Index>, model: &ModelIdentity) -> Self {
        let Some(previous) = previous.filter(|index| index.manifest().model == *model) else {
            return Self::default();
        };
        let mut vectors = HashMap::new();
        for index in 0..previous.chunk_count() {
            if let Ok(stored) = previous.chunk(index) {
                vectors.insert(stored.passage_hash, previous.vectors().row(index).to_vec());
            }
        }
        Self { vectors }
    }

    pub(super) fn get(&self, passage_hash: &[u8; 32]) -> Option<&Vec<f32>> {
        self.vectors.get(passage_hash)
    }
}
