//! Waits until sources change. What changed is not told: whoever waits looks again, which is cheap and
//! cannot miss anything.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Changes are waited out for this long: an editor that saves by renaming, a checkout, an unpacked
/// archive are one change.
const QUIET: Duration = Duration::from_millis(300);
/// But not for longer than this, or a log that is written without end would be waited out for ever.
const LONGEST: Duration = Duration::from_secs(5);
/// How often roots are looked at by name: a root that was moved tells nothing by itself.
const TICK: Duration = Duration::from_millis(500);
/// How often sources are looked at where the operating system tells nothing.
const POLL: Duration = Duration::from_secs(5);

/// Watches sources. Changes from its making on are noticed by [`SourceWatch::wait`].
pub struct SourceWatch {
    roots: Vec<WatchedRoot>,
    watcher: Option<RecommendedWatcher>,
    changes: Receiver<()>,
    /// Why the operating system tells nothing, where it does not.
    failure: Option<String>,
}

struct WatchedRoot {
    path: PathBuf,
    /// Which folder or file that name meant when it was last watched; `None` while there is none.
    identity: Option<Identity>,
}

/// Tells a folder from another one under the same name.
type Identity = (u64, u64);

impl SourceWatch {
    /// Watches `roots`, leaving out what happens below `without`.
    #[must_use]
    pub fn over(roots: &[PathBuf], without: &Path) -> Self {
        // One pending change is as good as ten thousand.
        let (sender, changes) = sync_channel(1);
        let without = canonical(without);
        let made = notify::recommended_watcher(move |event| report(&sender, &without, &event));
        let roots = roots.iter().map(|path| WatchedRoot { path: path.clone(), identity: None }).collect();
        let (watcher, failure) = match made {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let mut watch = Self { roots, watcher, changes, failure };
        watch.follow_roots();
        watch
    }

    /// Why changes are looked for every few seconds instead of being told by the operating system,
    /// where that is so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Roots that are not there now.
    #[must_use]
    pub fn gone(&self) -> Vec<&Path> {
        self.roots.iter().map(|root| root.path.as_path()).filter(|path| !path.exists()).collect()
    }

    /// Returns when something may have changed and things are quiet again, and after `at_most` in any
    /// case.
    pub fn wait(&mut self, at_most: Option<Duration>) {
        let started = Instant::now();
        let end = |limit: Duration| started.elapsed() >= limit;
        loop {
            match self.changes.recv_timeout(TICK) {
                Ok(()) => break,
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.follow_roots() {
                break;
            }
            if at_most.is_some_and(end) || self.failure.is_some() && end(POLL) {
                return;
            }
        }
        let first = Instant::now();
        while first.elapsed() < LONGEST && self.changes.recv_timeout(QUIET).is_ok() {}
        self.follow_roots();
    }

    /// Watches each root under its name anew where the name means another folder than before; gives
    /// whether one did.
    fn follow_roots(&mut self) -> bool {
        let mut has_moved = false;
        for root in &mut self.roots {
            let identity = identity(&root.path);
            if identity == root.identity {
                continue;
            }
            has_moved = true;
            let Some(watcher) = &mut self.watcher else {
                root.identity = identity;
                continue;
            };
            if root.identity.is_some() {
                // It is watched no longer if it is gone.
                let _ = watcher.unwatch(&root.path);
            }
            root.identity = identity;
            if identity.is_some()
                && let Err(error) = watcher.watch(&root.path, RecursiveMode::Recursive)
            {
                self.failure = Some(error.to_string());
            }
        }
        has_moved
    }
}

/// Passes a change on. Reading is none, nor is what docent writes itself.
fn report(sender: &SyncSender<()>, without: &Path, event: &notify::Result<Event>) {
    let counts = match event {
        Ok(event) => {
            let is_own = !event.paths.is_empty() && event.paths.iter().all(|path| path.starts_with(without));
            !matches!(event.kind, EventKind::Access(_)) && !is_own
        }
        // Events were lost: anything may have changed.
        Err(_) => true,
    };
    if counts {
        // Full: a change is pending already. Closed: nobody waits any more.
        let _ = sender.try_send(());
    }
}

/// The true name of a folder that may not be there yet.
fn canonical(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let below = |parent: &Path| Some(parent.canonicalize().ok()?.join(absolute.file_name()?));
    let found = absolute.canonicalize().ok();
    found.or_else(|| absolute.parent().and_then(below)).unwrap_or(absolute)
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    // A file that an editor replaces is a new one each time, and is watched anew.
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    let created = metadata.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((created.as_secs(), u64::from(created.subsec_nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_ends_the_wait_and_what_is_left_out_does_not() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("index");
        fs::create_dir(&own).unwrap();
        let canonical = root.path().canonicalize().unwrap();
        let mut watch = SourceWatch::over(&[canonical], &own);
        assert_eq!(watch.failure(), None);
        fs::write(own.join("manifest.json"), "{}").unwrap();
        assert!(watch.changes.recv_timeout(TICK).is_err(), "its own writing wakes docent");
        fs::write(root.path().join("a.md"), "a").unwrap();
        assert!(watch.changes.recv_timeout(Duration::from_secs(20)).is_ok());
        fs::write(root.path().join("b.md"), "b").unwrap();
        watch.wait(None);
    }
}
