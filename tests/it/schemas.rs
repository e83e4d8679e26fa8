//! Every JSON that docent prints, against its schema in `docs/schemas/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::batch::records;
use crate::testenv::{PAGES, TestEnv};

fn schema(name: &str) -> Value {
    let file = format!("docs/schemas/{name}.schema.json");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The same schema for a writer: readers must bear fields that they do not know, and docent must
/// not print one that is not described.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(object) => {
            let is_object = object.get("type").is_some_and(|kind| kind == "object");
            if is_object && object.contains_key("properties") {
                object.insert("additionalProperties".into(), json!(false));
            }
            object.values_mut().for_each(|value| *value = strict(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = strict(value.take())),
        _ => {}
    }
    schema
}

#[track_caller]
fn assert_obeys(name: &str, value: &Value) {
    let schema = jsonschema::draft202012::new(&strict(schema(name))).unwrap();
    let problems: Vec<String> =
        schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "docs/schemas/{name}.schema.json: {problems:#?}\n{value:#}");
}

/// Whether the schema says no to something that it should.
#[track_caller]
fn assert_refused(name: &str, value: &Value) {
    let schema = jsonschema::draft202012::new(&schema(name)).unwrap();
    assert!(!schema.is_valid(value), "docs/schemas/{name}.schema.json allows {value:#}");
}

#[test]
fn answers_obey_their_schema() {
    let env = TestEnv::indexed(PAGES);
    let answer = env.json(&["ask", "rotate a key", "--json"]);
    assert_obeys("answer", &answer);
    for (field, wrong) in [("schema", json!(2)), ("indexed_at", json!("yesterday")), ("hits", json!({}))] {
        let mut answer = answer.clone();
        answer[field] = wrong;
        assert_refused("answer", &answer);
    }
    let mut without = answer.clone();
    without["hits"][0].as_object_mut().unwrap().remove("path");
    assert_refused("answer", &without);
    let explained = env.json(&["ask", "rotate a key", "--also", "new key", "--json", "--explain"]);
    assert_obeys("answer", &explained);
    let questions =
        "{\"id\": \"a\", \"query\": \"rotate a key\"}\nnonsense\n{\"id\": \"c\", \"query\": \" \"}\n";
    let batch = env.command(&["batch", "-", "-q"]).input(questions).run().ends_with_status(2);
    let lines = records(&batch.stdout);
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_obeys("batch-line", line);
    }
    assert_refused("batch-line", &json!({"id": "a", "schema": 1, "query": "?"}));
}

#[test]
fn the_state_of_things_obeys_its_schema() {
    let env = TestEnv::new(PAGES);
    env.write("docs/.env", "SECRET=1\n");
    env.write("docs/picture.png", b"\x89PNG\0");
    env.write("docs/empty.md", " \n");
    env.write("docs/latin.md", b"caf\xe9\n");
    env.write("docs/large.md", "x".repeat(2_000));
    env.docent(&["index", "docs", "--model", "hashing", "-q", "--max-file-size", "1000"]).succeeds();
    let status = env.json(&["status", "--json"]);
    assert_eq!(status["skipped"]["by_reason"].as_object().unwrap().len(), 5, "{status}");
    assert_obeys("status", &status);
    env.write("docs/described.md", "---\ndescription: Words.\n---\n\n# A\n\nText.\n");
    assert_obeys("inspection", &env.json(&["inspect", "docs", "--model", "hashing", "--json"]));
    assert_obeys("models", &env.json(&["models", "--json"]));
    assert_obeys("doctor", &env.json(&["doctor", "--deep", "--json"]));
    fs::remove_file(env.path("docs/keys.md")).unwrap();
    let doctor = env.json(&["doctor", "--json"]);
    assert!(doctor["findings"].as_array().unwrap().iter().any(|finding| finding["hint"].is_string()));
    assert_obeys("doctor", &doctor);
}

