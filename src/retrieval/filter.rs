//! Which documents a question is asked of.

use globset::{GlobBuilder, GlobMatcher};

use super::query::QueryError;
use crate::source::SourcePath;

/// The longest pattern, in bytes. The work of compiling one grows faster than its length: a pattern
/// of a megabyte would keep a thread busy for minutes.
const MAX_PATTERN_BYTES: usize = 1_000;

/// A glob over document paths: `docs/sso/**`, `*.mdx`, `{guides,reference}/**/*.md`. A pattern
/// without a wildcard is a document or a whole folder; one without a `/` matches in any folder. What
/// looks like a wildcard is first of all a part of a name: `app/[slug]` is the folder of that name too.
#[derive(Debug, Clone)]
pub struct PathFilter {
    pattern: String,
    /// The pattern as the path of a document or a folder; empty for the top, which is all documents.
    plain: String,
    whole: GlobMatcher,
    below: GlobMatcher,
}

impl PathFilter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Where it is not a glob, or longer than any sensible one.
    pub fn new(pattern: &str) -> Result<Self, QueryError> {
        if pattern.len() > MAX_PATTERN_BYTES {
            let start: String = pattern.chars().take(60).collect();
            let reason = format!("it has {} bytes, of {MAX_PATTERN_BYTES} at most", pattern.len());
            return Err(QueryError::Path { pattern: format!("{start}…"), reason });
        }
        let plain = pattern.trim().trim_start_matches("./").trim_matches('/');
        let plain = if plain == "." { "" } else { plain };
        let anywhere = if plain.contains('/') { plain.to_owned() } else { format!("**/{plain}") };
        let matcher = |glob: &str| {
            let glob = GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|error| QueryError::Path {
                pattern: pattern.to_owned(),
                reason: error.kind().to_string(),
            })
        };
        Ok(Self {
            pattern: pattern.to_owned(),
            plain: plain.to_owned(),
            whole: matcher(&anywhere)?,
            below: matcher(&format!("{anywhere}/**"))?,
        })
    }

    /// Whether the document at `path` is asked.
    #[must_use]
    pub fn admits(&self, path: &SourcePath) -> bool {
        let path = path.as_str();
        self.is_literally(path) || self.whole.is_match(path) || self.below.is_match(path)
    }

    /// Whether `path` is the pattern letter for letter, or lies below a folder that is.
    fn is_literally(&self, path: &str) -> bool {
        if self.plain.is_empty() {
            return true;
        }
        if !self.plain.contains('/') {
            return path.split('/').any(|part| part == self.plain);
        }
        let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        path == self.plain || is_below(self.plain.strip_suffix("/**").unwrap_or(&self.plain))
    }

    /// As it was given.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl PartialEq for PathFilter {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for PathFilter {}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(pattern: &str, path: &str) -> bool {
        PathFilter::new(pattern).unwrap().admits(&SourcePath::try_from(path.to_owned()).unwrap())
    }

    #[test]
    fn a_pattern_that_would_take_minutes_to_compile_is_refused() {
        let error = PathFilter::new(&"x".repeat(900_000)).unwrap_err().to_string();
        assert!(error.ends_with("…` is not a glob: it has 900000 bytes, of 1000 at most"), "{error}");
        assert!(error.len() < 200, "it does not repeat what was given: {error}");
        assert!(PathFilter::new(&"x".repeat(1_000)).is_ok());
    }

    #[test]
    fn folders_files_and_wildcards_are_understood() {
        for pattern in
            ["docs/sso", "docs/sso/", "./docs", "sso", "docs/**", "*.mdx", "docs/*/index.mdx", "index.mdx"]
        {
            assert!(admits(pattern, "docs/sso/index.mdx"), "{pattern}");
        }
        for pattern in ["docs/ss", "docs/*.mdx", "*.md", "index", "docs/sso/index.mdx/x"] {
            assert!(!admits(pattern, "docs/sso/index.mdx"), "{pattern}");
        }
        for pattern in [".", "/", "./", ""] {
            assert!(admits(pattern, "docs/sso/index.mdx"), "{pattern:?} is the top");
        }
        assert!(matches!(PathFilter::new("a[b"), Err(QueryError::Path { .. })));
    }

    #[test]
    fn what_looks_like_a_wildcard_may_be_a_name() {
        for (pattern, path) in [
            ("app/[slug]/page.md", "app/[slug]/page.md"),
            ("app/[slug]", "app/[slug]/page.md"),
            ("app/[slug]/**", "app/[slug]/page.md"),
            ("[slug]", "app/[slug]/page.md"),
            ("app/{a,b}", "app/{a,b}/page.md"),
            ("app/[s]", "app/[s]/page.md"),
        ] {
            assert!(admits(pattern, path), "{pattern} {path}");
        }
        assert!(admits("app/[slug]", "app/s/page.md"), "a glob all the same");
        assert!(!admits("app/[slug]", "app/[slug]s/page.md"));
        assert!(!admits("app/[slug]/**", "app/[slug]"));
        assert!(!admits("[slug]", "app/[slug].md"));
    }
}
