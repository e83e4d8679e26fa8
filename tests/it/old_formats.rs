//! Indexes as docent wrote them, kept from each format: what is readable opens and answers, and
//! what is not says so.
//!
//! A new `FORMAT_VERSION` needs a new folder here: `DOCENT_UPDATE_GOLDEN=1 cargo test old_formats`
//! makes it from `tests/fixtures/pages`, and never touches the ones that are there.

use std::fs;
use std::path::{Path, PathBuf};

use docent::index::{FORMAT_VERSION, OLDEST_READABLE};
use serde_json::Value;

use crate::testenv::TestEnv;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn fixture(format: u32) -> PathBuf {
    fixtures().join(format!("index-format-{format}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Writes the fixture of the current format, from roots that exist nowhere.
fn make(folder: &Path) {
    let env = TestEnv::new(&[]);
    copy(&fixtures().join("pages"), &env.path("pages"));
    env.docent(&["index", "pages", "--model", "hashing", "--quiet"]).succeeds();
    // The root of the day is not part of what is kept.
    env.edit_manifest(|manifest| manifest["roots"] = serde_json::json!(["/srv/pages"]));
    fs::remove_file(env.path("index/writer.lock")).unwrap();
    copy(&env.path("index"), folder);
}

#[test]
fn the_index_of_each_readable_format_opens_and_answers() {
    let update = std::env::var("DOCENT_UPDATE_GOLDEN").is_ok_and(|value| value == "1");
    if update && !fixture(FORMAT_VERSION).exists() {
        make(&fixture(FORMAT_VERSION));
    }
    for format in OLDEST_READABLE..=FORMAT_VERSION {
        let kept = fixture(format);
        assert!(kept.is_dir(), "no index of format {format} is kept: see the head of this file");
        let env = TestEnv::new(&[]);
        copy(&kept, &env.path("index"));
        let status = env.json(&["status", "--json"]);
        assert_eq!((&status["format"], &status["counts"]["documents"]), (&format.into(), &3.into()));
        for (question, path, text) in [
            ("how often to rotate a key", "keys.md", "Rotate each key every ninety days."),
            ("ak_read_only", "keys.md", "`ak_read_only`"),
            ("retry of a failed delivery", "guides/webhooks.mdx", "retried for three days"),
            ("straße gesperrt", "straße.txt", "Die Straße ist gesperrt. Umleitung über die Brücke."),
        ] {
            let answer = env.json(&["ask", question, "--json"]);
            assert_eq!(answer["hits"][0]["path"], path, "format {format}, {question}: {answer}");
            let texts: Vec<&str> = hits(&answer).filter_map(|hit| hit["text"].as_str()).collect();
            assert!(texts.iter().any(|found| found.contains(text)), "format {format}, {question}: {texts:?}");
        }
        // It is brought up to date like any other, in the format of today.
        copy(&fixtures().join("pages"), &env.path("pages"));
        env.docent(&["index", "pages", "--quiet"]).succeeds();
        assert_eq!(env.json(&["status", "--json"])["format"], FORMAT_VERSION);
        assert_eq!(env.found("how often to rotate a key")[0], "keys.md");
    }
}

fn hits(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["hits"].as_array().into_iter().flatten()
}

#[test]
fn formats_older_than_the_oldest_readable_are_refused() {
    for format in 0..OLDEST_READABLE {
        let env = TestEnv::new(&[]);
        copy(&fixture(FORMAT_VERSION), &env.path("index"));
        env.edit_manifest(|manifest| {
            manifest["format"] = format.into();
            manifest["readable_from"] = format.into();
        });
        env.docent(&["ask", "key"]).fails_with(&format!(
            "error: the index in `index` has format {format}; this docent reads {OLDEST_READABLE} to {FORMAT_VERSION}\n\n\
             hint: build it anew: `docent index PATH`\n"
        ));
    }
}

/// A newer docent may say that its index can be read by this one.
#[test]
fn a_newer_format_opens_where_it_says_that_it_may() {
    let newer = FORMAT_VERSION + 1;
    let env = TestEnv::new(&[]);
    copy(&fixture(FORMAT_VERSION), &env.path("index"));
    let files = env.names("index/gen-000001");
    for name in &files {
        let path = env.path("index/gen-000001").join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[16..20].copy_from_slice(&newer.to_le_bytes());
        fs::write(path, bytes).unwrap();
    }
    let write_manifest = |readable_from: u32| {
        env.edit_manifest(|manifest| {
            manifest["format"] = newer.into();
            manifest["readable_from"] = readable_from.into();
            manifest["something_new"] = "that this docent never heard of".into();
        });
    };
    write_manifest(FORMAT_VERSION);
    assert_eq!(env.found("how often to rotate a key")[0], "keys.md");
    write_manifest(newer);
    env.docent(&["ask", "key"]).fails_with(&format!(
        "error: the index in `index` has format {newer}; this docent reads {OLDEST_READABLE} to {FORMAT_VERSION}\n\n\
         hint: use the docent that wrote it, or build it anew: `docent index PATH`\n"
    ));
}
