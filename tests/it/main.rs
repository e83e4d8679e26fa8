//! One integration binary: everything here goes through the public API or the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod architecture;
mod asking;
mod bad_index;
mod bad_models;
mod bad_questions;
mod bad_sources;
mod eval;
mod eval_trec;
mod formats;
mod handbook;
mod helping;
mod indexing;
mod loopback;
mod mcp_clients;
mod mcp_http;
mod mcp_paging;
mod mcp_process;
mod mcp_protocol;
mod mcp_reading;
mod mcp_resources;
mod mcp_search;
mod mcp_support;
mod network;
mod old_formats;
mod pull;
mod python;
mod quickstart;
mod real_model;
mod sources;
mod streams;
mod testenv;
