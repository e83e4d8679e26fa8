//! What cannot be indexed, and what is left out of an index.

use std::fs;

use crate::testenv::{PAGES, TestEnv};

#[test]
fn a_path_that_does_not_exist() {
    let env = TestEnv::new(PAGES);
    env.docent(&["index", "docs", "dosc", "--model", "hashing"]).fails_with(
        "error: `dosc` does not exist\n\n\
         hint: check the spelling, or give a folder of documents: `docent index docs/`\n",
    );
    assert!(!env.path("index").exists(), "nothing is made for nothing");
}

#[test]
fn a_path_that_does_not_exist_is_noticed_before_anything_is_fetched() {
    let env = TestEnv::new(&[]);
    for arguments in [&["quickstart", "docs"][..], &["index", "docs"]] {
        env.docent(arguments).fails_with(
            "error: `docs` does not exist\n\n\
             hint: check the spelling, or give a folder of documents: `docent index docs/`\n",
        );
    }
    env.docent(&["quickstart"]).fails_with(
        "error: docent's manual is not here: there is no `docs` in the working folder\n\n\
         hint: name a folder of your documents: `docent quickstart PATH`\n",
    );
    assert!(!env.path("models").exists());
}

#[test]
fn an_empty_folder() {
    let env = TestEnv::new(&[]);
    fs::create_dir(env.path("empty")).unwrap();
    env.docent(&["index", "empty", "--model", "hashing"]).fails_with(
        "error: no documents under `empty`\n\n\
         hint: docent reads Markdown, MDX, HTML, reStructuredText, text, notebooks, Word, PDF, JSON and code\n",
    );
}

#[test]
fn a_folder_without_documents_names_what_is_in_it() {
    let env = TestEnv::new(&[("docs/b.png", "x"), ("docs/a.md", " \n"), ("docs/c.md", "a\0b")]);
    env.docent(&["index", "docs", "--model", "hashing"]).fails_with(
        "error: no documents under `docs`; left out:\n  \
           a.md: empty\n  \
           b.png: no parser for `.png` files\n  \
           c.md: binary, not text\n\n\
         hint: docent reads Markdown, MDX, HTML, reStructuredText, text, notebooks, Word, PDF, JSON and code\n",
    );
    env.docent(&["index", "docs/b.png", "--model", "hashing"]).fails_with(
        "error: no documents under `docs/b.png`; left out:\n  \
           b.png: no parser for `.png` files\n\n\
         hint: docent reads Markdown, MDX, HTML, reStructuredText, text, notebooks, Word, PDF, JSON and code\n",
    );
}

#[test]
fn an_emptied_folder_leaves_the_index_as_it_was() {
    let env = TestEnv::indexed(PAGES);
    fs::remove_dir_all(env.path("docs")).unwrap();
    env.docent(&["index"]).fails_with(
        "error: `[ROOT]/docs`, which was indexed before, is gone\n\n\
         hint: bring it back, or drop it and its documents with `docent index --prune`; to index something else, name it\n",
    );
    fs::create_dir(env.path("docs")).unwrap();
    env.docent(&["index"]).fails_with(
        "error: no documents under `[ROOT]/docs`\n\n\
         hint: docent reads Markdown, MDX, HTML, reStructuredText, text, notebooks, Word, PDF, JSON and code\n",
    );
    assert_eq!(env.found("rotate a key")[0], "keys.md");
}

#[test]
fn two_documents_of_the_same_name() {
    let env = TestEnv::new(&[("one/docs/a.md", "# A\n\nOne."), ("two/docs/a.md", "# A\n\nTwo.")]);
    env.docent(&["index", "one/docs", "two/docs", "--model", "hashing"]).fails_with(
        "error: `docs/a.md` is both in `one/docs` and in `two/docs`\n\n\
         hint: index their common parent folder, so that each document has its own path\n",
    );
}

#[cfg(unix)]
mod left_out {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    const LEFT_OUT: &str = "\
left out 14 files:
  .env: looks like a secret (keys and `.env` files are never indexed)
  binary.md: binary, not text
  closed: cannot be read: Permission denied (os error 13)
  dangling.md: symbolic link leads nowhere
  empty.md: empty
  huge.md: 209715200 bytes is over the limit of 16777216 bytes (--max-file-size)
  latin-1.md: not UTF-8 text (first bad byte at 3)
  locked.md: cannot be read: Permission denied (os error 13)
  loop: symbolic link leads back to a folder above it
  outside.md: symbolic link leads out of the indexed folder
  and 2 more (see `docent status --json`)
  2 of kinds that docent does not read, such as `logo.png`
";

