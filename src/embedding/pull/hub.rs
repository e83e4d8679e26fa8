//! The model hub: its settings, its addresses, and what its answers mean.
//! [`download`](super::download) does the bytes.

mod failure;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use super::url::Url;
use crate::embedding::catalog::HubSource;
use crate::embedding::digest::Sha256;

pub use failure::HubError;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
const USER_AGENT: &str = concat!("docent/", env!("CARGO_PKG_VERSION"));
const MAX_REDIRECTS: usize = 10;

/// A server may ask for more patience than a person at a terminal has.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How the hub is reached.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// Where it is: `HF_ENDPOINT`, or the public one.
    pub endpoint: String,
    /// Who asks: `HF_TOKEN`. Sent to the endpoint, and never to where it redirects.
    pub token: Option<Token>,
    /// `HF_HUB_OFFLINE`: never ask it.
    pub offline: bool,
    /// The way there.
    pub proxy: ProxyChoice,
    /// Certificates to trust in place of the built-in ones: `SSL_CERT_FILE`.
    pub certificates: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long it may be silent: `HF_HUB_DOWNLOAD_TIMEOUT`, in seconds.
    pub read_timeout: Duration,
    /// How often a request is made in all, when the server or the connection fails.
    pub tries: u32,
    /// The wait before the second try. Each further one is twice as long.
    pub backoff: Duration,
}

/// Which proxy is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// This one, for every host.
    Url(String),
    /// None.
    Direct,
}

/// A secret, which no message and no debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as it stands in the environment.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            endpoint: DEFAULT_ENDPOINT.to_owned(),
            token: None,
            offline: false,
            proxy: ProxyChoice::default(),
            certificates: None,
            connect_timeout: Duration::from_secs(15),
            read_timeout: Duration::from_secs(30),
            tries: 3,
            backoff: Duration::from_secs(1),
        }
    }
}

impl HubSettings {
    /// What the environment of this process says.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// What an environment says; unset and empty are the same.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let defaults = Self::default();
        let seconds = set("HF_HUB_DOWNLOAD_TIMEOUT")
            .and_then(|value| value.parse().ok())
            .filter(|&seconds| seconds > 0);
        Self {
            endpoint: set("HF_ENDPOINT").unwrap_or(defaults.endpoint),
            token: set("HF_TOKEN").map(Token),
            offline: set("HF_HUB_OFFLINE").is_some_and(|value| is_yes(&value)),
            certificates: set("SSL_CERT_FILE").map(PathBuf::from),
            read_timeout: seconds.map_or(defaults.read_timeout, Duration::from_secs),
            ..defaults
        }
    }

    /// The address of a file.
    #[must_use]
    pub fn url(&self, source: &HubSource) -> String {
        let HubSource { repository, revision, path } = source;
        format!("{}/{repository}/resolve/{revision}/{path}", self.endpoint.trim_end_matches('/'))
    }

    /// The wait before try number `attempt`, counted from 2.
    pub(super) fn wait_before(&self, attempt: u32, asked_for: Option<Duration>) -> Duration {
        let own = self.backoff.saturating_mul(1 << (attempt.saturating_sub(2)).min(10));
        own.max(asked_for.unwrap_or_default()).min(LONGEST_WAIT)
    }
}

fn is_yes(value: &str) -> bool {
    ["1", "true", "yes", "on"].contains(&value.to_ascii_lowercase().as_str())
}

/// A connection to the hub.
pub(super) struct Hub<'a> {
    pub(super) settings: &'a HubSettings,
    agent: Agent,
    endpoint: Url,
}

/// From where on a file is wanted, and which state of it.
pub(super) struct Resume {
    pub(super) offset: u64,
    pub(super) etag: String,
}

/// The hub's answer: a body, and what was said about it on the way.
pub(super) struct Reply {
    pub(super) response: Response<Body>,
    /// The digest of the whole file, if the hub said it.
    pub(super) sha256: Option<Sha256>,
    /// The size of the whole file, if anyone said it.
    pub(super) total: Option<u64>,
    /// Names this state of the file towards the server that sent it.
    pub(super) etag: Option<String>,
    /// Where the body starts, for an answer with a part of the file.
    pub(super) start: Option<u64>,
}

impl<'a> Hub<'a> {
    pub(super) fn new(settings: &'a HubSettings) -> Result<Self, HubError> {
        let bad_endpoint = || HubError::Endpoint { endpoint: settings.endpoint.clone() };
        let endpoint = Url::parse(&settings.endpoint).ok_or_else(bad_endpoint)?;
        Ok(Self { settings, agent: agent(settings)?, endpoint })
    }

