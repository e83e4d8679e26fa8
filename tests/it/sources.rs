//! Sources that are fetched: git repositories on this disk, packages through a stand-in client, and
//! feeds from a server on loopback.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::loopback::{Answer, Loopback};
use crate::testenv::{Outcome, TestEnv};

fn index(env: &TestEnv, sources: &[&str]) -> Outcome {
    let arguments = [&["index", "--model", "hashing"], sources].concat();
    // git is the real one; everything else is found in the folder of the test first.
    let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH").unwrap());
    env.command(&arguments).variable("PATH", path).run()
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").current_dir(folder).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn commit(folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).unwrap();
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "x"]);
}

#[test]
fn a_repository_is_cloned_and_brought_up_to_date() {
    let env = TestEnv::new(&[("work/keys.md", "# Keys\n\nRotate the walrus.\n")]);
    let (work, bare) = (env.path("work"), env.path("bare.git"));
    git(&work, &["init", "-q"]);
    commit(&work, "keys.md", "# Keys\n\nRotate the walrus.\n");
    commit(&work, ".env", "TOKEN=never-indexed\n");
    git(env.path("").as_path(), &["clone", "-q", "--bare", "work", "bare.git"]);
    index(&env, &["git:bare.git#main"]).succeeds();
    assert_eq!(env.found("rotate the walrus"), ["keys.md"]);
    commit(&work, "lamps.md", "# Lamps\n\nLight the lantern.\n");
    git(&work, &["push", "-q", bare.to_str().unwrap(), "main"]);
    // Without a source, what was indexed before is fetched again.
    index(&env, &[]).succeeds();
    assert_eq!(env.found("light the lantern")[0], "lamps.md");
    let status = env.json(&["status", "--json"]);
    assert_eq!(status["sources"][0]["origin"]["branch"], "main");
    assert_eq!(status["skipped"]["by_reason"], json!({"secret": 1}), "{status}");
    assert!(env.docent(&["status"]).succeeds().stdout.contains("left out   1 secret"));
    // A repository that is gone is no reason to lose its documents.
    fs::rename(&bare, env.path("gone.git")).unwrap();
    let outcome = index(&env, &[]).succeeds();
    assert!(outcome.stderr.contains("using what was fetched before"), "{}", outcome.stderr);
    assert_eq!(env.found("light the lantern")[0], "lamps.md");
}

/// A repository in `work`, whose clone is in a cache in the repository `mine`.
fn cloned_into_a_repository(env: &TestEnv) -> (std::path::PathBuf, impl Fn() -> Outcome) {
    git(&env.path("work"), &["init", "-q"]);
    commit(&env.path("work"), "keys.md", "# Keys\n\nRotate the walrus.\n");
    let mine = env.path("mine");
    git(&mine, &["init", "-q"]);
    commit(&mine, "own.txt", "committed");
    fs::write(mine.join("own.txt"), "not committed").unwrap();
    let path = std::env::var("PATH").unwrap();
    let (source, cache) = (format!("git:{}", env.path("work").display()), mine.join("cache"));
    let index = move || {
        let arguments = ["index", "--model", "hashing", "-q", &source];
        env.command(&arguments).variable("PATH", &path).variable("DOCENT_CACHE", &cache).run()
    };
    index().succeeds().tells("");
    let hashed = fs::read_dir(mine.join("cache/git")).unwrap().next().unwrap().unwrap().path();
    (hashed.join("work"), index)
}

#[test]
fn a_damaged_clone_is_made_anew_and_nothing_around_it_is_touched() {
    let env = TestEnv::new(&[("work/keys.md", ""), ("mine/own.txt", "")]);
    let (clone, index) = cloned_into_a_repository(&env);
    commit(&env.path("work"), "lamps.md", "# Lamps\n\nLight the lantern.\n");
    fs::write(clone.join(".git/HEAD"), "").unwrap();
    index().succeeds().tells("");
    assert_eq!(env.found("light the lantern")[0], "lamps.md");
    assert_eq!(fs::read_to_string(env.path("mine/own.txt")).unwrap(), "not committed");
    // What a killed git leaves, with a newer commit to be fetched.
    for lock in ["index.lock", "shallow.lock"] {
        commit(&env.path("work"), "news.md", &format!("# News\n\nThe {lock} of the penguin.\n"));
        fs::write(clone.join(".git").join(lock), "").unwrap();
        index().succeeds().tells("");
        let answer = env.json(&["ask", "penguin", "--json"]);
        assert!(answer["hits"][0]["text"].as_str().unwrap().contains(lock), "{answer}");
    }
    assert_eq!(fs::read_to_string(env.path("mine/own.txt")).unwrap(), "not committed");
    // A failure is told also to who wants to hear of nothing else.
    fs::rename(env.path("work"), env.path("gone")).unwrap();
    let outcome = index().succeeds();
    assert!(outcome.stderr.contains("using what was fetched before"), "{}", outcome.stderr);
}

