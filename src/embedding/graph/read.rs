//! The weights of a BERT encoder out of an ONNX file: one that docent wrote, or an export of a
//! published model, whose biases and normalisations keep the names that the model's authors gave
//! them (`encoder.layer.N.attention.self.query.bias` and so on).

use std::collections::HashMap;

use super::GraphError;
use super::bert::{Bert, Layer, Linear, Norm};
use super::onnx_proto::{Graph, Model, Node, Tensor};
use super::weights::{Channel, Matrix, Values};
use super::write::PRODUCER;

/// Reads the weights.
///
/// # Errors
/// Where the graph is no plain BERT encoder, and what of it was missed.
pub(super) fn read(model: Model) -> Result<Bert, GraphError> {
    let own = model.producer_name == PRODUCER;
    let graph = model.graph.ok_or_else(|| missing("graph"))?;
    let reader = Reader::new(&graph);
    let bert = if own { reader.own() } else { reader.export() }?;
    match bert.misfit() {
        Some(misfit) => Err(GraphError::NotBert(misfit)),
        None => Ok(bert),
    }
}

fn missing(what: &str) -> GraphError {
    GraphError::NotBert(format!("it has no {what}"))
}

struct Reader<'a> {
    initializers: HashMap<&'a str, &'a Tensor>,
    makers: HashMap<&'a str, &'a Node>,
    graph: &'a Graph,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a Graph) -> Self {
        let initializers = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let outputs = |node: &'a Node| node.output.iter().map(move |output| (output.as_str(), node));
        Self { initializers, makers: graph.node.iter().flat_map(outputs).collect(), graph }
    }

    /// A file that [`super::write`] wrote.
    fn own(&self) -> Result<Bert, GraphError> {
        let count =
            (0..).take_while(|index| self.initializers.contains_key(&*format!("layer.{index}.query.bias")));
        let layers = count.map(|index| self.own_layer(&format!("layer.{index}")));
        Ok(Bert {
            word: self.own_matrix("word", Channel::Row)?,
            position: self.vector("position.weight")?,
            embedding_norm: self.norm("embedding.norm")?,
            layers: layers.collect::<Result<_, _>>()?,
        })
    }

    fn own_layer(&self, name: &str) -> Result<Layer, GraphError> {
        let linear = |part: &str| {
            let name = format!("{name}.{part}");
            let weight = self.own_matrix(&name, Channel::Column)?;
            let bias = self.vector(&format!("{name}.bias"))?;
            let smoothing = self.vector(&format!("{name}.smoothing")).ok();
            Ok::<_, GraphError>(Linear { weight, bias, smoothing })
        };
        Ok(Layer {
            query: linear("query")?,
            key: linear("key")?,
            value: linear("value")?,
            attention_output: linear("attention_output")?,
            attention_norm: self.norm(&format!("{name}.attention_norm"))?,
            intermediate: linear("intermediate")?,
            output: linear("output")?,
            output_norm: self.norm(&format!("{name}.output_norm"))?,
        })
    }

    fn own_matrix(&self, name: &str, channel: Channel) -> Result<Matrix, GraphError> {
        let weight = format!("{name}.weight");
        let scales = self.vector(&format!("{name}.scale")).ok();
        let tensor = self.initializers.get(&*weight).ok_or_else(|| missing(&weight))?;
        matrix(tensor, scales, channel).ok_or_else(|| missing(&weight))
    }

    /// An export of a published model.
    fn export(&self) -> Result<Bert, GraphError> {
        let prefix = self.prefix()?;
        let table = |part: &str| {
            let name = format!("{prefix}embeddings.{part}.weight");
            self.constant(&name, Channel::Row).ok_or_else(|| missing(&name))
        };
        let (word, position, types) =
            (table("word_embeddings")?, table("position_embeddings")?, table("token_type_embeddings")?);
        let first_type = types.to_f32();
        let mut position = position.to_f32();
        for row in position.chunks_exact_mut(types.columns.max(1)) {
            row.iter_mut().zip(&first_type).for_each(|(value, of_type)| *value += of_type);
        }
        let mut linears = self.linears(&prefix);
        let count = linears.keys().map(|(layer, _)| layer + 1).max().unwrap_or(0);
        let layers = (0..count).map(|index| self.export_layer(&prefix, index, &mut linears));
        Ok(Bert {
            word,
            position,
            embedding_norm: self.norm(&format!("{prefix}embeddings.LayerNorm"))?,
            layers: layers.collect::<Result<_, _>>()?,
        })
    }

    /// What stands before `embeddings.` in the names of this file.
    fn prefix(&self) -> Result<String, GraphError> {
        let end = "embeddings.LayerNorm.weight";
        let found = self.initializers.keys().find_map(|name| name.strip_suffix(end));
        found.map(str::to_owned).ok_or_else(|| missing(end))
    }

    fn export_layer(
        &self,
        prefix: &str,
        index: usize,
        linears: &mut HashMap<(usize, String), Linear>,
    ) -> Result<Layer, GraphError> {
        let mut linear = |part: &str| {
            let found = linears.remove(&(index, part.to_owned()));
            found.ok_or_else(|| missing(&format!("{part} in layer {index}")))
        };
        let norm = |part: &str| self.norm(&format!("{prefix}encoder.layer.{index}.{part}.LayerNorm"));
        Ok(Layer {
            query: linear("attention.self.query")?,
            key: linear("attention.self.key")?,
            value: linear("attention.self.value")?,
            attention_output: linear("attention.output.dense")?,
            attention_norm: norm("attention.output")?,
            intermediate: linear("intermediate.dense")?,
            output: linear("output.dense")?,
            output_norm: norm("output")?,
        })
    }

    /// Every product with a constant matrix that a named bias is added to, by layer and part.
    /// Exporters rename the matrices but not the biases.
    fn linears(&self, prefix: &str) -> HashMap<(usize, String), Linear> {
        let products = self.graph.node.iter().filter(|node| node.op_type == "Add");
        products.filter_map(|add| self.linear(prefix, add)).collect()
    }

    fn linear(&self, prefix: &str, add: &Node) -> Option<((usize, String), Linear)> {
        let start = format!("{prefix}encoder.layer.");
        let is_bias = |name: &&String| name.starts_with(&start) && name.strip_suffix(".bias").is_some();
        let bias = add.input.iter().find(is_bias)?;
        let product = add.input.iter().find(|name| *name != bias)?;
        let product = self.makers.get(product.as_str()).filter(|node| node.op_type == "MatMul")?;
        let weight = self.constant(product.input.get(1)?, Channel::Column)?;
        let (layer, part) = bias.strip_prefix(&start)?.strip_suffix(".bias")?.split_once('.')?;
        let linear = Linear { weight, bias: self.vector(bias).ok()?, smoothing: None };
        Some(((layer.parse().ok()?, part.to_owned()), linear))
    }

    /// A matrix that is an initializer, or int8 times scales by `Cast` and `Mul` or by
    /// `DequantizeLinear`.
    fn constant(&self, name: &str, channel: Channel) -> Option<Matrix> {
        if let Some(tensor) = self.initializers.get(name) {
            return matrix(tensor, None, channel);
        }
        let maker = self.makers.get(name)?;
        let (quantized, scales) = (maker.input.first()?, maker.input.get(1)?);
        let quantized = match maker.op_type.as_str() {
            "Mul" => {
                self.makers.get(quantized.as_str()).filter(|node| node.op_type == "Cast")?.input.first()?
            }
            "DequantizeLinear" if self.is_zero(maker.input.get(2)) => quantized,
            _ => return None,
        };
        let tensor = self.initializers.get(quantized.as_str())?;
        matrix(tensor, Some(self.vector(scales).ok()?), channel)
    }

    fn is_zero(&self, name: Option<&String>) -> bool {
        name.is_none_or(|name| {
            let origin = self.initializers.get(name.as_str()).and_then(|tensor| tensor.to_int8());
            origin.is_some_and(|origin| origin.iter().all(|value| *value == 0))
        })
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, GraphError> {
        let tensor = self.initializers.get(name).and_then(|tensor| tensor.to_floats());
        tensor.ok_or_else(|| missing(name))
    }

    fn norm(&self, name: &str) -> Result<Norm, GraphError> {
        let weight = self.vector(&format!("{name}.weight"))?;
        Ok(Norm { weight, bias: self.vector(&format!("{name}.bias"))? })
    }
}

/// A tensor of two dimensions, with its scales where it is int8. A single scale holds for all.
fn matrix(tensor: &Tensor, scales: Option<Vec<f32>>, channel: Channel) -> Option<Matrix> {
    let shape = tensor.shape();
    let [rows, columns] = shape[..] else { return None };
    if let Some(values) = tensor.to_floats() {
        return Some(Matrix { rows, columns, values: Values::F32(values) });
    }
    let channels = if channel == Channel::Row { rows } else { columns };
    let scales = scales?;
    let scales = if scales.len() == 1 { vec![scales[0]; channels] } else { scales };
    let values = tensor.to_int8()?;
    let values = Values::Int8 { values, scales, channel };
    matches!(&values, Values::Int8 { scales, .. } if scales.len() == channels).then_some(Matrix {
        rows,
        columns,
        values,
    })
}
