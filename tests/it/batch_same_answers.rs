//! One answer, whoever asks: `docent batch`, `docent ask`, and an agent over MCP.

use std::fmt::Write as _;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::batch::records;
use crate::mcp_support::{Client, resident};
use crate::testenv::TestEnv;

const QUESTIONS: usize = 200;

/// What all three print: keys in one order, and each number as it was written.
fn shared(answer: &Value) -> String {
    json!({"hits": answer["hits"], "generation": answer["generation"], "indexed_at": answer["indexed_at"]})
        .to_string()
}

#[tokio::test]
async fn batch_ask_and_mcp_give_the_same_answers() {
    let subjects = ["key", "session", "webhook", "invoice", "region", "backup", "limit", "role"];
    let verbs = ["rotate", "end", "retry", "pay", "choose", "restore", "raise", "grant", "export", "audit"];
    let env = TestEnv::new(&[]);
    for (page, verb) in verbs.iter().enumerate() {
        for subject in subjects {
            let text = format!(
                "# {verb} a {subject}\n\nTo {verb} a {subject}, open page {page}.\n\n## Why\n\nA {subject} is old.\n"
            );
            env.write(&format!("docs/{subject}/{verb}.md"), text);
        }
    }
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    let questions: Vec<String> = (0..QUESTIONS)
        .map(|number| {
            format!("how do I {} the {} number {number}?", verbs[number % 10], subjects[number % 8])
        })
        .collect();
    let input = questions.iter().enumerate().fold(String::new(), |mut input, (number, question)| {
        writeln!(input, "q{number}\t{question}").unwrap();
        input
    });
    let batch = env.command(&["batch", "-", "-n", "7"]).input(&input).run().succeeds().tells("");
    let batch = records(&batch.stdout);
    assert_eq!(batch.len(), QUESTIONS);

    let mut client = Client::legacy(resident(&env.path("index"), || Ok(()))).await;
    let asked = asked_one_by_one(&env, &questions);
    for (number, question) in questions.iter().enumerate() {
        let mut line = batch[number].clone();
        assert_eq!(line.as_object_mut().unwrap().remove("id"), Some(json!(format!("q{number}"))));
        assert_eq!(line.to_string(), asked[number].to_string());
        let found = client.call("search", json!({"query": question, "limit": 7})).await;
        assert_eq!(shared(&line), shared(&found["structuredContent"]), "{question}");
    }
}

/// Each by a program of its own, two at a time.
fn asked_one_by_one(env: &TestEnv, questions: &[String]) -> Vec<Value> {
    let answers = Mutex::new(vec![Value::Null; questions.len()]);
    std::thread::scope(|scope| {
        for half in 0..2 {
            let answers = &answers;
            scope.spawn(move || {
                for (number, question) in
                    questions.iter().enumerate().filter(|(number, _)| number % 2 == half)
                {
                    let answer = env.json(&["ask", question, "--json", "-n", "7"]);
                    answers.lock().unwrap()[number] = answer;
                }
            });
        }
    });
    answers.into_inner().unwrap()
}
