//! The state of reading a page: tags and text in, blocks of Markdown out.

use html5ever::tokenizer::Tag;

use super::boilerplate::is_boilerplate;
use super::cell_code::CellCode;
use super::{attribute, one_line};
use crate::extract::writer::Markdown;

/// A block of the page, as it will be written.
enum Piece {
    Heading(usize, String),
    Paragraph(String),
    Item { depth: usize, number: Option<usize>, text: String },
    Code { language: String, text: String },
    Table(Vec<Vec<String>>),
}

/// The mark of an item: its number, where its list has numbers.
struct Item {
    number: Option<usize>,
}

/// An element whose content is left out, and how many of its name are open inside.
struct LeftOut {
    name: String,
    open: usize,
}

#[derive(Default)]
pub(super) struct Page {
    leave_out: bool,
    left_out: Option<LeftOut>,
    /// Blocks, and whether each stands where the page says that its content is.
    pieces: Vec<(Piece, bool)>,
    title: String,
    description: String,
    text: String,
    in_title: bool,
    heading: Option<usize>,
    /// The open lists, with the next number where they have numbers.
    lists: Vec<Option<usize>>,
    /// The item that the text belongs to, where that has not been written.
    item: Option<Item>,
    /// How many `pre` are open, and the language of the code.
    preformatted: usize,
    language: String,
    /// How many elements of code are open in the prose of this block.
    inline_code: usize,
    tables: usize,
    rows: Vec<Vec<String>>,
    in_cell: bool,
    /// The code in the cells of the open table.
    cell_code: CellCode,
    /// How many `main` and `article` are open.
    content: usize,
}

impl Page {
    pub(super) fn new(leave_out: bool) -> Self {
        Self { leave_out, ..Self::default() }
    }

    pub(super) fn has_content(&self) -> bool {
        !self.pieces.is_empty()
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.left_out.is_some() {
            return;
        }
        if self.in_title {
            self.title.push_str(text);
        } else if self.preformatted > 0 {
            self.text.push_str(text);
        } else {
            // Tags in prose are words, not markup, and code is no markup anyway; line breaks of the
            // source are spaces.
            for letter in text.chars() {
                match letter {
                    '<' if self.inline_code == 0 => self.text.push_str("\\<"),
                    _ if letter.is_whitespace() => self.space(),
                    _ => self.text.push(letter),
                }
            }
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
            self.text.push(' ');
        }
    }

