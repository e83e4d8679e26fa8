//! What an index survives, through the program: being killed, being damaged, being carried away.

use std::fs;

use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

#[cfg(unix)]
mod killed {
    use std::process::Stdio;
    use std::time::Instant;

    use docent::index::Index;

    use super::*;

    /// How often a build is killed. More with `DOCENT_TEST_KILLS=N`.
    const KILLS: u32 = 100;

    fn kills() -> u32 {
        std::env::var("DOCENT_TEST_KILLS").ok().and_then(|value| value.parse().ok()).unwrap_or(KILLS)
    }

    /// The text that the index holds of the page that changes.
    fn held(env: &TestEnv) -> String {
        let index = Index::open_whole(&env.path("index")).unwrap();
        index.check_consistency().unwrap();
        assert_eq!(index.document_count(), 13);
        let chunks = (0..index.chunk_count()).map(|number| index.chunk(number).unwrap().chunk.text);
        chunks.into_iter().find(|text| text.starts_with("Round")).unwrap()
    }

    #[test]
    fn at_random_moments_of_build_and_commit() {
        let env = TestEnv::new(&[("docs/news.md", "# News\n\nRound 0.\n")]);
        for page in 0..12 {
            let words: Vec<String> = (0..80).map(|word| format!("word{}", page * word)).collect();
            env.write(&format!("docs/page-{page}.md"), format!("# Page {page}\n\n{}\n", words.join(" ")));
        }
        let started = Instant::now();
        env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
        let whole_build = started.elapsed();
        let mut before = held(&env);
        let mut cut_short = 0;
        for round in 1..=kills() {
            let text = format!("Round {round}.");
            env.write("docs/news.md", format!("# News\n\n{text}\n"));
            let mut command = env.command(&["index", "-q"]).into_command();
            let mut child = command.stdin(Stdio::null()).spawn().unwrap();
            // Moments all over a build, in no order.
            std::thread::sleep(whole_build.mul_f64(f64::from(round * 61 % 100) / 90.0));
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            let now = held(&env);
            assert!(now == before || now == text, "round {round}: {now:?} after {before:?}");
            assert!(!ended.success() || now == text, "round {round}: done, and {now:?}");
            cut_short += u32::from(!ended.success());
            before = now;
        }
        assert!(cut_short > kills() / 4, "only {cut_short} builds were cut short");
        env.docent(&["index", "-q"]).succeeds().tells("");
        let left: Vec<String> = env.names("index");
        assert_eq!(left.iter().filter(|name| name.starts_with("gen-")).count(), 1, "{left:?}");
        assert!(!left.iter().any(|name| name.starts_with(".tmp-")), "{left:?}");
    }
}

#[test]
fn a_copy_answers_without_the_documents() {
    let env = TestEnv::indexed(PAGES);
    let asked = env.docent(&["ask", "rotate a key"]).succeeds().stdout;
    let read = |id: &Value| id.as_str().unwrap().to_owned();
    let id = read(&env.json(&["ask", "rotate a key", "--json"])["hits"][0]["id"]);
    let other = TestEnv::new(&[]);
    fs::rename(env.path("index"), other.path("carried")).unwrap();
    drop(env);
    let ask =
        |arguments: &[&str]| other.command(arguments).variable("DOCENT_INDEX", "carried").run().succeeds();
    ask(&["ask", "rotate a key"]).tells("").prints(&asked);
    let answer: Value = serde_json::from_str(&ask(&["ask", "rotate a key", "--json"]).stdout).unwrap();
    assert_eq!((&answer["hits"][0]["id"], &answer["hits"][0]["stale"]), (&json!(id), &Value::Null));
    let doctor = ask(&["doctor"]).stdout;
    assert!(doctor.contains("answers come from the index alone"), "{doctor}");
}

