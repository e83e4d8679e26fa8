//! Rankings of documents, and the TREC run files that carry them to other tools.

use std::collections::HashSet;
use std::fmt::Write;

use crate::retrieval::{Hit, id_of_path};

/// A document in a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedDocument {
    /// Its id: its path, or the id that its corpus gave it.
    pub id: String,
    /// Larger is better.
    pub score: f32,
}

/// Documents in the order of each one's best chunk, the first `limit` of them.
///
/// Other tools rank by score alone, and equal scores by id. A hit that made way for other documents has the
/// score of what it made way for: where a document's score is not below that of the one before it, it is
/// written as just below, so that the order is the one that readers see.
#[must_use]
pub fn rank_documents(hits: &[Hit], limit: usize) -> Vec<RankedDocument> {
    let mut seen = HashSet::new();
    let mut lowest = f32::INFINITY;
    let mut ranking = Vec::new();
    for hit in hits.iter().filter(|hit| seen.insert(hit.path.as_str())) {
        lowest = if hit.score < lowest { hit.score } else { lowest.next_down() };
        ranking.push(RankedDocument { id: id_of_path(hit.path.as_str()).into_owned(), score: lowest });
    }
    ranking.truncate(limit);
    ranking
}

/// By score, best first, equal ones by id from the last to the first: the order in which
/// `trec_eval` ranks whatever order a run file has.
pub fn sort_as_trec(ranking: &mut [RankedDocument]) {
    ranking
        .sort_by(|first, second| second.score.total_cmp(&first.score).then_with(|| second.id.cmp(&first.id)));
}

/// An id as it stands in a TREC run: white space would end its column, and is written as `%20`.
#[must_use]
pub fn run_column(id: &str) -> String {
    id.split_whitespace().collect::<Vec<_>>().join("%20")
}

/// Appends the lines of one question to a TREC run.
pub fn write_run(run: &mut String, question: &str, ranking: &[RankedDocument]) {
    let question = run_column(question);
    for (index, document) in ranking.iter().enumerate() {
        let (id, rank) = (run_column(&document.id), index + 1);
        // Writing to a string does not fail.
        let _ = writeln!(run, "{question} Q0 {id} {rank} {} docent", document.score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::hit;

    fn ids(ranking: &[RankedDocument]) -> Vec<(&str, f32)> {
        ranking.iter().map(|document| (document.id.as_str(), document.score)).collect()
    }

    #[test]
    fn a_document_stands_where_its_best_chunk_does() {
        let hits = [hit("a", 0.9), hit("b", 0.8), hit("a", 0.7), hit("c", 0.6), hit("d", 0.5)];
        assert_eq!(ids(&rank_documents(&hits, 3)), [("a", 0.9), ("b", 0.8), ("c", 0.6)]);
    }

    #[test]
    fn ranked_by_score_the_order_is_that_of_the_hits() {
        let hits = [hit("a", 0.5), hit("b", 0.5), hit("c", 0.9), hit("d", 0.1)];
        let mut ranking = rank_documents(&hits, 9);
        let below = 0.5_f32.next_down();
        let expected = [("a", 0.5), ("b", below), ("c", below.next_down()), ("d", 0.1)];
        assert_eq!(ids(&ranking), expected);
        sort_as_trec(&mut ranking);
        assert_eq!(ids(&ranking), expected);
    }

    #[test]
    fn a_run_has_six_columns() {
        let mut run = String::new();
        let ranking = rank_documents(&[hit("my file.md", 0.25), hit("b", -1.5)], 9);
        write_run(&mut run, "q 1", &ranking);
        assert_eq!(run, "q%201 Q0 my%20file.md 1 0.25 docent\nq%201 Q0 b 2 -1.5 docent\n");
    }
}
