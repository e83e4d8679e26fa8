//! Questions handed out to workers, never far ahead of the answers that are written: one slow
//! question must not let all later answers pile up in memory.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The source of questions that all workers share.
pub(super) struct Window<'stop, Items> {
    state: Mutex<State<Items>>,
    moved: Condvar,
    /// How many questions may be under way.
    width: u64,
    /// Set from outside to end early.
    interrupted: &'stop AtomicBool,
}

struct State<Items> {
    items: Items,
    taken: u64,
    written: u64,
    stopped: bool,
    failure: Option<io::Error>,
}

impl<'stop, Item, Items: Iterator<Item = io::Result<Item>>> Window<'stop, Items> {
    pub(super) fn new(items: Items, width: u64, interrupted: &'stop AtomicBool) -> Self {
        let state = State { items, taken: 0, written: 0, stopped: false, failure: None };
        Self { state: Mutex::new(state), moved: Condvar::new(), width, interrupted }
    }

    fn state(&self) -> MutexGuard<'_, State<Items>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question with its number from 0, as soon as it is in the window; none when all are
    /// taken or the work is stopped.
    pub(super) fn take(&self) -> Option<(u64, Item)> {
        let is_full = |state: &mut State<Items>| !state.stopped && state.taken >= state.written + self.width;
        let waited = self.moved.wait_while(self.state(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.stopped || self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        match state.items.next()? {
            Ok(item) => {
                state.taken += 1;
                Some((state.taken - 1, item))
            }
            Err(error) => {
                state.failure = Some(error);
                state.stopped = true;
                self.moved.notify_all();
                None
            }
        }
    }

    /// One more answer is written.
    pub(super) fn advance(&self) {
        self.state().written += 1;
        self.moved.notify_all();
    }

    /// No question is handed out any more.
    pub(super) fn stop(&self) {
        self.state().stopped = true;
        self.moved.notify_all();
    }

    /// Why the questions could not be read to their end.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state().failure.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_wait_for_answers_to_be_written() {
        let interrupted = AtomicBool::new(false);
        let window = Window::new((0..5).map(Ok), 2, &interrupted);
        assert_eq!((window.take(), window.take()), (Some((0, 0)), Some((1, 1))));
        std::thread::scope(|scope| {
            let third = scope.spawn(|| window.take());
            window.advance();
            assert_eq!(third.join().unwrap(), Some((2, 2)));
        });
        window.advance();
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(window.take(), None);
    }

    #[test]
    fn a_failure_stops_and_is_kept() {
        let interrupted = AtomicBool::new(false);
        let items = [Ok(0), Err(io::Error::other("gone")), Ok(2)];
        let window = Window::new(items.into_iter(), 9, &interrupted);
        assert_eq!((window.take(), window.take(), window.take()), (Some((0, 0)), None, None));
        assert_eq!(window.failure().unwrap().to_string(), "gone");
    }
}
