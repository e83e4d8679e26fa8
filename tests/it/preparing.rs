//! `docent prepare`: what it writes, and that it is what the program writes whose layout it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::loopback::{Answer, Loopback};
use crate::node::Node;
use crate::python::said;
use crate::testenv::TestEnv;

/// The package whose `prepare` program the layout comes from.
const ORIGINAL: &str = "@workos/mcp-docs-server@0.1.0";

const PROJECT: [(&str, &str); 9] = [
    ("docs/keys.md", "# Keys\n\nRotate the walrus.\n"),
    (
        "docs/sso/index.mdx",
        "---\ntitle: SSO\ndescription: Single sign-on\n---\n\n# SSO\n\nText without an end",
    ),
    ("docs/sso/domains.mdx", "---\ntitle: Domains\noriginalPath: elsewhere/domains.mdx\n---\nOf walruses.\n"),
    ("docs/empty.md", ""),
    ("docs/image.png", "no page"),
    ("examples/login/app.ts", "export const login = 1;\n"),
    ("examples/login/src/more.jsx", "export const More = () => <b/>;\n"),
    ("examples/login/dist/built.js", "built\n"),
    ("examples/search/index.js", "module.exports = 1"),
];

const CHANGELOG: &str = "# Changelog\n\n## [1.2.0] - 2025-03-01\n\n### Added\n\n- A lantern.\n* A lamp.\n\n\
    ## [1.1.0] - 2025-02-01\n\n- Fewer walruses.\n\n## [1.0.0] - 2025-01-01\n";

fn project() -> TestEnv {
    let env = TestEnv::new(&PROJECT);
    env.write("packages/client/CHANGELOG.md", CHANGELOG);
    let entries = (1..=12).rev().map(|number| format!("## [1.{number}.0] - 2025-01-{number:02}\n\n- x\n\n"));
    let many = entries.collect::<Vec<_>>().concat();
    env.write("packages/many/CHANGELOG.md", many);
    env.write("packages/none/README.md", "# None\n");
    env
}

/// All files below `folder` but docent's own list, by their paths. Files are lists in JSON where order says nothing.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut contents = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if name == ".docent-prepared" {
                continue;
            }
            let mut text = fs::read_to_string(entry.path()).unwrap();
            if name.ends_with("index.json") {
                let mut group: Value = serde_json::from_str(&text).unwrap();
                let files = group["files"].as_array_mut().unwrap();
                files.sort_by_key(ToString::to_string);
                text = group.to_string();
            }
            contents.insert(name, text);
        }
    }
    contents
}

#[test]
fn a_project_is_put_in_order() {
    let env = project();
    let outcome = env.docent(&["prepare"]).succeeds().prints("");
    assert_eq!(
        outcome.stderr,
        "prepared 4 pages, 3 examples in 2 groups and 2 changelogs in `.docs/organized`; left out 0 files\n"
    );
    let written = contents(&env.path(".docs/organized"));
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "changelogs/client.json",
            "changelogs/many.json",
            "docs/empty.md",
            "docs/keys.md",
            "docs/sso/domains.mdx",
            "docs/sso/index.mdx",
            "examples/login/app.ts",
            "examples/login/index.json",
            "examples/login/src/more.jsx",
            "examples/search/index.js",
            "examples/search/index.json",
        ]
    );
    assert_eq!(
        written["docs/keys.md"],
        "---\noriginalPath: docs/keys.md\n---\n# Keys\n\nRotate the walrus.\n"
    );
    assert_eq!(
        written["docs/sso/index.mdx"],
        "---\ntitle: SSO\ndescription: Single sign-on\noriginalPath: docs/sso/index.mdx\n---\n\n# SSO\n\nText without an end\n"
    );
    let login: Value = serde_json::from_str(&written["examples/login/index.json"]).unwrap();
    assert_eq!(
        login,
        json!({"name": "login", "path": "login", "files": ["login/app.ts", "login/src/more.jsx"]})
    );
    let client: Value = serde_json::from_str(&written["changelogs/client.json"]).unwrap();
    assert_eq!(
        client[0],
        json!({"package": "client", "version": "1.2.0", "date": "2025-03-01",
            "changes": ["A lantern.", "A lamp."], "source": "markdown"})
    );
    let many: Value = serde_json::from_str(&written["changelogs/many.json"]).unwrap();
    assert_eq!((many.as_array().unwrap().len(), &many[0]["version"]), (10, &json!("1.12.0")));
    // Again: the same, without what is no longer in the project.
    env.write("docs/old.md", "# Old\n");
    env.docent(&["prepare"]).succeeds();
    assert!(env.path(".docs/organized/docs/old.md").exists());
    fs::remove_file(env.path("docs/old.md")).unwrap();
    env.docent(&["prepare"]).succeeds();
    assert_eq!(contents(&env.path(".docs/organized")), written);
}

