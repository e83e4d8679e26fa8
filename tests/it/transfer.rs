//! `docent export` and `docent import`: chunks and vectors that leave docent and come back.

use std::fs;
use std::path::Path;
use std::process::Command;

use docent::embedding::{Matrix, npy_header};
use docent::retrieval::LoadFailure;
use serde_json::{Value, json};

use crate::batch::records;
use crate::mcp_support::{Client, resident};
use crate::python::{MEASURING, python_with, said};
use crate::testenv::{PAGES, TestEnv};

const SET: &str = "{\"id\": \"1\", \"query\": \"rotate a key\", \"relevant\": [{\"path\": \"keys.md\"}]}\n\
                   {\"id\": \"2\", \"query\": \" what happens to a failed delivery? \", \"relevant\": [{\"path\": \"guides/webhooks.mdx\"}]}\n\
                   {\"id\": \"3\", \"query\": \"weather\", \"relevant\": []}\n";

/// A library with a few pages, indexed, and a set of questions.
fn library() -> TestEnv {
    let env = TestEnv::new(PAGES);
    for (number, subject) in ["sessions", "roles", "regions", "invoices", "limits"].iter().enumerate() {
        let text = format!(
            "# {subject}\n\nAbout {subject} and keys, page {number}.\n\n## More\n\nRotate {subject}.\n"
        );
        env.write(&format!("docs/{subject}.md"), text);
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env.write("set/questions.jsonl", SET);
    env
}

fn npy(rows: &[&[f32]]) -> Vec<u8> {
    let mut bytes = npy_header(rows.len(), rows[0].len());
    bytes.extend(rows.iter().flat_map(|row| row.iter()).flat_map(|value| value.to_le_bytes()));
    bytes
}

fn imported() -> TestEnv {
    let env = library();
    env.docent(&["export", "out", "-q", "--questions", "set/questions.jsonl"]).succeeds();
    env.docent(&["import", "out/vectors.npy", "--name", "mine", "--into", "other", "--spread", "0.11", "-q"])
        .succeeds()
        .tells("");
    env
}

#[test]
fn line_i_is_row_i_and_an_export_is_the_same_each_time() {
    let env = library();
    env.docent(&["export", "out"])
        .succeeds()
        .prints("")
        .tells("exported 7 vectors of 256 dimensions to `out`\n");
    assert_eq!(env.names("out"), ["chunks.jsonl", "export.json", "vectors.npy"]);
    let lines = records(&fs::read_to_string(env.path("out/chunks.jsonl")).unwrap());
    let vectors = Matrix::read(&env.path("out/vectors.npy")).unwrap();
    assert_eq!((vectors.rows, vectors.columns), (lines.len(), 256));
    for (row, (line, vector)) in lines.iter().zip(vectors.iter()).enumerate() {
        assert_eq!(line["row"], row);
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-4);
    }
    let answer = env.json(&["ask", "keys", "--json", "-n", "100"]);
    for hit in answer["hits"].as_array().unwrap() {
        let line = lines.iter().find(|line| line["id"] == hit["id"]).unwrap();
        for field in ["path", "kind", "title", "breadcrumb", "start_line", "end_line", "text"] {
            assert_eq!(line[field], hit[field], "{field}");
        }
    }
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(env.path("out/export.json")).unwrap()).unwrap();
    assert_eq!((&summary["chunks"], &summary["model"]["name"]), (&json!(7), &json!("hashing")));

    let before = fs::read(env.path("out/vectors.npy")).unwrap();
    env.docent(&["export", "out", "-q"]).succeeds();
    assert_eq!(fs::read(env.path("out/vectors.npy")).unwrap(), before);
    env.docent(&["export", "docs"])
        .fails_with("error: `docs` is not empty and holds no earlier export\n\nhint: name a new folder\n");
}

