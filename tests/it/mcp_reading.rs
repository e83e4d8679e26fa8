//! `read`, `list`, `related` and `status`.

use serde_json::{Value, json};

use crate::mcp_support::{Client, Library};

fn text(result: &Value) -> &str {
    assert_eq!(result["isError"], false, "{result}");
    assert!(result.get("structuredContent").is_none());
    result["content"][0]["text"].as_str().unwrap()
}

async fn first_id(client: &mut Client, query: &str) -> String {
    let result = client.call("search", json!({"query": query, "limit": 1})).await;
    result["structuredContent"]["hits"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_document_is_read_by_whatever_names_it() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let whole = "keys.md · lines 1-5 of 5 · untrusted document text\nbeside it in the top: guides/\n\n# Keys\n\n## Rotation\n\nRotate an API key every ninety days.\n";
    for path in [
        "keys.md",
        "/keys.md",
        "./keys.md",
        " keys.md ",
        "docs:///keys.md",
        "docs:///keys%2Emd",
        "keys",
        "keys.html",
    ] {
        assert_eq!(text(&client.call("read", json!({"path": path})).await), whole, "{path}");
    }
    assert_eq!(text(&client.call("read", json!({"id": "keys.md"})).await), whole);
    let part = "keys.md · lines 3-4 of 5 · next: lines 5-5 · untrusted document text\n\n## Rotation\n\n";
    for arguments in [
        json!({"path": "keys.md", "lines": "3-4"}),
        json!({"path": "keys.md:3-4"}),
        json!({"path": "keys.md#L3-L4"}),
        json!({"path": "keys.md", "lines": [3, 4]}),
        json!({"path": "keys.md", "lines": "3:4", "id": "", "heading": ""}),
    ] {
        assert_eq!(text(&client.call("read", arguments.clone()).await), part, "{arguments}");
    }
}

#[tokio::test]
async fn a_percent_sign_in_a_path_is_a_percent_sign() {
    let library = Library::unindexed();
    library.write("odd/a%20b.md", "# Encoded\n\nThe heron waits.\n");
    library.write("odd/a b.md", "# Spaced\n\nThe stork stands.\n");
    library.write("odd/c%2fd.md", "# Alone\n\nThe plover runs.\n");
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let id = first_id(&mut client, "The plover runs.").await;
    for (arguments, path) in [
        (json!({"id": id}), "odd/c%2fd.md"),
        (json!({"path": "odd/c%2fd.md"}), "odd/c%2fd.md"),
        (json!({"path": "odd/c%2fd.md:1-2"}), "odd/c%2fd.md"),
        (json!({"path": "docs:///odd/c%2fd.md"}), "odd/c%2fd.md"),
        (json!({"path": "odd/a%20b.md"}), "odd/a%20b.md"),
        (json!({"path": "docs:///odd/a%20b.md"}), "odd/a b.md"),
        (json!({"path": "docs:///odd/a%2520b.md"}), "odd/a%20b.md"),
        (json!({"path": "guides%2Flogin.mdx"}), "guides/login.mdx"),
    ] {
        let read = client.call("read", arguments.clone()).await;
        assert!(text(&read).starts_with(&format!("{path} · lines 1-")), "{arguments}: {read}");
    }
}

#[tokio::test]
async fn a_passage_is_read_with_the_lines_around_it() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let id = first_id(&mut client, "rotate a key").await;
    let exact = client.call("read", json!({"id": id, "around": 0})).await;
    assert!(text(&exact).starts_with("keys.md · lines 5-5 of 5 · untrusted"), "{exact}");
    let wide = client.call("read", json!({"id": id})).await;
    assert!(text(&wide).starts_with("keys.md · lines 1-5 of 5 · untrusted"), "{wide}");
}

