//! The command line: arguments, settings that are checked once, and one `match` over the commands.
//!
//! `render.rs` is the only writer to stdout, which carries data only; progress, notes and errors go
//! to stderr.

mod allocator;
mod args;
mod clients;
mod commands;
mod declared;
mod exit_status;
mod explanation;
mod failure;
mod interruption;
mod memory;
mod model;
mod output_file;
mod progress;
mod render;
mod settings;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use exit_status::ExitStatus;
use failure::Failure;
use settings::Settings;

/// Runs the program with `arguments` (the program's name first) and gives its exit status.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let status = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => execute(arguments).unwrap_or_else(|failure| failure.report()),
        Err(error) => {
            let is_mistake = error.use_stderr();
            // Help and version are data that was asked for, and go to stdout; mistakes to stderr.
            match error.print() {
                Err(error) if !is_mistake => Failure::Output(error).report(),
                _ if is_mistake => ExitStatus::Error,
                _ => ExitStatus::Success,
            }
        }
    };
    status.into()
}

/// Every way the program can go.
fn execute(arguments: Arguments) -> Result<ExitStatus, Failure> {
    // Only for builds: a server takes and frees the same blocks again and again.
    if matches!(arguments.command, Command::Quickstart(_) | Command::Index(_) | Command::Watch(_)) {
        allocator::give_back_large_blocks();
    }
    let settings = Settings::new(arguments.global);
    match arguments.command {
        Command::Quickstart(quickstart) => commands::quickstart::run(&settings, quickstart),
        Command::Pull(pull) => commands::pull::run(&settings, &pull),
        Command::Models(models) => commands::models::run(&settings, models),
        Command::Index(index) => commands::index::run(&settings, &index),
        Command::Watch(watch) => commands::watch::run(&settings, &watch),
        Command::Export(export) => commands::export::run(&settings, &export),
        Command::Import(import) => commands::import::run(&settings, &import),
        Command::Prepare(prepare) => commands::prepare::run(&settings, &prepare),
        Command::Ask(ask) => commands::ask::run(&settings, &ask),
        Command::Batch(batch) => commands::batch::run(&settings, &batch),
        Command::Serve(serve) => commands::serve::run(settings, serve),
        Command::Install(install) => commands::install::run(&settings, &install),
        Command::Uninstall(from) => commands::install::remove(&settings, &from),
        Command::Inspect(inspect) => commands::inspect::run(&settings, &inspect),
        Command::Status(status) => commands::status::run(&settings, status),
        Command::Doctor(doctor) => commands::doctor::run(&settings, doctor),
        Command::Eval(eval) => commands::eval::run(settings, &eval),
        Command::Compare(compare) => commands::compare::run(settings, &compare),
        Command::Completions(completions) => commands::completions::run(completions),
    }
}
