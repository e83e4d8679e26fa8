//! Waits until sources change. What changed is not told: whoever waits looks again, which is cheap and
//! cannot miss anything.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::walker::is_unwanted_name;

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

/// Tells a folder from another one under the same name: device, inode, and when it was made, since a file system may
/// give the number of one that was just removed to the next.
type Identity = (u64, u64, Option<SystemTime>);

impl SourceWatch {
    /// Watches `roots`, leaving out what happens below `without`.
    #[must_use]
    pub fn over(roots: &[PathBuf], without: &Path) -> Self {
        // One pending change is as good as ten thousand.
        let (sender, changes) = sync_channel(1);
        let relevance = Relevance { roots: roots.to_vec(), without: canonical(without) };
        let made = notify::recommended_watcher(move |event| relevance.report(&sender, &event));
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
        let is_over = |limit: Duration| started.elapsed() >= limit;
        loop {
            match self.changes.recv_timeout(TICK) {
                Ok(()) => break,
                // There is no watcher: roots are looked at all the same.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.follow_roots() {
                break;
            }
            if at_most.is_some_and(is_over) || self.failure.is_some() && is_over(POLL) {
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
            let was_there = std::mem::replace(&mut root.identity, identity).is_some();
            let Some(watcher) = &mut self.watcher else { continue };
            if was_there {
                // It is watched no longer if it is gone.
                let _ = watcher.unwatch(&root.path);
            }
            if identity.is_some()
                && let Err(error) = watcher.watch(&root.path, RecursiveMode::Recursive)
            {
                self.failure = Some(error.to_string());
            }
        }
        has_moved
    }
}

/// Which events may mean that a source has changed.
struct Relevance {
    roots: Vec<PathBuf>,
    /// What docent writes itself.
    without: PathBuf,
}

impl Relevance {
    /// Passes a change on.
    fn report(&self, sender: &SyncSender<()>, event: &notify::Result<Event>) {
        // Where events were lost, anything may have changed.
        if event.as_ref().map_or(true, |event| self.counts(event)) {
            // Full: a change is pending already. Closed: nobody waits any more.
            let _ = sender.try_send(());
        }
    }

    /// Reading is no change, nor is what docent writes, or what is in folders that are never read.
    fn counts(&self, event: &Event) -> bool {
        let is_change = !matches!(event.kind, EventKind::Access(_));
        is_change && (event.paths.is_empty() || event.paths.iter().any(|path| self.may_be_source(path)))
    }

    fn may_be_source(&self, path: &Path) -> bool {
        let is_never_read = |below: &Path| {
            let mut folders = below.parent().into_iter().flat_map(Path::iter);
            folders.any(|name| name.to_str().is_some_and(is_unwanted_name))
        };
        let mut below = self.roots.iter().filter_map(|root| path.strip_prefix(root).ok()).peekable();
        // An event of a root that is a link has another name.
        let is_elsewhere = below.peek().is_none();
        !path.starts_with(&self.without)
            && (is_elsewhere || below.any(|below| !is_never_read(below)))
            && !self.is_without_by_another_name(path)
    }

    /// Whether a link in a root leads to what docent writes.
    fn is_without_by_another_name(&self, path: &Path) -> bool {
        let there = path.ancestors().skip(1).find_map(|folder| folder.canonicalize().ok());
        there.is_some_and(|folder| folder.starts_with(&self.without))
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
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    let metadata = path.metadata().ok()?;
    Some((0, 0, Some(metadata.created().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};

    fn relevance() -> Relevance {
        Relevance { roots: vec!["/home/target/docs".into()], without: "/home/target/docs/index".into() }
    }

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[test]
    fn what_docent_reads_and_writes_is_no_change_to_it() {
        let created = EventKind::Create(CreateKind::File);
        for (kind, path, counts) in [
            (created, "/home/target/docs/a.md", true),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/home/target/docs/deep/a.md", true),
            (EventKind::Access(AccessKind::Open(AccessMode::Read)), "/home/target/docs/a.md", false),
            (created, "/home/target/docs/index/manifest.json", false),
            (created, "/home/target/docs/.git/index.lock", false),
            (created, "/home/target/docs/a/node_modules/b/README.md", false),
            (created, "/another/name/of/a.md", true),
        ] {
            assert_eq!(relevance().counts(&event(kind, path)), counts, "{path}");
        }
        assert!(relevance().counts(&Event::new(EventKind::Any)));
    }

    #[test]
    fn ten_thousand_changes_are_one() {
        let (sender, changes) = sync_channel(1);
        for number in 0..10_000 {
            let path = format!("/home/target/docs/page-{number}.md");
            relevance().report(&sender, &Ok(event(EventKind::Create(CreateKind::File), &path)));
        }
        relevance().report(&sender, &Err(notify::Error::generic("too many events")));
        assert!(changes.try_recv().is_ok());
        assert!(changes.try_recv().is_err());
        relevance().report(&sender, &Err(notify::Error::generic("too many events")));
        assert!(changes.try_recv().is_ok(), "lost events may have been any");
    }

    #[test]
    fn a_change_ends_the_wait() {
        let root = tempfile::tempdir().unwrap();
        let canonical = root.path().canonicalize().unwrap();
        let mut watch = SourceWatch::over(std::slice::from_ref(&canonical), &canonical.join("index"));
        assert_eq!(watch.failure(), None);
        fs::write(root.path().join("a.md"), "a").unwrap();
        watch.wait(None);
        assert!(watch.gone().is_empty());
        fs::remove_dir_all(root.path()).unwrap();
        watch.wait(None);
        assert_eq!(watch.gone(), [canonical]);
    }
}
