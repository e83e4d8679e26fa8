//! `docent index --dry-run`: what would change, and nothing is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

/// Every file below a folder with its bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files.extend(content(&entry.path()));
        } else {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    files
}

fn plan(env: &TestEnv, arguments: &[&str]) -> Value {
    env.json(&[&["index", "--dry-run", "--json", "-q"], arguments].concat())
}

#[test]
fn a_first_run_would_add_all_and_leaves_no_trace() {
    let env = TestEnv::new(PAGES);
    env.write("docs/.env", "SECRET=1\n");
    env.write("docs/empty.md", " \n");
    let found = plan(&env, &["docs", "--model", "hashing"]);
    let expected = json!({
        "schema": 1, "index": "index", "changes": true, "all_anew": "no_index",
        "added": ["guides/webhooks.mdx", "keys.md"],
        "changed": [], "renamed": [], "removed": [], "unchanged": 0,
        "skipped": [
            {"path": ".env", "reason": {"kind": "secret"}},
            {"path": "empty.md", "reason": {"kind": "empty"}},
        ],
    });
    assert_eq!(found, expected);
    assert!(!env.path("index").exists());
    env.docent(&["index", "docs", "--model", "hashing", "--dry-run"]).succeeds().tells("").prints(
        "there is no index yet\nadd       guides/webhooks.mdx\nadd       keys.md\nleave out .env: looks like a secret (keys and `.env` files are never indexed)\nleave out empty.md: empty\nunchanged: 0\n",
    );
}

#[test]
fn what_would_change_is_what_the_next_build_changes() {
    let env = TestEnv::indexed(PAGES);
    env.write("docs/stays.md", "# Stays\n\nAs it is.\n");
    env.write("docs/goes.md", "# Goes\n\nAway.\n");
    env.docent(&["index", "-q"]).succeeds();
    assert_eq!(plan(&env, &[])["changes"], false);
    let before = content(&env.path("index"));

    env.write("docs/keys.md", "# Keys\n\nRotate an API key every thirty days.\n");
    fs::rename(env.path("docs/guides/webhooks.mdx"), env.path("docs/hooks.mdx")).unwrap();
    fs::remove_file(env.path("docs/goes.md")).unwrap();
    env.write("docs/new.md", "# New\n\nPage.\n");
    let found = plan(&env, &[]);
    let expected = json!({
        "schema": 1, "index": "index", "changes": true, "all_anew": null,
        "added": ["new.md"], "changed": ["keys.md"],
        "renamed": [{"from": "guides/webhooks.mdx", "to": "hooks.mdx"}],
        "removed": ["goes.md"], "unchanged": 1, "skipped": [],
    });
    assert_eq!(found, expected);
    assert_eq!(content(&env.path("index")), before);
    env.docent(&["index", "--dry-run"]).succeeds().prints(
        "add       new.md\nchange    keys.md\nrename    guides/webhooks.mdx -> hooks.mdx\nremove    goes.md\nunchanged: 1\n",
    );

    env.docent(&["index", "-q"]).succeeds();
    let after = plan(&env, &[]);
    assert_eq!((&after["changes"], &after["unchanged"]), (&json!(false), &json!(4)));
}

#[test]
fn an_index_that_cannot_be_kept_says_why() {
    let env = TestEnv::indexed(PAGES);
    let other = plan(&env, &["docs", "--model", "bge-small-en-v1.5"]);
    assert_eq!((&other["all_anew"], &other["unchanged"]), (&json!("other_model"), &json!(2)));
    env.edit_manifest(|manifest| manifest["chunking"]["rules"] = json!(0));
    assert_eq!(plan(&env, &["docs", "--model", "hashing"])["all_anew"], "other_chunks");
    env.write("index/manifest.json", "{");
    assert_eq!(plan(&env, &["docs", "--model", "hashing"])["all_anew"], "unreadable_index");
    env.write("elsewhere/notes.txt", "mine");
    env.docent(&["index", "docs", "--dry-run", "--index", "elsewhere", "--model", "hashing"]).fails_with(
        "error: `elsewhere` is not empty and holds no docent index\n\nhint: name an empty or new folder with --index DIR\n",
    );
}
