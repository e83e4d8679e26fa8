//! Indexes that are not there, not whole, not ours, or cannot be written.

use std::fs;

use docent::index::{FORMAT_VERSION, OLDEST_READABLE, WriterLock};
use serde_json::Value;

use crate::testenv::{PAGES, TestEnv};

const READERS: [&[&str]; 3] = [&["ask", "key"], &["status"], &["status", "--json"]];

#[test]
fn no_index_yet() {
    let env = TestEnv::new(PAGES);
    for arguments in READERS {
        env.docent(arguments).fails_with(
            "error: no index in `index`\n\n\
             hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
        );
    }
    env.docent(&["index"]).fails_with(
        "error: nothing to index: no PATH is given, and `index` holds no index to bring up to date\n\n\
         hint: name a folder of documents: `docent index docs/`\n",
    );
    assert!(!env.path("index").exists());
}

#[test]
fn serve_starts_without_an_index_and_tells_the_client_what_to_do() {
    let env = TestEnv::new(PAGES);
    let call = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"search","arguments":{"query":"key"}}}"#,
        "\n"
    );
    let outcome = env.command(&["serve"]).input(call).run().succeeds().tells("");
    let answers: Vec<Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let result = &answers.iter().find(|answer| answer["id"] == 2).unwrap()["result"];
    assert_eq!(result["isError"], true, "{result}");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("no index in `index`") && text.contains("docent index PATH"), "{text}");
}

#[test]
fn an_index_made_by_another_model() {
    let env = TestEnv::indexed(PAGES);
    // That the other model is not installed does not matter, and pulling it would not help.
    env.docent(&["ask", "key", "--model", "bge-small-en-v1.5"]).fails_with(
        "error: the index in `index` was made by the model hashing (hashing-v1), not by bge-small-en-v1.5\n\n\
         hint: leave --model out to use the index's own model, or build the index anew: `docent index --model NAME`\n",
    );
}

#[test]
fn an_index_of_another_version_of_the_model() {
    let env = TestEnv::indexed(PAGES);
    env.edit_manifest(|manifest| manifest["model"]["sha256"] = "hashing-v0".into());
    env.docent(&["ask", "key"]).fails_with(
        "error: the index in `index` was made by the model hashing (hashing-v0), not by hashing (hashing-v1)\n\n\
         hint: leave --model out to use the index's own model, or build the index anew: `docent index --model NAME`\n",
    );
    env.docent(&["index"]).succeeds().tells(
        "nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 2: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.found("rotate a key")[0], "keys.md");
}

#[test]
fn a_file_where_the_index_should_be() {
    let env = TestEnv::new(PAGES);
    env.write("index", "a file");
    env.docent(&["index", "docs", "--model", "hashing"]).fails_with(
        "error: `index` cannot be written: Not a directory (os error 20)\n\n\
         hint: a file is where the index folder should be: name another folder with --index DIR\n",
    );
    env.docent(&["index", "docs", "--model", "hashing", "--index", "index/below"]).fails_with(
        "error: `index/below` cannot be written: Not a directory (os error 20)\n\n\
         hint: a file is where the index folder should be: name another folder with --index DIR\n",
    );
    env.docent(&["ask", "key"]).fails_with(
        "error: `index/manifest.json` cannot be read: Not a directory (os error 20)\n\n\
         hint: name the folder of an index with --index DIR or DOCENT_INDEX\n",
    );
    assert_eq!(fs::read_to_string(env.path("index")).unwrap(), "a file");
}

#[test]
fn a_folder_that_holds_something_else() {
    let env = TestEnv::new(PAGES);
    env.write("thesis/thesis.doc", "years of work");
    env.docent(&["index", "docs", "--model", "hashing", "--index", "thesis"]).fails_with(
        "error: `thesis` is not empty and holds no docent index\n\n\
         hint: name an empty or new folder with --index DIR\n",
    );
    assert_eq!(env.names("thesis"), ["thesis.doc"]);
    env.docent(&["ask", "key", "--index", "thesis"]).fails_with(
        "error: no index in `thesis`\n\n\
         hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
    );
}

#[test]
fn two_writers_at_once() {
    let env = TestEnv::indexed(PAGES);
    env.write("docs/new.md", "# New\n\nA page.\n");
    let lock = WriterLock::acquire(&env.path("index")).unwrap();
    let outcome = env.docent(&["index"]).ends_with_status(2).prints("");
    let seconds = outcome.stderr.split("for ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(seconds.parse::<u64>().unwrap() < 600, "{}", outcome.stderr);
    let message = format!(
        "error: another docent is writing to `index` (process {}, for {seconds} seconds)\n\n\
         hint: wait for it to end, or write to another folder with --index DIR\n",
        std::process::id()
    );
    // Readers need no lock.
    let outcome = outcome.tells(&message);
    assert!(!outcome.stderr.contains("generation"));
    assert_eq!(env.found("rotate a key")[0], "keys.md");
    drop(lock);
    env.docent(&["index"]).succeeds();
    assert!(env.found("new page").contains(&"new.md".to_owned()));
}

#[test]
fn a_damaged_manifest() {
    let whole = TestEnv::indexed(PAGES);
    let whole = fs::read_to_string(whole.path("index/manifest.json")).unwrap();
    for (content, reason) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"format\":1}", "missing field `generation` at line 1 column 12"),
        ("rubbish", "expected value at line 1 column 1"),
        (&whole[..20], "EOF while parsing a string at line 3 column 3"),
    ] {
        let env = TestEnv::indexed(PAGES);
        env.write("index/manifest.json", content);
        let message = format!(
            "error: `index/manifest.json` is damaged: {reason}\n\n\
             hint: build it anew: `docent index PATH`\n"
        );
        for arguments in READERS {
            env.docent(arguments).fails_with(&message);
        }
        // What it was made of is not known any more.
        env.docent(&["index"]).fails_with(&message);
        env.docent(&["index", "docs", "--model", "hashing"]).succeeds().prints("").tells(&format!(
            "the index that is there cannot be reused: `index/manifest.json` is damaged: {reason}\n\
             nothing was left out\n\
             indexed 2 documents, 2 chunks in `index`, generation 2: 2 embedded, 0 reused ([SECONDS] s)\n"
        ));
        assert_eq!(env.found("rotate a key")[0], "keys.md");
    }
}

