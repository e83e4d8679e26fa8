use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &tempfile::TempDir, name: &str) -> Result<QuestionSet, String> {
    load_with(folder, name, &SetOptions::default())
}

fn load_with(folder: &tempfile::TempDir, name: &str, options: &SetOptions) -> Result<QuestionSet, String> {
    QuestionSet::load(&folder.path().join(name), options)
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "D"))
}

const QUERIES: &str =
    "{\"_id\": \"1\", \"text\": \"One?\", \"metadata\": {}}\n{\"_id\": \"2\", \"text\": \"Two?\"}\n";

#[test]
fn a_beir_folder_asks_what_is_judged() {
    let both = folder(&[
        ("s/queries.jsonl", QUERIES),
        ("s/qrels/test.tsv", "query-id\tcorpus-id\tscore\n2\td\t1\n9\td\t1\n"),
        ("s/qrels/dev.tsv", "1\td\t1\n"),
    ]);
    let set = load(&both, "s").unwrap();
    assert_eq!((set.name.as_str(), set.unjudged, set.unknown_questions), ("s", 1, 1));
    assert_eq!(set.questions.len(), 1);
    assert_eq!((set.questions[0].text.as_str(), set.questions[0].judgements["d"]), ("Two?", 1));
    let dev = SetOptions { split: Some("dev".into()), ..SetOptions::default() };
    assert_eq!(load_with(&both, "s", &dev).unwrap().questions[0].id, "1");
}

#[test]
fn topics_take_their_judgements_from_a_named_file() {
    let trec = folder(&[("topics", "1\tOne?\n"), ("judged", "1 0 d 2\n")]);
    assert!(
        load(&trec, "topics").unwrap_err().starts_with("no judgements for `D/topics`: none of `D/qrels.tsv`")
    );
    let options = SetOptions { qrels: Some(trec.path().join("judged")), ..SetOptions::default() };
    assert_eq!(load_with(&trec, "topics", &options).unwrap().questions[0].judgements["d"], 2);
}

#[test]
fn our_own_sets_have_quotes_rephrasings_and_questions_without_an_answer() {
    let own = folder(&[
        (
            "questions.jsonl",
            "{\"id\":\"a\",\"query\":\"A?\",\"kind\":\"how-to\",\"relevant\":[{\"path\":\"x.md\",\"grade\":3}],\"quotes\":[{\"path\":\"x.md\",\"text\":\"so\"}]}\n{\"id\":\"b\",\"query\":\"B?\",\"relevant\":[]}\n",
        ),
        ("rephrasings.jsonl", "{\"id\":\"a\",\"rephrasings\":[\"Aa?\"]}\n"),
        ("unanswerable.jsonl", "{\"id\":\"n\",\"query\":\"N?\",\"kind\":\"unanswerable\",\"why\":\"no\"}\n"),
    ]);
    let set = load(&own, "").unwrap();
    let [question] = set.questions.as_slice() else { panic!("{set:?}") };
    assert_eq!(question.kind.as_deref(), Some("how-to"));
    assert_eq!(question.judgements["x.md"], 3);
    assert_eq!(question.quotes, [Quote { document: "x.md".into(), text: "so".into() }]);
    assert_eq!(question.rephrasings, ["Aa?"]);
    let unanswerable: Vec<&str> = set.unanswerable.iter().map(|question| question.id.as_str()).collect();
    assert_eq!(unanswerable, ["b", "n"]);
    assert_eq!(load(&own, "questions.jsonl").unwrap().questions, set.questions);
}

#[test]
fn malformed_files_are_named_with_their_line() {
    let own = folder(&[
        ("a/questions.jsonl", "\n{\"id\":\"a\"}\n"),
        ("b/questions.jsonl", "{\"id\":\"a\",\"query\":\"A?\"}\n{\"id\":\"a\",\"query\":\"A?\"}\n"),
        ("c/queries.jsonl", "{\"_id\": 1, \"text\": \"x\"}\n"),
        ("d/queries.jsonl", "{\"_id\": \"1\", \"text\": \"x\"}\n"),
        ("d/qrels.tsv", "7\td\t1\n"),
        ("e/nothing.txt", ""),
    ]);
    let message = |name: &str| load(&own, name).unwrap_err();
    assert_eq!(message("a"), "`D/a/questions.jsonl`, line 2: missing field `query` (column 10)");
    assert_eq!(message("b"), "`D/b/questions.jsonl`, line 2: the id `a` is also on line 1");
    assert_eq!(
        message("c"),
        "`D/c/queries.jsonl`, line 1: invalid type: integer `1`, expected a string (column 9)"
    );
    assert_eq!(message("d"), "`D/d` holds no question with a judgement");
    assert_eq!(message("e"), "no questions in `D/e`: neither questions.jsonl nor queries.jsonl is there");
    assert!(message("f").starts_with("`D/f` cannot be read: "), "{}", message("f"));
    std::fs::write(own.path().join("a/questions.jsonl"), b"\n\n\xff").unwrap();
    assert_eq!(message("a"), "`D/a/questions.jsonl`, line 3: not UTF-8");
}
