//! HTML to Markdown: headings, prose, lists, tables and code, without what stands around them.
//!
//! html5ever's tokenizer (the HTML standard, section 13.2.5) reads the page; no tree is built, so
//! that neither depth nor unclosed tags cost more than their length. What is not content is known
//! by its tags, roles and the usual names of classes; if a page says where its content is (`main`,
//! `article`), the rest is dropped.

use std::cell::RefCell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::writer::one_line;

mod boilerplate;
mod cell_code;
mod page;

use page::Page;

/// The content of an HTML page as Markdown, with its title and description above it.
#[must_use]
pub fn html_to_markdown(html: &str) -> String {
    let page = read(html, true);
    if page.has_content() {
        return page.finish();
    }
    // A page that is all navigation, or whose navigation was never closed, still says something.
    read(html, false).finish()
}

fn read(html: &str, leave_out: bool) -> Page {
    let sink = Sink { page: RefCell::new(Page::new(leave_out)) };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.page.into_inner()
}

struct Sink {
    page: RefCell<Page>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                page.start(&tag);
                return raw_text_after(&tag);
            }
            Token::TagToken(tag) => page.end(&tag.name),
            Token::EOFToken => page.flush(),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// In some elements `<` is a letter like any other.
fn raw_text_after(tag: &Tag) -> TokenSinkResult<()> {
    match &*tag.name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "iframe" | "noembed" | "noframes" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

/// The value of an attribute, or "".
fn attribute<'tag>(tag: &'tag Tag, name: &str) -> &'tag str {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map_or("", |attribute| &attribute.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_and_what_surrounds_it_is_not() {
        let html = r##"<!doctype html><html><head><title>Keys — Site</title><meta name="description" content="How keys work.">
            <style>p > a {}</style></head><body><header><h1>Site</h1></header><nav><a href="/">Home</a></nav>
            <main><h1>Keys<a class="headerlink" href="#keys">¶</a></h1><p>Rotate a <b>key</b>
            every <code>90 days</code>.<p>Unclosed.<ul><li>one<ol><li>inner</ol><li>two</ul>
            <pre><code class="language-sh">docent  pull
a &lt; b</code></pre><table><tr><th>k<th>v<tr><td>a<td>b|c</table><aside>Related</aside></main>
            <footer>© 2025</footer><script>if (a < b) alert("x")</script></body></html>"##;
        assert_eq!(
            html_to_markdown(html),
            "---\ntitle: \"Keys\"\ndescription: \"How keys work.\"\n---\n\n# Keys\n\nRotate a key every `90 days`.\n\nUnclosed.\n\n- one\n  1. inner\n- two\n\n```sh\ndocent  pull\na < b\n```\n\n| k | v |\n| --- | --- |\n| a | b\\|c |\n"
        );
    }

    #[test]
    fn boilerplate_is_known_by_class_role_and_attribute() {
        let html = r#"<title>T</title><div class="page-sidebar"><div>menu</div>more</div><div role="navigation">nav</div>
            <p hidden>never</p><p aria-hidden="true">never</p><div id="content">Text.</div><div class="cookie-banner">Accept</div>"#;
        assert_eq!(html_to_markdown(html), "---\ntitle: \"T\"\n---\n\nText.\n");
    }

    #[test]
    fn a_page_of_nothing_but_navigation_is_kept() {
        assert!(html_to_markdown("<nav><p>All <a>pages</a></p>").contains("All pages"));
    }

    #[test]
    fn text_stays_text() {
        let html =
            "<p>use &lt;Button&gt; here</p><p># not a heading</p><p>a<br>b</p><p>x <img alt='a chart'></p>";
        assert_eq!(html_to_markdown(html), "use \\<Button> here\n\n\\# not a heading\n\na\nb\n\nx a chart\n");
    }

    #[test]
    fn ids_made_from_headings_leave_nothing_out() {
        let kept = r#"<main><h1>API</h1><h2 id="pagination">Pagination</h2><p>Pass a cursor.</p>
            <div id="navigation">More.</div></main>"#;
        let expected = "# API\n\n## Pagination\n\nPass a cursor.\n\nMore.\n";
        assert!(html_to_markdown(kept).ends_with(expected), "{}", html_to_markdown(kept));
        let sections = r#"<section id="set-cookie"><h2>Set-Cookie</h2><dl><dt id="menu">menu<dd id="toc">One.</dl></section>
            <div class="section" id="footer"><p>Two.</div><div id="page-footer">gone</div>"#;
        assert_eq!(html_to_markdown(sections), "## Set-Cookie\n\nmenu\n\nOne.\n\nTwo.\n");
    }

    #[test]
    fn code_in_prose_is_not_escaped() {
        let html = "<p>A <code>Vec&lt;u8&gt;</code> &lt; <kbd><kbd>Ctrl</kbd>+<kbd>C</kbd></kbd><p><code>open<p>a &lt; b";
        assert_eq!(html_to_markdown(html), "A `Vec<u8>` \\< `Ctrl+C`\n\n`open`\n\na \\< b\n");
    }

    #[test]
    fn blocks_in_code_are_its_lines() {
        let html = "<pre><code class='language-js'><div>a</div><div>  b<br>c</div></code></pre><p>After.</p>";
        assert_eq!(html_to_markdown(html), "```js\na\n  b\nc\n```\n\nAfter.\n");
    }

    #[test]
    fn code_beside_the_numbers_of_its_lines_is_code() {
        let html = "<table><tr><td><pre>1\n2</pre></td><td><div><pre class='language-py'>if a:\n  b()</pre></div></td></tr></table>";
        assert_eq!(html_to_markdown(html), "```py\nif a:\n  b()\n```\n");
        let beside = "<table><tr><th>a<th>b<tr><td>x<td><pre>c\nd</pre></table>";
        assert_eq!(html_to_markdown(beside), "| a | b |\n| --- | --- |\n| x | c d |\n");
    }

    #[test]
    fn depth_costs_nothing() {
        let html = format!("{}<p>deep</p>", "<div><blockquote><ul><li>".repeat(50_000));
        assert!(html_to_markdown(&html).contains("deep"));
    }

    proptest::proptest! {
        #[test]
        fn any_soup_is_read(html in "(<(/?(p|div|nav|main|li|ul|table|tr|td|pre|code|h1|br|title|script))>|[a-c &\n]){0,60}") {
            let _ = html_to_markdown(&html);
        }
    }
}
