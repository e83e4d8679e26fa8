//! Where the large tensors of a graph lie. Inside the bytes of the graph ONNX Runtime reads each of them
//! twice over before it has it where it wants it, and for every session again. So they stay in the
//! model's file, which it maps, or are handed to all sessions from one copy.

use prost::Message;
use prost::bytes::Bytes;

use super::onnx_proto::{Entry, Model, Tensor, data_type};

/// Smaller tensors stay in the graph: they are looked at while it is optimised.
const LARGE: usize = 64 << 10;
/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// Where large tensors are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedding) enum Place {
    /// Into the graph, all of them.
    Graph,
    /// They stay in the model's file of this name where they lie in it as they are.
    File(String),
    /// Beside the graph, for several sessions to share. The name is again that of the model's file: ONNX
    /// Runtime wants one that is there, and does not read it.
    Shared(String),
}

/// A graph that was built anew.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::embedding) struct Rebuilt {
    /// The bytes of an ONNX file.
    pub(in crate::embedding) graph: Vec<u8>,
    /// What it has to be given beside them.
    pub(in crate::embedding) weights: Vec<Weight>,
    /// Bytes of its large tensors, wherever they lie.
    pub(in crate::embedding) large_bytes: u64,
}

/// A tensor beside its graph.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::embedding) struct Weight {
    /// Its name in the graph.
    pub(in crate::embedding) name: String,
    /// Its shape.
    pub(in crate::embedding) shape: Vec<usize>,
    /// Its values, row-major.
    pub(in crate::embedding) values: WeightValues,
}

/// The values of a tensor beside its graph.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::embedding) enum WeightValues {
    Int8(Vec<i8>),
    F32(Vec<f32>),
}

impl Rebuilt {
    /// `model`, parts of which may be slices of `file`, with its large tensors put in `place`.
    pub(super) fn new(mut model: Model, file: &Bytes, place: &Place) -> Self {
        let (mut weights, mut large_bytes) = (Vec::new(), 0);
        let tensors = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
        for tensor in tensors.filter(|tensor| tensor.raw_data.len() >= LARGE) {
            large_bytes += tensor.raw_data.len() as u64;
            match place {
                Place::Graph => {}
                Place::File(name) => {
                    if let Some(offset) = offset_in(file, &tensor.raw_data) {
                        let length = tensor.raw_data.len();
                        tensor.lies_in(name, &[("offset", offset), ("length", length)]);
                    }
                }
                Place::Shared(name) => {
                    if let Some(weight) = Weight::of(tensor) {
                        weights.push(weight);
                        tensor.lies_in(name, &[]);
                    }
                }
            }
        }
        Self { graph: model.encode_to_vec(), weights, large_bytes }
    }
}

/// Where `part` begins in `file`, if it is a slice of it.
fn offset_in(file: &Bytes, part: &Bytes) -> Option<usize> {
    let offset = (part.as_ptr() as usize).checked_sub(file.as_ptr() as usize)?;
    (offset.checked_add(part.len())? <= file.len()).then_some(offset)
}

impl Weight {
    fn of(tensor: &Tensor) -> Option<Self> {
        let values = match tensor.data_type {
            data_type::INT8 => WeightValues::Int8(bytemuck::cast_slice(&tensor.to_int8()?).to_vec()),
            data_type::FLOAT => WeightValues::F32(tensor.to_floats()?),
            _ => return None,
        };
        Some(Self { name: tensor.name.clone(), shape: tensor.shape(), values })
    }
}

impl Tensor {
    fn lies_in(&mut self, file: &str, range: &[(&str, usize)]) {
        let entry = |key: &str, value: String| Entry { key: key.to_owned(), value };
        self.raw_data.clear();
        self.data_location = EXTERNAL;
        self.external_data = vec![entry("location", file.to_owned())];
        self.external_data.extend(range.iter().map(|(key, value)| entry(key, value.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use super::super::onnx_proto::Graph;
    use super::*;

    /// A file with a large tensor, a small one and one of floats.
    fn file() -> Bytes {
        let values: Vec<u8> = (0..LARGE).map(|value| value as u8).collect();
        let floats: Vec<f32> = (0..LARGE / 4).map(|value| value as f32).collect();
        let initializer = vec![
            Tensor::int8("large", &[2, LARGE / 2], values.into()),
            Tensor::int8("small", &[1, 3], vec![1, 2, 3].into()),
            Tensor::floats("floats", &[LARGE / 4], &floats),
        ];
        let model = Model { graph: Some(Graph { initializer, ..Graph::default() }), ..Model::default() };
        model.encode_to_vec().into()
    }

    fn placed(place: &Place) -> (Vec<Tensor>, Vec<Weight>) {
        let file = file();
        let rebuilt = Rebuilt::new(Model::decode(file.clone()).unwrap(), &file, place);
        let model = Model::decode(Bytes::from(rebuilt.graph)).unwrap();
        (model.graph.unwrap().initializer, rebuilt.weights)
    }

    fn entry<'tensor>(tensor: &'tensor Tensor, key: &str) -> Option<&'tensor str> {
        tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    #[test]
    fn what_lies_in_the_file_is_named_by_its_place_there() {
        let (tensors, weights) = placed(&Place::File("model.onnx".into()));
        assert!(weights.is_empty());
        let large = &tensors[0];
        assert!(large.raw_data.is_empty());
        assert_eq!((large.data_location, entry(large, "location")), (EXTERNAL, Some("model.onnx")));
        let number = |key: &str| entry(large, key).unwrap().parse::<usize>().unwrap();
        let range = number("offset")..number("offset") + number("length");
        let values: Vec<u8> = (0..LARGE).map(|value| value as u8).collect();
        assert_eq!(&file()[range], values);
        assert_eq!((tensors[1].data_location, &tensors[1].raw_data[..]), (0, &[1, 2, 3][..]));
    }

    #[test]
    fn what_was_made_anew_lies_in_no_file() {
        let mut model = Model::decode(file()).unwrap();
        let floats = vec![0.5; LARGE];
        model.graph.as_mut().unwrap().initializer = vec![Tensor::floats("new", &[LARGE], &floats)];
        let rebuilt = Rebuilt::new(model, &file(), &Place::File("model.onnx".into()));
        let model = Model::decode(Bytes::from(rebuilt.graph)).unwrap();
        assert_eq!(model.graph.unwrap().initializer[0].to_floats(), Some(floats));
    }

    #[test]
    fn what_is_shared_is_beside_the_graph_once() {
        let (tensors, weights) = placed(&Place::Shared("model.onnx".into()));
        let names: Vec<&str> = weights.iter().map(|weight| weight.name.as_str()).collect();
        assert_eq!(names, ["large", "floats"]);
        assert_eq!(weights[0].shape, [2, LARGE / 2]);
        assert!(matches!(&weights[0].values, WeightValues::Int8(values) if values[200] == -56));
        let floats: Vec<f32> = (0..LARGE / 4).map(|value| value as f32).collect();
        assert_eq!(weights[1].values, WeightValues::F32(floats));
        assert!(tensors[0].raw_data.is_empty() && tensors[2].raw_data.is_empty());
        assert_eq!((entry(&tensors[0], "offset"), tensors[1].raw_data.len()), (None, 3));
    }

    #[test]
    fn in_the_graph_nothing_changes() {
        let (tensors, weights) = placed(&Place::Graph);
        assert!(weights.is_empty());
        assert_eq!((tensors[0].data_location, tensors[0].raw_data.len()), (0, LARGE));
    }
}
