//! `docent batch`: a file of questions, a record for each.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::collections;
use crate::batch::{
    AnsweredBy, Batch, BatchError, Counts, Item, OutputFormat, QuestionFile, Trouble, Written, written,
};
use crate::cli::args::BatchArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::settings::Settings;
use crate::cli::{interruption, output_file, render};
use crate::evaluation::report::counted;
use crate::index::{Index, Manifest, read_manifest};
use crate::progress::{Progress, Unit};
use crate::retrieval::{MAX_LIMIT, QueryError, Retriever};

/// Passages for a question, as `docent ask` has it.
const DEFAULT_PASSAGES: u16 = 5;
/// Documents of a run, as `docent eval` has it.
const DEFAULT_DOCUMENTS: u16 = 100;

pub(in crate::cli) fn run(settings: &Settings, arguments: &BatchArguments) -> Result<ExitStatus, Failure> {
    // What is wrong with the arguments and the questions should not wait for an index or a model.
    let format = OutputFormat::from(arguments.format);
    let limit = limit(arguments, format)?;
    let scope = arguments.scope.scope()?;
    let questions = open(arguments)?;
    let survey = questions.survey()?;
    let manifest = read_manifest(&settings.index)?;
    collections::ensure_asked(settings, &manifest, &scope)?;
    let by = AnsweredBy { generation: manifest.generation, indexed_at: &manifest.indexed_at };
    let done = done(arguments, format, &questions, by)?;
    let left = survey.questions - done.questions;
    if done.questions > 0 {
        let (done, all) = (done.questions, counted(survey.questions as usize, "question"));
        settings.progress.note(&format!("{done} of {all} done already"));
    }
    let retriever = retriever(settings, &manifest, &questions, arguments.query_vectors.as_deref())?;
    let mut output = output(arguments.output.as_deref(), done)?;
    let interrupted = interruption::watched();
    let batch = Batch {
        retriever: &retriever,
        format,
        limit,
        scope: &scope,
        workers: settings.threads,
        with_head: done.bytes == 0,
        progress: &settings.progress,
        interrupted: &interrupted,
    };
    settings.progress.begin("asking", Some(left), Unit::Questions);
    let items = questions.items()?.skip(done.questions as usize);
    let counts = batch.run(items, &mut output, &mut |trouble| tell(settings, &questions, trouble))?;
    settings.progress.finish();
    Ok(ended(settings, left, (counts, done.errors), interrupted.load(Ordering::Relaxed)))
}

fn retriever(
    settings: &Settings,
    manifest: &Manifest,
    questions: &QuestionFile,
    query_vectors: Option<&Path>,
) -> Result<Retriever, Failure> {
    // Only given vectors need all questions at once.
    let texts: Vec<Option<String>> = match query_vectors {
        Some(_) => texts(questions)?,
        None => Vec::new(),
    };
    let texts = || texts.iter().map(Option::as_deref);
    let embedder = model::for_questions(settings, manifest, query_vectors, Purpose::Many, texts)?;
    Ok(Retriever::new(Index::open(&settings.index)?, embedder)?)
}

/// Every question, and nothing in the place of a malformed line.
pub(super) fn texts(questions: &QuestionFile) -> Result<Vec<Option<String>>, Failure> {
    let unreadable = |source| BatchError::Unreadable { name: questions.name().to_owned(), source };
    let text = |item: Item| item.content.ok().map(|wanted| wanted.text);
    let items = questions.items()?.map(|item| item.map(text).map_err(unreadable));
    Ok(items.collect::<Result<_, BatchError>>()?)
}

fn limit(arguments: &BatchArguments, format: OutputFormat) -> Result<usize, Failure> {
    if format == OutputFormat::Trec {
        return Ok(usize::from(arguments.limit.unwrap_or(DEFAULT_DOCUMENTS)));
    }
    let limit = usize::from(arguments.limit.unwrap_or(DEFAULT_PASSAGES));
    if limit > MAX_LIMIT {
        return Err(QueryError::Limit { limit }.into());
    }
    Ok(limit)
}

