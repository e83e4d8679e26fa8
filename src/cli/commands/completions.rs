//! `docent completions`.

use clap::CommandFactory;

use crate::cli::args::{Arguments, CompletionsArguments};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::render;

pub(in crate::cli) fn run(arguments: CompletionsArguments) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "docent", &mut script);
    render::text(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Success)
}
