//! What the beginning of a line of Markdown says that it is.

/// `## Title ##`: its level and text.
pub(super) fn atx_heading(line: &str) -> Option<(usize, String)> {
    let trimmed = line.trim_start_matches(' ');
    if line.len() - trimmed.len() > 3 {
        return None;
    }
    let level = trimmed.len() - trimmed.trim_start_matches('#').len();
    let text = &trimmed[level..];
    if !(1..=6).contains(&level) || !(text.trim().is_empty() || text.starts_with([' ', '\t'])) {
        return None;
    }
    let text = text.trim();
    let without_close = text.trim_end_matches('#');
    let closed = without_close.is_empty() || without_close.ends_with([' ', '\t']);
    Some((level, if closed { without_close.trim_end() } else { text }.to_owned()))
}

pub(super) fn setext_level(line: &str) -> Option<usize> {
    let line = line.trim_end();
    let all = |mark: char| line.len() >= 2 && line.chars().all(|character| character == mark);
    if all('=') {
        Some(1)
    } else if all('-') {
        Some(2)
    } else {
        None
    }
}

/// An open code fence: its mark and length.
pub(super) struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    pub(super) fn open(line: &str) -> Option<Self> {
        let trimmed = line.trim_start();
        let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = trimmed.len() - trimmed.trim_start_matches(mark).len();
        let info_is_valid = mark == '~' || !trimmed[length..].contains('`');
        (length >= 3 && info_is_valid).then_some(Self { mark, length })
    }

    pub(super) fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|character| character == self.mark)
    }
}

pub(super) fn is_table_row(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') || (line.contains(" | ") && !line.starts_with('<'))
}

pub(super) fn is_table_rule(line: &str) -> bool {
    let line = line.trim();
    line.contains('-') && line.contains('|') && line.chars().all(|character| "|-: \t".contains(character))
}

/// Marks inside marks are looked at this deep.
const MAX_DEPTH: usize = 16;

/// The mark of an item of a list.
pub(super) struct ListMarker {
    /// `CommonMark`: only a bullet, or a list that starts at 1, may follow a paragraph directly.
    pub(super) interrupts_paragraph: bool,
    /// How many bytes of the line it takes, with the space before it.
    length: usize,
}

pub(super) fn list_marker(line: &str) -> Option<ListMarker> {
    let trimmed = line.trim_start();
    let indented = line.len() - trimmed.len();
    if let Some(rest) = trimmed.strip_prefix(['-', '*', '+']) {
        let is_rule = trimmed.trim_end().chars().all(|character| "-* ".contains(character));
        let is_item = rest.starts_with([' ', '\t']) && !is_rule;
        return is_item.then_some(ListMarker { interrupts_paragraph: true, length: indented + 1 });
    }
    let digits = trimmed.len() - trimmed.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    let rest = trimmed[digits..].strip_prefix(['.', ')'])?;
    let valid = (1..=9).contains(&digits) && rest.starts_with([' ', '\t']);
    let interrupts_paragraph = &trimmed[..digits] == "1";
    valid.then_some(ListMarker { interrupts_paragraph, length: indented + digits + 1 })
}

/// The fence that a line of a list opens: indented, or right after the mark of an item.
pub(super) fn fence_in_list(line: &str) -> Option<Fence> {
    let mut rest = line;
    for _ in 0..MAX_DEPTH {
        let Some(marker) = list_marker(rest) else { break };
        rest = &rest[marker.length..];
    }
    let belongs = rest.len() < line.len() || line.starts_with(['\t', ' ']);
    Fence::open(rest).filter(|_| belongs)
}
