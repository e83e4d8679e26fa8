//! The weights of a BERT encoder (Devlin et al. 2019, post-norm transformer), whatever file they
//! came from.

use super::weights::Matrix;

/// Scale and shift of a layer normalisation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Norm {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// `x W + b`, W as [in, out].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linear {
    /// W; where there is smoothing, its rows divided by it.
    pub(super) weight: Matrix,
    pub(super) bias: Vec<f32>,
    /// What x is multiplied by, component by component, before it is brought to int8: a few components are ten
    /// times as large as the rest, and would leave the rest a few steps (Xiao et al. 2023, "`SmoothQuant`").
    pub(super) smoothing: Option<Vec<f32>>,
}

impl Linear {
    /// W in full precision, without smoothing.
    pub(super) fn full_weight(&self) -> Vec<f32> {
        let mut weight = self.weight.to_f32();
        if let Some(smoothing) = &self.smoothing {
            for (row, factor) in weight.chunks_exact_mut(self.weight.columns).zip(smoothing) {
                for value in row {
                    *value *= factor;
                }
            }
        }
        weight
    }
}

/// One transformer layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: Norm,
    pub(super) intermediate: Linear,
    pub(super) output: Linear,
    pub(super) output_norm: Norm,
}

/// A whole encoder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bert {
    /// [vocabulary, hidden].
    pub(super) word: Matrix,
    /// [positions, hidden]; the vector of token type 0, which every token of a single text has, is
    /// added in.
    pub(super) position: Vec<f32>,
    pub(super) embedding_norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Layer {
    /// The six linear maps by name, in the order of the computation.
    pub(super) fn linears(&self) -> [(&'static str, &Linear); 6] {
        [
            ("query", &self.query),
            ("key", &self.key),
            ("value", &self.value),
            ("attention_output", &self.attention_output),
            ("intermediate", &self.intermediate),
            ("output", &self.output),
        ]
    }
}

impl Bert {
    /// Length of a token's vector.
    pub(super) fn hidden(&self) -> usize {
        self.word.columns
    }

    /// Length of one attention head: a graph does not always say, and published BERT encoders
    /// have 32 at 384 dimensions and 64 at others. A wrong guess does not survive the comparison
    /// with the original graph.
    pub(super) fn head_length(&self) -> usize {
        if self.hidden() == 384 { 32 } else { 64 }
    }

    /// What does not fit together, if anything.
    pub(super) fn misfit(&self) -> Option<String> {
        let hidden = self.hidden();
        if hidden == 0 || !hidden.is_multiple_of(self.head_length()) {
            return Some(format!("{hidden} dimensions are no whole number of attention heads"));
        }
        if self.position.is_empty() || !self.position.len().is_multiple_of(hidden) {
            return Some("the table of positions has rows of another length".to_owned());
        }
        let norm = |norm: &Norm| norm.weight.len() == hidden && norm.bias.len() == hidden;
        for (index, layer) in self.layers.iter().enumerate() {
            let wide = layer.intermediate.weight.columns;
            for (name, linear) in layer.linears() {
                let (rows, columns) = match name {
                    "intermediate" => (hidden, wide),
                    "output" => (wide, hidden),
                    _ => (hidden, hidden),
                };
                let weight = &linear.weight;
                if (weight.rows, weight.columns, linear.bias.len()) != (rows, columns, columns) {
                    return Some(format!("layer {index}: {name} is {} x {}", weight.rows, weight.columns));
                }
                if linear.smoothing.as_ref().is_some_and(|smoothing| smoothing.len() != rows) {
                    return Some(format!("layer {index}: the smoothing of {name} has another length"));
                }
            }
            if !norm(&layer.attention_norm) || !norm(&layer.output_norm) {
                return Some(format!("layer {index}: a normalisation of another length"));
            }
        }
        (!norm(&self.embedding_norm)).then(|| "the first normalisation has another length".to_owned())
    }
}