    pub(super) fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if let Some(left_out) = &mut self.left_out {
            if left_out.name == name && !tag.self_closing {
                left_out.open += 1;
            }
            return;
        }
        if name == "meta" && attribute(tag, "name").eq_ignore_ascii_case("description") {
            attribute(tag, "content").clone_into(&mut self.description);
        }
        let never = matches!(name, "script" | "style" | "template" | "svg" | "iframe");
        if !is_void(name) && (never || self.leave_out && is_boilerplate(tag, self.content > 0)) {
            if is_block(name) {
                self.flush();
            }
            self.left_out = (!tag.self_closing).then(|| LeftOut { name: name.to_owned(), open: 1 });
            return;
        }
        self.open(tag, name);
    }

    fn open(&mut self, tag: &Tag, name: &str) {
        self.end_block(name, name == "table");
        match name {
            "title" => self.in_title = self.title.is_empty(),
            "main" | "article" => self.content += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading = name[1..].parse().ok(),
            "ul" | "menu" => self.lists.push(None),
            "ol" => self.lists.push(Some(attribute(tag, "start").parse().unwrap_or(1))),
            "li" => self.item = Some(Item { number: self.next_number() }),
            "pre" => {
                self.preformatted += 1;
                self.language = language_of(tag);
                if self.in_cell {
                    self.cell_code.begin(self.text.len());
                }
            }
            "code" if self.preformatted > 0 && self.language.is_empty() => self.language = language_of(tag),
            "code" | "kbd" | "samp" if self.preformatted == 0 => self.begin_code(),
            "br" if self.preformatted > 0 => self.text.push('\n'),
            "br" if self.in_cell || self.heading.is_some() => self.space(),
            "br" => self.text.push('\n'),
            "img" => self.text(attribute(tag, "alt")),
            "table" => self.tables += 1,
            "tr" if self.tables == 1 => self.rows.push(Vec::new()),
            "td" | "th" if self.tables == 1 => self.in_cell = true,
            _ => {}
        }
    }

    fn next_number(&mut self) -> Option<usize> {
        let next = self.lists.last_mut()?.as_mut()?;
        let number = *next;
        *next = number.saturating_add(1);
        Some(number)
    }

    pub(super) fn end(&mut self, name: &str) {
        if let Some(left_out) = &mut self.left_out {
            if left_out.name == name {
                left_out.open -= 1;
                if left_out.open == 0 {
                    self.left_out = None;
                }
            }
            return;
        }
        self.end_block(name, false);
        match name {
            "title" => self.in_title = false,
            "main" | "article" => self.content = self.content.saturating_sub(1),
            "ul" | "ol" | "menu" => {
                self.lists.pop();
            }
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                if self.in_cell {
                    self.cell_code.end(&self.text, std::mem::take(&mut self.language));
                }
            }
            "code" | "kbd" | "samp" if self.preformatted == 0 => self.end_code(),
            "table" => {
                if self.tables == 1 {
                    self.end_table();
                }
                self.tables = self.tables.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// A table that only lays out code and the numbers of its lines is that code.
    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        match std::mem::take(&mut self.cell_code).alone() {
            Some(codes) => {
                for (language, text) in codes {
                    self.push(Piece::Code { language, text });
                }
            }
            None => self.push(Piece::Table(rows)),
        }
    }

    /// Ends the block that was open before the tag `name`. A cell of a table is one block, whatever
    /// is in it, tables included; so is code, where blocks inside are lines.
    fn end_block(&mut self, name: &str, opens_table: bool) {
        let of_table = matches!(name, "td" | "th" | "tr" | "tbody" | "thead" | "table");
        let is_line = self.preformatted > 0 && (self.tables == 0 || self.in_cell) && !of_table;
        if !is_block(name) {
        } else if is_line && !ends_code(name) {
            self.line_break();
        } else if self.in_cell && (opens_table || !of_table || self.tables > 1) {
            self.space();
        } else {
            self.flush();
        }
    }

    fn line_break(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Code inside code (`<kbd><kbd>Ctrl</kbd>+C</kbd>`) has the backticks already.
    fn begin_code(&mut self) {
        if self.inline_code == 0 {
            self.text.push('`');
        }
        self.inline_code += 1;
    }

    /// Nothing in backticks is two backticks, which would open something else.
    fn end_code(&mut self) {
        if self.inline_code != 1 {
            self.inline_code = self.inline_code.saturating_sub(1);
            return;
        }
        self.inline_code = 0;
        if self.text.ends_with('`') {
            self.text.pop();
        } else {
            self.text.push('`');
        }
    }

    /// Ends the block that the text so far belongs to.
    pub(super) fn flush(&mut self) {
        // Code that was never closed ends with its block.
        self.inline_code = self.inline_code.min(1);
        self.end_code();
        let text = std::mem::take(&mut self.text);
        if self.preformatted > 0 && !self.in_cell {
            let language = std::mem::take(&mut self.language);
            if !text.trim().is_empty() {
                self.push(Piece::Code { language, text });
            }
            return;
        }
        if self.in_cell {
            self.in_cell = false;
            self.heading = None;
            self.item = None;
            self.cell_code.end_cell(&text);
            if let Some(row) = self.rows.last_mut() {
                row.push(text);
            }
            return;
        }
        let heading = self.heading.take();
        if text.trim().is_empty() {
            return;
        }
        let depth = self.lists.len().saturating_sub(1);
        let item = self.item.take();
        self.push(match (heading, item) {
            (Some(level), _) => Piece::Heading(level, text),
            (None, Some(Item { number })) => Piece::Item { depth, number, text },
            (None, None) => Piece::Paragraph(text),
        });
    }

    fn push(&mut self, piece: Piece) {
        self.pieces.push((piece, self.content > 0));
    }

    /// The Markdown of the page.
    pub(super) fn finish(self) -> String {
        let has_main = self.leave_out && self.pieces.iter().any(|(_, in_content)| *in_content);
        let kept: Vec<Piece> = self
            .pieces
            .into_iter()
            .filter(|(_, in_content)| *in_content || !has_main)
            .map(|(piece, _)| piece)
            .collect();
        let first = kept.iter().find_map(|piece| match piece {
            Piece::Heading(1, text) => Some(one_line(text)),
            _ => None,
        });
        let mut markdown = Markdown::default();
        let title = first.unwrap_or(self.title);
        markdown.front_matter(&[("title", &title), ("description", &self.description)]);
        for piece in kept {
            match piece {
                Piece::Heading(level, text) => markdown.heading(level, &text),
                Piece::Paragraph(text) => markdown.paragraph(&text),
                Piece::Item { depth, number, text } => markdown.item(depth, number, &text),
                Piece::Code { language, text } => markdown.code(&language, &text),
                Piece::Table(rows) => markdown.table(&rows),
            }
        }
        markdown.finish()
    }
}

fn is_void(name: &str) -> bool {
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
        .contains(&name)
}

/// Elements that are not inside code: where one of them is met, a `pre` was not closed.
fn ends_code(name: &str) -> bool {
    matches!(name, "pre" | "main" | "article" | "section" | "body" | "html")
}

/// Elements that begin and end a block of their own.
fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 44] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    BLOCKS.contains(&name)
}

/// The language in a class such as `language-sh`, `lang-sh` or `highlight-sh`.
fn language_of(tag: &Tag) -> String {
    let named = attribute(tag, "class").split_whitespace().find_map(|class| {
        ["language-", "lang-", "highlight-source-"].iter().find_map(|prefix| class.strip_prefix(prefix))
    });
    let is_word =
        |word: &&str| word.chars().all(|letter| letter.is_ascii_alphanumeric() || "+#-_.".contains(letter));
    named.filter(is_word).unwrap_or_default().to_owned()
}
