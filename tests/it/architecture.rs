//! The edges between the rooms, and who may name what: ARCHITECTURE.md, held to by reading the
//! sources.
//!
//! Only code that ships counts: tests at the end of a file may use what they like.

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may use. `progress` is every room's.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("parse", &["source"]),
    ("remote", &["extract", "source"]),
    ("prepare", &["extract", "parse", "remote", "source"]),
    ("chunking", &["parse", "source"]),
    ("embedding", &[]),
    ("extract", &["source"]),
    ("index", &["chunking", "embedding", "extract", "parse", "source"]),
    ("retrieval", &["index", "embedding", "extract", "chunking", "parse", "source"]),
    ("evaluation", &["retrieval"]),
    ("batch", &["evaluation", "retrieval"]),
    ("mcp", &["retrieval", "index", "embedding"]),
    (
        "cli",
        &[
            "source",
            "extract",
            "remote",
            "prepare",
            "parse",
            "chunking",
            "embedding",
            "index",
            "retrieval",
            "evaluation",
            "batch",
            "mcp",
        ],
    ),
];

/// Names, and the files or folders that alone may hold them.
const ONLY_IN: &[(&[&str], &[&str])] = &[
    (&["fastembed", "ort", "tokenizers"], &["embedding/"]),
    (&["bincode"], &["index/records.rs"]),
    (&["memmap2"], &["index/storage.rs"]),
    (&["rmcp", "tokio"], &["mcp/"]),
    (&["clap", "clap_complete", "indicatif"], &["cli/"]),
    (&["signal_hook"], &["cli/interruption.rs"]),
    (&["ureq"], &["embedding/pull/", "remote/feed.rs"]),
    (&["zip"], &["embedding/pull/", "extract/docx.rs", "remote/archive.rs"]),
    (&["html5ever", "lopdf"], &["extract/"]),
    (&["tree_sitter"], &["parse/grammar.rs", "parse/code.rs"]),
    (&["ignore", "notify"], &["source/"]),
    (&["text_splitter"], &["chunking/"]),
];

/// What changes files. In `index/` one file does it, and the lock writes into itself.
const CHANGES_FILES: &[&str] = &[
    "File::create",
    "OpenOptions",
    "File::options",
    "fs::write",
    "fs::rename",
    "fs::copy",
    "fs::create_dir",
    "fs::remove_dir",
    "fs::remove_file",
    "set_len",
    "set_permissions",
    ".persist(",
];

const LONGEST_FILE: usize = 450;
const LONGEST_FUNCTION: usize = 60;
const LONGEST_MAIN: usize = 40;

/// A source file without its tests.
struct Source {
    /// Path under `src`, with `/`.
    path: String,
    /// Its lines, up to the tests at its end.
    lines: Vec<String>,
}

impl Source {
    fn room(&self) -> Option<&str> {
        let (folder, _) = self.path.split_once('/')?;
        Some(folder)
    }

    /// Lines that are code, with their numbers from 1. Comments are not: they may name what they
    /// explain.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.iter().enumerate().map(|(index, line)| (index + 1, line.as_str()));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// All files under `src`, in order.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 30, "the sources are not where they were");
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            Source { path: name, lines: without_tests(&text) }
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // A folder `tests` holds nothing that ships.
            if !path.ends_with("tests") {
                collect(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn without_tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |window: &[&str]| window[0] == "#[cfg(test)]" && window[1].starts_with("mod tests");
    let end = lines.windows(2).position(is_tests).unwrap_or(lines.len());
    lines[..end].iter().map(|line| (*line).to_owned()).collect()
}

/// Whether `line` names the crate or module `name`: `name::`, or `use name`.
fn names(line: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(name).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = &line[start + name.len()..];
        let is_whole =
            !before.is_some_and(|character| is_word(character) || character == ':' || character == '.');
        is_whole
            && (after.starts_with("::") || (line.trim_start().starts_with("use ") && after.starts_with(';')))
    })
}

