//! The programming or markup language of a document, by the ending of its name.

use std::str::FromStr;

use super::SourcePath;

/// A language that documents can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(&'static (&'static str, &'static [&'static str]));

/// Languages by name, with the endings of their files.
const LANGUAGES: [(&str, &[&str]); 36] = [
    ("bash", &["sh", "bash", "zsh"]),
    ("c", &["c", "h"]),
    ("c++", &["cc", "cpp", "cxx", "hpp", "hh", "hxx", "h"]),
    ("c#", &["cs"]),
    ("css", &["css"]),
    ("dart", &["dart"]),
    ("elixir", &["ex", "exs"]),
    ("erlang", &["erl"]),
    ("go", &["go"]),
    ("graphql", &["graphql"]),
    ("haskell", &["hs"]),
    ("html", &["html", "htm", "xhtml"]),
    ("java", &["java"]),
    ("javascript", &["js", "jsx", "mjs", "cjs"]),
    ("json", &["json", "jsonl"]),
    ("julia", &["jl"]),
    ("jupyter", &["ipynb"]),
    ("kotlin", &["kt", "kts"]),
    ("lua", &["lua"]),
    ("markdown", &["md", "mdx", "markdown"]),
    ("objective-c", &["m", "h"]),
    ("ocaml", &["ml"]),
    ("php", &["php"]),
    ("protobuf", &["proto"]),
    ("python", &["py", "pyi"]),
    ("r", &["r"]),
    ("restructuredtext", &["rst"]),
    ("ruby", &["rb"]),
    ("rust", &["rs"]),
    ("scala", &["scala"]),
    ("sql", &["sql"]),
    ("swift", &["swift"]),
    ("toml", &["toml"]),
    ("typescript", &["ts", "tsx", "mts", "cts"]),
    ("yaml", &["yaml", "yml"]),
    ("zig", &["zig"]),
];

impl Language {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.0
    }

    /// Whether the document at `path` is in it.
    #[must_use]
    pub fn is_of(self, path: &SourcePath) -> bool {
        self.0.1.contains(&path.extension().as_str())
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
        let named = LANGUAGES.iter().find(|(name, _)| *name == wanted);
        let ending = || LANGUAGES.iter().find(|(_, endings)| endings.contains(&wanted.as_str()));
        named
            .or_else(ending)
            .map(Self)
            .ok_or_else(|| InvalidLanguage { given: text.to_owned(), nearest: nearest(&wanted) })
    }
}

fn nearest(wanted: &str) -> &'static str {
    let likeness = |name: &str| strsim::jaro_winkler(name, wanted);
    let names = LANGUAGES.iter().map(|(name, _)| *name);
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
    fn names_are_in_order_and_endings_lower_case() {
        assert!(LANGUAGES.is_sorted_by_key(|(name, _)| name.replace(['+', '#'], "")));
        let mut endings = LANGUAGES.iter().flat_map(|(_, endings)| *endings);
        assert!(endings.all(|ending| *ending == ending.to_lowercase()));
    }
}