#[test]
fn an_index_of_a_newer_docent() {
    let env = TestEnv::indexed(PAGES);
    env.edit_manifest(|manifest| {
        *manifest = serde_json::json!({ "format": 99, "something": "that this docent never heard of" });
    });
    for arguments in READERS {
        env.docent(arguments).fails_with(&format!(
            "error: the index in `index` has format 99; this docent reads {OLDEST_READABLE} to {FORMAT_VERSION}\n\n\
             hint: use the docent that wrote it, or build it anew: `docent index PATH`\n"
        ));
    }
}

#[test]
#[cfg(unix)]
fn an_index_of_a_newer_docent_stays_where_a_build_fails() {
    let env = TestEnv::indexed(PAGES);
    let whole = fs::read_to_string(env.path("index/manifest.json")).unwrap();
    env.edit_manifest(|manifest| manifest["format"] = 99.into());
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    env.command(&["index", "docs", "--model", "hashing"])
        .through(limited)
        .run()
        .ends_with_status(2)
        .prints("");
    env.write("index/manifest.json", whole);
    assert_eq!(env.found("rotate a key")[0], "keys.md");
}

#[test]
fn a_damaged_file_of_the_index() {
    let env = TestEnv::indexed(PAGES);
    let files = env.names("index/gen-000001");
    assert!(files.contains(&"vectors.bin".to_owned()), "{files:?}");
    for file in files {
        let name = format!("index/gen-000001/{file}");
        let whole = fs::read(env.path(&name)).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 4;
        let other = if file == "vectors.bin" { "chunks.bin" } else { "vectors.bin" };
        let other = fs::read(env.path("index/gen-000001").join(other)).unwrap();
        for (content, reason) in [
            (&whole[..whole.len() - 1], format!("{} bytes instead of {}", whole.len() - 1, whole.len())),
            (&whole[..10], "it is not a docent index file".to_owned()),
            (&[], "it is not a docent index file".to_owned()),
            (&flipped, "its checksum does not match its content".to_owned()),
            (&other, "it is another file of the index under this name".to_owned()),
        ] {
            fs::write(env.path(&name), content).unwrap();
            for arguments in READERS {
                env.docent(arguments).fails_with(&format!(
                    "error: `{name}` is damaged: {reason}\n\nhint: build it anew: `docent index PATH`\n"
                ));
            }
        }
        fs::remove_file(env.path(&name)).unwrap();
        env.docent(&["ask", "key"]).fails_with(&format!(
            "error: `{name}` cannot be read: No such file or directory (os error 2)\n\n\
             hint: build it anew: `docent index PATH`\n"
        ));
        fs::write(env.path(&name), &whole).unwrap();
    }
    env.docent(&["ask", "key"]).succeeds();
}

#[test]
fn a_damaged_index_is_built_anew_without_a_path() {
    let env = TestEnv::indexed(PAGES);
    env.write("index/gen-000001/vectors.bin", "rubbish");
    env.docent(&["index"]).succeeds().prints("").tells(
        "the index that is there cannot be reused: `index/gen-000001/vectors.bin` is damaged: it is not a docent index file\n\
         nothing was left out\n\
         indexed 2 documents, 2 chunks in `index`, generation 2: 2 embedded, 0 reused ([SECONDS] s)\n",
    );
    assert_eq!(env.names("index"), ["gen-000002", "manifest.json", "writer.lock"]);
    assert_eq!(env.found("rotate a key")[0], "keys.md");
}

#[cfg(unix)]
mod disk {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// Nothing that is half-written stays.
    const INDEXED: [&str; 3] = ["gen-000001", "manifest.json", "writer.lock"];

    fn add_much_text(env: &TestEnv) {
        for page in 0..200 {
            let words: Vec<String> = (0..200).map(|word| format!("word{}", page * word)).collect();
            env.write(&format!("docs/page-{page}.md"), format!("# Page {page}\n\n{}\n", words.join(" ")));
        }
    }

