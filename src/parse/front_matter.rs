//! YAML front matter: title and description of the page, and whatever prose it carries.
//!
//! Reference documentation often keeps its answers there (`descriptions:` blocks, one key a
//! parameter), so a front matter is content, entry by entry, with the keys above as headings.

use std::ops::Range;

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::Marker;

use super::{Block, BlockKind, Part, Section, clipped};

/// Keys of the page itself whose values are for machines, whatever they look like.
const METADATA: [&str; 14] = [
    "originalPath",
    "url",
    "href",
    "icon",
    "slug",
    "id",
    "key",
    "type",
    "layout",
    "date",
    "author",
    "image",
    "permalink",
    "path",
];

/// Values with fewer words are labels, not prose.
const MIN_WORDS: usize = 3;
/// In scripts that put no spaces between words, values with fewer letters are.
const MIN_UNSPACED: usize = 6;

/// What a front matter says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) sections: Vec<Section>,
    /// Offset of the text after it.
    pub(super) end: usize,
}

/// Reads the front matter at the beginning of `text`, if there is one. A block that is not YAML
/// counts as one entry of prose rather than being lost.
pub(super) fn parse(text: &str) -> Option<FrontMatter> {
    let (yaml, end) = locate(text)?;
    let mut front = FrontMatter { end, ..FrontMatter::default() };
    let parsed = if is_too_deep(&text[yaml.clone()]) { Err(NotYaml) } else { leaves(&text[yaml.clone()]) };
    let Ok(leaves) = parsed else {
        let block = Block { kind: BlockKind::Entry, span: yaml.clone(), text: text[yaml].to_owned() };
        front.sections.push(Section { blocks: vec![block], part: Part::FrontMatter, ..Section::default() });
        return Some(front);
    };
    let leaves = leaves?;
    let line_starts = line_starts(text, &yaml);
    for (index, leaf) in leaves.iter().enumerate() {
        let until = leaves.get(index + 1).map_or(usize::MAX, |next| next.line);
        front.take(text, leaf, span_of(text, &line_starts, &yaml, leaf.line, until));
    }
    Some(front)
}

/// The span of the YAML between the two `---` lines, and the offset after the second.
fn locate(text: &str) -> Option<(Range<usize>, usize)> {
    let first = text.split_inclusive('\n').next()?;
    if first.trim_end() != "---" || !first.ends_with('\n') {
        return None;
    }
    let mut position = first.len();
    for line in text[first.len()..].split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((first.len()..position, position + line.len()));
        }
        position += line.len();
    }
    None
}

impl FrontMatter {
    fn take(&mut self, text: &str, leaf: &Leaf, span: Range<usize>) {
        match leaf.path.as_slice() {
            [key] if matches!(key.as_str(), "title" | "description") && leaf.value.trim().is_empty() => {
                return;
            }
            [key] if key == "title" && self.title.is_none() => {
                self.title = Some(one_line(&leaf.value));
                return;
            }
            [key] if key == "description" => self.description = Some(one_line(&leaf.value)),
            _ => {}
        }
        let key = leaf.path.last().map_or("", String::as_str);
        let is_metadata = leaf.path.len() == 1 && METADATA.contains(&key);
        if is_metadata || !is_prose(&leaf.value) {
            return;
        }
        let headings = leaf.headings();
        let value = super::plain_text::plain_text(&leaf.value);
        let block_text = format!("{}: {value}", key.replace('_', " "));
        let block = Block { kind: BlockKind::Entry, text: block_text, span };
        debug_assert!(text.is_char_boundary(block.span.start));
        match self.sections.last_mut() {
            Some(section) if section.headings == headings => section.blocks.push(block),
            _ => self.sections.push(Section {
                headings,
                blocks: vec![block],
                part: Part::FrontMatter,
                ..Section::default()
            }),
        }
    }
}

fn is_prose(value: &str) -> bool {
    value.split_whitespace().count() >= MIN_WORDS
        || value.chars().filter(|letter| is_unspaced(*letter)).count() >= MIN_UNSPACED
}