/// The rooms that a line of code names by `crate::`, also in a list in braces.
fn rooms_used(line: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
    };
    let mut rooms = Vec::new();
    for (start, _) in line.match_indices("crate::") {
        let after = &line[start + "crate::".len()..];
        match after.strip_prefix('{') {
            Some(list) => rooms.extend(list.split(',').map(|item| word(item.trim_start()))),
            None => rooms.push(word(after)),
        }
    }
    rooms
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut violations = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            violations
                .push(format!("src/{}: the room `{room}` is not in the list of this test", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for used in rooms_used(line) {
                if used != room && used != "progress" && !allowed.contains(&used.as_str()) {
                    violations.push(format!("src/{}:{number}: `{room}` may not use `{used}`", source.path));
                }
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn the_library_holds_the_rooms_and_nothing_else() {
    let library = sources().into_iter().find(|source| source.path == "lib.rs").unwrap();
    for (_, line) in library.code().filter(|(_, line)| !line.is_empty()) {
        let name = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';'));
        let name = name.unwrap_or_else(|| panic!("src/lib.rs: {line}"));
        assert!(name == "progress" || MAY_USE.iter().any(|(room, _)| *room == name), "{name}");
    }
}

#[test]
fn what_is_hidden_behind_one_room_is_named_there_alone() {
    let mut violations = Vec::new();
    for source in sources() {
        for (hidden, homes) in ONLY_IN {
            let is_home = |home: &&str| {
                if home.ends_with('/') { source.path.starts_with(*home) } else { source.path == **home }
            };
            if homes.iter().any(is_home) {
                continue;
            }
            for (number, line) in source.code() {
                for name in hidden.iter().filter(|name| names(line, name)) {
                    violations.push(format!(
                        "src/{}:{number}: only {} may name `{name}`",
                        source.path,
                        homes.join(" and ")
                    ));
                }
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn one_file_names_hnsw_rs() {
    let sources = sources();
    let naming = |source: &&Source| source.code().any(|(_, line)| names(line, "hnsw_rs"));
    let files: Vec<&str> = sources.iter().filter(naming).map(|source| source.path.as_str()).collect();
    assert_eq!(files, ["index/graph/hierarchy.rs"]);
}

#[test]
fn one_file_of_the_index_writes_to_disk() {
    let mut violations = Vec::new();
    for source in sources() {
        // `mcp/wire.rs` opens the pipe that it writes to already.
        let may_write =
            ["index/storage.rs", "index/lock.rs", "cli/output_file.rs", "mcp/shared/place.rs", "mcp/wire.rs"]
                .contains(&source.path.as_str());
        let has_own_files = source.path.starts_with("embedding/")
            || source.path.starts_with("remote/")
            || source.path.starts_with("prepare/");
        if may_write || has_own_files {
            continue;
        }
        for (number, line) in source.code() {
            for name in CHANGES_FILES.iter().filter(|name| line.contains(**name)) {
                violations
                    .push(format!("src/{}:{number}: `{name}` belongs into index/storage.rs", source.path));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn stdout_has_one_writer() {
    let mut violations = Vec::new();
    for source in sources() {
        let may_print = source.path == "cli/render.rs" || source.path.starts_with("mcp/");
        for (number, line) in source.code() {
            let prints = ["println!", "print!", "stdout()"]
                .iter()
                .any(|call| line.match_indices(call).any(|(start, _)| !line[..start].ends_with(['e', '_'])));
            // Clap knows by itself where help goes.
            if prints && !may_print {
                violations.push(format!(
                    "src/{}:{number}: only cli/render.rs and mcp/ write to stdout",
                    source.path
                ));
            }
            if line.contains("eprint") {
                violations.push(format!("src/{}:{number}: report through Progress or Failure", source.path));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|parts| parts.concat());
    let mut violations = Vec::new();
    for source in sources() {
        for (index, line) in source.lines.iter().enumerate() {
            let calls = ["todo!", "unimplemented!", "dbg!"].iter().any(|call| line.contains(call));
            if calls || marks.iter().any(|mark| line.contains(mark.as_str())) {
                violations.push(format!("src/{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn files_and_functions_fit_a_reader() {
    let mut violations = Vec::new();
    for source in sources() {
        let limit = if source.path == "main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
        let length = source.lines.len();
        if length > limit {
            violations.push(format!("src/{}: {length} lines, of {limit} at most", source.path));
        }
        for (name, start, length) in functions(&source.lines) {
            if length > LONGEST_FUNCTION {
                violations.push(format!(
                    "src/{}:{start}: `{name}` has {length} lines, of {LONGEST_FUNCTION} at most",
                    source.path
                ));
            }
        }
    }
    assert_none(&violations);
}

/// Each function with a body of several lines: its name, first line and length. The sources are
/// formatted by rustfmt, so that a body ends at the first brace that stands where its `fn` began.
fn functions(lines: &[String]) -> Vec<(String, usize, usize)> {
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes =
            |line: &String| line.len() - line.trim_start().len() == indent && line[indent..].starts_with('}');
        let has_no_body =
            |line: &String| line.ends_with(';') && line.len() - line.trim_start().len() <= indent;
        let rest = &lines[start..];
        let end = rest.iter().position(|line| closes(line) || has_no_body(line) || line.ends_with(" {}"));
        if let Some(end) = end {
            functions.push((name, start + 1, end + 1));
        }
    }
    functions
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|word| {
        ["pub", "const", "async", "unsafe"].contains(word)
            || word.starts_with("pub(")
            || *word == "in"
            || word.ends_with(')') && word.contains("::")
    });
    if words.next()? != "fn" {
        return None;
    }
    let name = words.next()?;
    Some(name.split(['(', '<']).next()?.to_owned())
}

#[test]
fn this_test_sees_what_it_looks_for() {
    assert!(names("use fastembed::TextEmbedding;", "fastembed") && names("    ort::init()", "ort"));
    assert!(!names("support::x", "ort") && !names("crate::ort::x", "ort"));
    assert_eq!(rooms_used("use crate::{cli, mcp::serve};"), ["cli", "mcp"]);
    assert_eq!(rooms_used("pub(in crate::cli) fn f(x: crate::index::Index)"), ["cli", "index"]);
    let text = "fn a() {\n    1\n}\n\n    pub(in crate::cli) fn b(\n        x: u8,\n    ) -> u8 {\n        x\n    }\ntrait T {\n    fn c(&self);\n}\n#[cfg(test)]\nmod tests {\n    fn d() {\n    }\n}";
    let found = functions(&without_tests(text));
    let expected = [("a", 1, 3), ("b", 5, 5), ("c", 11, 1)];
    assert_eq!(found, expected.map(|(name, start, length)| (name.to_owned(), start, length)));
    // Something of everything is there to be found.
    let sources = sources();
    let lines: Vec<(usize, &str)> = sources.iter().flat_map(Source::code).collect();
    for (hidden, _) in ONLY_IN {
        assert!(lines.iter().any(|(_, line)| names(line, hidden[0])), "nobody names {}", hidden[0]);
    }
    assert!(sources.iter().map(|source| functions(&source.lines).len()).sum::<usize>() > 300);
}
