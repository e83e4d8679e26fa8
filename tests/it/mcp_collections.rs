//! `examples` and `changelog`, which are listed where the index holds such documents, and what `list`
//! says of them.

use serde_json::{Value, json};

use crate::mcp_support::{Client, Library};

const CHANGELOG: &str = "# Changelog\n\n## [1.1.0] - 2025-03-01\n\n### Fixed\n\n- The lantern.\n\n\
    ## [1.0.0] - 2025-01-01\n\n- First walrus.\n";

fn library() -> Library {
    let library = Library::unindexed();
    library.write("examples/login/app.ts", "// Shows the penguin in.\nexport function login() {}\n");
    library.write("examples/login/keys.py", "def key():\n    return 7\n");
    library.write("examples/search/main.rs", "fn main() {}\n");
    library.write("packages/client/CHANGELOG.md", CHANGELOG);
    library.index();
    library
}

fn text(result: &Value) -> &str {
    assert_eq!(result["isError"], false, "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

fn names(listed: &Value) -> Vec<&str> {
    listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tools_are_listed_where_there_is_something_for_them() {
    let library = library();
    let mut client = Client::silent(library.resident());
    let greeting = client.initialize().await;
    let instructions = greeting["instructions"].as_str().unwrap();
    assert!(
        instructions.contains("`examples` has code examples. `changelog` has what changed."),
        "{instructions}"
    );
    let listed = client.request("tools/list", json!({})).await;
    assert_eq!(names(&listed), ["search", "read", "list", "related", "status", "examples", "changelog"]);

    let plain = Library::new();
    let mut client = Client::legacy(plain.resident()).await;
    let listed = client.request("tools/list", json!({})).await;
    assert_eq!(names(&listed), ["search", "read", "list", "related", "status"]);
    for tool in ["examples", "changelog"] {
        let nothing = client.call_fails(tool, json!({})).await;
        assert!(nothing.contains("are indexed.\n\nhint: run `docent index` with"), "{nothing}");
    }
}

#[tokio::test]
async fn the_top_of_the_list_names_groups_and_packages() {
    let library = library();
    let mut client = Client::legacy(library.resident()).await;
    let top = client.call("list", json!({})).await;
    assert!(
        text(&top).ends_with(
            "\n\nexample groups, for `examples`:\nlogin · 2 files\nsearch · 1 file\n\n\
             changelogs, for `changelog`:\nclient · 2 entries"
        ),
        "{top}"
    );
    let folder = client.call("list", json!({"path": "guides"})).await;
    assert!(!text(&folder).contains("example groups"), "{folder}");
}

#[tokio::test]
async fn groups_and_packages_are_paged_like_documents() {
    let library = library();
    let mut client = Client::legacy(library.resident()).await;
    let whole = text(&client.call("list", json!({})).await).to_owned();
    let lines: Vec<&str> = whole.lines().skip(1).collect();
    let (mut paged, mut cursor) = (Vec::new(), json!(null));
    for _ in 0..20 {
        let page = client.call("list", json!({"limit": 1, "cursor": cursor})).await;
        let (head, rest) = text(&page).split_once('\n').unwrap();
        // What is above the first of a section is repeated above the first of each page in it.
        let mut own: Vec<String> = rest.lines().map(str::to_owned).collect();
        paged.push(own.pop().unwrap());
        let Some((_, next)) = head.split_once(" · next: cursor ") else { break };
        cursor = json!(next);
    }
    let entries: Vec<&str> =
        lines.into_iter().filter(|line| !line.is_empty() && !line.ends_with(':')).collect();
    assert_eq!(paged, entries);
    let last = client.call("list", json!({"limit": 1, "cursor": cursor})).await;
    assert!(text(&last).ends_with("\n\nchangelogs, for `changelog`:\nclient · 2 entries"), "{last}");
}

#[tokio::test]
async fn examples_come_by_group_and_by_question() {
    let library = library();
    let mut client = Client::legacy(library.resident()).await;
    let groups = client.call("examples", json!({})).await;
    assert_eq!(text(&groups), "Example groups:\n- login · 2 files\n- search · 1 file");
    let group = client.call("examples", json!({"group": "login"})).await;
    assert!(
        text(&group).starts_with(
            "# login Examples\n\n## app.ts\n\n```typescript\n// Shows the penguin in.\n\
             export function login() {}\n\n```\n\n## keys.py\n\n```python\n"
        ),
        "{group}"
    );
    assert!(text(&group).ends_with("### Other Example Groups\n- search"), "{group}");
    let found = client.call("examples", json!({"query": "show the penguin in"})).await;
    let hits = found["structuredContent"]["hits"].as_array().unwrap();
    assert_eq!(hits[0]["path"], "examples/login/app.ts", "{found}");
    assert!(hits.iter().all(|hit| hit["kind"] == "example"), "{found}");
    let wrong = client.call_fails("examples", json!({"group": "logins"})).await;
    assert!(
        wrong.contains("\"logins\" not found") && wrong.contains("**Did you mean:**\n- login"),
        "{wrong}"
    );
    let both = client.call_fails("examples", json!({"group": "login", "query": "x"})).await;
    assert!(both.starts_with("`group` and `query` exclude each other"), "{both}");
    let cut = client.call("examples", json!({"group": "login", "max_tokens": 100})).await;
    assert!(text(&cut).contains("## app.ts"), "{cut}");
}

#[tokio::test]
async fn examples_for_a_question_keep_to_the_budget() {
    let library = library();
    let words: Vec<String> = (0..100).map(|word| format!("moon{word}")).collect();
    for name in ["one", "two", "three"] {
        library.write(
            &format!("examples/long/{name}.js"),
            &format!("// The penguin {name}: {}\nexport function {name}() {{}}\n", words.join(" ")),
        );
    }
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let whole = client.call("examples", json!({"query": "the penguin"})).await;
    assert!(whole["structuredContent"].get("note").is_none(), "{whole}");
    let cut = client.call("examples", json!({"query": "the penguin", "max_tokens": 300})).await;
    let count = |result: &Value| result["structuredContent"]["hits"].as_array().unwrap().len();
    assert!(count(&cut) >= 1 && count(&cut) < count(&whole), "{cut}");
    assert_eq!(cut["structuredContent"]["note"], "Cut to 300 tokens: raise max_tokens.");
}

#[tokio::test]
async fn changelogs_come_by_package_since_and_by_question() {
    let library = library();
    let mut client = Client::legacy(library.resident()).await;
    let packages = client.call("changelog", json!({})).await;
    assert_eq!(text(&packages), "Changelogs:\n- client");
    let whole = client.call("changelog", json!({"package": "client"})).await;
    assert_eq!(
        text(&whole),
        "# client Changelog\n\n## [1.1.0] - 2025-03-01\n\n- Fixed: The lantern.\n\n\
         ## [1.0.0] - 2025-01-01\n\n- First walrus.\n\n"
    );
    for since in ["1.0.0", "2025-01-01", "2025-02"] {
        let newer = client.call("changelog", json!({"package": "client", "since": since})).await;
        assert!(text(&newer).contains("1.1.0") && !text(&newer).contains("walrus"), "{since}: {newer}");
    }
    let one = client.call("changelog", json!({"package": "client", "limit": 1})).await;
    assert!(text(&one).contains("1 older entries are left out"), "{one}");
    let none = client.call("changelog", json!({"package": "client", "since": "2026"})).await;
    assert!(text(&none).contains("Nothing of its 2 entries is newer than `2026`."), "{none}");
    let odd = client.call_fails("changelog", json!({"package": "client", "since": "yesterday"})).await;
    assert!(odd.starts_with("`since` must be"), "{odd}");
    let wrong = client.call_fails("changelog", json!({"package": "clinet"})).await;
    assert!(wrong.contains("**Available package changelogs:**\n- client"), "{wrong}");
    let found = client.call("changelog", json!({"query": "the first walrus"})).await;
    assert_eq!(found["structuredContent"]["hits"][0]["path"], "packages/client/CHANGELOG.md", "{found}");
}

#[tokio::test]
async fn no_parameter_of_changelog_is_passed_over() {
    let library = library();
    library.write(
        "packages/server/CHANGELOG.md",
        "# Changelog\n\n## [7.1.0] - 2025-02-01\n\n- A gull.\n\n## [7.0.0] - 2024-06-01\n\n- An auk.\n",
    );
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let packages = client.call("changelog", json!({})).await;
    assert_eq!(text(&packages), "Changelogs:\n- client\n- server");
    let newer = client.call("changelog", json!({"since": "2025-01"})).await;
    assert_eq!(
        text(&newer),
        "# All Changelogs\n\n## client: [1.1.0] - 2025-03-01\n\n- Fixed: The lantern.\n\n\
         ## server: [7.1.0] - 2025-02-01\n\n- A gull.\n\n"
    );
    let newest = client.call("changelog", json!({"limit": 1})).await;
    assert!(text(&newest).starts_with("# All Changelogs\n\n## client: [1.1.0]"), "{newest}");
    assert!(text(&newest).ends_with("3 older entries are left out: raise `limit`.\n"), "{newest}");
    let version = client.call("changelog", json!({"since": "v7.0.0"})).await;
    assert!(text(&version).contains("A gull.") && !text(&version).contains("client"), "{version}");
    let none = client.call("changelog", json!({"since": "2026"})).await;
    assert!(
        text(&none).ends_with("Nothing of the 4 entries of all packages is newer than `2026`.\n"),
        "{none}"
    );
    for since in ["2025-5", "20250530"] {
        for arguments in [json!({"since": since}), json!({"since": since, "package": "client"})] {
            let odd = client.call_fails("changelog", arguments).await;
            let told =
                "`since` must be `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `a version of the changelog`, not ";
            assert!(odd.starts_with(told), "{odd}");
        }
    }
    for name in ["package", "since"] {
        let both = client.call_fails("changelog", json!({"query": "a gull", name: "2025"})).await;
        assert!(both.starts_with(&format!("`{name}` and `query` exclude each other")), "{both}");
    }
    let one = client.call("changelog", json!({"query": "a gull", "limit": 1})).await;
    assert_eq!(one["structuredContent"]["hits"].as_array().unwrap().len(), 1, "{one}");
}
