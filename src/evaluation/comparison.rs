//! What changed from one evaluation to another.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::EvaluationError;
use super::metrics::{Metric, auroc};
use super::outcome::{Evaluation, IndexSummary, QuestionOutcome, Returned, UnanswerableOutcome};
use super::significance::{Interval, SEED, mean, paired_test};

/// Version of the JSON form of a [`Comparison`].
pub const COMPARISON_SCHEMA: u32 = 1;

/// Differences between two evaluations over the questions that both asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// See [`COMPARISON_SCHEMA`].
    pub schema: u32,
    /// Version of docent.
    pub docent: String,
    /// The one compared with.
    pub first: Side,
    /// The one compared.
    pub second: Side,
    /// Questions that both asked.
    pub questions: usize,
    /// Questions that only the first asked.
    pub only_first: usize,
    /// Questions that only the second asked.
    pub only_second: usize,
    /// By measure.
    pub metrics: BTreeMap<Metric, Difference>,
    /// Questions whose ranking is better or worse, by nDCG@10.
    pub ndcg: Moves,
    /// Questions that are answered in the first five documents now, and were not, and the reverse.
    pub hit: Moves,
    /// The questions that moved in either, the greatest loss first.
    pub moved: Vec<Moved>,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Its file.
    pub file: String,
    /// The set.
    pub set: String,
    /// When it was made, RFC 3339 in UTC.
    pub evaluated_at: String,
    /// The version of docent that made it.
    pub docent: String,
    /// What was asked of.
    pub index: IndexSummary,
    /// Whether each question was asked in several wordings.
    pub with_rephrasings: bool,
    /// Parts of the ranking that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// A measure in both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of the first over the common questions.
    pub first: f64,
    /// Mean of the second.
    pub second: f64,
    /// Second less first.
    pub difference: f64,
    /// Lower end of the 95 % interval of the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Of the randomisation test, two-sided.
    pub p_value: f64,
    /// Questions compared.
    pub questions: usize,
}

/// Ids of questions by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moves {
    /// Better in the second.
    pub gained: Vec<String>,
    /// Worse in the second.
    pub lost: Vec<String>,
}

/// A question that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Its id.
    pub id: String,
    /// The question.
    pub query: String,
    /// Its kind, where the set has kinds.
    pub kind: Option<String>,
    /// nDCG@10 in the first and the second.
    pub ndcg: (f64, f64),
    /// hit@5 in the first and the second.
    pub hit: (f64, f64),
    /// The first chunk returned by the first and the second.
    pub top: (Option<Returned>, Option<Returned>),
}

/// A measure that fell by more than is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Regression {
    /// Which.
    pub metric: Metric,
    /// In the baseline.
    pub baseline: f64,
    /// Now.
    pub now: f64,
}

type Pair<'a> = (&'a QuestionOutcome, &'a QuestionOutcome);

/// Smaller differences are rounding.
const NOTHING: f64 = 1e-9;

impl Comparison {
    /// Compares `second` with `first`, each with the file that it came from.
    ///
    /// # Errors
    /// Where they have no question in common, or were measured in other ways.
    pub fn of(first: (&Path, &Evaluation), second: (&Path, &Evaluation)) -> Result<Self, EvaluationError> {
        ensure_alike(first, second.1)?;
        let pairs = common_questions(first.1, second.1);
        if pairs.is_empty() {
            let (first, second) = (first.0.to_owned(), second.0.to_owned());
            return Err(EvaluationError::NothingInCommon { first, second });
        }
        let mut moved: Vec<Moved> = pairs.iter().map(|pair| moved(*pair)).filter(Moved::is_one).collect();
        moved.sort_by(|one, other| one.gain().total_cmp(&other.gain()));
        Ok(Self {
            schema: COMPARISON_SCHEMA,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            first: Side::of(first.0, first.1),
            second: Side::of(second.0, second.1),
            questions: pairs.len(),
            only_first: first.1.questions.len() - pairs.len(),
            only_second: second.1.questions.len() - pairs.len(),
            metrics: differences(&pairs),
            ndcg: Moves::of(&pairs, Metric::Ndcg10),
            hit: Moves::of(&pairs, Metric::Hit5),
            moved,
        })
    }
}

impl Side {
    fn of(path: &Path, evaluation: &Evaluation) -> Self {
        Self {
            file: path.display().to_string(),
            set: evaluation.set.name.clone(),
            evaluated_at: evaluation.evaluated_at.clone(),
            docent: evaluation.docent.clone(),
            index: evaluation.index.clone(),
            with_rephrasings: evaluation.settings.with_rephrasings,
            without: evaluation.settings.without.clone(),
        }
    }
}

