//! `docent eval`: questions with judged documents in, measures out.

use std::io::Write;
use std::path::Path;

use super::index;
use crate::cli::args::{By, EvalArguments};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::cli::{output_file, render};
use crate::evaluation::report::{counted, evaluation_page, evaluation_text, regression_text};
use crate::evaluation::{
    Evaluated, Evaluation, EvaluationError, Evaluator, QuestionSet, SetOptions, regressions,
};
use crate::index::{Index, OpenError, read_manifest};
use crate::progress::Progress;
use crate::retrieval::{Part, Retriever};
use crate::source::SourceSpec;

pub(in crate::cli) fn run(mut settings: Settings, arguments: &EvalArguments) -> Result<ExitStatus, Failure> {
    // What is wrong with the files should not wait for an index or a model.
    let options = SetOptions { qrels: arguments.qrels.clone(), split: arguments.split.clone() };
    let set = QuestionSet::load(&arguments.set, &options)?;
    let baseline = arguments.baseline.as_deref().map(Evaluation::read).transpose()?;
    tell(&settings, &set, arguments);
    let _temporary = build_where_asked(&mut settings, &set, arguments)?;
    let evaluated = evaluate(&settings, &set, &How::from(arguments))?;
    write_files(arguments, &evaluated)?;
    print(arguments, &evaluated.evaluation)?;
    match (&arguments.baseline, baseline) {
        (Some(path), Some(baseline)) => check(path, &baseline, &evaluated.evaluation, arguments.tolerance),
        _ => Ok(ExitStatus::Success),
    }
}

/// What a reader of the numbers should know about the set.
fn tell(settings: &Settings, set: &QuestionSet, arguments: &EvalArguments) {
    let note = |text: String| settings.progress.note(&text);
    if set.unjudged > 0 {
        note(format!("left out for want of judgements: {}", counted(set.unjudged, "question")));
    }
    if set.unknown_questions > 0 {
        note(format!(
            "left out, being of no question in the set: judgements of {}",
            counted(set.unknown_questions, "question")
        ));
    }
    let worded = set.questions.iter().filter(|question| !question.rephrasings.is_empty()).count();
    if arguments.with_rephrasings && worded < set.questions.len() {
        note(format!("without rephrasings: {}", counted(set.questions.len() - worded, "question")));
    }
}

/// Builds the index that is asked for and makes it the one in use. A temporary folder lives as
/// long as what is returned.
fn build_where_asked(
    settings: &mut Settings,
    set: &QuestionSet,
    arguments: &EvalArguments,
) -> Result<Option<tempfile::TempDir>, Failure> {
    if !arguments.build && arguments.corpus.is_none() {
        return Ok(None);
    }
    let corpus = arguments.corpus.as_ref().unwrap_or(&set.corpus);
    if !corpus.exists() {
        return Err(EvaluationError::NoCorpus { corpus: corpus.clone() }.into());
    }
    let temporary = if settings.index_is_typed {
        ensure_same_documents(&settings.index, corpus)?;
        None
    } else {
        let folder = tempfile::Builder::new().prefix("docent-eval-").tempdir();
        let folder = folder.map_err(|source| Failure::Unwritable { path: std::env::temp_dir(), source })?;
        folder.path().clone_into(&mut settings.index);
        Some(folder)
    };
    index::build(settings, &index::Sources::of(vec![SourceSpec::directory(corpus.clone())]))?;
    Ok(temporary)
}

/// Evaluating must not replace an index that is in use for something else.
fn ensure_same_documents(folder: &Path, corpus: &Path) -> Result<(), Failure> {
    let manifest = match read_manifest(folder) {
        Ok(manifest) => manifest,
        Err(OpenError::Missing { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let root = corpus.canonicalize().unwrap_or_else(|_| corpus.to_owned());
    // Parts that were left out, or kinds and names that were given, would be lost.
    if manifest.declared() == [SourceSpec::directory(root)] {
        return Ok(());
    }
    Err(EvaluationError::OtherIndex { folder: folder.to_owned(), corpus: corpus.to_owned() }.into())
}

/// How an index is asked.
pub(super) struct How<'a> {
    pub(super) limit: usize,
    pub(super) with_rephrasings: bool,
    pub(super) relevant_from: Option<i32>,
    pub(super) without: &'a [Part],
    pub(super) query_vectors: Option<&'a Path>,
}

impl<'a> From<&'a EvalArguments> for How<'a> {
    fn from(arguments: &'a EvalArguments) -> Self {
        Self {
            limit: usize::from(arguments.limit),
            with_rephrasings: arguments.with_rephrasings,
            relevant_from: arguments.relevant_from,
            without: &arguments.without,
            query_vectors: arguments.query_vectors.as_deref(),
        }
    }
}

pub(super) fn evaluate(settings: &Settings, set: &QuestionSet, how: &How<'_>) -> Result<Evaluated, Failure> {
    let manifest = read_manifest(&settings.index).map_err(|error| match error {
        OpenError::Missing { folder } => Failure::from(EvaluationError::NoIndex { folder }),
        other => other.into(),
    })?;
    let texts = || set.asked.iter().map(|text| Some(text.as_str()));
    let embedder = model::for_questions(settings, &manifest, how.query_vectors, Purpose::Asking, texts)?;
    let retriever = Retriever::new(Index::open(&settings.index)?, embedder)?.without(how.without);
    let evaluator = Evaluator {
        retriever: &retriever,
        limit: how.limit,
        with_rephrasings: how.with_rephrasings,
        relevant_from: how.relevant_from,
        without: how.without.iter().map(ToString::to_string).collect(),
        progress: &settings.progress,
    };
    Ok(evaluator.evaluate(set)?)
}

fn write_files(arguments: &EvalArguments, evaluated: &Evaluated) -> Result<(), Failure> {
    if let Some(path) = &arguments.run {
        output_file::write(path, &evaluated.run)?;
    }
    if let Some(path) = &arguments.html {
        output_file::write(path, &evaluation_page(&evaluated.evaluation))?;
    }
    if let Some(path) = arguments.json.as_ref().filter(|path| !is_stdout(path)) {
        output_file::write(path, &evaluated.evaluation.to_json())?;
    }
    Ok(())
}

fn print(arguments: &EvalArguments, evaluation: &Evaluation) -> Result<(), Failure> {
    if arguments.json.as_deref().is_some_and(is_stdout) {
        render::text(&evaluation.to_json())?;
    } else {
        render::text(&evaluation_text(evaluation, arguments.by == Some(By::Kind)))?;
    }
    Ok(())
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn check(
    path: &Path,
    baseline: &Evaluation,
    now: &Evaluation,
    tolerance: f64,
) -> Result<ExitStatus, Failure> {
    let regressions = regressions((path, baseline), now, tolerance)?;
    if regressions.is_empty() {
        return Ok(ExitStatus::Success);
    }
    // Said even to those who asked for quiet: it is why the exit status is 1.
    let _ = writeln!(std::io::stderr().lock(), "{}", regression_text(&regressions, tolerance));
    Ok(ExitStatus::Regressed)
}
