//! The same work for many things on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls `work` with 0..count on `threads` threads, this one among them; the results come in order.
pub(crate) fn in_parallel<T: Send>(count: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(count));
    let take = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let result = work(index);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(take);
        }
        take();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work` with 0..count in the same way until it fails, for what it does.
///
/// # Errors
/// The failure of the lowest number, of those that were under way when the first was met.
pub(super) fn each_in_parallel<E: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let take = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || failed.load(Ordering::Relaxed) {
                return None;
            }
            if let Err(error) = work(number) {
                failed.store(true, Ordering::Relaxed);
                return Some((number, error));
            }
        }
    };
    let mut failures: Vec<(usize, E)> =
        in_parallel(threads.clamp(1, count.max(1)), threads, |_| take()).into_iter().flatten().collect();
    failures.sort_by_key(|(number, _)| *number);
    failures.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_a_failure_ends_it() {
        for threads in [1, 3] {
            let done: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            let work = |fails_at: usize| {
                let done = &done;
                move |number: usize| {
                    done[number].fetch_add(1, Ordering::Relaxed);
                    if number == fails_at { Err(number) } else { Ok(()) }
                }
            };
            assert_eq!(each_in_parallel(100, threads, work(200)), Ok(()));
            assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            assert_eq!(each_in_parallel(100, threads, work(7)), Err(7));
            assert!(done[..7].iter().all(|count| count.load(Ordering::Relaxed) == 2));
            assert_eq!(each_in_parallel(0, threads, |_| Err(())), Ok(()));
        }
    }
}
