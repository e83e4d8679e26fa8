//! Resources, completion and prompts.

use serde_json::{Value, json};

use crate::mcp_support::{Client, Library};

#[tokio::test]
async fn documents_are_resources_with_what_is_known_of_them() {
    let library = Library::new();
    let mut client = Client::modern(library.resident());
    let page = client.request("resources/list", json!({})).await;
    assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(60_000), &json!("private")));
    assert!(page.get("nextCursor").is_none());
    let login = &page["resources"][1];
    assert_eq!(login["uri"], "docs:///guides/login.mdx");
    assert_eq!(login["title"], "Logging in");
    assert_eq!(login["mimeType"], "text/markdown");
    assert!(login["size"].as_u64().unwrap() > 50);
    let modified = login["annotations"]["lastModified"].as_str().unwrap();
    assert!(modified.starts_with("20") && modified.ends_with('Z'), "{modified}");
    let templates = client.request("resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "docs:///{+path}");
    let read = client.request("resources/read", json!({"uri": "docs:///keys.md"})).await;
    assert_eq!(
        read["contents"],
        json!([{"uri": "docs:///keys.md", "mimeType": "text/markdown",
            "text": "# Keys\n\n## Rotation\n\nRotate an API key every ninety days.\n"}])
    );
}

#[tokio::test]
async fn resources_come_in_pages() {
    let library = Library::unindexed();
    for number in 0..450 {
        library.write(&format!("many/{number:03}.md"), &format!("# Number {number}\n\nText.\n"));
    }
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let mut uris: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
        let page = client.request("resources/list", params).await;
        uris.extend(
            page["resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|resource| resource["uri"].as_str().unwrap().to_owned()),
        );
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(uris.len(), 453);
    assert!(uris.is_sorted());
    let bad = client.exchange("resources/list", json!({"cursor": "nonsense"})).await;
    assert_eq!(bad["error"]["code"], -32602, "{bad}");
}

#[tokio::test]
async fn a_cursor_of_the_resources_goes_on_across_one_rebuild() {
    let library = Library::unindexed();
    for number in 0..250 {
        library.write(&format!("many/{number:03}.md"), &format!("# Number {number}\n\nText.\n"));
    }
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let first = client.request("resources/list", json!({})).await;
    let cursor = json!({"cursor": first["nextCursor"]});
    let second = client.request("resources/list", cursor.clone()).await;
    library.write("a.md", "# A\n\nStands before all others.\n");
    library.index();
    let fresh = client.request("resources/list", json!({})).await;
    assert_eq!(fresh["resources"][0]["uri"], "docs:///a.md");
    let again = client.request("resources/list", cursor.clone()).await;
    assert_eq!(again["resources"], second["resources"], "nothing is repeated or left out");
    library.write("b.md", "# B\n\nStands next to it.\n");
    library.index();
    client.request("resources/list", json!({})).await;
    let gone = client.exchange("resources/list", cursor).await;
    assert_eq!(gone["error"]["code"], -32602, "{gone}");
}

#[tokio::test]
async fn what_is_no_document_is_no_resource() {
    let library = Library::new();
    let uris = ["docs:///../secret.md", "docs:///nothing.md", "file:///etc/passwd", "docs:///%2e%2e/x", ""];
    let mut modern = Client::modern(library.resident());
    for uri in uris {
        let answer = modern.exchange("resources/read", json!({"uri": uri})).await;
        assert_eq!(answer["error"]["code"], -32602, "{uri}: {answer}");
        assert_eq!(answer["error"]["data"]["uri"], uri);
    }
    let mut legacy = Client::legacy(library.resident()).await;
    let answer = legacy.exchange("resources/read", json!({"uri": "docs:///nothing.md"})).await;
    assert_eq!(answer["error"]["code"], -32002, "{answer}");
}

#[tokio::test]
async fn paths_are_completed_from_their_beginning_first() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let mut complete = async |uri: &str, name: &str, typed: &str| {
        let params =
            json!({"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": name, "value": typed}});
        client.request("completion/complete", params).await["completion"].take()
    };
    let template = "docs:///{+path}";
    let all = complete(template, "path", "").await;
    assert_eq!(
        all,
        json!({"values": ["guides/hostile.md", "guides/login.mdx", "keys.md"], "total": 3, "hasMore": false})
    );
    assert_eq!(complete(template, "path", "Guides/l").await["values"], json!(["guides/login.mdx"]));
    assert_eq!(complete(template, "path", "md").await["total"], 3);
    assert_eq!(complete(template, "other", "k").await["values"], json!([]));
    assert_eq!(complete("other:///{x}", "path", "k").await["values"], json!([]));
}

#[tokio::test]
async fn prompts_lead_to_the_tools() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let listed = client.request("prompts/list", json!({})).await;
    let names: Vec<&str> =
        listed["prompts"].as_array().unwrap().iter().map(|prompt| prompt["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["answer_from_docs", "compare"]);
    let prompt = json!({"name": "answer_from_docs", "arguments": {"question": "How do I log in?"}});
    let filled = client.request("prompts/get", prompt).await;
    assert_eq!(filled["messages"][0]["role"], "user");
    assert!(
        filled["messages"][0]["content"]["text"].as_str().unwrap().contains("only: How do I log in?"),
        "{filled}"
    );
    let compare = json!({"name": "compare", "arguments": {"first": "SAML", "second": "OIDC"}});
    assert!(client.request("prompts/get", compare).await.to_string().contains("Compare SAML and OIDC"));
    let missing =
        client.exchange("prompts/get", json!({"name": "compare", "arguments": {"first": "a"}})).await;
    assert_eq!(missing["error"]["code"], -32602);
    assert_eq!(missing["error"]["message"], "the prompt `compare` needs the argument `second`");
    let unknown = client.exchange("prompts/get", json!({"name": "compair"})).await;
    assert_eq!(unknown["error"]["message"], "unknown prompt `compair`; did you mean `compare`?");
}
