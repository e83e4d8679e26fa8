//! `read`: a document, or the part of it around a passage.

use std::ops::RangeInclusive;

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::{Value, json};

use super::near::near;
use super::section::section;
use super::{ToolName, Work, reading_tool};
use crate::mcp::arguments::{Arguments, wrong_type};
use crate::mcp::failure::ToolError;
use crate::mcp::paths::{Located, locate};
use crate::retrieval::{Freshness, Resident};

const DEFAULT_BUDGET: usize = 4_000;
const LEAST_BUDGET: usize = 100;
const MOST_BUDGET: usize = 100_000;
const DEFAULT_AROUND: usize = 20;
const MOST_AROUND: usize = 10_000;
/// What the header line takes.
const HEADER: usize = 50;
pub(super) const PARAMETERS: &[&str] = &["id", "path", "lines", "heading", "around", "max_tokens"];

const DESCRIPTION: &str =
    "Read a document by path, or around a passage by id. The first line tells how to go on.";

pub(super) fn definition() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Of a hit"},
            "path": {"type": "string", "description": "Of a document"},
            "lines": {"type": "string", "description": "e.g. 10-80"},
            "heading": {"type": "string", "description": "Only this section"},
            "around": {"type": "integer", "description": "Lines around; default 20"},
            "max_tokens": {"type": "integer", "description": "Default 4000"},
        },
        "additionalProperties": false,
    });
    reading_tool(ToolName::Read, "Read", DESCRIPTION, input)
}

struct Read {
    id: Option<String>,
    path: Option<String>,
    lines: Option<RangeInclusive<usize>>,
    heading: Option<String>,
    around: Option<usize>,
    budget: usize,
}

pub(super) fn prepare(arguments: Option<JsonObject>) -> Result<Work, ToolError> {
    let arguments = Arguments::new(arguments, PARAMETERS)?;
    let text = |name| Ok::<_, ToolError>(arguments.filled(name)?.map(str::to_owned));
    let read = Read {
        id: text("id")?,
        path: text("path")?,
        lines: arguments.given("lines").and_then(|value| lines(value).transpose()).transpose()?,
        heading: text("heading")?,
        around: arguments.count_within("around", 0, MOST_AROUND)?,
        budget: arguments.count_within("max_tokens", LEAST_BUDGET, MOST_BUDGET)?.unwrap_or(DEFAULT_BUDGET),
    };
    match (&read.id, &read.path) {
        (None, None) => Err(ToolError::MissingParameter { name: "path" }),
        (Some(_), Some(_)) => Err(ToolError::Exclusive { one: "id", other: "path" }),
        _ => Ok(Box::new(move |call| read.run(&call.resident))),
    }
}

/// Lines as models write them: as text, as one number, or as the first and the last; a blank is nothing.
fn lines(value: &Value) -> Result<Option<RangeInclusive<usize>>, ToolError> {
    let text = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.clone(),
        Value::Array(ends) if ends.len() == 2 => format!("{}-{}", ends[0], ends[1]),
        other => other.to_string(),
    };
    let wrong = || wrong_type("lines", "lines of the document such as \"10-80\"", value);
    line_range(&text).map(Some).ok_or_else(wrong)
}

/// `10-80`, `10`, `10-`, `10:80`, `10 to 80`, and `L10-L80` as code hosts write it.
pub(in crate::mcp) fn line_range(text: &str) -> Option<RangeInclusive<usize>> {
    let number = |part: &str| part.trim().trim_start_matches(['L', 'l']).parse::<usize>().ok();
    let ends = text.split_once("..").or_else(|| text.split_once(" to "));
    let (start, end) = match ends.or_else(|| text.split_once(['-', '–', ':', ','])) {
        Some((start, end)) if end.trim().is_empty() => (number(start)?, usize::MAX),
        Some((start, end)) => (number(start)?, number(end)?),
        None => (number(text)?, number(text)?),
    };
    (start >= 1 && start <= end).then_some(start..=end)
}

impl Read {
    fn run(self, resident: &Resident) -> Result<CallToolResult, ToolError> {
        let reader = resident.reader()?;
        let passage = self.id.as_deref().map(|id| reader.passage(id)).transpose()?.flatten();
        let asked = match (&passage, &self.id, &self.path) {
            (Some(hit), _, _) => hit.path.as_str(),
            // Whoever gives a path as an id means the document.
            (None, Some(id), _) => id,
            (None, None, path) => path.as_deref().unwrap_or_default(),
        };
        let Located { document, lines } = locate(&reader, asked)?;
        let source = reader.text(&document)?;
        let all: Vec<&str> = source.text.lines().collect();
        let around = self.around.unwrap_or(if passage.is_some() { DEFAULT_AROUND } else { 0 });
        let wanted = match (self.lines.clone().or(lines), &self.heading, &passage) {
            (Some(lines), _, _) => widened(&lines, self.around.unwrap_or(0)),
            (None, Some(heading), _) => section(&all, &reader.passages(&document)?, heading)?,
            (None, None, Some(hit)) => widened(&(hit.start_line as usize..=hit.end_line as usize), around),
            (None, None, None) => 1..=usize::MAX,
        };
        let mut budget = self.budget - HEADER;
        let is_whole = *wanted.start() == 1 && *wanted.end() == usize::MAX;
        let near = if is_whole { near(&reader, document.path.as_str())? } else { String::new() };
        // Where room is short it is the document's.
        let near = Some(near).filter(|near| !near.is_empty() && resident.count_tokens(near) * 4 < budget);
        budget -= near.as_deref().map_or(0, |near| resident.count_tokens(near) + 1);
        let excerpt = Excerpt::of(&all, &wanted, budget, &|text| resident.count_tokens(text));
        Ok(CallToolResult::success(vec![ContentBlock::text(excerpt.render(
            document.path.as_str(),
            all.len(),
            source.freshness,
            near.as_deref(),
        ))]))
    }
}

