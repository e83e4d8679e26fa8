//! Quoted phrases, and passages that say the same.

use serde_json::{Value, json};

use crate::testenv::TestEnv;

/// A page of 300 words, of which one is another.
fn page(own: usize) -> String {
    let words: Vec<String> = (0..300)
        .map(|number| if number == 150 { format!("own{own}") } else { format!("word{number}") })
        .collect();
    // In paragraphs, so that all pages are cut at the same places.
    let paragraphs: Vec<String> = words.chunks(100).map(|paragraph| paragraph.join(" ")).collect();
    format!("# Page\n\n{}\n", paragraphs.join("\n\n"))
}

fn paths(answer: &Value) -> Vec<&str> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["path"].as_str().unwrap()).collect()
}

#[test]
fn what_says_the_same_is_one_hit_that_names_the_others() {
    let env = TestEnv::new(&[
        ("docs/a.md", "# Keys\n\nRotate a key every ninety days.\n"),
        ("docs/b.md", "# Keys\n\nRotate a key\nevery  ninety days.\n"),
        ("docs/c.md", "# Keys\n\nRotate a key every ninety years.\n"),
        ("docs/d.md", "# Doors\n\nThe door is open.\n"),
    ]);
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    let answer = env.json(&["ask", "rotate a key", "--json", "-n", "100"]);
    let mut found = paths(&answer);
    found.sort_unstable();
    assert_eq!(found, ["a.md", "c.md", "d.md"]);
    let first = answer["hits"].as_array().unwrap().iter().find(|hit| hit["path"] == "a.md").unwrap();
    assert_eq!(first["duplicates"], json!([{"path": "b.md", "start_line": 3, "end_line": 4}]));
    let others = answer["hits"].as_array().unwrap().iter().filter(|hit| hit["path"] != "a.md");
    assert!(others.into_iter().all(|hit| hit["duplicates"].is_null()), "{answer}");
    let shown = env.docent(&["ask", "rotate a key"]).succeeds().stdout;
    assert!(shown.contains("\n   also b.md:3-4\n"), "{shown}");
}

#[test]
fn pages_of_an_answer_go_on_behind_what_was_left_out() {
    let env = TestEnv::new(&[]);
    for number in 0..300 {
        env.write(&format!("docs/same-{number}.md"), "# Keys\n\nRotate a key every ninety days.\n");
    }
    for number in 0..4 {
        env.write(&format!("docs/other-{number}.md"), format!("# Door {number}\n\nDoor {number} is open.\n"));
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    // More than all candidates of a ranking say the same.
    let answer = env.json(&["ask", "rotate a key every ninety days", "--json", "-n", "5"]);
    assert_eq!(paths(&answer).len(), 5, "{answer}");
    assert_eq!(answer["hits"][0]["duplicates"].as_array().unwrap().len(), 10, "the best of them");
}

#[test]
fn a_word_in_a_long_passage_makes_no_difference_and_a_ranking_keeps_all() {
    let env = TestEnv::new(&[]);
    for number in 0..3 {
        env.write(&format!("docs/{number}.md"), page(number));
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    let answer = env.json(&["ask", "word7 word8 word9", "--json", "-n", "100"]);
    let first = &answer["hits"][0];
    assert_eq!(first["duplicates"].as_array().unwrap().len(), 2, "{answer}");
    env.write("questions.jsonl", "{\"id\": \"q\", \"query\": \"word7 word8 word9\"}\n");
    let run = env.docent(&["batch", "questions.jsonl", "--format", "trec"]).succeeds().stdout;
    assert_eq!(run.lines().count(), 3, "documents are ranked one by one: {run}");
}

/// Pages with the same words, one of them with two side by side.
fn grants() -> TestEnv {
    let env =
        TestEnv::new(&[("docs/z.md", "# Z\n\nThe grant of this token that is invalid: Invalid\nGrant.\n")]);
    for number in 0..8 {
        let text =
            format!("# P{number}\n\nInvalid is this grant {number}, invalid the token of the grant.\n");
        env.write(&format!("docs/p{number}.md"), text);
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env
}

#[test]
fn a_quoted_phrase_is_looked_for_word_for_word() {
    let env = grants();
    let plain = env.json(&["ask", "invalid grant token", "--json", "--explain", "-n", "9"]);
    let quoted = env.json(&["ask", "\"invalid grant\" token", "--json", "--explain", "-n", "9"]);
    assert_eq!(quoted["hits"][0]["path"], "z.md");
    assert_eq!(paths(&quoted).len(), paths(&plain).len(), "a weight and no filter");
    let score = |answer: &Value, path: &str| {
        let hit = answer["hits"].as_array().unwrap().iter().find(|hit| hit["path"] == path).unwrap();
        hit["score"].as_f64().unwrap()
    };
    let gained = score(&quoted, "z.md") - score(&plain, "z.md");
    assert!((gained - 0.2).abs() < 1e-3, "{gained}");
    let view =
        |answer: &Value, place: usize| answer["explanation"]["hits"][place]["wordings"][0]["phrase"].clone();
    assert_eq!((&view(&quoted, 0)["value"], &view(&quoted, 0)["rank"]), (&json!(1.0), &json!(1)));
    assert_eq!((&view(&quoted, 1)["value"], &view(&quoted, 1)["rank"]), (&json!(0.0), &json!(2)));
    assert_eq!(view(&plain, 0), Value::Null);
    let shown = env.docent(&["ask", "\"invalid grant\"", "--explain"]).succeeds().stdout;
    assert!(shown.contains("\n   phrase       1.0000        1    6.000\n"), "{shown}");
}