    /// A folder with one good page and one of each kind of file that is left out.
    fn env() -> TestEnv {
        let env = TestEnv::new(PAGES);
        env.write("docs/.env", "TOKEN=1");
        env.write("docs/binary.md", "# A\0B");
        env.write("docs/empty.md", "\n");
        env.write("docs/latin-1.md", b"caf\xE9");
        env.write("docs/locked.md", "# Locked");
        env.write("docs/logo.png", "x");
        env.write("docs/logo.svg", "x");
        env.write("docs/private.key", "x");
        env.write("docs/closed/a.md", "# Closed");
        env.write("secret.md", "# Elsewhere");
        fs::File::create(env.path("docs/huge.md")).unwrap().set_len(200 << 20).unwrap();
        symlink("nowhere.md", env.path("docs/dangling.md")).unwrap();
        symlink(".", env.path("docs/loop")).unwrap();
        symlink("../secret.md", env.path("docs/outside.md")).unwrap();
        UnixListener::bind(env.path("docs/socket.md")).unwrap();
        fs::set_permissions(env.path("docs/locked.md"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(env.path("docs/closed"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::create_dir(env.path("index")).unwrap();
        fs::set_permissions(env.path("index"), fs::Permissions::from_mode(0o777)).unwrap();
        env
    }

    #[test]
    fn files_are_left_out_counted_and_named_with_the_reason() {
        let env = env();
        let index = || env.command(&["index", "docs", "--model", "hashing"]).by_a_plain_user().run();
        let built = format!(
            "{LEFT_OUT}indexed 2 documents, 2 chunks in `index`, generation 1: 2 embedded, 0 reused ([SECONDS] s)\n"
        );
        index().succeeds().prints("").tells(&built);
        // The second run says it again: they are still missing.
        let unchanged =
            format!("{LEFT_OUT}up to date: 2 documents, 2 chunks in `index`, generation 1 ([SECONDS] s)\n");
        index().succeeds().prints("").tells(&unchanged);

        let skipped = env.json(&["status", "--json"])["skipped"].clone();
        let expected = serde_json::json!({
            "binary": 1, "empty": 1, "not_utf8": 1, "secret": 2, "symlink": 3, "too_large": 1, "unreadable": 3,
            "unsupported": 2
        });
        assert_eq!(skipped["by_reason"], expected);
        let named: Vec<&str> = skipped["examples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|skip| skip["path"].as_str().unwrap())
            .collect();
        assert!(named.contains(&"socket.md") && named.contains(&"private.key"), "{named:?}");
        // So that the folder can be removed by those who are not root.
        fs::set_permissions(env.path("docs/closed"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_folder_that_may_not_be_listed() {
        let env = TestEnv::new(PAGES);
        fs::set_permissions(env.path("docs"), fs::Permissions::from_mode(0o000)).unwrap();
        env.command(&["index", "docs", "--model", "hashing", "--index", "../elsewhere"])
            .by_a_plain_user()
            .run()
            .fails_with(
                "error: `docs` cannot be read: Permission denied (os error 13)\n\n\
                 hint: check the permissions of the folder and those above it\n",
            );
        fs::set_permissions(env.path("docs"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_limit_on_size_can_be_raised() {
        let env =
            TestEnv::new(&[("docs/a.md", "# A\n\nTwelve."), ("docs/b.md", "# B\n\nSome more than that.")]);
        env.docent(&["index", "docs", "--model", "hashing", "--max-file-size", "12"])
            .succeeds()
            .prints("")
            .tells(
                "left out 1 file:\n  \
               b.md: 25 bytes is over the limit of 12 bytes (--max-file-size)\n\
             indexed 1 document, 1 chunk in `index`, generation 1: 1 embedded, 0 reused ([SECONDS] s)\n",
            );
        env.docent(&["index", "--max-file-size", "100"]).succeeds().prints("").tells(
            "nothing was left out\n\
             indexed 2 documents, 2 chunks in `index`, generation 2: 1 embedded, 1 reused ([SECONDS] s)\n",
        );
    }
}

#[test]
fn another_collection_s_folder_that_is_gone_is_told_as_such() {
    let env = TestEnv::new(PAGES);
    env.write("more/pianos.md", "# Pianos\n\nA piano has 88 keys.\n");
    env.docent(&["index", "--collection", "things", "more", "--model", "hashing", "-q"]).succeeds();
    fs::remove_dir_all(env.path("more")).unwrap();
    let outcome = env.docent(&["index", "--collection", "pages", "docs"]).ends_with_status(2);
    assert!(
        outcome.stderr.contains("more`, which was indexed before in the collection `things`, is gone"),
        "{}",
        outcome.stderr
    );
}

#[test]
#[cfg(unix)]
fn a_link_to_a_folder_elsewhere_is_one_thing_left_out() {
    let env = TestEnv::new(PAGES);
    for number in 0..20 {
        env.write(&format!("elsewhere/deep/{number}.md"), "# Elsewhere\n\nNot named.\n");
    }
    std::os::unix::fs::symlink(env.path("elsewhere"), env.path("docs/out")).unwrap();
    let declared = "[[source]]\ntype = \"directory\"\npath = \"docs\"\ninclude = [\"**/*.md\"]\n";
    env.write("docent.toml", declared);
    env.docent(&["index", "--model", "hashing", "-q"]).succeeds();
    let skipped = env.json(&["status", "--json"])["skipped"].take();
    assert_eq!(
        skipped,
        serde_json::json!({
            "by_reason": {"symlink": 1},
            "examples": [{"path": "out", "reason": {"kind": "symlink", "message": "leads out of the indexed folder"}}]
        })
    );
}

#[test]
fn a_file_that_is_too_large_and_grows_is_no_change() {
    let env = TestEnv::new(PAGES);
    let index = || env.docent(&["index", "docs", "--model", "hashing", "--max-file-size", "1000"]).succeeds();
    env.write("docs/log.txt", "a word ".repeat(200));
    index();
    env.write("docs/log.txt", "a word ".repeat(300));
    assert!(index().stderr.contains("generation 1"), "nothing is written anew");
}