/// The same ranking has other figures by other levels, or to another depth.
fn ensure_alike(first: (&Path, &Evaluation), second: &Evaluation) -> Result<(), EvaluationError> {
    let measured = |evaluation: &Evaluation| (evaluation.settings.levels, evaluation.settings.limit);
    if measured(first.1) == measured(second) {
        return Ok(());
    }
    let told = |evaluation: &Evaluation| {
        let (levels, limit) = measured(evaluation);
        let (relevant, hit) = (levels.relevant_from, levels.hit_from);
        format!("{limit} documents, relevant from grade {relevant} and hits from {hit}")
    };
    Err(EvaluationError::MeasuredOtherwise {
        path: first.0.to_owned(),
        there: told(first.1),
        here: told(second),
    })
}

/// Questions are the same where their ids and their words are.
fn common_questions<'a>(first: &'a Evaluation, second: &'a Evaluation) -> Vec<Pair<'a>> {
    let by_id: HashMap<&str, &QuestionOutcome> =
        second.questions.iter().map(|question| (question.id.as_str(), question)).collect();
    let pair = |question: &'a QuestionOutcome| {
        let other = *by_id.get(question.id.as_str())?;
        (other.query == question.query).then_some((question, other))
    };
    first.questions.iter().filter_map(pair).collect()
}

fn differences(pairs: &[Pair]) -> BTreeMap<Metric, Difference> {
    let mut differences = BTreeMap::new();
    for metric in Metric::ALL {
        let values = pairs.iter().filter_map(|(first, second)| {
            Some((*first.metrics.get(&metric)?, *second.metrics.get(&metric)?))
        });
        let (first, second): (Vec<f64>, Vec<f64>) = values.unzip();
        if first.is_empty() {
            continue;
        }
        let test = paired_test(&first, &second, SEED);
        let Interval { low, high } = test.interval;
        let difference = Difference {
            first: mean(&first),
            second: mean(&second),
            difference: test.difference,
            low,
            high,
            p_value: test.p_value,
            questions: first.len(),
        };
        differences.insert(metric, difference);
    }
    differences
}

fn value(question: &QuestionOutcome, metric: Metric) -> f64 {
    question.metrics.get(&metric).copied().unwrap_or(0.0)
}

impl Moves {
    fn of(pairs: &[Pair], metric: Metric) -> Self {
        let mut moves = Self::default();
        for (first, second) in pairs {
            let change = value(second, metric) - value(first, metric);
            if change > NOTHING {
                moves.gained.push(first.id.clone());
            } else if change < -NOTHING {
                moves.lost.push(first.id.clone());
            }
        }
        moves
    }
}

fn moved((first, second): Pair) -> Moved {
    let both = |metric| (value(first, metric), value(second, metric));
    Moved {
        id: first.id.clone(),
        query: first.query.clone(),
        kind: first.kind.clone(),
        ndcg: both(Metric::Ndcg10),
        hit: both(Metric::Hit5),
        top: (first.returned.first().cloned(), second.returned.first().cloned()),
    }
}

impl Moved {
    /// By how much nDCG@10 rose.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.ndcg.1 - self.ndcg.0
    }

    fn is_one(&self) -> bool {
        self.gain().abs() > NOTHING || (self.hit.1 - self.hit.0).abs() > NOTHING
    }
}

/// The measures of `now`, over the questions of the baseline, that are lower than in it by more than `tolerance`.
///
/// # Errors
/// Where the baseline has questions that were not asked now, or a measure that was not taken of one of them: its
/// means then mean something else. Where it was measured in another way.
pub fn regressions(
    baseline: (&Path, &Evaluation),
    now: &Evaluation,
    tolerance: f64,
) -> Result<Vec<Regression>, EvaluationError> {
    ensure_alike(baseline, now)?;
    let (path, baseline) = baseline;
    let pairs = common_questions(baseline, now);
    let unanswerable = common_unanswerable(baseline, now);
    let total = baseline.questions.len() + baseline.unanswerable.len();
    let is_measured =
        |(before, now): &&Pair| before.metrics.keys().all(|metric| now.metrics.contains_key(metric));
    let measured = pairs.iter().filter(is_measured).count() + unanswerable.len();
    if measured < total {
        return Err(EvaluationError::OtherQuestions {
            path: path.to_owned(),
            missing: total - measured,
            total,
        });
    }
    let fell = baseline.metrics.iter().filter_map(|(metric, before)| {
        let now = if *metric == Metric::Auroc {
            let positives: Vec<f64> = pairs.iter().map(|(_, now)| now.confidence).collect();
            auroc(&positives, &unanswerable)?
        } else {
            let asked = pairs.iter().filter(|(before, _)| before.metrics.contains_key(metric));
            mean(&asked.map(|(_, now)| value(now, *metric)).collect::<Vec<_>>())
        };
        let fell = before.value - now > tolerance + NOTHING;
        fell.then_some(Regression { metric: *metric, baseline: before.value, now })
    });
    Ok(fell.collect())
}

