//! The preset `workos`: the tools of a documentation server that others have built on, and the paths
//! that no tool of any preset may follow.

use docent::mcp::{Preset, Toolset};
use serde_json::{Value, json};

use crate::mcp_support::{Client, Library};

/// As `docent prepare` lays a project out, with other documents beside it.
fn library() -> Library {
    let library = Library::unindexed();
    for (path, text) in [
        ("organized/docs/sso/index.mdx", "# SSO\n\nSingle sign-on.\n"),
        ("organized/docs/sso/domains.mdx", "# Domains\n\nVerify the walrus domain.\n"),
        ("organized/docs/sso/saml/metadata.md", "# Metadata\n\nOf SAML.\n"),
        ("organized/docs/mfa.md", "# MFA\n\nA second factor."),
        ("organized/docs/email.mdx", "# Email\n\nTemplates.\n"),
        ("organized/examples/sso/app.ts", "export const sso = 1;\n"),
        ("organized/examples/mfa/app.ts", "export const mfa = 2;\n"),
        (
            "organized/changelogs/platform.json",
            r#"[{"package": "platform", "version": "Walrus mode", "date": "2025-05-30", "changes": ["Longer tusks."], "source": "rss", "url": "https://example.com/1", "guid": "1"}]"#,
        ),
        (
            "organized/changelogs/client.json",
            r#"[{"package": "client", "version": "1.0.0", "date": "2025-01-01", "changes": ["First."], "source": "markdown"}]"#,
        ),
    ] {
        library.write(path, text);
    }
    library.index();
    library
}

async fn client(library: &Library) -> Client {
    let preset = Preset::named("workos").unwrap();
    let mut client = Client::silent_with(library.resident(), Toolset::from(&preset));
    client.initialize().await;
    client
}

fn text(result: &Value) -> &str {
    assert_eq!(result["isError"], false, "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn the_tools_have_their_names_and_parameters() {
    let library = library();
    let mut client = client(&library).await;
    let listed = client.request("tools/list", json!({})).await;
    let tools: Vec<(&str, Vec<&str>, &Value)> = listed["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            let schema = &tool["inputSchema"];
            let names = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            (tool["name"].as_str().unwrap(), names, &schema["required"])
        })
        .collect();
    let expected = [
        ("workos_docs", vec!["path"], &json!(["path"])),
        ("workos_search", vec!["maxResults", "query", "rephrasings"], &json!(["query"])),
        ("workos_examples", vec!["example"], &json!(["example"])),
        ("workos_changelogs", vec!["package", "since"], &json!(["package"])),
    ];
    assert_eq!(tools, expected);
}

#[tokio::test]
async fn a_page_comes_whole_with_what_is_near_it() {
    let library = library();
    let mut client = client(&library).await;
    let page = client.call("workos_docs", json!({"path": "sso/domains"})).await;
    assert_eq!(
        text(&page),
        "# Domains\n\nVerify the walrus domain.\n\n\n---\n### Navigation Hints\n\n**Subdirectories in sso:**\n- sso/saml/\n\n\
         **Parent directory pages:**\n- email\n- mfa\n\n💡 **Tip:** Give one of these paths as `path` to read it."
    );
    for (path, beginning) in [
        ("sso", "# SSO\n"),
        ("/sso/", "# SSO\n"),
        ("sso/domains.mdx", "# Domains\n"),
        ("mfa", "# MFA\n\nA second factor.\n\n---\n"),
        ("organized/docs/mfa.md", "# MFA\n"),
        (
            "sso/saml",
            "`sso/saml` is a folder.\n\n---\n### Navigation Hints\n\n\n**Other pages in sso/saml:**\n- sso/saml/metadata",
        ),
    ] {
        let page = client.call("workos_docs", json!({"path": path})).await;
        assert!(text(&page).starts_with(beginning), "{path}: {page}");
    }
    let wrong = client.call_fails("workos_docs", json!({"path": "sso/domans"})).await;
    assert!(wrong.contains("\"sso/domans\" not found"), "{wrong}");
    assert!(wrong.contains("**Similar documentation pages:**\n- sso/domains"), "{wrong}");
    assert!(wrong.contains("**Available pages in \"sso\":**\n- sso/domains\n- sso/saml/"), "{wrong}");
    assert!(wrong.contains("**Top-level documentation categories:**\n- sso/"), "{wrong}");
}

