//! Word documents: paragraphs, headings, lists and tables of `word/document.xml`.
//!
//! Source: ECMA-376, part 1, "`WordprocessingML`". Headings are known by the names of their styles,
//! which are the same in every language (`heading 1`), not by the styles' ids, which are not.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::MAX_CONVERTED_BYTES;
use super::writer::Markdown;
use super::xml::{attribute, entity};

/// The text of a Word document as Markdown.
pub(super) fn to_markdown(bytes: &[u8]) -> Result<String, String> {
    let invalid = |error: zip::result::ZipError| format!("not a Word document: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(invalid)?;
    let styles = match archive.by_name("word/styles.xml") {
        Ok(file) => heading_styles(&content(file)?),
        Err(_) => HashMap::new(),
    };
    let document = content(archive.by_name("word/document.xml").map_err(invalid)?)?;
    let mut body = Body { styles, ..Body::default() };
    let mut reader = Reader::from_str(&document);
    loop {
        match reader.read_event().map_err(|error| format!("its text is not XML: {error}"))? {
            Event::Start(tag) => body.start(&tag),
            Event::Empty(tag) => {
                body.start(&tag);
                body.end(tag.local_name().as_ref());
            }
            Event::End(tag) => body.end(tag.local_name().as_ref()),
            Event::Text(text) if body.in_text => body.push(&text.xml10_content()),
            Event::CData(text) if body.in_text => body.push(&text.xml10_content()),
            Event::GeneralRef(name) if body.in_text => body.push(&entity(&name)),
            Event::Eof => return Ok(body.page.finish()),
            _ => {}
        }
    }
}

fn content(file: impl Read) -> Result<String, String> {
    let mut text = String::new();
    let read = file.take(MAX_CONVERTED_BYTES as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| format!("its text cannot be read: {error}"))?;
    if text.len() > MAX_CONVERTED_BYTES {
        return Err(format!("more than {MAX_CONVERTED_BYTES} bytes of text"));
    }
    Ok(text)
}

/// The levels of the heading styles, by the styles' ids.
fn heading_styles(xml: &str) -> HashMap<String, usize> {
    let mut reader = Reader::from_str(xml);
    let mut levels = HashMap::new();
    let mut style = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if tag.local_name().as_ref() == "style" => {
                style = attribute(&tag, "styleId").unwrap_or_default();
            }
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "name" => {
                let name = attribute(&tag, "val").unwrap_or_default().to_lowercase();
                if let Some(level) = heading_level(&name) {
                    levels.insert(style.clone(), level);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    levels
}

fn heading_level(name: &str) -> Option<usize> {
    if name == "title" {
        return Some(1);
    }
    // The title is above all headings.
    name.strip_prefix("heading")?.trim().parse().ok().map(|level: usize| level.saturating_add(1).min(6))
}

#[derive(Default)]
struct Body {
    page: Markdown,
    styles: HashMap<String, usize>,
    paragraph: String,
    heading: Option<usize>,
    /// The level of the list that the paragraph is an item of.
    list_level: Option<usize>,
    in_text: bool,
    /// How many alternatives for old programs are open: they repeat what was said.
    in_fallback: usize,
    tables: usize,
    rows: Vec<Vec<String>>,
    cell: String,
}

impl Body {
    fn start(&mut self, tag: &BytesStart<'_>) {
        let value = || attribute(tag, "val").unwrap_or_default();
        match tag.local_name().as_ref() {
            "Fallback" => self.in_fallback += 1,
            _ if self.in_fallback > 0 => {}
            "p" => {
                if self.tables == 0 {
                    // A text box stands in the middle of the paragraph that it is anchored to.
                    self.end_paragraph();
                }
                self.heading = None;
                self.list_level = None;
            }
            "pStyle" => {
                let style = value();
                self.heading =
                    self.styles.get(&style).copied().or_else(|| heading_level(&style.to_lowercase()));
            }
            "outlineLvl" => {
                let level = value().parse().ok().filter(|level: &usize| *level < 9);
                self.heading = self.heading.or(level.map(|level| level + 2));
            }
            "ilvl" => self.list_level = value().parse().ok(),
            "t" => self.in_text = true,
            "tab" | "br" | "cr" => self.push(" "),
            "tbl" => {
                self.tables += 1;
                if self.tables == 1 {
                    self.rows.clear();
                }
            }
            "tr" if self.tables == 1 => self.rows.push(Vec::new()),
            "tc" if self.tables == 1 => self.cell.clear(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "Fallback" => self.in_fallback = self.in_fallback.saturating_sub(1),
            _ if self.in_fallback > 0 => {}
            "t" => self.in_text = false,
            "p" if self.tables > 0 => {
                self.cell.push_str(&self.paragraph);
                self.cell.push(' ');
                self.paragraph.clear();
            }
            "p" => self.end_paragraph(),
            "tc" if self.tables == 1 => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(std::mem::take(&mut self.cell));
                }
            }
            "tbl" => {
                if self.tables == 1 {
                    self.page.table(&std::mem::take(&mut self.rows));
                }
                self.tables = self.tables.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        match (self.heading.take(), self.list_level.take()) {
            (Some(level), _) => self.page.heading(level, &text),
            (None, Some(level)) => self.page.item(level, None, &text),
            (None, None) => self.page.paragraph(&text),
        }
    }

    fn push(&mut self, text: &str) {
        self.paragraph.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn docx(document: &str, styles: &str) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, xml) in [("word/document.xml", document), ("word/styles.xml", styles)] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(xml.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn headings_lists_and_tables_are_kept() {
        let document = r#"<w:document xmlns:w="w"><w:body>
            <w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Fees &amp; taxes</w:t></w:r></w:p>
            <w:p><w:r><w:t xml:space="preserve">One </w:t></w:r><w:r><w:t>sentence.</w:t><w:delText>gone</w:delText></w:r></w:p>
            <w:p><w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr><w:r><w:t>an item</w:t></w:r></w:p>
            <w:tbl><w:tr><w:tc><w:p><w:r><w:t>k</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>v</w:t></w:r></w:p></w:tc></w:tr>
            <w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl></w:body></w:document>"#;
        let styles = r#"<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>"#;
        assert_eq!(
            to_markdown(&docx(document, styles)).unwrap(),
            "## Fees & taxes\n\nOne sentence.\n\n  - an item\n\n| k | v |\n| --- | --- |\n| a |  |\n"
        );
    }

    #[test]
    fn what_is_no_word_document_says_so() {
        assert!(to_markdown(b"PK").unwrap_err().starts_with("not a Word document"));
        assert!(to_markdown(&docx("<w:p><w:t>a</w:p>", "")).unwrap_err().contains("not XML"));
    }
}