#[test]
fn it_is_what_the_original_writes() {
    let Some(node) = Node::with(&[ORIGINAL]) else { return };
    let env = project();
    let original = env.path("original");
    fs::create_dir(&original).unwrap();
    for folder in ["docs", "examples", "packages"] {
        fs::rename(env.path(folder), original.join(folder)).unwrap();
    }
    let mut prepare = node.run("@workos/mcp-docs-server/dist/prepare.js");
    prepare.current_dir(&original).env("USE_LOCAL_DOCS", "true").env("PREPARE", "true");
    let output = prepare.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    env.docent(&["prepare", "original", "--output", "ours"]).succeeds();
    let theirs = contents(&original.join(".docs/organized"));
    let ours = contents(&env.path("ours"));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, text) in &theirs {
        assert_eq!(&ours[name], text, "{name}");
    }
}

#[test]
fn nothing_of_the_user_is_replaced() {
    let env = project();
    env.docent(&["prepare", "--output", "."]).fails_with(
        "error: `.` holds `.`, which docent did not write there\n\nhint: name a folder that is new or empty with `--output DIR`\n",
    );
    env.docent(&["prepare", "--output", "packages"]).fails_with(
        "error: `packages` holds `client/CHANGELOG.md`, which docent did not write there\n\nhint: name a folder that is new or empty with `--output DIR`\n",
    );
    // Nor what was put beside what docent wrote, or where it would write.
    env.docent(&["prepare", "--output", "site"]).succeeds();
    for own in ["site/docs/mine.md", "site/examples/keep.bin"] {
        env.write(own, "mine");
        env.docent(&["prepare", "--output", "site"]).fails_with(&format!(
            "error: `site` holds `{}`, which docent did not write there\n\n\
             hint: name a folder that is new or empty with `--output DIR`\n",
            own.strip_prefix("site/").unwrap()
        ));
        fs::remove_file(env.path(own)).unwrap();
    }
    env.docent(&["prepare", "--output", "site"]).succeeds();
    env.write("examples/misc/lone.ts", "in a group");
    env.write("examples/lone.ts", "in none");
    env.docent(&["prepare", "--output", "site"]).fails_with(
        "error: two files, or a package and a feed of one name, would become `examples/misc/lone.ts`\n\n\
         hint: give one of them another name\n",
    );
    assert!(env.path("site/docs/keys.md").exists());
    let empty = TestEnv::new(&[("README.md", "# Here\n")]);
    empty.docent(&["prepare"]).fails_with(
        "error: `.` holds no pages, examples or changelogs where they were looked for\n\n\
         hint: name the folders below the project: `--docs DIR`, `--examples DIR`, `--packages DIR`\n",
    );
    assert!(!empty.path(".docs/organized").exists());
}

#[test]
fn a_feed_becomes_a_changelog_of_its_newest_entries() {
    let items = (1..=30).map(|number| {
        format!(
            "<item><title>News {number}</title><link>https://example.com/{number}</link><guid>g{number}</guid>\
             <pubDate>Fri, 30 May 2025 23:30:00 -0400</pubDate>\
             <description>&lt;p&gt;Longer\n tusks.&lt;/p&gt;</description></item>"
        )
    });
    let items = items.collect::<Vec<_>>().concat();
    let feed = format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>");
    let server = Loopback::start(move |_| Answer::body(feed.as_bytes()));
    let env = project();
    let named = format!("platform={}/rss.xml", server.url());
    env.docent(&["prepare", "--feed", &named]).succeeds();
    let platform = || -> Value {
        serde_json::from_str(
            &fs::read_to_string(env.path(".docs/organized/changelogs/platform.json")).unwrap(),
        )
        .unwrap()
    };
    let written = platform();
    assert_eq!(written.as_array().unwrap().len(), 25);
    assert_eq!(
        written[0],
        json!({"package": "platform", "version": "News 1", "date": "2025-05-31", "changes": ["Longer tusks."],
            "source": "rss", "url": "https://example.com/1", "guid": "g1"})
    );
    // A feed that cannot be had leaves what was prepared before.
    drop(server);
    let outcome = env.docent(&["prepare", "--feed", &named]).succeeds();
    assert!(outcome.stderr.contains("keeping what it said before"), "{}", outcome.stderr);
    assert_eq!(platform(), written);
    let outcome = env.docent(&["prepare", "--feed", "https://example.com"]).ends_with_status(2);
    assert!(outcome.stderr.contains("a feed is given as NAME=URL"), "{}", outcome.stderr);
}

#[test]
fn what_is_prepared_is_indexed_and_served_as_it_was() {
    let env = project();
    env.docent(&["prepare"]).succeeds();
    env.docent(&["index", ".docs/organized", "--model", "hashing"]).succeeds();
    let status = env.json(&["status", "--json"]);
    assert_eq!(status["kinds"], json!({"changelog": 2, "docs": 6, "example": 3}), "{status}");
    assert_eq!(env.found("rotate the walrus")[0], "docs/keys.md");
}
