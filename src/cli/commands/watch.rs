//! `docent watch`: the index follows its documents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::args::{SourceArguments, WatchArguments};
use crate::cli::commands::index::{Sources, build_with, declaration, declared_now, roots, sources};
use crate::cli::commands::indexed::Done;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::index::{Outcome, Root, read_manifest};
use crate::progress::Progress as _;
use crate::remote;
use crate::source::{Origin, SourceSpec, SourceWatch};

/// How long after a build that failed the next try is, if nothing changes before.
const RETRY: Duration = Duration::from_secs(10);
/// How often a server without an index looks for one.
const LOOK: Duration = Duration::from_secs(1);

pub(in crate::cli) fn run(settings: &Settings, arguments: &WatchArguments) -> Result<ExitStatus, Failure> {
    let mut following = Following::new(settings, &arguments.from)?;
    // What is wrong from the start is not for waiting.
    following.update()?;
    settings.progress.note("watching for changes; stop with Ctrl-C");
    following.follow()
}

/// Follows what `config` declares, or what is indexed already, beside a server. What is wrong is told
/// on stderr, and tried again.
///
/// A `docent.toml` of the folder that the server is started in is only meant for the index there: a
/// client starts its servers in folders of its own choice.
pub(super) fn beside(settings: Arc<Settings>, config: Option<PathBuf>) {
    std::thread::spawn(move || {
        let settings = &*settings;
        let ignores_declaration = settings.index_is_named;
        let wanted = SourceArguments { config, ignores_declaration, ..SourceArguments::default() };
        let mut told = None;
        loop {
            match Following::new(settings, &wanted) {
                Ok(mut following) => {
                    following.try_update();
                    following.follow();
                }
                Err(failure) => {
                    tell_once(settings, &mut told, words(&failure));
                    let is_waiting = matches!(failure, Failure::NothingToIndex { .. });
                    std::thread::sleep(if is_waiting { LOOK } else { RETRY });
                }
            }
        }
    });
}

/// Builds whenever there is something to build.
struct Following<'run> {
    settings: &'run Settings,
    wanted: &'run SourceArguments,
    /// What that means now: other collections may come, and the declaration may change.
    sources: Sources,
    roots: Vec<Root>,
    watch: SourceWatch,
    /// Loaded when it is needed first, and kept.
    embedder: Option<Arc<dyn Embedder>>,
    /// What was told last, while it is still so.
    trouble: Option<String>,
}

impl<'run> Following<'run> {
    fn new(settings: &'run Settings, wanted: &'run SourceArguments) -> Result<Self, Failure> {
        let sources = Sources::of(absolute_sources(settings, wanted)?);
        let roots = true_roots(settings, &sources)?;
        // Before the first build, so that nothing is missed between it and the first wait.
        let watch = watch(settings, &roots, declaration(wanted));
        if let Some(failure) = watch.failure() {
            settings
                .progress
                .note(&format!("the system does not tell of changes ({failure}): looking every few seconds"));
        }
        Ok(Self { settings, wanted, sources, roots, watch, embedder: None, trouble: None })
    }

    fn follow(&mut self) -> ! {
        loop {
            self.watch.wait(self.trouble.is_some().then_some(RETRY));
            self.try_update();
        }
    }

    /// Brings the index up to date; a failure (another docent writes, the disk is full) is told and
    /// tried again.
    fn try_update(&mut self) {
        // First: what is gone may be asked for no longer.
        if let Err(failure) = self.look_for_sources() {
            return tell_once(self.settings, &mut self.trouble, words(&failure));
        }
        if let Some(gone) = self.gone() {
            let text = format!("`{}` is gone: the index stays as it is until it is back", gone.display());
            tell_once(self.settings, &mut self.trouble, text);
        } else if let Err(failure) = self.update() {
            tell_once(self.settings, &mut self.trouble, words(&failure));
        }
    }

    /// A folder or file of this machine that is to be indexed and is not there.
    fn gone(&self) -> Option<PathBuf> {
        let here = self.roots.iter().filter(|root| is_here(root));
        here.map(|root| root.path.clone()).find(|path| !path.exists())
    }

    fn update(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        let before = read_manifest(&self.settings.index).ok();
        let report = build_with(self.settings, &self.sources, &self.roots, &mut self.embedder)?;
        if report.outcome != Outcome::Unchanged || before.is_none() {
            Done::new(report, self.embedder.as_deref(), started).tell(self.settings, before.as_ref());
        }
        self.trouble = None;
        Ok(())
    }

    /// Where other sources are to be indexed than before, they are fetched and watched.
    fn look_for_sources(&mut self) -> Result<(), Failure> {
        // First, so that a change while the sources are chosen is seen as well.
        let beside = declared_now(self.settings);
        let now = absolute_sources(self.settings, self.wanted)?;
        if now != self.sources.of {
            let sources = Sources::of(now);
            self.roots = true_roots(self.settings, &sources)?;
            self.watch = watch(self.settings, &self.roots, declaration(self.wanted));
            self.sources = sources;
        }
        self.sources.beside = Some(beside);
        Ok(())
    }
}

fn absolute_sources(settings: &Settings, wanted: &SourceArguments) -> Result<Vec<SourceSpec>, Failure> {
    Ok(sources(settings, wanted)?.into_iter().map(remote::absolute).collect())
}

/// Roots by their full names: a folder that is moved away and comes back is the same one.
fn true_roots(settings: &Settings, sources: &Sources) -> Result<Vec<Root>, Failure> {
    let mut roots = roots(settings, sources)?;
    for root in &mut roots {
        root.path = root.path.canonicalize().unwrap_or_else(|_| root.path.clone());
    }
    Ok(roots)
}

/// Watches what is of this machine. What was fetched stays as it is until docent is started again.
fn watch(settings: &Settings, roots: &[Root], declaration: Option<&Path>) -> SourceWatch {
    let here = roots.iter().filter(|root| is_here(root));
    let declaration = declaration.and_then(|file| file.canonicalize().ok());
    let paths: Vec<PathBuf> = here.map(|root| root.path.clone()).chain(declaration).collect();
    SourceWatch::over(&paths, &settings.index)
}

fn is_here(root: &Root) -> bool {
    matches!(root.source.origin, Origin::Directory { .. })
}

fn words(failure: &Failure) -> String {
    format!("error: {}\n\nhint: {}", failure.message(), failure.hint())
}

fn tell_once(settings: &Settings, told: &mut Option<String>, trouble: String) {
    if told.as_ref() != Some(&trouble) {
        settings.progress.warn(&trouble);
        *told = Some(trouble);
    }
}
