//! `docent pull`: the network is used here and nowhere else.

use crate::cli::args::PullArguments;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::model;
use crate::cli::settings::Settings;
use crate::embedding::catalog::{Catalog, ModelKind, ModelSpec};
use crate::embedding::pull::{Outcome, PullOptions, PullReport, pull, pull_runtime, refuse_offline};
use crate::embedding::{Arithmetic, calibration};
use crate::progress::Progress;

pub(in crate::cli) fn run(settings: &Settings, arguments: &PullArguments) -> Result<ExitStatus, Failure> {
    let catalog = Catalog::builtin();
    let spec = match arguments.name.as_ref().or(settings.model.as_ref()) {
        Some(name) => catalog.find(name)?,
        None => catalog.default_model(),
    };
    fetch(settings, spec, arguments.arithmetic.map(Into::into))?;
    Ok(ExitStatus::Success)
}

/// Fetches what is missing of a model and of ONNX Runtime, and tells on stderr what was done.
pub(in crate::cli) fn fetch(
    settings: &Settings,
    spec: &ModelSpec,
    wanted: Option<Arithmetic>,
) -> Result<(), Failure> {
    if spec.kind == ModelKind::Hashing {
        settings.progress.note(&format!("{}: built in, nothing to fetch", spec.name));
        return Ok(());
    }
    let options = PullOptions::from_env();
    refuse_offline(spec, &settings.models, &options, &settings.progress)?;
    // Each is told as soon as it is there: what fails afterwards does not take it back.
    tell(settings, &pull_runtime(&settings.models, &options, &settings.progress)?);
    tell(settings, &pull(spec, &settings.models, &options, &settings.progress)?);
    let files = settings.models.files(spec)?;
    if wanted.is_none() && calibration::is_recorded(&files) {
        return Ok(());
    }
    match model::calibrate(settings, spec, &files, wanted) {
        // The files came whole, which is what was asked for; who uses the model is told in full.
        Err(failure) if wanted.is_none() => {
            settings.progress.note(&format!("{}: its speed could not be measured: {failure}", spec.name));
            Ok(())
        }
        outcome => outcome,
    }
}

fn tell(settings: &Settings, report: &PullReport) {
    if report.is_noop() {
        settings.progress.note(&format!("{}: already there, whole", report.name));
        return;
    }
    for file in &report.files {
        if let Outcome::Fetched { source, replaced } = &file.outcome {
            let again = if *replaced { ", in place of a damaged one" } else { "" };
            let text =
                format!("{}: `{}` from {source}, sha256 checked{again}", report.name, file.path.display());
            settings.progress.note(&text);
        }
    }
}
