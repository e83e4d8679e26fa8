//! `docent ask`: one question, one answer.

use super::collections;
use crate::cli::args::AskArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Purpose};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::index::{Index, read_manifest};
use crate::retrieval::{Answer, Query, Retriever};

pub(in crate::cli) fn run(settings: &Settings, arguments: &AskArguments) -> Result<ExitStatus, Failure> {
    // A question that cannot be asked should not wait for a model to load.
    let query = Query::new(&arguments.question, arguments.limit)?
        .rephrased(arguments.also.iter().map(String::as_str))?;
    let query = arguments.kind.into_iter().fold(query, Query::of_kind);
    let query = match &arguments.collection {
        Some(name) => {
            collections::ensure(settings, &read_manifest(&settings.index)?, name)?;
            query.of_collection(name.clone())
        }
        None => query,
    };
    let answer = answer(settings, &query)?;
    if arguments.json {
        render::json(&answer)?;
    } else {
        render::text(&render::answer(&answer))?;
    }
    Ok(if answer.hits.is_empty() { ExitStatus::NothingFound } else { ExitStatus::Success })
}

/// Opens the index, loads its model and answers.
pub(in crate::cli) fn answer(settings: &Settings, query: &Query) -> Result<Answer, Failure> {
    let manifest = read_manifest(&settings.index)?;
    let spec = model::for_asking(settings, &manifest)?;
    let index = Index::open(&settings.index)?;
    let embedder = model::load(settings, spec, Purpose::Asking)?;
    Ok(Retriever::new(index, embedder)?.answer(query)?)
}
