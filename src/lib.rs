//! docent answers natural-language questions from a body of documents, on one machine, from local files.

pub mod embedding;
pub mod progress;
