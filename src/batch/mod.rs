//! Questions by the thousand: a file of them in, one record for each out, in the same order.
//!
//! `questions` reads them one at a time, `pipeline` answers them on all cores and puts the answers
//! back in order, `output` writes each as JSON, CSV or lines of a TREC run, and `resume` finds out
//! how far an interrupted file got. Nothing here holds more than a few questions at once.

mod csv;
mod failure;
mod output;
mod pipeline;
mod questions;
mod resume;
mod window;

pub use failure::BatchError;
pub use output::{OutputFormat, QuestionError, SCHEMA};
pub use pipeline::{Batch, Counts, Trouble};
pub use questions::{InputFormat, Item, LineError, QuestionFile, Survey, Wanted};
pub use resume::{AnsweredBy, Written, written};
