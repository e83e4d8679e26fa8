//! How long-running work reports itself, without knowing who watches.
//!
//! The rooms that do the work call a [`Progress`]; the command line draws bars or prints plain
//! lines from it, the tests count its calls, and [`Silent`] ignores it.

/// What the numbers of a stage count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a download or a file.
    Bytes,
    /// Source files.
    Files,
    /// Chunks of text.
    Chunks,
    /// Questions of a batch.
    Questions,
}

/// A listener to one task at a time: `begin`, any number of `advance`, `finish`.
pub trait Progress: Send + Sync {
    /// A stage starts. `total` is how many units it will take, where that is known.
    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit);
    /// `count` further units of the current stage are done.
    fn advance(&self, count: u64);
    /// The current stage is over.
    fn finish(&self);
    /// Something that the reader should know, such as a source that was tried and failed.
    fn note(&self, message: &str);
    /// The same where it should be known also to who wants to hear of nothing else.
    fn warn(&self, message: &str) {
        self.note(message);
    }
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: Option<u64>, _unit: Unit) {}
    fn advance(&self, _count: u64) {}
    fn finish(&self) {}
    fn note(&self, _message: &str) {}
}
