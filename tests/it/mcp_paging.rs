//! `search` beyond one plain question: wordings, several questions, filters, budgets and pages.

use std::sync::{Mutex, mpsc};

use serde_json::{Value, json};

use crate::mcp_support::{Client, Library, resident};

fn paths(result: &Value) -> Vec<&str> {
    let hits = result["structuredContent"]["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["path"].as_str().unwrap()).collect()
}

/// Thirty documents of one paragraph each.
fn shelf() -> Library {
    let library = Library::unindexed();
    for number in 0..30 {
        let text =
            format!("# Planet {number}\n\nThe planet number {number} orbits its star in {number} days.\n");
        library.write(&format!("planets/p{number:02}.md"), &text);
    }
    library.index();
    library
}

#[tokio::test]
async fn other_wordings_find_what_the_question_does_not_name() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let vague = client.call("search", json!({"query": "how often must credentials be changed"})).await;
    let rephrasings = json!(["rotate an API key", "API key rotation every ninety days"]);
    let arguments = json!({"query": "how often must credentials be changed", "rephrasings": rephrasings});
    let clear = client.call("search", arguments).await;
    assert_eq!(paths(&clear)[0], "keys.md");
    let score = |result: &Value| {
        let hits = result["structuredContent"]["hits"].as_array().unwrap();
        hits.iter().find(|hit| hit["path"] == "keys.md").and_then(|hit| hit["score"].as_f64())
    };
    assert!(score(&clear) > score(&vague), "{clear} {vague}");
    let many = json!({"query": "a", "rephrasings": ["b", "c", "d", "e", "f", "g"]});
    let refused = client.call_fails("search", many).await;
    assert_eq!(refused, "6 rephrasings are too many; the limit is 5\n\nhint: keep the 5 that differ most");
}

#[tokio::test]
async fn several_questions_are_answered_in_turns_without_repeats() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let queries = json!(["rotate a key", "how long is a session", "rotate an API key"]);
    let result = client.call("search", json!({"queries": queries, "limit": 2})).await;
    let hits = result["structuredContent"]["hits"].as_array().unwrap();
    assert_eq!((hits[0]["path"].as_str(), &hits[0]["question"]), (Some("keys.md"), &json!(1)));
    assert_eq!((hits[1]["path"].as_str(), &hits[1]["question"]), (Some("guides/login.mdx"), &json!(2)));
    let mut ids: Vec<&str> = hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), hits.len(), "{hits:?}");
    let both = client.call_fails("search", json!({"query": "a", "queries": ["b"]})).await;
    assert!(both.starts_with("`query` and `queries` exclude each other"), "{both}");
}

#[tokio::test]
async fn a_path_filters_before_the_best_are_chosen() {
    let library = shelf();
    let mut client = Client::legacy(library.resident()).await;
    for path in ["guides", "guides/**", "*.mdx", "guides/login.mdx"] {
        let arguments = json!({"query": "the planet number 7", "path": path, "limit": 1});
        let result = client.call("search", arguments).await;
        assert!(paths(&result)[0].starts_with("guides/"), "{path}: {result}");
    }
    let nothing = client.call("search", json!({"query": "planet", "path": "nowhere/**"})).await;
    assert_eq!(paths(&nothing), Vec::<&str>::new());
    assert_eq!(
        nothing["structuredContent"]["note"],
        "No passages under path `nowhere/**`: widen it, or see `list`."
    );
    let wrong = client.call_fails("search", json!({"query": "planet", "path": "a[b"})).await;
    assert!(wrong.starts_with("the path pattern `a[b` is not a glob: "), "{wrong}");
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat() {
    let library = shelf();
    let mut client = Client::legacy(library.resident()).await;
    let all = client.call("search", json!({"query": "planet orbits star", "limit": 20})).await;
    let mut paged = Vec::new();
    let mut cursor = Value::Null;
    for _ in 0..4 {
        let page =
            client.call("search", json!({"query": "planet orbits star", "limit": 5, "cursor": cursor})).await;
        paged.extend(page["structuredContent"]["hits"].as_array().unwrap().clone());
        cursor = page["structuredContent"]["next_cursor"].clone();
        assert!(cursor.is_string(), "{page}");
    }
    assert_eq!(&Value::Array(paged), &all["structuredContent"]["hits"]);
    let other = client.call_fails("search", json!({"query": "another", "cursor": cursor})).await;
    assert!(other.starts_with("this cursor belongs to another question"), "{other}");
    let last = client.call("search", json!({"query": "planet orbits star", "limit": 100})).await;
    assert!(last["structuredContent"].get("next_cursor").is_none(), "{last}");
}

#[tokio::test]
async fn several_questions_together_get_no_more_than_one_may() {
    let library = Library::unindexed();
    for number in 0..70 {
        let (planet, moon) = (format!("# Planet {number}\n\n"), format!("# Moon {number}\n\n"));
        library.write(&format!("p{number}.md"), &format!("{planet}The planet {number} orbits its star.\n"));
        library.write(&format!("m{number}.md"), &format!("{moon}Its craters are {number} miles wide.\n"));
    }
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let mut arguments = json!({"queries": ["planet orbits its star", "moon craters wide"], "limit": 100});
    let first = client.call("search", arguments.clone()).await;
    arguments["cursor"] = first["structuredContent"]["next_cursor"].clone();
    let second = client.call("search", arguments).await;
    let (mut first, second) = (paths(&first), paths(&second));
    assert_eq!(first.len(), 100);
    assert!(second.len() >= 40, "the rest comes behind the cursor: {second:?}");
    let all = first.len() + second.len();
    first.extend(second);
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), all, "nothing comes twice");
}

