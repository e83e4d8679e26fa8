//! Which paths of a source are taken in.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Globs of a source: what is taken in, and what of that is left out again.
#[derive(Debug)]
pub struct Globs {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

/// A pattern that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a glob: {reason}")]
pub struct InvalidGlob {
    /// As given.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Globs {
    /// Reads patterns over paths relative to the root; no `include` takes in everything.
    ///
    /// # Errors
    /// The first that is no glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, InvalidGlob> {
        let include = if include.is_empty() { None } else { Some(set(include)?) };
        Ok(Self { include, exclude: set(exclude)? })
    }

    /// Whether the document at `path` is taken in.
    #[must_use]
    pub fn admit(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(path)) && !self.excludes(path)
    }

    /// Whether what is at `path` is left out, whatever is taken in.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.is_match(path)
    }
}

fn set(patterns: &[String]) -> Result<GlobSet, InvalidGlob> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let invalid = |error: globset::Error| InvalidGlob {
            pattern: pattern.clone(),
            reason: error.kind().to_string(),
        };
        let plain = pattern.trim_start_matches("./");
        set.add(
            GlobBuilder::new(plain)
                .literal_separator(true)
                .empty_alternates(true)
                .build()
                .map_err(invalid)?,
        );
    }
    set.build()
        .map_err(|error| InvalidGlob { pattern: patterns.join(", "), reason: error.kind().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_in_and_left_out_again() {
        let text =
            |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        let globs =
            Globs::new(&text(&["./docs/**/*.md", "packages/*/CHANGELOG.md"]), &text(&["**/draft*"])).unwrap();
        for (path, admitted) in [
            ("docs/a.md", true),
            ("docs/b/a.md", true),
            ("a.md", false),
            ("packages/a/CHANGELOG.md", true),
            ("packages/a/b/CHANGELOG.md", false),
            ("docs/draft.md", false),
        ] {
            assert_eq!(globs.admit(path), admitted, "{path}");
        }
        assert!(Globs::new(&[], &[]).unwrap().admit("x"));
        assert_eq!(Globs::new(&text(&["a[b"]), &[]).unwrap_err().pattern, "a[b");
    }
}
