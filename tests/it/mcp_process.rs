//! The real program as a client starts it: beginnings, ends, and what is on stdout.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::mcp_support::Library;

const HELLO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#;

fn serve(library: &Library) -> Child {
    command(library).spawn().unwrap()
}

fn command(library: &Library) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
    command.arg("serve").arg("--index").arg(library.index_folder()).args(["--models", "/nonexistent"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_client_that_hangs_up_at_once_is_no_error() {
    let library = Library::new();
    let child = serve(&library);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// Where a library would print, whatever it is written in, and where that goes.
#[test]
#[cfg(target_os = "linux")]
fn what_a_library_prints_does_not_reach_the_client() {
    let library = Library::new();
    let mut child = serve(&library);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    writeln!(input, "{HELLO}").unwrap();
    output.read_line(&mut line).unwrap();
    std::fs::write(format!("/proc/{}/fd/1", child.id()), "a library says hello\n").unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, "a library says hello\n");
    writeln!(input, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#).unwrap();
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).unwrap();
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Node starts servers with sockets for pipes.
#[test]
fn a_client_may_read_from_a_file_or_a_socket() {
    let library = Library::new();
    let mut command = command(&library);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut child = command.stdout(file.reopen().unwrap()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{HELLO}").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let written = std::fs::read_to_string(file.path()).unwrap();
    assert!(
        written.starts_with(r#"{"jsonrpc":"2.0","id":1,"result""#) && written.ends_with("}\n"),
        "{written}"
    );

    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    command.stdout(std::os::fd::OwnedFd::from(theirs));
    let mut child = command.spawn().unwrap();
    drop(command);
    writeln!(child.stdin.take().unwrap(), "{HELLO}").unwrap();
    let mut told = String::new();
    BufReader::new(ours).read_line(&mut told).unwrap();
    assert_eq!(told, written);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn other_machines_are_let_in_with_a_token_only() {
    let library = Library::new();
    let output = command(&library).args(["--http", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: serving on 0.0.0.0:0, which other machines can reach, needs a token\n\n\
         hint: give --token-file FILE, or listen on 127.0.0.1 behind a reverse proxy\n"
    );
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
