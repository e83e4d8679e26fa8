//! Feeds: fetched only if they changed, and kept as a changelog.

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::feed_xml::FeedEntry;

use super::FetchError;
use super::feed_xml::{decoded, parse};
use crate::extract::html_to_markdown;
use crate::source::without_password;

/// A feed larger than this is not read.
const LARGEST: u64 = 16 << 20;
/// All of a request, redirects included.
const LONGEST: Duration = Duration::from_mins(1);
const MOST_REDIRECTS: u32 = 5;

/// How much of a feed is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    bytes: u64,
    time: Duration,
}

const PATIENCE: Patience = Patience { bytes: LARGEST, time: LONGEST };

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
    // Beside the folder that is indexed: it is no document.
    let state_file = place.with_file_name("state.toml");
    // A name is what the user writes, and no path.
    let file = place.join(format!("{}.json", name.replace(['/', '\\'], "-")));
    let known = fs::read_to_string(&state_file).ok().filter(|_| file.is_file());
    let state: State = known.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    let Some((xml, state)) = get(url, &state, PATIENCE)? else { return Ok(()) };
    let entries = parsed(url, &xml)?;
    let entries: Vec<Entry<'_>> = entries.iter().map(|entry| changelog_entry(name, entry)).collect();
    let write = || {
        fs::create_dir_all(place)?;
        write_whole(&file, &serde_json::to_string_pretty(&entries)?)?;
        write_whole(&state_file, &toml::to_string(&state).map_err(io::Error::other)?)
    };
    write().map_err(|source| FetchError::Write { path: place.to_owned(), source })
}

/// Writes the file so that it is there with all of `text`, or as it was. What is half-written lies beside the folder
/// that is indexed.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.ancestors().nth(2).unwrap_or(Path::new("."));
    let mut half = tempfile::NamedTempFile::new_in(folder)?;
    half.write_all(text.as_bytes())?;
    half.persist(file).map(|_| ()).map_err(|error| error.error)
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
    let fetched = get(url, &State::default(), PATIENCE)?;
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
fn get(url: &str, state: &State, patience: Patience) -> Result<Option<(String, State)>, FetchError> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        let path = url.strip_prefix("file://").unwrap_or(url);
        return read_file(Path::new(path), patience.bytes).map(|xml| Some((xml, State::default())));
    }
    let failed = |reason: String| FetchError::Http { url: without_password(url), reason };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(patience.time))
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
    let read = response.body_mut().with_config().limit(patience.bytes).read_to_vec();
    Ok(Some((decoded(&read.map_err(|error| failed(error.to_string()))?), state)))
}

fn read_file(path: &Path, most_bytes: u64) -> Result<String, FetchError> {
    let unreadable = |source| FetchError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(most_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most_bytes {
        let reason = format!("it is larger than {most_bytes} bytes");
        return Err(FetchError::NoFeed { url: path.display().to_string(), reason });
    }
    Ok(decoded(&bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// Answers the one request that comes with `answer`, and then says nothing more.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<std::net::TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/rss.xml", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(answer.as_bytes()).unwrap();
            // Handed back, so that the connection stays open.
            stream
        });
        (url, serving)
    }

    fn failure(url: &str, patience: Patience) -> String {
        get(url, &State::default(), patience).unwrap_err().to_string()
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let (url, serving) = server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss>");
        let message = failure(&url, Patience { bytes: 1000, time: Duration::from_millis(200) });
        assert!(message.contains("timeout"), "{message}");
        drop(serving.join());
    }

    #[test]
    fn a_feed_that_is_too_large_is_refused() {
        let (url, serving) = server("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<rss></rss>");
        let message = failure(&url, Patience { bytes: 10, time: LONGEST });
        assert!(message.contains("limit"), "{message}");
        drop(serving.join());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "<rss></rss>").unwrap();
        let path = file.path().to_str().unwrap();
        assert!(failure(path, Patience { bytes: 10, time: LONGEST }).contains("larger than 10 bytes"));
        assert!(get(path, &State::default(), Patience { bytes: 11, time: LONGEST }).is_ok());
    }

    #[test]
    fn a_feed_without_a_name_is_called_after_its_server_or_file() {
        assert_eq!(name_of("https://me:pass@example.com:8080/rss.xml?a"), "example.com");
        assert_eq!(name_of("file:///a/news.xml"), "news");
        assert_eq!(name_of("a/news.xml"), "news");
    }
}
