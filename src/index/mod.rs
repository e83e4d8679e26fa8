//! The index on disk: one folder a generation, a manifest that names the current one, and readers
//! over memory-mapped files.
//!
//! `index/README.md` describes the format. One file names bincode (`records.rs`), one writes to
//! disk (`storage.rs`); every length that is read is checked before it is believed.

mod builder;
mod cache;
mod calibration;
mod centred;
mod chunks;
mod commit;
mod consistency;
mod cutting;
mod embed;
mod failure;
mod faults;
mod generation;
mod graph;
mod import;
mod kernels;
mod lexical;
mod lock;
mod manifest;
mod parallel;
mod passages;
mod plan;
mod planes;
mod prepared;
mod records;
mod sample;
mod spool;
mod storage;
mod survey;
#[cfg(test)]
mod tests;
mod tokens;
mod vectors;
mod writer;

pub use builder::{BuildReport, Calibrate, IndexBuilder, Outcome, Root};
pub use calibration::{Calibration, Usual};
pub use centred::CentredQuestion;
pub use chunks::{DocumentRecord, StoredChunk};
pub use commit::leftovers;
pub use cutting::{CutFile, Cutter};
pub use failure::{BuildError, OpenError};
pub use generation::Index;
pub use graph::{Graph, GraphError, GraphSettings, GraphSummary, RECALL};
pub use import::{Import, ImportError};
pub use kernels::dot;
pub use lexical::{Lexical, QueryTerms};
pub use lock::{LockError, WriterLock, writer_of};
pub use manifest::{Counts, FORMAT_VERSION, Imported, Manifest, OLDEST_READABLE, read_manifest};
pub(crate) use parallel::in_parallel;
pub use plan::{AllAnew, Plan, Renamed};
pub use planes::QuestionCodes;
pub use survey::{Survey, prune, time_tells};
pub use tokens::TokenSigns;
pub use vectors::Vectors;

#[cfg(target_endian = "big")]
compile_error!("docent's index files are little-endian and mapped as they are; this target is not");
