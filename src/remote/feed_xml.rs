//! RSS 0.9x, 1.0 and 2.0, and Atom, to entries.
//!
//! Sources: RSS 2.0 (RSS Advisory Board), RDF Site Summary 1.0, RFC 4287.

use chrono::DateTime;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

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
    let mut feed = Feed::default();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => feed.start(&tag, false),
            Event::Empty(tag) => feed.start(&tag, true),
            Event::End(tag) => feed.end(tag.local_name().as_ref()),
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
    /// Text of the element that is open.
    text: String,
    /// The Atom element whose content is XHTML of its own, and how many tags are open in it.
    xhtml: usize,
}

impl Feed {
    fn start(&mut self, tag: &BytesStart<'_>, is_empty: bool) {
        if self.xhtml > 0 {
            self.text.push_str(&format!("<{}>", &**tag));
            if !is_empty {
                self.xhtml += 1;
            }
            return;
        }
        let name = tag.local_name();
        match name.as_ref() {
            "rss" | "RDF" | "feed" => self.is_known = true,
            "item" | "entry" => self.entry = Some(FeedEntry::default()),
            "link" => self.link(tag),
            "content" | "summary" if attribute(tag, "type") == "xhtml" && !is_empty => self.xhtml = 1,
            _ => {}
        }
        self.text.clear();
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
        if self.xhtml > 1 {
            self.xhtml -= 1;
            self.text.push_str(&format!("</{name}>"));
            return;
        }
        self.xhtml = 0;
        let text = self.text.trim().to_owned();
        self.text.clear();
        let Some(entry) = &mut self.entry else { return };
        let first = |field: &mut String, text: String| {
            if field.is_empty() {
                *field = text;
            }
        };
        match name {
            "title" => first(&mut entry.title, text),
            "link" => first(&mut entry.url, text),
            "guid" | "id" => first(&mut entry.guid, text),
            "pubDate" | "published" | "date" => entry.date = day(&text),
            "updated" => first(&mut entry.date, day(&text)),
            "description" | "summary" => first(&mut entry.summary, text),
            "encoded" | "content" => first(&mut entry.content, text),
            "item" | "entry" => self.entries.extend(self.entry.take()),
            _ => {}
        }
    }
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