#[tokio::test]
async fn a_heading_names_its_section() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    for heading in ["Sessions", "## sessions", "sess"] {
        let section = client.call("read", json!({"path": "guides/login.mdx", "heading": heading})).await;
        let text = text(&section);
        assert!(text.ends_with("## Sessions\n\nA session lasts eight hours.\n"), "{heading}: {text}");
    }
    let missing = client.call_fails("read", json!({"path": "keys.md", "heading": "Colours"})).await;
    assert_eq!(missing, "there is no heading `Colours`\n\nhint: its headings: Keys; Rotation");
}

#[tokio::test]
async fn what_was_not_indexed_cannot_be_read() {
    let library = Library::new();
    std::fs::write(library.documents().parent().unwrap().join("secret.md"), "secret").unwrap();
    let mut client = Client::legacy(library.resident()).await;
    for path in ["../secret.md", "guides/../../secret.md", "/etc/passwd", "docs:///%2e%2e/secret.md", "\0"] {
        let refused = client.call_fails("read", json!({"path": path})).await;
        assert!(refused.starts_with("there is no document or passage"), "{path}: {refused}");
    }
    let near = client.call_fails("read", json!({"path": "guides/logni.mdx"})).await;
    assert!(near.contains("did you mean `guides/login.mdx`"), "{near}");
    let near = client.call_fails("read", json!({"path": "login.mdx"})).await;
    assert!(near.contains("did you mean `guides/login.mdx`"), "{near}");
    let odd = client.call_fails("read", json!({"path": "keys.md", "lines": "some"})).await;
    assert!(
        odd.starts_with("`lines` must be lines of the document such as \"10-80\", not \"some\""),
        "{odd}"
    );
    for nothing in [json!({}), json!({"path": ""}), json!({"id": null, "path": " "})] {
        let neither = client.call_fails("read", nothing).await;
        assert!(neither.starts_with("the parameter `path` is missing"), "{neither}");
    }
}

#[tokio::test]
async fn a_document_says_what_is_near_it() {
    let library = Library::unindexed();
    library.write("guides/index.md", "# Guides\n\nAll of them.\n");
    library.write("guides/login/saml.md", "# SAML\n\nMetadata.\n");
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let login = client.call("read", json!({"path": "guides/login"})).await;
    let near = text(&login).lines().nth(1).unwrap();
    assert_eq!(
        near,
        "beside it in guides/: hostile.md, index.md, login/ · below it in guides/login/: saml.md · \
         above it in the top: keys.md"
    );
    // A folder is its index page.
    let index = client.call("read", json!({"path": "guides/"})).await;
    assert!(text(&index).starts_with("guides/index.md · lines 1-3 of 3"), "{index}");
    // A part of a document is that part and nothing else.
    let part = client.call("read", json!({"path": "guides/login.mdx", "lines": "1-2"})).await;
    assert!(!text(&part).contains("beside it"), "{part}");
    let wrong = client.call_fails("read", json!({"path": "guides/login/samt/x"})).await;
    assert!(wrong.ends_with("; in `guides/login/` there is saml.md"), "{wrong}");
}

#[tokio::test]
async fn a_changed_or_lost_source_is_said() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    library.write("keys.md", "# Keys\n\nNothing any more.\n");
    let changed = client.call("read", json!({"path": "keys.md"})).await;
    assert!(text(&changed).contains(" · changed since it was indexed"), "{changed}");
    std::fs::remove_file(library.documents().join("keys.md")).unwrap();
    let gone = client.call("read", json!({"path": "keys.md"})).await;
    assert!(text(&gone).contains(" · the source is gone"), "{gone}");
    assert!(text(&gone).ends_with("\n\n\n\n\n\nRotate an API key every ninety days.\n"), "{gone}");
}

