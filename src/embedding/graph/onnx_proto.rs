//! The part of the ONNX file format that a BERT encoder needs: messages and field numbers of
//! `onnx.proto3` (ONNX IR specification). Other fields are skipped when read: a graph that is
//! written is built anew, never patched.

use prost::Message;
use prost::bytes::Bytes;

/// `TensorProto.DataType`, as far as used.
pub(super) mod data_type {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const INT8: i32 = 3;
    pub(crate) const INT64: i32 = 7;
}

/// `AttributeProto.AttributeType`, as far as used.
mod attribute_type {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const INT: i32 = 2;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, tag = "1")]
    pub(super) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub(super) domain: String,
    #[prost(int64, tag = "2")]
    pub(super) version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(super) input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(super) output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(float, tag = "2")]
    pub(super) f: f32,
    #[prost(int64, tag = "3")]
    pub(super) i: i64,
    #[prost(int32, tag = "20")]
    pub(super) r#type: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(super) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(super) float_data: Vec<f32>,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    /// Little-endian, row-major.
    #[prost(bytes = "bytes", tag = "9")]
    pub(super) raw_data: Bytes,
    /// Where the data lies in another file: `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub(super) external_data: Vec<Entry>,
    /// 1 where the data lies in another file.
    #[prost(int32, tag = "14")]
    pub(super) data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Type {
    #[prost(message, optional, tag = "1")]
    pub(super) tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, tag = "1")]
    pub(super) elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub(super) dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub(super) dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub(super) dim_param: Option<String>,
}

impl Attribute {
    pub(super) fn int(name: &str, value: i64) -> Self {
        Self { name: name.to_owned(), i: value, r#type: attribute_type::INT, ..Self::default() }
    }

    pub(super) fn float(name: &str, value: f32) -> Self {
        Self { name: name.to_owned(), f: value, r#type: attribute_type::FLOAT, ..Self::default() }
    }
}

impl Tensor {
    pub(super) fn floats(name: &str, dims: &[usize], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, dims, data_type::FLOAT, raw.into())
    }

    pub(super) fn int8(name: &str, dims: &[usize], values: Bytes) -> Self {
        Self::raw(name, dims, data_type::INT8, values)
    }

    pub(super) fn int64(name: &str, values: &[i64]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, &[values.len()], data_type::INT64, raw.into())
    }

    fn raw(name: &str, dims: &[usize], data_type: i32, raw_data: Bytes) -> Self {
        let dims = dims.iter().map(|dim| *dim as i64).collect();
        Self { dims, data_type, name: name.to_owned(), raw_data, ..Self::default() }
    }

    pub(super) fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect()
    }

    /// The values of a tensor of floats whose data lies in the file itself.
    pub(super) fn to_floats(&self) -> Option<Vec<f32>> {
        if self.data_type != data_type::FLOAT || self.data_location != 0 {
            return None;
        }
        let values = if self.float_data.is_empty() {
            let (numbers, rest) = self.raw_data.as_chunks::<4>();
            rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())?
        } else {
            self.float_data.clone()
        };
        (values.len() == self.shape().iter().product::<usize>()).then_some(values)
    }

    /// The bytes of a tensor of int8 whose data lies in the file itself.
    pub(super) fn to_int8(&self) -> Option<Bytes> {
        let fits = self.raw_data.len() == self.shape().iter().product::<usize>();
        (self.data_type == data_type::INT8 && self.data_location == 0 && fits).then(|| self.raw_data.clone())
    }
}

impl ValueInfo {
    pub(super) fn tensor(name: &str, elem_type: i32, dims: &[Result<i64, &str>]) -> Self {
        let dim = |dim: &Result<i64, &str>| Dimension {
            dim_value: dim.ok(),
            dim_param: dim.err().map(str::to_owned),
        };
        let shape = Shape { dim: dims.iter().map(dim).collect() };
        let tensor_type = TensorType { elem_type, shape: Some(shape) };
        Self { name: name.to_owned(), r#type: Some(Type { tensor_type: Some(tensor_type) }) }
    }
}
