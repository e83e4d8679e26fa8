//! Feeds: fetched only if they changed, and kept as a changelog.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::feed_xml::FeedEntry;

use super::FetchError;
use super::feed_xml::parse;
use crate::extract::html_to_markdown;
use crate::source::without_password;

/// A feed larger than this is not read.
const LARGEST: u64 = 16 << 20;
/// All of a request, redirects included.
const LONGEST: Duration = Duration::from_mins(1);
const MOST_REDIRECTS: u32 = 5;
/// Beside the changelog: hidden, and not a document.
const STATE: &str = ".state.toml";

/// What the server said of the copy that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// An entry as changelogs have it.
#[derive(Serialize)]
struct Entry<'a> {
    package: &'a str,
    version: &'a str,
    date: &'a str,
    changes: [String; 1],
    source: &'a str,
    url: &'a str,
    guid: &'a str,
}

/// Brings the changelog made of the feed at `url`, a URL or a file, up to date in `place`.
pub(super) fn update(url: &str, name: &str, place: &Path) -> Result<(), FetchError> {
    let state: State = fs::read_to_string(place.join(STATE))
        .ok()
        .and_then(|text| toml::from_str(&text).ok())
        .unwrap_or_default();
    let Some((xml, state)) = get(url, &state)? else { return Ok(()) };
    let entries = parsed(url, &xml)?;
    let entries: Vec<Entry<'_>> = entries.iter().map(|entry| changelog_entry(name, entry)).collect();
    let write = || {
        fs::create_dir_all(place)?;
        // A name is what the user writes, and no path.
        let file = format!("{}.json", name.replace(['/', '\\'], "-"));
        fs::write(place.join(file), serde_json::to_string_pretty(&entries)?)?;
        fs::write(place.join(STATE), toml::to_string(&state).map_err(std::io::Error::other)?)
    };
    write().map_err(|source| FetchError::Write { path: place.to_owned(), source })
}

/// What a feed is called that was given no name: its server, or its file.
pub(super) fn name_of(url: &str) -> &str {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme != "file" => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let host = host.rsplit('@').next().unwrap_or(host);
            host.split(':').next().unwrap_or(host)
        }
        _ => Path::new(url).file_stem().and_then(|stem| stem.to_str()).unwrap_or("feed"),
    }
}

/// The entries of the feed at `url`, a URL or a file, as it is now.
///
/// # Errors
/// Where it cannot be fetched or is no feed.
pub fn read_feed(url: &str) -> Result<Vec<FeedEntry>, FetchError> {
    let fetched = get(url, &State::default())?;
    parsed(url, &fetched.map_or_else(String::new, |(xml, _)| xml))
}

fn parsed(url: &str, xml: &str) -> Result<Vec<FeedEntry>, FetchError> {
    parse(xml).map_err(|reason| FetchError::NoFeed { url: without_password(url), reason })
}

fn changelog_entry<'a>(package: &'a str, entry: &'a FeedEntry) -> Entry<'a> {
    let body = if entry.content.is_empty() { &entry.summary } else { &entry.content };
    let text = html_to_markdown(body);
    let text = if text.trim().is_empty() { entry.title.clone() } else { text.trim_end().to_owned() };
    Entry {
        package,
        version: if entry.title.is_empty() { "Untitled" } else { &entry.title },
        date: &entry.date,
        changes: [text],
        source: "rss",
        url: &entry.url,
        guid: &entry.guid,
    }
}

/// The feed's text, or nothing where it has not changed.
fn get(url: &str, state: &State) -> Result<Option<(String, State)>, FetchError> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        let path = Path::new(url.strip_prefix("file://").unwrap_or(url));
        let unreadable = |source| FetchError::Write { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(unreadable)?;
        let mut xml = String::new();
        file.take(LARGEST).read_to_string(&mut xml).map_err(unreadable)?;
        return Ok(Some((xml, State::default())));
    }
    let failed = |reason: String| FetchError::Http { url: without_password(url), reason };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LONGEST))
        .max_redirects(MOST_REDIRECTS)
        .http_status_as_error(false)
        .user_agent(concat!("docent/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut request =
        agent.get(url).header("Accept", "application/rss+xml, application/atom+xml, text/xml, */*;q=0.1");
    if let Some(etag) = &state.etag {
        request = request.header("If-None-Match", etag);
    }
    if let Some(date) = &state.last_modified {
        request = request.header("If-Modified-Since", date);
    }
    let mut response = request.call().map_err(|error| failed(error.to_string()))?;
    match response.status().as_u16() {
        304 => return Ok(None),
        200 => {}
        status => return Err(failed(format!("the server answered with status {status}"))),
    }
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let state = State { etag: header("etag"), last_modified: header("last-modified") };
    let read = response.body_mut().with_config().limit(LARGEST).read_to_string();
    Ok(Some((read.map_err(|error| failed(error.to_string()))?, state)))
}
