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
    assert!(env.docent(&["status"]).succeeds().stdout.contains("\ncollections handbook (1)\n"));
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
    assert!(
        outcome.stderr.contains("which was indexed before in the collection `handbook`, is gone"),
        "{}",
        outcome.stderr
    );
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
fn a_filter_applies_before_the_best_are_chosen() {
    let env = TestEnv::new(FILES);
    for number in 0..20 {
        env.write(&format!("docs/key-{number}.md"), "# Key\n\nkey key key\n");
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env.docent(&["index", "--collection", "handbook", "handbook", "-q"]).succeeds();
    let best = |arguments: &[&str]| {
        let all = [&["ask", "key key key", "--json", "-n", "1"], arguments].concat();
        env.json(&all)["hits"][0].take()
    };
    assert_eq!(best(&[])["collection"], Value::Null);
    let own = best(&["--collection", "handbook"]);
    assert_eq!((&own["path"], &own["collection"]), (&json!("handbook/keys.md"), &json!("handbook")));
    env.write("questions.jsonl", "{\"id\": \"a\", \"query\": \"key key key\"}\n");
    let batch = ["batch", "questions.jsonl", "-n", "1", "--collection", "handbook"];
    let line: Value = serde_json::from_str(&env.docent(&batch).succeeds().stdout).unwrap();
    assert_eq!(line["hits"][0]["path"], "handbook/keys.md");
    let run = env.docent(&[&batch[..2], &["--format", "trec", "--collection", "handbook"]].concat());
    assert_eq!(run.succeeds().stdout.lines().count(), 1);
    env.docent(&["batch", "questions.jsonl", "--collection", "x"])
        .fails_with("error: the index in `index` has no collection `x`\n\nhint: it has `handbook`\n");
}

#[test]
fn what_is_no_longer_held_is_told() {
    let env = with_two();
    let replaced = env.docent(&["index", "--collection", "handbook", "one/a"]).succeeds();
    assert!(
        replaced.stderr.contains("no longer in this index: `") && replaced.stderr.contains("/handbook`\n"),
        "{}",
        replaced.stderr
    );
    let added = env.docent(&["index", "--collection", "things", "two/b"]).succeeds();
    assert!(!added.stderr.contains("no longer"), "{}", added.stderr);
    // The same folder twice, under two names.
    env.docent(&["index", "--collection", "more", "two/b", "-q"]).succeeds();
    assert_eq!(sorted(env.found("piano keys 88")).iter().filter(|path| path.contains("keys")).count(), 4);
}

/// git takes its time, and while it fetches another docent adds a collection.
#[cfg(unix)]
#[test]
fn a_collection_that_comes_while_another_is_fetched_stays() {
    let env = TestEnv::new(FILES);
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").current_dir(env.path("docs")).args(arguments).output();
        assert!(output.unwrap().status.success(), "{arguments:?}");
    };
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&[&identity[..], &["commit", "-q", "-m", "x"]].concat());
    let real = std::env::var("PATH").unwrap();
    let (program, root) = (crate::testenv::program(), env.root());
    let meanwhile = format!(
        "export PATH='{real}'\n\
         if mkdir '{root}/once' 2>/dev/null; then\n\
             '{program}' index --index '{root}/index' --model hashing -q --collection fast '{root}/handbook'\n\
         fi\nexec git \"$@\"\n",
        root = root.display(),
        program = program.display()
    );
    env.add_program("git", &meanwhile);
    env.docent(&["index", "--model", "hashing", "-q", "--collection", "slow", "git:docs"]).succeeds();
    let status = env.json(&["status", "--json"]);
    let sources = status["sources"].as_array().unwrap();
    let collections: Vec<&Value> = sources.iter().map(|source| &source["collection"]).collect();
    assert_eq!(collections, ["fast", "slow"]);
    assert_eq!(found_in(&env, "fast"), ["fast/keys.md"]);
}

