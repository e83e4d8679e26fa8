//! Retrieval measures, as `trec_eval` computes them.
//!
//! K. Järvelin and J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4),
//! 2002, for nDCG (gain = grade, discount = log2(rank + 1)); C. Buckley and E. Voorhees, "Retrieval
//! system evaluation", in TREC: Experiment and Evaluation in Information Retrieval, 2005, for the
//! others. A document that nobody judged is irrelevant.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A measure of a ranking, or of a set of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// Normalised discounted cumulative gain of the first ten documents.
    #[serde(rename = "nDCG@10")]
    Ndcg10,
    /// Mean average precision.
    #[serde(rename = "MAP")]
    Map,
    /// Reciprocal rank of the first relevant document, 0 beyond the tenth.
    #[serde(rename = "MRR@10")]
    Mrr10,
    /// The part of the relevant documents that is among the first five.
    #[serde(rename = "Recall@5")]
    Recall5,
    /// The same for ten.
    #[serde(rename = "Recall@10")]
    Recall10,
    /// The same for a hundred.
    #[serde(rename = "Recall@100")]
    Recall100,
    /// Whether the first document answers.
    #[serde(rename = "hit@1")]
    Hit1,
    /// Whether one of the first five documents answers.
    #[serde(rename = "hit@5")]
    Hit5,
    /// Whether one of the first five chunks contains a quote that carries the answer.
    #[serde(rename = "passage@5")]
    Passage5,
    /// The chance that an answerable question gets a higher confidence than an unanswerable one.
    #[serde(rename = "AUROC")]
    Auroc,
}

impl Metric {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Ndcg10,
        Self::Map,
        Self::Mrr10,
        Self::Recall5,
        Self::Recall10,
        Self::Recall100,
        Self::Hit1,
        Self::Hit5,
        Self::Passage5,
        Self::Auroc,
    ];

    /// Its name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndcg10 => "nDCG@10",
            Self::Map => "MAP",
            Self::Mrr10 => "MRR@10",
            Self::Recall5 => "Recall@5",
            Self::Recall10 => "Recall@10",
            Self::Recall100 => "Recall@100",
            Self::Hit1 => "hit@1",
            Self::Hit5 => "hit@5",
            Self::Passage5 => "passage@5",
            Self::Auroc => "AUROC",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The measures of one question.
pub type Scores = BTreeMap<Metric, f64>;

/// From which grade on a document counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// As relevant, for MAP, MRR and recall: `trec_eval`'s `-l`.
    pub relevant_from: i32,
    /// As an answer, for hit@1 and hit@5.
    pub hit_from: i32,
}

impl Levels {
    /// Any positive grade is relevant. Where grades go up to 3 (1 = related, 2 = a good part of the
    /// answer, 3 = all of it) a hit must answer: grade 2 or more.
    #[must_use]
    pub fn for_highest_grade(highest: i32) -> Self {
        Self { relevant_from: 1, hit_from: if highest >= 3 { 2 } else { 1 } }
    }
}

/// The measures of a ranking of documents, best first, against the judgements.
#[must_use]
pub fn score_ranking(ranking: &[&str], judgements: &BTreeMap<String, i32>, levels: Levels) -> Scores {
    let grades: Vec<i32> =
        ranking.iter().map(|document| judgements.get(*document).copied().unwrap_or(0)).collect();
    let relevant = |grade: &i32| *grade >= levels.relevant_from;
    let hit = |grade: &i32| *grade >= levels.hit_from;
    let total = judgements.values().filter(|grade| relevant(grade)).count();
    let recall = |depth: usize| {
        let found = grades.iter().take(depth).filter(|grade| relevant(grade)).count();
        ratio(found as f64, total)
    };
    let hit_at = |depth: usize| f64::from(u8::from(grades.iter().take(depth).any(hit)));
    Scores::from([
        (Metric::Ndcg10, ndcg(&grades, judgements, 10)),
        (Metric::Map, average_precision(&grades, total, relevant)),
        (Metric::Mrr10, reciprocal_rank(&grades, 10, relevant)),
        (Metric::Recall5, recall(5)),
        (Metric::Recall10, recall(10)),
        (Metric::Recall100, recall(100)),
        (Metric::Hit1, hit_at(1)),
        (Metric::Hit5, hit_at(5)),
    ])
}

fn ratio(part: f64, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}

fn ndcg(grades: &[i32], judgements: &BTreeMap<String, i32>, depth: usize) -> f64 {
    let mut ideal: Vec<i32> = judgements.values().copied().collect();
    ideal.sort_unstable_by(|first, second| second.cmp(first));
    let best = discounted_gain(&ideal, depth);
    if best > 0.0 { discounted_gain(grades, depth) / best } else { 0.0 }
}

fn discounted_gain(grades: &[i32], depth: usize) -> f64 {
    let gains = grades.iter().take(depth).enumerate();
    gains.map(|(index, grade)| f64::from((*grade).max(0)) / ((index + 2) as f64).log2()).sum()
}

fn average_precision(grades: &[i32], total: usize, relevant: impl Fn(&i32) -> bool) -> f64 {
    let mut found = 0;
    let mut sum = 0.0;
    for (index, _) in grades.iter().enumerate().filter(|(_, grade)| relevant(grade)) {
        found += 1;
        sum += f64::from(found) / (index + 1) as f64;
    }
    ratio(sum, total)
}

