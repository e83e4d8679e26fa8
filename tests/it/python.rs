//! Python programs beside the tests: clients and measures that we did not write.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// What measures retrieval: one environment for all tests that do.
pub(crate) const MEASURING: &[&str] = &["pytrec-eval-terrier==0.5.11", "ir-measures==0.4.3", "pandas>=2.2"];

/// The interpreter of a virtual environment with these packages, made now or on an earlier run.
pub(crate) fn python_with(packages: &[&str]) -> Option<PathBuf> {
    // Two tests must not make the same one at the same time.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("venv-{}", packages.join("-")));
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if ready.exists() {
        return Some(python);
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
    let made = succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .and_then(|()| succeeds(Command::new(&python).args(install).args(packages)));
    match made {
        Ok(()) => {
            std::fs::write(ready, "").unwrap();
            Some(python)
        }
        Err(reason) => {
            let wanted = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!wanted, "{packages:?} cannot be installed: {reason}");
            eprintln!("SKIPPED: {packages:?} cannot be installed: {reason}");
            None
        }
    }
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(said(&output)),
        Err(error) => Err(error.to_string()),
    }
}

/// What a program printed, on both streams.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
