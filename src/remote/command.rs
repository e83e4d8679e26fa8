//! Other programs, run without a terminal, within a time, and with what they said kept for errors.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::FetchError;

/// A fetch that takes longer is given up.
const LONGEST: Duration = Duration::from_mins(10);
const POLL: Duration = Duration::from_millis(20);
const LINES_SHOWN: usize = 6;
/// Programs that say more than this say it to nobody.
const MOST_OUTPUT: u64 = 4 << 20;

/// Runs `command`, which fetches `purpose`, and returns what it wrote to its standard output.
pub(super) fn run(command: &mut Command, purpose: &str) -> Result<String, FetchError> {
    let program = shown(command.get_program());
    let failed = |output: String| FetchError::Program {
        program: program.clone(),
        purpose: purpose.to_owned(),
        output,
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            FetchError::NoProgram { program: program.clone(), purpose: purpose.to_owned() }
        }
        _ => failed(error.to_string()),
    })?;
    let output = collected(child.stdout.take());
    let errors = collected(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| failed(error.to_string()))? {
            Some(status) => break status,
            None if started.elapsed() > LONGEST => {
                // It may have ended just now; then there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("it took more than {} s", LONGEST.as_secs())));
            }
            None => std::thread::sleep(POLL),
        }
    };
    let output = output.join().unwrap_or_default();
    if status.success() {
        return Ok(output);
    }
    Err(failed(last_lines(&errors.join().unwrap_or_default(), &status.to_string())))
}

/// Reads to the end on a thread of its own: a full pipe would stop the program.
fn collected(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn shown(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}

fn last_lines(text: &str, status: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n  ");
    if last.is_empty() { status.to_owned() } else { last }
}