/// How sure `now` is of the questions without an answer that the baseline has too.
fn common_unanswerable(baseline: &Evaluation, now: &Evaluation) -> Vec<f64> {
    let by_id: HashMap<&str, &UnanswerableOutcome> =
        now.unanswerable.iter().map(|question| (question.id.as_str(), question)).collect();
    let asked = baseline
        .unanswerable
        .iter()
        .filter_map(|question| by_id.get(question.id.as_str()).filter(|other| other.query == question.query));
    asked.map(|question| question.confidence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::tests::evaluation;

    const PATHS: [&str; 2] = ["first.json", "second.json"];

    fn compare(first: &Evaluation, second: &Evaluation) -> Result<Comparison, EvaluationError> {
        Comparison::of((Path::new(PATHS[0]), first), (Path::new(PATHS[1]), second))
    }

    #[test]
    fn questions_gained_and_lost_are_named() {
        let first = evaluation(&[("a", 1.0, 1.0), ("b", 0.5, 1.0), ("c", 0.2, 0.0), ("x", 0.0, 0.0)]);
        let second = evaluation(&[("c", 0.6, 1.0), ("b", 0.5, 1.0), ("a", 0.4, 1.0), ("y", 1.0, 1.0)]);
        let comparison = compare(&first, &second).unwrap();
        assert_eq!((comparison.questions, comparison.only_first, comparison.only_second), (3, 1, 1));
        assert_eq!(comparison.ndcg, Moves { gained: vec!["c".into()], lost: vec!["a".into()] });
        assert_eq!(comparison.hit, Moves { gained: vec!["c".into()], lost: vec![] });
        let order: Vec<&str> = comparison.moved.iter().map(|moved| moved.id.as_str()).collect();
        assert_eq!(order, ["a", "c"]);
        let ndcg = comparison.metrics[&Metric::Ndcg10];
        assert!((ndcg.difference - (0.4 - 0.6) / 3.0).abs() < 1e-12, "{ndcg:?}");
        assert!(ndcg.low < 0.0 && ndcg.high > 0.0 && ndcg.p_value > 0.5, "{ndcg:?}");
    }

    #[test]
    fn other_questions_cannot_be_compared() {
        let error = compare(&evaluation(&[("a", 1.0, 1.0)]), &evaluation(&[("b", 1.0, 1.0)])).unwrap_err();
        assert!(matches!(error, EvaluationError::NothingInCommon { .. }));
    }

    #[test]
    fn other_words_are_another_question_and_other_depths_another_measure() {
        let first = evaluation(&[("a", 1.0, 1.0), ("b", 0.5, 1.0)]);
        let mut second = first.clone();
        second.questions[1].query.push_str(" really");
        let comparison = compare(&first, &second).unwrap();
        assert_eq!((comparison.questions, comparison.only_first, comparison.only_second), (1, 1, 1));
        second.settings.limit = 10;
        let error = compare(&first, &second).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`first.json` was measured otherwise: 100 documents, relevant from grade 1 and hits from 2; now it is 10 documents, relevant from grade 1 and hits from 2"
        );
    }

    #[test]
    fn further_questions_change_nothing_and_a_measure_that_is_gone_is_told() {
        let before = evaluation(&[("a", 1.0, 1.0), ("b", 1.0, 1.0)]);
        let regressions = |now: &Evaluation| regressions((Path::new("b.json"), &before), now, 0.0);
        let harder = evaluation(&[("a", 1.0, 1.0), ("b", 1.0, 1.0), ("c", 0.0, 0.0)]);
        assert_eq!(regressions(&harder).unwrap(), []);
        let easier = evaluation(&[("a", 1.0, 1.0), ("b", 0.5, 1.0), ("c", 1.5, 1.0)]);
        assert_eq!(regressions(&easier).unwrap().len(), 1);
        let mut unmeasured = before.clone();
        unmeasured.questions[0].metrics.remove(&Metric::Hit5);
        assert!(matches!(regressions(&unmeasured), Err(EvaluationError::OtherQuestions { missing: 1, .. })));
    }

    #[test]
    fn what_fell_by_more_than_the_tolerance_is_a_regression() {
        let before = evaluation(&[("a", 0.8, 1.0), ("b", 0.6, 1.0)]);
        let now = evaluation(&[("a", 0.7, 1.0), ("b", 0.6, 0.0), ("c", 0.65, 0.5)]);
        let names = |tolerance: f64| -> Vec<Metric> {
            let found = regressions((Path::new("b.json"), &before), &now, tolerance).unwrap();
            found.iter().map(|regression| regression.metric).collect()
        };
        assert_eq!(names(0.0), [Metric::Ndcg10, Metric::Hit5]);
        assert_eq!(names(0.05), [Metric::Hit5]);
        assert_eq!(names(0.5), []);
        let error = regressions((Path::new("n.json"), &now), &before, 0.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the baseline `n.json` is over other questions: 1 of its 3 were not asked now"
        );
    }
}
