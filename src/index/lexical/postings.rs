//! Postings on disk and BM25F scoring.
//!
//! S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", Foundations
//! and Trends in Information Retrieval 3 (2009), section 3.6: term frequencies of the fields are
//! normalised by each field's length, weighted, summed, and only then saturated.

use std::collections::BTreeSet;

use super::super::failure::OpenError;
use super::super::storage::{Kind, MappedFile};
use super::terms::TermMaker;

pub(in crate::index) const KIND: Kind = *b"lexical ";

/// Fields of a chunk, in the order of their weights.
pub(super) const FIELDS: usize = 4;
/// Body, headings, title, path. Between 0.3 and 2 the weights of the short fields made no difference
/// that could be told from chance; a path is there to be found by its own words, and counts little.
const WEIGHTS: [f32; FIELDS] = [1.0, 1.0, 1.0, 0.3];
/// How much a field's length counts: short fields hardly vary in what their length means.
const LENGTH_NORMALISATION: [f32; FIELDS] = [0.75, 0.3, 0.3, 0.3];
/// Saturation of the weighted term frequency (the customary 1.2).
const K1: f32 = 1.2;

/// A term's occurrences in one chunk: its number, and the frequency in each field, at most 255.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Posting {
    pub(super) chunk: u32,
    pub(super) frequencies: [u8; FIELDS],
}

/// The texts of a chunk's fields.
pub(in crate::index) struct FieldTexts<'text> {
    pub(in crate::index) body: &'text str,
    pub(in crate::index) headings: &'text str,
    pub(in crate::index) title: &'text str,
    pub(in crate::index) path: &'text str,
}

/// The postings of a generation.
pub struct Lexical {
    file: MappedFile,
    terms: TermMaker,
    /// One divided by the fields' average lengths.
    per_average: [f32; FIELDS],
    term_count: usize,
    chunk_count: usize,
}

/// The distinct terms of a question that occur in the index, each with its inverse document
/// frequency, and the score of a chunk that would hold all of the question's terms in plenty.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerms {
    terms: Vec<(u32, f32)>,
    ceiling: f32,
}

impl Lexical {
    pub(in crate::index) fn open(file: MappedFile, chunk_count: usize) -> Result<Self, OpenError> {
        let damaged = |reason: &str| OpenError::damaged(file.path(), reason);
        let term_offsets = file.array::<u64>(1)?;
        let posting_offsets = file.array::<u64>(3)?;
        let fits = |offsets: &[u64], end: usize| offsets.is_sorted() && offsets.last() == Some(&(end as u64));
        if !fits(term_offsets, file.array::<u8>(0)?.len())
            || !fits(posting_offsets, file.array::<Posting>(2)?.len())
            || term_offsets.len() != posting_offsets.len()
        {
            return Err(damaged("its term offsets are not valid"));
        }
        if file.array::<[u16; FIELDS]>(4)?.len() != chunk_count {
            return Err(damaged("it is about another number of chunks"));
        }
        let averages = file.array::<[f32; FIELDS]>(5)?.first().copied();
        let averages = averages.ok_or_else(|| damaged("its averages are missing"))?;
        if !averages.iter().all(|average| average.is_finite() && *average >= 1.0) {
            return Err(damaged("its averages are no lengths"));
        }
        let term_count = term_offsets.len() - 1;
        let per_average = averages.map(|average| 1.0 / average);
        Ok(Self { file, terms: TermMaker::default(), per_average, term_count, chunk_count })
    }

    pub(in crate::index) fn forget_pages(&self) {
        self.file.forget_pages();
    }

    /// The terms of `query`, weighted.
    #[must_use]
    pub fn query_terms(&self, query: &str) -> QueryTerms {
        let distinct: BTreeSet<String> = self.terms.of_query(query).into_iter().collect();
        let mut terms = Vec::with_capacity(distinct.len());
        let mut sum = 0.0;
        for term in distinct {
            let found = self.find(&term);
            let weight = self.inverse_document_frequency(found.map_or(0, |index| self.postings(index).len()));
            sum += weight;
            terms.extend(found.map(|index| (index as u32, weight)));
        }
        QueryTerms { terms, ceiling: (sum * (K1 + 1.0)).max(1e-6) }
    }

    /// The BM25F score of every chunk, in the order of the chunks, as a share of what a chunk could
    /// reach at most: 0 where no term occurs. Terms that occur nowhere count as missed, so that a
    /// long question of which little matches is left to the other views.
    #[must_use]
    pub fn scores(&self, query: &QueryTerms) -> Vec<f32> {
        let mut scores = vec![0.0; self.chunk_count];
        let lengths = self.file.array::<[u16; FIELDS]>(4).unwrap_or_default();
        for (term, weight) in &query.terms {
            let weight = weight * (K1 + 1.0) / query.ceiling;
            for posting in self.postings(*term as usize) {
                let chunk = posting.chunk as usize;
                // Postings are not read when a large index is opened: they may be damaged.
                if let (Some(score), Some(lengths)) = (scores.get_mut(chunk), lengths.get(chunk)) {
                    *score += weight * self.saturated(*posting, *lengths);
                }
            }
        }
        scores
    }

    /// Reads all of it, for `docent doctor --deep`.
    pub(in crate::index) fn check(&self) -> Result<(), OpenError> {
        let damaged = |reason: String| Err(OpenError::damaged(self.file.path(), reason));
        for term in 0..self.term_count {
            if term > 0 && self.term(term - 1) >= self.term(term) {
                return damaged(format!("term {term} is out of order"));
            }
            let postings = self.postings(term);
            if !postings.is_sorted_by(|first, second| first.chunk < second.chunk) {
                return damaged(format!("the chunks of term {term} are out of order"));
            }
            if postings.last().is_some_and(|posting| posting.chunk as usize >= self.chunk_count) {
                return damaged(format!("term {term} names chunks that do not exist"));
            }
        }
        Ok(())
    }

