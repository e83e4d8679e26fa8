//! All cores at work: each worker takes a question, embeds it and searches, while others do the
//! same; the calling thread writes the answers in the order of the questions.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::failure::BatchError;
use super::output::{Found, OutputFormat, QuestionError};
use super::questions::{Item, Wanted};
use super::window::Window;
use crate::evaluation::ranked_documents;
use crate::progress::Progress;
use crate::retrieval::{PathFilter, Query, QueryError, Retriever, Scope};

/// Questions under way for each worker: enough that none waits for a slower one.
const UNDER_WAY: usize = 8;

/// How to answer a file of questions.
pub struct Batch<'work> {
    /// Answers them.
    pub retriever: &'work Retriever,
    /// How answers are written.
    pub format: OutputFormat,
    /// Passages, or documents of a run, for each.
    pub limit: usize,
    /// The documents to ask.
    pub scope: &'work Scope,
    /// Questions worked on at the same time.
    pub workers: usize,
    /// Whether the output is new, and may need a head.
    pub with_head: bool,
    /// Who watches; the stage is the caller's.
    pub progress: &'work dyn Progress,
    /// Set to end early, with whole records.
    pub interrupted: &'work AtomicBool,
}

/// What became of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Answered.
    pub answered: u64,
    /// Those of them that found nothing.
    pub without_hits: u64,
    /// Malformed, or failed.
    pub errors: u64,
}

/// A question without an answer.
#[derive(Debug)]
pub struct Trouble {
    /// Its line, from 1.
    pub line: u64,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Why.
    pub error: QuestionError,
}

/// A question's record, ready to be written.
struct Record {
    text: String,
    is_empty: bool,
    trouble: Option<Trouble>,
}

impl Batch<'_> {
    /// Answers `items`, and writes a record for each to `output` in their order, each by one call
    /// and whole. Every question without an answer is told to `tell`.
    ///
    /// # Errors
    /// Where the questions cannot be read to their end, or the output cannot be written.
    pub fn run(
        &self,
        questions: impl Iterator<Item = io::Result<Item>> + Send,
        output: &mut dyn Write,
        tell: &mut dyn FnMut(&Trouble),
    ) -> Result<Counts, BatchError> {
        let workers = self.workers.max(1);
        let window = Window::new(questions, (workers * UNDER_WAY) as u64, self.interrupted);
        let (sender, receiver) = sync_channel(workers);
        let counts = std::thread::scope(|scope| {
            for _ in 0..workers {
                let sender = sender.clone();
                let window = &window;
                scope.spawn(move || self.work(window, &sender));
            }
            drop(sender);
            let written = self.write(&window, receiver, output, tell);
            window.stop();
            written
        });
        match window.failure() {
            Some(source) => Err(BatchError::Unreadable { name: "the questions".into(), source }),
            None => counts,
        }
    }

    fn work<Items: Iterator<Item = io::Result<Item>>>(
        &self,
        window: &Window<'_, Items>,
        sender: &SyncSender<(u64, Record)>,
    ) {
        // Also where a worker panics: the others would wait for its answer for ever.
        let _stop = StopWhenDropped(window);
        while let Some((number, item)) = window.take() {
            let sent = sender.send((number, self.record(item)));
            if sent.is_err() {
                break;
            }
        }
    }

    fn write<Items: Iterator<Item = io::Result<Item>>>(
        &self,
        window: &Window<'_, Items>,
        records: Receiver<(u64, Record)>,
        output: &mut dyn Write,
        tell: &mut dyn FnMut(&Trouble),
    ) -> Result<Counts, BatchError> {
        let mut counts = Counts::default();
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        if self.with_head {
            output.write_all(self.format.head().as_bytes()).map_err(BatchError::Output)?;
        }
        for (number, record) in records {
            waiting.insert(number, record);
            while let Some(record) = waiting.remove(&next) {
                // Whole lines in one call, so that no reader and no interruption sees half of one.
                output.write_all(record.text.as_bytes()).map_err(BatchError::Output)?;
                counts.add(&record);
                record.trouble.iter().for_each(&mut *tell);
                next += 1;
                window.advance();
                self.progress.advance(1);
            }
        }
        output.flush().map_err(BatchError::Output)?;
        Ok(counts)
    }

    fn record(&self, item: Item) -> Record {
        let found = self.found(&item);
        let text = self.format.record(&item, &found);
        let is_empty = found.as_ref().is_ok_and(Found::is_empty);
        let trouble = found.err().map(|error| Trouble { line: item.line, id: item.id, error });
        Record { text, is_empty, trouble }
    }

    fn found(&self, item: &Item) -> Result<Found, QuestionError> {
        let wanted = item.content.as_ref().map_err(Clone::clone)?;
        if self.format == OutputFormat::Trec {
            let query_of = |chunks| self.query(wanted, Query::for_ranking(&wanted.text, chunks)?);
            return Ok(Found::Documents(ranked_documents(self.retriever, self.limit, query_of)?));
        }
        let query = self.query(wanted, Query::new(&wanted.text, self.limit)?)?;
        Ok(Found::Passages(self.retriever.answer(&query)?))
    }

    fn query(&self, wanted: &Wanted, query: Query) -> Result<Query, QueryError> {
        let query = query.rephrased(wanted.rephrasings.iter().map(String::as_str))?;
        let query = query.among(self.scope.clone());
        Ok(match &wanted.path {
            Some(path) => query.within(PathFilter::new(path)?),
            None => query,
        })
    }
}

impl Counts {
    fn add(&mut self, record: &Record) {
        if record.trouble.is_some() {
            self.errors += 1;
        } else {
            self.answered += 1;
            self.without_hits += u64::from(record.is_empty);
        }
    }
}

struct StopWhenDropped<'a, 'stop, Item, Items: Iterator<Item = io::Result<Item>>>(&'a Window<'stop, Items>);

impl<Item, Items: Iterator<Item = io::Result<Item>>> Drop for StopWhenDropped<'_, '_, Item, Items> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
