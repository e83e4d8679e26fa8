//! Clients that we did not write, in other languages, against the real program.
//!
//! They are installed once, under the target folder. Where Python or its package index is not to be
//! had the test says so and passes; with CI=true it fails instead.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::mcp_support::Library;
use crate::python::{python_with, said};

const PYTHON_CLIENT: &str = "mcp==2.3.0";

#[test]
fn the_official_python_client_lists_and_calls() {
    let Some(python) = python_with_client() else { return };
    let library = Library::new();
    for (mode, protocol) in [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28"), ("auto", "2026-07-28")] {
        let index = library.index_folder();
        let serve = [env!("CARGO_BIN_EXE_docent"), "serve", "--models", "/nonexistent", "--index"];
        let report = client_report(&python, mode, &[&serve[..], &[index.to_str().unwrap()]].concat());
        assert_eq!(report["protocol"], protocol, "{mode}: {report}");
        // A client that is pinned to 2026-07-28 asks for no introduction.
        if mode != "2026-07-28" {
            assert_eq!(report["server"], "docent", "{mode}: {report}");
            assert!(report["instructions"].as_str().unwrap().contains("3 documents"), "{mode}: {report}");
        }
        assert!(report["tools"].as_array().unwrap().iter().any(|tool| tool == "search"), "{mode}: {report}");
        let found = &report["found"];
        assert_eq!(found["is_error"], false, "{mode}: {report}");
        assert_eq!(found["structured"]["hits"][0]["path"], "keys.md", "{mode}: {report}");
        assert!(found["text"].as_str().unwrap().contains("1. keys.md:"), "{mode}: {report}");
        assert_told(&report, mode);
        assert_eq!(report["refused"]["is_error"], true, "{mode}: {report}");
        assert!(
            report["refused"]["text"].as_str().unwrap().contains("did you mean `query`?"),
            "{mode}: {report}"
        );
    }
}

/// Two questions of one wording each take four steps; a step that takes long is told of in between.
pub(crate) fn assert_told(report: &Value, mode: &str) {
    let told = report["progress"].as_array().unwrap();
    let done: Vec<f64> = told.iter().map(|step| step[0].as_f64().unwrap()).collect();
    assert!(done.is_sorted_by(|one, next| one < next), "{mode}: {report}");
    let steps: Vec<f64> = done.into_iter().filter(|done| done.fract() == 0.0).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0, 4.0], "{mode}: {report}");
    assert_eq!(told.last().unwrap()[1], 4.0, "{mode}: {report}");
}

/// What the client script prints about the server at a URL or behind a command.
pub(crate) fn client_report(python: &Path, mode: &str, server: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/mcp_client.py");
    let output = Command::new(python).arg(script).arg(mode).args(server).output().unwrap();
    assert!(output.status.success(), "{mode} {server:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An interpreter that has the official client.
pub(crate) fn python_with_client() -> Option<PathBuf> {
    static MADE: std::sync::OnceLock<Option<PathBuf>> = std::sync::OnceLock::new();
    MADE.get_or_init(|| python_with(&[PYTHON_CLIENT])).clone()
}
