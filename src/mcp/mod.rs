//! The Model Context Protocol: tools, resources and prompts over standard
//! input and output or HTTP.
//!
//! This is the only async room, and the only one that names rmcp. It is handed a
//! [`Resident`](crate::retrieval::Resident), which loads behind the first answers; every question
//! runs on a blocking thread behind a bounded queue. A tool is one file in `tools/`: its definition,
//! its arguments and its work side by side.

mod arguments;
mod call;
mod changes;
mod collections;
mod cursor;
mod failure;
mod folder;
mod http;
mod instructions;
mod layout;
mod malformed;
mod paths;
mod preset;
mod prompts;
mod resources;
mod server;
#[cfg(unix)]
mod shared;
mod stdio;
mod surrogates;
mod tools;
mod toolset;
mod wire;
mod workers;

pub use failure::ServeError;
pub use http::{HttpServer, HttpSettings, HttpSettingsError, Token, serve_http};
pub use preset::{Preset, PresetError};
pub use server::DocumentServer;
#[cfg(unix)]
pub use shared::{Meeting, SharedError, relay_stdio, serve_behind};
pub use stdio::{serve, serve_stdio};
pub use toolset::Toolset;