fn widened(lines: &RangeInclusive<usize>, around: usize) -> RangeInclusive<usize> {
    lines.start().saturating_sub(around).max(1)..=lines.end().saturating_add(around)
}

/// Lines of a document that fit into a budget.
struct Excerpt {
    text: String,
    first: usize,
    last: usize,
    /// Whether the last line is not whole.
    line_cut: bool,
}

impl Excerpt {
    fn of(
        all: &[&str],
        wanted: &RangeInclusive<usize>,
        budget: usize,
        count: &dyn Fn(&str) -> usize,
    ) -> Self {
        let end = (*wanted.end()).min(all.len());
        let first = (*wanted.start()).min(end.max(1));
        let mut excerpt = Self { text: String::new(), first, last: first.saturating_sub(1), line_cut: false };
        let mut left = budget;
        for line in all.get(first - 1..end).unwrap_or_default() {
            let cost = count(line) + 1;
            if cost > left {
                break;
            }
            left -= cost;
            excerpt.text.push_str(line);
            excerpt.text.push('\n');
            excerpt.last += 1;
        }
        if excerpt.last < first && first <= end {
            excerpt.cut_line(all[first - 1], budget, count);
        }
        excerpt
    }

    /// A line that alone is too long.
    fn cut_line(&mut self, line: &str, budget: usize, count: &dyn Fn(&str) -> usize) {
        let mut letters = line.chars().count();
        while letters > 0 && count(&line.chars().take(letters).collect::<String>()) > budget {
            letters = letters * 3 / 4;
        }
        self.text = line.chars().take(letters).collect();
        self.last = self.first;
        self.line_cut = true;
    }

    fn render(&self, path: &str, lines: usize, freshness: Freshness, near: Option<&str>) -> String {
        let mut header = format!("{path} · lines {}-{} of {lines}", self.first, self.last);
        if self.line_cut {
            header.push_str(" · last line cut, raise max_tokens");
        }
        if self.last < lines {
            header.push_str(&format!(" · next: lines {}-{lines}", self.last + 1));
        }
        header.push_str(match freshness {
            Freshness::AsIndexed => "",
            Freshness::Changed => " · changed since it was indexed: lines may have moved",
            Freshness::Gone => " · the source is gone: put together from the index",
        });
        let near = near.map(|near| format!("\n{near}")).unwrap_or_default();
        format!("{header} · untrusted document text{near}\n\n{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ranges_are_read_as_people_write_them() {
        for (text, range) in [("10-80", 10..=80), ("L3-L4", 3..=4), ("7", 7..=7), ("5-", 5..=usize::MAX)] {
            assert_eq!(line_range(text), Some(range), "{text}");
        }
        for text in ["3:4", "3,4", "3 to 4", "3..4", "L3 - L4"] {
            assert_eq!(line_range(text), Some(3..=4), "{text}");
        }
        for text in ["", "0", "9-3", "a-b", "-4"] {
            assert_eq!(line_range(text), None, "{text}");
        }
        for (value, range) in [(json!(7), Some(7..=7)), (json!([3, 4]), Some(3..=4)), (json!(" "), None)] {
            assert_eq!(lines(&value), Ok(range), "{value}");
        }
        for value in [json!(-1), json!(1.5), json!([1]), json!([4, 3]), json!({"start": 1}), json!(true)] {
            assert!(matches!(lines(&value), Err(ToolError::WrongType { .. })), "{value}");
        }
    }

    #[test]
    fn an_excerpt_stays_in_its_budget() {
        let count = |text: &str| text.split_whitespace().count();
        let all = ["a b", "c d", "e f"];
        let excerpt = Excerpt::of(&all, &(1..=usize::MAX), 6, &count);
        assert_eq!((excerpt.text.as_str(), excerpt.first, excerpt.last), ("a b\nc d\n", 1, 2));
        let cut = Excerpt::of(&["one two three four five six seven"], &(1..=1), 4, &count);
        assert!(cut.line_cut && count(&cut.text) <= 4 && cut.last == 1);
        let beyond = Excerpt::of(&all, &(9..=12), 6, &count);
        assert_eq!((beyond.first, beyond.last), (3, 3));
        let empty = Excerpt::of(&[], &(1..=1), 6, &count);
        assert_eq!((empty.first, empty.last), (1, 0));
    }
}
