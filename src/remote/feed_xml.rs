//! RSS 0.9x, 1.0 and 2.0, and Atom, to entries.
//!
//! Sources: RSS 2.0 (RSS Advisory Board), RDF Site Summary 1.0, RFC 4287.

use chrono::DateTime;
use encoding_rs::{Encoding, UTF_8};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::extract::html_to_markdown;

/// An entry of a feed. Texts may hold HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its title.
    pub title: String,
    /// When it was published, `YYYY-MM-DD`, else as the feed has it.
    pub date: String,
    /// The page that it announces.
    pub url: String,
    /// Its name among all entries, where it has one.
    pub guid: String,
    /// What the feed says in short.
    pub summary: String,
    /// All that the feed says, where that is more.
    pub content: String,
}

/// Feeds with more entries than this are read no further.
const MOST_ENTRIES: usize = 10_000;

/// The entries of a feed, in its order.
pub(super) fn parse(xml: &str) -> Result<Vec<FeedEntry>, String> {
    let mut reader = Reader::from_str(xml);
    // Feeds are written by hand more often than one would think.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_dangling_amp = true;
    let mut feed = Feed::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => feed.start(&tag, false),
            Event::Empty(tag) => feed.start(&tag, true),
            Event::End(tag) => feed.end(tag.name().as_ref()),
            Event::Text(text) => feed.text.push_str(&text.xml10_content()),
            Event::CData(text) => feed.text.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => feed.text.push_str(&entity(&name)),
            Event::Eof => break,
            _ => {}
        }
        if feed.entries.len() >= MOST_ENTRIES {
            break;
        }
    }
    if feed.is_known { Ok(feed.entries) } else { Err("it has no `rss`, `RDF` or `feed` element".into()) }
}

#[derive(Default)]
struct Feed {
    is_known: bool,
    entries: Vec<FeedEntry>,
    entry: Option<FeedEntry>,
    /// The child of the entry that is open.
    child: Option<String>,
    /// Tags that are open in it: content that is written out instead of being quoted, or elements of its own.
    inside: usize,
    /// Text of the child, with the tags in it.
    text: String,
}

impl Feed {
    fn start(&mut self, tag: &BytesStart<'_>, is_empty: bool) {
        if self.child.is_some() {
            self.text.push_str(&format!("<{}>", &**tag));
            self.inside += usize::from(!is_empty);
            return;
        }
        match tag.local_name().as_ref() {
            "rss" | "RDF" | "feed" if self.entry.is_none() => self.is_known = true,
            "item" | "entry" => self.entry = Some(FeedEntry::default()),
            name => {
                if name == "link" {
                    self.link(tag);
                }
                self.text.clear();
                self.inside = 0;
                self.child =
                    self.entry.as_ref().filter(|_| !is_empty).map(|_| tag.name().as_ref().to_owned());
            }
        }
    }

    /// Atom's links are attributes; the one without a relation, or `alternate`, is the page.
    fn link(&mut self, tag: &BytesStart<'_>) {
        let relation = attribute(tag, "rel");
        let address = attribute(tag, "href");
        if let Some(entry) = &mut self.entry
            && entry.url.is_empty()
            && (relation.is_empty() || relation == "alternate")
        {
            entry.url = address;
        }
    }

    fn end(&mut self, name: &str) {
        let is_entry = matches!(name.rsplit(':').next(), Some("item" | "entry"));
        match self.child.take() {
            // HTML leaves tags open; the child's own name ends it all the same.
            Some(child) if child != name && !is_entry => {
                self.inside = self.inside.saturating_sub(1);
                self.text.push_str(&format!("</{name}>"));
                self.child = Some(child);
            }
            Some(child) if child == name && self.inside > 0 && self.closes_inner(name) => {
                self.inside -= 1;
                self.text.push_str(&format!("</{name}>"));
                self.child = Some(child);
            }
            Some(child) => self.field(&child),
            None => {}
        }
        if is_entry && self.child.is_none() {
            self.entries.extend(self.entry.take());
        }
    }

    /// Whether the tag `name` was opened in the child of the same name more often than it was closed.
    fn closes_inner(&self, name: &str) -> bool {
        self.text.matches(&format!("<{name}")).count() > self.text.matches(&format!("</{name}")).count()
    }

    /// Keeps what the child `name` says, where it is a field of an entry: others' names for pictures and sounds
    /// (`media:title`) are not.
    fn field(&mut self, name: &str) {
        const PREFIXES: [&str; 5] = ["atom", "content", "dc", "dcterms", "rss"];
        let text = self.text.trim().to_owned();
        self.text.clear();
        let (prefix, name) = name.split_once(':').map_or((None, name), |(prefix, name)| (Some(prefix), name));
        let Some(entry) = &mut self.entry else { return };
        if prefix.is_some_and(|prefix| !PREFIXES.contains(&prefix)) {
            return;
        }
        let first = |field: &mut String, text: String| {
            if field.is_empty() {
                *field = text;
            }
        };
        match name {
            "title" => first(&mut entry.title, without_tags(&text)),
            "link" => first(&mut entry.url, text),
            "guid" | "id" => first(&mut entry.guid, text),
            "pubDate" | "published" | "date" => entry.date = day(&text),
            "updated" => first(&mut entry.date, day(&text)),
            "description" | "summary" => first(&mut entry.summary, text),
            "encoded" | "content" => first(&mut entry.content, text),
            _ => {}
        }
    }
}

