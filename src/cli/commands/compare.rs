//! `docent compare`: two evaluations, or two indexes that are asked now, and what changed between them.

use std::path::Path;

use super::eval::{How, evaluate};
use crate::cli::args::CompareArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::cli::{output_file, render};
use crate::evaluation::report::{comparison_page, comparison_text};
use crate::evaluation::{Comparison, Evaluation, QuestionSet, SetOptions};

/// Documents ranked for a question, as `docent eval` has it.
const LIMIT: usize = 100;

pub(in crate::cli) fn run(settings: Settings, arguments: &CompareArguments) -> Result<ExitStatus, Failure> {
    let (first, second) = match &arguments.set {
        Some(set) => asked(settings, set, arguments)?,
        None => (Evaluation::read(&arguments.first)?, Evaluation::read(&arguments.second)?),
    };
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

/// Both indexes, asked one after the other, each in its own way.
fn asked(
    settings: Settings,
    set: &Path,
    arguments: &CompareArguments,
) -> Result<(Evaluation, Evaluation), Failure> {
    let options = SetOptions { qrels: arguments.qrels.clone(), split: arguments.split.clone() };
    let set = QuestionSet::load(set, &options)?;
    let first = How {
        limit: LIMIT,
        relevant_from: None,
        with_rephrasings: arguments.first_with_rephrasings,
        without: &arguments.first_without,
        query_vectors: arguments.first_query_vectors.as_deref(),
    };
    let second = How {
        limit: LIMIT,
        relevant_from: None,
        with_rephrasings: arguments.second_with_rephrasings,
        without: &arguments.second_without,
        query_vectors: arguments.second_query_vectors.as_deref(),
    };
    let settings = Settings { index: arguments.first.clone(), ..settings };
    let of_first = evaluate(&settings, &set, &first)?.evaluation;
    let settings = Settings { index: arguments.second.clone(), ..settings };
    Ok((of_first, evaluate(&settings, &set, &second)?.evaluation))
}
