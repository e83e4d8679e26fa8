//! `docent ask`: one question, one answer.

use serde::Serialize;

use super::collections;
use crate::cli::args::AskArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::explanation;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, Manifest, read_manifest};
use crate::progress::Progress as _;
use crate::retrieval::{Answer, Explanation, Patient, Query, Reader, Retriever};

/// An answer with its explanation beside it.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    answer: &'a Answer,
    explanation: &'a Explanation,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: &AskArguments) -> Result<ExitStatus, Failure> {
    // A question that cannot be asked should not wait for a model to load.
    let query = Query::new(&arguments.question, arguments.limit)?
        .rephrased(arguments.also.iter().map(String::as_str))?;
    let query = query.among(arguments.scope.scope()?);
    let manifest = read_manifest(&settings.index)?;
    collections::ensure_asked(settings, &manifest, query.scope())?;
    if manifest.model.is_imported() && arguments.query_vectors.is_none() {
        return by_words(settings, &manifest, &query, arguments);
    }
    let texts = || query.wordings().map(Some).collect::<Vec<_>>().into_iter();
    let vectors = arguments.query_vectors.as_deref();
    let embedder = model::for_questions(settings, &manifest, vectors, Purpose::Asking, texts)?;
    let retriever = Retriever::new(Index::open(&settings.index)?, embedder)?;
    let answer = if arguments.explain {
        let (answer, explanation) = retriever.explained(&query)?;
        if arguments.json {
            render::json(&Explained { answer: &answer, explanation: &explanation })?;
        } else {
            let text = render::answer(&answer);
            render::text(&format!("{text}\n{}", explanation::text(&answer, &explanation)))?;
        }
        answer
    } else {
        let answer = retriever.answer(&query)?;
        print(&answer, arguments)?;
        answer
    };
    Ok(status(settings, &query, &answer))
}

fn print(answer: &Answer, arguments: &AskArguments) -> std::io::Result<()> {
    if arguments.json { render::json(answer) } else { render::text(&render::answer(answer)) }
}

/// Nothing at all on a terminal would look like a crash.
fn status(settings: &Settings, query: &Query, answer: &Answer) -> ExitStatus {
    if !answer.hits.is_empty() {
        return ExitStatus::Success;
    }
    settings.progress.note(if query.scope().is_all() {
        "nothing was found"
    } else {
        "nothing was found where the filters allow it (`--path`, `--kind` and so on): widen them, or see `docent status`"
    });
    ExitStatus::NothingFound
}

/// The answer of an index whose vectors were made elsewhere, without a vector of the question.
fn by_words(
    settings: &Settings,
    manifest: &Manifest,
    query: &Query,
    arguments: &AskArguments,
) -> Result<ExitStatus, Failure> {
    let folder = settings.index.clone();
    let missing = Failure::ImportedVectors { model: manifest.model.name.clone(), folder };
    if arguments.explain {
        return Err(missing);
    }
    settings.progress.note(&format!("by words alone: {missing}; {}", missing.hint()));
    let answer = Reader::new(Index::open(&settings.index)?).answer_by_words(query, &Patient)?;
    print(&answer, arguments)?;
    Ok(status(settings, query, &answer))
}

/// Opens the index, loads its model and answers.
pub(in crate::cli) fn answer(settings: &Settings, query: &Query) -> Result<Answer, Failure> {
    let manifest = read_manifest(&settings.index)?;
    let spec = model::for_asking(settings, &manifest)?;
    let index = Index::open(&settings.index)?;
    let embedder = model::load(settings, spec, Purpose::Asking)?;
    Ok(Retriever::new(index, embedder)?.answer(query)?)
}
