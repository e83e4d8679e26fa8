//! The graph for approximate search, through the program: answers as exact ones, figures told, damage
//! noticed.

use std::fs;

use crate::testenv::TestEnv;

const QUESTIONS: &[&str] =
    &["rotate the signing key", "webhook delivery retried", "billing export of invoices", "a3 b7 c11"];

/// A folder with `count` pages of made-up words around a few subjects.
fn pages(count: usize) -> TestEnv {
    let env = TestEnv::new(&[]);
    let subjects =
        ["rotate signing key secret", "webhook delivery retried", "billing invoices export", "login session"];
    for number in 0..count {
        let subject = subjects[number % subjects.len()];
        let text =
            format!("# Page {number}\n\n{subject} a{} b{} c{}\n", number % 13, number % 29, number % 31);
        env.write(&format!("docs/{number:04}.md"), text);
    }
    env
}

#[test]
fn a_graph_with_room_for_all_answers_as_exact_search_does() {
    let env = pages(240);
    env.docent(&["index", "docs", "--model", "hashing", "--quiet"]).succeeds();
    let answers = || -> Vec<_> {
        let ask = |question: &&str| env.json(&["ask", question, "--json", "--limit", "50"])["hits"].take();
        QUESTIONS.iter().map(ask).collect()
    };
    let exact = answers();
    assert!(env.json(&["status", "--json"])["graph"].is_null());
    let arguments = ["index", "docs", "--model", "hashing", "--graph-from", "1", "--ef-search", "100000"];
    let told = env.docent(&arguments).succeeds().prints("");
    assert!(told.stderr.contains("graph: recall@10 1.0000 on 240 questions, M 16,"), "{}", told.stderr);
    let graph = env.json(&["status", "--json"])["graph"].take();
    assert_eq!((&graph["recall_at_10"], &graph["ef_search"]), (&1.0.into(), &100_000.into()), "{graph}");
    assert!(env.names("index/gen-000002").contains(&"graph.bin".to_owned()));
    let status = env.docent(&["status"]).succeeds();
    assert!(status.stdout.contains("\ngraph      recall@10 1.0000 on 240 questions"), "{}", status.stdout);
    assert_eq!(answers(), exact);
    // The same settings find nothing to do; without them the graph goes.
    let again = env.docent(&arguments).succeeds();
    assert!(again.stderr.contains("up to date"), "{}", again.stderr);
    env.docent(&["index", "--quiet"]).succeeds();
    assert!(!env.names("index/gen-000003").contains(&"graph.bin".to_owned()));
    assert_eq!(answers(), exact);
}

#[test]
fn a_damaged_graph_is_named_and_built_anew() {
    let env = pages(40);
    let arguments = ["index", "docs", "--model", "hashing", "--graph-from", "1", "--quiet"];
    env.docent(&arguments).succeeds();
    let path = env.path("index/gen-000001/graph.bin");
    let whole = fs::read(&path).unwrap();
    for place in [3, 17, 40, 70, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        let failed = env.docent(&["ask", "key"]).ends_with_status(2);
        assert!(failed.stderr.contains("index/gen-000001/graph.bin` is damaged"), "{}", failed.stderr);
    }
    fs::remove_file(&path).unwrap();
    let failed = env.docent(&["ask", "key"]).ends_with_status(2);
    assert!(failed.stderr.contains("graph.bin` cannot be read"), "{}", failed.stderr);
    env.docent(&arguments).succeeds();
    env.docent(&["ask", "key"]).succeeds();
}

/// What a graph that lost links looks like to a checksum: as good as any.
#[test]
fn doctor_counts_the_chunks_that_nothing_leads_to() {
    let env = pages(40);
    env.docent(&["index", "docs", "--model", "hashing", "--graph-from", "1", "--quiet"]).succeeds();
    env.docent(&["doctor", "--deep"]).succeeds();
    let path = env.path("index/gen-000001/graph.bin");
    let mut file = fs::read(&path).unwrap();
    let (header, payload) = file.split_at_mut(64);
    let number = |payload: &[u8], place: usize| {
        u64::from_le_bytes(payload[place..place + 8].try_into().unwrap()) as usize
    };
    let entry = number(payload, number(payload, 8) + 3 * 8) as u32;
    let lost = (0..40).find(|node| *node != entry).unwrap();
    let (start, length) = (number(payload, 24), number(payload, 32));
    for place in (start..start + length).step_by(4) {
        if payload[place..place + 4] == lost.to_le_bytes() {
            payload[place..place + 4].fill(0xff);
        }
    }
    let checksum = blake3::hash(payload);
    header[32..].copy_from_slice(checksum.as_bytes());
    fs::write(&path, file).unwrap();
    env.edit_manifest(|manifest| {
        manifest["checksums"]["graph.bin"] = checksum.to_hex().as_str().into();
    });
    let told = env.docent(&["doctor", "--deep"]).ends_with_status(2).stdout;
    assert!(told.contains("graph.bin` is damaged: 1 of 40 chunks cannot be reached in it"), "{told}");
    env.docent(&["ask", "key"]).succeeds();
}

#[test]
fn an_effort_out_of_range_is_refused() {
    let env = pages(1);
    let failed = env.docent(&["index", "docs", "--ef-search", "9"]).ends_with_status(2);
    assert!(failed.stderr.contains("--ef-search"), "{}", failed.stderr);
}
