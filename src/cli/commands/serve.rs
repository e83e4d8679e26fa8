//! `docent serve`: MCP over stdin and stdout.

use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(_settings: &Settings) -> Result<ExitStatus, Failure> {
    Ok(ExitStatus::Error)
}
