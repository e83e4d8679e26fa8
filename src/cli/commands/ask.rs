//! `docent ask`: one question, one answer.

use serde::Serialize;

use crate::cli::args::AskArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::explanation;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, read_manifest};
use crate::retrieval::{Answer, Explanation, Query, Retriever};

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
    let query = arguments.kind.into_iter().fold(query, Query::of_kind);
    let retriever = retriever(settings)?;
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
        if arguments.json {
            render::json(&answer)?;
        } else {
            render::text(&render::answer(&answer))?;
        }
        answer
    };
    Ok(if answer.hits.is_empty() { ExitStatus::NothingFound } else { ExitStatus::Success })
}

/// Opens the index, loads its model and answers.
pub(in crate::cli) fn answer(settings: &Settings, query: &Query) -> Result<Answer, Failure> {
    Ok(retriever(settings)?.answer(query)?)
}

fn retriever(settings: &Settings) -> Result<Retriever, Failure> {
    let manifest = read_manifest(&settings.index)?;
    let spec = model::for_asking(settings, &manifest)?;
    let index = Index::open(&settings.index)?;
    let embedder = model::load(settings, spec, Purpose::Asking)?;
    Ok(Retriever::new(index, embedder)?)
}
