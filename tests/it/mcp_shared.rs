//! `docent serve --shared`: many agents, one process behind, and nobody left over.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::testenv::{PAGES, TestEnv};

/// An agent and the process that it started.
struct Agent {
    relay: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

fn serve(env: &TestEnv, idle: &str) -> Command {
    serve_with(env, &["--idle", idle])
}

fn serve_with(env: &TestEnv, options: &[&str]) -> Command {
    let arguments = [&["serve", "--shared"], options].concat();
    let mut command = env.command(&arguments).variable("XDG_RUNTIME_DIR", env.path("home")).into_command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Agent {
    fn start(mut command: Command) -> Self {
        let mut relay = command.spawn().unwrap();
        let input = relay.stdin.take();
        let output = BufReader::new(relay.stdout.take().unwrap());
        Self { relay, input, output }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn search(&mut self) -> Value {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
        });
        let call = json!({"name": "search", "arguments": {"query": "rotate a key"}, "_meta": meta});
        self.ask("tools/call", &call)["result"]["structuredContent"]["hits"][0]["path"].take()
    }

    fn hang_up(mut self) -> Option<i32> {
        drop(self.input.take());
        self.relay.wait().unwrap().code()
    }
}

/// The processes behind: those that were started with `--behind` on this test's index.
fn behind(env: &TestEnv) -> Vec<u32> {
    let index = env.root().join("index").to_str().unwrap().to_owned();
    let listed = Command::new("ps").args(["-eo", "pid=,stat=,args="]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let ours = text.lines().filter(|line| line.contains("--behind") && line.contains(&index));
    let alive = ours.filter(|line| !line.split_whitespace().nth(1).unwrap().starts_with('Z'));
    alive.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_mins(3), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn kill(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

fn sockets(env: &TestEnv) -> Vec<PathBuf> {
    let names = env.names("home/docent").into_iter().filter(|name| name.contains(".sock"));
    names.map(|name| env.path("home/docent").join(name)).collect()
}

#[test]
fn agents_share_one_process_that_ends_when_all_have_left() {
    let env = TestEnv::indexed(PAGES);
    let mut agents: Vec<Agent> = (0..4).map(|_| Agent::start(serve(&env, "1"))).collect();
    for agent in &mut agents {
        assert_eq!(agent.search(), "keys.md");
    }
    assert_eq!(behind(&env).len(), 1, "one process for all");
    let mut last = agents.pop().unwrap();
    for agent in agents {
        assert_eq!(agent.hang_up(), Some(0));
    }
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(last.search(), "keys.md", "it does not leave while somebody is there");
    assert_eq!(last.hang_up(), Some(0));
    wait_until("the process behind stays", || behind(&env).is_empty());
    assert_eq!(sockets(&env), Vec::<PathBuf>::new());
}

#[test]
fn the_process_behind_follows_the_declaration_of_the_folder() {
    let env = TestEnv::indexed(PAGES);
    env.write("other/moons.md", "# Moons\n\nEuropa is one of them.\n");
    env.write("docent.toml", "[[source]]\ntype = \"directory\"\npath = \"other\"\n");
    let mut agent = Agent::start(serve_with(&env, &["--watch", "--idle", "1"]));
    agent.search();
    wait_until("what is declared is not indexed", || {
        docent::index::read_manifest(&env.path("index")).is_ok_and(|manifest| manifest.counts.documents == 1)
    });
    assert_eq!(agent.search(), "moons.md");
    assert_eq!(agent.hang_up(), Some(0));
    wait_until("the process behind stays", || behind(&env).is_empty());
}

#[test]
fn agents_that_are_killed_leave_nobody_behind() {
    let env = TestEnv::indexed(PAGES);
    let mut agent = Agent::start(serve(&env, "1"));
    assert_eq!(agent.search(), "keys.md");
    kill("-KILL", agent.relay.id());
    agent.relay.wait().unwrap();
    // An agent whose parent dies sees its input end.
    let index = env.root().join("index");
    let script = "exec 3> >(\"$0\" serve --shared --idle 1 --index \"$1\" >/dev/null); read";
    let mut parent = Command::new("/bin/bash");
    parent.args(["-c", script]).arg(crate::testenv::program()).arg(&index);
    parent.env("XDG_RUNTIME_DIR", env.path("home")).env("DOCENT_MODELS", env.path("models"));
    let mut parent = parent.stdin(Stdio::piped()).spawn().unwrap();
    wait_until("nobody behind", || behind(&env).len() == 1);
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait_until("the process behind stays", || behind(&env).is_empty());
}

#[test]
fn a_process_behind_that_was_killed_is_followed_by_another() {
    let env = TestEnv::indexed(PAGES);
    let mut agent = Agent::start(serve(&env, "1"));
    assert_eq!(agent.search(), "keys.md");
    let first = behind(&env)[0];
    kill("-KILL", first);
    let output = agent.relay.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        told,
        "error: the shared server has ended\n\nhint: start again; most clients do it by themselves\n"
    );
    assert_eq!(sockets(&env).len(), 1, "the killed one could not clean up");
    let mut agent = Agent::start(serve(&env, "1"));
    assert_eq!(agent.search(), "keys.md");
    let second = behind(&env)[0];
    assert_ne!(first, second);
    kill("-TERM", second);
    assert_eq!(agent.relay.wait().unwrap().code(), Some(2));
    wait_until("the process behind stays", || behind(&env).is_empty());
    assert_eq!(sockets(&env), Vec::<PathBuf>::new());
}
