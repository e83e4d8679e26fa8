//! What ends a server, and what a tool answers when it cannot do its work.

use std::collections::BTreeMap;

use rmcp::model::{CallToolResult, ContentBlock};

use crate::retrieval::{LoadFailure, MAX_LIMIT, MAX_QUERY_CHARACTERS, QueryError};

/// A server that could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The async runtime does not start.
    #[error("the server cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The process that agents share cannot be used.
    #[cfg(unix)]
    #[error(transparent)]
    Shared(#[from] super::shared::SharedError),
    /// The client's first message is not the beginning of an MCP conversation.
    #[error("the client does not speak MCP: {reason}")]
    Handshake {
        /// What was wrong with it.
        reason: String,
    },
    /// The task that serves the connection died.
    #[error("the server stopped in the middle of its work: {0}")]
    Stopped(#[source] tokio::task::JoinError),
}

impl ServeError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Runtime(_) => "check the limits on threads and open files".into(),
            Self::Bind { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                "another program uses this port: choose another one".into()
            }
            Self::Bind { .. } => "choose an address of this machine and a free port above 1023".into(),
            #[cfg(unix)]
            Self::Shared(error) => error.hint(),
            Self::Handshake { .. } => {
                "`docent serve` talks to an MCP client, not to a person: add it to one's configuration, or ask with `docent ask`".into()
            }
            Self::Stopped(_) => "please report this".into(),
        }
    }
}

/// A call that did not give what was asked. It goes back as the tool's answer, for the model to
/// read: a protocol error would be hidden from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ToolError {
    #[error("unknown parameter `{name}`")]
    UnknownParameter { name: String, nearest: Option<String>, known: Vec<String> },
    #[error("the parameter `{name}` is missing")]
    MissingParameter { name: &'static str },
    #[error("`{name}` must be {expected}, not {found}")]
    WrongType { name: &'static str, expected: &'static str, found: String },
    #[error("`{name}` must be from {least} to {most}, not {given}")]
    OutOfRange { name: &'static str, least: usize, most: usize, given: usize },
    #[error("`{name}` must be `{choices}`, not `{found}`")]
    Choice { name: &'static str, choices: String, found: String },
    #[error("`{one}` and `{other}` exclude each other")]
    Exclusive { one: &'static str, other: &'static str },
    #[error("this cursor belongs to another question")]
    Cursor,
    #[error("generation {wanted} of the index is not kept; the newest is {newest}")]
    Generation { wanted: u64, newest: u64 },
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String, hint: String },
    #[error(transparent)]
    Query(QueryError),
    #[error("{0}")]
    Unavailable(LoadFailure),
    #[error("too many questions at once: {waiting} are waiting already")]
    Overloaded { waiting: usize },
    /// A failure in the words of a preset, whose parameters have other names.
    #[error("{message}")]
    Renamed { message: String, hint: String },
    #[error("the question was cancelled")]
    Cancelled,
    #[error("the question could not be worked on: {reason}")]
    Crashed { reason: String },
}

impl From<QueryError> for ToolError {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl<E: Into<LoadFailure>> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl ToolError {
    fn hint(&self) -> String {
        match self {
            Self::UnknownParameter { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownParameter { known, .. } if known.is_empty() => "leave it out: there are none".into(),
            Self::UnknownParameter { known, .. } => format!("known parameters: {}", known.join(", ")),
            Self::MissingParameter { name } => format!("call again with `{name}`"),
            Self::WrongType { name, expected, .. } => format!("give `{name}` as {expected}"),
            Self::OutOfRange { name, least, most, .. } => format!("give `{name}` from {least} to {most}"),
            Self::Choice { name, choices, .. } => format!("give `{name}` as `{choices}`, or leave it out"),
            Self::Exclusive { one, other } => format!("leave out `{one}` or `{other}`"),
            Self::Cursor => {
                "give `next_cursor` back with the other parameters as they were, or leave `cursor` out".into()
            }
            Self::Generation { .. } => "ask again without `generation` and `cursor`".into(),
            Self::NotFound { hint, .. }
            | Self::Renamed { hint, .. }
            | Self::Unavailable(LoadFailure { hint, .. }) => hint.clone(),
            Self::Query(error @ (QueryError::Rephrasings { .. } | QueryError::Path { .. })) => error.hint(),
            Self::Query(QueryError::Empty) => {
                "ask a whole question in plain words, such as \"how do I rotate a key?\"".into()
            }
            Self::Query(QueryError::TooLong { .. }) => {
                format!(
                    "ask for one thing, in a sentence or two; the limit is {MAX_QUERY_CHARACTERS} characters"
                )
            }
            Self::Query(QueryError::Limit { .. }) => {
                format!("give `limit` as an integer from 1 to {MAX_LIMIT}")
            }
            Self::Overloaded { .. } => "wait a second, then ask again".into(),
            Self::Cancelled => "ask again if the answer is still wanted".into(),
            Self::Crashed { .. } => "please report this with the question that caused it".into(),
        }
    }

    /// The same with a preset's names of parameters: `names` has the built-in's name of each.
    pub(super) fn renamed(self, names: &BTreeMap<String, String>) -> Self {
        let (mut message, mut hint) = (self.to_string(), self.hint());
        for (name, built_in) in names.iter().filter(|(name, built_in)| name != built_in) {
            let (from, to) = (format!("`{built_in}`"), format!("`{name}`"));
            message = message.replace(&from, &to);
            hint = hint.replace(&from, &to);
        }
        Self::Renamed { message, hint }
    }

    /// What happened, and the next thing to do.
    pub(super) fn told(&self) -> String {
        format!("{self}\n\nhint: {}", self.hint())
    }

    pub(super) fn into_result(self) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(self.told())])
    }
}
