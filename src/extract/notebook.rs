//! Jupyter notebooks: Markdown cells as they are, code cells and what they printed as code.
//!
//! Source: "The Notebook file format", nbformat 4 (and 3, whose cells are in worksheets).

use serde_json::Value;

use super::writer::Markdown;

/// Printed output of a cell is kept up to this many lines: results say something, logs do not.
const OUTPUT_LINES: usize = 40;

/// The cells of a notebook as Markdown.
pub(super) fn to_markdown(text: &str) -> Result<String, String> {
    let notebook: Value = serde_json::from_str(text).map_err(|error| format!("not a notebook: {error}"))?;
    let cells = cells(&notebook).ok_or("not a notebook: it has no `cells`")?;
    let language = language(&notebook);
    let mut page = Markdown::default();
    for cell in cells {
        let source = joined(cell.get("source").or_else(|| cell.get("input")));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("code") => {
                page.code(language, &source);
                let outputs = cell.get("outputs").and_then(Value::as_array);
                outputs.into_iter().flatten().for_each(|output| page.code("text", &printed(output)));
            }
            Some("heading") => {
                page.heading(cell.get("level").and_then(Value::as_u64).unwrap_or(1) as usize, &source);
            }
            _ if source.trim().is_empty() => {}
            _ => page.block(source.trim_end()),
        }
    }
    Ok(page.finish())
}

fn cells(notebook: &Value) -> Option<Vec<&Value>> {
    if let Some(cells) = notebook.get("cells") {
        return Some(cells.as_array()?.iter().collect());
    }
    let sheets = notebook.get("worksheets")?.as_array()?;
    Some(sheets.iter().filter_map(|sheet| sheet.get("cells")?.as_array()).flatten().collect())
}

fn language(notebook: &Value) -> &str {
    let metadata = notebook.get("metadata");
    let at = |path: &str| metadata.and_then(|metadata| metadata.pointer(path)).and_then(Value::as_str);
    let word = at("/language_info/name").or_else(|| at("/kernelspec/language")).unwrap_or("python");
    // It stands behind a fence, where anything else would be read as more than a name.
    if word.chars().all(|letter| letter.is_ascii_alphanumeric() || "+#-_.".contains(letter)) {
        word
    } else {
        ""
    }
}

/// A text, or the list of its lines.
fn joined(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

fn printed(output: &Value) -> String {
    let text = joined(output.get("text").or_else(|| output.pointer("/data/text~1plain")));
    if output.get("output_type").and_then(Value::as_str) == Some("error") {
        let field = |name: &str| output.get(name).and_then(Value::as_str).unwrap_or_default();
        return format!("{}: {}", field("ename"), field("evalue"));
    }
    if text.lines().count() > OUTPUT_LINES { String::new() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_prose_code_and_output() {
        let notebook = r##"{"metadata": {"kernelspec": {"language": "julia"}}, "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "Text."]},
            {"cell_type": "code", "source": "x = 1\nx", "outputs": [
                {"output_type": "stream", "text": ["out\n"]},
                {"output_type": "execute_result", "data": {"text/plain": "1", "image/png": "xx"}},
                {"output_type": "error", "ename": "KeyError", "evalue": "'a'"}]},
            {"cell_type": "code", "source": [], "outputs": []}]}"##;
        assert_eq!(
            to_markdown(notebook).unwrap(),
            "# Title\nText.\n\n```julia\nx = 1\nx\n```\n\n```text\nout\n```\n\n```text\n1\n```\n\n```text\nKeyError: 'a'\n```\n"
        );
    }

    #[test]
    fn old_notebooks_keep_their_cells_in_worksheets() {
        let notebook = r#"{"worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Old"]}, {"cell_type": "code", "input": ["f()"]}]}]}"#;
        assert_eq!(to_markdown(notebook).unwrap(), "## Old\n\n```python\nf()\n```\n");
        assert!(to_markdown("{}").unwrap_err().contains("no `cells`"));
    }
}
