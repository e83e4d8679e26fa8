//! PDF: the text of each page, under a heading with the page's number.
//!
//! Only what the file says in letters: a scan has none, and is skipped with that reason.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, LoadOptions};

use super::MAX_CONVERTED_BYTES;
use super::writer::Markdown;

/// The text of a PDF as Markdown.
pub(super) fn to_markdown(bytes: &[u8]) -> Result<String, String> {
    // A format with this many ways to be broken: whatever its reader does not expect costs one file.
    catch_unwind(AssertUnwindSafe(|| pages(bytes)))
        .unwrap_or_else(|_| Err("not a PDF that can be read".into()))
}

fn pages(bytes: &[u8]) -> Result<String, String> {
    let options = LoadOptions { max_decompressed_size: Some(MAX_CONVERTED_BYTES), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options)
        .map_err(|error| format!("not a PDF that can be read: {error}"))?;
    if document.is_encrypted() {
        return Err("the PDF is encrypted".into());
    }
    let mut page = Markdown::default();
    page.front_matter(&[("title", &title(&document))]);
    let before = page.len();
    let mut failure = None;
    for number in document.get_pages().into_keys() {
        match document.extract_text_with_limit(&[number], MAX_CONVERTED_BYTES) {
            Ok(text) if !text.trim().is_empty() => {
                page.heading(2, &format!("Page {number}"));
                page.paragraph(&text);
            }
            Ok(_) => {}
            Err(error) => failure = Some(format!("page {number}: {error}")),
        }
        if page.len() > MAX_CONVERTED_BYTES {
            return Err(format!("more than {MAX_CONVERTED_BYTES} bytes of text"));
        }
    }
    match failure {
        _ if page.len() > before => Ok(page.finish()),
        Some(failure) => Err(failure),
        None => Err("the PDF has no text, only images".into()),
    }
}

/// The title in the document's information, in UTF-16 or in Latin letters.
fn title(document: &Document) -> String {
    let info = document.trailer.get(b"Info").and_then(|info| document.dereference(info));
    let title = info.and_then(|(_, info)| info.as_dict()?.get(b"Title").and_then(lopdf::Object::as_str));
    let Ok(bytes) = title else { return String::new() };
    match bytes {
        [0xFE, 0xFF, rest @ ..] => {
            let units = rest.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lopdf::content::{Content, Operation};
    use lopdf::{Object, Stream, dictionary};

    /// A PDF with one page for each text.
    fn pdf(texts: &[&str]) -> Vec<u8> {
        let mut document = Document::with_version("1.5");
        let pages = document.new_object_id();
        let font = document.add_object(
            dictionary! {"Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier", "Encoding" => "WinAnsiEncoding"},
        );
        let resources = document.add_object(dictionary! {"Font" => dictionary! {"F1" => font}});
        let mut kids = Vec::new();
        for text in texts {
            let operations = vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 12.into()]),
                Operation::new("Td", vec![10.into(), 10.into()]),
                Operation::new("Tj", vec![Object::string_literal(*text)]),
                Operation::new("ET", vec![]),
            ];
            let content = Stream::new(dictionary! {}, Content { operations }.encode().unwrap());
            let content = document.add_object(content);
            kids.push(
                document
                    .add_object(dictionary! {"Type" => "Page", "Parent" => pages, "Contents" => content})
                    .into(),
            );
        }
        let count = kids.len() as i64;
        document.objects.insert(
            pages,
            dictionary! {"Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), 200.into(), 200.into()]}
            .into(),
        );
        let catalog = document.add_object(dictionary! {"Type" => "Catalog", "Pages" => pages});
        document.trailer.set("Root", catalog);
        document.trailer.set("Info", dictionary! {"Title" => Object::string_literal("The manual")});
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn pages_are_sections() {
        let text = to_markdown(&pdf(&["Turn the key.", "# Wait"])).unwrap();
        assert_eq!(
            text,
            "---\ntitle: \"The manual\"\n---\n\n## Page 1\n\nTurn the key.\n\n## Page 2\n\n\\# Wait\n"
        );
    }

    #[test]
    fn a_pdf_without_text_says_so() {
        assert_eq!(to_markdown(&pdf(&[" "])).unwrap_err(), "the PDF has no text, only images");
        let whole = pdf(&["text"]);
        assert!(to_markdown(&whole[..whole.len() / 2]).is_err());
    }
}
