//! The conversation around the tools: both eras of the protocol, beginnings and ends.

use std::sync::Arc;
use std::sync::mpsc;

use docent::retrieval::LoadFailure;
use serde_json::{Value, json};

use crate::mcp_support::{Client, Library, resident};

/// What definitions and instructions may cost a model's context, by the tokenizer of the GPT-4o
/// family.
const DEFINITION_TOKENS: usize = 1_000;
/// The same where the index holds examples and changelogs, for which there are two more tools.
const TOKENS_WITH_ALL_TOOLS: usize = 1_300;

#[tokio::test]
async fn initialize_names_docent_and_what_it_holds() {
    let library = Library::new();
    let mut client = Client::silent(library.resident());
    let answer = client.initialize().await;
    assert_eq!(answer["serverInfo"]["name"], "docent");
    assert_eq!(answer["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    let instructions = answer["instructions"].as_str().unwrap();
    assert!(instructions.contains("3 documents"), "{instructions}");
    assert!(instructions.contains("/handbook`"), "{instructions}");
    assert!(instructions.contains("never instructions"), "{instructions}");
    assert!(instructions.chars().count() <= 2_048);
}

#[tokio::test]
async fn discover_says_the_same_without_a_handshake() {
    let library = Library::new();
    let mut client = Client::modern(library.resident());
    let answer = client.request("server/discover", json!({})).await;
    assert!(answer["instructions"].as_str().unwrap().contains("3 documents"), "{answer}");
    assert!(answer["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{answer}");
    let hits = client.call("search", json!({"query": "rotate a key"})).await;
    assert_eq!(hits["structuredContent"]["hits"][0]["path"], "keys.md");
    assert_eq!(hits["resultType"], "complete");
}

#[tokio::test]
async fn definitions_are_as_recorded_and_small() {
    let library = Library::new();
    let mut client = Client::modern(library.resident());
    let listed = client.request("tools/list", json!({})).await;
    assert_eq!((&listed["ttlMs"], &listed["cacheScope"]), (&json!(300_000), &json!("public")));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp_tools_list.json");
    let tools = serde_json::to_string_pretty(&listed["tools"]).unwrap() + "\n";
    if std::env::var_os("DOCENT_UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &tools).unwrap();
    }
    let recorded = std::fs::read_to_string(golden).unwrap();
    assert_eq!(tools, recorded, "if the change is meant, run with DOCENT_UPDATE_GOLDEN=1");
}

#[tokio::test]
async fn definitions_and_instructions_are_small() {
    assert_small(&Library::new(), 5, DEFINITION_TOKENS).await;
    let library = Library::unindexed();
    library.write("examples/login/app.ts", "export function login() {}\n");
    library.write("packages/client/CHANGELOG.md", "# Changelog\n\n## 1.0.0\n\n- First walrus.\n");
    library.index();
    assert_small(&library, 7, TOKENS_WITH_ALL_TOOLS).await;
}

async fn assert_small(library: &Library, tools: usize, most: usize) {
    let mut client = Client::silent(library.resident());
    let instructions = client.initialize().await["instructions"].as_str().unwrap().to_owned();
    // The letters of a temporary folder's name are some tokens more or less.
    let folder = library.documents().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let instructions = instructions.replace(&folder, "shop");
    let listed = client.request("tools/list", json!({})).await;
    let encoder = tiktoken_rs::o200k_base().unwrap();
    let count = |text: &str| encoder.encode_ordinary(text).len();
    let mut total = count(&instructions);
    let mut table = format!("instructions {total}");
    for tool in listed["tools"].as_array().unwrap() {
        let tokens = count(&tool.to_string());
        table.push_str(&format!(", {} {tokens}", tool["name"]));
        total += tokens;
    }
    eprintln!("{table}: {total}");
    assert_eq!(listed["tools"].as_array().unwrap().len(), tools);
    assert!(total <= most, "{table}: {total} tokens");
}

#[tokio::test]
async fn definitions_are_portable() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let listed = client.request("tools/list", json!({})).await;
    for tool in listed["tools"].as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(tool["description"].as_str().unwrap().chars().count() <= 2_048, "{name}");
        assert!(tool["title"].is_string() && tool["annotations"]["title"].is_string(), "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        jsonschema::draft202012::new(&tool["inputSchema"]).unwrap();
        for (parameter, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(schema["type"].is_string(), "{name}.{parameter} has one type");
            assert!(schema["description"].is_string(), "{name}.{parameter}");
        }
        assert_plain(&tool["inputSchema"]);
        if let Some(schema) = tool.get("outputSchema") {
            assert_plain(schema);
        }
    }
}

/// No words that some clients refuse.
fn assert_plain(schema: &Value) {
    let text = schema.to_string();
    for word in ["\"$schema\"", "\"format\"", "\"null\"", "\"anyOf\"", "\"$ref\""] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn a_cursor_for_the_only_page_is_refused() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let answer = client.exchange("tools/list", json!({"cursor": "2"})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_with_advice() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let answer = client.exchange("tools/call", json!({"name": "serach", "arguments": {}})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(answer["error"]["message"], "unknown tool `serach`; did you mean `search`?");
}

#[tokio::test]
async fn a_known_method_with_odd_parameters_is_told_what_it_takes() {
    let library = Library::new();
    for modern in [false, true] {
        let resident = library.resident();
        let mut client = if modern { Client::modern(resident) } else { Client::legacy(resident).await };
        for params in [json!({"name": 5}), json!({}), json!({"name": "search", "arguments": "keys"})] {
            let answer = client.exchange("tools/call", params.clone()).await;
            assert_eq!(answer["error"]["code"], -32602, "{params}: {answer}");
            let told = answer["error"]["message"].as_str().unwrap();
            assert!(told.ends_with("`name`: a string, `arguments`: an object, may be left out"), "{told}");
        }
        let answer = client.exchange("tools/cal", json!({})).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["message"]),
            (&json!(-32601), &json!("tools/cal"))
        );
    }
}

#[tokio::test]
async fn the_end_of_input_is_a_clean_end() {
    let library = Library::new();
    Client::silent(library.resident()).hang_up().await.unwrap();
    Client::legacy(library.resident()).await.hang_up().await.unwrap();
    let mut modern = Client::modern(library.resident());
    modern.request("tools/list", json!({})).await;
    modern.hang_up().await.unwrap();
}

#[tokio::test]
async fn a_line_that_is_no_protocol_does_not_stop_the_next() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    client.line("this is not JSON").await;
    assert!(client.request("tools/list", json!({})).await["tools"].is_array());
}

/// As programs write it that cut a text in the middle of an emoji.
#[tokio::test]
async fn half_an_emoji_is_answered() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let call = r#"{"name":"search","arguments":{"query":"rotate a key \ud83d"}}"#;
    client.line(&format!(r#"{{"jsonrpc":"2.0","id":"half","method":"tools/call","params":{call}}}"#)).await;
    let answer = client.receive().await;
    assert_eq!(answer["id"], "half");
    assert_eq!(answer["result"]["structuredContent"]["hits"][0]["path"], "keys.md", "{answer}");
}

#[tokio::test]
async fn the_handshake_does_not_wait_for_the_model() {
    let library = Library::new();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let slow = resident(&library.index_folder(), move || {
        let _ = released.lock().unwrap().recv();
        Ok(())
    });
    let mut client = Client::legacy(slow).await;
    assert!(client.request("tools/list", json!({})).await["tools"].is_array());
    let early = client.call("search", json!({"query": "rotate a key"})).await;
    assert_eq!(early["structuredContent"]["degraded"], "lexical_only", "{early}");
    assert_eq!(early["structuredContent"]["hits"][0]["path"], "keys.md");
    assert!(early["content"][0]["text"].as_str().unwrap().contains("degraded: lexical_only"));
    let status = client.call("status", json!({})).await;
    assert!(status["content"][0]["text"].as_str().unwrap().contains("lexical_only"), "{status}");
    drop(release);
    for _ in 0..200 {
        let answer = client.call("search", json!({"query": "rotate a key"})).await;
        assert_eq!(answer["structuredContent"]["hits"][0]["path"], "keys.md");
        if answer["structuredContent"].get("degraded").is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the model never came");
}

#[tokio::test]
async fn without_an_index_the_server_stays_and_says_what_to_run() {
    let library = Library::unindexed();
    let mut client = Client::silent(library.resident());
    let greeting = client.initialize().await;
    assert!(greeting["instructions"].as_str().unwrap().contains("docent index PATH"), "{greeting}");
    let text = client.call_fails("search", json!({"query": "rotate a key"})).await;
    let expected = format!(
        "no index in `{}`\n\nhint: make one with `docent index PATH`, or name its folder with --index DIR or DOCENT_INDEX",
        library.index_folder().display()
    );
    assert_eq!(text, expected);
    library.index();
    let answer = client.call("search", json!({"query": "rotate a key"})).await;
    assert_eq!(answer["structuredContent"]["generation"], 1, "an index made meanwhile is used");
}

#[tokio::test]
async fn without_a_model_the_server_stays_and_says_what_to_run() {
    let library = Library::new();
    let missing = resident(&library.index_folder(), || {
        Err(LoadFailure { message: "the model is not there".into(), hint: "run `docent pull`".into() })
    });
    let mut client = Client::legacy(missing).await;
    let text = client.call_fails("search", json!({"query": "rotate a key"})).await;
    assert_eq!(text, "the model is not there\n\nhint: run `docent pull`");
}

#[tokio::test]
async fn a_rebuild_is_seen_by_the_next_question_and_breaks_none() {
    let library = Arc::new(Library::new());
    let mut client = Client::legacy(library.resident()).await;
    let generation = |answer: &Value| answer["structuredContent"]["generation"].as_u64().unwrap();
    let first = client.call("search", json!({"query": "weather"})).await;
    assert_eq!(generation(&first), 1);
    for build in 2..=4 {
        library.write("weather.md", &format!("# Weather\n\nReport {build}: rain.\n"));
        let writing = Arc::clone(&library);
        let mut building = tokio::task::spawn_blocking(move || writing.index());
        while !building.is_finished() {
            let answer = client.call("search", json!({"query": "weather"})).await;
            assert_eq!(answer["isError"], false, "{answer}");
        }
        (&mut building).await.unwrap();
        let after = client.call("search", json!({"query": "weather", "limit": 1})).await;
        assert_eq!(generation(&after), build);
        assert!(after["structuredContent"]["hits"][0]["text"].as_str().unwrap().contains("rain"), "{after}");
    }
    std::fs::remove_dir_all(library.index_folder()).unwrap();
    let orphaned = client.call("search", json!({"query": "weather"})).await;
    assert_eq!(generation(&orphaned), 4, "the generation at hand still answers");
}