#[test]
fn vectors_that_come_back_give_the_same_answers() {
    let env = imported();
    // Vectors of whole texts have no tokens: late interaction stays behind.
    let own = ["eval", "set", "-q", "--without", "late", "--run", "own.run", "--json", "own.json"];
    env.docent(&own).succeeds();
    let back = ["eval", "set", "-q", "--index", "other", "--query-vectors", "out/questions.npy"];
    env.docent(&[&back[..], &["--run", "back.run", "--json", "back.json"]].concat()).succeeds();
    let read = |name: &str| fs::read_to_string(env.path(name)).unwrap();
    assert_eq!(read("own.run").lines().count(), 14);
    assert_eq!(read("own.run"), read("back.run"));
    let returned = |name: &str| -> Vec<Value> {
        let evaluation: Value = serde_json::from_str(&read(name)).unwrap();
        let questions = evaluation["questions"].as_array().unwrap().iter();
        questions.map(|question| question["returned"].clone()).collect()
    };
    assert_eq!(returned("own.json"), returned("back.json"));

    env.docent(&["export", "again", "-q", "--index", "other"]).succeeds();
    for name in ["vectors.npy", "chunks.jsonl"] {
        assert!(
            fs::read(env.path("again").join(name)).unwrap() == fs::read(env.path("out").join(name)).unwrap(),
            "{name}"
        );
    }
    let comparison = env.docent(&[
        "compare",
        "index",
        "other",
        "--set",
        "set",
        "--json",
        "-q",
        "--first-without",
        "late",
        "--second-query-vectors",
        "out/questions.npy",
        "--html",
        "same.html",
    ]);
    let comparison: Value = serde_json::from_str(&comparison.succeeds().stdout).unwrap();
    assert_eq!(comparison["first"]["without"], json!(["late"]));
    assert_eq!(comparison["second"]["index"]["model"], "mine");
    assert_eq!(comparison["moved"], json!([]));
    assert!(fs::read_to_string(env.path("same.html")).unwrap().contains("<td>late</td>"));
}

#[test]
fn batch_takes_the_vectors_of_its_questions_in_their_order() {
    let env = imported();
    let by =
        ["batch", "set/questions.jsonl", "--index", "other", "--query-vectors", "out/questions.npy", "-q"];
    let outcome = env.docent(&by).succeeds().tells("");
    let lines = records(&outcome.stdout);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["hits"][0]["path"], "keys.md");
    assert_eq!(lines[0].get("degraded"), None);
    let asked =
        env.command(&["ask", "rotate a key", "--index", "other", "--json", "--query-vectors", "one.npy"]);
    let first = Matrix::read(&env.path("out/questions.npy")).unwrap();
    env.write("one.npy", npy(&[first.iter().next().unwrap()]));
    let answer: Value = serde_json::from_str(&asked.run().succeeds().tells("").stdout).unwrap();
    assert_eq!(answer["hits"], lines[0]["hits"]);

    env.write(
        "worded.jsonl",
        "{\"id\": \"1\", \"query\": \"rotate a key\", \"rephrasings\": [\"new key\"]}\n",
    );
    let outcome = env
        .docent(&["batch", "worded.jsonl", "--index", "other", "--query-vectors", "one.npy", "-q"])
        .ends_with_status(2);
    let error = &records(&outcome.stdout)[0]["error"]["message"];
    assert_eq!(error, "no vector is given for the question `new key`");
}

