//! `docent quickstart`: the whole path once, from nothing to an answer and a connected agent.

use std::path::{Path, PathBuf};

use super::{ask, collections, index, pull};
use crate::cli::args::QuickstartArguments;
use crate::cli::clients::{Launch, shell_quoted, snippets};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, read_manifest};
use crate::progress::Progress;
use crate::retrieval::Query;
use crate::source::SourceSpec;

/// docent's own manual, in a checkout.
const MANUAL: &str = "docs";
/// What a newcomer to the manual would ask.
const MANUAL_QUESTION: &str = "How do I connect docent to my AI agent?";
const SAMPLE_LIMIT: usize = 3;

pub(in crate::cli) fn run(
    settings: &Settings,
    arguments: QuickstartArguments,
) -> Result<ExitStatus, Failure> {
    let asked_for_manual = arguments.path.is_none();
    let path = arguments.path.unwrap_or_else(|| PathBuf::from(MANUAL));
    if asked_for_manual && !path.is_dir() {
        return Err(Failure::NoManual { manual: path });
    }
    index::ensure_paths_exist(std::slice::from_ref(&path))?;
    let note = |text: &str| settings.progress.note(text);
    note("1. model");
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    if settings.model_dir.is_none() {
        pull::fetch(settings, spec, None)?;
    }
    note("2. index");
    let sources = collections::beside_the_others(settings, vec![SourceSpec::directory(path)], None);
    index::build(settings, &index::Sources::of(sources))?;
    note("3. first question");
    let question = if asked_for_manual { MANUAL_QUESTION.to_owned() } else { question_for(&settings.index)? };
    let answer = ask::answer(settings, &Query::new(&question, SAMPLE_LIMIT)?)?;
    let next = next_steps(settings, &question);
    render::text(&format!("> {question}\n\n{}\n{next}", render::answer(&answer)))?;
    Ok(ExitStatus::Success)
}

/// A question that the indexed documents should answer: about the title of the first of them.
fn question_for(index: &Path) -> Result<String, Failure> {
    let document = Index::open(index)?.document(0)?;
    Ok(format!("What is {}?", document.title))
}

fn next_steps(settings: &Settings, question: &str) -> String {
    let launch = Launch::of(settings);
    let quoted = |path: &Path| shell_quoted(&path.display().to_string());
    let (program, index) = (quoted(&launch.program), quoted(&launch.index));
    let question = shell_quoted(question);
    format!(
        "{}\nNext:\n  {program} install CLIENT --index {index}\n  {program} ask {question} --index {index}\n  {program} index PATH --index {index}\n  {program} status --index {index}\n  {program} --help\n",
        snippets(&launch)
    )
}
