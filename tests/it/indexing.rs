//! `docent index`: what is taken in, what is kept, and how it is told.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use crate::testenv::{PAGES, TestEnv};

#[test]
fn first_unchanged_changed_and_gone() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs", "--model", "hashing"]).succeeds().prints("").tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 1: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.names("index"), ["gen-000001", "manifest.json", "writer.lock"]);
    let unchanged = "nothing was left out\n\
                     up to date: 2 documents, 2 chunks in `index`, generation 1 ([SECONDS] s)\n";
    env.docent(&["index", "docs"]).succeeds().prints("").tells(unchanged);
    env.docent(&["index"]).succeeds().prints("").tells(unchanged);

    env.write("docs/keys.md", "# Keys\n\nRotate an API key every week.\n");
    env.write("docs/new.md", "# New\n\nA new page.\n");
    fs::rename(env.path("docs/guides/webhooks.mdx"), env.path("docs/guides/events.mdx")).unwrap();
    env.docent(&["index"]).succeeds().prints("").tells(
        "nothing was left out\n\
         indexed 3 documents, 3 chunks in `index`, generation 2: 2 embedded, 1 reused ([SECONDS] s)\n",
    );
    // What the last generation had and this one has not is kept for when it comes back.
    assert_eq!(env.names("index"), ["embeddings", "gen-000002", "manifest.json", "writer.lock"]);
    let answer = env.json(&["ask", "how often to rotate a key", "--json"]);
    assert_eq!(answer["generation"], 2);
    assert!(answer["hits"][0]["text"].as_str().unwrap().contains("every week"), "{answer}");

    fs::remove_file(env.path("docs/keys.md")).unwrap();
    env.docent(&["index"]).succeeds().prints("").tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 3: 0 embedded, 2 reused ([SECONDS] s)\n",
    );
    let mut found = env.found("rotate a key");
    found.sort();
    assert_eq!(found, ["guides/events.mdx", "new.md"]);
}

#[test]
fn several_folders_and_a_file() {
    let env = TestEnv::new(&[
        ("one/docs/a.md", "# A\n\nApples.\n"),
        ("two/more/b.md", "# B\n\nBananas.\n"),
        ("c.md", "# C\n\nCherries.\n"),
    ]);
    env.docent(&["index", "one/docs", "two/more/", "c.md", "--model", "hashing"])
        .succeeds()
        .prints("")
        .tells(
            "nothing was left out\n\
         indexed 3 documents, 3 chunks in `index`, generation 1: 3 embedded, 0 reused ([SECONDS] s)\n",
        );
    for (question, path) in [("apples", "docs/a.md"), ("bananas", "more/b.md"), ("cherries", "c.md")] {
        assert_eq!(env.found(question)[0], path);
    }
    // Without paths: what was indexed before, wherever one stands.
    env.command(&["index", "--index", "../index"]).in_folder(&env.path("home")).run().succeeds().tells(
        "nothing was left out\n\
         up to date: 3 documents, 3 chunks in `../index`, generation 1 ([SECONDS] s)\n",
    );
    // With other paths: those, and it is said what is not in it any more.
    env.docent(&["index", "c.md"]).succeeds().prints("").tells(
        "this index held `[ROOT]/one/docs`, `[ROOT]/two/more`, `[ROOT]/c.md`; it now holds what you named, and only that\n\
         nothing was left out\n\
         indexed 1 document, 1 chunk in `index`, generation 2: 0 embedded, 1 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.found("apples"), ["c.md"]);
}

#[test]
fn the_same_folder_twice_is_one() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs", "./docs/", "--model", "hashing"]).succeeds().prints("").tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 1: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.found("rotate a key")[0], "keys.md");
}

#[test]
fn a_folder_wanted_in_two_ways_is_two_sources() {
    let env = TestEnv::new(&[("docs/a/x.md", "# X\n\nApples.\n"), ("docs/b/y.md", "# Y\n\nPears.\n")]);
    let source = |name: &str, left_out: &str| {
        format!(
            "[[source]]\ntype = \"directory\"\npath = \"docs\"\nname = \"{name}\"\nexclude = [\"{left_out}/**\"]\n\n"
        )
    };
    env.write("docent.toml", source("first", "b") + &source("second", "a"));
    env.docent(&["index", "--model", "hashing", "-q"]).succeeds();
    assert_eq!(
        env.found("apples pears").into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(["first/a/x.md".to_owned(), "second/b/y.md".to_owned()])
    );
}

