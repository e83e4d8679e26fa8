//! Notices of changes, in both eras of the protocol.

use docent::mcp::{Preset, Toolset};
use serde_json::{Value, json};

use crate::mcp_http_support::{Server, local};
use crate::mcp_support::{Client, Library};

/// The next notice with this method; others are passed over.
async fn notice(client: &mut Client, method: &str) -> Value {
    for _ in 0..20 {
        let message = client.receive().await;
        if message["method"] == method {
            return message;
        }
    }
    panic!("no {method}");
}

#[tokio::test]
async fn a_client_with_a_handshake_hears_of_what_it_subscribed_to() {
    let library = Library::new();
    let mut client = Client::silent(library.resident());
    let greeting = client.initialize().await;
    assert_eq!(greeting["capabilities"]["resources"], json!({"subscribe": true, "listChanged": true}));
    assert_eq!(greeting["capabilities"]["tools"], json!({"listChanged": true}));
    client.request("resources/subscribe", json!({"uri": "docs:///keys.md"})).await;
    let missing = client.exchange("resources/subscribe", json!({"uri": "docs:///key.md"})).await;
    assert!(missing["error"]["message"].as_str().unwrap().contains("did you mean `keys.md`?"), "{missing}");
    library.write("keys.md", "# Keys\n\nRotate them weekly.\n");
    library.index();
    assert_eq!(notice(&mut client, "notifications/resources/list_changed").await.get("params"), None);
    let updated = notice(&mut client, "notifications/resources/updated").await;
    assert_eq!(updated["params"]["uri"], "docs:///keys.md");
    client.request("resources/unsubscribe", json!({"uri": "docs:///keys.md"})).await;
    library.write("keys.md", "# Keys\n\nRotate them daily.\n");
    library.index();
    notice(&mut client, "notifications/resources/list_changed").await;
    let read = client.request("resources/read", json!({"uri": "docs:///keys.md"})).await;
    assert!(read["contents"][0]["text"].as_str().unwrap().contains("daily"), "nothing else came before");
    client.hang_up().await.unwrap();
}

#[tokio::test]
async fn a_client_without_a_handshake_listens() {
    let library = Library::new();
    let mut client = Client::modern(library.resident());
    let wanted = json!({"notifications": {
        "resourcesListChanged": true, "toolsListChanged": true, "resourceSubscriptions": ["docs:///keys.md"]}});
    let id = client.send("subscriptions/listen", wanted).await;
    let acknowledged = notice(&mut client, "notifications/subscriptions/acknowledged").await;
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"resourcesListChanged": true, "toolsListChanged": true, "resourceSubscriptions": ["docs:///keys.md"]})
    );
    library.write("guides/login.mdx", "# Logging in\n\nUse a passkey.\n");
    library.index();
    let changed = notice(&mut client, "notifications/resources/list_changed").await;
    assert_eq!(changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], json!(id), "{changed}");
    library.write("keys.md", "# Keys\n\nRotate them weekly.\n");
    library.index();
    let updated = notice(&mut client, "notifications/resources/updated").await;
    assert_eq!(updated["params"]["uri"], "docs:///keys.md");
    client.hang_up().await.unwrap();
}

/// The methods of the notices that come before the one with this method.
async fn until(client: &mut Client, method: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let message = client.receive().await;
        let told = message["method"].as_str().unwrap_or_default();
        if told == method {
            return before;
        }
        before.push(told.to_owned());
    }
}

#[tokio::test]
async fn clients_hear_of_a_tool_that_the_index_brings_or_takes() {
    const TOOLS: &str = "notifications/tools/list_changed";
    const RESOURCES: &str = "notifications/resources/list_changed";
    let library = Library::new();
    let mut legacy = Client::legacy(library.resident()).await;
    let mut modern = Client::modern(library.resident());
    let wanted = json!({"notifications": {"toolsListChanged": true, "resourcesListChanged": true}});
    modern.send("subscriptions/listen", wanted).await;
    notice(&mut modern, "notifications/subscriptions/acknowledged").await;
    let has_changelog = async |client: &mut Client| {
        let listed = client.request("tools/list", json!({})).await;
        listed["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "changelog")
    };
    assert!(!has_changelog(&mut legacy).await && !has_changelog(&mut modern).await);
    library.write("CHANGELOG.md", "# Changelog\n\n## 1.0.0\n\nKeys rotate by themselves.\n");
    library.index();
    for client in [&mut legacy, &mut modern] {
        notice(client, TOOLS).await;
        assert_eq!(until(client, RESOURCES).await, Vec::<String>::new());
        assert!(has_changelog(client).await);
    }
    library.write("keys.md", "# Keys\n\nRotate them weekly.\n");
    library.index();
    for client in [&mut legacy, &mut modern] {
        assert_eq!(until(client, RESOURCES).await, Vec::<String>::new(), "the tools are the same");
    }
    std::fs::remove_file(library.documents().join("CHANGELOG.md")).unwrap();
    library.index();
    for client in [&mut legacy, &mut modern] {
        notice(client, TOOLS).await;
    }
}

#[tokio::test]
async fn what_cannot_change_or_be_told_is_not_promised() {
    let library = Library::new();
    let tools = Toolset::from(&Preset::named("chatgpt").unwrap());
    let greeting = Client::silent_with(library.resident(), tools).initialize().await;
    assert_eq!(greeting["capabilities"]["tools"], json!({}), "a preset lists the same whatever is indexed");
    let server = Server::start(local()).await;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let greeting = server.post("", &hello).await.json();
    assert_eq!(greeting["result"]["capabilities"]["tools"], json!({}), "there is no stream to tell on");
    server.stop().await;
}
