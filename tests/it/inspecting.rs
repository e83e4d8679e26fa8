//! `docent inspect`: how files are cut.

use std::fs;

use crate::testenv::{PAGES, TestEnv};

#[test]
fn what_is_shown_is_what_is_indexed() {
    let env = TestEnv::indexed(PAGES);
    let inspected = env.json(&["inspect", "docs", "--model", "hashing", "--json"]);
    assert_eq!(inspected["schema"], 1);
    let answer = env.json(&["ask", "a session lasts eight hours", "--json", "--limit", "100"]);
    let mut shown = 0;
    for document in inspected["documents"].as_array().unwrap() {
        let path = document["path"].as_str().unwrap();
        let source = fs::read(env.path("docs").join(path)).unwrap();
        for chunk in document["chunks"].as_array().unwrap() {
            let place = |name: &str| usize::try_from(chunk[name].as_u64().unwrap()).unwrap();
            let text = std::str::from_utf8(&source[place("start_byte")..place("end_byte")]).unwrap();
            assert_eq!(chunk["text"], text, "{path}");
            let limit = inspected["chunking"]["max_tokens"].as_u64().unwrap();
            assert!((3..=limit).contains(&chunk["tokens"].as_u64().unwrap()), "{chunk}");
            let hit = answer["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == chunk["id"]).unwrap();
            for name in ["text", "start_line", "end_line", "breadcrumb"] {
                assert_eq!(chunk[name], hit[name], "{path}");
            }
            shown += 1;
        }
    }
    assert_eq!(shown, answer["hits"].as_array().unwrap().len());
}

#[test]
fn a_file_is_shown_for_people_and_nothing_is_written() {
    let env =
        TestEnv::new(&[("docs/a.md", "# Keys\n\nRotate.\n\n## Old ones\n\nThey end.\n"), ("docs/b.md", "")]);
    let run = env.docent(&["inspect", "docs/a.md", "--model", "hashing"]).succeeds().tells("");
    assert!(run.stdout.starts_with("a.md: Keys, 1 chunk\n\nlines 3-7, "), "{}", run.stdout);
    assert!(run.stdout.contains(" tokens, "), "{}", run.stdout);
    assert!(run.stdout.contains("\n   ## Old ones\n\n   They end.\n"), "{}", run.stdout);
    assert!(!env.path("index").exists());
    let all = env.docent(&["inspect", "docs", "--model", "hashing"]).succeeds().stdout;
    assert!(all.contains("left out: b.md: "), "{all}");
}

#[test]
fn what_cannot_be_cut_is_said() {
    let env = TestEnv::new(&[("docs/b.md", "")]);
    env.docent(&["inspect", "docs", "--model", "hashing"]).ends_with_status(1);
    env.docent(&["inspect", "nowhere", "--model", "hashing"]).ends_with_status(2);
}