#[tokio::test]
async fn a_long_document_is_read_in_parts() {
    let library = Library::unindexed();
    let body =
        (1..=500).map(|number| format!("Line {number} of many lines.\n")).collect::<Vec<_>>().join("\n")
            + "\n";
    library.write("long.md", &body);
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let mut read = String::new();
    let mut lines = "1-".to_owned();
    for _ in 0..100 {
        let arguments = json!({"path": "long.md", "lines": lines, "max_tokens": 400});
        let part = client.call("read", arguments).await;
        let (header, content) = text(&part).split_once("\n\n").unwrap();
        assert!(content.split_whitespace().count() <= 400);
        read.push_str(content);
        match header.split_once("next: lines ") {
            Some((_, next)) => lines = next.split(' ').next().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(read.trim_end(), body.trim_end());
}

#[tokio::test]
async fn the_documents_are_browsed_folder_by_folder() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let top = client.call("list", json!({})).await;
    assert_eq!(text(&top), "1-2 of 2 entries\nguides/ · 2 documents\nkeys.md · Keys");
    for path in ["guides", "guides/", "/guides"] {
        let folder = client.call("list", json!({"path": path})).await;
        assert_eq!(
            text(&folder),
            "1-2 of 2 entries\nguides/hostile.md · Hostile\nguides/login.mdx · Logging in"
        );
    }
    let glob = client.call("list", json!({"path": "**/*.md"})).await;
    assert_eq!(text(&glob), "1-2 of 2 entries\nguides/hostile.md · Hostile\nkeys.md · Keys");
    let first = client.call("list", json!({"limit": 1})).await;
    let (header, entry) = text(&first).split_once('\n').unwrap();
    assert_eq!(entry, "guides/ · 2 documents");
    let cursor = header.split_once("next: cursor ").unwrap().1;
    let second = client.call("list", json!({"limit": 1, "cursor": cursor})).await;
    assert_eq!(text(&second), "2-2 of 2 entries\nkeys.md · Keys");
    let nowhere = client.call_fails("list", json!({"path": "nowhere"})).await;
    assert!(nowhere.starts_with("there is no document under `nowhere`"), "{nowhere}");
}

#[tokio::test]
async fn a_cursor_of_a_list_goes_on_across_one_rebuild() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let first = client.call("list", json!({"path": "**", "limit": 1})).await;
    assert!(text(&first).ends_with("\nguides/hostile.md · Hostile"), "{first}");
    let cursor = text(&first).lines().next().unwrap().split_once("next: cursor ").unwrap().1;
    let question = json!({"path": "**", "limit": 2, "cursor": cursor});
    let second = client.call("list", question.clone()).await;
    library.write("a.md", "# A\n\nStands before all others.\n");
    library.index();
    let fresh = client.call("list", json!({"path": "**", "limit": 1})).await;
    assert!(text(&fresh).ends_with("\na.md · A"), "{fresh}");
    assert_eq!(client.call("list", question.clone()).await, second, "nothing is repeated or left out");
    library.write("b.md", "# B\n\nStands next to it.\n");
    library.index();
    client.call("list", json!({})).await;
    let gone = client.call_fails("list", question).await;
    assert!(gone.starts_with("generation 1 of the index is not kept; the newest is 3"), "{gone}");
}

#[tokio::test]
async fn folders_with_brackets_are_listed_and_searched() {
    let library = Library::unindexed();
    library.write("app/[slug]/page.md", "# Slugs\n\nA route of any name.\n");
    library.write("app/s/page.md", "# S\n\nA route of one letter.\n");
    library.write("app/{a,b}/page.md", "# Braces\n\nA route of two names.\n");
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let top = client.call("list", json!({"path": "app"})).await;
    let mut folders = 0;
    for line in text(&top).lines().skip(1) {
        let folder = line.split_once("/ · ").unwrap().0;
        let listed = client.call("list", json!({"path": folder})).await;
        assert!(text(&listed).starts_with(&format!("1-1 of 1 entries\n{folder}/page.md · ")), "{listed}");
        for path in [folder.to_owned(), format!("{folder}/**"), format!("{folder}/page.md")] {
            let found = client.call("search", json!({"query": "a route", "path": path})).await;
            let hits = found["structuredContent"]["hits"].as_array().unwrap();
            assert!(hits.iter().any(|hit| hit["path"] == format!("{folder}/page.md")), "{path}: {found}");
        }
        folders += 1;
    }
    assert_eq!(folders, 3);
    let glob = client.call("list", json!({"path": "app/[rst]/*.md"})).await;
    assert_eq!(text(&glob), "1-1 of 1 entries\napp/s/page.md · S");
    let document = client.call("list", json!({"path": "app/[slug]/page.md"})).await;
    // As a glob it is one of the letters in brackets as well.
    assert_eq!(text(&document), "1-2 of 2 entries\napp/[slug]/page.md · Slugs\napp/s/page.md · S");
}

