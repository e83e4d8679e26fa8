//! Answers as they are printed and sent: the same fields over the command line and MCP.

use serde::{Deserialize, Serialize};

use crate::chunking::ChunkId;
use crate::source::SourcePath;

/// Version of the JSON form of an [`Answer`].
pub const SCHEMA: u32 = 1;

/// The chunks that answer a question best, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// The question.
    pub query: String,
    /// The generation of the index that answered.
    pub generation: u64,
    /// When that generation was built, RFC 3339 in UTC.
    pub indexed_at: String,
    /// Best first; empty only where nothing is indexed.
    pub hits: Vec<Hit>,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Stable for as long as the passage stays the same.
    pub id: ChunkId,
    /// The document, relative to the indexed root.
    pub path: SourcePath,
    /// The document's title.
    pub title: String,
    /// Headings above the chunk, outermost first, without the title.
    pub breadcrumb: Vec<String>,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line, included.
    pub end_line: u32,
    /// Larger is better; comparable within one answer only.
    pub score: f32,
    /// The source itself.
    pub text: String,
}
