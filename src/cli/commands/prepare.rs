//! `docent prepare`: a project's documentation in the layout of servers that were made for it.

use std::path::{Path, PathBuf};

use super::index::source_of;
use crate::cli::args::PrepareArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::prepare::Preparation;
use crate::progress::Progress;
use crate::remote;
use crate::source::Origin;

/// Where pages are looked for, in this order.
const DOCS: [&str; 2] = ["docs", "packages/docs/content"];

pub(in crate::cli) fn run(settings: &Settings, arguments: &PrepareArguments) -> Result<ExitStatus, Failure> {
    let source = source_of(&arguments.project)?;
    if !matches!(source.origin, Origin::Directory { .. }) {
        settings.progress.note(&format!("fetching {source}"));
    }
    let project = remote::fetch(&source, &settings.cache, &settings.progress)?;
    super::index::ensure_paths_exist(std::slice::from_ref(&project))?;
    let docs = arguments.docs.clone().unwrap_or_else(|| default_docs(&project));
    let prepared = Preparation {
        project: &project,
        docs: &docs,
        examples: &arguments.examples,
        packages: &arguments.packages,
        feeds: &arguments.feeds,
        output: &arguments.output,
    }
    .run(&settings.progress)?;
    settings.progress.note(&format!(
        "prepared {} pages, {} examples in {} groups and {} changelogs in `{}`; left out {} files",
        prepared.pages,
        prepared.examples,
        prepared.groups,
        prepared.changelogs,
        arguments.output.display(),
        prepared.skipped
    ));
    Ok(ExitStatus::Success)
}

fn default_docs(project: &Path) -> PathBuf {
    let there = DOCS.iter().find(|folder| project.join(folder).is_dir());
    PathBuf::from(there.unwrap_or(&DOCS[0]))
}