#[test]
fn hits_say_that_their_source_has_changed() {
    let env = TestEnv::indexed(PAGES);
    let stale = || -> Vec<(String, bool)> {
        let answer = env.json(&["ask", "rotate a key", "--json"]);
        let hits = answer["hits"].as_array().unwrap();
        let stale = |hit: &Value| hit.get("stale").is_some_and(|stale| stale == &json!(true));
        hits.iter().map(|hit| (hit["path"].as_str().unwrap().to_owned(), stale(hit))).collect()
    };
    let (keys, webhooks) = ("keys.md".to_owned(), "guides/webhooks.mdx".to_owned());
    assert_eq!(stale(), [(keys.clone(), false), (webhooks.clone(), false)]);
    // The same text again, at another time, is no change; another text of the same length is one.
    env.write("docs/keys.md", PAGES[1].1);
    assert_eq!(stale(), [(keys.clone(), false), (webhooks.clone(), false)]);
    env.write("docs/keys.md", PAGES[1].1.replace("ninety", "eighty"));
    assert_eq!(stale(), [(keys.clone(), true), (webhooks.clone(), false)]);
    fs::remove_file(env.path("docs/guides/webhooks.mdx")).unwrap();
    assert_eq!(stale(), [(keys.clone(), true), (webhooks, true)]);
    let text = env.docent(&["ask", "rotate a key", "-n", "1"]).succeeds().stdout;
    assert!(text.starts_with("1. keys.md:3-3  (score [SCORE])  (changed since it was indexed)\n"), "{text}");
    env.docent(&["index", "-q"]).succeeds();
    assert_eq!(stale(), [(keys, false)]);
}

#[test]
fn doctor_of_a_healthy_index() {
    let env = TestEnv::indexed(PAGES);
    let when = env.json(&["status", "--json"])["indexed_at"].as_str().unwrap().to_owned();
    let format = docent::index::FORMAT_VERSION;
    let files = env.names("index/gen-000001").len();
    env.docent(&["doctor"]).succeeds().tells("").prints(&format!(
        "ok      manifest  format {format}, generation 1 of {when}, 2 documents, 2 chunks\n\
         ok      files     {files} files, in place (--deep reads every byte)\n\
         ok      sources   no indexed document has changed since\n\
         ok      model     hashing (hashing-v1) is here\n"
    ));
    let report = env.json(&["doctor", "--deep", "--json"]);
    assert_eq!(
        (&report["schema"], &report["healthy"], &report["deep"]),
        (&json!(1), &json!(true), &json!(true))
    );
    let checks: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().map(|finding| &finding["check"]).collect();
    assert_eq!(checks, ["manifest", "files", "records", "sources", "model"]);
}

#[test]
fn doctor_names_what_is_wrong_and_what_mends_it() {
    let env = TestEnv::new(PAGES);
    env.docent(&["doctor"]).ends_with_status(2).tells("").prints(
        "error   manifest  no index in `index`\n\
         \x20                 hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
    );
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env.write("docs/keys.md", "# Keys\n\nChanged.\n");
    env.write("index/gen-000009/vectors.bin", "half");
    let warned = env.docent(&["doctor", "--deep"]).succeeds().tells("").stdout;
    assert!(
        warned.contains(
            "warning sources   1 of 2 documents changed, or are gone, since\n\
             \x20                 hint: bring the index up to date: `docent index`\n"
        ) && warned.contains(
            "warning leftovers 1 of interrupted builds: `index/gen-000009`\n\
             \x20                 hint: the next `docent index` removes them\n"
        ),
        "{warned}"
    );
    let chunks = env.path("index/gen-000001/chunks.bin");
    let mut bytes = fs::read(&chunks).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&chunks, bytes).unwrap();
    let damaged = env.docent(&["doctor", "--deep"]).ends_with_status(2).tells("").stdout;
    assert!(
        damaged.contains(
            "error   files     `index/gen-000001/chunks.bin` is damaged: its checksum does not match its content\n\
             \x20                 hint: build it anew: `docent index PATH`\n"
        ),
        "{damaged}"
    );
    // The hint holds.
    env.docent(&["index", "docs", "-q"]).succeeds();
    assert_eq!(env.json(&["doctor", "--deep", "--json"])["healthy"], true);
}
