//! Commands that were typed wrong.

use crate::testenv::{PAGES, TestEnv};

#[test]
fn an_empty_question() {
    let env = TestEnv::indexed(PAGES);
    for question in ["", " \n\t "] {
        env.docent(&["ask", question]).fails_with(
            "error: the question is empty\n\n\
             hint: ask in plain words: `docent ask \"how do I rotate a key?\"`\n",
        );
    }
}

#[test]
fn a_question_of_100_000_characters() {
    let env = TestEnv::indexed(PAGES);
    // The last one has two bytes each: what is counted is characters.
    for (question, characters) in [("x".repeat(100_000), 100_000), ("é".repeat(10_001), 10_001)] {
        env.docent(&["ask", &question]).fails_with(&format!(
            "error: the question has {characters} characters; the limit is 10000\n\n\
             hint: ask for one thing, in a sentence or two\n"
        ));
    }
    env.docent(&["ask", &"key ".repeat(2_500), "--quiet"]).succeeds().tells("");
}

#[test]
fn questions_of_all_kinds_are_only_text() {
    let env = TestEnv::indexed(PAGES);
    for question in
        ["???", "-", "\u{0}a", "🦀 \u{202e}", "key AND (\"", "%s%n", "$(rm -rf /)", "--", "a\tb\nc"]
    {
        // A zero byte cannot be passed as an argument.
        if !question.contains('\0') {
            env.docent(&["ask", "--json", "--", question]).succeeds().tells("");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_question_that_is_not_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let env = TestEnv::indexed(PAGES);
    env.docent(&[OsStr::new("ask"), OsStr::from_bytes(b"caf\xE9")]).fails_with(
        "error: invalid UTF-8 was detected in one or more arguments\n\n\
         Usage: docent ask [OPTIONS] <QUESTION>\n\n\
         For more information, try '--help'.\n",
    );
}

#[test]
fn a_limit_that_is_none() {
    let env = TestEnv::indexed(PAGES);
    for limit in ["0", "101", "-1", "abc", "1.5", "99999999999999999999"] {
        env.docent(&["ask", "key", "--limit", limit]).fails_with(&format!(
            "error: invalid value '{limit}' for '--limit <N>': give a number from 1 to 100\n\n\
             For more information, try '--help'.\n"
        ));
    }
    for limit in ["1", "100"] {
        env.docent(&["ask", "key", "--limit", limit]).succeeds().tells("");
    }
}

#[test]
fn no_question_and_two_questions() {
    let env = TestEnv::indexed(PAGES);
    env.docent(&["ask"]).fails_with(
        "error: the following required arguments were not provided:\n  <QUESTION>\n\n\
         Usage: docent ask <QUESTION>\n\n\
         For more information, try '--help'.\n",
    );
    env.docent(&["ask", "rotate", "keys"]).fails_with(
        "error: unexpected argument 'keys' found\n\n\
         Usage: docent ask [OPTIONS] <QUESTION>\n\n\
         For more information, try '--help'.\n",
    );
}

#[test]
fn an_unknown_command() {
    let env = TestEnv::new(&[]);
    env.docent(&["indx", "docs"]).fails_with(
        "error: unrecognized subcommand 'indx'\n\n  \
           tip: a similar subcommand exists: 'index'\n\n\
         Usage: docent [OPTIONS] <COMMAND>\n\n\
         For more information, try '--help'.\n",
    );
    // Without one there is help, and still an error for scripts.
    let help = env.docent(&["-h"]).succeeds().stdout;
    env.docent::<&str>(&[]).fails_with(&help);
}

#[test]
fn an_unknown_flag() {
    let env = TestEnv::new(&[]);
    env.docent(&["ask", "key", "--limt", "3"]).fails_with(
        "error: unexpected argument '--limt' found\n\n  \
           tip: a similar argument exists: '--limit'\n\n\
         Usage: docent ask --limit <N> <QUESTION>\n\n\
         For more information, try '--help'.\n",
    );
}

#[test]
fn an_unknown_shell_and_numbers_that_are_none() {
    let env = TestEnv::new(PAGES);
    env.docent(&["completions", "csh"]).fails_with(
        "error: invalid value 'csh' for '<SHELL>'\n  \
           [possible values: bash, elvish, fish, powershell, zsh]\n\n  \
           tip: a similar value exists: 'zsh'\n\n\
         For more information, try '--help'.\n",
    );
    env.docent(&["index", "docs", "--threads", "0"]).fails_with(
        "error: invalid value '0' for '--threads <N>': 0 is not in 1..=1024\n\n\
         For more information, try '--help'.\n",
    );
}

#[test]
fn an_unknown_model_is_answered_with_the_nearest_names() {
    let env = TestEnv::new(PAGES);
    let hint = "hint: run `docent models` for the names, or give the files of a model of your own with `--model-dir DIR`\n";
    let message = format!(
        "error: there is no model named `bge-smal`; near it: bge-small-en-v1.5, bge-small-en-v1.5-q, bge-small-zh-v1.5\n\n{hint}"
    );
    for arguments in [
        &["index", "docs", "--model", "bge-smal"][..],
        &["pull", "bge-smal"],
        &["pull", "--model", "bge-smal"],
        &["quickstart", "docs", "--model", "bge-smal", "--quiet"],
    ] {
        env.docent(arguments).fails_with(&message);
    }
    env.docent(&["index", "docs", "--model", "gpt-17-turbo-preview"])
        .fails_with(&format!("error: there is no model named `gpt-17-turbo-preview`\n\n{hint}"));
    assert!(!env.path("index").exists());
}