    /// Asks for a file, and follows redirects.
    pub(super) fn get(&self, address: &str, resume: Option<&Resume>) -> Result<Reply, HubError> {
        let file = || address.to_owned();
        let mut url = Url::parse(address).ok_or_else(|| HubError::Endpoint { endpoint: file() })?;
        let mut said = Said::default();
        for _ in 0..=MAX_REDIRECTS {
            let at_home = url.same_origin(&self.endpoint);
            let response =
                self.request(&url, at_home, resume).map_err(|error| unreachable(address, error))?;
            if at_home {
                said.listen(response.headers());
            }
            if !response.status().is_redirection() {
                check_status(address, &response, self.settings.token.is_some())?;
                return Ok(said.reply(response, at_home));
            }
            url = next_url(address, &url, &response)?;
        }
        Err(HubError::Redirect { url: file(), problem: "it redirects without end" })
    }

    fn request(
        &self,
        url: &Url,
        at_home: bool,
        resume: Option<&Resume>,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(url.to_string()).header(header::ACCEPT_ENCODING, "identity");
        if let (true, Some(Token(token))) = (at_home, &self.settings.token) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(Resume { offset, etag }) = resume {
            request =
                request.header(header::RANGE, format!("bytes={offset}-")).header(header::IF_RANGE, etag);
        }
        request.call()
    }
}

fn agent(settings: &HubSettings) -> Result<Agent, HubError> {
    let proxy = match &settings.proxy {
        ProxyChoice::Environment => Proxy::try_from_env(),
        ProxyChoice::Url(url) => Some(Proxy::new(url).map_err(|_| HubError::Proxy { proxy: url.clone() })?),
        ProxyChoice::Direct => None,
    };
    let mut tls = TlsConfig::builder();
    if let Some(path) = &settings.certificates {
        let read = std::fs::read(path).and_then(|text| certificates(&text));
        let certificates = read.map_err(|source| HubError::Certificates { path: path.clone(), source })?;
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let config = Agent::config_builder()
        .user_agent(USER_AGENT)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .tls_config(tls.build())
        .timeout_resolve(Some(settings.connect_timeout))
        .timeout_connect(Some(settings.connect_timeout))
        .timeout_recv_response(Some(settings.read_timeout))
        .timeout_per_read(Some(settings.read_timeout));
    Ok(config.build().new_agent())
}

fn certificates(pem: &[u8]) -> io::Result<Vec<Certificate<'static>>> {
    let items = parse_pem(pem).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let certificates: Vec<_> = (items.into_iter())
        .filter_map(
            |item| {
                if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None }
            },
        )
        .collect();
    if certificates.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no PEM certificate in it"));
    }
    Ok(certificates)
}

/// What the hub itself said of a file, before it sent us elsewhere for the bytes.
#[derive(Default)]
struct Said {
    linked_sha256: Option<Sha256>,
    linked_size: Option<u64>,
}

impl Said {
    fn listen(&mut self, headers: &HeaderMap) {
        self.linked_sha256 = text(headers, "x-linked-etag").and_then(as_sha256).or(self.linked_sha256);
        self.linked_size =
            text(headers, "x-linked-size").and_then(|size| size.parse().ok()).or(self.linked_size);
    }

