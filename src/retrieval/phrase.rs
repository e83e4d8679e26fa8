//! Quoted phrases: what a question wants to find word for word.

/// Phrases beyond this many are only words: a question that quotes more is a pasted text.
const MOST: usize = 8;

/// The phrases that a wording has in double quotes, each in lower case with single blanks.
pub(super) struct Phrases(Vec<String>);

impl Phrases {
    /// What stands between double quotes, straight or curly, and has a letter or digit in it.
    pub(super) fn of(text: &str) -> Self {
        let mut parts = text.split(['"', '“', '”', '„']);
        let mut phrases = Vec::new();
        // In turns outside and inside; what follows a quote that is not closed is the last, and outside.
        parts.next();
        while let (Some(inside), Some(_outside)) = (parts.next(), parts.next()) {
            let phrase = folded(inside);
            if phrase.contains(char::is_alphanumeric) && phrases.len() < MOST && !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
        }
        Self(phrases)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The share of the phrases that `text` has word for word, 0 to 1.
    pub(super) fn found_in(&self, text: &str) -> f32 {
        let text = folded(text);
        let found = self.0.iter().filter(|phrase| text.contains(phrase.as_str())).count();
        found as f32 / self.0.len().max(1) as f32
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(text: &str) -> Vec<String> {
        Phrases::of(text).0
    }

    #[test]
    fn what_stands_in_double_quotes_is_a_phrase() {
        assert_eq!(phrases("where is \"Invalid  Grant\" thrown"), ["invalid grant"]);
        assert_eq!(phrases("“one” and \"two\" and \"one\""), ["one", "two"]);
        assert_eq!(phrases("\"all of it\""), ["all of it"]);
        for text in ["no quotes", "an open \"quote", "an empty \"\" one", "marks \"--\" only", "it's 'this'"]
        {
            assert!(phrases(text).is_empty(), "{text}");
        }
        assert_eq!(phrases("\"a\" then \"b"), ["a"]);
        let many: Vec<String> = (0..20).map(|number| format!("\"{number}\"")).collect();
        assert_eq!(phrases(&many.join(" ")).len(), MOST);
    }

    #[test]
    fn phrases_are_found_across_lines_and_in_any_case() {
        let wanted = Phrases::of("\"invalid grant\" \"other\"");
        assert!((wanted.found_in("An INVALID\n   grant is") - 0.5).abs() < f32::EPSILON);
        assert!(wanted.found_in("a grant that is invalid").abs() < f32::EPSILON);
    }
}
