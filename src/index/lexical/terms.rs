//! Text to index terms: stemmed words, and identifiers both whole and in parts.

use std::collections::HashSet;

use rust_stemmers::{Algorithm, Stemmer};

/// Longer runs (hashes, base64) are cut here: they match nothing that anyone types.
const MAX_TERM_BYTES: usize = 64;

/// Words that carry no meaning in a question. Kept short on purpose: what is rare is weighted by
/// BM25 itself.
const STOP_WORDS: [&str; 134] = [
    "a", "an", "the", "and", "or", "but", "if", "then", "else", "of", "in", "on", "at", "to", "from", "by",
    "for", "with", "without", "about", "into", "over", "under", "between", "is", "are", "was", "were", "be",
    "been", "being", "am", "do", "does", "did", "doing", "done", "have", "has", "had", "having", "i", "you",
    "he", "she", "it", "we", "they", "me", "him", "her", "us", "them", "my", "your", "his", "its", "our",
    "their", "this", "that", "these", "those", "there", "here", "what", "which", "who", "whom", "whose",
    "when", "where", "why", "how", "can", "could", "should", "would", "may", "might", "must", "shall",
    "will", "not", "no", "nor", "so", "than", "too", "very", "just", "as", "up", "down", "out", "off", "any",
    "some", "all", "each", "both", "more", "most", "other", "such", "only", "own", "same", "again", "also",
    "get", "got", "im", "ive", "youre", "youve", "weve", "theyre", "theyve", "dont", "doesnt", "didnt",
    "cant", "couldnt", "wont", "wouldnt", "shouldnt", "isnt", "arent", "wasnt", "werent", "havent", "hasnt",
    "hadnt",
];

/// What stands behind the apostrophe of a short form: `don't`, `it's`, `I'm`, `we'd`, `you'll`, `I've`, `we're`.
const SHORT_ENDINGS: [&str; 7] = ["t", "s", "m", "d", "ll", "ve", "re"];

/// What stands before the apostrophe of short forms, where it is no stop word: `won't`, `shan't`, `ain't`,
/// `let's`. They are not told by the whole without its apostrophe, which may be a word (`I'd` and `id`).
const SHORT_HEADS: [&str; 4] = ["won", "shan", "ain", "let"];

/// Makes terms. Holds the stemmer, which is costly to set up.
pub(in crate::index) struct TermMaker {
    stemmer: Stemmer,
    /// The terms of the stop words.
    stop_terms: HashSet<String>,
}

impl Default for TermMaker {
    fn default() -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let stop_terms = STOP_WORDS.iter().map(|word| stemmer.stem(word).into_owned()).collect();
        Self { stemmer, stop_terms }
    }
}

impl TermMaker {
    /// Calls `take` with every term of `text`, in order, with repetitions.
    pub(in crate::index) fn each(&self, text: &str, take: &mut dyn FnMut(&str)) {
        compounds(text).for_each(|compound| self.each_of(compound, take));
    }

    /// The terms of one compound: its parts, and where there are several the whole.
    fn each_of(&self, compound: &str, take: &mut dyn FnMut(&str)) {
        let compound = compound.trim_end_matches("'s").trim_end_matches("’s");
        let mut parts = 0;
        for part in parts_of(compound) {
            parts += 1;
            take(&self.stem(part));
        }
        if parts > 1 {
            take(clipped(&compound.to_lowercase()));
        }
    }

    /// The terms of a question: without stop words and the halves of short forms (`doesn`, `ve`), which
    /// are so rare in documents that they would outweigh the rest; unless it has nothing else.
    pub(in crate::index) fn of_query(&self, text: &str) -> Vec<String> {
        let (mut all, mut telling) = (Vec::new(), Vec::new());
        for compound in compounds(text) {
            let is_silent = is_short_form(compound);
            let has_apostrophe = compound.contains(APOSTROPHES);
            let named = compound.trim_end_matches("'S").trim_end_matches("’S");
            self.each_of(named, &mut |term| {
                all.push(term.to_owned());
                let is_possessive = has_apostrophe && term == "s";
                if !is_silent && !is_possessive && !self.stop_terms.contains(term) {
                    telling.push(term.to_owned());
                }
            });
        }
        if telling.is_empty() { all } else { telling }
    }

    fn stem(&self, word: &str) -> String {
        let lower = word.to_lowercase();
        self.stemmer.stem(clipped(&lower)).into_owned()
    }
}

const APOSTROPHES: [char; 2] = ['\'', '’'];

