//! Markdown as conversions write it: blocks between blank lines, plain text kept plain.

/// Blocks of a document, put together with blank lines between them.
#[derive(Debug, Default)]
pub(super) struct Markdown {
    text: String,
    in_list: bool,
}

impl Markdown {
    /// Keys above the body, where there are any.
    pub(super) fn front_matter(&mut self, keys: &[(&str, &str)]) {
        let given: Vec<_> = keys.iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        if given.is_empty() {
            return;
        }
        let lines: Vec<String> =
            given.iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
        self.block(&format!("---\n{}\n---", lines.join("\n")));
    }

    /// A heading of level 1 to 6.
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        let text = one_line(text);
        if !text.is_empty() {
            self.block(&format!("{} {text}", "#".repeat(level.clamp(1, 6))));
        }
    }

    /// Lines of prose, which stay prose whatever they begin with.
    pub(super) fn paragraph(&mut self, text: &str) {
        let lines: Vec<String> = text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        if !lines.is_empty() {
            self.block(&lines.join("\n"));
        }
    }

    /// An item of a list, `depth` lists inside others, with its number where the list has numbers.
    pub(super) fn item(&mut self, depth: usize, number: Option<usize>, text: &str) {
        let text = one_line(text);
        if text.is_empty() {
            return;
        }
        let marker = number.map_or_else(|| "-".to_owned(), |number| format!("{number}."));
        let line = format!("{}{marker} {text}", "  ".repeat(depth.min(8)));
        if self.in_list {
            self.text.push('\n');
            self.text.push_str(&line);
        } else {
            self.block(&line);
            self.in_list = true;
        }
    }

    /// Code, with a fence longer than any in it.
    pub(super) fn code(&mut self, language: &str, code: &str) {
        let code = code.trim_matches('\n').trim_end();
        if code.trim().is_empty() {
            return;
        }
        let runs = code.split(|letter| letter != '`').map(str::len);
        let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
        self.block(&format!("{fence}{language}\n{code}\n{fence}"));
    }

    /// A table whose first row is its header.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) {
        let rows: Vec<&Vec<String>> =
            rows.iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect();
        let Some(columns) = rows.iter().map(|row| row.len()).max() else { return };
        if columns == 1 {
            return rows.iter().for_each(|row| self.paragraph(&row[0]));
        }
        let mut lines = Vec::with_capacity(rows.len() + 1);
        for row in rows {
            let cells =
                (0..columns).map(|column| row.get(column).map_or_else(String::new, |cell| cell_text(cell)));
            lines.push(format!("| {} |", cells.collect::<Vec<_>>().join(" | ")));
            if lines.len() == 1 {
                lines.push(format!("|{}", " --- |".repeat(columns)));
            }
        }
        self.block(&lines.join("\n"));
    }

    /// Markdown that is Markdown already.
    pub(super) fn block(&mut self, markdown: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(markdown);
        self.in_list = false;
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(mut self) -> String {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}

/// White space folded into single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell_text(cell: &str) -> String {
    one_line(cell).replace('|', "\\|")
}

/// A string as JSON has it, which is YAML too.
fn quoted(value: &str) -> String {
    serde_json::Value::String(one_line(value)).to_string()
}

/// `line`, so that Markdown does not take its beginning for a heading, a list, a quote or a rule.
fn escaped(line: &str) -> String {
    let digits = line.len() - line.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let is_number = digits > 0 && line[digits..].starts_with(['.', ')']);
    if is_number {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    let special = line.starts_with(['#', '>', '+', '|', '=', '~'])
        || line.starts_with("- ")
        || line.starts_with("* ")
        || line.starts_with("```")
        || line.chars().all(|letter| "-*_".contains(letter));
    if special { format!("\\{line}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_and_items_together() {
        let mut page = Markdown::default();
        page.heading(2, "A\n b");
        page.item(0, None, "one");
        page.item(1, Some(2), "two");
        page.paragraph("# no heading\n2) no list\nplain - text");
        page.code("sh", "\na ``` b\n");
        page.table(&[vec!["k".into(), "v".into()], vec!["a|b".into()]]);
        assert_eq!(
            page.finish(),
            "## A b\n\n- one\n  2. two\n\n\\# no heading\n2\\) no list\nplain - text\n\n````sh\na ``` b\n````\n\n| k | v |\n| --- | --- |\n| a\\|b |  |\n"
        );
    }
}