    /// A plain `ETag` counts as a digest only from the hub: a content server may put 64 digits of
    /// something else there.
    fn reply(self, response: Response<Body>, at_home: bool) -> Reply {
        let headers = response.headers();
        let etag = text(headers, "etag").map(str::to_owned);
        let range = text(headers, "content-range").and_then(parse_content_range);
        let partial = response.status() == 206;
        let length = text(headers, "content-length").and_then(|length| length.parse().ok());
        let own_sha256 = etag.as_deref().filter(|_| at_home).and_then(as_sha256);
        Reply {
            sha256: self.linked_sha256.or(own_sha256),
            total: self.linked_size.or(if partial { range.and_then(|(_, total)| total) } else { length }),
            start: range.filter(|_| partial).map(|(start, _)| start),
            etag,
            response,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn as_sha256(etag: &str) -> Option<Sha256> {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').parse().ok()
}

/// `bytes 100-199/1000`: where it starts, and how long the whole is.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

fn unreachable(address: &str, error: ureq::Error) -> HubError {
    HubError::Unreachable { url: address.to_owned(), source: Box::new(error) }
}

fn check_status(address: &str, response: &Response<Body>, with_token: bool) -> Result<(), HubError> {
    let url = address.to_owned();
    match response.status().as_u16() {
        // 416 is for the one who asked for a range to understand.
        200 | 206 | 416 => Ok(()),
        status @ (401 | 403) => Err(HubError::Refused { url, status, with_token }),
        404 => Err(HubError::NotFound { url }),
        status @ (408 | 425 | 429 | 500..=599) => {
            let wait = text(response.headers(), "retry-after").and_then(|value| value.trim().parse().ok());
            Err(HubError::Server { url, status, wait: wait.map(Duration::from_secs) })
        }
        status => Err(HubError::Status { url, status }),
    }
}

fn next_url(address: &str, from: &Url, response: &Response<Body>) -> Result<Url, HubError> {
    let problem = |problem| HubError::Redirect { url: address.to_owned(), problem };
    let location = text(response.headers(), "location").ok_or_else(|| problem("it does not say where to"))?;
    let next = from.join(location).ok_or_else(|| problem("the address is not an http or https URL"))?;
    if next.is_downgrade_of(from) { Err(problem("from https to http")) } else { Ok(next) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> HubSettings {
        HubSettings::from_variables(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_the_hub_s_own_client_reads_it() {
        let plain = settings(&[]);
        assert_eq!((plain.endpoint.as_str(), plain.offline, &plain.token), (DEFAULT_ENDPOINT, false, &None));
        for yes in ["1", "true", "YES", "On"] {
            assert!(settings(&[("HF_HUB_OFFLINE", yes)]).offline, "{yes}");
        }
        for no in ["", "0", "false", "off", "maybe"] {
            assert!(!settings(&[("HF_HUB_OFFLINE", no)]).offline, "{no}");
        }
        let set = settings(&[
            ("HF_ENDPOINT", "http://mirror/"),
            ("HF_TOKEN", " secret "),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "7"),
        ]);
        let source =
            HubSource { repository: "a/b".into(), revision: "main".into(), path: "onnx/m.onnx".into() };
        assert_eq!(set.url(&source), "http://mirror/a/b/resolve/main/onnx/m.onnx");
        assert_eq!((set.token, set.read_timeout), (Some(Token::new("secret")), Duration::from_secs(7)));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", settings(&[("HF_TOKEN", "secret")])).contains("secret"));
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        let settings = HubSettings::default();
        let waits: Vec<u64> = (2..6).map(|attempt| settings.wait_before(attempt, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8]);
        assert_eq!(settings.wait_before(2, Some(Duration::from_secs(5))).as_secs(), 5);
        assert_eq!(settings.wait_before(2, Some(Duration::from_hours(1))), LONGEST_WAIT);
        assert_eq!(settings.wait_before(60, None), LONGEST_WAIT);
    }

    #[test]
    fn etags_and_ranges_are_read() {
        let digest = Sha256::of(b"x");
        assert_eq!(as_sha256(&format!("\"{digest}\"")), Some(digest));
        assert_eq!(as_sha256(&format!("W/\"{digest}\"")), Some(digest));
        assert_eq!(as_sha256("\"a81f5e3d8c5bd4b4a4f8a9d1c4b6f3a2b1c0d9e8\""), None);
        assert_eq!(parse_content_range("bytes 100-199/1000"), Some((100, Some(1000))));
        assert_eq!(parse_content_range("bytes 100-199/*"), Some((100, None)));
        assert_eq!(parse_content_range("bytes */1000"), None);
        assert_eq!(parse_content_range("items 1-2/3"), None);
    }

    #[test]
    fn wrong_settings_are_named() {
        let wrong = HubSettings { endpoint: "hub.example".into(), ..HubSettings::default() };
        assert!(matches!(Hub::new(&wrong), Err(HubError::Endpoint { .. })));
        let wrong = HubSettings { proxy: ProxyChoice::Url("gopher://x".into()), ..HubSettings::default() };
        assert!(matches!(Hub::new(&wrong), Err(HubError::Proxy { .. })));
        let file = tempfile::NamedTempFile::new().unwrap();
        let wrong = HubSettings { certificates: Some(file.path().to_owned()), ..HubSettings::default() };
        assert!(matches!(Hub::new(&wrong), Err(HubError::Certificates { .. })));
    }
}
