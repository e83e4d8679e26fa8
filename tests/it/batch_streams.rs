//! `docent batch` as a stream: memory, pipes, interruptions, and going on.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::batch::records;
use crate::testenv::{PAGES, TestEnv};

/// Pages enough that an answer is some kilobytes long.
fn env_with_questions(count: usize) -> TestEnv {
    let env = TestEnv::new(PAGES);
    for page in 0..20 {
        let words: Vec<String> = (0..60).map(|word| format!("rotate{word}of{page}")).collect();
        env.write(&format!("docs/page-{page}.md"), format!("# Page {page}\n\n{}\n", words.join(" ")));
    }
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    let questions: Vec<String> =
        (0..count).map(|number| format!("q{number}\trotate the key {number} of a page")).collect();
    env.write("q.tsv", questions.join("\n"));
    env
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_number_of_questions() {
    const QUESTIONS: usize = 6_000;
    let env = env_with_questions(QUESTIONS);
    let mut command = env.command(&["batch", "q.tsv", "-n", "10"]).into_command();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let peak = || -> u64 {
        let status = fs::read_to_string(&status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut bytes = 0;
    let mut read = |count: usize| {
        for _ in 0..count {
            bytes += lines.next().unwrap().unwrap().len();
        }
    };
    read(300);
    let early = peak();
    // What is left does not fit into a pipe: the program is still there to be looked at.
    read(QUESTIONS - 600);
    let late = peak();
    read(300);
    assert!(child.wait().unwrap().success());
    assert!(bytes > 12 << 20, "answers of {bytes} bytes would not be noticed");
    assert!(late < early + 3_000, "{early} kB after 300 questions, {late} kB after {}", QUESTIONS - 300);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let env = env_with_questions(2_000);
    let shell = "\"$@\" | head -n 3; echo \"${PIPESTATUS[0]}\"";
    for format in ["jsonl", "csv", "trec"] {
        let path = std::env::var("PATH").unwrap();
        let run = env.command(&["batch", "q.tsv", "-q", "--format", format]).variable("PATH", path);
        let outcome = run.through(shell).run().succeeds().tells("");
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!((lines.len(), lines[3]), (4, "0"), "{format}");
    }
}

#[test]
fn an_interruption_leaves_whole_lines_and_the_rest_can_be_asked() {
    const QUESTIONS: usize = 20_000;
    let env = env_with_questions(QUESTIONS);
    let out = env.path("out.jsonl");
    let mut command = env.command(&["batch", "q.tsv", "-o", "out.jsonl", "-n", "1"]).into_command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let patience = Instant::now();
    while fs::metadata(&out).map_or(0, |metadata| metadata.len()) < 10_000 {
        assert!(patience.elapsed() < Duration::from_mins(1), "nothing is written");
        std::thread::sleep(Duration::from_millis(1));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.ends_with('\n'));
    let done = records(&text).len();
    assert!(done < QUESTIONS);
    let told = format!("interrupted after {done} of {QUESTIONS} questions: go on with --resume\n");
    assert!(stderr.ends_with(&told), "{stderr}");

    // Few enough questions to ask them all twice.
    let some = fs::read_to_string(env.path("q.tsv")).unwrap();
    let some: Vec<&str> = some.lines().take(done + 40).collect();
    env.write("q.tsv", some.join("\n"));
    let resumed = env.docent(&["batch", "q.tsv", "-o", "out.jsonl", "-n", "1", "--resume"]).succeeds();
    resumed.tells(&format!("{done} of {} questions done already\n", done + 40));
    let whole = env.docent(&["batch", "q.tsv", "-n", "1"]).succeeds();
    assert_eq!(fs::read_to_string(&out).unwrap(), whole.stdout);
}

#[test]
fn every_cut_is_mended() {
    let env = env_with_questions(0);
    env.write(
        "q.jsonl",
        "{\"id\": \"a\", \"query\": \"rotate, \\\"now\\\"\"}\nnonsense\nmore\n{\"id\": \"b\", \"query\": \"key\"}\n\
         {\"id\": \"c c\", \"query\": \"a page\"}\n{\"id\": \"d\", \"query\": \" \"}\n",
    );
    for format in ["jsonl", "csv", "trec"] {
        let batch = ["batch", "q.jsonl", "-q", "--format", format, "-n", "3", "-o", "out"];
        env.docent(&batch).ends_with_status(2);
        let whole = fs::read(env.path("out")).unwrap();
        // At every line and in the middle of some.
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
        let cuts: Vec<usize> = ends.flat_map(|end| [end, end - 4]).chain([0, 1]).collect();
        for cut in cuts.into_iter().step_by(3) {
            env.write("out", &whole[..cut]);
            let resume: Vec<&str> = batch.iter().copied().chain(["--resume"]).collect();
            let outcome = env.docent(&resume);
            assert_eq!(fs::read(env.path("out")).unwrap(), whole, "{format}, cut at {cut}: {outcome:?}");
        }
    }
}

#[test]
fn another_output_is_not_continued() {
    let env = TestEnv::indexed(PAGES);
    env.write("q.tsv", "a\trotate\nb\tkey\n");
    let batch = ["batch", "q.tsv", "-o", "out", "--resume"];
    env.docent(&batch).succeeds();
    let hint =
        "hint: continue with the same questions and the same --format, or start anew without --resume\n";
    env.write("q.tsv", "a\trotate\nb\tkeys\n");
    env.docent(&batch).fails_with(&format!(
        "error: `out` cannot be continued: its record 2 answers \"key\", and question 2 is \"keys\"\n\n{hint}"
    ));
    env.write("q.tsv", "a\trotate\nc\tkey\n");
    env.docent(&batch).fails_with(&format!(
        "error: `out` cannot be continued: its record 2 is of `b`, and question 2 is `c`\n\n{hint}"
    ));
    env.write("q.tsv", "a\trotate\n");
    env.docent(&batch).fails_with(&format!(
        "error: `out` cannot be continued: it has more records than there are questions (1)\n\n{hint}"
    ));
    let outcome = env.docent(&["batch", "q.tsv", "-o", "out", "--resume", "--format", "trec"]);
    outcome.fails_with(&format!(
        "error: `out` cannot be continued: record 1 is not one of docent's (no line of a TREC run)\n\n{hint}"
    ));
    env.write("docs/new.md", "# New\n\nSomething new.\n");
    env.docent(&["index", "-q"]).succeeds();
    let told = env.docent(&batch).ends_with_status(2).stderr;
    assert!(
        told.starts_with("error: `out` cannot be continued: generation 1 of an index answered so far ("),
        "{told}"
    );
    assert!(
        told.ends_with("\n\nhint: start anew without --resume, so that one index answers all questions\n")
    );
}

/// Neither rows of CSV nor a run say which index answered.
#[test]
fn an_output_that_is_older_than_the_index_is_not_continued() {
    for format in ["csv", "trec"] {
        let env = TestEnv::indexed(PAGES);
        env.write("q.tsv", "a\trotate\nb\tkey\n");
        let batch = ["batch", "q.tsv", "-o", "out", "--format", format, "--resume", "-q"];
        env.docent(&batch).succeeds();
        env.docent(&batch).succeeds();
        let file = fs::File::options().write(true).open(env.path("out")).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(1)).unwrap();
        let told = env.docent(&batch).ends_with_status(2).stderr;
        assert!(told.starts_with("error: `out` cannot be continued: it is older than the index, "), "{told}");
    }
}

#[test]
fn errors_of_the_run_before_are_not_forgotten() {
    let env = TestEnv::indexed(PAGES);
    env.write("q.jsonl", "nonsense\n{\"id\": \"b\", \"query\": \"key\"}\n");
    for format in ["jsonl", "csv"] {
        let batch = ["batch", "q.jsonl", "-o", format, "--format", format, "--resume", "-q"];
        env.docent(&batch).ends_with_status(2);
        let told = env.docent(&batch).ends_with_status(2).stderr;
        assert!(told.contains("1 question of the earlier run without an answer: see `error`"), "{told}");
    }
}