#[test]
fn a_link_in_a_repository_that_leads_out_of_it_is_not_followed() {
    let env = TestEnv::new(&[("work/keys.md", ""), ("private/secret.md", "# Secret\n\nThe walrus.\n")]);
    let work = env.path("work");
    git(&work, &["init", "-q"]);
    for link in ["guide", "docs"] {
        std::os::unix::fs::symlink(env.path("private"), work.join(link)).unwrap();
    }
    commit(&work, "keys.md", "# Keys\n\nRotate the key.\n");
    env.write("docent.toml", "[[source]]\ntype = \"git\"\nurl = \"work\"\npath = \"guide\"\n");
    let outcome = index(&env, &[]).ends_with_status(2);
    assert!(outcome.stderr.contains("has no folder `guide`"), "{}", outcome.stderr);
    let path = std::env::var("PATH").unwrap();
    let prepare = env.command(&["prepare", "git:work", "--output", "out"]).variable("PATH", path);
    let outcome = prepare.run().ends_with_status(2);
    assert!(outcome.stderr.contains("docs` leads out of the project, to `"), "{}", outcome.stderr);
    assert!(!env.path("out").exists());
}

#[test]
fn one_feed_under_two_names_is_two_changelogs() {
    let env = TestEnv::new(&[]);
    let server = Loopback::start(|request| match request.header("if-none-match") {
        Some("\"one\"") => Answer::status(304),
        _ => Answer::body(FEED.as_bytes()).with("ETag", "\"one\""),
    });
    for name in ["first", "second"] {
        let url = format!("{}/rss.xml", server.url());
        env.write(
            "docent.toml",
            format!("[[source]]\ntype = \"feed\"\nurl = \"{url}\"\nname = \"{name}\"\n"),
        );
        index(&env, &[]).succeeds();
        assert_eq!(env.found("longer tusks"), [format!("{name}.json")]);
    }
}

#[test]
fn a_repository_that_does_not_exist_is_an_error_that_names_it() {
    let env = TestEnv::new(&[]);
    let outcome = index(&env, &["git:nowhere.git"]).ends_with_status(2);
    assert!(
        outcome.stderr.contains("error: the repository `nowhere.git` could not be fetched with `git`"),
        "{}",
        outcome.stderr
    );
    let outcome = index(&env, &["git:--upload-pack=touch x"]).ends_with_status(2);
    assert!(outcome.stderr.contains("begins with a dash"), "{}", outcome.stderr);
}

/// A package as npm packs it, with an entry that would lead out of it.
fn package(file: &Path) {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        fs::File::create(file).unwrap(),
        flate2::Compression::fast(),
    ));
    for (path, text) in [
        ("package/README.md", "# Client\n\nWritten for walruses.\n"),
        ("package/docs/login.mdx", "# Login\n\nShow the penguin in.\n"),
        ("package/dist/index.md", "# Build\n\nNever indexed.\n"),
        ("package/index.js", "export const code = 1;\n"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "package/leak.md", "/etc/passwd").unwrap();
    archive.into_inner().unwrap().finish().unwrap();
}

#[test]
fn a_package_comes_through_its_client_as_documents() {
    let env = TestEnv::new(&[]);
    package(&env.path("client.tgz"));
    let script = format!(
        "echo \"$@\" >> '{}'; /bin/cp '{}' .",
        env.path("called").display(),
        env.path("client.tgz").display()
    );
    env.add_program("npm", &script);
    index(&env, &["package:npm:@acme/client@1.2.0"]).succeeds();
    let listed = env.json(&["status", "--json"]);
    assert_eq!(listed["counts"]["documents"], 2, "{listed}");
    assert_eq!(env.found("show the penguin in")[0], "docs/login.mdx");
    assert_eq!(
        fs::read_to_string(env.path("called")).unwrap(),
        "pack --silent --ignore-scripts -- @acme/client@1.2.0\n"
    );
    // A version does not change: it is not fetched again.
    index(&env, &[]).succeeds();
    assert_eq!(fs::read_to_string(env.path("called")).unwrap().lines().count(), 1);
}