#[test]
fn the_last_collection_stays() {
    let env = TestEnv::new(FILES);
    env.docent(&["index", "--collection", "only", "docs", "--model", "hashing", "-q"]).succeeds();
    env.docent(&["index", "--drop-collection", "only"]).fails_with(
        "error: the collection `only` is all that the index in `index` holds\n\n\
         hint: delete the folder of the index instead\n",
    );
}

/// Sends messages to a server of its own, and gives the result of each.
fn served(env: &TestEnv, requests: &[(&str, Value)]) -> Vec<Value> {
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let mut input = format!("{hello}\n{ready}\n");
    for (number, (method, params)) in requests.iter().enumerate() {
        let request = json!({"jsonrpc": "2.0", "id": number + 1, "method": method, "params": params});
        input.push_str(&format!("{request}\n"));
    }
    let outcome = env.command(&["serve"]).input(&input).run().succeeds();
    let answers: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    let result = |id: usize| answers.iter().find(|answer| answer["id"] == id).unwrap()["result"].clone();
    (0..=requests.len()).map(result).collect()
}

fn call(tool: &str, arguments: &Value) -> (&'static str, Value) {
    ("tools/call", json!({"name": tool, "arguments": arguments}))
}

#[test]
fn agents_are_told_of_collections_and_ask_one_alone() {
    let env = with_two();
    let results = served(
        &env,
        &[
            call("search", &json!({"query": "key", "collection": "Handbook"})),
            call("search", &json!({"query": "key", "collection": "handbok"})),
            call("search", &json!({"query": "key"})),
            call("list", &json!({})),
            call("status", &json!({})),
            call("list", &json!({"collection": "Handbook"})),
            call("list", &json!({"collection": "handbook", "path": "**/*.md"})),
            call("list", &json!({"collection": "handbook", "path": "elsewhere"})),
            call("list", &json!({"collection": "handbok"})),
        ],
    );
    let told = results[0]["instructions"].as_str().unwrap();
    assert!(told.contains(" Collections (documents): `handbook` (1)."), "{told}");
    let hits = results[1]["structuredContent"]["hits"].as_array().unwrap();
    let paths: Vec<&Value> = hits.iter().map(|hit| &hit["path"]).collect();
    assert_eq!(paths, ["handbook/keys.md"]);
    assert_eq!(hits[0]["collection"], "handbook");
    let text = |number: usize| results[number]["content"][0]["text"].as_str().unwrap();
    assert_eq!(text(2), "there is no collection `handbok`\n\nhint: there is `handbook` (1)");
    assert_eq!(results[2]["isError"], true);
    assert_eq!(results[3]["structuredContent"]["hits"].as_array().unwrap().len(), 2);
    assert!(
        text(4).ends_with("\n\ncollections, for `search` and `list`:\nhandbook · 1 document"),
        "{}",
        text(4)
    );
    assert!(text(5).contains("\ncollections: `handbook` (1)\n"), "{}", text(5));
    assert_eq!(text(6), "1-1 of 1 entries\nhandbook/ · 1 document");
    assert!(text(7).starts_with("1-1 of 1 entries\nhandbook/keys.md · "), "{}", text(7));
    assert_eq!(
        text(8),
        "there is no document under `elsewhere`\n\n\
         hint: call `list` without `path` to see the top of `handbook`, or without `collection`"
    );
    assert_eq!(text(9), text(2));
}

#[test]
fn a_prompt_takes_a_collection_and_its_name_is_completed() {
    let env = with_two();
    let complete = |typed: &str| {
        let of = json!({"type": "ref/prompt", "name": "answer_from_docs"});
        ("completion/complete", json!({"ref": of, "argument": {"name": "collection", "value": typed}}))
    };
    let filled = json!({"question": "Where is the key?", "collection": "handbook"});
    let results = served(
        &env,
        &[
            complete("H"),
            complete("x"),
            ("prompts/get", json!({"name": "answer_from_docs", "arguments": filled})),
        ],
    );
    assert_eq!(results[1]["completion"]["values"], json!(["handbook"]));
    assert_eq!(results[2]["completion"]["values"], json!([]));
    let text = results[3]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.ends_with("Give `search` the `collection` handbook each time."), "{text}");
}
