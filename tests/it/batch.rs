//! `docent batch`: forms of questions and answers, and what is wrong with either.

use serde_json::{Value, json};

use crate::testenv::{Outcome, PAGES, TestEnv};

/// Every line as JSON.
pub(crate) fn records(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn ids(outcome: &Outcome) -> Vec<Value> {
    records(&outcome.stdout).iter().map(|record| record["id"].clone()).collect()
}

#[test]
fn questions_come_in_many_forms() {
    let env = TestEnv::indexed(PAGES);
    let forms = [
        (
            "q.jsonl",
            "{\"id\": \"a\", \"query\": \"rotate a key\"}\n\n{\"id\": 7, \"query\": \"delivery\"}\n",
            ["a", "7"],
        ),
        (
            "queries.jsonl",
            "{\"_id\": \"a\", \"text\": \"rotate a key\", \"metadata\": {}}\n{\"_id\": \"b\", \"text\": \"delivery\"}",
            ["a", "b"],
        ),
        ("q.tsv", "qid\tquery\r\na\trotate a key\r\nb\tdelivery\r\n", ["a", "b"]),
        (
            "topics",
            "<top>\n<num> Number: 301\n<title> rotate a key\n</top>\n<top>\n<num> 302\n<title> delivery\n</top>\n",
            ["301", "302"],
        ),
        ("plain.txt", "rotate a key\n\ndelivery\n", ["1", "3"]),
    ];
    for (name, text, expected) in forms {
        env.write(name, text);
        let outcome = env.docent(&["batch", name]).succeeds().tells("");
        assert_eq!(ids(&outcome), expected.map(Value::from), "{name}");
        let found: Vec<Value> =
            records(&outcome.stdout).iter().map(|line| line["hits"][0]["path"].clone()).collect();
        assert_eq!(found, ["keys.md", "guides/webhooks.mdx"], "{name}");
        let piped = env.command(&["batch", "-"]).input(text).run().succeeds().tells("");
        assert_eq!(piped.stdout, outcome.stdout, "{name}: the form is known by its first line too");
    }
    let forced = env.command(&["batch", "-", "--input-format", "lines"]).input("a\tb\n").run().succeeds();
    assert_eq!(records(&forced.stdout)[0]["query"], "a\tb");
    let folder = env.docent(&["batch", "."]).succeeds();
    assert_eq!(ids(&folder), ["a", "b"].map(Value::from), "a folder is asked for its file");
}

#[test]
fn wordings_and_paths_count_as_they_do_elsewhere() {
    let env = TestEnv::indexed(PAGES);
    let question =
        json!({"id": "a", "query": "how often", "rephrasings": ["rotate a key"], "path": "guides"});
    let outcome = env.command(&["batch", "-", "-n", "1"]).input(&question.to_string()).run().succeeds();
    assert_eq!(records(&outcome.stdout)[0]["hits"][0]["path"], "guides/webhooks.mdx");
    let question = json!({"id": "a", "query": "how often", "rephrasings": ["rotate a key"]});
    let outcome = env.command(&["batch", "-"]).input(&question.to_string()).run().succeeds();
    let mut line = records(&outcome.stdout).remove(0);
    assert_eq!(line.as_object_mut().unwrap().remove("id"), Some(json!("a")));
    assert_eq!(line, env.json(&["ask", "how often", "--also", "rotate a key", "--json"]));
}

#[test]
fn every_question_has_its_line_and_errors_have_theirs() {
    let env = TestEnv::indexed(PAGES);
    let questions = "{\"id\": \"a\", \"query\": \"rotate a key\"}\nnonsense\n{\"id\": \"c\", \"querry\": \"x\"}\n\
                     {\"id\": \"d\", \"query\": \"  \"}\n{\"id\": \"e\", \"query\": \"delivery\", \"path\": \"a[b\"}\n\
                     {\"id\": \"f\", \"query\": \"delivery\", \"path\": \"nowhere\"}\n";
    env.write("q.jsonl", questions);
    let outcome = env.docent(&["batch", "q.jsonl", "-q"]).ends_with_status(2).tells(
        "`q.jsonl`, line 2: not JSON: expected ident (column 2)\n\
         `q.jsonl`, line 3 (question `c`): unknown field `querry`: did you mean `query`?\n\
         `q.jsonl`, line 4 (question `d`): the question is empty\n\
         `q.jsonl`, line 5 (question `e`): the path pattern `a[b` is not a glob: unclosed character class; missing ']'\n\
         4 of 6 questions without an answer: see `error`\n",
    );
    let lines = records(&outcome.stdout);
    assert_eq!(ids(&outcome), [json!("a"), Value::Null, json!("c"), json!("d"), json!("e"), json!("f")]);
    assert_eq!(lines[0]["hits"][0]["path"], "keys.md");
    assert_eq!(
        lines[2],
        json!({"id": "c", "schema": 1, "query": null, "line": 3, "error": {
            "message": "unknown field `querry`: did you mean `query`?",
            "hint": "known fields are id, query, rephrasings, path; keep data of your own under metadata"}})
    );
    assert_eq!((&lines[3]["query"], &lines[3]["line"]), (&json!("  "), &json!(4)));
    assert_eq!(lines[5]["hits"], json!([]));
    let told = env.docent(&["batch", "q.jsonl"]).ends_with_status(2);
    assert!(told.stderr.contains("\n1 question found nothing\n"), "{}", told.stderr);
}

#[test]
fn the_same_id_twice_is_an_error_before_any_work() {
    let env = TestEnv::indexed(PAGES);
    env.write("q.tsv", "a\trotate\nb\tkey\na\tdelivery\n");
    env.docent(&["batch", "q.tsv", "-o", "out.jsonl"]).fails_with(
        "error: `q.tsv`, line 3: the id `a` is also on line 1\n\n\
         hint: give every question an id of its own: no question was asked\n",
    );
    assert!(!env.path("out.jsonl").exists());
    env.command(&["batch", "-"]).input("a\trotate\na\tkey\n").run().fails_with(
        "error: stdin, line 2: the id `a` is also on line 1\n\n\
         hint: give every question an id of its own: no question was asked\n",
    );
}

#[test]
fn what_cannot_be_asked_at_all_is_told() {
    let env = TestEnv::indexed(PAGES);
    env.docent(&["batch", "nowhere"]).fails_with(
        "error: `nowhere` cannot be read: No such file or directory (os error 2)\n\n\
         hint: check the spelling and the permissions\n",
    );
    env.docent(&["batch", "docs"]).fails_with(
        "error: no questions in `docs`: neither questions.jsonl nor queries.jsonl is there\n\n\
         hint: name the file itself\n",
    );
    env.command(&["batch", "-"]).input("\n \n").run().fails_with(
        "error: stdin holds no question\n\n\
         hint: write one question a line, or records like {\"id\": \"q1\", \"query\": \"...\"}\n",
    );
    env.write("q.txt", "rotate\n");
    env.docent(&["batch", "q.txt", "-o", "./q.txt"]).fails_with(
        "error: `./q.txt` holds the questions, and would be overwritten\n\n\
         hint: name another file with --output\n",
    );
    env.docent(&["batch", "q.txt", "-n", "500"]).fails_with(
        "error: a limit of 500 is not between 1 and 100\n\nhint: give --limit a number from 1 to 100\n",
    );
    env.docent(&["batch", "q.txt", "--index", "nowhere"]).fails_with(
        "error: no index in `nowhere`\n\n\
         hint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX\n",
    );
    env.docent(&["batch", "q.txt", "-o", "no/folder"]).fails_with(
        "error: `no/folder` cannot be written: No such file or directory (os error 2)\n\n\
         hint: name a file in a folder that is there and can be written\n",
    );
}

#[test]
fn tables_have_a_row_for_each_passage() {
    let env = TestEnv::indexed(PAGES);
    env.write("q.jsonl", "{\"id\": \"a,b\", \"query\": \"rotate a \\\"key\\\"\"}\n{\"id\": \"x\"}\n");
    let outcome = env.docent(&["batch", "q.jsonl", "--format", "csv", "-q", "-n", "1"]).ends_with_status(2);
    let answer = env.json(&["ask", "rotate a \"key\"", "--json", "-n", "1"]);
    let hit = &answer["hits"][0];
    let expected = format!(
        "id,query,rank,chunk,path,title,breadcrumb,start_line,end_line,score,text,error\n\
         \"a,b\",\"rotate a \"\"key\"\"\",1,{},keys.md,Keys,,3,3,{},Rotate an API key every ninety days.,\n\
         x,,,,,,,,,,,no question: there is no field `query`\n",
        hit["id"].as_str().unwrap(),
        hit["score"]
    );
    outcome.prints(&expected);
}

#[test]
fn a_run_is_the_one_that_an_evaluation_writes() {
    let env = TestEnv::indexed(PAGES);
    let set = "{\"id\": \"a\", \"query\": \"rotate a key\", \"relevant\": [{\"path\": \"keys.md\"}]}\n\
               {\"id\": \"b\", \"query\": \"delivery\", \"relevant\": [{\"path\": \"guides/webhooks.mdx\"}]}\n";
    env.write("set/questions.jsonl", set);
    env.docent(&["eval", "set", "--run", "eval.run", "-q"]).succeeds();
    let expected = std::fs::read_to_string(env.path("eval.run")).unwrap();
    assert_eq!(expected.lines().count(), 4);
    env.docent(&["batch", "set", "--format", "trec"]).succeeds().tells("").prints(&expected);
}
