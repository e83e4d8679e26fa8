//! The examples, run as they are.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::python::{MEASURING, python_with, said};
use crate::testenv::{PAGES, TestEnv, program};

const SET: &str = "{\"id\": \"1\", \"query\": \"rotate a key\", \"kind\": \"how-to\", \"relevant\": [{\"path\": \"keys.md\", \"grade\": 3}], \"rephrasings\": [\"new key\"]}\n\
                   {\"id\": \"2\", \"query\": \"ninety days\", \"kind\": \"why\", \"relevant\": [{\"path\": \"guides/webhooks.mdx\"}], \"rephrasings\": [\"failed delivery\"]}\n";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn env_with_set() -> TestEnv {
    let env = TestEnv::indexed(PAGES);
    env.write("set/questions.jsonl", SET);
    env
}

/// In the test's folder, with docent on the PATH.
fn run(env: &TestEnv, program_to_run: &Path, arguments: &[&str], script: &Path) -> Output {
    let mut path = OsString::from(program().parent().unwrap());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut command = Command::new(program_to_run);
    command.arg(script).args(arguments).current_dir(env.root()).env("PATH", path);
    command.env_remove("DOCENT_INDEX").output().unwrap()
}

#[test]
fn the_shell_example_measures_and_compares() {
    let env = env_with_set();
    let output = run(&env, Path::new("/bin/sh"), &["set", "index", "out"], &example("evaluate.sh"));
    assert!(output.status.success(), "{}", said(&output));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("nDCG@10"), "{stdout}");
    assert!(stdout.ends_with("documents that stand first most often:\n2 keys.md\n"), "{stdout}");
    let names = ["bare.json", "changed.html", "docent.csv", "docent.run", "first.txt", "worded.json"];
    assert_eq!(env.names("out"), names);
    assert_eq!(fs::read_to_string(env.path("out/docent.run")).unwrap().lines().count(), 4);
}

#[test]
fn the_python_example_measures_as_docent_does() {
    let Some(python) = python_with(MEASURING) else { return };
    let env = env_with_set();
    let script = example("evaluate.py");
    let output = run(&env, &python, &["set/questions.jsonl", "--save", "before.csv"], &script);
    assert!(output.status.success(), "{}", said(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let all =
        table.lines().find(|line| line.starts_with("all questions")).unwrap_or_else(|| panic!("{table}"));
    let ndcg: f64 = all.split_whitespace().nth(2).unwrap().parse().unwrap();
    env.docent(&["eval", "set", "-q", "--json", "ours.json"]).succeeds();
    let ours: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(env.path("ours.json")).unwrap()).unwrap();
    let expected = ours["metrics"]["nDCG@10"]["value"].as_f64().unwrap();
    assert!((ndcg - expected).abs() < 1e-4, "{expected} is not in\n{table}");
    assert!(expected < 1.0, "a set that is all right shows nothing");

    env.write("set/questions.jsonl", SET.replace("ninety days", "failed delivery"));
    let output = run(&env, &python, &["set/questions.jsonl", "--baseline", "before.csv"], &script);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.ends_with("gained: 2\nlost: -\n"), "{told}");
}
