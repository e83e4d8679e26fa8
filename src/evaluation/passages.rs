//! Whether what an agent gets to read contains the answer.

use super::set::Quote;
use crate::retrieval::Hit;

/// Whether one of the first `depth` chunks contains one of the quotes, white space folded. A quote
/// counts wherever it stands: an answer repeated on another page is an answer.
#[must_use]
pub fn contains_quote(hits: &[Hit], quotes: &[Quote], depth: usize) -> bool {
    let quotes: Vec<String> = quotes.iter().map(|quote| folded(&quote.text)).collect();
    hits.iter().take(depth).any(|hit| {
        let text = folded(&hit.text);
        quotes.iter().any(|quote| text.contains(quote.as_str()))
    })
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::hit;

    fn quote(text: &str) -> Quote {
        Quote { document: "a".into(), text: text.into() }
    }

    #[test]
    fn white_space_is_folded_and_depth_kept() {
        let mut hits = [hit("a", 1.0), hit("b", 0.5)];
        hits[1].text = "It  rotates\n\tkeys daily.".into();
        assert!(contains_quote(&hits, &[quote("no"), quote("rotates keys\n daily.")], 2));
        assert!(!contains_quote(&hits, &[quote("rotates keys daily.")], 1));
        assert!(!contains_quote(&hits, &[], 2));
    }
}
