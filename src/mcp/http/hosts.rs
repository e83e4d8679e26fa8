//! Under which names and addresses the server answers. A web page that has its own name lead to this
//! machine (DNS rebinding) is told by the `Host` that its browser sends: that is the page's name, and
//! never an address.

use std::net::IpAddr;

use hyper::header::{self, HeaderMap};
use hyper::http::uri::Authority;

/// Whether a request may be answered by what it calls the server: one of the names in `allowed`, or
/// the address at which its connection came in. Where the server listens on all addresses, nobody but
/// the connection knows which one that is. A request without `Host` comes from no browser.
pub(super) fn is_ours(headers: &HeaderMap, allowed: &[String], here: Option<IpAddr>) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(asked) = Authority::try_from(host.as_bytes()) else { return false };
    let address = without_brackets(asked.host()).parse::<IpAddr>();
    let is_here = |here: IpAddr| address.as_ref().is_ok_and(|address| *address == here.to_canonical());
    here.is_some_and(is_here) || allowed.iter().any(|allowed| admits(allowed, &asked))
}

/// Whether `text` can stand in a `Host` header, with a port or without.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
        || text
            .parse::<Authority>()
            .is_ok_and(|authority| !text.contains('@') && !authority.host().is_empty())
}

/// A name with a port is meant at this port only.
fn admits(allowed: &str, asked: &Authority) -> bool {
    let is_named = |name: &str| without_brackets(asked.host()).eq_ignore_ascii_case(without_brackets(name));
    match allowed.parse::<Authority>() {
        Ok(allowed) => {
            is_named(allowed.host()) && allowed.port_u16().is_none_or(|port| asked.port_u16() == Some(port))
        }
        // An IPv6 address alone.
        Err(_) => is_named(allowed),
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn is_let_in(host: &str, here: &str) -> bool {
        let allowed = ["localhost", "::1", "docs.example.com", "docs.example.org:8443"].map(str::to_owned);
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
        is_ours(&headers, &allowed, here.parse().ok())
    }

    #[test]
    fn names_are_compared_with_their_ports() {
        for host in
            ["localhost", "LocalHost:8080", "[::1]:8080", "docs.example.com:1", "docs.example.org:8443"]
        {
            assert!(is_let_in(host, ""), "{host}");
        }
        for host in ["evil.example.com", "docs.example.org", "docs.example.org:80", "a b", "", "192.168.1.7"]
        {
            assert!(!is_let_in(host, ""), "{host}");
        }
        assert!(is_ours(&HeaderMap::new(), &[], None), "no browser leaves it out");
    }

    #[test]
    fn the_address_that_was_connected_to_is_let_in() {
        for (host, here) in [
            ("192.168.1.7:8080", "192.168.1.7"),
            ("192.168.1.7", "::ffff:192.168.1.7"),
            ("[fd00::7]:8080", "fd00::7"),
        ] {
            assert!(is_let_in(host, here), "{host} {here}");
        }
        assert!(!is_let_in("192.168.1.8:8080", "192.168.1.7"));
        assert!(!is_let_in("192.168.1.7.example.com", "192.168.1.7"));
    }
}
