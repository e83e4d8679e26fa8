//! The ONNX graph of an encoder, built anew for this machine.
//!
//! Published graphs are made for batches of padded texts and for every runtime. One text a run
//! needs no mask, no padding and no token types, and a processor with dot products of int8 does
//! the matrix products several times faster on int8. So the weights are read out of a model's file
//! and written as a plain graph, with the arithmetic that suits the processor.

mod bert;
mod onnx_proto;
mod placement;
mod read;
#[cfg(test)]
mod tests;
mod weights;
mod write;

use prost::Message;
use prost::bytes::Bytes;
use serde::{Deserialize, Serialize};

use onnx_proto::Model;

pub(super) use placement::{Place, Rebuilt, Weight, WeightValues};
pub(super) use write::{INPUTS, OUTPUT};

/// In which numbers an encoder multiplies matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// 32-bit floating point.
    F32,
    /// 8-bit integers, ranges of the activations taken from each text.
    Int8,
}

impl Arithmetic {
    /// Its name in settings and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// A graph that is not rebuilt; the file itself can still be run as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum GraphError {
    /// The bytes are no ONNX file.
    #[error("it is no ONNX file: {0}")]
    Format(#[from] prost::DecodeError),
    /// It is not the kind of network that is known here.
    #[error("it is not a plain BERT encoder: {0}")]
    NotBert(String),
}

/// The graph of the encoder in `file`, built anew with this arithmetic, its large tensors put in `place`.
///
/// # Errors
/// Where the file is not read as a BERT encoder.
pub(super) fn rebuild(file: Vec<u8>, arithmetic: Arithmetic, place: &Place) -> Result<Rebuilt, GraphError> {
    let file = Bytes::from(file);
    let bert = read::read(Model::decode(file.clone())?)?;
    Ok(Rebuilt::new(write::write(&bert, arithmetic), &file, place))
}

/// Whether docent wrote this file: its matrices are then in int8 already.
pub(super) fn is_own(path: &std::path::Path) -> bool {
    let file = std::fs::read(path).ok();
    let model = file.and_then(|file| Model::decode(Bytes::from(file)).ok());
    model.is_some_and(|model| model.producer_name == write::PRODUCER)
}
