//! Formats that are converted, source code, and kinds of documents, through the program.

use serde_json::Value;

use crate::testenv::TestEnv;

const FILES: &[(&str, &str)] = &[
    ("d/page.html", "<nav>menu</nav><main><h1>Quotas</h1><p>A tenant may send ninety letters.</p></main>"),
    (
        "d/tour.ipynb",
        r##"{"cells": [{"cell_type": "markdown", "source": ["# Tour\n", "Lanterns light the canal."]}]}"##,
    ),
    ("d/store.py", "class Store:\n    def evict(self):\n        \"\"\"Removes the oldest walrus.\"\"\"\n"),
    ("d/examples/login/app.ts", "// Logs a penguin in.\nexport function login() {}\n"),
    ("d/CHANGELOG.md", "# Changelog\n\n## 2.0\n\n- Removed the turbine.\n"),
    ("d/broken.pdf", "%PDF-1.4\nnothing of the kind"),
    ("d/broken.docx", "no archive"),
];

#[test]
fn every_format_is_found_with_its_kind() {
    let env = TestEnv::new(FILES);
    env.docent(&["index", "d", "--model", "hashing", "--quiet"]).succeeds();
    for (question, path, kind, title) in [
        ("how many letters may a tenant send", "page.html", "docs", "Quotas"),
        ("what lights the canal", "tour.ipynb", "docs", "Tour"),
        ("remove the oldest walrus", "store.py", "code", "store"),
        ("log a penguin in", "examples/login/app.ts", "example", "app"),
        ("removed the turbine", "CHANGELOG.md", "changelog", "Changelog"),
    ] {
        let answer = env.json(&["ask", question, "--json", "--limit", "1"]);
        let hit = &answer["hits"][0];
        assert_eq!(
            (&hit["path"], &hit["kind"], &hit["title"]),
            (&path.into(), &kind.into(), &title.into()),
            "{answer}"
        );
        let only = env.json(&["ask", "anything", "--json", "--limit", "100", "--kind", kind]);
        let kinds: Vec<&Value> = only["hits"].as_array().unwrap().iter().map(|hit| &hit["kind"]).collect();
        assert!(!kinds.is_empty() && kinds.iter().all(|found| *found == kind), "{kind}: {kinds:?}");
    }
    let page = env.json(&["ask", "letters of a tenant", "--json", "--limit", "1"]);
    assert_eq!(page["hits"][0]["text"], "A tenant may send ninety letters.");
    let unit = env.json(&["ask", "oldest walrus", "--json", "--limit", "1"]);
    assert_eq!(unit["hits"][0]["breadcrumb"], serde_json::json!(["Store"]));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_stops_nothing() {
    let env = TestEnv::new(FILES);
    let outcome = env.docent(&["index", "d", "--model", "hashing"]).succeeds();
    for line in [
        "broken.pdf: cannot be read: not a PDF that can be read",
        "broken.docx: cannot be read: not a Word document",
    ] {
        assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    }
    let status = env.json(&["status", "--json"]);
    assert_eq!(status["skipped"]["by_reason"]["unreadable"], 2, "{status}");
}

#[test]
fn filters_leave_the_rest_of_the_documents_out() {
    let files = [
        ("guide/a.md", "one walrus"),
        ("guide/deep/b.rs", "two walruses"),
        ("c.mdx", "three"),
        ("d.py", "four"),
    ];
    let env = TestEnv::new(&files);
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let file = std::fs::File::options().write(true).open(env.path("c.mdx")).unwrap();
    file.set_modified(old).unwrap();
    env.docent(&["index", "guide", "c.mdx", "d.py", "--model", "hashing", "-q"]).succeeds();
    let found = |filter: &[&str]| {
        let answer = env.json(&[&["ask", "walrus", "--json", "-n", "100"], filter].concat());
        let hits = answer["hits"].as_array().unwrap();
        let mut paths: Vec<String> =
            hits.iter().map(|hit| hit["path"].as_str().unwrap().to_owned()).collect();
        paths.sort_unstable();
        paths.join(" ")
    };
    assert_eq!(found(&[]), "c.mdx d.py guide/a.md guide/deep/b.rs");
    assert_eq!(found(&["--path", "guide/**"]), "guide/a.md guide/deep/b.rs");
    assert_eq!(found(&["--path", "*.m*"]), "c.mdx guide/a.md");
    assert_eq!(found(&["--language", "markdown"]), "c.mdx guide/a.md");
    assert_eq!(found(&["--language", ".rs", "--path", "guide"]), "guide/deep/b.rs");
    assert_eq!(found(&["--since", "2021"]), "d.py guide/a.md guide/deep/b.rs");
    assert_eq!(found(&["--since", "2020-09-13"]), "c.mdx d.py guide/a.md guide/deep/b.rs");
    assert_eq!(found(&["--since", "2020-09-14", "--kind", "code"]), "d.py guide/deep/b.rs");
    std::fs::write(env.path("questions"), "walrus\n").unwrap();
    let batch = env.docent(&["batch", "questions", "--language", "python", "-n", "50"]).succeeds();
    assert_eq!(batch.stdout.matches("\"path\"").count(), 1, "{}", batch.stdout);
    for (filter, told) in [
        (["--language", "pyton"], "the nearest name is `python`"),
        (["--since", "soon"], "write it like 2026-01-31"),
        (["--path", "a["], "is not a glob"),
    ] {
        let outcome = env.docent(&[&["ask", "x"], &filter[..]].concat()).ends_with_status(2);
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
}

#[test]
fn a_kind_that_does_not_exist_is_refused() {
    let env = TestEnv::indexed(&[("docs/a.md", "text")]);
    let outcome = env.docent(&["ask", "x", "--kind", "book"]);
    assert!(
        outcome.stderr.contains("`book` is no kind of document (docs, example, changelog, code)"),
        "{}",
        outcome.stderr
    );
}
