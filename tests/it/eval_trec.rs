//! docent's measures against `trec_eval`'s own, on random runs with ties, unjudged documents and
//! questions that nothing answers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use docent::evaluation::{Levels, RankedDocument, Scores, score_ranking, sort_as_trec};
use serde_json::{Value, json};

use crate::python::{MEASURING, python_with, said};

const QUESTIONS: usize = 60;
const TOLERANCE: f64 = 1e-9;

type Grades = BTreeMap<String, BTreeMap<String, i32>>;
type Run = BTreeMap<String, BTreeMap<String, f32>>;

#[test]
fn measures_agree_with_trec_eval() {
    let Some(python) = python_with(MEASURING) else { return };
    for (seed, level) in [(1, 1), (2, 2), (3, 1), (4, 3)] {
        let (qrels, run) = random_run(seed);
        let theirs = measured_by(&python, &json!({"qrels": qrels, "run": run, "level": level}));
        let ours = measured(&qrels, &run, Levels { relevant_from: level, hit_from: level });
        assert_eq!(theirs["pytrec_eval"].as_object().unwrap().len(), ours.len());
        for (question, scores) in &ours {
            for (metric, value) in scores {
                let other = theirs["pytrec_eval"][question][metric.name()].as_f64().unwrap();
                assert!(
                    (value - other).abs() <= TOLERANCE,
                    "seed {seed}, {question}, {metric}: {value} is not {other}"
                );
            }
        }
        for (metric, other) in theirs["ir_measures"].as_object().unwrap() {
            let values = ours.values().flatten().filter(|(ours, _)| ours.name() == metric);
            let mean = values.map(|(_, value)| value).sum::<f64>() / ours.len() as f64;
            let other = other.as_f64().unwrap();
            assert!((mean - other).abs() <= TOLERANCE, "seed {seed}, {metric}: {mean} is not {other}");
        }
    }
}

fn measured(qrels: &Grades, run: &Run, levels: Levels) -> BTreeMap<String, Scores> {
    let scores = |(question, documents): (&String, &BTreeMap<String, f32>)| {
        let mut ranking: Vec<RankedDocument> =
            documents.iter().map(|(id, score)| RankedDocument { id: id.clone(), score: *score }).collect();
        sort_as_trec(&mut ranking);
        let ranked: Vec<&str> = ranking.iter().map(|document| document.id.as_str()).collect();
        (question.clone(), score_ranking(&ranked, &qrels[question], levels))
    };
    run.iter().map(scores).collect()
}

/// Up to 150 documents a question, with few enough scores that many are equal.
fn random_run(seed: u64) -> (Grades, Run) {
    let mut state = seed;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let (mut qrels, mut run) = (Grades::new(), Run::new());
    for question in 0..QUESTIONS {
        let question = format!("q{question}");
        let answerable = below(8) > 0;
        for _ in 0..=below(40) {
            let grade = if answerable { below(4) as i32 } else { 0 };
            qrels.entry(question.clone()).or_default().insert(format!("d{}", below(200)), grade);
        }
        for _ in 0..=below(150) {
            let score = below(40) as f32 / 8.0 - 2.0;
            run.entry(question.clone()).or_default().insert(format!("d{}", below(200)), score);
        }
    }
    (qrels, run)
}

fn measured_by(python: &Path, given: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/trec_measures.py");
    let mut command = Command::new(python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}
