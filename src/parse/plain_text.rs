//! Markdown and MDX inline markup to the plain words it carries.
//!
//! What an encoder reads should be what a person reads: link targets, emphasis marks and tag names
//! are noise to it, while link texts, alternative texts and the labels inside components are not.

/// Attributes of HTML tags and JSX components whose values are read by people.
const SPOKEN_ATTRIBUTES: [&str; 9] =
    ["title", "label", "alt", "description", "summary", "heading", "caption", "name", "tooltip"];

/// Links within links are read this deep; a page that goes deeper is not written by a person.
const MAX_DEPTH: usize = 16;

/// The end of a tag, a link or a code span is looked for this far, in bytes: further openers of the
/// same line must not cost a look at all of it each.
const MAX_REACH: usize = 4096;

/// `markdown` without its markup, lines kept.
pub(super) fn plain_text(markdown: &str) -> String {
    plain_text_at(markdown, 0)
}

fn plain_text_at(markdown: &str, depth: usize) -> String {
    let mut output = String::with_capacity(markdown.len());
    let mut rest = markdown;
    let mut missing = Missing::default();
    while let Some(next) = rest.chars().next() {
        let taken = match next {
            '<' => take_tag(rest, &mut output, &mut missing.comment),
            '[' | '!' => take_link(rest, depth, &mut output),
            '`' => take_code(rest, &mut output),
            '*' | '_' | '~' => take_emphasis(rest, &output),
            '&' => take_entity(rest, &mut output),
            '{' => take_expression(rest, &mut missing.expression),
            '\\' => take_escape(rest, &mut output),
            _ => 0,
        };
        if taken == 0 {
            output.push(next);
            rest = &rest[next.len_utf8()..];
        } else {
            rest = &rest[taken..];
        }
    }
    tidy(&output)
}

/// Which ends are known to be nowhere ahead: further openers must not look through all of the text
/// each.
#[derive(Default)]
struct Missing {
    comment: bool,
    expression: bool,
}

/// How much is taken up to `end` and with it; nothing where it is missing, which is remembered.
fn take_to(end: &str, rest: &str, is_missing: &mut bool) -> usize {
    if *is_missing {
        return 0;
    }
    let found = rest.find(end);
    *is_missing = found.is_none();
    found.map_or(0, |start| start + end.len())
}

/// Lines without white space around them, runs of blank ones dropped.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Tags, components and comments. Only the attributes that people read are kept.
fn take_tag(rest: &str, output: &mut String, no_comment_ends: &mut bool) -> usize {
    if rest.starts_with("<!--") {
        return take_to("-->", rest, no_comment_ends);
    }
    let after = rest[1..].trim_start_matches('/');
    if after.starts_with("http://") || after.starts_with("https://") || after.starts_with("mailto:") {
        return 0;
    }
    if !after.starts_with(|first: char| first.is_ascii_alphabetic()) && !after.starts_with('>') {
        return 0;
    }
    let Some(end) = tag_end(rest) else { return 0 };
    push_spoken_attributes(&rest[..end], output);
    end
}

/// The offset after the `>` that closes the tag at the start of `rest`, quotes and braces skipped.
pub(super) fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0_u32;
    let mut previous = ' ';
    for (offset, character) in reachable(rest).char_indices() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') if depth > 0 || previous == '=' => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') => depth = depth.saturating_sub(1),
            (None, '>') if depth == 0 => return Some(offset + 1),
            // A blank line, or another tag's start, means that this was a bare "<".
            (None, '<') if offset > 0 && depth == 0 => return None,
            (None, '\n') if depth == 0 && begins_blank_line(&rest[offset + 1..]) => return None,
            // Inside quotes nothing counts but their end.
            _ => {}
        }
        previous = character;
    }
    None
}

fn push_spoken_attributes(tag: &str, output: &mut String) {
    for name in SPOKEN_ATTRIBUTES {
        let mut from = 0;
        while let Some(found) = tag[from..].find(name) {
            let start = from + found;
            from = start + name.len();
            let stands_alone = tag[..start].ends_with(char::is_whitespace);
            let Some(value) = tag[from..].strip_prefix('=').filter(|_| stands_alone) else { continue };
            let Some(quote) = value.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
                continue;
            };
            if let Some(end) = value[1..].find(quote) {
                output.push(' ');
                output.push_str(&value[1..=end]);
                output.push(' ');
            }
        }
    }
}

/// `[text](target)`, `![alt](target)`, `[text][reference]`: only the text is kept.
fn take_link(rest: &str, depth: usize, output: &mut String) -> usize {
    if depth >= MAX_DEPTH {
        return 0;
    }
    let open = if rest.starts_with("![") { 2 } else { 1 };
    if open == 1 && !rest.starts_with('[') {
        return 0;
    }
    let Some(close) = matching(&rest[open - 1..], '[', ']').map(|end| end + open - 1) else { return 0 };
    let target = &rest[close + 1..];
    let target_length = match target.chars().next() {
        Some('(') => matching(target, '(', ')').map(|end| end + 1),
        Some('[') => matching(target, '[', ']').map(|end| end + 1),
        _ => None,
    };
    let Some(target_length) = target_length else { return 0 };
    output.push_str(&plain_text_at(&rest[open..close], depth + 1));
    close + 1 + target_length
}

