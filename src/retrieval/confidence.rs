//! How sure an answer is: how far the best passages stand out from what questions that have nothing
//! to do with the documents get in the same index.
//!
//! Few parameters, each with a reason. The words of a question have to be met by the best passages
//! (the rare ones above all), the first passage as a whole has to be about the question, the question
//! about what the documents are about, and a name that is asked for has to occur: a page about another
//! product answers nothing about this one.

use super::ranking::Ranking;
use super::recipe::Recipe;
use super::retriever::documents_of_chunks;
use super::stages::Watch;
use crate::embedding::{Embedder, Role};
use crate::index::{BuildError, Calibration, Index, Usual, in_parallel};

/// Questions of daily life, one a line, from cooking to stars: no body of documents is about more
/// than a few of them.
const UNRELATED: &str = include_str!("unrelated_questions.txt");

/// The passages that are looked at: as many as an agent reads.
pub(super) const HEAD: usize = 5;
/// How much being about the right thing counts beside meeting the question's words. A quarter: it
/// tells a foreign subject better than the words do, and says nothing of a question that the
/// documents nearly answer.
const DOCUMENT_SHARE: f32 = 0.25;
/// How much the first passage as a whole counts beside that. A half: without some of the pages a question is still
/// met word by word, by passages about other things. Chosen on documentation of which the pages that answer
/// a quarter of the questions were taken out; abstracts, treated in the same way, lost nothing by it.
const PASSAGE_SHARE: f32 = 0.5;
/// What a missing name as rare as can be takes away, in standard deviations. No more for several:
/// abstracts call the same thing by other names, and lost by it.
const MISSED_NAME: f32 = 1.0;
/// Standing out by so many standard deviations is a confidence of 0.5: of documentation about one unrelated
/// question in twenty gets as far, of abstracts one in nine.
const EVEN: f32 = 1.1;
/// Below this confidence there is no good match.
const NO_GOOD_MATCH: f32 = 0.5;

/// What speaks for the best passages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// How well the question's words are met: see [`Calibration::meaning`].
    pub(super) meaning: f32,
    /// The cosine of the question and the nearest document.
    pub(super) document: f32,
    /// The centred cosine of the question and the passage that is ranked first.
    pub(super) passage: f32,
    /// How rare the names are that the question has and the passages do not: 0 where none is
    /// missing, about 1 for one that occurs nowhere.
    pub(super) missed: f32,
}

/// How sure an answer with this evidence is, 0 to 1, to three digits.
pub(super) fn confidence(evidence: &Evidence, calibration: &Calibration) -> f32 {
    let meaning = calibration.meaning.excess(evidence.meaning);
    let document = calibration.document.excess(evidence.document);
    let (mut stands_out, mut shares) = (meaning + DOCUMENT_SHARE * document, 1.0 + DOCUMENT_SHARE);
    if let Some(usual) = calibration.passage {
        stands_out += PASSAGE_SHARE * usual.excess(evidence.passage);
        shares += PASSAGE_SHARE;
    }
    let stands_out = stands_out / shares;
    let logit = stands_out - MISSED_NAME * evidence.missed.min(1.0) - EVEN;
    (1000.0 / (1.0 + (-logit).exp())).round() / 1000.0
}

/// Whether an answer should say that it is none.
pub(super) fn is_no_good_match(confidence: f32) -> bool {
    confidence < NO_GOOD_MATCH
}

/// Asks a new generation questions that have nothing to do with its documents. Where it has a graph, the encoder
/// rests afterwards.
///
/// # Errors
/// Where the encoder fails, or a record of the index is damaged.
pub fn calibrate(index: &Index, embedder: &dyn Embedder) -> Result<Calibration, BuildError> {
    let evidence = unrelated_evidence(index, embedder)?;
    let usual = |of: fn(&Evidence) -> f32| Usual::of(&evidence.iter().map(of).collect::<Vec<f32>>());
    Ok(Calibration {
        questions: evidence.len(),
        meaning: usual(|evidence| evidence.meaning),
        document: usual(|evidence| evidence.document),
        passage: Some(usual(|evidence| evidence.passage)),
    })
}