#[test]
fn a_source_of_one_file_has_the_name_that_it_is_given() {
    let env = TestEnv::new(PAGES);
    let source = |path: &str, name: &str| {
        format!("[[source]]\ntype = \"directory\"\npath = \"{path}\"\nname = \"{name}\"\n\n")
    };
    env.write("docent.toml", source("docs", "all") + &source("docs/keys.md", "one"));
    env.docent(&["index", "--model", "hashing", "-q"]).succeeds();
    assert!(env.found("rotate a key").contains(&"one/keys.md".to_owned()));
    env.write("docent.toml", source("docs", ".."));
    let outcome = env.docent(&["index"]).ends_with_status(2);
    assert!(outcome.stderr.contains("`name` has to be a name, not `..`"), "{}", outcome.stderr);
}

#[test]
fn an_index_below_the_documents_is_no_document() {
    let env = TestEnv::new(PAGES);
    let index = || env.command(&["index", ".", "--model", "hashing"]).in_folder(&env.path("docs")).run();
    index().succeeds().tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 1: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    index().succeeds().tells(
        "nothing was left out\n\
         up to date: 2 documents, 2 chunks in `index`, generation 1 ([SECONDS] s)\n",
    );
}

#[test]
fn ignore_files_are_honoured_below_what_was_named() {
    let env = TestEnv::new(&[
        (".docentignore", "docs\n"),
        ("docs/.docentignore", "drafts/\n*.tmp.md\n!keep.tmp.md\n"),
        ("docs/.gitignore", "built.md\n"),
        ("docs/a.md", "# A\n\nText.\n"),
        ("docs/b.tmp.md", "# B\n\nText.\n"),
        ("docs/keep.tmp.md", "# Keep\n\nText.\n"),
        ("docs/built.md", "# Built\n\nText.\n"),
        ("docs/drafts/c.md", "# C\n\nText.\n"),
        ("docs/sub/.ignore", "d.md\n"),
        ("docs/sub/d.md", "# D\n\nText.\n"),
        ("docs/sub/e.md", "# E\n\nText.\n"),
        ("docs/node_modules/f.md", "# F\n\nText.\n"),
    ]);
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    let mut found = env.found("text");
    found.sort();
    assert_eq!(found, ["a.md", "keep.tmp.md", "sub/e.md"]);
}

#[test]
fn names_of_all_kinds() {
    let env = TestEnv::indexed(&[
        ("docs/mit Leerzeichen & ümläut.md", "# Straße\n\nEine Straße.\n"),
        ("docs/日本語/説明.md", "# 説明\n\nこれは説明です。\n"),
        ("docs/-n.md", "# Dash\n\nDash.\n"),
        ("docs/README", "Readme without an extension.\n"),
        ("docs/UPPER.MD", "# Upper\n\nUpper.\n"),
    ]);
    let mut found = env.found("straße");
    assert_eq!(found[0], "mit Leerzeichen & ümläut.md");
    found.sort();
    assert_eq!(found, ["-n.md", "README", "UPPER.MD", "mit Leerzeichen & ümläut.md", "日本語/説明.md"]);
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_not_text_stay_different() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let env = TestEnv::new(PAGES);
    for name in [&b"caf\xE9.md"[..], b"caf\xE8.md"] {
        fs::write(env.path("docs").join(OsStr::from_bytes(name)), "# Coffee\n\nCoffee.\n").unwrap();
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds().tells("");
    let mut found = env.found("coffee");
    found.sort();
    assert_eq!(found, [r"caf\xE8.md", r"caf\xE9.md", "guides/webhooks.mdx", "keys.md"]);
    // Which file that was is not known from its name.
    assert!(!env.docent(&["ask", "coffee"]).succeeds().stdout.contains("changed since"));
}

#[test]
fn readers_are_answered_while_generations_change() {
    let env = TestEnv::indexed(PAGES);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..15 {
                env.write("docs/news.md", format!("# News\n\nNumber {round}.\n"));
                env.docent(&["index", "-q"]).succeeds().tells("");
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let answer = env.json(&["ask", "rotate a key", "--json"]);
            let generation = answer["generation"].as_u64().unwrap();
            assert!(generation >= last, "{generation} after {last}");
            last = generation;
        }
    });
    assert_eq!(env.json(&["status", "--json"])["generation"], 16);
}