#[tokio::test]
async fn a_search_names_pages_as_the_page_tool_takes_them() {
    let library = library();
    let mut client = client(&library).await;
    let arguments = json!({"query": "how do I verify the walrus domain?", "maxResults": 2});
    let found = client.call("workos_search", arguments).await;
    let found = text(&found);
    assert!(found.contains("\n## 📄 sso/domains\n\n**Line 3:**"), "{found}");
    assert!(found.contains("\nVerify the walrus domain.\n```\n"), "{found}");
    assert_eq!(found.matches("## 📄 ").count(), 2, "{found}");
    let wrong = client.call_fails("workos_search", json!({"query": "a", "maxResults": "many"})).await;
    assert!(wrong.starts_with("`maxResults` must be an integer"), "{wrong}");
}

#[tokio::test]
async fn a_page_beside_the_documentation_is_read_by_the_path_that_a_search_names() {
    let library = library();
    library.write("mfa.md", "# Beside\n\nThe pelican is beside.\n");
    library.index();
    let mut client = client(&library).await;
    let question = json!({"query": "how often do I rotate an API key?", "maxResults": 1});
    let found = client.call("workos_search", question).await;
    let path = text(&found).split_once("## 📄 ").unwrap().1.lines().next().unwrap().to_owned();
    assert_eq!(path, "keys.md");
    for path in [path.as_str(), "keys", "/keys.md"] {
        let page = client.call("workos_docs", json!({"path": path})).await;
        assert!(text(&page).starts_with("# Keys\n\n## Rotation\n"), "{path}: {page}");
        assert!(text(&page).contains("**Subdirectories in the top:**\n- sso/"), "{page}");
    }
    for (path, beginning) in [("mfa.md", "# Beside\n"), ("mfa", "# MFA\n")] {
        let page = client.call("workos_docs", json!({"path": path})).await;
        assert!(text(&page).starts_with(beginning), "{path}: {page}");
    }
    for other in ["organized/examples/sso/app.ts", "organized/changelogs/client.json"] {
        let refused = client.call_fails("workos_docs", json!({"path": other})).await;
        assert!(refused.contains("not found"), "{other}: {refused}");
    }
}

#[tokio::test]
async fn examples_and_changelogs_name_the_others() {
    let library = library();
    let mut client = client(&library).await;
    let example = client.call("workos_examples", json!({"example": "sso"})).await;
    assert!(text(&example).contains("## app.ts\n\n```typescript\nexport const sso = 1;\n"), "{example}");
    assert!(text(&example).ends_with("### Other Example Groups\n- mfa"), "{example}");
    let wrong = client.call_fails("workos_examples", json!({"example": "mfas"})).await;
    assert!(wrong.contains("**Available example groups:**\n- mfa\n- sso"), "{wrong}");
    let missing = client.call_fails("workos_examples", json!({})).await;
    assert!(missing.starts_with("the parameter `example` is missing"), "{missing}");
    let changes = client.call("workos_changelogs", json!({"package": "platform"})).await;
    assert_eq!(
        text(&changes),
        "# platform Changelog\n\n## Walrus mode\n**Date:** 2025-05-30\n**Link:** https://example.com/1\n\n\
         Longer tusks.\n\n---\n\n\n---\n### Other Package Changelogs\n- client"
    );
    let wrong = client.call_fails("workos_changelogs", json!({"package": "workos"})).await;
    assert!(wrong.contains("**Available package changelogs:**\n- client\n- platform"), "{wrong}");
    let missing = client.call_fails("workos_changelogs", json!({})).await;
    assert!(missing.starts_with("the parameter `package` is missing"), "{missing}");
}

#[tokio::test]
async fn without_an_index_every_tool_says_what_to_run() {
    let library = Library::unindexed();
    let mut client = client(&library).await;
    for (tool, parameter) in [
        ("workos_docs", "path"),
        ("workos_search", "query"),
        ("workos_examples", "example"),
        ("workos_changelogs", "package"),
    ] {
        let told = client.call_fails(tool, json!({parameter: "sso"})).await;
        assert!(told.contains("hint: ") && told.contains("docent index"), "{tool}: {told}");
    }
}

