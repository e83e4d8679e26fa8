//! Models, and the library that runs them, that are missing, damaged, or cannot be had.
#![cfg(unix)]

use std::fs;

use docent::embedding::catalog::{Catalog, FileRole};
use docent::embedding::digest::Sha256;

use crate::loopback::{Answer, Loopback};
use crate::testenv::{PAGES, TestEnv};

const MODEL: &str = "models/docent-minilm";

/// The digest that the catalogue gives for a file of the default model.
fn wanted(role: FileRole) -> Sha256 {
    Catalog::builtin().default_model().file(role).unwrap().sha256.unwrap()
}

/// Where the library would be for this machine: `onnxruntime-VERSION/LIBRARY`.
fn library() -> String {
    let runtime = Catalog::builtin().runtime();
    let library = runtime.library(std::env::consts::OS, std::env::consts::ARCH).unwrap();
    format!("{}/{}", runtime.folder(), library.file.name)
}

#[test]
fn a_model_that_is_not_installed() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs"]).fails_with(
        "error: the model `docent-minilm` is not installed: \
         `[ROOT]/models/docent-minilm/model.onnx`, `[ROOT]/models/docent-minilm/tokenizer.json` are missing\n\n\
         hint: run `docent pull docent-minilm`, or name its files with `--model-dir DIR`\n",
    );
    env.write(&format!("{MODEL}/model.onnx"), "weights");
    env.docent(&["index", "docs"]).fails_with(
        "error: the model `docent-minilm` is not installed: \
         `[ROOT]/models/docent-minilm/tokenizer.json` is missing\n\n\
         hint: run `docent pull docent-minilm`, or name its files with `--model-dir DIR`\n",
    );
    assert!(!env.path("index").exists());
}

#[test]
fn a_model_of_an_index_that_was_removed() {
    let env = TestEnv::indexed(PAGES);
    env.edit_manifest(|manifest| manifest["model"]["name"] = "bge-small-en-v1.5".into());
    env.docent(&["ask", "key"]).fails_with(
        "error: the model `bge-small-en-v1.5` is not installed: \
         `[ROOT]/models/bge-small-en-v1.5/tokenizer.json`, `[ROOT]/models/bge-small-en-v1.5/model.onnx` are missing\n\n\
         hint: run `docent pull bge-small-en-v1.5`, or name its files with `--model-dir DIR`\n",
    );
}

#[test]
fn a_damaged_model_is_named_with_the_digests() {
    let env = TestEnv::new(PAGES);
    env.write(&format!("{MODEL}/model.onnx"), "not the weights");
    env.write(&format!("{MODEL}/tokenizer.json"), "{}");
    env.docent(&["index", "docs"]).fails_with(&format!(
        "error: `[ROOT]/models/docent-minilm/model.onnx` is damaged: sha256 wanted {}, got {}\n\n\
         hint: run `docent pull docent-minilm` to replace it\n",
        wanted(FileRole::Model),
        Sha256::of(b"not the weights")
    ));
    // An index that it made is there to be asked all the same, once the model is back.
    env.docent(&["models"]).succeeds().tells("");
}

#[test]
fn a_spoilt_record_of_the_pull() {
    let env = TestEnv::new(PAGES);
    env.write(&format!("{MODEL}/files.toml"), "rubbish");
    let outcome = env.docent(&["index", "docs"]).ends_with_status(2).prints("");
    let (message, hint) = outcome.stderr.split_once("\n\nhint: ").unwrap();
    assert_eq!(hint, "run `docent pull docent-minilm` to write it anew\n");
    let expected = "error: `[ROOT]/models/docent-minilm/files.toml` cannot be read, and it says what the model's files should be: TOML parse error at line 1";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_folder_of_one_s_own_without_the_files() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs", "--model-dir", "nowhere"]).fails_with(
        "error: `nowhere` is not a folder\n\n\
         hint: name the folder that holds model.onnx and tokenizer.json\n",
    );
    env.docent(&["index", "docs", "--model-dir", "docs"]).fails_with(
        "error: `docs` has no model.onnx (nor onnx/model.onnx, model_quantized.onnx, onnx/model_quantized.onnx, \
         model_optimized.onnx, onnx/model_optimized.onnx) and no tokenizer.json\n\n\
         hint: put the files there, or leave `--model-dir` out and run `docent pull`\n",
    );
}

