//! `docent watch` and `docent serve --watch`: the index follows what happens to the documents. Each
//! test waits for what it wants to see, and fails only if it never comes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use docent::index::{Index, read_manifest};
use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(3);

/// Waits for `holds`, which gives what it saw where it does not.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> Result<(), String>) {
    let started = Instant::now();
    while let Err(seen) = holds() {
        assert!(started.elapsed() < PATIENCE, "{what} never came: {seen}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The lines that a process writes, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

struct Watching<'env> {
    env: &'env TestEnv,
    child: Child,
    told: Receiver<String>,
}

impl<'env> Watching<'env> {
    fn start(env: &'env TestEnv, arguments: &[&str]) -> Self {
        let arguments = [&["watch", "--model", "hashing"], arguments].concat();
        let mut command = env.command(&arguments).into_command();
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let told = lines(child.stderr.take().unwrap());
        let watching = Self { env, child, told };
        watching.until_told("watching for changes; stop with Ctrl-C");
        watching
    }

    /// Waits until the texts of the index are as wanted.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        until(what, || {
            let texts = texts(self.env);
            if wanted(&texts) { Ok(()) } else { Err(format!("{texts:?}")) }
        });
    }

    #[track_caller]
    fn until_told(&self, what: &str) {
        let mut seen = String::new();
        while !seen.contains(what) {
            match self.told.recv_timeout(PATIENCE) {
                Ok(line) => seen.push_str(&format!("{line}\n")),
                Err(error) => panic!("{what} never came ({error}): {seen}"),
            }
        }
    }

    fn generation(&self) -> u64 {
        read_manifest(&self.env.path("index")).unwrap().generation
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn texts(env: &TestEnv) -> Vec<String> {
    let Ok(index) = Index::open_whole(&env.path("index")) else { return Vec::new() };
    (0..index.chunk_count()).map(|number| index.chunk(number).unwrap().chunk.text).collect()
}

fn has(text: &str) -> impl Fn(&[String]) -> bool {
    move |texts| texts.iter().any(|found| found.contains(text))
}

#[test]
fn writing_renaming_and_removing_are_followed() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    // As editors save: another file, renamed over the old one.
    env.write("docs/.keys.md.swp", "# Keys\n\nRotate a key every day.\n");
    fs::rename(env.path("docs/.keys.md.swp"), env.path("docs/keys.md")).unwrap();
    watching.until("the saved file", has("every day"));
    env.write("docs/deep/er/new.md", "# New\n\nIn a folder that is new too.\n");
    watching.until("the new folder", has("that is new too"));
    env.write("docs/deep/er/new.md", "# New\n\nWatched like the others.\n");
    watching.until("the change in the new folder", has("like the others"));
    fs::remove_dir_all(env.path("docs/deep")).unwrap();
    watching.until("the removal", |texts| !has("like the others")(texts));
    assert_eq!(texts(&env).len(), 2);
}

#[test]
fn a_single_file_that_is_saved_by_renaming() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs/keys.md"]);
    for round in 0..3 {
        env.write("docs/keys.tmp", format!("# Keys\n\nRound {round}.\n"));
        fs::rename(env.path("docs/keys.tmp"), env.path("docs/keys.md")).unwrap();
        watching.until("the saved file", has(&format!("Round {round}.")));
    }
}

#[test]
fn a_burst_of_files_is_a_few_generations() {
    const FILES: usize = 1_000;
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    for file in 0..FILES {
        env.write(&format!("docs/burst/page-{file}.md"), format!("# Page {file}\n\nText {file}.\n"));
    }
    watching.until("all files", |texts| texts.len() == FILES + 2);
    // Each pause of the writer may end one.
    assert!(watching.generation() < FILES as u64 / 5, "{} generations", watching.generation());
}

#[test]
fn an_index_among_the_documents_is_none_of_them() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["."]);
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    env.write("docs/more.md", "# More\n\nMore.\n");
    watching.until("the next change", has("More."));
    assert_eq!(texts(&env).len(), 3);
}