#[test]
fn another_model_builds_the_index_anew_and_stays() {
    let env = TestEnv::indexed(PAGES);
    env.edit_manifest(|manifest| manifest["model"]["name"] = "bge-small-en-v1.5".into());
    env.docent(&["index", "--model", "hashing"]).succeeds().prints("").tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 2: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.json(&["status", "--json"])["model"]["name"], "hashing");
}

#[test]
fn what_a_crash_left_is_cleared() {
    let env = TestEnv::indexed(PAGES);
    env.write("index/gen-000009/vectors.bin", "half");
    env.write("index/.tmp-manifest", "half");
    env.write("index/writer.lock", "4194304 1");
    env.docent(&["ask", "key"]).succeeds().tells("");
    env.write("docs/new.md", "# New\n\nA new page.\n");
    env.docent(&["index"]).succeeds().tells(
        "nothing was left out\n\
         indexed 3 documents, 3 chunks in `index`, generation 10: 1 embedded, 2 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.names("index"), ["gen-000010", "manifest.json", "writer.lock"]);
}

#[test]
fn what_a_crash_after_the_last_step_left_is_cleared_without_a_new_generation() {
    let env = TestEnv::indexed(PAGES);
    env.write("index/gen-000000/vectors.bin", "old");
    env.docent(&["index"]).succeeds().tells(
        "nothing was left out\n\
         up to date: 2 documents, 2 chunks in `index`, generation 1 ([SECONDS] s)\n",
    );
    assert_eq!(env.names("index"), ["gen-000001", "manifest.json", "writer.lock"]);
}

#[test]
fn the_index_may_be_moved() {
    let env = TestEnv::indexed(PAGES);
    fs::rename(env.path("index"), env.path("elsewhere")).unwrap();
    let asked =
        env.command(&["ask", "rotate a key", "--limit", "1"]).variable("DOCENT_INDEX", "elsewhere").run();
    asked
        .succeeds()
        .tells("")
        .prints("1. keys.md:3-3  (score [SCORE])\n   Keys\n\n   Rotate an API key every ninety days.\n\nconfidence [CONFIDENCE]\n");
    // The flag wins over the variable, and an empty variable is none.
    env.command(&["status", "--index", "elsewhere"]).variable("DOCENT_INDEX", "nowhere").run().succeeds();
    env.command(&["status"]).variable("DOCENT_INDEX", "").run().fails_with(
        "error: no index in `index`\n\n\
         hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
    );
}

#[test]
fn status_for_people_and_for_scripts() {
    let env = TestEnv::new(PAGES);
    env.write("docs/logo.png", "x");
    env.write("docs/empty.md", "");
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    let status = env.json(&["status", "--json"]);
    let when = status["indexed_at"].as_str().unwrap();
    assert!(when.len() == 20 && when.starts_with("20") && when.ends_with('Z'), "{when}");
    env.docent(&["status"]).succeeds().tells("").prints(&format!(
        "index      index\n\
         generation 1 (format {})\n\
         indexed    {when}\n\
         sources    [ROOT]/docs\n\
         documents  2\n\
         chunks     2\n\
         model      hashing (hashing-v1)\n\
         graph      none: each question is compared with every chunk\n\
         left out   1 empty, 1 unsupported\n",
        status["format"]
    ));
    assert_eq!(status["schema"], 1);
    assert_eq!(status["generation"], 1);
    assert_eq!(status["index"], "index");
    assert_eq!(status["roots"], json!(["[ROOT]/docs"]));
    assert_eq!((&status["counts"]["documents"], &status["counts"]["chunks"]), (&json!(2), &json!(2)));
    assert_eq!(status["model"]["name"], "hashing");
    assert_eq!(status["skipped"]["by_reason"], json!({ "empty": 1, "unsupported": 1 }));
    let example = json!({ "path": "logo.png", "reason": { "kind": "unsupported", "extension": "png" } });
    assert!(status["skipped"]["examples"].as_array().unwrap().contains(&example), "{status}");
    assert_eq!(status["checksums"].as_object().unwrap().len(), env.names("index/gen-000001").len());
}
