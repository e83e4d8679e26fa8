//! stdout and stderr: what goes where, and what happens where nobody listens.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::testenv::{PAGES, TestEnv};

/// Pages enough that an answer does not fit into a pipe.
fn env_with_long_answers() -> TestEnv {
    let env = TestEnv::new(PAGES);
    for page in 0..100 {
        let words: Vec<String> = (0..250).map(|word| format!("rotate{word}of{page}")).collect();
        env.write(&format!("docs/page-{page}.md"), format!("# Page {page}\n\n{}\n", words.join(" ")));
    }
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    env
}

fn commands() -> Vec<Vec<&'static str>> {
    vec![
        vec!["ask", "rotate", "--limit", "100"],
        vec!["ask", "rotate", "--limit", "100", "--json"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["models"],
        vec!["models", "--json"],
        vec!["completions", "bash"],
        vec!["--help"],
        vec!["ask", "--help"],
        vec!["--version"],
    ]
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let env = env_with_long_answers();
    for arguments in commands() {
        let mut command = env.command(&arguments).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut first = [0];
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_pipe_that_was_never_read_is_no_error() {
    let env = env_with_long_answers();
    for arguments in commands() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = env.command(&arguments).into_command();
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn streams_that_are_closed_end_nothing() {
    let env = env_with_long_answers();
    for arguments in commands() {
        for closed in ["exec \"$@\" >&-", "exec \"$@\" 2>&-", "exec \"$@\" <&-", "exec \"$@\" <&- >&- 2>&-"] {
            let stdout_stays = !closed.contains(">&- 2") && !closed.contains("@\" >&-");
            let outcome = env.command(&arguments).through(closed).run().succeeds().tells("");
            assert_eq!(!outcome.stdout.is_empty(), stdout_stays, "{arguments:?} {closed}");
        }
    }
    // An error without anyone to tell it to is still an error.
    env.command(&["ask", ""]).through("exec \"$@\" 2>&-").run().ends_with_status(2).prints("").tells("");
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written_is_an_error() {
    let env = env_with_long_answers();
    for arguments in commands() {
        env.command(&arguments).through("exec \"$@\" > /dev/full").run().fails_with(
            "error: stdout cannot be written: No space left on device (os error 28)\n\n\
             hint: check where stdout leads\n",
        );
    }
}

#[test]
fn stdout_carries_data_only() {
    let env = TestEnv::new(PAGES);
    for arguments in [
        &["index", "docs", "--model", "hashing"][..],
        &["index"],
        &["pull", "hashing"],
        &["index", "docs/keys.md"],
    ] {
        let outcome = env.docent(arguments).succeeds().prints("");
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in
        [&["ask", "key"][..], &["status"], &["models"], &["completions", "zsh"], &["--help"], &["-V"]]
    {
        let outcome = env.docent(arguments).succeeds().tells("");
        assert!(!outcome.stdout.is_empty(), "{arguments:?}");
    }
    let outcome = env.docent(&["quickstart", "docs", "--model", "hashing"]).succeeds();
    assert!(outcome.stdout.starts_with("> What is "), "{}", outcome.stdout);
    assert!(outcome.stderr.starts_with("1. model\n"), "{}", outcome.stderr);
}

#[test]
fn quiet_leaves_only_errors() {
    let env = TestEnv::new(PAGES);
    env.write("docs/logo.png", "x");
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds().prints("").tells("");
    env.docent(&["-q", "index"]).succeeds().prints("").tells("");
    env.docent(&["pull", "hashing", "-q"]).succeeds().prints("").tells("");
    let outcome = env.docent(&["quickstart", "docs", "--model", "hashing", "-q"]).succeeds().tells("");
    assert!(outcome.stdout.contains("claude mcp add docent"));
    env.docent(&["ask", "", "-q"]).fails_with(
        "error: the question is empty\n\nhint: ask in plain words: `docent ask \"how do I rotate a key?\"`\n",
    );
}

#[test]
fn a_document_cannot_steer_the_terminal() {
    let hostile = "# A\u{1b}]0;title\u{7}\n\nkey \u{1b}[2J\u{9b}31m end\n";
    let env = TestEnv::indexed(&[("docs/a\u{1b}[31m.md", hostile)]);
    let outcome = env.docent(&["ask", "key"]).succeeds().tells("");
    let controls = outcome.stdout.chars().filter(|character| character.is_control() && *character != '\n');
    assert_eq!(controls.count(), 0, "{:?}", outcome.stdout);
    // A script gets what is there, escaped by JSON.
    let answer = env.json(&["ask", "key", "--json"]);
    assert!(answer["hits"][0]["text"].as_str().unwrap().contains('\u{1b}'));
}

#[test]
fn an_answer_can_go_into_a_file() {
    let env = TestEnv::indexed(PAGES);
    let path = env.path("answer.json");
    let mut command: Command = env.command(&["ask", "key", "--json"]).into_command();
    assert!(command.stdout(File::create(&path).unwrap()).status().unwrap().success());
    let text = fs::read_to_string(&path).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok() && text.ends_with('\n'), "{text}");
}
