//! Whoever waits for an answer: they are told how far it is, and work stops when they leave.

/// Somebody who waits for an answer.
pub trait Waiting: Sync {
    /// One more of the [`steps`](super::Query::steps) of a question is done.
    fn advance(&self);

    /// Whether they have left: nobody needs the answer any more.
    fn has_left(&self) -> bool;
}

/// Waits to the end, and asks for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patient;

impl Waiting for Patient {
    fn advance(&self) {}

    fn has_left(&self) -> bool {
        false
    }
}