#[tokio::test]
async fn without_vectors_of_the_question_words_alone_are_compared_and_it_is_said() {
    let env = imported();
    let missing = "the vectors of the index in `other` were imported: docent does not have the model `mine`, and cannot make vectors of questions by it";
    let hint = "give the questions' vectors, made by the same model: --query-vectors FILE.npy";
    let outcome = env.docent(&["ask", "rotate a key", "--index", "other", "--json"]).succeeds();
    let outcome = outcome.tells(&format!("by words alone: {missing}; {hint}\n"));
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&answer["degraded"], &answer["hits"][0]["path"]),
        (&json!("lexical_only"), &json!("keys.md"))
    );
    let error = format!("error: {missing}\n\nhint: {hint}\n");
    for command in [
        &["batch", "set/questions.jsonl", "--index", "other"][..],
        &["eval", "set", "--index", "other"],
        &["ask", "a", "--explain", "--index", "other"],
        &["export", "x", "--questions", "set/questions.jsonl", "--index", "other"],
    ] {
        env.docent(command).fails_with(&error);
    }
    assert!(!env.path("x").exists(), "half an export");
    env.docent(&["ask", "a", "--query-vectors", "out/questions.npy"]).fails_with(
        "error: the vectors of the index in `index` were made by docent, and those of questions have to be too\n\nhint: leave --query-vectors out\n",
    );
    env.docent(&["index", "docs", "--index", "other"]).fails_with(
        "error: the vectors of the index in `other` were imported (model `mine`): docent cannot make more of them\n\nhint: to replace them by those of a model that docent has, name it: `docent index --model NAME`\n",
    );
    let doctor = env.json(&["doctor", "--json", "--deep", "--index", "other"]);
    let finding = doctor["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "model");
    assert_eq!((&doctor["healthy"], &finding.unwrap()["state"]), (&json!(true), &json!("warning")));
    assert_eq!(env.json(&["status", "--json", "--index", "other"])["imported"]["file"], "vectors.npy");

    let no_model = || Err(LoadFailure { message: "there is none".into(), hint: String::new() });
    let mut client = Client::legacy(resident(&env.path("other"), no_model)).await;
    let found = client.call("search", json!({"query": "rotate a key"})).await;
    assert_eq!(found["structuredContent"]["degraded"], "lexical_only", "{found}");
    assert_eq!(found["structuredContent"]["hits"][0]["path"], "keys.md");

    env.docent(&["index", "docs", "--index", "other", "--model", "hashing", "-q"]).succeeds();
    assert_eq!(env.json(&["status", "--json", "--index", "other"]).get("imported"), None);
}

#[test]
fn vectors_that_do_not_fit_are_refused_before_anything_is_written() {
    let env = TestEnv::indexed(PAGES);
    let good: &[f32] = &[1.0, 0.0, 0.5];
    let with_header = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(&npy_header(2, 3)[10..]).replace(from, to);
        let mut bytes = npy_header(2, 3)[..8].to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend([good, good].concat().iter().flat_map(|value| value.to_le_bytes()));
        bytes
    };
    let npy_hint = |how: &str| format!("\n\nhint: {how}\n");
    let cases: Vec<(Vec<u8>, String)> = vec![
        (npy(&[good]), "there are 1 vectors for 2 chunks\n\nhint: the index has changed since its chunks were exported: `docent export DIR`, and make vectors of those chunks\n".into()),
        (npy(&[good, &[0.0; 3]]), "the vector of row 1 (from 0) cannot be used: its length is zero\n\nhint: encode that chunk again, or give it any other direction\n".into()),
        (npy(&[good, &[0.0, f32::INFINITY, 0.0]]), "`v.npy` has a number in row 1, column 1 (from 0) that is not finite".to_owned() + &npy_hint("find what made it: `np.argwhere(~np.isfinite(vectors))`, and encode that text again")),
        (with_header("<f4", "<f8"), "`v.npy` holds numbers of the type `<f8`, and not 32-bit floats (`<f4`)".to_owned() + &npy_hint("convert it: `np.save(\"vectors.npy\", vectors.astype(\"<f4\"))`")),
        (with_header("False", "True"), "`v.npy` is in Fortran order, column after column".to_owned() + &npy_hint("turn it round: `np.save(\"vectors.npy\", np.ascontiguousarray(vectors))`")),
        (with_header("(2, 3)", "(6,)"), "`v.npy` has the shape (6,), and not (rows, columns)".to_owned() + &npy_hint("give it a row for each text: `np.stack(list_of_vectors)`")),
        (b"nothing".to_vec(), "`v.npy` is no .npy file: it does not begin with NumPy's magic".to_owned() + &npy_hint("write it with NumPy: `np.save(\"vectors.npy\", vectors)`")),
    ];
    let import = ["import", "v.npy", "--name", "mine", "--into", "other", "-q"];
    for (bytes, error) in cases {
        env.write("v.npy", bytes);
        env.docent(&import).fails_with(&format!("error: {error}"));
        assert!(!env.path("other").exists());
    }
    env.write("v.npy", npy(&[good, good]));
    env.docent(&["import", "v.npy", "--name", "mine", "--into", "index"]).ends_with_status(2);
    env.docent(&["import", "v.npy", "--name", "mine", "--into", "docs", "-q"]).fails_with(
        "error: `docs` is not empty and holds no docent index\n\nhint: name a new or empty folder for the new index with --into DIR\n",
    );
    env.docent(&["export", ".", "-q"]).ends_with_status(2);
    env.docent(&["export", "out", "-q"]).succeeds();
    let chunks = fs::read_to_string(env.path("out/chunks.jsonl")).unwrap();
    let turned: Vec<&str> = chunks.lines().rev().collect();
    env.write("turned.jsonl", turned.join("\n"));
    let outcome = env.docent(&[&import[..], &["--chunks", "turned.jsonl"]].concat()).ends_with_status(2);
    assert!(
        outcome.stderr.starts_with("error: line 1 of `turned.jsonl` is not chunk 0 of the index: it is `"),
        "{}",
        outcome.stderr
    );
    env.write("short.jsonl", chunks.lines().next().unwrap());
    let outcome = env.docent(&[&import[..], &["--chunks", "short.jsonl"]].concat()).ends_with_status(2);
    assert!(
        outcome.stderr.starts_with(
            "error: line 2 of `short.jsonl` is not chunk 1 of the index: the file ends before it\n"
        ),
        "{}",
        outcome.stderr
    );
    assert!(!env.path("other").exists());
    env.docent(&import).succeeds().tells("");
}

