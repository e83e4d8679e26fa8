//! Code in the cells of a table. Highlighters with line numbers lay it out so: one cell has the
//! numbers, the next one the code.

/// The code in the cells of one table, and whether there is anything beside it.
#[derive(Default)]
pub(super) struct CellCode {
    /// Where the code of the open cell begins and ends in its text.
    begin: usize,
    end: usize,
    /// Languages and texts.
    codes: Vec<(String, String)>,
    beside: bool,
}

impl CellCode {
    /// A `pre` begins at this offset of the cell's text.
    pub(super) fn begin(&mut self, offset: usize) {
        (self.begin, self.end) = (offset, offset);
    }

    /// It ends where `text` ends. Nothing but numbers is the gutter.
    pub(super) fn end(&mut self, text: &str, language: String) {
        let Some(code) = text.get(self.begin..) else { return };
        self.end = text.len();
        if !is_gutter(code) {
            self.codes.push((language, code.to_owned()));
        }
    }

    /// The cell ends, with this text.
    pub(super) fn end_cell(&mut self, text: &str) {
        let around = [text.get(..self.begin), text.get(self.end..)];
        self.beside |= around.into_iter().any(|part| part.is_none_or(|part| !is_gutter(part)));
        (self.begin, self.end) = (0, 0);
    }

    /// The code, where the table has nothing else: in a row with words it belongs to them.
    pub(super) fn alone(self) -> Option<Vec<(String, String)>> {
        (!self.beside && !self.codes.is_empty()).then_some(self.codes)
    }
}

/// The numbers of lines, or nothing.
fn is_gutter(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_digit() || letter.is_whitespace())
}
