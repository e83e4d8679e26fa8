//! Questions to answers: candidates from both arms, fused into one ranking of chunks.

mod answer;
mod confidence;
mod dense;
mod filter;
mod fusion;
mod late;
mod query;
mod ranking;
mod reader;
mod recipe;
mod resident;
mod retriever;
mod staleness;

pub use crate::index::DocumentRecord;
pub use crate::source::{DocumentKind, id_of_path};
pub use answer::{Answer, Degraded, Hit, SCHEMA};
pub use confidence::calibrate;
pub use filter::PathFilter;
pub use query::{MAX_LIMIT, MAX_QUERY_CHARACTERS, MAX_REPHRASINGS, Query, QueryError};
pub use reader::{DocumentText, Freshness, Reader};
pub use recipe::{Part, Recipe};
pub use resident::{LoadEncoder, LoadFailure, Ready, Resident};
pub use retriever::{RetrievalError, Retriever};
pub use staleness::is_stale;
