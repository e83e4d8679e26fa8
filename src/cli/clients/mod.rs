//! MCP clients: where each keeps its list of servers, in which format, and how docent is put into
//! that list and taken out of it, without touching anything else in the file.

mod client;
mod failure;
mod json_file;
mod launch;
mod places;
mod toml_file;

pub(super) use client::{Client, Format};
pub(super) use failure::{ClientError, EditError};
pub(super) use launch::{Launch, shell_quoted, snippets};
pub(super) use places::{Surroundings, project_file};

/// How a client starts a server: what docent writes, and all that it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name of the kind of transport, where the client wants it said.
    pub(super) kind: Option<&'static str>,
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
}

impl Format {
    /// The file's text with `entry` under `name`. Text that needs no change comes back as it was.
    pub(super) fn with_server(self, text: &str, name: &str, entry: &Entry) -> Result<String, EditError> {
        match self {
            Self::Json { servers } => json_file::with_server(text, servers, name, entry),
            Self::Toml { servers } => toml_file::with_server(text, servers, name, entry),
        }
    }

    /// The file's text without the server `name`.
    pub(super) fn without_server(self, text: &str, name: &str) -> Result<String, EditError> {
        match self {
            Self::Json { servers } => json_file::without_server(text, servers, name),
            Self::Toml { servers } => toml_file::without_server(text, servers, name),
        }
    }
}
