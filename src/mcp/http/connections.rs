//! The connections that are open: not too many, and where there are, those that do nothing make
//! room for those that come. Else a few hundred idle ones would keep everybody out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The open connections, by age.
pub(super) struct Connections {
    most: usize,
    open: Mutex<BTreeMap<u64, Open>>,
}

struct Open {
    task: AbortHandle,
    work: Work,
}

/// The requests of one connection that are being worked on.
#[derive(Clone, Default)]
pub(super) struct Work(Arc<AtomicUsize>);

/// One of them, until it is dropped.
pub(super) struct AtWork(Work);

impl Work {
    pub(super) fn begin(&self) -> AtWork {
        self.0.fetch_add(1, Ordering::Relaxed);
        AtWork(self.clone())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// Notes a connection, and closes the oldest idle one where there are too many.
    pub(super) fn opened(&self, number: u64, task: AbortHandle, work: Work) {
        let mut open = self.lock();
        // One that ended before it was noted here is gone with the next line.
        open.retain(|_, open| !open.task.is_finished());
        open.insert(number, Open { task, work });
        if open.len() > self.most {
            let idle = open.iter().find(|(_, open)| open.work.0.load(Ordering::Relaxed) == 0);
            // Where all are at work the newest has to go.
            let number = idle.map_or(number, |(number, _)| *number);
            if let Some(closed) = open.remove(&number) {
                closed.task.abort();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_idle_one_makes_room() {
        let connections = Connections::new(2);
        let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(std::future::pending::<()>())).collect();
        let busy = Work::default();
        let _at_work = busy.begin();
        for (number, task) in tasks.iter().enumerate() {
            let work = if number == 0 { busy.clone() } else { Work::default() };
            connections.opened(number as u64, task.abort_handle(), work);
        }
        tokio::task::yield_now().await;
        let closed: Vec<bool> = tasks.iter().map(tokio::task::JoinHandle::is_finished).collect();
        assert_eq!(closed, [false, true, true, false]);
    }
}
