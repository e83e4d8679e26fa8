//! `docent models`: what there is to embed with.

use serde::Serialize;

use crate::cli::args::ModelsArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::embedding::catalog::Catalog;
use crate::embedding::store::{InstallState, InstalledModel};

#[derive(Serialize)]
struct ModelLine<'a> {
    name: &'a str,
    aliases: &'a [String],
    description: &'a str,
    dimensions: usize,
    max_tokens: usize,
    default: bool,
    state: &'static str,
    bytes: u64,
}

#[derive(Serialize)]
struct ModelList<'a> {
    schema: u32,
    models: Vec<ModelLine<'a>>,
}

pub(in crate::cli) fn run(settings: &Settings, arguments: ModelsArguments) -> Result<ExitStatus, Failure> {
    let catalog = Catalog::builtin();
    let default = &catalog.default_model().name;
    let installed = settings.models.installed(catalog);
    let models: Vec<ModelLine> = installed.iter().map(|model| line(model, default)).collect();
    if arguments.json {
        render::json(&ModelList { schema: 1, models })?;
    } else {
        render::text(&table(&models))?;
    }
    Ok(ExitStatus::Success)
}

fn line<'a>(model: &InstalledModel<'a>, default: &str) -> ModelLine<'a> {
    let state = match &model.state {
        InstallState::BuiltIn => "built_in",
        InstallState::Installed => "installed",
        InstallState::Incomplete { .. } => "incomplete",
        InstallState::Absent => "absent",
    };
    ModelLine {
        name: &model.spec.name,
        aliases: &model.spec.aliases,
        description: &model.spec.description,
        dimensions: model.spec.dimensions,
        max_tokens: model.spec.max_tokens,
        default: model.spec.name == default,
        state,
        bytes: model.bytes,
    }
}

fn table(models: &[ModelLine]) -> String {
    let width = models.iter().map(|model| model.name.len()).max().unwrap_or(0) + 2;
    let mut output =
        format!("{:width$}{:>5}{:>8}  {:11} {}\n", "NAME", "DIM", "TOKENS", "STATE", "DESCRIPTION");
    for model in models {
        let name = if model.default { format!("{} *", model.name) } else { model.name.to_owned() };
        output.push_str(&format!(
            "{name:width$}{:>5}{:>8}  {:11} {}\n",
            model.dimensions,
            model.max_tokens,
            // Most are absent: a column of that word would hide the others.
            model.state.replace("absent", "-").replace('_', " "),
            model.description
        ));
    }
    output.push_str("\n* the default. `docent pull NAME` fetches one.\n");
    output
}