    /// How telling the terms of `text` are that none of `chunks` holds: the sum of their inverse
    /// document frequencies, as a multiple of that of a term that occurs nowhere.
    #[must_use]
    pub fn missed(&self, text: &str, chunks: &[usize]) -> f32 {
        let distinct: BTreeSet<String> = self.terms.of_query(text).into_iter().collect();
        let mut sum = 0.0;
        for term in distinct {
            let postings = self.find(&term).map(|index| self.postings(index)).unwrap_or_default();
            let holds = |chunk: &usize| {
                postings.binary_search_by_key(&(*chunk as u32), |posting| posting.chunk).is_ok()
            };
            if !chunks.iter().any(holds) {
                sum += self.inverse_document_frequency(postings.len());
            }
        }
        sum / self.inverse_document_frequency(0).max(1e-6)
    }

    /// What an occurrence reaches of what a term can, 0 to 1.
    fn saturated(&self, posting: Posting, lengths: [u16; FIELDS]) -> f32 {
        let frequency = |field: usize| WEIGHTS[field] * f32::from(posting.frequencies[field]);
        let length = |field: usize| {
            let share = LENGTH_NORMALISATION[field];
            1.0 - share + share * f32::from(lengths[field]) * self.per_average[field]
        };
        // Most are in the body alone, and need no second division.
        if posting.frequencies[1..].iter().all(|frequency| *frequency == 0) {
            return frequency(0) / (frequency(0) + K1 * length(0));
        }
        let sum: f32 = (0..FIELDS).map(|field| frequency(field) / length(field)).sum();
        sum / (sum + K1)
    }

    fn inverse_document_frequency(&self, containing: usize) -> f32 {
        let containing = containing as f32;
        ((self.chunk_count as f32 - containing + 0.5) / (containing + 0.5)).ln_1p()
    }

    fn postings(&self, term: usize) -> &[Posting] {
        let offsets = self.file.array::<u64>(3).unwrap_or_default();
        let all = self.file.array::<Posting>(2).unwrap_or_default();
        &all[offsets[term] as usize..offsets[term + 1] as usize]
    }

    fn term(&self, index: usize) -> &[u8] {
        let offsets = self.file.array::<u64>(1).unwrap_or_default();
        let bytes = self.file.array::<u8>(0).unwrap_or_default();
        &bytes[offsets[index] as usize..offsets[index + 1] as usize]
    }

    /// Binary search: terms are in the order of their bytes.
    fn find(&self, term: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.term_count);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.term(middle).cmp(term.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::manifest::FORMAT_VERSION;
    use super::super::super::storage::Check;
    use super::super::LexicalBuilder;
    use super::*;

    fn index(bodies: &[&str]) -> (tempfile::TempDir, Lexical) {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = LexicalBuilder::new(folder.path());
        for body in bodies {
            builder.add(&FieldTexts { body, headings: "", title: "title", path: "a/b.md" }).unwrap();
        }
        let path = folder.path().join("lexical");
        let checksum = builder.finish().unwrap().write(&path).unwrap();
        let file = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
        (folder, Lexical::open(file, bodies.len()).unwrap())
    }

    /// BM25 of one field, written from the formula.
    fn expected(bodies: &[&[&str]], query: &[&str], chunk: usize) -> f32 {
        let count = bodies.len() as f32;
        let average = bodies.iter().map(|body| body.len() as f32).sum::<f32>() / count;
        let score = |term: &&str| {
            let containing = bodies.iter().filter(|body| body.contains(term)).count() as f32;
            let frequency = bodies[chunk].iter().filter(|word| *word == term).count() as f32;
            let length = 0.25 + 0.75 * bodies[chunk].len() as f32 / average;
            let idf = (1.0 + (count - containing + 0.5) / (containing + 0.5)).ln();
            let normalised = frequency / length;
            if frequency == 0.0 { 0.0 } else { idf * normalised * 2.2 / (normalised + 1.2) }
        };
        query.iter().map(score).sum::<f32>()
    }

    #[test]
    fn scores_follow_the_formula() {
        let bodies: [&[&str]; 3] =
            [&["red", "red", "fox"], &["red", "dog"], &["blue", "bird", "tree", "moon"]];
        let texts: Vec<String> = bodies.iter().map(|body| body.join(" ")).collect();
        let (_folder, lexical) = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let terms = lexical.query_terms("red fox");
        let scores = lexical.scores(&terms);
        for (chunk, score) in scores.iter().enumerate() {
            let expected = expected(&bodies, &["red", "fox"], chunk) / terms.ceiling;
            assert!((score - expected).abs() < 1e-5, "{chunk}: {score} instead of {expected}");
        }
    }

    #[test]
    fn what_no_chunk_holds_is_missed_the_more_the_rarer() {
        let (_folder, lexical) = index(&["red fox", "red dog", "red bird"]);
        assert!(lexical.missed("red fox", &[0]).abs() < 1e-6);
        assert!((lexical.missed("zebra", &[0, 1, 2]) - 1.0).abs() < 1e-6);
        assert!(lexical.missed("fox", &[1]) < lexical.missed("zebra", &[1]));
        assert!(lexical.missed("", &[]).abs() < 1e-6);
    }

    #[test]
    fn unknown_terms_and_empty_queries_score_nothing() {
        let (_folder, lexical) = index(&["red fox"]);
        assert_eq!(lexical.scores(&lexical.query_terms("zebra")), [0.0]);
        assert_eq!(lexical.scores(&lexical.query_terms("")), [0.0]);
    }
}
