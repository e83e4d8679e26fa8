//! `docent eval` and `docent compare`, as they are run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PAGES: [(&str, &str); 4] = [
    ("keys.md", "# Keys\n\nAn API key is rotated on the settings page, and the old key works for a day.\n"),
    (
        "webhooks.md",
        "# Webhooks\n\nA webhook that fails is sent again, up to six times, with growing pauses.\n",
    ),
    ("limits.md", "# Rate limits\n\nRequests beyond the rate limit get the status 429 and a pause.\n"),
    ("sso/index.md", "# Single sign-on\n\nA sign-on session ends after twelve hours.\n"),
];

const QUESTIONS: &str = r#"{"id":"q1","query":"how is an API key rotated","kind":"how-to","relevant":[{"path":"keys.md","grade":3}],"quotes":[{"path":"keys.md","text":"the old key\nworks for a day"}]}
{"id":"q2","query":"when does a sign-on session end","kind":"how-to","relevant":[{"path":"sso/index.md","grade":3},{"path":"keys.md","grade":1}],"quotes":[{"path":"sso/index.md","text":"after twelve hours"}]}
{"id":"q3","query":"too many calls","kind":"troubleshooting","relevant":[{"path":"limits.md","grade":2}],"quotes":[]}
"#;

/// A folder with pages, questions and a BEIR set.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in PAGES {
            bench.write(&format!("pages/{path}"), text);
        }
        bench.write("own/questions.jsonl", QUESTIONS);
        bench.write(
            "own/unanswerable.jsonl",
            "{\"id\":\"n1\",\"query\":\"volcano\",\"kind\":\"unanswerable\"}\n",
        );
        bench.write(
            "own/rephrasings.jsonl",
            "{\"id\":\"q3\",\"rephrasings\":[\"requests beyond the rate limit\"]}\n",
        );
        bench.write(
            "beir/corpus.jsonl",
            concat!(
                "{\"_id\": \"4983\", \"title\": \"White matter\", \"text\": \"Alterations of <b>cerebral</b> white matter {in} newborns.\"}\n",
                "{\"_id\": \"a/b 7\", \"title\": \"\", \"text\": \"Microbes live in deserts.\"}\n",
                "{\"_id\": \"https://x.example/9\", \"title\": \"Glaciers\", \"text\": \"Ice flows downhill.\"}\n",
            ),
        );
        bench.write("beir/queries.jsonl", "{\"_id\": \"1\", \"text\": \"white matter of newborns\"}\n{\"_id\": \"2\", \"text\": \"glaciers and ice\"}\n{\"_id\": \"3\", \"text\": \"not judged\"}\n");
        bench.write(
            "beir/qrels/test.tsv",
            "query-id\tcorpus-id\tscore\n1\t4983\t1\n2\thttps://x.example/9\t1\n",
        );
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs docent in the folder; words of `arguments` are separated by blanks.
    fn docent(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_docent"))
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .env_remove("DOCENT_INDEX")
            .env("TMPDIR", self.folder.path())
            .output()
            .unwrap()
    }

    fn succeeds(&self, arguments: &str) -> String {
        let output = self.docent(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn fails(&self, status: i32, arguments: &str) -> String {
        let output = self.docent(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments}: {output:?}");
        stderr(&output)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The variable names the index that is asked day by day: it is not built over.
#[test]
fn an_index_for_one_run_is_not_where_the_usual_one_is() {
    let bench = Bench::new();
    let arguments = OWN.split(' ');
    let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
    command.args(arguments).current_dir(bench.folder.path()).env("DOCENT_INDEX", "usual");
    let output = command.env("TMPDIR", bench.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!bench.path("usual").exists());
}

#[test]
fn parts_of_the_ranking_can_be_left_out() {
    let bench = Bench::new();
    let whole = bench.succeeds(&format!("{OWN} --run whole.run --json whole.json"));
    assert!(!whole.contains("ranked without"), "{whole}");
    let text = bench
        .succeeds(&format!("{OWN} --run less.run --json less.json --without lexical --without document"));
    assert!(text.contains("ranked without: lexical, document"), "{text}");
    assert_eq!(bench.json("less.json")["settings"]["without"], serde_json::json!(["lexical", "document"]));
    assert!(bench.json("whole.json")["settings"].get("without").is_none());
    let run = |name: &str| std::fs::read_to_string(bench.path(name)).unwrap();
    assert_ne!(run("whole.run"), run("less.run"), "the scores are others");
    let refused = bench.fails(2, &format!("{OWN} --without hope"));
    assert!(refused.contains("the parts are late, dense, lexical, document, spread, gate"), "{refused}");
}

const OWN: &str = "eval own --corpus pages --model hashing --quiet";

#[test]
fn our_own_questions_are_measured_over_pages_indexed_for_it() {
    let bench = Bench::new();
    let text = bench.succeeds(&format!("{OWN} --by kind --json now.json --run now.run --html now.html"));
    assert!(
        text.starts_with(
            "own: 3 questions and 1 without an answer; 4 documents in 4 chunks, generation 1, hashing\n"
        ),
        "{text}"
    );
    assert!(text.contains("\nhow-to               2"), "{text}");
    let found = bench.json("now.json");
    assert_eq!(found["schema"], 1);
    assert_eq!(found["index"]["model"], "hashing");
    assert_eq!(found["settings"]["levels"], serde_json::json!({"relevant_from": 1, "hit_from": 2}));
    assert_eq!(found["metrics"]["passage@5"]["questions"], 2);
    assert_eq!(found["metrics"]["passage@5"]["value"], 1.0);
    assert_eq!(found["questions"][0]["metrics"]["hit@1"], 1.0);
    assert_eq!(found["questions"][0]["returned"][0]["quoted"], true);
    assert_eq!(found["questions"][2]["metrics"].get("passage@5"), None);
    assert_eq!(found["unanswerable"][0]["id"], "n1");
    assert!(found["latency_ms"]["total"]["p95"].as_f64().unwrap() > 0.0);
    let run = std::fs::read_to_string(bench.path("now.run")).unwrap();
    assert_eq!(run.lines().count(), 12, "{run}");
    assert!(run.starts_with("q1 Q0 keys.md 1 "), "{run}");
    let html = std::fs::read_to_string(bench.path("now.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("<script"), "{html}");
    let leftovers = std::fs::read_dir(bench.folder.path()).unwrap().flatten();
    let leftovers: Vec<_> =
        leftovers.filter(|entry| entry.file_name().to_string_lossy().starts_with("docent-eval-")).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn an_index_that_is_there_is_asked_and_json_goes_to_stdout() {
    let bench = Bench::new();
    bench.succeeds("index pages --index i --model hashing --quiet");
    let found: Value = serde_json::from_str(&bench.succeeds("eval own --index i --json - -n 2")).unwrap();
    assert_eq!(found["settings"]["limit"], 2);
    assert_eq!(found["set"]["judged_documents_not_indexed"], 0);
}

#[test]
fn a_beir_folder_is_indexed_with_its_ids_kept() {
    let bench = Bench::new();
    let text = bench.succeeds("eval beir --build --index i --model hashing --quiet --run beir.run");
    assert!(text.starts_with("beir: 2 questions; 3 documents in 3 chunks"), "{text}");
    assert!(text.contains("nDCG@10      1.0000"), "{text}");
    let run = std::fs::read_to_string(bench.path("beir.run")).unwrap();
    assert!(run.contains("1 Q0 4983 1 ") && run.contains("2 Q0 https://x.example/9 1 "), "{run}");
    assert!(run.contains(" Q0 a/b%207 "), "{run}");
    // The index stays, its text is the record's, and a second evaluation builds nothing.
    let answer: Value = serde_json::from_str(&bench.succeeds("ask newborns --index i --json -n 1")).unwrap();
    assert_eq!(answer["hits"][0]["path"], "4983");
    assert_eq!(answer["hits"][0]["title"], "White matter");
    assert_eq!(answer["hits"][0]["text"], "Alterations of <b>cerebral</b> white matter {in} newborns.");
    let again = bench.docent("eval beir --build --index i --model hashing");
    assert!(stderr(&again).contains("up to date: 3 documents"), "{}", stderr(&again));
    assert!(stderr(&again).contains("left out for want of judgements: 1 question\n"), "{}", stderr(&again));
}

#[test]
fn an_index_of_other_documents_is_not_replaced() {
    let bench = Bench::new();
    bench.succeeds("index pages --index i --model hashing --quiet");
    let error = bench.fails(2, "eval beir --build --index i --model hashing --quiet");
    assert_eq!(
        error,
        "error: the index in `i` holds other documents than `beir/corpus.jsonl`\n\nhint: name an empty or new folder with --index DIR, or leave --index out to build in a temporary one\n"
    );
    let error = bench.fails(2, "eval beir --index i --quiet");
    assert!(error.starts_with("error: none of the 2 judged documents is in the index: there is no `4983`; the index has `keys.md`\n"), "{error}");
}

#[test]
fn topics_and_qrels_of_trec_are_read() {
    let bench = Bench::new();
    bench.write("topics", "<top>\n<num> Number: 7\n<title> rotated API key\n</top>\n");
    bench.write("judged", "7 0 keys.md 1\n7 0 limits.md 0\n");
    let text = bench.succeeds("eval topics --qrels judged --corpus pages --model hashing --quiet");
    assert!(text.starts_with("topics: 1 question; ") && text.contains("MRR@10       1.0000"), "{text}");
}

#[test]
fn a_baseline_is_held_to_and_two_runs_are_compared() {
    let bench = Bench::new();
    bench.succeeds(&format!("{OWN} --json now.json"));
    bench.succeeds(&format!("{OWN} --baseline now.json"));
    let mut better = bench.json("now.json");
    let value = better["metrics"]["nDCG@10"]["value"].as_f64().unwrap();
    better["metrics"]["nDCG@10"]["value"] = (value + 0.05).into();
    bench.write("better.json", &better.to_string());
    let error = bench.fails(1, &format!("{OWN} --baseline better.json --tolerance 0.04"));
    let expected =
        format!("nDCG@10: {value:.4} is 0.0500 below the baseline's {:.4} (tolerated: 0.04)\n", value + 0.05);
    assert_eq!(error, expected);
    bench.succeeds(&format!("{OWN} --baseline better.json --tolerance 0.06"));
    bench.succeeds(&format!("{OWN} --with-rephrasings --json worded.json"));
    assert_eq!(bench.json("worded.json")["settings"]["with_rephrasings"], true);
    let text = bench.succeeds("compare now.json worded.json --html changed.html");
    assert!(text.starts_with("3 questions in both\n  first   now.json\n  second  worded.json\n"), "{text}");
    let compared: Value = serde_json::from_str(&bench.succeeds("compare now.json now.json --json")).unwrap();
    assert_eq!(compared["metrics"]["MAP"]["difference"], 0.0);
    assert_eq!(compared["metrics"]["MAP"]["p_value"], 1.0);
    assert_eq!(compared["moved"], serde_json::json!([]));
    assert!(std::fs::read_to_string(bench.path("changed.html")).unwrap().contains("What changed"));
}

#[test]
fn a_question_that_cannot_be_asked_counts_as_missed() {
    let bench = Bench::new();
    let long = "x".repeat(10_001);
    bench.write(
        "long/questions.jsonl",
        &format!(
            "{QUESTIONS}{{\"id\":\"q4\",\"query\":\"{long}\",\"relevant\":[{{\"path\":\"keys.md\"}}]}}\n"
        ),
    );
    let found: Value =
        serde_json::from_str(&bench.succeeds("eval long --corpus pages --model hashing --quiet --json -"))
            .unwrap();
    assert_eq!(found["questions"][3]["error"], "the question has 10001 characters; the limit is 10000");
    assert_eq!(found["questions"][3]["metrics"]["MAP"], 0.0);
    assert_eq!(found["metrics"]["MAP"]["questions"], 4);
}

#[test]
fn what_is_wrong_is_said_before_any_work() {
    let bench = Bench::new();
    bench.write("bad/questions.jsonl", "{\"id\":\"a\",\"query\":\"x\"}\n{\"id\":\"b\"}\n");
    let expectations = [
        ("eval nowhere", "error: `nowhere` cannot be read: "),
        (
            "eval pages",
            "error: no questions in `pages`: neither questions.jsonl nor queries.jsonl is there\n",
        ),
        (
            "eval bad",
            "error: `bad/questions.jsonl`, line 2: missing field `query` (column 10)\n\nhint: a line looks like this: {\"id\": \"q1\"",
        ),
        (
            "eval own",
            "error: no index in `index`\n\nhint: name its folder with --index DIR, or build one for this run: --build",
        ),
        (
            "eval own --build",
            "error: there is nothing to build an index from: `own/corpus.jsonl` is not there\n\nhint: name the documents with --corpus PATH\n",
        ),
        (
            "eval own --baseline own/questions.jsonl",
            "error: `own/questions.jsonl` is not the JSON of an evaluation: ",
        ),
        (
            "eval own --tolerance 0.1",
            "error: the following required arguments were not provided:\n  --baseline <FILE>",
        ),
        ("compare now.json now.json", "error: `now.json` cannot be read: "),
    ];
    for (arguments, expected) in expectations {
        let error = bench.fails(2, arguments);
        assert!(error.starts_with(expected), "{arguments}: {error}");
    }
    assert!(!Path::new(&bench.path("index")).exists());
}
