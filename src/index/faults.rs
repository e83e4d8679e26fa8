//! The steps that change the disk, one by one, and the place where a test makes one of them fail.
//!
//! Outside of this crate's own tests a step is only done.

use std::fs::File;
use std::io::{self, Write};

/// Does one step: creates, syncs, renames or removes.
#[cfg(not(test))]
pub(super) fn step<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    step()
}

/// Writes `bytes`.
#[cfg(not(test))]
pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// Waits until the disk has it.
#[cfg(not(test))]
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_all()
}

#[cfg(test)]
pub(super) use planned::{Fault, step, steps_of, sync, write};

#[cfg(test)]
mod planned {
    use super::{File, Write, io};
    use std::cell::Cell;
    use std::io::ErrorKind;

    /// What goes wrong from a certain step on.
    #[derive(Debug, Clone, Copy)]
    pub(in crate::index) enum Fault {
        /// This step fails; the next ones do not. A write fails when half is written.
        Once(ErrorKind),
        /// This step and all after it: what is left is what a killed process leaves.
        Crash,
    }

    thread_local! {
        static PLAN: Cell<Option<(usize, Fault)>> = const { Cell::new(None) };
        static TAKEN: Cell<usize> = const { Cell::new(0) };
    }

    /// Does `work` on this thread with `fault` at step number `at` (from 0); gives what it returns and
    /// how many steps it came to.
    pub(in crate::index) fn steps_of<T>(
        plan: Option<(usize, Fault)>,
        work: impl FnOnce() -> T,
    ) -> (T, usize) {
        PLAN.set(plan);
        TAKEN.set(0);
        let result = work();
        PLAN.set(None);
        (result, TAKEN.get())
    }

    fn fault() -> Option<io::Error> {
        let number = TAKEN.get();
        TAKEN.set(number + 1);
        match PLAN.get()? {
            (at, Fault::Once(kind)) if number == at => Some(kind.into()),
            (at, Fault::Crash) if number >= at => Some(io::Error::other("the process is gone")),
            _ => None,
        }
    }

    pub(in crate::index) fn step<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match fault() {
            Some(error) => Err(error),
            None => step(),
        }
    }

    pub(in crate::index) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
        match fault() {
            Some(error) => file.write_all(&bytes[..bytes.len() / 2]).and(Err(error)),
            None => file.write_all(bytes),
        }
    }

    /// Tests do not pull the plug: the step counts, and nobody waits for a disk.
    pub(in crate::index) fn sync(_file: &File) -> io::Result<()> {
        step(|| Ok(()))
    }
}