#[test]
fn plans_and_exports_obey_theirs() {
    let env = TestEnv::indexed(PAGES);
    env.write("docs/.env", "SECRET=1\n");
    fs::rename(env.path("docs/keys.md"), env.path("docs/locks.md")).unwrap();
    for options in [&["--model", "hashing"][..], &["--model", "bge-small-en-v1.5"]] {
        let plan = env.json(&[&["index", "docs", "--dry-run", "--json"], options].concat());
        assert!(!plan["renamed"].as_array().unwrap().is_empty());
        assert_obeys("index-plan", &plan);
    }
    env.write("questions.jsonl", "{\"id\": \"a\", \"query\": \"rotate a key\"}\nnonsense\n");
    for changed in [true, false] {
        let report = env.json(&["index", "docs", "--json", "-q", "--threads", "1"]);
        assert_eq!(report["changed"], changed);
        assert_obeys("index-report", &report);
    }
    env.docent(&["export", "out", "-q", "--questions", "questions.jsonl"]).succeeds();
    let read = |name: &str| fs::read_to_string(env.path("out").join(name)).unwrap();
    let forms =
        [("export-chunk", "chunks.jsonl"), ("export-question", "questions.jsonl"), ("export", "export.json")];
    for (form, file) in forms {
        let lines = records(&read(file));
        assert!(!lines.is_empty());
        for line in &lines {
            assert_obeys(form, line);
        }
    }
    env.docent(&["import", "out/vectors.npy", "--name", "mine", "--into", "other", "-q"]).succeeds();
    assert_obeys("status", &env.json(&["status", "--json", "--index", "other"]));
    assert_obeys("doctor", &env.json(&["doctor", "--json", "--index", "other"]));
}

#[test]
fn evaluations_and_comparisons_obey_theirs() {
    let env = TestEnv::indexed(PAGES);
    let set = "{\"id\": \"a\", \"query\": \"rotate a key\", \"kind\": \"how-to\", \"relevant\": [{\"path\": \"keys.md\"}], \
               \"quotes\": [{\"path\": \"keys.md\", \"text\": \"ninety days\"}], \"rephrasings\": [\"delivery\"]}\n\
               {\"id\": \"b\", \"query\": \"key\", \"relevant\": [{\"path\": \"guides/webhooks.mdx\"}], \"rephrasings\": [\"failed delivery\"]}\n\
               {\"id\": \"c\", \"query\": \"weather\", \"relevant\": []}\n";
    env.write("set/questions.jsonl", set);
    for (file, option) in [("bare.json", "--relevant-from=1"), ("worded.json", "--with-rephrasings")] {
        if option == "--with-rephrasings" {
            // The same id with a question that is answered better: something has moved.
            env.write(
                "set/questions.jsonl",
                set.replace("\"query\": \"key\"", "\"query\": \"failed delivery\""),
            );
        }
        env.docent(&["eval", "set", "-q", "--json", file, option]).ends_with_status(0);
        let evaluation = fs::read_to_string(env.path(file)).unwrap();
        assert_obeys("evaluation", &serde_json::from_str(&evaluation).unwrap());
    }
    let comparison = env.json(&["compare", "bare.json", "worded.json", "--json"]);
    assert!(!comparison["moved"].as_array().unwrap().is_empty(), "{comparison}");
    assert_obeys("comparison", &comparison);
    let asked = ["compare", "index", "index", "--set", "set", "--second-without", "late", "--json", "-q"];
    assert_obeys("comparison", &env.json(&asked));
}

#[test]
fn ids_of_passages_outlast_the_index() {
    let env = TestEnv::indexed(PAGES);
    let ids = || -> BTreeMap<String, String> {
        let answer = env.json(&["ask", "key", "--json", "-n", "100"]);
        let pair = |hit: &Value| (hit["path"].as_str().unwrap().into(), hit["id"].as_str().unwrap().into());
        answer["hits"].as_array().unwrap().iter().map(pair).collect()
    };
    let before = ids();
    env.write("docs/a-new-one.md", "# New\n\nAnother page about keys.\n");
    env.docent(&["index", "-q"]).succeeds();
    let grown = ids();
    assert_eq!(grown.len(), before.len() + 1);
    assert!(before.iter().all(|(path, id)| grown[path] == *id), "{before:?} {grown:?}");
    fs::remove_dir_all(env.path("index")).unwrap();
    env.write("docs/keys.md", "# Keys\n\nRotate an API key every thirty days.\n");
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    let rebuilt = ids();
    assert_ne!(rebuilt["keys.md"], before["keys.md"], "another text is another passage");
    for path in ["guides/webhooks.mdx", "a-new-one.md"] {
        assert_eq!(rebuilt[path], grown[path], "{path}");
    }
}
