//! Notices of changes, in both eras of the protocol.

use serde_json::{Value, json};

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
        json!({"resourcesListChanged": true, "resourceSubscriptions": ["docs:///keys.md"]}),
        "lists of tools do not change"
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
