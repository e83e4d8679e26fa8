//! `docent doctor`: what is damaged, what hinders answers, and the command that mends it.

use std::path::Path;

use serde::Serialize;

use crate::cli::args::DoctorArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::embedding::catalog::ModelKind;
use crate::index::{Index, Manifest, OpenError, leftovers, read_manifest, writer_of};
use crate::retrieval::is_stale;

/// Version of the JSON form.
const SCHEMA: u32 = 1;
/// Leftovers that are named one by one.
const NAMED: usize = 3;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    index: &'a Path,
    deep: bool,
    /// Whether the index can answer.
    healthy: bool,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Answers come, and could be better or newer.
    Warning,
    /// No answer comes.
    Error,
}

impl Finding {
    fn ok(check: &'static str, message: String) -> Self {
        Self { check, state: State::Ok, message, hint: None }
    }

    fn warning(check: &'static str, message: String, hint: &str) -> Self {
        Self { check, state: State::Warning, message, hint: Some(hint.to_owned()) }
    }

    fn error(check: &'static str, message: String, hint: String) -> Self {
        Self { check, state: State::Error, message, hint: Some(hint) }
    }

    fn damage(check: &'static str, error: &OpenError) -> Self {
        Self::error(check, error.to_string(), error.hint())
    }
}

pub(in crate::cli) fn run(settings: &Settings, arguments: DoctorArguments) -> Result<ExitStatus, Failure> {
    let findings = examine(settings, arguments.deep);
    let healthy = findings.iter().all(|finding| finding.state != State::Error);
    if arguments.json {
        let report =
            Report { schema: SCHEMA, index: &settings.index, deep: arguments.deep, healthy, findings };
        render::json(&report)?;
    } else {
        render::text(&describe(&findings))?;
    }
    Ok(if healthy { ExitStatus::Success } else { ExitStatus::Error })
}

fn examine(settings: &Settings, deep: bool) -> Vec<Finding> {
    let folder = &settings.index;
    let mut findings = Vec::new();
    match read_manifest(folder) {
        Ok(manifest) => {
            findings.push(Finding::ok("manifest", summary(&manifest)));
            let index = if deep { Index::open_whole(folder) } else { Index::open(folder) };
            findings.push(match &index {
                Ok(_) => Finding::ok("files", files_message(&manifest, deep)),
                Err(error) => Finding::damage("files", error),
            });
            if let Ok(index) = &index {
                if deep {
                    findings.push(match index.check_consistency() {
                        Ok(()) => Finding::ok("records", "all agree with each other".into()),
                        Err(error) => Finding::damage("records", &error),
                    });
                }
                findings.push(sources(index));
            }
            findings.push(model(settings, &manifest));
        }
        Err(error) => findings.push(Finding::damage("manifest", &error)),
    }
    findings.extend(remains(folder));
    findings
}

fn summary(manifest: &Manifest) -> String {
    let counts = manifest.counts;
    format!(
        "format {}, generation {} of {}, {} documents, {} chunks",
        manifest.format, manifest.generation, manifest.indexed_at, counts.documents, counts.chunks
    )
}

fn files_message(manifest: &Manifest, deep: bool) -> String {
    let how = if deep { "every byte as written" } else { "in place (--deep reads every byte)" };
    format!("{} files, {how}", manifest.checksums.len())
}

/// Whether the documents are still what was indexed.
fn sources(index: &Index) -> Finding {
    let manifest = index.manifest();
    if let Some(gone) = manifest.roots.iter().find(|root| !root.exists()) {
        return Finding::warning(
            "sources",
            format!("`{}` is not there: answers come from the index alone", gone.display()),
            "to bring the index up to date, name the documents' place: `docent index PATH`",
        );
    }
    let documents = (0..index.document_count()).filter_map(|number| index.document(number).ok());
    let stale = documents.filter(|document| is_stale(manifest, document)).count();
    if stale == 0 {
        return Finding::ok("sources", "no indexed document has changed since".into());
    }
    let message = format!("{stale} of {} documents changed, or are gone, since", index.document_count());
    Finding::warning("sources", message, "bring the index up to date: `docent index`")
}

/// Whether the model that made the index can be loaded.
fn model(settings: &Settings, manifest: &Manifest) -> Finding {
    if let Some(imported) = &manifest.imported {
        return Finding::warning(
            "model",
            format!("the vectors were imported from `{}` (model `{}`)", imported.file, manifest.model.name),
            "without --query-vectors FILE.npy, questions are compared by words alone",
        );
    }
    let check = || -> Result<(), Failure> {
        let spec = model::by_identity(settings, &manifest.model)?;
        if spec.kind != ModelKind::Hashing {
            match &settings.model_dir {
                Some(folder) => drop(crate::embedding::store::ModelStore::from_dir(folder, spec)?),
                None => drop(settings.models.files(spec)?),
            }
            settings.models.runtime()?;
        }
        Ok(())
    };
    match check() {
        Ok(()) => Finding::ok("model", format!("{} is here", manifest.model)),
        Err(failure) => Finding::error("model", failure.message(), failure.hint()),
    }
}

/// What interrupted builds left, and who is writing now.
fn remains(folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(writer) = writer_of(folder) {
        findings.push(Finding::ok("writer", format!("a build is running: {writer}")));
        // What looks like a leftover may be what it writes.
        return findings;
    }
    let left = leftovers(folder);
    if !left.is_empty() {
        let named: Vec<String> =
            left.iter().take(NAMED).map(|path| format!("`{}`", path.display())).collect();
        let more = if left.len() > NAMED { ", ..." } else { "" };
        let message = format!("{} of interrupted builds: {}{more}", left.len(), named.join(", "));
        findings.push(Finding::warning("leftovers", message, "the next `docent index` removes them"));
    }
    findings
}

fn describe(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let state = match finding.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Error => "error",
        };
        text.push_str(&format!("{state:<8}{:<10}{}\n", finding.check, finding.message));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("{:<18}hint: {hint}\n", ""));
        }
    }
    text
}
