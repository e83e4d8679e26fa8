//! Markdown as lines, for readers that need headings and list items and nothing else.

/// Each line, with the heading that it is, if it is one. Lines of code blocks are left out.
pub(super) fn heading_lines(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let mut lines = text.lines().peekable();
    let mut fence: Option<&str> = None;
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            let start = line.trim_start();
            let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
            match (fence, mark) {
                (Some(open), Some(mark)) if open == mark => fence = None,
                (None, Some(mark)) => fence = Some(mark),
                (Some(_), _) => {}
                (None, None) => {
                    if let Some(heading) = atx(line) {
                        return Some((Some(heading), line));
                    }
                    let is_underline = |next: &&str| {
                        let next = next.trim();
                        next.len() >= 3
                            && (next.chars().all(|mark| mark == '=') || next.chars().all(|mark| mark == '-'))
                    };
                    let plain = !line.trim().is_empty() && list_item(line).is_none();
                    if plain && lines.next_if(is_underline).is_some() {
                        return Some((Some(line.trim()), line));
                    }
                    return Some((None, line));
                }
            }
        }
    })
}

fn atx(line: &str) -> Option<&str> {
    let level = line.len() - line.trim_start_matches('#').len();
    let text = line[level..].strip_prefix([' ', '\t'])?;
    (1..=6).contains(&level).then(|| text.trim().trim_end_matches('#').trim_end())
}

/// How deep the item is (0 for up to one space before its mark), and its text.
pub(super) fn list_item(line: &str) -> Option<(usize, &str)> {
    let start = line.trim_start();
    let text = start.strip_prefix(['-', '*', '+'])?.strip_prefix([' ', '\t'])?;
    Some(((line.len() - start.len()) / 2, text.trim()))
}
