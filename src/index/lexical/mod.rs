//! The lexical arm: BM25F over the chunks' text, headings, title and path.
//!
//! Our own rather than a search library's, because ranking is what docent is for: scores for any
//! chunk (fusion normalises them), terms that know identifiers, and a file that is mapped and
//! ready, checksummed like the others.

mod builder;
mod postings;
mod terms;

pub(in crate::index) use builder::LexicalBuilder;
pub(in crate::index) use postings::{FieldTexts, KIND};
pub use postings::{Lexical, QueryTerms};
