use super::bert::{Bert, Layer, Linear, Norm};
use super::onnx_proto::{Graph, Node, Tensor};
use super::weights::{Channel, Matrix, Values};
use super::*;

const HIDDEN: usize = 64;
const WIDE: usize = 96;

/// Numbers that differ from each other and do not depend on anything.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| (((index * 37 + seed * 101) % 255) as f32 - 127.0) / 64.0).collect()
}

fn matrix(rows: usize, columns: usize, seed: usize) -> Matrix {
    Matrix { rows, columns, values: Values::F32(numbers(rows * columns, seed)) }
}

fn linear(rows: usize, columns: usize, seed: usize) -> Linear {
    Linear { weight: matrix(rows, columns, seed), bias: numbers(columns, seed + 1), smoothing: None }
}

fn norm(seed: usize) -> Norm {
    Norm { weight: numbers(HIDDEN, seed), bias: numbers(HIDDEN, seed + 1) }
}

fn layer(seed: usize) -> Layer {
    Layer {
        query: linear(HIDDEN, HIDDEN, seed),
        key: linear(HIDDEN, HIDDEN, seed + 1),
        value: linear(HIDDEN, HIDDEN, seed + 2),
        attention_output: linear(HIDDEN, HIDDEN, seed + 3),
        attention_norm: norm(seed + 4),
        intermediate: linear(HIDDEN, WIDE, seed + 5),
        output: linear(WIDE, HIDDEN, seed + 6),
        output_norm: norm(seed + 7),
    }
}

fn bert() -> Bert {
    Bert {
        word: matrix(11, HIDDEN, 1),
        position: numbers(5 * HIDDEN, 2),
        embedding_norm: norm(3),
        layers: vec![layer(10), layer(20)],
    }
}

fn read_back(file: &[u8]) -> Bert {
    read::read(Model::decode(file).expect("an ONNX file")).expect("a BERT encoder")
}

/// The same network with each matrix brought to int8 and back.
fn quantized(mut bert: Bert) -> Bert {
    let through = |matrix: &mut Matrix, channel| {
        let (values, scales) = matrix.to_int8(channel);
        matrix.values = Values::Int8 { values, scales, channel };
    };
    through(&mut bert.word, Channel::Row);
    for layer in &mut bert.layers {
        let Layer { query, key, value, attention_output, intermediate, output, .. } = layer;
        for linear in [query, key, value, attention_output, intermediate, output] {
            through(&mut linear.weight, Channel::Column);
        }
    }
    bert
}

#[test]
fn what_is_written_in_f32_is_read_back_the_same() {
    assert_eq!(read_back(&write::write(&bert(), Arithmetic::F32).encode_to_vec()), bert());
}

#[test]
fn what_is_written_in_int8_is_read_back_with_its_scales() {
    assert_eq!(read_back(&write::write(&bert(), Arithmetic::Int8).encode_to_vec()), quantized(bert()));
}

#[test]
fn full_precision_of_a_file_in_int8_has_the_values_that_the_file_stands_for() {
    let int8 = write::write(&bert(), Arithmetic::Int8).encode_to_vec();
    let f32 = read_back(&rebuild(int8, Arithmetic::F32, &Place::Graph).expect("rebuilt").graph);
    let linears = |bert: &Bert| {
        let layers = bert.layers.iter().flat_map(|layer| layer.linears().map(|(_, linear)| linear.clone()));
        layers.map(|linear| (linear.weight.to_f32(), linear.bias)).collect::<Vec<_>>()
    };
    assert_eq!(linears(&f32), linears(&quantized(bert())));
    assert_eq!(f32.word.to_f32(), quantized(bert()).word.to_f32());
}

/// The same network for smoothed activations: powers of two, which change no digit.
fn smoothed(mut bert: Bert) -> Bert {
    for layer in &mut bert.layers {
        for linear in [&mut layer.intermediate, &mut layer.output] {
            let factors: Vec<f32> = (0..linear.weight.rows).map(|row| [0.25, 1.0, 2.0][row % 3]).collect();
            let mut weight = linear.weight.to_f32();
            for (row, factor) in weight.chunks_exact_mut(linear.weight.columns).zip(&factors) {
                for value in row {
                    *value /= factor;
                }
            }
            linear.weight.values = Values::F32(weight);
            linear.smoothing = Some(factors);
        }
    }
    bert
}

#[test]
fn smoothing_is_kept_in_int8_and_has_no_place_in_f32() {
    let int8 = write::write(&smoothed(bert()), Arithmetic::Int8).encode_to_vec();
    assert_eq!(read_back(&int8), quantized(smoothed(bert())));
    assert_eq!(read_back(&write::write(&smoothed(bert()), Arithmetic::F32).encode_to_vec()), bert());
}

#[test]
fn smoothing_of_another_length_is_refused() {
    let mut bert = smoothed(bert());
    bert.layers[1].output.smoothing = Some(vec![1.0; HIDDEN]);
    let file = write::write(&bert, Arithmetic::Int8);
    let message = read::read(file).expect_err("it does not fit").to_string();
    assert!(message.contains("layer 1: the smoothing of output has another length"), "{message}");
}