/// Words and identifiers, without the punctuation around them.
fn compounds(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !is_compound_character(character))
        .map(|compound| compound.trim_matches(|character: char| !character.is_alphanumeric()))
        .filter(|compound| !compound.is_empty())
}

/// Whether it is a stop word with another one that is shortened: `doesn't`, `I've`, `that’s`.
fn is_short_form(compound: &str) -> bool {
    let lower = compound.to_lowercase();
    let Some((head, ending)) = lower.rsplit_once(APOSTROPHES) else { return false };
    // `doesn` is `does` and the beginning of `not`.
    let without_not = head.strip_suffix('n').filter(|_| ending == "t").unwrap_or(head);
    let is_silent = |word: &str| STOP_WORDS.contains(&word) || SHORT_HEADS.contains(&word);
    SHORT_ENDINGS.contains(&ending) && (is_silent(head) || is_silent(without_not))
}

/// Characters that hold an identifier together: `user_id`, `sso.getProfile`, `docs/sso`, `x-api-key`.
fn is_compound_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | ':' | '@' | '’' | '\'')
}

/// The words inside a compound: between punctuation, and at the humps of camelCase.
fn parts_of(compound: &str) -> impl Iterator<Item = &str> {
    compound
        .split(|character: char| !character.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .flat_map(humps)
}

/// `getHTTPResponse2` is `get`, `HTTP`, `Response2`.
fn humps(word: &str) -> Vec<&str> {
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for index in 1..characters.len() {
        let (offset, current) = characters[index];
        let previous = characters[index - 1].1;
        let next_is_lower = characters.get(index + 1).is_some_and(|(_, next)| next.is_lowercase());
        let is_hump =
            current.is_uppercase() && (previous.is_lowercase() || (previous.is_uppercase() && next_is_lower));
        if is_hump {
            parts.push(&word[start..offset]);
            start = offset;
        }
    }
    parts.push(&word[start..]);
    parts
}

fn clipped(term: &str) -> &str {
    let mut end = term.len().min(MAX_TERM_BYTES);
    while !term.is_char_boundary(end) {
        end -= 1;
    }
    &term[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        TermMaker::default().each(text, &mut |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        assert_eq!(terms("getUserProfile()"), ["get", "user", "profil", "getuserprofile"]);
        assert_eq!(terms("`user_id`."), ["user", "id", "user_id"]);
        assert_eq!(
            terms("HTTPServer X-API-Key"),
            ["http", "server", "httpserver", "x", "api", "key", "x-api-key"]
        );
        assert_eq!(terms("docs/sso.mdx"), ["doc", "sso", "mdx", "docs/sso.mdx"]);
        assert_eq!(terms("Signed, signing; signs"), ["sign", "sign", "sign"]);
    }

    #[test]
    fn a_question_loses_its_stop_words_unless_it_has_no_others() {
        let maker = TermMaker::default();
        assert_eq!(maker.of_query("How do I rotate the keys?"), ["rotat", "key"]);
        assert_eq!(maker.of_query("who is it"), ["who", "is", "it"]);
        assert!(maker.of_query("?!").is_empty());
    }

    #[test]
    fn short_forms_are_no_words_of_a_question() {
        let maker = TermMaker::default();
        assert_eq!(maker.of_query("Why doesn't my webhook retry?"), ["webhook", "retri"]);
        assert_eq!(maker.of_query("I’ve a key that won’t rotate; what's wrong?"), ["key", "rotat", "wrong"]);
        let silent = "don't didn't can't isn't aren't wasn't weren't haven't hasn't hadn't shouldn't wouldn't \
                      couldn't i'm i've i'd i'll you're you've we're we've they're it's that's there's what's \
                      how's where's who's let's DON'T didnt wont youre theyve whats";
        for form in silent.split(' ') {
            assert_eq!(maker.of_query(&format!("{form} key")), ["key"], "{form}");
        }
        assert_eq!(maker.of_query("the server's key, the SERVER'S"), ["server", "key", "server"]);
        assert!(!maker.of_query("user's/key").contains(&"s".to_owned()));
        // Words that short forms become without their apostrophe, and names with one.
        assert_eq!(maker.of_query("let user id well"), ["let", "user", "id", "well"]);
        assert_eq!(maker.of_query("O'Reilly"), ["o", "reilli", "o'reilly"]);
        assert_eq!(maker.of_query("don't"), ["don", "t", "don't"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_terms_are_short(text in ".{0,200}") {
            TermMaker::default().each(&text, &mut |term| assert!(term.len() <= MAX_TERM_BYTES + 8));
        }
    }
}