#[tokio::test]
async fn a_page_whose_source_is_gone_comes_from_the_index() {
    let library = library();
    let mut client = client(&library).await;
    std::fs::remove_dir_all(library.documents()).unwrap();
    let page = client.call("workos_docs", json!({"path": "sso/domains"})).await;
    assert!(text(&page).contains("Verify the walrus domain."), "{page}");
    assert!(text(&page).contains("The source is gone") && text(&page).contains("`docent index`"), "{page}");
}

const SECRET: &str = "THE-SECRET-OUTSIDE";

/// Every way that we know of to write a path that leads out.
fn escapes(outside: &std::path::Path) -> Vec<String> {
    let outside = outside.to_str().unwrap();
    let mut escapes = vec![
        outside.to_owned(),
        format!("file://{outside}"),
        format!("docs:///{outside}"),
        format!("/./{outside}"),
        "/etc/passwd".to_owned(),
        "link".to_owned(),
        "link.md".to_owned(),
        "linked/secret".to_owned(),
        "linked/secret.md".to_owned(),
    ];
    for up in [
        "../",
        "..\\",
        "%2e%2e%2f",
        "%2e%2e/",
        "..%2f",
        "..%5c",
        "%252e%252e%252f",
        "....//",
        "..;/",
        "\u{ff0e}\u{ff0e}/",
    ] {
        for depth in [1, 3] {
            for end in ["secret", "secret.md", "secret.md\0.md"] {
                escapes.push(format!("{}{end}", up.repeat(depth)));
                escapes.push(format!("sso/{}{end}", up.repeat(depth + 1)));
                escapes.push(format!("organized/docs/{}{end}", up.repeat(depth)));
            }
        }
    }
    escapes
}

/// The tools of one server, with their parameters that take text.
async fn texts(client: &mut Client) -> Vec<(String, String)> {
    let listed = client.request("tools/list", json!({})).await;
    let mut texts = Vec::new();
    for tool in listed["tools"].as_array().unwrap() {
        for (name, schema) in tool["inputSchema"]["properties"].as_object().unwrap() {
            if schema["type"] != "integer" {
                texts.push((tool["name"].as_str().unwrap().to_owned(), name.clone()));
            }
        }
    }
    texts
}

#[tokio::test]
#[cfg(unix)]
async fn no_parameter_of_any_tool_leads_out_of_the_index() {
    use std::os::unix::fs::symlink;
    let library = library();
    let outside = library.documents().parent().unwrap().join("secret.md");
    std::fs::write(&outside, SECRET).unwrap();
    let docs = library.documents().join("organized/docs");
    // Before and after indexing: neither is followed.
    symlink(&outside, docs.join("link.md")).unwrap();
    library.index();
    symlink(outside.parent().unwrap(), docs.join("linked")).unwrap();
    std::fs::remove_file(docs.join("email.mdx")).unwrap();
    symlink(&outside, docs.join("email.mdx")).unwrap();
    let workos = Toolset::from(&Preset::named("workos").unwrap());
    let chatgpt = Toolset::from(&Preset::named("chatgpt").unwrap());
    let mut calls = 0;
    for toolset in [Toolset::default(), workos, chatgpt] {
        let mut client = Client::silent_with(library.resident(), toolset);
        client.initialize().await;
        for (tool, parameter) in texts(&mut client).await {
            for escape in escapes(&outside).iter().map(String::as_str).chain([
                "email",
                "email.mdx",
                "organized/docs/email.mdx",
            ]) {
                let mut arguments = json!({parameter.as_str(): escape});
                if tool.contains("search") && parameter != "query" && parameter != "queries" {
                    arguments["query"] = "secret".into();
                }
                let answer =
                    client.exchange("tools/call", json!({"name": tool, "arguments": arguments})).await;
                assert!(!answer.to_string().contains(SECRET), "{tool} {parameter} {escape:?}: {answer}");
                assert!(!answer.to_string().contains("root:x:"), "{tool} {parameter} {escape:?}: {answer}");
                calls += 1;
            }
        }
    }
    assert!(calls > 3_000, "{calls}");
}