fn unrelated_evidence(index: &Index, embedder: &dyn Embedder) -> Result<Vec<Evidence>, BuildError> {
    let recipe = Recipe::for_spreads(embedder.spreads());
    let document_of = documents_of_chunks(index).map_err(|error| BuildError::Verify(Box::new(error)))?;
    let ranking = Ranking { index, document_of: &document_of, admitted: None, recipe: &recipe, threads: 1 };
    let questions: Vec<&str> = UNRELATED.lines().collect();
    let threads = embedder.parallelism();
    let mut encoded = Vec::with_capacity(questions.len());
    for some in questions.chunks(threads.max(1)) {
        let encode = |number: usize| Ok((some[number], embedder.encode(some[number], Role::Query)?));
        encoded.extend(
            in_parallel(some.len(), threads, encode).into_iter().collect::<Result<Vec<_>, BuildError>>()?,
        );
    }
    // An index that is large enough for a graph needs the memory itself.
    if index.graph().is_some() {
        embedder.rest();
    }
    let mut evidence = Vec::with_capacity(questions.len());
    // After each few the memory of what was looked at in the index is given back: a question looks at the tokens of
    // 200 chunks, anywhere in their file.
    for some in encoded.chunks(threads.max(1)) {
        let ask = |number: usize| ranking.of(&some[number..=number], HEAD, &mut Watch::off()).evidence;
        evidence.extend(in_parallel(some.len(), threads, ask));
        index.forget_pages();
    }
    Ok(evidence)
}

/// The words of a question that look like names, identifiers or numbers, with blanks between them:
/// in capitals, with a digit or a mark inside. The first word of a sentence is in capitals anyway.
pub(super) fn names(question: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut starts = true;
    for raw in question.split_whitespace() {
        let word = raw.trim_matches(|letter: char| !letter.is_alphanumeric());
        let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
        let is_pronoun = word == "I" || word.starts_with("I'") || word.starts_with("I’");
        let later = word.chars().skip(usize::from(starts));
        let is_name = later.clone().any(char::is_uppercase)
            || word.chars().any(|letter| letter.is_ascii_digit() || matches!(letter, '_' | '.'));
        if is_name && !is_pronoun {
            names.push(word);
        }
        starts = raw.ends_with(['.', '?', '!', ':']);
    }
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Usual = Usual { mean: 0.3, deviation: 0.1 };
    const CALIBRATION: Calibration =
        Calibration { questions: 100, meaning: USUAL, document: USUAL, passage: Some(USUAL) };

    #[test]
    fn standing_out_is_confidence_and_missing_names_take_it() {
        let unrelated = Evidence { meaning: 0.3, document: 0.3, passage: 0.3, missed: 0.0 };
        let good = Evidence { meaning: 0.7, document: 0.8, passage: 0.7, missed: 0.0 };
        let of = |evidence| confidence(&evidence, &CALIBRATION);
        assert!(of(unrelated) < 0.3 && is_no_good_match(of(unrelated)));
        assert!(of(good) > 0.9 && !is_no_good_match(of(good)));
        let other_product = Evidence { missed: 1.0, ..good };
        assert!(of(other_product) < of(good));
        let several = Evidence { missed: 9.0, ..good };
        assert_eq!(of(several).total_cmp(&of(other_product)), std::cmp::Ordering::Equal);
    }

    #[test]
    fn a_first_passage_about_something_else_takes_confidence() {
        let met = Evidence { meaning: 0.6, document: 0.6, passage: 0.6, missed: 0.0 };
        let word_by_word = Evidence { passage: 0.3, ..met };
        assert!(confidence(&word_by_word, &CALIBRATION) < confidence(&met, &CALIBRATION));
        // An index of an earlier docent says nothing of it.
        let earlier = Calibration { passage: None, ..CALIBRATION };
        assert!((confidence(&word_by_word, &earlier) - confidence(&met, &earlier)).abs() < 1e-6);
    }

    #[test]
    fn names_are_told_from_first_words() {
        assert_eq!(names("Is there a Terraform provider? Do I need SSO?"), "Terraform SSO");
        assert_eq!(names("what does invalid_grant mean in Auth0's API v2.1"), "invalid_grant Auth0 API v2.1");
        assert_eq!(names("iPhone users can't sign in, I'm told"), "iPhone");
        assert_eq!(names("how do keys rotate"), "");
    }

    #[test]
    fn the_unrelated_questions_are_many_and_different() {
        let questions: std::collections::BTreeSet<&str> = UNRELATED.lines().collect();
        assert_eq!(questions.len(), UNRELATED.lines().count());
        assert!(questions.len() >= 100 && questions.iter().all(|question| question.ends_with('?')));
    }

    #[test]
    fn what_never_varies_does_not_divide_by_nothing() {
        assert_eq!(Usual::of(&[]), Usual { mean: 0.0, deviation: 0.0 });
        assert!(Usual::of(&[0.5, 0.5]).excess(0.6).is_finite());
    }
}
