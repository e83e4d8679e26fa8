//! The real program as a client starts it: beginnings, ends, and what is on stdout.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::mcp_support::Library;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;

fn serve(library: &Library) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
    command.arg("serve").arg("--index").arg(library.index_folder()).args(["--models", "/nonexistent"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_client_that_hangs_up_at_once_is_no_error() {
    let library = Library::new();
    let child = serve(&library);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn signals_end_it_cleanly_and_stdout_holds_only_protocol() {
    let library = Library::new();
    for signal in ["-TERM", "-INT"] {
        let mut child = serve(&library);
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{HELLO}").unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with(r#"{"jsonrpc":"2.0","id":1,"result""#), "{line}");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}