#[tokio::test]
async fn the_top_is_a_folder_to_search_as_it_is_to_list() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let everywhere = client.call("search", json!({"query": "rotate a key"})).await;
    for path in [".", "/", "./"] {
        let found = client.call("search", json!({"query": "rotate a key", "path": path})).await;
        assert_eq!(found["structuredContent"]["hits"], everywhere["structuredContent"]["hits"], "{path}");
    }
}

#[tokio::test]
async fn related_passages_leave_out_the_passage_itself() {
    let library = Library::new();
    library.write("more.md", "# More keys\n\nRotate an API key when somebody leaves.\n");
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let id = first_id(&mut client, "rotate a key every ninety days").await;
    let result = client.call("related", json!({"id": id, "limit": 1})).await;
    assert_eq!(result["structuredContent"]["hits"][0]["path"], "more.md", "{result}");
    let unknown = client.call_fails("related", json!({"id": "0000000000"})).await;
    assert!(unknown.starts_with("there is no passage `0000000000`"), "{unknown}");
}

#[tokio::test]
async fn related_passages_are_no_copies_and_say_when_they_are_stale() {
    let library = Library::new();
    let notice = "Rotate an API key every ninety days.";
    for number in 0..40 {
        library.write(&format!("copies/c{number:02}.md"), &format!("# Copy {number}\n\n{notice}\n"));
    }
    library.write("leaving.md", "# Leaving\n\nRotate an API key when somebody leaves.\n");
    library.write("losing.md", "# Losing\n\nRotate an API key when it is lost.\n");
    library.write("lost/losing.md", "# Losing\n\nRotate an API key when it is lost.\n");
    library.index();
    let mut client = Client::legacy(library.resident()).await;
    let id = first_id(&mut client, notice).await;
    let result = client.call("related", json!({"id": id, "limit": 2})).await;
    let hits = result["structuredContent"]["hits"].as_array().unwrap();
    let texts: Vec<&str> = hits.iter().map(|hit| hit["text"].as_str().unwrap().trim()).collect();
    assert_eq!(texts.len(), 2, "{result}");
    assert!(texts.iter().all(|text| text.starts_with("Rotate an API key when")), "{texts:?}");
    assert_ne!(texts[0], texts[1]);
    let lost = hits.iter().find(|hit| hit["path"] != "leaving.md").unwrap();
    assert_eq!(lost["duplicates"].as_array().unwrap().len(), 1, "{lost}");
    assert!(hits.iter().all(|hit| hit.get("stale").is_none()), "{result}");
    library.write("leaving.md", "# Leaving\n\nNobody leaves any more.\n");
    let result = client.call("related", json!({"id": id, "limit": 2})).await;
    for hit in result["structuredContent"]["hits"].as_array().unwrap() {
        let stale = hit["path"] == "leaving.md";
        assert_eq!(hit.get("stale").is_some_and(|stale| stale == true), stale, "{hit}");
    }
}

#[tokio::test]
async fn status_says_what_there_is() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    client.call("search", json!({"query": "a"})).await;
    let status = client.call("status", json!({})).await;
    assert!(text(&status).contains("documents: 3\n"), "{status}");
    assert!(text(&status).contains("generation: 1\n"), "{status}");
    assert!(text(&status).ends_with("model: hashing"), "{status}");
}
