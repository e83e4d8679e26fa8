//! Models: what there is to embed with, where its files lie, and how they get there.

pub mod catalog;
pub mod digest;
mod folder;
pub mod pull;
pub mod store;
