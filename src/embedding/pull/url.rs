//! Just enough of URLs to follow redirects by hand.
//!
//! They are followed by hand because the hub says what a file is (`X-Linked-Etag`, `X-Linked-Size`)
//! only in the answer that redirects, and because the token must not go along to another host.

/// An `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    scheme: String,
    authority: String,
    /// Path and query, with the leading `/`.
    rest: String,
}

impl Url {
    /// `None` for anything but an `http` or `https` URL with a host. A fragment is dropped.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let rest = rest.split('#').next()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let host_ok = !authority.is_empty() && !authority.contains(char::is_whitespace);
        let slash = if rest.starts_with('/') { "" } else { "/" };
        host_ok.then(|| Self {
            scheme,
            authority: authority.to_ascii_lowercase(),
            rest: format!("{slash}{rest}"),
        })
    }

    /// The URL that a `Location` header means, seen from this one.
    pub(super) fn join(&self, location: &str) -> Option<Self> {
        let location = location.trim();
        if location.contains("://") && !location.starts_with('/') && !location.starts_with('?') {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let path = self.rest.split('?').next().unwrap_or("/");
        let rest = match location.chars().next()? {
            '/' => location.to_owned(),
            '?' => format!("{path}{location}"),
            _ => format!("{}/{location}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
        Self::parse(&format!("{}://{}{rest}", self.scheme, self.authority))
    }

    /// Whether the other URL is served by the same program, as far as a URL can tell.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port_and_host() == other.port_and_host()
    }

    /// Whether a request that was to be private would go out in the open.
    pub(super) fn is_downgrade_of(&self, other: &Self) -> bool {
        self.scheme == "http" && other.scheme == "https"
    }

    fn port_and_host(&self) -> (&str, &str) {
        let host_port = self.authority.rsplit_once('@').map_or(self.authority.as_str(), |(_, host)| host);
        let default = if self.scheme == "https" { "443" } else { "80" };
        match host_port.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
                (port, host)
            }
            _ => (default, host_port),
        }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn takes_http_and_https_and_nothing_else() {
        assert_eq!(url("HTTPS://Hub.example/a?b#c").to_string(), "https://hub.example/a?b");
        assert_eq!(url("http://[::1]:8080").to_string(), "http://[::1]:8080/");
        for text in
            ["", "hub.example", "file:///etc/passwd", "ftp://a/b", "https://", "https:///a", "https://a b/"]
        {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn joins_each_kind_of_location() {
        let base = url("https://hub.example/owner/repo/resolve/main/model.onnx?x=1");
        for (location, wanted) in [
            ("https://cdn.example/f?sig=a://b", "https://cdn.example/f?sig=a://b"),
            ("//cdn.example/f", "https://cdn.example/f"),
            ("/other/repo", "https://hub.example/other/repo"),
            ("/back?to=https://x/", "https://hub.example/back?to=https://x/"),
            ("?y=2", "https://hub.example/owner/repo/resolve/main/model.onnx?y=2"),
            ("tokenizer.json", "https://hub.example/owner/repo/resolve/main/tokenizer.json"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), wanted);
        }
        assert_eq!(base.join(""), None);
        assert_eq!(base.join("file:///etc/passwd"), None);
    }

    #[test]
    fn the_same_origin_is_scheme_host_and_port() {
        let base = url("https://hub.example/a");
        assert!(base.same_origin(&url("https://hub.example:443/b")));
        assert!(!base.same_origin(&url("https://hub.example:444/b")));
        assert!(!base.same_origin(&url("http://hub.example/a")));
        assert!(!base.same_origin(&url("https://hub.example.evil/a")));
        assert!(!base.same_origin(&url("https://hub.example@evil/a")));
        assert!(url("http://hub.example/a").is_downgrade_of(&base));
        assert!(!url("http://[::1]/").same_origin(&url("http://[::1]:1/")));
    }
}
