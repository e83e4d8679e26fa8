//! Presets: the tools under other names.

use docent::mcp::{Preset, Toolset};
use serde_json::{Value, json};

use crate::mcp_support::{Client, Library};
use crate::testenv::{PAGES, TestEnv};

const OWN: &str = r#"
name = "own"
instructions = "Ask the handbook first."

[[tools]]
name = "handbook_search"
tool = "search"
title = "Handbook"
description = "Search the handbook."
[tools.parameters.query]
required = true
[tools.parameters.maxResults]
is = "limit"
description = "How many"
[tools.fixed]
path = "guides"
"#;

async fn client(library: &Library, preset: &Preset) -> (Client, Value) {
    let mut client = Client::silent_with(library.resident(), Toolset::from(preset));
    let greeting = client.initialize().await;
    (client, greeting)
}

#[tokio::test]
async fn chatgpt_gets_its_pair_in_its_exact_shapes() {
    let library = Library::new();
    let (mut client, greeting) = client(&library, &Preset::named("chatgpt").unwrap()).await;
    let instructions = greeting["instructions"].as_str().unwrap();
    assert!(instructions.contains("Call `search`") && instructions.contains("`fetch`"), "{instructions}");
    let listed = client.request("tools/list", json!({})).await;
    let tools: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(tools, ["search", "fetch"]);
    let found = client.call("search", json!({"query": "how often do I rotate a key?"})).await;
    let results = &found["structuredContent"]["results"];
    assert_eq!(results[0], json!({"id": "keys.md", "title": "Keys", "url": "docs:///keys.md"}));
    let ids: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["id"]).collect();
    assert_eq!(ids.len(), 3, "a document is one result: {ids:?}");
    let text = found["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), found["structuredContent"]);
    assert_eq!(found["content"].as_array().unwrap().len(), 1);
    let fetched = client.call("fetch", json!({"id": "keys.md"})).await;
    let document = &fetched["structuredContent"];
    assert_eq!(document["text"], "# Keys\n\n## Rotation\n\nRotate an API key every ninety days.\n");
    assert_eq!((&document["title"], &document["url"]), (&json!("Keys"), &json!("docs:///keys.md")));
    assert_eq!(document["metadata"]["source"], "as indexed");
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "metadata", "text", "title", "url"]);
    let missing = client.call_fails("fetch", json!({"id": "key.md"})).await;
    assert_eq!(missing, "there is no document or passage `key.md`\n\nhint: did you mean `keys.md`?");
}

#[tokio::test]
async fn a_preset_renames_describes_and_fixes() {
    let library = Library::new();
    let (mut client, greeting) = client(&library, &Preset::parse(OWN).unwrap()).await;
    assert!(greeting["instructions"].as_str().unwrap().contains("Ask the handbook first."));
    let listed = client.request("tools/list", json!({})).await;
    let tool = &listed["tools"][0];
    assert_eq!((&tool["name"], &tool["title"]), (&json!("handbook_search"), &json!("Handbook")));
    assert_eq!(
        tool["inputSchema"],
        json!({"type": "object", "additionalProperties": false, "required": ["query"], "properties": {
            "query": {"type": "string", "description": "Whole question"},
            "maxResults": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many"},
        }})
    );
    let found = client.call("handbook_search", json!({"query": "rotate a key", "maxResults": "1"})).await;
    let hits = found["structuredContent"]["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 1);
    assert!(hits[0]["path"].as_str().unwrap().starts_with("guides/"), "what is fixed holds: {hits:?}");
    let wrong = client.call_fails("handbook_search", json!({"query": "a", "maxResults": 1_000})).await;
    assert!(wrong.ends_with("give `maxResults` as an integer from 1 to 100"), "{wrong}");
    let unknown = client.call_fails("handbook_search", json!({"query": "a", "path": "keys.md"})).await;
    assert_eq!(unknown, "unknown parameter `path`\n\nhint: known parameters: maxResults, query");
    let other = client.exchange("tools/call", json!({"name": "search", "arguments": {}})).await;
    assert_eq!(other["error"]["message"], "unknown tool `search`; known tools: handbook_search");
}

#[test]
fn a_preset_that_cannot_be_used_is_said_at_the_start() {
    let env = TestEnv::indexed(PAGES);
    env.docent(&["serve", "--preset", "chatgtp"]).fails_with(
        "error: there is no preset `chatgtp`\n\nhint: there is `chatgpt`, `workos`; or name a file of your own\n",
    );
    let outcome = env.docent(&["serve", "--preset", "mine.toml"]).ends_with_status(2);
    assert!(outcome.stderr.starts_with("error: `mine.toml` cannot be read: "), "{}", outcome.stderr);
    env.write("mine.toml", "name = \"mine\"\n[[tools]]\nname = \"a\"\ntool = \"b\"\n");
    let outcome = env.docent(&["serve", "--preset", "mine.toml"]).ends_with_status(2);
    let expected =
        "error: the preset `mine.toml` cannot be used: the preset's tool `a` is to be done by `b`; ";
    assert!(outcome.stderr.starts_with(expected), "{}", outcome.stderr);
    env.write("mine.toml", OWN);
    env.docent(&["serve", "--preset", "mine.toml"]).succeeds().prints("").tells("");
}
