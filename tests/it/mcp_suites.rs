//! Inspectors, graders, fuzzers and clients that we did not write, against the real program.
//!
//! Each is pinned, and installed once under the target folder. Where Node, Python or a registry is
//! not to be had the test says so and passes; with CI=true what can be fetched has to install.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::mcp_support::Library;
use crate::node::Node;
use crate::python::{python_with, said};

const INSPECTOR: &str = "@modelcontextprotocol/inspector@2.12.0";
const SDK_V1: &str = "@modelcontextprotocol/sdk@1.32.2";
const SDK_V2: &str = "@modelcontextprotocol/client@2.4.0";
const GRADERS: &[&str] = &["mcpscore==1.29.0", "mcp-assert==0.12.3", "mcp-quality==0.7.0"];
const VETTERS: &[&str] = &["mcpvet==0.1.0", "mcp<2"];
const FASTMCP: &[&str] = &["fastmcp==4.2.3"];

/// An index, and the program over it: by a command without arguments, and at an address.
struct Served {
    _library: Library,
    /// Some suites take a command that has no arguments.
    command: PathBuf,
    url: String,
    http: Child,
}

impl Served {
    fn new() -> Self {
        let library = Library::new();
        let command = library.index_folder().with_file_name("serve.sh");
        let index = library.index_folder();
        let (program, index) = (env!("CARGO_BIN_EXE_docent"), index.display());
        let serve = format!("'{program}' serve --models /nonexistent --index '{index}'");
        std::fs::write(&command, format!("#!/bin/sh\nexec {serve} \"$@\"\n")).unwrap();
        std::fs::set_permissions(&command, PermissionsExt::from_mode(0o755)).unwrap();
        let (http, url) = serve_http(&command);
        Self { _library: library, command, url, http }
    }

    fn command(&self) -> &str {
        self.command.to_str().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.http.kill();
        let _ = self.http.wait();
    }
}

fn serve_http(command: &Path) -> (Child, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut http = Command::new(command)
        .args(["--http", &address])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(http.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    (http, format!("http://{address}/mcp"))
}

/// The standard output of a run that has to succeed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn tool(python: &Path, name: &str) -> Command {
    Command::new(python.with_file_name(name))
}

#[test]
fn the_inspector_is_content_in_both_eras() {
    let Some(node) = Node::with(&[INSPECTOR]) else { return };
    let served = Served::new();
    let inspect = |target: &[&str], arguments: &[&str]| {
        let mut command = node.run("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
        printed(command.arg("--cli").args(target).args(arguments).args(["--format", "json", "-q"]))
    };
    let http = ["--server-url", &served.url, "--transport", "http"];
    inspect(&[served.command()], &["--method", "tools/list", "--strict"]);
    let found = inspect(
        &http,
        &["--method", "tools/call", "--tool-name", "search", "--tool-arg", "query=rotate an API key"],
    );
    let found: Value = serde_json::from_str(&found).unwrap();
    let id = found["result"]["structuredContent"]["hits"][0]["id"].as_str().unwrap();
    let related = format!("id={id}");
    for era in ["legacy", "modern"] {
        let target = [&http[..], &["--protocol-era", era]].concat();
        inspect(&target, &["--method", "tools/list", "--strict"]);
        for (name, argument) in [
            ("search", "query=rotate an API key"),
            ("read", "path=keys.md"),
            ("list", "limit=2"),
            ("related", related.as_str()),
            ("status", ""),
        ] {
            let argument: &[&str] = if argument.is_empty() { &[] } else { &["--tool-arg", argument] };
            let call = [&["--method", "tools/call", "--tool-name", name], argument].concat();
            let answer: Value = serde_json::from_str(&inspect(&target, &call)).unwrap();
            assert!(answer["result"]["content"][0]["text"].is_string(), "{era} {name}: {answer}");
        }
    }
    let load = ["--load", "--load-concurrency", "16", "--load-requests", "2000"];
    let call = ["--method", "tools/call", "--tool-name", "search", "--tool-arg", "query=keys"];
    let load: Value = serde_json::from_str(&inspect(&http, &[&call[..], &load[..]].concat())).unwrap();
    let load = &load["result"];
    assert_eq!((&load["ok"], &load["errors"], &load["toolErrors"]), (&2000.into(), &0.into(), &0.into()));
}

#[test]
fn graders_and_fuzzers_find_nothing_that_matters() {
    let Some(python) = python_with(GRADERS) else { return };
    let served = Served::new();
    printed(tool(&python, "mcpscore").args(["--fail-under", "95", "--json", "--stdio", served.command()]));
    printed(tool(&python, "mcpscore").args(["--fail-under", "95", "--json", &served.url]));
    printed(tool(&python, "mcp-assert").args([
        "fuzz",
        "--runs",
        "200",
        "--seed",
        "1",
        "--server",
        served.command(),
    ]));
    printed(tool(&python, "mcp-quality").args(["run", served.command(), "--fail-under", "A"]));
}

#[test]
fn nothing_but_protocol_is_on_standard_output() {
    let Some(python) = python_with(VETTERS) else { return };
    let served = Served::new();
    let verdict = printed(tool(&python, "mcpvet").args(["lint", served.command()]));
    assert!(verdict.contains("no findings"), "{verdict}");
}

/// What a client's script says of the server at a URL or behind a command.
fn assert_understood(report: &str, from: &str) {
    let report: Value = serde_json::from_str(report).unwrap();
    assert!(report["tools"].as_array().unwrap().iter().any(|tool| tool == "search"), "{from}: {report}");
    assert_eq!(report["structured"]["hits"][0]["path"], "keys.md", "{from}: {report}");
    assert!(report["text"].as_str().unwrap().contains("1. keys.md:"), "{from}: {report}");
    assert_eq!(report["resource"], true, "{from}: {report}");
    let refused = report["refused"].as_str().unwrap();
    assert!(refused.contains("did you mean `query`?"), "{from}: {report}");
}

#[test]
fn the_fastmcp_client_understands_all() {
    let Some(python) = python_with(FASTMCP) else { return };
    let served = Served::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/fastmcp_client.py");
    for target in [served.command(), &served.url] {
        assert_understood(&printed(Command::new(&python).arg(&script).arg(target)), target);
    }
}

#[test]
fn the_typescript_clients_of_both_generations_understand_all() {
    let Some(node) = Node::with(&[SDK_V1, SDK_V2]) else { return };
    let served = Served::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/sdk_client.mjs");
    for mode in ["v1", "v2-legacy", "v2-auto", "v2-2026-07-28"] {
        for target in [served.command(), &served.url] {
            let report = printed(node.run_copy(&script).args([mode, target]));
            assert_understood(&report, &format!("{mode} {target}"));
        }
    }
}