#[tokio::test]
async fn a_page_by_words_alone_is_followed_by_one_by_words_alone() {
    let library = shelf();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let slow = resident(&library.index_folder(), move || {
        let _ = released.lock().unwrap().recv();
        Ok(())
    });
    let mut client = Client::legacy(slow).await;
    let question = |cursor: &Value| json!({"query": "days of a planet", "limit": 5, "cursor": cursor});
    let first = client.call("search", question(&Value::Null)).await;
    assert_eq!(first["structuredContent"]["degraded"], "lexical_only", "{first}");
    let cursor = first["structuredContent"]["next_cursor"].clone();
    let early = client.call("search", question(&cursor)).await;
    drop(release);
    for _ in 0..200 {
        let whole = client.call("search", question(&Value::Null)).await;
        if whole["structuredContent"].get("degraded").is_none() {
            let late = client.call("search", question(&cursor)).await;
            assert_eq!(late["structuredContent"]["degraded"], "lexical_only", "{late}");
            assert_eq!(late["structuredContent"], early["structuredContent"], "the ranking is the same");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the model never came");
}

#[tokio::test]
async fn a_cursor_keeps_its_generation_across_one_rebuild() {
    let library = shelf();
    let mut client = Client::legacy(library.resident()).await;
    let question = |cursor: &Value| json!({"query": "planet", "limit": 3, "cursor": cursor});
    let first = client.call("search", question(&Value::Null)).await;
    let cursor = first["structuredContent"]["next_cursor"].clone();
    let second = client.call("search", question(&cursor)).await;
    library.write("planets/p99.md", "# planet planet planet\n\nplanet planet\n");
    library.index();
    let fresh = client.call("search", question(&Value::Null)).await;
    assert_eq!(fresh["structuredContent"]["generation"], 2);
    assert_eq!(client.call("search", question(&cursor)).await, second, "the pinned page is the same");
    let pinned = json!({"query": "planet", "limit": 3, "generation": "1"});
    assert_eq!(
        client.call("search", pinned.clone()).await["structuredContent"]["hits"],
        first["structuredContent"]["hits"]
    );
    library.write("planets/p98.md", "# planet\n\nmore\n");
    library.index();
    client.call("search", question(&Value::Null)).await;
    let gone = client.call_fails("search", pinned).await;
    assert_eq!(
        gone,
        "generation 1 of the index is not kept; the newest is 3\n\nhint: ask again without `generation` and `cursor`"
    );
}

#[tokio::test]
async fn a_budget_holds_for_the_whole_answer() {
    let library = shelf();
    let long =
        (0..400).map(|number| format!("Sentence {number} on comets is here.")).collect::<Vec<_>>().join("\n")
            + "\n";
    library.write("comets.md", &format!("# Comets\n\n```\n{long}```\n"));
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    // What the hashing encoder counts as tokens: words.
    let count = |value: &Value| {
        value
            .to_string()
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .count()
    };
    for budget in [100, 200, 400, 1_000] {
        let result =
            client.call("search", json!({"query": "sentence on comets", "max_tokens": budget})).await;
        let content = &result["structuredContent"];
        let tokens = count(content).max(count(&result["content"][0]["text"]));
        assert!(tokens <= budget, "{tokens} of {budget}: {result}");
        assert!(!content["hits"].as_array().unwrap().is_empty());
        let cut = content["note"].as_str().is_some_and(|note| note.starts_with("Cut to"));
        assert_eq!(cut, content["next_cursor"].is_string(), "{content}");
    }
    let small = client.call_fails("search", json!({"query": "a", "max_tokens": 10})).await;
    assert!(small.starts_with("`max_tokens` must be from 100 to 100000, not 10"), "{small}");
}

#[tokio::test]
async fn the_default_budget_stands_back_where_a_limit_is_given() {
    let library = shelf();
    // Each of these takes some 200 of the hashing encoder's tokens.
    for number in 0..40 {
        let words: Vec<String> = (0..200).map(|word| format!("moon{number}x{word}")).collect();
        library
            .write(&format!("moons/m{number:02}.md"), &format!("# Moon {number}\n\n{}\n", words.join(" ")));
    }
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let asked = json!({"query": "moon", "path": "moons", "limit": 40});
    let whole = client.call("search", asked).await;
    assert_eq!(paths(&whole).len(), 40);
    assert!(whole["structuredContent"].get("note").is_none(), "{whole}");
    let budget = json!({"query": "moon", "path": "moons", "limit": 40, "max_tokens": 4_000});
    let cut = client.call("search", budget).await;
    assert!(paths(&cut).len() < 40, "the same budget, asked for, holds");
    let plain = client.call("search", json!({"query": "moon", "path": "moons"})).await;
    assert_eq!(paths(&plain).len(), 5);
}

#[tokio::test]
async fn a_concise_answer_shows_first_words() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let arguments = json!({"query": "log in", "detail": "concise"});
    let result = client.call("search", arguments).await;
    for hit in result["structuredContent"]["hits"].as_array().unwrap() {
        let text = hit["text"].as_str().unwrap();
        assert!(text.chars().count() <= 161 && !text.contains('\n'), "{text}");
    }
    let wrong = client.call_fails("search", json!({"query": "a", "detail": "brief"})).await;
    assert!(wrong.starts_with("`detail` must be `detailed` or `concise`, not `brief`"), "{wrong}");
}