#[test]
fn a_root_that_is_moved_away_and_back() {
    let env = TestEnv::new(PAGES);
    let watching = Watching::start(&env, &["docs"]);
    let generation = watching.generation();
    fs::rename(env.path("docs"), env.path("elsewhere")).unwrap();
    env.write("elsewhere/keys.md", "# Keys\n\nChanged while away.\n");
    watching.until_told("docs` is gone: the index stays as it is until it is back");
    assert_eq!(watching.generation(), generation, "documents that may come back are dropped");
    assert!(env.found("rotate a key").contains(&"keys.md".to_owned()));
    fs::rename(env.path("elsewhere"), env.path("docs")).unwrap();
    watching.until("what changed while it was away", has("while away"));
    // Another folder under the same name.
    fs::rename(env.path("docs"), env.path("elsewhere")).unwrap();
    env.write("docs/other.md", "# Other\n\nAnother folder.\n");
    watching.until("the other folder", |texts| texts.len() == 1 && has("Another folder.")(texts));
    env.write("docs/other.md", "# Other\n\nWatched as well.\n");
    watching.until("the change in the other folder", has("Watched as well."));
}

#[test]
fn a_root_that_is_dropped_no_longer_holds_up_the_others() {
    let env = TestEnv::new(PAGES);
    env.write("more/pianos.md", "# Pianos\n\nA piano has 88 keys.\n");
    env.docent(&["index", "docs", "more", "--model", "hashing", "-q"]).succeeds();
    let watching = Watching::start(&env, &[]);
    fs::rename(env.path("more"), env.path("elsewhere")).unwrap();
    watching.until_told("more` is gone: the index stays as it is until it is back");
    env.docent(&["index", "--prune", "-q"]).succeeds();
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change in the root that stayed", has("every week"));
}

/// Some file systems give the number of what was removed to what comes next.
#[test]
fn a_root_that_is_made_anew_at_once_is_followed() {
    let env = TestEnv::new(&[("docs/keys.md", "# Keys\n\nRound 0.\n")]);
    let watching = Watching::start(&env, &["docs"]);
    for round in 1..4 {
        fs::remove_dir_all(env.path("docs")).unwrap();
        env.write("docs/keys.md", format!("# Keys\n\nRound {round}.\n"));
        watching.until("the folder made anew", has(&format!("Round {round}.")));
        env.write("docs/keys.md", format!("# Keys\n\nRound {round} again.\n"));
        watching.until("the change in it", has(&format!("Round {round} again.")));
    }
}

#[cfg(unix)]
#[test]
fn an_index_behind_a_link_in_the_documents_is_no_change_of_them() {
    let env = TestEnv::new(PAGES);
    fs::create_dir(env.path("index")).unwrap();
    std::os::unix::fs::symlink(env.path("index"), env.path("docs/index")).unwrap();
    let watching = Watching::start(&env, &["docs"]);
    let generation = watching.generation();
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(watching.generation(), generation + 1);
}

#[test]
fn what_is_declared_is_followed_too() {
    let env = TestEnv::new(PAGES);
    env.write("more/pianos.md", "# Pianos\n\nA piano has 88 keys.\n");
    let declared = "[[source]]\ntype = \"directory\"\npath = \"docs\"\n";
    env.write("docent.toml", declared);
    let watching = Watching::start(&env, &[]);
    let more = "[[source]]\ntype = \"directory\"\npath = \"more\"\ncollection = \"things\"\n";
    env.write("docent.toml", format!("{declared}{more}"));
    watching.until("the declared folder", has("88 keys"));
    env.write("more/pianos.md", "# Pianos\n\nMost of them are black.\n");
    watching.until("the change in it", has("are black"));
    env.write("docent.toml", "[[source]]\ntype = \"nonsense\"\n");
    watching.until_told("docent.toml` is not of the right form");
    assert_eq!(texts(&env).len(), 3);
}

#[test]
fn a_collection_that_comes_meanwhile_stays() {
    let env = TestEnv::new(PAGES);
    env.write("more/pianos.md", "# Pianos\n\nA piano has 88 keys.\n");
    let watching = Watching::start(&env, &["docs"]);
    env.docent(&["index", "--collection", "things", "more", "-q"]).succeeds();
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    watching.until("the change", has("every week"));
    watching.until("what came with the other command", has("88 keys"));
    env.write("more/pianos.md", "# Pianos\n\nMost of them are black.\n");
    watching.until("the change in the collection", has("are black"));
}

