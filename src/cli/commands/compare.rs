//! `docent compare`: two evaluations, and what changed between them.

use crate::cli::args::CompareArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output_file, render};
use crate::evaluation::report::{comparison_page, comparison_text};
use crate::evaluation::{Comparison, Evaluation};

pub(in crate::cli) fn run(arguments: &CompareArguments) -> Result<ExitStatus, Failure> {
    let first = Evaluation::read(&arguments.first)?;
    let second = Evaluation::read(&arguments.second)?;
    let comparison = Comparison::of((&arguments.first, &first), (&arguments.second, &second))?;
    if let Some(path) = &arguments.html {
        output_file::write(path, &comparison_page(&comparison))?;
    }
    if arguments.json {
        render::json(&comparison)?;
    } else {
        render::text(&comparison_text(&comparison))?;
    }
    Ok(ExitStatus::Success)
}
