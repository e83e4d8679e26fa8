//! Questions to answers: candidates from both arms, fused into one ranking of chunks.

mod answer;
mod confidence;
mod dense;
mod duplicates;
mod explanation;
mod filter;
mod fusion;
mod lanes;
mod late;
mod maxsim;
mod phrase;
mod query;
mod ranking;
mod reader;
mod recipe;
mod resident;
mod retriever;
mod shape;
mod stages;
mod staleness;
mod waiting;

pub use crate::index::{DocumentRecord, Manifest};
pub use crate::parse::ChangelogEntry;
pub use crate::source::{CollectionName, DocumentKind, Origin, SourceSpec, id_of_path};
pub use answer::{Answer, Degraded, Hit, MOST_DUPLICATES, Place, SCHEMA};
pub use confidence::calibrate;
pub use explanation::{ExplainedHit, ExplainedWording, Explanation, Formula, Share, ViewScore, WordingScore};
pub use filter::PathFilter;
pub use query::{MAX_LIMIT, MAX_QUERY_CHARACTERS, MAX_REPHRASINGS, Query, QueryError};
pub use reader::{DocumentText, Freshness, Reader};
pub use recipe::{Part, Recipe};
pub use resident::{LoadEncoder, LoadFailure, Ready, Resident};
pub use retriever::{RetrievalError, Retriever};
pub use stages::{Stage, StageTimes};
pub use staleness::is_stale;
pub use waiting::{Patient, Waiting};
