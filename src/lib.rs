//! docent answers natural-language questions from a body of documents, on one machine, from local files.

pub mod batch;
pub mod chunking;
pub mod cli;
pub mod embedding;
pub mod evaluation;
pub mod extract;
pub mod index;
pub mod mcp;
pub mod parse;
pub mod prepare;
pub mod progress;
pub mod remote;
pub mod retrieval;
pub mod source;
