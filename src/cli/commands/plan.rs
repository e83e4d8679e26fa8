//! `docent index --dry-run`: what a build would change.

use std::path::Path;

use serde::Serialize;

use super::index::{Sources, roots};
use crate::chunking::ChunkSettings;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::embedding::catalog::ModelSpec;
use crate::index::{AllAnew, Index, Plan, read_manifest};

/// Version of the JSON form.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    index: &'a Path,
    /// Whether any document would be embedded or dropped.
    changes: bool,
    #[serde(flatten)]
    plan: &'a Plan,
}

pub(super) fn run(settings: &Settings, sources: &Sources, as_json: bool) -> Result<ExitStatus, Failure> {
    let roots = roots(settings, sources)?;
    let existing = read_manifest(&settings.index).ok();
    let spec = model::for_indexing(settings, existing.as_ref())?;
    let plan =
        sources.survey(settings, &roots).plan(|index| chunking_of_same_model(settings, spec, index))?;
    if as_json {
        let changes = !plan.changes_nothing();
        render::json(&Report { schema: SCHEMA, index: &settings.index, changes, plan: &plan })?;
    } else {
        render::text(&describe(&plan))?;
    }
    Ok(ExitStatus::Success)
}

/// The sizes of chunks that a build would have, where it would use the model of the index.
fn chunking_of_same_model(settings: &Settings, spec: &ModelSpec, index: &Index) -> Option<ChunkSettings> {
    let manifest = index.manifest();
    // A model that is not here yet is told by its name.
    let is_same = match model::identity(settings, spec) {
        Ok(Some(identity)) => identity == manifest.model,
        _ => spec.name == manifest.model.name && !manifest.model.is_imported(),
    };
    is_same.then(|| ChunkSettings::for_encoder(manifest.chunking.max_tokens))
}

fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    if let Some(why) = plan.all_anew {
        let why = match why {
            AllAnew::NoIndex => "there is no index yet",
            AllAnew::UnreadableIndex => "the index cannot be read, and would be replaced",
            AllAnew::OtherModel => "everything would be embedded anew, by another model",
            AllAnew::OtherChunks => "everything would be embedded anew, in chunks of another size",
        };
        text.push_str(&format!("{why}\n"));
    }
    let mut list = |word: &str, paths: &[String]| {
        for path in paths {
            text.push_str(&format!("{word:<10}{path}\n"));
        }
    };
    list("add", &plan.added);
    list("change", &plan.changed);
    let renamed: Vec<String> =
        plan.renamed.iter().map(|renamed| format!("{} -> {}", renamed.from, renamed.to)).collect();
    list("rename", &renamed);
    list("remove", &plan.removed);
    let skipped: Vec<String> =
        plan.skipped.iter().map(|skip| format!("{}: {}", skip.path, skip.reason)).collect();
    list("leave out", &skipped);
    text.push_str(&format!("unchanged: {}\n", plan.unchanged));
    text
}
