//! Why the hub did not give a file, and what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::embedding::digest::Sha256;

/// Why a file could not be had from the hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub must not be asked.
    #[error("HF_HUB_OFFLINE is set, so {url} was not fetched")]
    Offline {
        /// The file.
        url: String,
    },
    /// The endpoint is no address.
    #[error("the model hub's address {endpoint:?} is not an http or https URL")]
    Endpoint {
        /// What it is set to.
        endpoint: String,
    },
    /// The proxy is no address, or of a kind that cannot be used.
    #[error("the proxy {proxy:?} cannot be used")]
    Proxy {
        /// What it is set to.
        proxy: String,
    },
    /// The certificates cannot be read.
    #[error("the certificates in `{path}` cannot be read", path = .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The server was not reached, or did not answer.
    #[error("{url} could not be reached")]
    Unreachable {
        /// The file.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// The connection ended before the file did.
    #[error("the connection was lost after {received} of {} bytes of {url}", total_text(*.total))]
    Lost {
        /// The file.
        url: String,
        /// Bytes that are on disk.
        received: u64,
        /// Bytes that the file has, if the server said so.
        total: Option<u64>,
        /// What went wrong, where there was more than an early end.
        source: Option<io::Error>,
    },
    /// The server is in trouble or asks to wait.
    #[error("the server answered {status} for {url}")]
    Server {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// The server does not let us have the file.
    #[error("the server refused {url} ({status}), {}", token_text(*.with_token))]
    Refused {
        /// The file.
        url: String,
        /// The HTTP status: 401 or 403.
        status: u16,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// The server has no such file.
    #[error("the server has no {url} (404)")]
    NotFound {
        /// The file.
        url: String,
    },
    /// The server answered with something else.
    #[error("the server answered {status} for {url}, which docent does not expect")]
    Status {
        /// The file.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server sends us round, or somewhere that we do not go.
    #[error("{url} redirects to nowhere useful: {problem}")]
    Redirect {
        /// The file.
        url: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The file is not as long as it should be.
    #[error("{url} has the wrong size: {wanted} bytes wanted, {got} got")]
    Size {
        /// The file.
        url: String,
        /// Bytes that it should have.
        wanted: u64,
        /// Bytes that came, or that the server announced.
        got: u64,
    },
    /// The file is another one.
    #[error("{url} is not the file wanted: sha256 wanted {wanted}, got {got}")]
    Digest {
        /// The file.
        url: String,
        /// The digest that the catalogue or the server names.
        wanted: Sha256,
        /// The digest of what came.
        got: Sha256,
    },
    /// A file of our own cannot be written.
    #[error("`{path}` cannot be written", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn total_text(total: Option<u64>) -> String {
    total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string())
}

fn token_text(with_token: bool) -> &'static str {
    if with_token { "although HF_TOKEN was sent" } else { "and HF_TOKEN is not set" }
}

impl HubError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Offline { .. } => "unset HF_HUB_OFFLINE, or put the file in place by hand".to_owned(),
            Self::Endpoint { .. } => "set HF_ENDPOINT to an address such as https://hub.example, or unset it".to_owned(),
            Self::Proxy { .. } => "set HTTPS_PROXY to an address such as http://proxy.example:3128, or unset it".to_owned(),
            Self::Certificates { .. } => "set SSL_CERT_FILE to a file of PEM certificates, or unset it".to_owned(),
            Self::Unreachable { .. } => "check the network; behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT".to_owned(),
            Self::Lost { .. } | Self::Server { .. } => "run the command again: it goes on where it stopped".to_owned(),
            Self::Refused { with_token: false, .. } => {
                "set HF_TOKEN to a token that may read this repository; some models want their terms accepted first".to_owned()
            }
            Self::Refused { .. } => "check that HF_TOKEN is valid and may read this repository".to_owned(),
            Self::NotFound { .. } => "check HF_ENDPOINT: a mirror may lack this model; or use `--model-dir DIR`".to_owned(),
            Self::Status { .. } | Self::Redirect { .. } => {
                "check HF_ENDPOINT and the proxy: something other than the hub may have answered".to_owned()
            }
            Self::Size { .. } | Self::Digest { .. } => {
                "nothing was kept; run the command again, and check HF_ENDPOINT and the proxy if it stays so".to_owned()
            }
            Self::Write { .. } => "make room on the disk and check the folder's permissions".to_owned(),
        }
    }

    /// Whether the next try may go better.
    pub(in crate::embedding::pull) fn is_transient(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::Server { .. } => true,
            Self::Unreachable { source, .. } => {
                matches!(
                    **source,
                    ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
                )
            }
            _ => false,
        }
    }

    pub(in crate::embedding::pull) fn asks_to_wait(&self) -> Option<Duration> {
        if let Self::Server { wait, .. } = self { *wait } else { None }
    }
}
