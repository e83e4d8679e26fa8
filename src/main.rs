//! The `docent` program: see `docent --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    docent::cli::run(std::env::args_os())
}