#[test]
fn onnx_runtime_that_is_missing_or_none() {
    let env = TestEnv::new(PAGES);
    env.write("own/model.onnx", "weights");
    env.write("own/tokenizer.json", "{}");
    let index = || env.command(&["index", "docs", "--model-dir", "own"]);
    index().run().fails_with(&format!(
        "error: ONNX Runtime, which runs the models, is not installed: `[ROOT]/models/{}` is missing\n\n\
         hint: run `docent pull`, or set ORT_DYLIB_PATH to an ONNX Runtime library of your own\n",
        library()
    ));
    index().variable("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so").run().fails_with(
        "error: ORT_DYLIB_PATH names `/nowhere/libonnxruntime.so`, which is not a file\n\n\
         hint: set ORT_DYLIB_PATH to the library itself, or unset it and run `docent pull`\n",
    );
    env.write("own.so", "no library");
    let outcome = index().variable("ORT_DYLIB_PATH", env.path("own.so")).run().ends_with_status(2).prints("");
    let (message, hint) = outcome.stderr.split_once("\n\nhint: ").unwrap();
    assert!(message.starts_with("error: ONNX Runtime cannot be loaded from `[ROOT]/own.so`: "), "{message}");
    assert_eq!(hint, "run `docent pull` with ORT_DYLIB_PATH unset, or set it to a libonnxruntime 1.32\n");

    env.write(&format!("models/{}", library()), "not the library");
    let outcome = index().run().ends_with_status(2).prints("");
    let expected = format!("error: `[ROOT]/models/{}` is damaged: sha256 wanted ", library());
    assert!(outcome.stderr.starts_with(&expected), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with("\n\nhint: run `docent pull` to replace it\n"), "{}", outcome.stderr);
}

/// The beginning of what a failed pull of the runtime says.
fn not_fetched(reason: &str) -> String {
    let (folder, file) = library().split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let requirement = folder.replace("onnxruntime-", "onnxruntime==");
    format!("error: {file} of {folder} could not be fetched:\n  from {requirement}: {reason}\n\n")
}

const OWN_LIBRARY: &str = "or set ORT_DYLIB_PATH to an ONNX Runtime library that you have\n";

#[test]
fn no_python_and_no_pip() {
    let env = TestEnv::new(PAGES);
    for arguments in [&["pull"][..], &["quickstart", "docs", "--quiet"]] {
        let nothing = "there is no Python to run pip with: neither python3 nor python was found";
        env.docent(arguments).fails_with(&format!(
            "{}hint: install Python 3 with pip (Debian and Ubuntu: `apt install python3-pip`); {OWN_LIBRARY}",
            not_fetched(nothing)
        ));
    }
    env.command(&["pull"]).without_variable("PATH").run().ends_with_status(2).prints("");

    env.add_program("python3", "echo '/usr/bin/python3: No module named pip' >&2; exit 1");
    env.docent(&["pull"]).fails_with(&format!(
        "{}hint: install pip (Debian and Ubuntu: `apt install python3-pip`; elsewhere: `python3 -m ensurepip`); {OWN_LIBRARY}",
        not_fetched("python3 has no pip")
    ));
    assert_no_file_but_locks(&env);
}

#[test]
fn a_download_by_pip_that_fails_leaves_nothing_half_written() {
    let env = TestEnv::new(PAGES);
    env.add_program(
        "python3",
        "while [ $# -gt 2 ]; do shift; done\n\
         echo half a wheel > \"$1/onnxruntime-1-py3-none-any.whl\"\n\
         echo 'ERROR: Connection broken: IncompleteRead' >&2\nexit 1",
    );
    for _ in 0..2 {
        let outcome = env.docent(&["pull"]).ends_with_status(2).prints("");
        let requirement = library().split('/').next().unwrap().replace("onnxruntime-", "onnxruntime==");
        let reason = format!(
            "pip could not download {requirement} (exit status: 1):\n    ERROR: Connection broken: IncompleteRead"
        );
        outcome.tells(&format!(
            "{}hint: check the network and pip's settings (`python3 -m pip config list`), and run the command again; {OWN_LIBRARY}",
            not_fetched(&reason)
        ));
        assert_no_file_but_locks(&env);
    }
    let models = env.json(&["models", "--json"]);
    assert_eq!(models["models"][0]["state"], "absent");
}

