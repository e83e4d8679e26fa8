//! Evaluations and comparisons as people read them: tables for a terminal, one-file HTML for a
//! browser and for paper.

mod charts;
mod comparison_page;
mod evaluation_page;
mod html;
mod questions;
mod text;

pub use comparison_page::comparison_page;
pub use evaluation_page::evaluation_page;
pub use text::{comparison_text, counted, evaluation_text, regression_text};