fn reciprocal_rank(grades: &[i32], depth: usize, relevant: impl Fn(&i32) -> bool) -> f64 {
    grades.iter().take(depth).position(relevant).map_or(0.0, |index| 1.0 / (index + 1) as f64)
}

/// The chance that a random positive has a higher value than a random negative, equal values
/// counting half (T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27,
/// 2006). Nothing where one side is empty.
#[must_use]
pub fn auroc(positives: &[f64], negatives: &[f64]) -> Option<f64> {
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let mut sorted = negatives.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let wins: f64 = positives
        .iter()
        .map(|value| {
            let below = sorted.partition_point(|negative| negative < value);
            let equal = sorted.partition_point(|negative| negative <= value) - below;
            below as f64 + equal as f64 / 2.0
        })
        .sum();
    Some(wins / (positives.len() as f64 * negatives.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(grades: &[(&str, i32)]) -> BTreeMap<String, i32> {
        grades.iter().map(|(document, grade)| ((*document).to_owned(), *grade)).collect()
    }

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    const LEVELS: Levels = Levels { relevant_from: 1, hit_from: 2 };

    #[test]
    fn a_ranking_worked_by_hand() {
        // Grades in order of rank: 1, 0 (unjudged), 3, -1. One relevant document (2) is missing.
        let judgements = judged(&[("a", 1), ("b", 3), ("c", 2), ("d", -1)]);
        let scores = score_ranking(&["a", "x", "b", "d"], &judgements, LEVELS);
        let gain = 1.0 + 3.0 / 2.0;
        let ideal = 3.0 + 2.0 / 3f64.log2() + 1.0 / 2.0;
        close(scores[&Metric::Ndcg10], gain / ideal);
        close(scores[&Metric::Map], (1.0 + 2.0 / 3.0) / 3.0);
        close(scores[&Metric::Mrr10], 1.0);
        close(scores[&Metric::Recall5], 2.0 / 3.0);
        close(scores[&Metric::Hit1], 0.0);
        close(scores[&Metric::Hit5], 1.0);
    }

    #[test]
    fn depth_is_where_it_says() {
        let ranking: Vec<String> = (1..=101).map(|rank| format!("d{rank}")).collect();
        let ranking: Vec<&str> = ranking.iter().map(String::as_str).collect();
        let at = |rank: usize| {
            score_ranking(&ranking, &judged(&[(&format!("d{rank}"), 1)]), Levels::for_highest_grade(1))
        };
        close(at(10)[&Metric::Mrr10], 0.1);
        close(at(11)[&Metric::Mrr10], 0.0);
        close(at(10)[&Metric::Ndcg10], 1.0 / 11f64.log2());
        close(at(11)[&Metric::Ndcg10], 0.0);
        close(at(11)[&Metric::Map], 1.0 / 11.0);
        close(at(5)[&Metric::Hit5], 1.0);
        close(at(6)[&Metric::Hit5], 0.0);
        close(at(6)[&Metric::Recall10], 1.0);
        close(at(100)[&Metric::Recall100], 1.0);
        close(at(101)[&Metric::Recall100], 0.0);
    }

    #[test]
    fn nothing_relevant_or_nothing_returned_is_zero() {
        for (ranking, judgements) in [(vec!["a"], judged(&[("a", 0)])), (vec![], judged(&[("a", 1)]))] {
            let scores = score_ranking(&ranking, &judgements, LEVELS);
            assert!(scores.values().all(|score| *score == 0.0), "{scores:?}");
        }
    }

    #[test]
    fn a_stricter_level_leaves_ndcg_alone() {
        let judgements = judged(&[("a", 1), ("b", 2)]);
        let strict = score_ranking(&["a", "b"], &judgements, Levels { relevant_from: 2, hit_from: 2 });
        let usual = score_ranking(&["a", "b"], &judgements, LEVELS);
        close(strict[&Metric::Ndcg10], usual[&Metric::Ndcg10]);
        close(strict[&Metric::Mrr10], 0.5);
        close(strict[&Metric::Map], 0.5);
        close(usual[&Metric::Map], 1.0);
    }

    #[test]
    fn hits_must_answer_where_grades_say_how_well() {
        assert_eq!(Levels::for_highest_grade(3), Levels { relevant_from: 1, hit_from: 2 });
        assert_eq!(Levels::for_highest_grade(2), Levels { relevant_from: 1, hit_from: 1 });
        assert_eq!(Levels::for_highest_grade(1), Levels { relevant_from: 1, hit_from: 1 });
    }

    #[test]
    fn auroc_worked_by_hand() {
        // 0.9 beats both, 0.4 beats one and ties with none, 0.5 ties with one and beats the other.
        close(auroc(&[0.9, 0.4, 0.5], &[0.5, 0.1]).unwrap(), (2.0 + 1.0 + 1.5) / 6.0);
        assert_eq!(auroc(&[1.0], &[]), None);
    }

    #[test]
    fn names_are_those_of_the_files() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_string(&metric).unwrap(), format!("\"{metric}\""));
        }
    }
}
