//! How much a build takes: `--threads` and `--max-memory` are obeyed, and told.

use serde_json::Value;

use crate::testenv::{Outcome, PAGES, TestEnv};

const MEGABYTE: u64 = 1_000_000;

fn report(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// How much the hint of an error asks for, in megabytes.
#[cfg(target_os = "linux")]
fn wanted(outcome: Outcome) -> u64 {
    let outcome = outcome.ends_with_status(2);
    let (_, hint) = outcome.stderr.split_once("allow at least --max-memory ").unwrap();
    hint.split_once("MB").unwrap().0.parse().unwrap()
}

#[test]
fn threads_and_memory_are_told() {
    let env = TestEnv::new(PAGES);
    let first = env.docent(&["index", "docs", "--model", "hashing", "--threads", "1", "--json"]).succeeds();
    let done = report(&first);
    assert_eq!((&done["threads"], &done["max_memory_bytes"]), (&1.into(), &Value::Null));
    assert_eq!(
        (&done["embedded"], &done["documents"], &done["changed"]),
        (&2.into(), &2.into(), &true.into())
    );
    if cfg!(target_os = "linux") {
        let peak = done["peak_memory_bytes"].as_u64().unwrap();
        let told = format!(" s, 1 thread, at most {} MB)", peak.div_ceil(MEGABYTE));
        assert!(first.raw_stderr.contains(&told), "{}", first.raw_stderr);
    }
    env.write("docs/new.md", "# New\n\nA new page.\n");
    let three = env.docent(&["index", "--threads", "3", "--json"]).succeeds();
    assert_eq!(report(&three)["threads"], 3);
    // Where nothing is to do no model is loaded, and nothing runs on threads.
    let unchanged = report(&env.docent(&["index", "--json"]).succeeds());
    assert_eq!((&unchanged["threads"], &unchanged["changed"]), (&Value::Null, &false.into()));
}

#[test]
fn a_size_that_is_none_is_refused() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs", "--max-memory", "lots"]).fails_with(
        "error: invalid value 'lots' for '--max-memory <SIZE>': give a size such as `200MB`, `1GiB` or a number of bytes\n\n\
         For more information, try '--help'.\n",
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_build_that_does_not_fit_is_refused_before_it_begins() {
    let env = TestEnv::new(PAGES);
    let index =
        |most: &str| env.docent(&["index", "docs", "--model", "hashing", "--max-memory", most, "--json"]);
    let refused = index("9MB");
    assert!(refused.stderr.contains("the model `hashing` and a build by it need "), "{}", refused.stderr);
    assert!(refused.stderr.contains("--max-memory allows 9 MB"), "{}", refused.stderr);
    assert!(!env.path("index").exists());
    // What the hint asks for is enough.
    let most = wanted(refused) + 5;
    let done = report(&index(&format!("{most}MB")).succeeds());
    assert_eq!(done["max_memory_bytes"], most * MEGABYTE);
    assert!(done["peak_memory_bytes"].as_u64() <= done["max_memory_bytes"].as_u64(), "{done}");
}

#[test]
#[cfg(target_os = "linux")]
fn chunks_that_do_not_fit_are_counted_before_they_are_embedded() {
    let env = TestEnv::new(&[]);
    // Sections of which no two fit into one chunk.
    let words = "word ".repeat(200);
    let parts: Vec<String> = (0..2_000).map(|number| format!("# Part {number}\n\n{words}\n")).collect();
    for (number, some) in parts.chunks(500).enumerate() {
        env.write(&format!("docs/{number}.md"), some.join("\n"));
    }
    let index = |most: &str| {
        let graph = ["--graph-from", "100", "--max-memory", most];
        env.docent(&[&["index", "docs", "--model", "hashing"][..], &graph].concat())
    };
    let refused = index(&format!("{}MB", wanted(index("9MB")) + 2)).ends_with_status(2);
    assert!(refused.stderr.contains(" chunks and the graph over them takes "), "{}", refused.stderr);
    assert!(
        refused.stderr.contains(" MB more with --max-memory, or leave the graph out"),
        "{}",
        refused.stderr
    );
    assert!(!env.path("index/manifest.json").exists());
}

/// With the real model: one thread where two do not fit.
#[test]
#[cfg(target_os = "linux")]
fn fewer_threads_are_used_where_there_is_room_for_fewer() {
    use crate::real_model::{is_pulled, with_the_model};
    if !is_pulled() {
        return;
    }
    let env = TestEnv::new(PAGES);
    let index = |most: &str| {
        let arguments = ["index", "docs", "--threads", "2", "--max-memory", most, "--json"];
        with_the_model(&env, &arguments).run()
    };
    let most = wanted(index("20MB")) + 5;
    let outcome = index(&format!("{most}MB")).succeeds();
    let done = report(&outcome);
    assert_eq!(done["threads"], 1);
    assert!(outcome.stderr.contains("1 of 2 threads, to stay within "), "{}", outcome.stderr);
    assert!(done["peak_memory_bytes"].as_u64() <= done["max_memory_bytes"].as_u64(), "{done}");
}
