//! One integration binary: everything here goes through the public API or the real program.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod eval;
mod eval_trec;
mod loopback;
mod pull;