#[test]
fn what_cannot_be_watched_is_an_error_at_once() {
    let env = TestEnv::new(PAGES);
    env.docent(&["watch"]).fails_with(
        "error: nothing to index: no PATH is given, and `index` holds no index to bring up to date\n\n\
         hint: name a folder of documents: `docent index docs/`\n",
    );
    env.docent(&["watch", "docs/nowhere", "--model", "hashing"]).fails_with(
        "error: `docs/nowhere` does not exist\n\n\
         hint: check the spelling, or give a folder of documents: `docent index docs/`\n",
    );
}

/// A server and what it says.
struct Serving {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Serving {
    fn start(env: &TestEnv) -> Self {
        Self::start_with(env, &[])
    }

    fn start_with(env: &TestEnv, options: &[&str]) -> Self {
        let mut command = env.command(&[&["serve", "--watch"], options].concat()).into_command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = lines(child.stdout.take().unwrap());
        let mut serving = Self { child, input, output };
        let client = json!({"name": "t", "version": "0"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        serving.ask(1, "initialize", &hello);
        serving.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        serving
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.next(|message| message["id"] == id)
    }

    #[track_caller]
    fn next(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.output.recv_timeout(PATIENCE).expect("the message never came");
            let message: Value = serde_json::from_str(&line).unwrap();
            if is_wanted(&message) {
                return message;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_keeps_its_index_fresh_and_says_so() {
    let env = TestEnv::indexed(PAGES);
    let mut serving = Serving::start(&env);
    serving.ask(2, "resources/subscribe", &json!({"uri": "docs:///keys.md"}));
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    serving.next(|message| message["method"] == "notifications/resources/list_changed");
    let updated = serving.next(|message| message["method"] == "notifications/resources/updated");
    assert_eq!(updated["params"]["uri"], "docs:///keys.md");
    let asked = json!({"name": "search", "arguments": {"query": "rotate a key every week", "limit": 1}});
    let answer = serving.ask(3, "tools/call", &asked);
    let hit = &answer["result"]["structuredContent"]["hits"][0];
    assert!(hit["text"].as_str().unwrap().contains("every week"), "{answer}");
    assert_eq!(hit["stale"], Value::Null);
}

/// Clients start servers in the folder of whatever project they are in.
#[test]
fn a_server_follows_the_declaration_that_is_meant() {
    let env = TestEnv::indexed(PAGES);
    env.write("other/moons.md", "# Moons\n\nEuropa is one of them.\n");
    env.write("docent.toml", "[[source]]\ntype = \"directory\"\npath = \"other\"\n");
    let seen = |wanted: &str| {
        until(wanted, || {
            let texts = texts(&env);
            if has(wanted)(&texts) { Ok(()) } else { Err(format!("{texts:?}")) }
        });
    };
    let serving = Serving::start_with(&env, &["--index", "index"]);
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    seen("every week");
    assert!(!has("Europa")(&texts(&env)), "the declaration of another index was followed");
    drop(serving);
    let serving = Serving::start_with(&env, &["--index", "index", "--config", "docent.toml"]);
    seen("Europa");
    drop(serving);
}

#[test]
fn a_server_waits_for_an_index_to_follow() {
    let env = TestEnv::new(PAGES);
    let mut serving = Serving::start(&env);
    let asked = || json!({"name": "search", "arguments": {"query": "rotate a key"}});
    let answer = serving.ask(2, "tools/call", &asked());
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    env.docent(&["index", "docs", "--model", "hashing", "-q"]).succeeds();
    env.write("docs/keys.md", "# Keys\n\nRotate a key every week.\n");
    until("the change", || {
        let texts = texts(&env);
        if has("every week")(&texts) { Ok(()) } else { Err(format!("{texts:?}")) }
    });
    let answer = serving.ask(3, "tools/call", &asked());
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}
