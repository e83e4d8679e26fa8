//! Several collections in one index: searched together or apart.

use std::fs;

use serde_json::{Value, json};

use crate::testenv::TestEnv;

const FILES: &[(&str, &str)] = &[
    ("docs/keys.md", "# Keys\n\nRotate an API key every ninety days.\n"),
    ("handbook/keys.md", "# Door keys\n\nThe key of the office door is with the porter.\n"),
    ("one/a/keys.md", "# Locks\n\nA lock and its key.\n"),
    ("two/b/keys.md", "# Pianos\n\nA piano has 88 keys.\n"),
];

fn with_two() -> TestEnv {
    let env = TestEnv::new(FILES);
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env.docent(&["index", "--collection", "handbook", "handbook", "-q"]).succeeds();
    env
}

fn found_in(env: &TestEnv, collection: &str) -> Vec<String> {
    let answer = env.json(&["ask", "key", "--collection", collection, "--json", "-n", "100"]);
    let hits = answer["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect()
}

fn sorted(mut paths: Vec<String>) -> Vec<String> {
    paths.sort();
    paths
}

#[test]
fn together_and_apart() {
    let env = with_two();
    // What has no collection keeps its paths.
    assert_eq!(sorted(env.found("key")), ["handbook/keys.md", "keys.md"]);
    assert_eq!(found_in(&env, "handbook"), ["handbook/keys.md"]);
    env.docent(&["ask", "key", "--collection", "handbok"])
        .fails_with("error: the index in `index` has no collection `handbok`\n\nhint: it has `handbook`\n");
    let status = env.json(&["status", "--json"]);
    assert_eq!(
        (&status["sources"][0]["collection"], &status["sources"][1]["collection"]),
        (&Value::Null, &json!("handbook"))
    );
    assert!(env.docent(&["status"]).succeeds().stdout.contains("\ncollections handbook\n"));
    // Several folders in one collection.
    env.docent(&["index", "--collection", "things", "one/a", "two/b", "-q"]).succeeds();
    assert_eq!(sorted(found_in(&env, "things")), ["things/a/keys.md", "things/b/keys.md"]);
    assert_eq!(env.json(&["doctor", "--deep", "--json"])["healthy"], true);
}

#[test]
fn each_is_brought_up_to_date_and_replaced_by_itself() {
    let env = with_two();
    env.docent(&["index"]).succeeds().prints("").tells(
        "nothing was left out\n\
         up to date: 2 documents, 2 chunks in `index`, generation 2 ([SECONDS] s)\n",
    );
    env.write("handbook/new.md", "# New\n\nA new key.\n");
    env.docent(&["index"]).succeeds().tells(
        "nothing was left out\n\
         indexed 3 documents, 3 chunks in `index`, generation 3: 1 embedded, 2 reused ([SECONDS] s)\n",
    );
    let stale = |env: &TestEnv| {
        let answer = env.json(&["ask", "key", "--json"]);
        answer["hits"].as_array().unwrap().iter().filter(|hit| hit["stale"] == true).count()
    };
    assert_eq!(stale(&env), 0);
    fs::remove_file(env.path("handbook/new.md")).unwrap();
    assert_eq!(stale(&env), 1);
    // Other folders in place of one collection leave the others alone.
    env.docent(&["index", "--collection", "handbook", "one/a", "-q"]).succeeds();
    assert_eq!(sorted(env.found("key")), ["handbook/keys.md", "keys.md"]);
    env.docent(&["index", "two/b", "-q"]).succeeds();
    assert_eq!(found_in(&env, "handbook"), ["handbook/keys.md"]);
    assert_eq!(env.found("piano").len(), 2);
    env.docent(&["index", "--drop-collection", "handbook", "-q"]).succeeds();
    assert_eq!(env.found("key"), ["keys.md"]);
    env.docent(&["index", "--drop-collection", "handbook"]).fails_with(
        "error: the index in `index` has no collection `handbook`\n\n\
         hint: make one: `docent index --collection NAME PATH`\n",
    );
}

#[test]
fn a_folder_that_is_gone_ends_with_prune() {
    let env = with_two();
    fs::rename(env.path("handbook"), env.path("moved")).unwrap();
    let outcome = env.docent(&["index"]).ends_with_status(2);
    assert!(outcome.stderr.contains("handbook` does not exist"), "{}", outcome.stderr);
    env.docent(&["index", "--prune"]).succeeds().tells(
        "`[ROOT]/handbook` is gone, and so are its documents\n\
         nothing was left out\n\
         indexed 1 document, 1 chunk in `index`, generation 3: 0 embedded, 1 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.names("index"), ["gen-000003", "manifest.json", "writer.lock"]);
    assert_eq!(env.found("key"), ["keys.md"]);
}

#[test]
fn names_that_cannot_be() {
    let env = TestEnv::new(FILES);
    for name in ["a/b", "..", ""] {
        let outcome = env.docent(&["index", "--collection", name, "docs"]).ends_with_status(2);
        assert!(outcome.stderr.contains("a collection's name has 1 to 64"), "{}", outcome.stderr);
    }
    let outcome = env.docent(&["index", "--collection", "handbook"]).ends_with_status(2);
    assert!(outcome.stderr.contains("SOURCE"), "{}", outcome.stderr);
    assert!(!env.path("index").exists());
}

#[test]
fn declared_with_the_sources() {
    let env = TestEnv::new(FILES);
    env.write(
        "docent.toml",
        "[[source]]\ntype = \"directory\"\npath = \"docs\"\n\n\
         [[source]]\ntype = \"directory\"\npath = \"handbook\"\ncollection = \"people\"\n",
    );
    env.docent(&["index", "--model", "hashing", "-q"]).succeeds();
    assert_eq!(found_in(&env, "people"), ["people/keys.md"]);
    assert_eq!(sorted(env.found("key")), ["keys.md", "people/keys.md"]);
    env.write("docent.toml", "[[source]]\ntype = \"directory\"\npath = \"docs\"\ncollection = \"a/b\"\n");
    let outcome = env.docent(&["index"]).ends_with_status(2);
    assert!(outcome.stderr.contains("a collection's name has 1 to 64"), "{}", outcome.stderr);
}

#[test]
fn agents_are_told_of_collections_and_ask_one_by_its_path() {
    let env = with_two();
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params":
        {"name": "search", "arguments": {"query": "key", "path": "handbook"}}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let outcome = env.command(&["serve"]).input(&format!("{hello}\n{ready}\n{call}\n")).run().succeeds();
    let answers: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    let result = |id: u64| answers.iter().find(|answer| answer["id"] == id).unwrap()["result"].clone();
    let told = result(1)["instructions"].as_str().unwrap().to_owned();
    assert!(told.contains("Collections: `handbook`"), "{told}");
    let answer = result(2);
    let hits = answer["structuredContent"]["hits"].as_array().unwrap();
    let paths: Vec<&Value> = hits.iter().map(|hit| &hit["path"]).collect();
    assert_eq!(paths, ["handbook/keys.md"]);
}