#[test]
fn a_client_that_fails_is_quoted() {
    let env = TestEnv::new(&[]);
    env.add_program("npm", "echo 'npm error 404 no such package' >&2; exit 1");
    let outcome = index(&env, &["package:npm:nothing"]).ends_with_status(2);
    assert!(
        outcome.stderr.contains("the npm package `nothing` could not be fetched with `npm`: npm error 404"),
        "{}",
        outcome.stderr
    );
    let outcome = index(&env, &["package:gem:x"]).ends_with_status(2);
    assert!(outcome.stderr.contains("there is no registry `gem` (npm, pypi, crates)"), "{}", outcome.stderr);
}

const FEED: &str = r#"<rss version="2.0"><channel><title>News</title><item><title>Walrus mode</title><link>https://example.com/1</link>
<pubDate>Fri, 30 May 2025 10:00:00 GMT</pubDate><description>&lt;p&gt;Tusks are &lt;b&gt;longer&lt;/b&gt;.&lt;/p&gt;</description></item></channel></rss>"#;

#[test]
fn a_feed_is_a_changelog_and_is_not_read_twice() {
    let env = TestEnv::new(&[]);
    let server = Loopback::start(|request| match request.header("if-none-match") {
        Some("\"one\"") => Answer::status(304),
        _ => Answer::body(FEED.as_bytes())
            .with("ETag", "\"one\"")
            .with("Last-Modified", "Fri, 30 May 2025 10:00:00 GMT"),
    });
    let source = format!("feed:{}/rss.xml", server.url());
    index(&env, &[&source]).succeeds();
    let answer = env.json(&["ask", "longer tusks", "--json", "--limit", "1"]);
    let hit = &answer["hits"][0];
    assert_eq!(
        (&hit["kind"], &hit["breadcrumb"]),
        (&json!("changelog"), &json!(["Walrus mode (2025-05-30)"])),
        "{answer}"
    );
    assert!(hit["text"].as_str().unwrap().contains("Tusks are longer."), "{answer}");
    let outcome = index(&env, &[]).succeeds();
    assert!(outcome.stderr.contains("up to date"), "{}", outcome.stderr);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("if-modified-since"), Some("Fri, 30 May 2025 10:00:00 GMT"));
}

#[test]
fn a_feed_that_fails_says_why_and_keeps_what_was_there() {
    let env = TestEnv::new(&[]);
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let server = Loopback::start(move |request| match (down.load(Ordering::SeqCst), request.path.as_str()) {
        (true, _) => Answer::status(503),
        (_, "/rss.xml") => Answer::body(FEED.as_bytes()),
        _ => Answer::body(b"<html>not here</html>"),
    });
    let outcome = index(&env, &[&format!("feed:{}/page", server.url())]).ends_with_status(2);
    assert!(outcome.stderr.contains("is no RSS or Atom feed"), "{}", outcome.stderr);
    let source = format!("feed:{}/rss.xml", server.url());
    index(&env, &[&source]).succeeds();
    is_down.store(true, Ordering::SeqCst);
    let outcome = index(&env, &[&source]).succeeds();
    assert!(
        outcome.stderr.contains("answered with status 503; using what was fetched before"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn sources_are_declared_in_a_file() {
    let env = TestEnv::new(&[
        ("guide/a.md", "# A\n\nRotate the walrus.\n"),
        ("guide/drafts/b.md", "# B\n\nUnfinished walrus.\n"),
        ("samples/login/app.ts", "// Shows the penguin in.\nexport function login() {}\n"),
        ("packages/client/CHANGELOG.md", "# Changelog\n\n## 1.0.0\n\n- First lantern.\n"),
        (
            "docent.toml",
            "[[source]]\ntype = \"directory\"\npath = \"guide\"\nexclude = [\"drafts/**\"]\nname = \"handbook\"\n\n\
             [[source]]\ntype = \"examples\"\npath = \"samples\"\n\n[[source]]\ntype = \"changelog\"\npath = \"packages\"\n",
        ),
    ]);
    index(&env, &[]).succeeds();
    let answer = env.json(&["ask", "anything", "--json", "--limit", "100"]);
    let mut found: Vec<(String, String)> = answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| (hit["path"].as_str().unwrap().to_owned(), hit["kind"].as_str().unwrap().to_owned()))
        .collect();
    found.sort();
    let expected = [
        ("handbook/a.md", "docs"),
        ("packages/client/CHANGELOG.md", "changelog"),
        ("samples/login/app.ts", "example"),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind.to_owned())));
    env.write("docent.toml", "[[source]]\ntype = \"web\"\n");
    let outcome = index(&env, &[]).ends_with_status(2);
    assert!(outcome.stderr.contains("`docent.toml` is not of the right form"), "{}", outcome.stderr);
}