    #[test]
    fn a_file_that_may_not_grow_as_on_a_full_disk() {
        let env = TestEnv::indexed(PAGES);
        add_much_text(&env);
        // 100 blocks of 1 kB. Without the signal, writing beyond fails as on a full disk.
        let limited = "trap '' XFSZ; ulimit -f 100; exec \"$@\"";
        let outcome = env.command(&["index"]).through(limited).run().ends_with_status(2).prints("");
        // Texts that wait to be embedded are more than that.
        outcome.tells(
            "error: `index` cannot be written: File too large (os error 27)\n\n\
             hint: check permissions and free space, or put the index elsewhere with --index DIR; the index that was there is untouched\n",
        );
        assert_eq!(env.names("index"), INDEXED, "nothing half-written stays");
        assert_eq!(env.found("rotate a key"), ["keys.md", "guides/webhooks.mdx"]);
        env.docent(&["index"]).succeeds();
        assert!(env.found("page 7").contains(&"page-7.md".to_owned()));
    }

    #[test]
    fn a_full_disk() {
        let env = TestEnv::new(PAGES);
        let Some(disk) = SmallDisk::mount(env.path("disk")) else { return };
        let index = |arguments: &[&str]| env.command(arguments).variable("DOCENT_INDEX", "disk/index").run();
        index(&["index", "docs", "--model", "hashing"]).succeeds();
        add_much_text(&env);
        index(&["index"]).ends_with_status(2).prints("").tells(
            "error: `disk/index` cannot be written: No space left on device (os error 28)\n\n\
             hint: make room on the disk, or put the index elsewhere with --index DIR; the index that was there is untouched\n",
        );
        assert_eq!(env.names("disk/index"), INDEXED, "nothing half-written stays");
        index(&["ask", "rotate a key"]).succeeds().tells("");
        // Not one byte is left: not even the lock's few.
        disk.fill();
        let outcome = index(&["index"]).ends_with_status(2).prints("");
        assert!(outcome.stderr.contains("No space left on device"), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("hint: make room on the disk"), "{}", outcome.stderr);
        index(&["ask", "rotate a key"]).succeeds().tells("");
    }

    #[test]
    fn an_index_that_may_be_read_and_not_written() {
        let env = TestEnv::indexed(PAGES);
        let asked = env.docent(&["ask", "rotate a key"]).succeeds().stdout;
        env.write("docs/new.md", "# New\n");
        fs::set_permissions(env.path("index/writer.lock"), fs::Permissions::from_mode(0o444)).unwrap();
        fs::set_permissions(env.path("index"), fs::Permissions::from_mode(0o555)).unwrap();
        env.command(&["index"]).by_a_plain_user().run().fails_with(
            "error: `index/writer.lock` cannot be locked: Permission denied (os error 13)\n\n\
             hint: check the permissions of the index folder\n",
        );
        env.command(&["ask", "rotate a key"]).by_a_plain_user().run().succeeds().prints(&asked).tells("");
        env.command(&["status"]).by_a_plain_user().run().succeeds().tells("");
        fs::set_permissions(env.path("index"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn an_index_that_may_not_even_be_read() {
        let env = TestEnv::indexed(PAGES);
        fs::set_permissions(env.path("index/manifest.json"), fs::Permissions::from_mode(0o000)).unwrap();
        for arguments in READERS {
            env.command(arguments).by_a_plain_user().run().fails_with(
                "error: `index/manifest.json` cannot be read: Permission denied (os error 13)\n\n\
                 hint: check the permissions of the index folder\n",
            );
        }
    }

    #[test]
    fn a_place_where_no_folder_can_be_made() {
        let env = TestEnv::new(PAGES);
        fs::create_dir(env.path("closed")).unwrap();
        fs::set_permissions(env.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
        env.command(&["index", "docs", "--model", "hashing", "--index", "closed/index"])
            .by_a_plain_user()
            .run()
            .fails_with(
                "error: `closed/index` cannot be written: Permission denied (os error 13)\n\n\
                 hint: check permissions and free space, or put the index elsewhere with --index DIR; the index that was there is untouched\n",
            );
    }

    /// A disk of 300 kB in memory, until it is dropped. Only root may have one.
    struct SmallDisk {
        path: PathBuf,
    }

    impl SmallDisk {
        fn mount(path: PathBuf) -> Option<Self> {
            fs::create_dir(&path).unwrap();
            let mounted =
                Command::new("mount").args(["-t", "tmpfs", "-o", "size=300k", "none"]).arg(&path).output();
            if mounted.is_ok_and(|output| output.status.success()) {
                return Some(Self { path });
            }
            eprintln!("SKIPPED: no small disk can be mounted here; the limited file size stands for it");
            None
        }

        fn fill(&self) {
            // It ends with an error when the disk is full, and leaves there what went in.
            fs::write(self.path.join("filler"), vec![0; 400 << 10]).unwrap_err();
        }
    }

    impl Drop for SmallDisk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(&self.path).status();
        }
    }
}
