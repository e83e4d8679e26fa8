//! A question that is known to be answerable in form.

use super::filter::PathFilter;
use super::scope::Scope;
use crate::source::{CollectionName, DocumentKind};

/// The longest question, in characters. What an encoder reads is far shorter; a question of this
/// length is a document pasted by mistake.
pub const MAX_QUERY_CHARACTERS: usize = 10_000;
/// The most hits of one answer.
pub const MAX_LIMIT: usize = 100;
/// The most other wordings of one question.
pub const MAX_REPHRASINGS: usize = 5;

/// A question and how much is wanted of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    text: String,
    limit: usize,
    rephrasings: Vec<String>,
    scope: Scope,
    offset: usize,
    /// Whether the sources of the hits are looked at.
    freshness: bool,
}

/// A question that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing but white space.
    #[error("the question is empty")]
    Empty,
    /// Longer than [`MAX_QUERY_CHARACTERS`].
    #[error("the question has {characters} characters; the limit is {MAX_QUERY_CHARACTERS}")]
    TooLong {
        /// Its length.
        characters: usize,
    },
    /// Not between 1 and [`MAX_LIMIT`].
    #[error("a limit of {limit} is not between 1 and {MAX_LIMIT}")]
    Limit {
        /// As asked.
        limit: usize,
    },
    /// More than [`MAX_REPHRASINGS`].
    #[error("{given} rephrasings are too many; the limit is {MAX_REPHRASINGS}")]
    Rephrasings {
        /// How many there are.
        given: usize,
    },
    /// Not a glob.
    #[error("the path pattern `{pattern}` is not a glob: {reason}")]
    Path {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl QueryError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "ask in plain words: `docent ask \"how do I rotate a key?\"`".into(),
            Self::TooLong { .. } => "ask for one thing, in a sentence or two".into(),
            Self::Limit { .. } => format!("give --limit a number from 1 to {MAX_LIMIT}"),
            Self::Rephrasings { .. } => format!("keep the {MAX_REPHRASINGS} that differ most"),
            Self::Path { .. } => "write it like `docs/**/*.md`, or name a folder".into(),
        }
    }
}

impl Query {
    /// A question for up to `limit` hits.
    ///
    /// # Errors
    /// Where it is empty or too long, or the limit is out of range.
    pub fn new(text: &str, limit: usize) -> Result<Self, QueryError> {
        let text = checked(text)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(QueryError::Limit { limit });
        }
        Ok(Self {
            text: text.to_owned(),
            limit,
            rephrasings: Vec::new(),
            scope: Scope::default(),
            offset: 0,
            freshness: true,
        })
    }

    /// The same question in other words as well. Each counts as far as the others agree with it.
    ///
    /// # Errors
    /// Where there are too many, or one is empty or too long.
    pub fn rephrased<'text>(
        self,
        wordings: impl IntoIterator<Item = &'text str>,
    ) -> Result<Self, QueryError> {
        let rephrasings: Vec<String> =
            wordings.into_iter().map(|text| checked(text).map(str::to_owned)).collect::<Result<_, _>>()?;
        if rephrasings.len() > MAX_REPHRASINGS {
            return Err(QueryError::Rephrasings { given: rephrasings.len() });
        }
        Ok(Self { rephrasings, ..self })
    }

    /// The same question of fewer documents.
    #[must_use]
    pub fn within(mut self, path: PathFilter) -> Self {
        self.scope.path = Some(path);
        self
    }

    /// The same question of documents of one kind.
    #[must_use]
    pub fn of_kind(mut self, kind: DocumentKind) -> Self {
        self.scope.kind = Some(kind);
        self
    }

    /// The same question of one collection.
    #[must_use]
    pub fn of_collection(mut self, name: CollectionName) -> Self {
        self.scope.collection = Some(name);
        self
    }

    /// The same question of these documents.
    #[must_use]
    pub fn among(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The documents it is asked of.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The same question without its first `offset` hits.
    #[must_use]
    pub fn after(self, offset: usize) -> Self {
        Self { offset, ..self }
    }

    /// The question and its other wordings.
    pub fn wordings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.rephrasings.iter().map(String::as_str))
    }

    /// The steps that its answer takes: one for each wording, and one for the ranking.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.wordings().count() + 1
    }

    /// The documents it is asked of, where not of all.
    #[must_use]
    pub fn path(&self) -> Option<&PathFilter> {
        self.scope.path.as_ref()
    }

    /// Whether hits say that their source has changed: all but a ranking's do.
    #[must_use]
    pub fn asks_for_freshness(&self) -> bool {
        self.freshness
    }

    /// Whether hits that say the same are one: all but in a ranking, where each counts for its document.
    #[must_use]
    pub fn collapses_duplicates(&self) -> bool {
        self.freshness
    }

    /// The kind of documents it is asked of, where not of all.
    #[must_use]
    pub fn kind(&self) -> Option<DocumentKind> {
        self.scope.kind
    }

    /// The collection it is asked of, where not of all.
    #[must_use]
    pub fn collection(&self) -> Option<&CollectionName> {
        self.scope.collection.as_ref()
    }

    /// How many of the best there have to be for an answer: one more than its page tells whether there
    /// is another page.
    pub(super) fn wanted(&self) -> usize {
        self.offset.saturating_add(self.limit).saturating_add(1)
    }

    /// How many of the best hits are left out.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// A question for a ranking deeper than any answer: what an evaluation needs, and no client.
    ///
    /// # Errors
    /// Where it is empty or too long.
    pub fn for_ranking(text: &str, chunks: usize) -> Result<Self, QueryError> {
        Ok(Self { limit: chunks.max(1), freshness: false, ..Self::new(text, 1)? })
    }

    /// The question, without white space around it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The most hits wanted.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }
}

fn checked(text: &str) -> Result<&str, QueryError> {
    let text = text.trim();
    let characters = text.chars().count();
    if text.is_empty() {
        return Err(QueryError::Empty);
    }
    if characters > MAX_QUERY_CHARACTERS {
        return Err(QueryError::TooLong { characters });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_checked() {
        assert_eq!(Query::new(" a ", 1).unwrap().text(), "a");
        assert_eq!(Query::new(" \n", 1), Err(QueryError::Empty));
        assert_eq!(Query::new(&"é".repeat(10_001), 1), Err(QueryError::TooLong { characters: 10_001 }));
        assert_eq!(Query::new("a", 0), Err(QueryError::Limit { limit: 0 }));
        assert_eq!(Query::new("a", 101), Err(QueryError::Limit { limit: 101 }));
        assert_eq!(Query::for_ranking(" a", 1_000).unwrap().limit(), 1_000);
        assert_eq!(Query::for_ranking(" ", 1_000), Err(QueryError::Empty));
    }
}
