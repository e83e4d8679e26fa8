//! Who may connect, and how much they may ask: checked once, before the server starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cors;
use super::hosts::is_host;
use crate::mcp::workers;

/// The longest body of a request: a question is far shorter.
const MAX_BODY: usize = 1 << 20;
/// The longest that the body of a request may take to come.
const BODY_TIME: Duration = Duration::from_secs(15);
/// The longest a request may take.
const REQUEST_TIME: Duration = Duration::from_mins(1);
/// A secret shorter than this is guessed.
const MIN_TOKEN_BYTES: usize = 16;

/// How to serve over HTTP.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    address: SocketAddr,
    token: Option<Token>,
    hosts: Vec<String>,
    origins: Vec<String>,
    pub(super) max_body: usize,
    pub(super) request_time: Duration,
    pub(super) requests: usize,
}

/// A secret that clients send as `Authorization: Bearer SECRET`. Only its hash is kept.
#[derive(Debug, Clone)]
pub struct Token(blake3::Hash);

/// Settings that do not go together.
#[derive(Debug, thiserror::Error)]
pub enum HttpSettingsError {
    /// Everybody on the network could read the documents.
    #[error("serving on {address}, which other machines can reach, needs a token")]
    TokenNeeded {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// This is no name of a host, and would match none.
    #[error("`{host}` is no name of a host")]
    Host {
        /// What was given.
        host: String,
    },
    /// This is no origin, and would match none.
    #[error("`{origin}` is no origin of web pages")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The token's file cannot be read.
    #[error("the token file `{}` cannot be read: {source}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The token is empty or easily guessed.
    #[error("the token in `{}` has {bytes} bytes; at least {MIN_TOKEN_BYTES} are needed", path.display())]
    WeakToken {
        /// The file.
        path: PathBuf,
        /// Its length without white space.
        bytes: usize,
    },
}

impl HttpSettingsError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::TokenNeeded { .. } => {
                "give --token-file FILE, or listen on 127.0.0.1 behind a reverse proxy".into()
            }
            Self::Host { .. } => "give --allow-host a name or an address alone: docs.example.com".into(),
            Self::Origin { .. } => {
                "give --allow-origin a scheme, a host and a port, without a path: https://example.com:443"
                    .into()
            }
            Self::TokenFile { .. } => "check --token-file".into(),
            Self::WeakToken { path, .. } => format!("make one: `openssl rand -hex 32 > {}`", path.display()),
        }
    }
}

impl Token {
    /// The token in a file, without white space around it.
    ///
    /// # Errors
    /// Where the file cannot be read or the token is too short.
    pub fn from_file(path: &Path) -> Result<Self, HttpSettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| HttpSettingsError::TokenFile { path: path.to_owned(), source })?;
        let text = text.trim();
        if text.len() < MIN_TOKEN_BYTES {
            return Err(HttpSettingsError::WeakToken { path: path.to_owned(), bytes: text.len() });
        }
        Ok(Self(blake3::hash(text.as_bytes())))
    }

    /// Whether `given` is the token. Hashes are compared, in constant time: how long it takes says
    /// nothing of how near a guess was.
    pub(super) fn is(&self, given: &[u8]) -> bool {
        blake3::hash(given) == self.0
    }
}

impl HttpSettings {
    /// Settings for `address`. `hosts` are names under which clients reach the server, beside
    /// the loopback's own and the address that they connect to; `origins` the web pages that may ask
    /// (`https://example.com:443`, `http://localhost:*`), beside the server's own origin.
    ///
    /// # Errors
    /// Where other machines can reach `address` and there is no token, or a name could never match.
    pub fn new(
        address: SocketAddr,
        token: Option<Token>,
        hosts: Vec<String>,
        origins: Vec<String>,
    ) -> Result<Self, HttpSettingsError> {
        if !address.ip().is_loopback() && token.is_none() {
            return Err(HttpSettingsError::TokenNeeded { address });
        }
        if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
            return Err(HttpSettingsError::Host { host: host.clone() });
        }
        if let Some(origin) = origins.iter().find(|origin| !cors::is_origin(origin)) {
            return Err(HttpSettingsError::Origin { origin: origin.clone() });
        }
        let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter();
        let hosts = own.chain([address.ip().to_string()]).chain(hosts).collect();
        Ok(Self {
            address,
            token,
            hosts,
            origins,
            max_body: MAX_BODY,
            request_time: REQUEST_TIME,
            requests: workers::places(),
        })
    }

    /// The same with other limits: bytes of a body, time of a request, requests at once.
    #[must_use]
    pub fn with_limits(self, max_body: usize, request_time: Duration, requests: usize) -> Self {
        Self { max_body, request_time, requests, ..self }
    }

    /// How long the body of a request may take to come.
    pub(super) fn body_time(&self) -> Duration {
        BODY_TIME.min(self.request_time)
    }

    /// Pages of the server's own origin may ask it, once its port is known.
    pub(super) fn with_own_origins(mut self, port: u16) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("http://{host}:{port}"));
        self.origins.extend(own);
        self
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub(super) fn origins(&self) -> &[String] {
        &self.origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_never_match_are_refused() {
        let settings = |hosts: &[&str], origins: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            HttpSettings::new("127.0.0.1:0".parse().unwrap(), None, owned(hosts), owned(origins))
        };
        for host in ["docs.example.com", "docs.example.com:8443", "10.0.0.7", "::1", "[::1]:80"] {
            assert!(settings(&[host], &[]).is_ok(), "{host}");
        }
        for host in ["https://docs.example.com", "docs.example.com/mcp", "", "a b", "me@docs.example.com"] {
            assert!(matches!(settings(&[host], &[]), Err(HttpSettingsError::Host { .. })), "{host}");
        }
        assert!(settings(&[], &["https://example.com:443"]).is_ok());
        assert!(matches!(settings(&[], &["example.com"]), Err(HttpSettingsError::Origin { .. })));
    }

    #[test]
    fn a_token_is_needed_where_others_can_connect() {
        let settings =
            |address: &str, token| HttpSettings::new(address.parse().unwrap(), token, Vec::new(), Vec::new());
        assert!(settings("127.0.0.1:0", None).is_ok());
        assert!(settings("[::1]:0", None).is_ok());
        assert!(matches!(settings("0.0.0.0:80", None), Err(HttpSettingsError::TokenNeeded { .. })));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "short\n").unwrap();
        assert!(matches!(Token::from_file(file.path()), Err(HttpSettingsError::WeakToken { bytes: 5, .. })));
        std::fs::write(file.path(), "0123456789abcdef\n").unwrap();
        let token = Token::from_file(file.path()).unwrap();
        assert!(token.is(b"0123456789abcdef") && !token.is(b"0123456789abcdeg") && !token.is(b""));
        assert!(settings("0.0.0.0:80", Some(token)).is_ok());
    }
}