/// A title whose tags are written out (Atom's `type="xhtml"`); others stay as they are.
fn without_tags(text: &str) -> String {
    if !text.starts_with('<') || !text.ends_with('>') {
        return text.to_owned();
    }
    html_to_markdown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a feed: by its byte order mark, else by the encoding that its XML declaration names (XML 1.0, section
/// 4.3.3), else UTF-8.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declared = head.split("?>").next().and_then(|declaration| {
        let label = declaration.split_once("encoding")?.1.trim_start_matches(['=', ' ', '"', '\'']);
        Encoding::for_label(label.split(['"', '\'']).next()?.as_bytes())
    });
    // Where the declaration can be read so, it is in no code of two bytes, whatever it says.
    let is_fit = |encoding: &&'static Encoding| {
        head.trim_start().starts_with("<?xml") && encoding.is_ascii_compatible()
    };
    let encoding = declared.filter(is_fit).unwrap_or(UTF_8);
    // A mark goes before what is declared.
    encoding.decode(bytes).0.into_owned()
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name);
    found
        .and_then(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(Into::into))
        .unwrap_or_default()
}

/// Feeds use HTML's names as well as XML's own.
fn entity(name: &BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = name.resolve_char_ref() {
        return letter.to_string();
    }
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => text.to_owned(),
        None => format!("&{};", &**name),
    }
}

/// A date as RSS (RFC 2822) or Atom (RFC 3339) has it, as `YYYY-MM-DD` in UTC.
fn day(text: &str) -> String {
    let parsed = DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text));
    parsed.map_or_else(|_| text.to_owned(), |date| date.to_utc().format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rss_is_read() {
        let xml = r#"<?xml version="1.0"?><rss version="2.0" xmlns:content="c"><channel><title>Feed</title><link>https://a/</link>
            <item><title>Keys &amp; tokens</title><link>https://a/1</link><guid>g1</guid>
            <pubDate>Fri, 30 May 2025 23:30:00 -0400</pubDate><description><![CDATA[<p>Short.</p>]]></description>
            <content:encoded>&lt;p&gt;Long.&lt;/p&gt;</content:encoded></item><item><title>Two</title></item></channel></rss>"#;
        let entries = parse(xml).unwrap();
        assert_eq!(
            entries[0],
            FeedEntry {
                title: "Keys & tokens".into(),
                date: "2025-05-31".into(),
                url: "https://a/1".into(),
                guid: "g1".into(),
                summary: "<p>Short.</p>".into(),
                content: "<p>Long.</p>".into(),
            }
        );
        assert_eq!((entries.len(), entries[1].title.as_str()), (2, "Two"));
    }

    #[test]
    fn atom_is_read() {
        let xml = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title><link href="https://a/"/>
            <entry><title type="html">One</title><link rel="edit" href="x"/><link href="https://a/1?b=1&amp;c=2"/><id>i</id>
            <updated>2025-06-01T00:00:00Z</updated><published>2025-05-01T00:00:00Z</published>
            <content type="xhtml"><div><p>Some <b>text</b>.</p></div></content></entry></feed>"#;
        let entry = parse(xml).unwrap().remove(0);
        assert_eq!((entry.url.as_str(), entry.date.as_str()), ("https://a/1?b=1&c=2", "2025-05-01"));
        assert_eq!(entry.content, "<div><p>Some <b>text</b>.</p></div>");
    }

    #[test]
    fn elements_of_others_and_of_children_are_not_the_entry_s() {
        let xml = r#"<rss xmlns:media="m"><channel><item><media:title>Picture</media:title><title>Keys &amp; R&D</title>
            <media:description>Of a door</media:description><description>Rotate <b>all</b> keys.<br>Soon.</description></item>
            <entry><source><title>Elsewhere</title><id>e</id></source><title type="xhtml"><div>The <i>next</i></div></title><id>own</id>
            <content type="xhtml"><div><content>In</content> it</div></content></entry></channel></rss>"#;
        let entries = parse(xml).unwrap();
        assert_eq!(
            (entries[0].title.as_str(), entries[0].summary.as_str()),
            ("Keys & R&D", "Rotate <b>all</b> keys.<br>Soon.")
        );
        let second = &entries[1];
        assert_eq!((second.title.as_str(), second.guid.as_str()), ("The next", "own"));
        assert_eq!(second.content, "<div><content>In</content> it</div>");
    }

    #[test]
    fn a_feed_is_in_the_encoding_that_it_says() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><rss>caf\xE9</rss>";
        assert!(decoded(latin).ends_with("<rss>caf\u{e9}</rss>"));
        let wide: Vec<u8> =
            "\u{feff}<rss>caf\u{e9}</rss>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded(&wide), "<rss>caf\u{e9}</rss>");
        let wrong = "<?xml version=\"1.0\" encoding=\"utf-16\"?><rss>caf\u{e9}</rss>";
        assert_eq!(decoded(wrong.as_bytes()), wrong);
        assert_eq!(decoded("<rss>caf\u{e9}</rss>".as_bytes()), "<rss>caf\u{e9}</rss>");
    }

    #[test]
    fn what_is_no_feed_says_so() {
        assert!(parse("<html><body>Not found</body></html>").unwrap_err().contains("no `rss`"));
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_soup_is_read(xml in "(<(/?(rss|item|title|link|content type=\"xhtml\"|p))>|[a-c&; ]|<!\\[CDATA\\[|\\]\\]>){0,40}") {
            let _ = parse(&xml);
        }
    }
}
