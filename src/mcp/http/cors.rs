//! Cross-origin requests of web pages (<https://fetch.spec.whatwg.org/#http-cors-protocol>): a browser
//! lets a page read our answers only where we say so, and we do for the origins that are allowed by
//! name. There are none unless somebody asks for them.

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};

/// How long a browser may remember what it was allowed, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// The origin that `request` comes from, if it is one of `allowed`.
pub(super) fn origin<B>(request: &Request<B>, allowed: &[String]) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    allowed.iter().any(|allowed| admits(allowed, text)).then(|| origin.clone())
}

/// Whether a browser asks what a page may send.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that: by what status, and with which headers.
pub(super) fn preflight<B>(request: &Request<B>) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    // A page that may ask may send any header with it.
    if let Some(wanted) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    (StatusCode::NO_CONTENT, headers)
}

/// Lets the page from `origin` read the answer.
pub(super) fn let_read(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let exposed = HeaderValue::from_static("Retry-After, WWW-Authenticate");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// A scheme, a host, and a port where one is named; `*` is any.
#[derive(Debug, PartialEq, Eq)]
struct Origin<'text> {
    scheme: &'text str,
    host: &'text str,
    port: Option<&'text str>,
}

impl<'text> Origin<'text> {
    fn of(text: &'text str) -> Option<Self> {
        let (scheme, authority) = text.trim().split_once("://")?;
        // An IPv6 address has colons of its own, in brackets.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_port = port.is_none_or(|port| port == "*" || port.parse::<u16>().is_ok());
        let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' ']);
        (matches!(scheme, "http" | "https") && is_host && is_port).then_some(Self { scheme, host, port })
    }

    fn port(&self) -> &'text str {
        self.port.unwrap_or(if self.scheme == "https" { "443" } else { "80" })
    }
}

/// Whether `text` can stand for an origin: `https://example.com`, `http://localhost:*`.
pub(super) fn is_origin(text: &str) -> bool {
    Origin::of(text).is_some()
}

fn admits(allowed: &str, origin: &str) -> bool {
    let (Some(allowed), Some(origin)) = (Origin::of(allowed), Origin::of(origin)) else { return false };
    allowed.scheme == origin.scheme
        && allowed.host.eq_ignore_ascii_case(origin.host)
        && (allowed.port == Some("*") || allowed.port() == origin.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_with_their_ports() {
        for (allowed, origin) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example:443", "https://A.example"),
            ("http://localhost:*", "http://localhost:3000"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(admits(allowed, origin), "{allowed} {origin}");
        }
        for (allowed, origin) in [
            ("https://a.example", "http://a.example"),
            ("https://a.example", "https://a.example:8443"),
            ("https://a.example", "https://a.example.evil.example"),
            ("https://a.example", "https://b.example"),
            ("https://a.example", "null"),
        ] {
            assert!(!admits(allowed, origin), "{allowed} {origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_known() {
        for text in ["https://a.example", "http://localhost:*", "http://[::1]:80"] {
            assert!(is_origin(text), "{text}");
        }
        for text in [
            "a.example",
            "*",
            "null",
            "https://",
            "https://a.example/",
            "https://*.example",
            "ftp://a",
            "http://a:b",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }
}