/// Whether a letter is of a script that is written without spaces: Thai, Lao, Myanmar, Khmer, Japanese, Chinese.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn one_line(value: &str) -> String {
    clipped(value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A scalar value and the keys above it.
#[derive(Debug, PartialEq, Eq)]
struct Leaf {
    path: Vec<String>,
    value: String,
    /// The line of its key, or of its value in a list; 0 is the first line of the YAML.
    line: usize,
}

impl Leaf {
    /// The keys above, without the wrapper that says nothing (`descriptions`).
    fn headings(&self) -> Vec<String> {
        let above = &self.path[..self.path.len().saturating_sub(1)];
        above.iter().filter(|key| *key != "descriptions").map(|key| key.replace('_', " ")).collect()
    }
}

/// Text between two `---` lines that is not the YAML of a front matter.
struct NotYaml;

/// The values of `yaml`; `None` where it is no mapping: two rules with text between them.
fn leaves(yaml: &str) -> Result<Option<Vec<Leaf>>, NotYaml> {
    let mut collector = Collector::default();
    Parser::new_from_str(yaml).load(&mut collector, false).map_err(|_| NotYaml)?;
    Ok((collector.is_mapping || yaml.trim().is_empty()).then_some(collector.leaves))
}

/// The parser calls itself for every level, and would run out of stack on a hostile page.
fn is_too_deep(yaml: &str) -> bool {
    const DEEPEST: usize = 200;
    yaml.lines().any(|line| line.len() - line.trim_start_matches([' ', '\t', '-', '?', ':']).len() > DEEPEST)
}

#[derive(Default)]
struct Collector {
    leaves: Vec<Leaf>,
    containers: Vec<Container>,
    /// Whether the whole is a mapping.
    is_mapping: bool,
}

enum Container {
    Mapping { key: Option<(String, usize)> },
    Sequence,
}

impl Collector {
    fn scalar(&mut self, value: String, line: usize) {
        let path: Vec<String> = self.containers.iter().filter_map(Container::key).collect();
        match self.containers.last_mut() {
            Some(Container::Mapping { key: key @ None }) => *key = Some((clipped(value), line)),
            Some(Container::Mapping { key: key @ Some(_) }) => {
                let line = key.take().map_or(line, |(_, line)| line);
                self.leaves.push(Leaf { path, value, line });
            }
            Some(Container::Sequence) => self.leaves.push(Leaf { path, value, line }),
            None => {}
        }
    }

    /// A mapping or a list ended: it was the value of the key above it.
    fn close(&mut self) {
        self.containers.pop();
        if let Some(Container::Mapping { key }) = self.containers.last_mut() {
            *key = None;
        }
    }
}

impl Container {
    fn key(&self) -> Option<String> {
        match self {
            Self::Mapping { key: Some((key, _)) } => Some(key.clone()),
            _ => None,
        }
    }
}

impl MarkedEventReceiver for Collector {
    fn on_event(&mut self, event: Event, marker: Marker) {
        match event {
            Event::Scalar(value, ..) => self.scalar(value, marker.line().saturating_sub(1)),
            Event::Alias(_) => self.scalar(String::new(), marker.line().saturating_sub(1)),
            Event::MappingStart(..) => {
                self.is_mapping |= self.containers.is_empty();
                self.containers.push(Container::Mapping { key: None });
            }
            Event::SequenceStart(..) => self.containers.push(Container::Sequence),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            _ => {}
        }
    }
}

fn line_starts(text: &str, yaml: &Range<usize>) -> Vec<usize> {
    let mut starts = vec![yaml.start];
    starts.extend(text[yaml.clone()].match_indices('\n').map(|(offset, _)| yaml.start + offset + 1));
    starts
}

/// The lines of an entry: from its key up to the next entry, without the key lines of the
/// mappings in which that next entry lies.
fn span_of(text: &str, starts: &[usize], yaml: &Range<usize>, line: usize, until: usize) -> Range<usize> {
    let start = starts.get(line).copied().unwrap_or(yaml.start);
    let indentation = indentation_of(&text[start..yaml.end]);
    let mut end = yaml.end;
    for (index, &candidate) in starts.iter().enumerate().skip(line + 1) {
        let rest = &text[candidate..yaml.end];
        let is_blank = rest.lines().next().is_none_or(|line| line.trim().is_empty());
        if index >= until || (!is_blank && indentation_of(rest) <= indentation) {
            end = candidate;
            break;
        }
    }
    super::plain::trimmed(text, start..end)
}

fn indentation_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\ntitle: Single Sign-On\ndescription: \"Faster and\\_safer sign in\"\ndescriptions:\n  profile:\n    id: >\n      Unique identifier for the user.\n\n      Stable over time.\n    email: The user’s email address.\n    role:\n      slug: Identifier for the [role](/x).\noriginalPath: a/very long/path here.mdx\nlist:\n  - one two three\n---\n\nBody\n";

    #[test]
    fn title_and_description_are_found_and_prose_becomes_entries() {
        let front = parse(PAGE).unwrap();
        assert_eq!(front.title.as_deref(), Some("Single Sign-On"));
        assert_eq!(front.description.as_deref(), Some("Faster and safer sign in"));
        assert_eq!(&PAGE[front.end..], "\nBody\n");
        let found: Vec<(Vec<String>, Vec<&str>)> = front
            .sections
            .iter()
            .map(|section| {
                let slices = section.blocks.iter().map(|block| &PAGE[block.span.clone()]).collect();
                (section.headings.clone(), slices)
            })
            .collect();
        assert_eq!(found[0].1, ["description: \"Faster and\\_safer sign in\""]);
        assert_eq!(found[1].0, ["profile"]);
        assert_eq!(
            found[1].1[0],
            "    id: >\n      Unique identifier for the user.\n\n      Stable over time."
        );
        assert_eq!(found[1].1[1], "    email: The user’s email address.");
        assert_eq!(found[2].0, ["profile", "role"]);
        assert_eq!(found[2].1, ["      slug: Identifier for the [role](/x)."]);
        assert_eq!(found[3].1, ["  - one two three"]);
        assert_eq!(found.len(), 4);
        assert_eq!(front.sections[2].blocks[0].text, "slug: Identifier for the role.");
    }

    #[test]
    fn prose_without_spaces_is_prose() {
        let front = parse("---\ndescription: 署名鍵を九十日ごとに更新します。\nlabel: 設定ガイド\nmenu: Настройки\n---\n本文\n").unwrap();
        let texts: Vec<&str> = front.sections.iter().map(|section| section.blocks[0].text.as_str()).collect();
        assert_eq!(texts, ["description: 署名鍵を九十日ごとに更新します。"]);
    }

    #[test]
    fn broken_yaml_is_kept_as_prose() {
        let text = "---\na: [unclosed\nb: 'x\n---\nbody";
        let front = parse(text).unwrap();
        assert_eq!(front.sections.len(), 1);
        assert_eq!(&text[front.end..], "body");
    }

    #[test]
    fn a_page_between_rules_is_no_front_matter_and_an_empty_title_is_none() {
        assert_eq!(parse("---\n\n# Title\n\nSome words here\n\n---\n\nBody\n"), None);
        assert_eq!(parse("---\ntitle:\n---\nx").unwrap().title, None);
        let deep = format!("---\n{}x y z w\n---\nbody", "- ".repeat(20_000));
        assert_eq!(parse(&deep).unwrap().sections.len(), 1);
    }

    #[test]
    fn a_rule_at_the_top_is_not_a_front_matter() {
        assert_eq!(parse("---\nno end"), None);
        assert_eq!(parse("text\n---\n"), None);
        assert_eq!(parse(""), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_stays_inside(yaml in "[a-z:\\- \n\"'|>#\\[\\]{}&*é]{0,80}") {
            let text = format!("---\n{yaml}\n---\nx");
            if let Some(front) = parse(&text) {
                for block in front.sections.iter().flat_map(|section| &section.blocks) {
                    assert!(text.get(block.span.clone()).is_some());
                }
            }
        }
    }
}
