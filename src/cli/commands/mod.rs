//! One file a command.

pub(super) mod ask;
pub(super) mod batch;
mod collections;
pub(super) mod compare;
pub(super) mod completions;
pub(super) mod doctor;
pub(super) mod eval;
pub(super) mod export;
pub(super) mod import;
pub(super) mod index;
mod indexed;
pub(super) mod inspect;
pub(super) mod install;
pub(super) mod models;
pub(super) mod plan;
pub(super) mod prepare;
pub(super) mod pull;
pub(super) mod quickstart;
pub(super) mod serve;
pub(super) mod status;
pub(super) mod watch;