/// What a researcher does: vectors of another length, by a model that docent does not know.
const OTHER_MODEL: &str = "
import json, sys
import numpy as np
folder = sys.argv[1]
chunks = [json.loads(line) for line in open(folder + '/chunks.jsonl', encoding='utf-8')]
vectors = np.load(folder + '/vectors.npy')
assert vectors.shape == (len(chunks), 256) and vectors.dtype == np.float32, vectors.shape
letters = 'abcdefghijklmnopqrstuvwxyz'
def encode(text):
    return np.array([1 + text.lower().count(letter) for letter in letters], dtype=np.float32)
np.save(folder + '/letters.npy', np.stack([encode(chunk['text']) for chunk in chunks]))
questions = [json.loads(line)['query'] for line in open(folder + '/questions.jsonl', encoding='utf-8')]
np.save(folder + '/letters_of_questions.npy', np.stack([encode(question) for question in questions]))
";

#[test]
fn numpy_reads_what_is_exported_and_writes_what_is_imported() {
    let Some(python) = python_with(MEASURING) else { return };
    let env = imported();
    let output = Command::new(&python).args(["-c", OTHER_MODEL]).arg(env.path("out")).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    env.docent(&["import", "out/letters.npy", "--name", "letters", "--into", "l", "-q"]).succeeds().tells("");
    let found = env.docent(&[
        "eval",
        "set",
        "--index",
        "l",
        "--query-vectors",
        "out/letters_of_questions.npy",
        "--json",
        "-",
        "-q",
    ]);
    let found: Value = serde_json::from_str(&found.succeeds().stdout).unwrap();
    assert_eq!(
        (&found["index"]["model"], &found["metrics"]["hit@5"]["questions"]),
        (&json!("letters"), &json!(2))
    );
    assert_eq!(env.json(&["status", "--json", "--index", "l"])["model"]["dimensions"], 26);
    assert!(Path::new(&env.path("l/manifest.json")).is_file());
    env.docent(&["eval", "set", "--index", "l", "--query-vectors", "out/questions.npy"]).fails_with(
        "error: `out/questions.npy` has vectors of 256 dimensions; those of the index have 26\n\nhint: use the model that made the index's vectors\n",
    );
}
