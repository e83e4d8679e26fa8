//! Questions to answers: candidates from both arms, fused into one ranking of chunks.

mod answer;
mod fusion;
mod late;
mod query;
mod resident;
mod retriever;

pub use answer::{Answer, Hit, SCHEMA};
pub use query::{MAX_LIMIT, MAX_QUERY_CHARACTERS, Query, QueryError};
pub use resident::{LoadEncoder, LoadFailure, Resident};
pub use retriever::{RetrievalError, Retriever};
