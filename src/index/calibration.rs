//! How answers look in this index when nothing in it answers: kept with a generation, so that an
//! answer can say how far it stands out from those.

use serde::{Deserialize, Serialize};

/// What the best passages for questions that have nothing to do with the documents come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How many such questions were asked.
    pub questions: usize,
    /// How well their words are met by the best passages: late interaction, or the cosine where the
    /// model has no token vectors.
    pub meaning: Usual,
    /// The cosine of the question and the nearest document's mean vector.
    pub document: Usual,
    /// The centred cosine of the question and the passage that is ranked first; none in an index of an
    /// earlier docent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<Usual>,
}

/// A mean, and the standard deviation around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    /// The mean.
    pub mean: f32,
    /// The standard deviation.
    pub deviation: f32,
}

impl Usual {
    /// Of these values; of none, 0 and 0.
    #[must_use]
    pub fn of(values: &[f32]) -> Self {
        let count = values.len().max(1) as f32;
        let mean = values.iter().sum::<f32>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        Self { mean, deviation: variance.sqrt() }
    }

    /// By how many standard deviations `value` is above what is usual. A deviation of next to
    /// nothing, as in an index of a few words, counts as a hundredth.
    #[must_use]
    pub fn excess(&self, value: f32) -> f32 {
        (value - self.mean) / self.deviation.max(0.01)
    }
}
