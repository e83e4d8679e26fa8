//! A question that is known to be answerable in form.

/// The longest question, in characters. What an encoder reads is far shorter; a question of this
/// length is a document pasted by mistake.
pub const MAX_QUERY_CHARACTERS: usize = 10_000;
/// The most hits of one answer.
pub const MAX_LIMIT: usize = 100;

/// A question and how much is wanted of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    text: String,
    limit: usize,
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
}

impl QueryError {
    /// The next thing to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "ask in plain words: `docent ask \"how do I rotate a key?\"`".into(),
            Self::TooLong { .. } => "ask for one thing, in a sentence or two".into(),
            Self::Limit { .. } => format!("give --limit a number from 1 to {MAX_LIMIT}"),
        }
    }
}

impl Query {
    /// A question for up to `limit` hits.
    ///
    /// # Errors
    /// Where it is empty or too long, or the limit is out of range.
    pub fn new(text: &str, limit: usize) -> Result<Self, QueryError> {
        let text = text.trim();
        let characters = text.chars().count();
        if text.is_empty() {
            return Err(QueryError::Empty);
        }
        if characters > MAX_QUERY_CHARACTERS {
            return Err(QueryError::TooLong { characters });
        }
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(QueryError::Limit { limit });
        }
        Ok(Self { text: text.to_owned(), limit })
    }

    /// A question for a ranking deeper than any answer: what an evaluation needs, and no client.
    ///
    /// # Errors
    /// Where it is empty or too long.
    pub fn for_ranking(text: &str, chunks: usize) -> Result<Self, QueryError> {
        Ok(Self { limit: chunks.max(1), ..Self::new(text, 1)? })
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
