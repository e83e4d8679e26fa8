//! docent's own encoder: that the program computes what the pipeline that made it computed, and that the pipeline's
//! own tests pass.

use std::path::Path;
use std::process::Command;

use docent::embedding::catalog::Catalog;
use docent::embedding::store::ModelStore;
use docent::embedding::{Embedder, Role};
use docent::embedding::{OnnxEmbedder, Threads};
use serde_json::Value;

use crate::python::{python_with, said};
use crate::real_model::{is_pulled, store};

/// int8 kernels differ between processors in the last places; another model, or another pooling, is far below.
const LEAST_COSINE: f64 = 0.98;

#[test]
fn the_program_and_the_pipeline_give_the_same_vectors() {
    if !is_pulled() {
        return;
    }
    let store = ModelStore::new(store());
    let spec = Catalog::builtin().default_model();
    let (files, runtime) = (store.files(spec).unwrap(), store.runtime().unwrap());
    let embedder = OnnxEmbedder::load(spec, &files, &runtime, Threads::for_throughput(1)).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/docent-minilm/vectors.json");
    let entries: Value = serde_json::from_slice(&std::fs::read(shipped).unwrap()).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), 5);
    for entry in entries {
        let text = entry["text"].as_str().unwrap();
        let wanted: Vec<f64> =
            entry["vector"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        let got = embedder.encode(text, Role::Passage).unwrap().pooled;
        let cosine: f64 = wanted.iter().zip(got.as_slice()).map(|(a, b)| a * f64::from(*b)).sum();
        assert!(cosine > LEAST_COSINE, "{cosine} for {text}");
    }
}

/// Sessions that share their weights, one that maps them from the file, and as many threads on a text: the same
/// vectors to the last bit, also of a text that is cut.
#[test]
fn vectors_do_not_depend_on_how_many_sessions_there_are() {
    if !is_pulled() {
        return;
    }
    let store = ModelStore::new(store());
    let spec = Catalog::builtin().default_model();
    let (files, runtime) = (store.files(spec).unwrap(), store.runtime().unwrap());
    let texts = ["rotate a key".to_owned(), "Keys (ünïcode), and `code()`. ".repeat(70), String::new()];
    let encodings = |threads| {
        let embedder = OnnxEmbedder::load(spec, &files, &runtime, threads).unwrap();
        assert!(embedder.count_tokens(&texts[1]) > spec.max_tokens);
        // As many at once as there are sessions, so that each gets its turn.
        std::thread::scope(|scope| {
            let encode = |text| embedder.encode(text, Role::Passage).unwrap();
            let running: Vec<_> = texts.iter().map(|text| scope.spawn(move || encode(text))).collect();
            running.into_iter().map(|encoding| encoding.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let one = encodings(Threads::for_throughput(1));
    assert_eq!(encodings(Threads::for_throughput(3)), one);
    assert_eq!(encodings(Threads::for_latency(2)), one);
}

/// What was let go is made again by the next text, of the same files or not at all.
#[test]
fn an_encoder_that_rested_gives_the_same_vectors() {
    if !is_pulled() {
        return;
    }
    let store = ModelStore::new(store());
    let spec = Catalog::builtin().default_model();
    let (installed, runtime) = (store.files(spec).unwrap(), store.runtime().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for file in [&installed.model, &installed.tokenizer] {
        std::fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let files = ModelStore::from_dir(folder.path(), spec).unwrap();
    let embedder = OnnxEmbedder::load(spec, &files, &runtime, Threads::for_throughput(2)).unwrap();
    let encode = || embedder.encode("rotate a key", Role::Query);
    let before = encode().unwrap();
    embedder.rest();
    embedder.rest();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(encode)).collect();
        assert!(running.into_iter().all(|encoding| encoding.join().unwrap().unwrap() == before));
    });
    let model = std::fs::File::options().append(true).open(&files.model).unwrap();
    model.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(encode().unwrap(), before, "it runs what it loaded");
    embedder.rest();
    let error = encode().unwrap_err().to_string();
    assert!(error.contains("docent-minilm") && error.contains("have changed"), "{error}");
}

#[test]
fn the_pipeline_passes_its_own_tests() {
    let Some(python) = python_with(&["numpy"]) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/training");
    let mut tests = Command::new(python);
    tests.args(["-B", "-m", "unittest", "-q"]).current_dir(folder);
    let output = tests.output().unwrap();
    assert!(output.status.success() && said(&output).contains("Ran 23 tests"), "{}", said(&output));
}
