//! `docent ask --explain`: the numbers add up to the answer, which stays what it is.

use serde_json::Value;

use crate::testenv::{PAGES, TestEnv};

/// A long document about keys among others, so that some of its passages have to make way.
fn library() -> TestEnv {
    let section = |number: usize| {
        format!(
            "## Step {number}\n\n{}\n\n",
            format!("Rotate the key and keep it in box {number}. ").repeat(20)
        )
    };
    let long = format!("# Keys\n\n{}", (0..6).map(section).collect::<String>());
    let env = TestEnv::new(PAGES);
    env.write("docs/long.md", long);
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-4
}

#[test]
fn the_answer_stays_the_same_and_the_numbers_add_up_to_it() {
    let env = library();
    let question = ["ask", "rotate the key", "--also", "keep a key", "-n", "9", "--json"];
    let plain = env.json(&question);
    let mut explained = env.json(&[&question[..], &["--explain"]].concat());
    let explanation = explained.as_object_mut().unwrap().remove("explanation").unwrap();
    assert_eq!(explained.to_string(), plain.to_string());

    let formula = &explanation["formula"];
    let hits = explanation["hits"].as_array().unwrap();
    assert_eq!(hits.len(), plain["hits"].as_array().unwrap().len());
    let gates: Vec<f64> =
        explanation["wordings"].as_array().unwrap().iter().map(|wording| number(&wording["gate"])).collect();
    let mut last = f64::INFINITY;
    for (place, hit) in hits.iter().enumerate() {
        assert_eq!(hit["id"], plain["hits"][place]["id"]);
        assert_eq!(hit["score"], plain["hits"][place]["score"]);
        assert_eq!(hit["rank"], place + 1);
        let mut sums = Vec::new();
        for wording in hit["wordings"].as_array().unwrap() {
            let mut sum = number(&wording["taken_over"]);
            for view in ["dense", "lexical", "document", "late"] {
                let Some(seen) = Some(&wording[view]).filter(|seen| !seen.is_null()) else { continue };
                let by_formula = number(&formula[view]["share"]) * number(&seen["value"]);
                assert!(
                    is_near(number(&seen["adds"]), by_formula / number(&formula[view]["spread"])),
                    "{hit}"
                );
                sum += number(&seen["adds"]);
            }
            assert!(is_near(sum, number(&wording["sum"])), "{hit}");
            sums.push(sum);
        }
        let weighted: f64 = sums.iter().zip(&gates).map(|(sum, gate)| sum * gate).sum();
        let fused = weighted / gates.iter().sum::<f64>();
        assert!(is_near(fused, number(&hit["sum"])), "{fused} in {hit}");
        last = last.min(fused / number(&formula["full_score"]));
        assert!(is_near(last, number(&hit["score"])), "{last} in {hit}");
    }
    assert!(number(&explanation["milliseconds"]["total"]) > 0.0);
}

#[test]
fn ranks_are_those_of_each_view_and_passages_that_make_way_say_so() {
    let env = library();
    let answer = env.json(&["ask", "rotate the key", "-n", "100", "--json", "--explain"]);
    let explanation = &answer["explanation"];
    let hits = explanation["hits"].as_array().unwrap();
    assert_eq!(explanation["chunks"], hits.len());
    for view in ["dense", "lexical", "late"] {
        let mut seen: Vec<(u64, f64)> = hits
            .iter()
            .map(|hit| &hit["wordings"][0][view])
            .map(|seen| (seen["rank"].as_u64().unwrap(), number(&seen["value"])))
            .collect();
        seen.sort_by_key(|(rank, _)| *rank);
        assert_eq!(seen[0].0, 1, "{view}");
        assert!(seen.is_sorted_by(|one, other| one.1 >= other.1), "{view}: {seen:?}");
    }
    let put_off: Vec<&Value> = hits.iter().filter(|hit| hit["is_put_off"] == true).collect();
    assert!(!put_off.is_empty());
    assert!(put_off.iter().all(|hit| hit["rank"].as_u64() >= hit["rank_by_sum"].as_u64()), "{put_off:?}");
    let path_of = |hit: &Value| {
        let id = &hit["id"];
        let hits = answer["hits"].as_array().unwrap();
        hits.iter().find(|hit| hit["id"] == *id).unwrap()["path"].as_str().unwrap().to_owned()
    };
    assert!(put_off.iter().all(|hit| path_of(hit) == "long.md"));
}

#[test]
fn people_get_a_table() {
    let env = TestEnv::indexed(PAGES);
    let outcome = env.docent(&["ask", "rotate a key", "-n", "1", "--explain"]).succeeds().tells("");
    let (answer, explanation) = outcome.stdout.split_once("how these were ranked: ").unwrap();
    assert!(answer.starts_with("1. keys.md:3-3  (score [SCORE])\n"), "{answer}");
    let lines: Vec<&str> = explanation.lines().collect();
    assert_eq!(lines[0], "2 chunks, 2 candidates scored by every view");
    assert_eq!(lines[2], "1. keys.md:3-3");
    let first: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
    let expected = ["2", "1.", "value", "dense", "lexical", "document", "late"];
    assert_eq!(first[..expected.len()], expected, "{explanation}");
    assert!(explanation.contains("\n   by the sum in place 1, so in place 1\n"), "{explanation}");
    assert!(explanation.contains("\ntime, ms: embed "), "{explanation}");
}

#[test]
fn an_evaluation_has_the_time_of_each_stage() {
    let env = TestEnv::indexed(PAGES);
    env.write(
        "set/questions.jsonl",
        "{\"id\": \"a\", \"query\": \"rotate a key\", \"relevant\": [{\"path\": \"keys.md\"}]}\n",
    );
    let outcome = env.docent(&["eval", "set", "-q"]).succeeds();
    let table = outcome.stdout.split_once("latency, ms").unwrap().1;
    let stages: Vec<&str> = table.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    let expected = [
        "embed", "filter", "dense", "document", "lexical", "combine", "late", "order", "evidence", "read",
        "total", "peak",
    ];
    assert_eq!(stages, expected);
}
