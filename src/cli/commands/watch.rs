//! `docent watch`: the index follows its documents.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::args::WatchArguments;
use crate::cli::commands::index::{Job, build_with, roots_of, sources, tell};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::index::{GraphSettings, Outcome, read_manifest};
use crate::progress::Progress as _;
use crate::source::{Limits, Origin, SourceWatch};

/// How long after a build that failed the next try is, if nothing changes before.
const RETRY: Duration = Duration::from_secs(10);

pub(in crate::cli) fn run(settings: &Settings, arguments: &WatchArguments) -> Result<ExitStatus, Failure> {
    let sources = sources(settings, &arguments.sources, arguments.config.as_deref())?;
    let mut roots = roots_of(settings, sources)?;
    for root in &mut roots {
        // By its full name: a folder that is moved away and comes back is the same one.
        root.path = root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
    }
    let job = Job { roots, limits: Limits::default(), trust_times: true, graph: GraphSettings::default() };
    // What was fetched stays as it is until docent is started again.
    let here = job.roots.iter().filter(|root| matches!(root.source.origin, Origin::Directory { .. }));
    let paths: Vec<PathBuf> = here.map(|root| root.path.clone()).collect();
    // Before the first build, so that nothing is missed between it and the first wait.
    let mut watch = SourceWatch::over(&paths, &settings.index);
    let mut watcher = Updates { settings, job, embedder: None, trouble: None };
    // What is wrong from the start is not for waiting.
    watcher.update()?;
    settings.progress.note("watching for changes; stop with Ctrl-C");
    if let Some(failure) = watch.failure() {
        settings
            .progress
            .note(&format!("the system does not tell of changes ({failure}): looking every few seconds"));
    }
    loop {
        watch.wait(watcher.trouble.is_some().then_some(RETRY));
        let gone = watch.gone();
        match gone.first() {
            Some(gone) => {
                watcher.tell_once(format!(
                    "`{}` is gone: the index stays as it is until it is back",
                    gone.display()
                ));
            }
            None => watcher.try_update(),
        }
    }
}

/// Builds when there is something to build.
struct Updates<'run> {
    settings: &'run Settings,
    job: Job,
    /// Loaded when it is needed first, and kept.
    embedder: Option<Arc<dyn Embedder>>,
    /// What was told last, while it is still so.
    trouble: Option<String>,
}

impl Updates<'_> {
    fn update(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        let before = read_manifest(&self.settings.index).ok();
        let report = build_with(self.settings, &self.job, &mut self.embedder)?;
        if report.outcome != Outcome::Unchanged || before.is_none() {
            tell(self.settings, &report, before.as_ref(), started);
        }
        self.trouble = None;
        Ok(())
    }

    /// The same; a failure (another docent writes, the disk is full) is told and tried again.
    fn try_update(&mut self) {
        if let Err(failure) = self.update() {
            self.tell_once(format!("error: {}\n\nhint: {}", failure.message(), failure.hint()));
        }
    }

    fn tell_once(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            self.settings.progress.note(&trouble);
            self.trouble = Some(trouble);
        }
    }
}