fn assert_no_file_but_locks(env: &TestEnv) {
    for folder in env.names("models") {
        assert_eq!(env.names(&format!("models/{folder}")), [".lock"]);
    }
}

#[test]
fn a_download_that_is_cut_goes_on_in_the_next_run() {
    let body: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let copy = body.clone();
    let hub = Loopback::start(move |request| {
        let whole = Answer::file(&copy, request);
        if request.path.ends_with("tokenizer.json") || request.range_start().is_some() {
            return whole;
        }
        // The connection breaks, and for a while there is no other one.
        whole.cut_after(40_000)
    });
    let down = Loopback::start(|_| Answer::status(404));
    let env = TestEnv::new(PAGES);
    env.write("own.so", "a library");
    let pull = |hub: &Loopback| {
        let pull = env.command(&["pull", "bge-small-en-v1.5"]).variable("HF_ENDPOINT", hub.url());
        pull.variable("ORT_DYLIB_PATH", env.path("own.so")).run()
    };
    let folder = "models/bge-small-en-v1.5";
    let outcome = pull(&down).ends_with_status(2).prints("");
    assert!(
        outcome.stderr.contains("tokenizer.json of bge-small-en-v1.5 could not be fetched"),
        "{outcome:?}"
    );
    assert!(!env.path(folder).join("tokenizer.json").exists());
    assert_eq!(env.names(folder), [".lock"]);

    pull(&hub).succeeds().prints("");
    assert_eq!(fs::read(env.path(folder).join("model.onnx")).unwrap(), body);
    assert_eq!(env.names(folder), [".lock", "files.toml", "model.onnx", "tokenizer.json"]);
    let model = hub.requests().into_iter().filter(|request| request.path.ends_with("model.onnx"));
    let ranges: Vec<Option<usize>> = model.map(|request| request.range_start()).collect();
    assert_eq!(ranges, [None, Some(40_000)]);
    let again = pull(&down).succeeds().prints("").stderr;
    let expected = "onnxruntime-1.32.0: already there, whole\nbge-small-en-v1.5: already there, whole\n\
                    bge-small-en-v1.5: its speed could not be measured: ";
    assert!(again.starts_with(expected), "{again}");
}

#[test]
fn a_hub_that_may_not_be_asked() {
    let env = TestEnv::new(PAGES);
    env.write("own.so", "a library");
    let pull = env.command(&["pull", "bge-small", "--quiet"]).variable("HF_HUB_OFFLINE", "1");
    pull.variable("ORT_DYLIB_PATH", env.path("own.so")).run().fails_with(
        "error: HF_HUB_OFFLINE is set, and files of bge-small-en-v1.5 are missing:\n  \
           https://huggingface.co/Xenova/bge-small-en-v1.5/resolve/main/tokenizer.json -> [ROOT]/models/bge-small-en-v1.5/tokenizer.json\n  \
           https://huggingface.co/Xenova/bge-small-en-v1.5/resolve/main/onnx/model.onnx -> [ROOT]/models/bge-small-en-v1.5/model.onnx\n\n\
         hint: fetch the files elsewhere and put them there, or unset HF_HUB_OFFLINE\n",
    );
}

/// What is missing is to be fetched elsewhere: it is told before ONNX Runtime is asked for.
#[test]
fn without_a_network_what_is_missing_is_told_first() {
    let env = TestEnv::new(PAGES);
    let pull = env.command(&["pull", "bge-small", "--quiet"]).variable("HF_HUB_OFFLINE", "1");
    let told = pull.without_variable("ORT_DYLIB_PATH").run().ends_with_status(2).stderr;
    assert!(
        told.starts_with("error: HF_HUB_OFFLINE is set, and files of bge-small-en-v1.5 are missing:"),
        "{told}"
    );
}

#[test]
fn a_store_that_cannot_be_written() {
    let env = TestEnv::new(PAGES);
    env.write("models", "a file");
    let outcome = env.docent(&["pull"]).ends_with_status(2).prints("");
    let (message, hint) = outcome.stderr.split_once("\n\nhint: ").unwrap();
    assert!(message.ends_with("cannot be written: Not a directory (os error 20)"), "{message}");
    assert_eq!(hint, "make room on the disk and check the folder's permissions\n");
}