/// The network as another exporter writes it: matrices without names, int8 with `Cast` and `Mul`.
fn export(bert: &Bert) -> Model {
    let mut graph = Graph::default();
    let floats = |name: &str, values: &[f32]| Tensor::floats(name, &[values.len()], values);
    let table = |name: &str, values: &[f32]| Tensor::floats(name, &[values.len() / HIDDEN, HIDDEN], values);
    let of_norm = |name: &str, norm: &Norm| {
        [
            floats(&format!("{name}.LayerNorm.weight"), &norm.weight),
            floats(&format!("{name}.LayerNorm.bias"), &norm.bias),
        ]
    };
    let zeros = vec![0.0; HIDDEN];
    let at = "bert.embeddings";
    graph.initializer.push(table(&format!("{at}.word_embeddings.weight"), &bert.word.to_f32()));
    graph.initializer.push(table(&format!("{at}.position_embeddings.weight"), &bert.position));
    graph.initializer.push(table(&format!("{at}.token_type_embeddings.weight"), &zeros));
    graph.initializer.extend(of_norm(at, &bert.embedding_norm));
    for (index, layer) in bert.layers.iter().enumerate() {
        let at = format!("bert.encoder.layer.{index}");
        let parts = [
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
            "intermediate.dense",
            "output.dense",
        ];
        for (part, (_, linear)) in parts.into_iter().zip(layer.linears()) {
            graph.export_linear(&format!("{at}.{part}"), &format!("val_{index}_{part}"), linear);
        }
        graph.initializer.extend(of_norm(&format!("{at}.attention.output"), &layer.attention_norm));
        graph.initializer.extend(of_norm(&format!("{at}.output"), &layer.output_norm));
    }
    Model { producer_name: "another".to_owned(), graph: Some(graph), ..Model::default() }
}

impl Graph {
    fn export_linear(&mut self, name: &str, value: &str, linear: &Linear) {
        let (values, scales) = linear.weight.to_int8(Channel::Column);
        let (rows, columns) = (linear.weight.rows, linear.weight.columns);
        let at = |part: &str| format!("{value}_{part}");
        self.initializer.push(Tensor::int8(&at("q"), &[rows, columns], values));
        self.initializer.push(Tensor::floats(&at("scale"), &[1, columns], &scales));
        self.initializer.push(Tensor::floats(&format!("{name}.bias"), &[columns], &linear.bias));
        self.export_node("Cast", &[&at("q")], &at("f"));
        self.export_node("Mul", &[&at("f"), &at("scale")], &at("w"));
        self.export_node("MatMul", &["anything", &at("w")], &at("m"));
        self.export_node("Add", &[&format!("{name}.bias"), &at("m")], &at("out"));
    }

    fn export_node(&mut self, op_type: &str, input: &[&str], output: &str) {
        let input = input.iter().map(|&name| name.to_owned()).collect();
        let output = vec![output.to_owned()];
        self.node.push(Node { input, output, op_type: op_type.to_owned(), attribute: Vec::new() });
    }
}

#[test]
fn an_export_is_read_by_the_names_of_its_biases() {
    let read = read::read(export(&bert())).expect("a BERT encoder");
    let word = bert().word;
    assert_eq!(read, Bert { word, ..quantized(bert()) });
}

#[test]
fn the_vector_of_the_first_token_type_is_added_to_the_positions() {
    let mut model = export(&bert());
    let graph = model.graph.as_mut().expect("a graph");
    let types =
        graph.initializer.iter_mut().find(|tensor| tensor.name.contains("token_type")).expect("types");
    *types = Tensor::floats(&types.name, &[1, HIDDEN], &[0.5; HIDDEN]);
    let read = read::read(model).expect("a BERT encoder");
    let without: Vec<f32> = bert().position.iter().map(|value| value + 0.5).collect();
    assert_eq!(read.position, without);
}

#[test]
fn what_is_no_bert_is_refused_with_what_was_missed() {
    let message = |model| read::read(model).expect_err("no encoder").to_string();
    assert!(message(Model::default()).contains("it has no graph"));
    let mut headless = export(&bert());
    headless.graph.as_mut().expect("a graph").node.retain(|node| !node.output[0].contains("self.key"));
    assert!(message(headless).contains("attention.self.key in layer 0"));
    let mut torn = export(&bert());
    for tensor in &mut torn.graph.as_mut().expect("a graph").initializer {
        if tensor.name.ends_with("query_q") {
            tensor.dims = vec![8, 8];
        }
    }
    assert!(message(torn).contains("attention.self.query"));
}

#[test]
fn bytes_that_are_no_model_are_an_error() {
    assert!(matches!(rebuild(vec![0xff; 40], Arithmetic::F32, &Place::Graph), Err(GraphError::Format(_))));
    assert!(rebuild(Vec::new(), Arithmetic::F32, &Place::Graph).is_err());
    let whole = write::write(&bert(), Arithmetic::Int8).encode_to_vec();
    for length in (0..whole.len()).step_by(997) {
        assert!(rebuild(whole[..length].to_vec(), Arithmetic::F32, &Place::Graph).is_err(), "{length} bytes");
    }
}