fn open(arguments: &BatchArguments) -> Result<QuestionFile, Failure> {
    let format = arguments.input_format.map(Into::into);
    if arguments.questions == Path::new("-") {
        return Ok(QuestionFile::spooled("stdin", std::io::stdin().lock(), format)?);
    }
    let questions = QuestionFile::open(&arguments.questions, format)?;
    if let Some(output) = &arguments.output
        && is_same_file(questions.path(), output)
    {
        return Err(BatchError::OverQuestions { path: output.clone() }.into());
    }
    Ok(questions)
}

fn is_same_file(one: Option<&Path>, other: &Path) -> bool {
    let one = one.and_then(|path| path.canonicalize().ok());
    one.is_some() && one == other.canonicalize().ok()
}

/// What an earlier run left in the output.
fn done(
    arguments: &BatchArguments,
    format: OutputFormat,
    questions: &QuestionFile,
    by: AnsweredBy,
) -> Result<Written, Failure> {
    let Some(path) = arguments.output.as_deref().filter(|path| arguments.resume && path.is_file()) else {
        return Ok(Written::default());
    };
    let unreadable = |source| BatchError::UnreadableOutput { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if format != OutputFormat::Jsonl {
        ensure_newer(path, &file, by).map_err(unreadable)??;
    }
    Ok(written((path, &file), format, questions, by)?)
}

/// Only lines of JSON say which generation of the index answered: of the others the time has to tell.
fn ensure_newer(
    path: &Path,
    file: &std::fs::File,
    by: AnsweredBy,
) -> Result<Result<(), BatchError>, std::io::Error> {
    let changed = chrono::DateTime::<chrono::Utc>::from(file.metadata()?.modified()?);
    let built = chrono::DateTime::parse_from_rfc3339(by.indexed_at);
    if built.is_ok_and(|built| changed < built) {
        let (path, current_at) = (path.to_owned(), by.indexed_at.to_owned());
        return Ok(Err(BatchError::OlderThanIndex { path, current_at }));
    }
    Ok(Ok(()))
}

fn output(path: Option<&Path>, done: Written) -> Result<Box<dyn Write>, Failure> {
    Ok(match path {
        Some(path) => Box::new(output_file::open(path, done.bytes)?),
        None => Box::new(render::stream()),
    })
}

/// Names a question without an answer, also to those who asked for quiet.
fn tell(settings: &Settings, questions: &QuestionFile, trouble: &Trouble) {
    let id = trouble.id.as_ref().map(|id| format!(" (question `{id}`)")).unwrap_or_default();
    let (name, line, error) = (questions.name(), trouble.line, &trouble.error);
    settings.progress.warn(&format!("{name}, line {line}{id}: {error}"));
}

fn ended(settings: &Settings, left: u64, (counts, before): (Counts, u64), interrupted: bool) -> ExitStatus {
    let asked = counts.answered + counts.errors;
    let of = |count: u64| counted(count as usize, "question");
    if counts.without_hits > 0 {
        settings.progress.note(&format!("{} found nothing", of(counts.without_hits)));
    }
    if counts.errors > 0 {
        let all = of(asked);
        settings.progress.warn(&format!("{} of {all} without an answer: see `error`", counts.errors));
    }
    if before > 0 {
        let hint = "see `error`, or start anew without --resume";
        settings.progress.warn(&format!("{} of the earlier run without an answer: {hint}", of(before)));
    }
    if interrupted && asked < left {
        let hint = "go on with --resume";
        settings.progress.warn(&format!("interrupted after {asked} of {}: {hint}", of(left)));
        return ExitStatus::Interrupted;
    }
    if counts.errors + before > 0 { ExitStatus::Error } else { ExitStatus::Success }
}
