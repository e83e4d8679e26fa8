//! Vectors that can be compared: finite, and of unit length by construction.

/// By how much a squared length may miss 1: more than vectors lose in 16 bits a component, and too little
/// to change an answer.
const UNIT: f64 = 1e-4;

/// A unit vector. The dot product of two is their cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Box<[f32]>);

/// A vector that has no direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVector {
    /// NaN or infinite.
    #[error("component {0} is not a finite number")]
    NotFinite(usize),
    /// All zero, or too small to be scaled.
    #[error("its length is zero")]
    Zero,
}

impl Embedding {
    /// `values` scaled to unit length.
    ///
    /// # Errors
    /// Where a component is not finite, or the length is zero.
    pub fn normalized(mut values: Vec<f32>) -> Result<Self, InvalidVector> {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(InvalidVector::NotFinite(index));
        }
        let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if length < 1e-12 {
            return Err(InvalidVector::Zero);
        }
        for value in &mut values {
            *value = (f64::from(*value) / length) as f32;
        }
        Ok(Self(values.into_boxed_slice()))
    }

    /// `values` as they are where they are of unit length already, which rounding would change in their
    /// last bits; else scaled to it.
    ///
    /// # Errors
    /// As [`Embedding::normalized`].
    pub fn of_unit(values: Vec<f32>) -> Result<Self, InvalidVector> {
        let squared = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        // A NaN is near nothing.
        if (squared - 1.0).abs() < UNIT {
            return Ok(Self(values.into_boxed_slice()));
        }
        Self::normalized(values)
    }

    /// The components.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_scaled_to_unit_length() {
        assert_eq!(Embedding::normalized(vec![3.0, 4.0]).unwrap().as_slice(), [0.6, 0.8]);
        assert_eq!(Embedding::of_unit(vec![3.0, 4.0]).unwrap().as_slice(), [0.6, 0.8]);
        assert_eq!(Embedding::of_unit(vec![0.600_000_1, 0.8]).unwrap().as_slice(), [0.600_000_1, 0.8]);
        assert_eq!(Embedding::of_unit(vec![0.600_03, 0.8]).unwrap().as_slice(), [0.600_03, 0.8]);
        assert_eq!(Embedding::of_unit(vec![1.0, f32::NAN]), Err(InvalidVector::NotFinite(1)));
        assert_eq!(Embedding::normalized(vec![0.0, 0.0]), Err(InvalidVector::Zero));
        assert_eq!(Embedding::normalized(vec![1.0, f32::NAN]), Err(InvalidVector::NotFinite(1)));
        assert_eq!(Embedding::normalized(vec![f32::INFINITY]), Err(InvalidVector::NotFinite(0)));
    }
}
