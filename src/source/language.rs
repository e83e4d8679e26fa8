//! The programming or markup language of a document, by the ending of its name.

use std::str::FromStr;

use super::SourcePath;

/// A language's name, and the endings of its files.
type Named = (&'static str, &'static [&'static str]);

/// A language that documents can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(&'static Named);

/// Languages of source code, of those that docent reads.
const CODE: [Named; 27] = [
    ("bash", &["sh", "bash"]),
    ("c", &["c", "h"]),
    ("c++", &["cc", "cpp", "hpp", "h"]),
    ("c#", &["cs"]),
    ("elixir", &["ex", "exs"]),
    ("erlang", &["erl"]),
    ("go", &["go"]),
    ("graphql", &["graphql"]),
    ("haskell", &["hs"]),
    ("java", &["java"]),
    ("javascript", &["js", "jsx", "mjs", "cjs"]),
    ("julia", &["jl"]),
    ("kotlin", &["kt", "kts"]),
    ("lua", &["lua"]),
    ("objective-c", &["m", "h"]),
    ("ocaml", &["ml"]),
    ("php", &["php"]),
    ("protobuf", &["proto"]),
    ("python", &["py", "pyi"]),
    ("r", &["r"]),
    ("ruby", &["rb"]),
    ("rust", &["rs"]),
    ("scala", &["scala"]),
    ("sql", &["sql"]),
    ("swift", &["swift"]),
    ("typescript", &["ts", "tsx", "mts", "cts"]),
    ("zig", &["zig"]),
];

/// Languages of text and data, of those that docent reads.
const TEXT: [Named; 7] = [
    ("html", &["html", "htm", "xhtml"]),
    ("json", &["json"]),
    ("jupyter", &["ipynb"]),
    ("markdown", &["md", "mdx", "markdown", "mdown", "mkd"]),
    ("restructuredtext", &["rst", "rest"]),
    ("toml", &["toml"]),
    ("yaml", &["yaml", "yml"]),
];

fn all() -> impl Iterator<Item = &'static Named> {
    CODE.iter().chain(&TEXT)
}

/// Whether files with this ending, in lower case, hold source code.
pub(super) fn is_code(ending: &str) -> bool {
    CODE.iter().any(|(_, endings)| endings.contains(&ending))
}

impl Language {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.0
    }

    /// Every language, in the order of the manual.
    pub fn all() -> impl Iterator<Item = Self> {
        all().map(Self)
    }

    /// The endings of its files, in lower case.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        self.0.1
    }

    /// Whether the document at `path` is in it.
    #[must_use]
    pub fn is_of(self, path: &SourcePath) -> bool {
        self.endings().contains(&path.extension().as_str())
    }
}

/// Text that names no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no language that docent knows; the nearest name is `{nearest}`")]
pub struct InvalidLanguage {
    given: String,
    nearest: &'static str,
}

impl FromStr for Language {
    type Err = InvalidLanguage;

    /// By its name, or by an ending that only its files have.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.trim().trim_start_matches('.').to_lowercase();
        let named = all().find(|(name, _)| *name == wanted);
        let ending = || all().find(|(_, endings)| endings.contains(&wanted.as_str()));
        named
            .or_else(ending)
            .map(Self)
            .ok_or_else(|| InvalidLanguage { given: text.to_owned(), nearest: nearest(&wanted) })
    }
}

fn nearest(wanted: &str) -> &'static str {
    let likeness = |name: &str| strsim::jaro_winkler(name, wanted);
    let names = all().map(|(name, _)| *name);
    names.max_by(|first, second| likeness(first).total_cmp(&likeness(second))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_name_and_by_ending() {
        let path = |path: &str| SourcePath::try_from(path.to_owned()).unwrap();
        for (text, name) in [("Rust", "rust"), (".tsx", "typescript"), ("h", "c"), ("C++", "c++"), ("r", "r")]
        {
            assert_eq!(text.parse::<Language>().unwrap().name(), name, "{text}");
        }
        let python: Language = "python".parse().unwrap();
        assert!(python.is_of(&path("a/b.py")) && python.is_of(&path("b.pyi")));
        assert!(!python.is_of(&path("py")) && !python.is_of(&path("a.md")));
        let error = "pyton".parse::<Language>().unwrap_err().to_string();
        assert_eq!(error, "`pyton` is no language that docent knows; the nearest name is `python`");
    }

    #[test]
    fn code_is_told_from_text() {
        assert!(is_code("rs") && is_code("zig") && !is_code("md") && !is_code("yaml"));
    }
}
