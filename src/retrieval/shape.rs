//! What a wording looks like: a question in a sentence, or words that are to be found.

/// Words that open a question in English, where its mark is left out.
const OPENERS: [&str; 27] = [
    "am", "are", "can", "could", "did", "do", "does", "has", "have", "how", "if", "is", "may", "must",
    "shall", "should", "was", "were", "what", "when", "where", "which", "who", "whom", "whose", "why",
    "will",
];

/// Whether `text` is a question in a sentence. Such a question is in the asker's own words, of which
/// the answer need not have one; a claim, a heading, an identifier or a few words for a search box
/// are in the words of what they look for.
pub(super) fn is_question(text: &str) -> bool {
    const MARKS: [char; 4] = ['?', '\u{ff1f}', '\u{37e}', '\u{61f}'];
    let mut words = text.split_whitespace();
    let opener = words.next().unwrap_or_default().to_lowercase();
    // `what` or `is null` are names as likely as questions.
    let opens_a_sentence = OPENERS.contains(&opener.as_str()) && words.count() >= 2;
    opens_a_sentence || text.contains(MARKS)
}

#[cfg(test)]
mod tests {
    use super::is_question;

    #[test]
    fn questions_are_told_from_words_to_find() {
        for question in [
            "How do I rotate a key",
            "a session, how long does it last?",
            "Can users\u{ff1f}",
            "why is it slow",
        ] {
            assert!(is_question(question), "{question}");
        }
        for words in [
            "",
            "key rotation",
            "invalid_grant",
            "ADAR1 binds to Dicer",
            "is null",
            "Howler monkeys live here",
        ] {
            assert!(!is_question(words), "{words}");
        }
    }
}