/// As much of `text` as is looked at for an end.
fn reachable(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_REACH)]
}

fn begins_blank_line(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

/// The offset of the bracket that closes the one at the start of `text`, within one paragraph.
fn matching(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_u32;
    for (offset, character) in reachable(text).char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return Some(offset);
            }
        } else if character == '\n' && begins_blank_line(&text[offset + 1..]) {
            return None;
        }
    }
    None
}

/// A code span keeps its content untouched.
fn take_code(rest: &str, output: &mut String) -> usize {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let fence = &rest[..ticks];
    let Some(end) = reachable(&rest[ticks..]).find(fence) else { return ticks };
    output.push_str(rest[ticks..ticks + end].trim());
    ticks + end + ticks
}

/// Emphasis marks are dropped where they touch a word from outside; inside a word (`snake_case`)
/// they belong to it, and between spaces they mean something else.
fn take_emphasis(rest: &str, output: &str) -> usize {
    let mark = rest.chars().next().unwrap_or('*');
    let length = rest.len() - rest.trim_start_matches(mark).len();
    let in_word = |side: Option<char>| side.is_some_and(char::is_alphanumeric);
    let before = output.chars().next_back();
    let after = rest[length..].chars().next();
    let inside_word = in_word(before) && in_word(after);
    let is_loose = before.is_none_or(char::is_whitespace) && after.is_none_or(char::is_whitespace);
    if (mark == '_' && inside_word) || is_loose || (mark == '~' && length < 2) { 0 } else { length }
}

fn take_entity(rest: &str, output: &mut String) -> usize {
    const ENTITIES: [(&str, &str); 9] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&mdash;", "—"),
        ("&ndash;", "–"),
    ];
    for (entity, text) in ENTITIES {
        if rest.starts_with(entity) {
            output.push_str(text);
            return entity.len();
        }
    }
    0
}

/// MDX comments and the `{' '}` that formatters leave behind.
fn take_expression(rest: &str, no_comment_ends: &mut bool) -> usize {
    if rest.starts_with("{/*") {
        return take_to("*/}", rest, no_comment_ends);
    }
    ["{' '}", "{\" \"}"].into_iter().find(|space| rest.starts_with(space)).map_or(0, str::len)
}

fn take_escape(rest: &str, output: &mut String) -> usize {
    match rest[1..].chars().next() {
        Some(next) if next.is_ascii_punctuation() => {
            output.push(next);
            2
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::plain_text;

    #[test]
    fn markup_goes_and_words_stay() {
        let cases = [
            ("See [the **guide**](/a_b(c)) and ![a map](m.png).", "See the guide and a map."),
            (
                "`snake_case` and snake_case, _slanted_ and 2 * 3",
                "snake_case and snake_case, slanted and 2 * 3",
            ),
            ("<Card title=\"Use SSO\" href='/x'>\n  Read it\n</Card>", "Use SSO\nRead it"),
            ("a < b and c > d", "a < b and c > d"),
            ("Tom &amp; Ann &lt;x&gt;", "Tom & Ann <x>"),
            ("{/* note */}kept<!-- gone -->", "kept"),
            ("<https://example.org> stays", "<https://example.org> stays"),
            ("[not a link] and \\*stars\\*", "[not a link] and *stars*"),
            ("<Box style={{ width: '1>2' }} label='A'>in</Box>", "A in"),
            ("héllo [ünïcode](x) ✓", "héllo ünïcode ✓"),
            ("unclosed [link](x", "unclosed [link](x"),
            ("``a `b` c``", "a `b` c"),
            ("<= 5 items\r\n\r\na -> b", "<= 5 items\na -> b"),
            ("open <!-- to the end", "open <!-- to the end"),
        ];
        for (markdown, expected) in cases {
            assert_eq!(plain_text(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn deep_and_endless_markup_is_taken_as_text() {
        let deep = format!("{}x{}", "[".repeat(20_000), "](u)".repeat(20_000));
        assert!(plain_text(&deep).contains('x'));
        for opener in ["[", "<x{", "`"] {
            assert!(!plain_text(&opener.repeat(60_000)).is_empty() || opener == "`");
        }
        // An end that is nowhere is looked for once.
        for opener in ["<!-- ", "{/* "] {
            assert!(plain_text(&opener.repeat(1_000_000)).len() > 1_000_000);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]()<>{}`*_~&!a \n\"'=/é]{0,60}") {
            plain_text(&text);
        }
    }
}
