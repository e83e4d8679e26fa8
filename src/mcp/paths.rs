//! Documents by what clients call them: a path, a path with lines, or a resource URI.

use std::ops::RangeInclusive;

use super::failure::ToolError;
use super::folder;
use super::tools::line_range;
use crate::retrieval::{DocumentRecord, Reader};

/// What stands before a path in the URI of a resource.
pub(super) const SCHEME: &str = "docs:///";
/// How alike two paths must be for one to be proposed for the other.
const ALIKE: f64 = 0.75;
/// Entries of a folder that are named after a wrong path.
const MOST_NAMED: usize = 10;

/// A document that exists, and the lines of it that its name asked for.
pub(super) struct Located {
    pub(super) document: DocumentRecord,
    pub(super) lines: Option<RangeInclusive<usize>>,
}

/// Finds `docs/a.md`, `docs/a.md:10-20`, `docs:///docs/a.md` and `docs/a.md#L10-L20`, and `docs/a` or
/// `docs/a.html` where that is a page under another extension, or a folder with an index page.
pub(super) fn locate(reader: &Reader, name: &str) -> Result<Located, ToolError> {
    if let Some(located) = find(reader, name)? {
        return Ok(located);
    }
    let name = name.trim();
    let plain = decoded(name.strip_prefix(SCHEME).unwrap_or(name));
    let plain = without_root(&plain);
    let shown: String = plain.chars().take(200).collect();
    let hint = [nearest_paths(reader, plain)?, what_is_there(reader, &shown)?].concat();
    Err(ToolError::NotFound { what: "document or passage", hint, name: shown })
}

/// The same where nothing is no error.
pub(super) fn find(reader: &Reader, name: &str) -> Result<Option<Located>, ToolError> {
    // The path of a hit is the document's, whatever it looks like.
    if let Some(document) = reader.document(name)? {
        return Ok(Some(Located { document, lines: None }));
    }
    for reading in readings(name.trim()) {
        if let Some(located) = named(reader, without_root(&reading))? {
            return Ok(Some(located));
        }
    }
    Ok(None)
}

/// What a name may stand for, most likely first: a URI is percent-encoded, a path only where there is
/// none of that name. Paths may have percent signs of their own, and some clients put them into a
/// URI as they are.
fn readings(name: &str) -> Vec<String> {
    let mut readings = match name.strip_prefix(SCHEME) {
        Some(uri) => vec![decoded(uri), uri.to_owned()],
        None => vec![name.to_owned(), decoded(name)],
    };
    readings.dedup();
    readings
}

fn without_root(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}

/// A document by its path, with or without lines, or by a path that means its page.
fn named(reader: &Reader, plain: &str) -> Result<Option<Located>, ToolError> {
    if let Some(document) = reader.document(plain)? {
        return Ok(Some(Located { document, lines: None }));
    }
    if let Some((path, lines)) = plain.rsplit_once([':', '#'])
        && let Some(lines) = line_range(lines)
        && let Some(document) = reader.document(path)?
    {
        return Ok(Some(Located { document, lines: Some(lines) }));
    }
    Ok(page(reader, plain)?.map(|document| Located { document, lines: None }))
}

/// The page that is meant by a path without its extension, with another one, or of a folder.
fn page(reader: &Reader, plain: &str) -> Result<Option<DocumentRecord>, ToolError> {
    let plain = plain.trim_end_matches('/');
    let stem = without_page_extension(plain);
    if stem.is_empty() {
        return Ok(None);
    }
    for stem in [stem.to_owned(), format!("{plain}/index"), format!("{plain}/README")] {
        let begins = format!("{stem}.");
        let mut number = reader.first_not_before(&begins)?;
        while let Some(document) = reader.documents(number..number + 1)?.pop() {
            let path = document.path.as_str();
            if !path.starts_with(&begins) {
                break;
            }
            if without_page_extension(path) == stem {
                return Ok(Some(document));
            }
            number += 1;
        }
    }
    Ok(None)
}

/// `sso/domains` of `sso/domains.mdx`; a path of anything but a page as it is.
pub(super) fn without_page_extension(path: &str) -> &str {
    const PAGES: [&str; 11] =
        [".mdx", ".md", ".markdown", ".html", ".htm", ".rst", ".txt", ".ipynb", ".pdf", ".docx", ".json"];
    PAGES.iter().find_map(|extension| path.strip_suffix(extension)).unwrap_or(path)
}

/// What the deepest folder holds that is there of a wrong path; nothing of the top, which is
/// everything.
fn what_is_there(reader: &Reader, wanted: &str) -> Result<String, ToolError> {
    let mut folder = folder::plain(wanted);
    while !folder.is_empty() {
        let there = folder::children(reader, folder)?;
        if !there.is_empty() {
            return Ok(format!("; in `{folder}/` there is {}", folder::named(&there, MOST_NAMED)));
        }
        folder = folder::parent(folder);
    }
    Ok(String::new())
}

/// Up to three paths that may have been meant.
fn nearest_paths(reader: &Reader, wanted: &str) -> Result<String, ToolError> {
    let wanted: String = wanted.chars().take(200).flat_map(char::to_lowercase).collect();
    let mut alike = Vec::new();
    for document in reader.documents(0..usize::MAX)? {
        let path = document.path.as_str().to_lowercase();
        let likeness = if path.ends_with(&wanted) { 1.0 } else { strsim::jaro_winkler(&path, &wanted) };
        if likeness >= ALIKE && !wanted.is_empty() {
            alike.push((likeness, document.path.as_str().to_owned()));
        }
    }
    alike.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let paths: Vec<String> = alike.into_iter().take(3).map(|(_, path)| format!("`{path}`")).collect();
    Ok(match paths.as_slice() {
        [] => "browse with `list`, or `search` for it".into(),
        paths => format!("did you mean {}?", paths.join(", ")),
    })
}

/// The URI of a document.
pub(super) fn uri(path: &str) -> String {
    format!("{SCHEME}{}", encoded(path))
}

/// A path as it stands in a URI.
pub(super) fn encoded(path: &str) -> String {
    use std::fmt::Write;
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Percent-encoding undone; what is not percent-encoding stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let code = text.get(position + 1..position + 3).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) if byte == b'%' => {
                plain.push(code);
                position += 3;
            }
            _ => {
                plain.push(byte);
                position += 1;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_comes_back_as_its_path() {
        for path in ["docs/a.md", "with space/ä#b?c%20.md", "100%.md"] {
            let uri = uri(path);
            assert!(uri.is_ascii() && !uri[SCHEME.len()..].contains(['#', '?', ' ']), "{uri}");
            assert_eq!(decoded(uri.strip_prefix(SCHEME).unwrap()), path);
        }
        assert_eq!(readings("docs:///a%20b"), ["a b", "a%20b"]);
        assert_eq!(readings("a%20b"), ["a%20b", "a b"]);
        assert_eq!(readings("100%"), ["100%"]);
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%ff"), "%ff");
    }
}
