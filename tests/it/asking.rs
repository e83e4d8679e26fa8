//! `docent ask`: the answer for people, and the JSON that scripts rely on.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

const LONG_PAGES: &[(&str, &str)] = &[
    (
        "docs/sso/index.mdx",
        "---\ntitle: Single sign-on\ndescription: Log in once.\n---\n\n# Single sign-on\n\nPeople log in with their company's account.\n\n\
         ## Sessions\n\nA session lasts eight hours.\n\n```sh\ncurl example.com\n```\n\n### Ending a session\n\n- Call the endpoint.\n- Or wait.\n",
    ),
    (
        "docs/changelog.json",
        "[\n  { \"title\": \"Faster webhooks\", \"date\": \"2026-01-02\", \"body\": \"Deliveries take half the time.\" }\n]\n",
    ),
    ("docs/plain.txt", "First paragraph about rate limits.\r\n\r\nSecond paragraph about quotas.\r\n"),
    ("docs/api.rst", "API\n===\n\nKeys\n----\n\nRotate an API key every ninety days.\n"),
    ("docs/client.py", "def rotate(key):\n    \"\"\"Rotates a key.\"\"\"\n    return key\n"),
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_json_of_an_answer_has_its_stable_form() {
    let env = TestEnv::indexed(LONG_PAGES);
    let answer = env.json(&["ask", "  a session lasts eight hours ", "--json", "--limit", "100"]);
    assert_eq!(
        keys(&answer),
        BTreeSet::from(["confidence", "generation", "hits", "indexed_at", "query", "schema"])
    );
    assert_eq!((&answer["schema"], &answer["generation"]), (&json!(1), &json!(1)));
    assert_eq!(answer["query"], "a session lasts eight hours");
    assert_eq!(answer["indexed_at"], env.json(&["status", "--json"])["indexed_at"]);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits[0]["path"], "sso/index.mdx");
    let mut ids = BTreeSet::new();
    let mut last = f64::INFINITY;
    for hit in hits {
        let expected =
            ["breadcrumb", "end_line", "id", "kind", "path", "score", "start_line", "text", "title"];
        assert_eq!(keys(hit), BTreeSet::from(expected));
        assert!(ids.insert(hit["id"].as_str().unwrap()), "{hit}");
        assert!(!hit["title"].as_str().unwrap().is_empty());
        assert!(hit["breadcrumb"].as_array().unwrap().iter().all(Value::is_string));
        let score = hit["score"].as_f64().unwrap();
        assert!(score <= last, "best first: {answer}");
        last = score;
        assert_text_is_in_the_source(&env, hit);
    }
    let paths: BTreeSet<&str> = hits.iter().map(|hit| hit["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), LONG_PAGES.len(), "{paths:?}");
}

/// `text` is what stands in the source from `start_line` to `end_line`: whole lines, or a part of
/// them where a line is longer than a chunk.
fn assert_text_is_in_the_source(env: &TestEnv, hit: &Value) {
    let source = fs::read_to_string(env.path("docs").join(hit["path"].as_str().unwrap())).unwrap();
    let line = |name: &str| usize::try_from(hit[name].as_u64().unwrap()).unwrap();
    let (start, end) = (line("start_line"), line("end_line"));
    assert!(1 <= start && start <= end && end <= source.lines().count(), "{hit}");
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let expected = lines[start - 1..end].concat();
    assert_eq!(hit["text"].as_str().unwrap().trim(), expected.trim(), "{hit}");
}

#[test]
fn an_answer_for_people() {
    let env = TestEnv::indexed(PAGES);
    env.docent(&["ask", "rotate an API key every ninety days", "-n", "1"])
        .succeeds()
        .tells("")
        .prints("1. keys.md:3-3  (score [SCORE])\n   Keys\n\n   Rotate an API key every ninety days.\n\nconfidence [CONFIDENCE]\n");
    env.docent(&["ask", "what happens to a failed delivery"]).succeeds().tells("").prints(
        "1. guides/webhooks.mdx:3-3  (score [SCORE])\n   Webhooks\n\n   A failed delivery is retried for three days.\n\n\
         2. keys.md:3-3  (score [SCORE])\n   Keys\n\n   Rotate an API key every ninety days.\n\nconfidence [CONFIDENCE]\n",
    );
    env.docent(&["ask", "which volcano erupted over Pompeii?", "-n", "1"])
        .succeeds()
        .tells("")
        .prints("1. guides/webhooks.mdx:3-3  (score [SCORE])\n   Webhooks\n\n   A failed delivery is retried for three days.\n\nconfidence [CONFIDENCE]: no good match, only the nearest passages\n");
}

#[test]
fn an_answer_says_how_sure_it_is() {
    let env = TestEnv::indexed(LONG_PAGES);
    let of = |question: &str| env.json(&["ask", question, "--json"]);
    let sure = of("a session lasts eight hours");
    let unsure = of("which volcano erupted over Pompeii?");
    let confidence = |answer: &Value| answer["confidence"].as_f64().unwrap();
    assert!(confidence(&sure) > 0.5 && confidence(&sure) <= 1.0, "{sure}");
    assert!((0.0..0.5).contains(&confidence(&unsure)), "{unsure}");
    assert!(sure.get("no_good_match").is_none(), "{sure}");
    assert_eq!(unsure["no_good_match"], true);
    assert!(!unsure["hits"].as_array().unwrap().is_empty(), "the nearest are given all the same");
    let text = env.docent(&["ask", "which volcano erupted over Pompeii?"]).succeeds().stdout;
    assert!(
        text.ends_with("\nconfidence [CONFIDENCE]: no good match, only the nearest passages\n"),
        "{text}"
    );
}

#[test]
fn an_index_without_calibration_answers_without_confidence_until_it_is_indexed_again() {
    let env = TestEnv::indexed(LONG_PAGES);
    let manifest = env.path("index/manifest.json");
    let mut older: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    assert_eq!(older.as_object_mut().unwrap().remove("calibration").unwrap()["questions"], 120);
    older.as_object_mut().unwrap().remove("seal");
    fs::write(&manifest, older.to_string()).unwrap();
    let answer = env.json(&["ask", "how many hours does a session last?", "--json"]);
    assert!(answer.get("confidence").is_none() && answer.get("no_good_match").is_none(), "{answer}");
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    assert!(env.json(&["ask", "how many hours does a session last?", "--json"])["confidence"].is_f64());
}

#[test]
fn the_limit_limits() {
    let env = TestEnv::new(&[]);
    for page in 0..12 {
        env.write(&format!("docs/{page}.md"), format!("# Page {page}\n\nAbout keys, number {page}.\n"));
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    let count = |arguments: &[&str]| env.json(arguments)["hits"].as_array().unwrap().len();
    assert_eq!(count(&["ask", "keys", "--json"]), 5);
    assert_eq!(count(&["ask", "keys", "--json", "--limit", "1"]), 1);
    assert_eq!(count(&["ask", "keys", "--json", "--limit", "100"]), 12);
}

#[test]
fn the_same_question_has_the_same_answer() {
    let env = TestEnv::indexed(LONG_PAGES);
    let ask = || env.docent(&["ask", "sessions and keys", "--json"]).succeeds().stdout;
    let first = ask();
    assert_eq!(first, ask());
    let again = TestEnv::indexed(LONG_PAGES);
    let ids = |text: &str| -> Vec<Value> {
        let answer: Value = serde_json::from_str(text).unwrap();
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect()
    };
    let elsewhere = again.docent(&["ask", "sessions and keys", "--json"]).succeeds().stdout;
    assert_eq!(ids(&first), ids(&elsewhere), "ids do not depend on where an index is");
}
