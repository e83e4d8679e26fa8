//! Asks every question of a set and measures what comes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::EvaluationError;
use super::asking::{ANSWER_CHUNKS, Asked, Asking, Unanswered};
use super::metrics::{Levels, Metric, auroc, score_ranking};
use super::outcome::{
    Estimate, Evaluation, EvaluationSettings, IndexSummary, KindSummary, Latency, QuestionOutcome,
    RelevantDocument, Returned, SCHEMA, SetSummary, UnanswerableOutcome,
};
use super::passages::contains_quote;
use super::ranking::write_run;
use super::set::{Question, QuestionSet, judged_documents};
use super::significance::{RESAMPLES, SEED, interval_of_auroc, interval_of_mean, mean, percentile};
use crate::progress::{Progress, Unit};
use crate::retrieval::{Hit, Retriever, id_of_path};

/// Chunks that count for passage@5.
const PASSAGE_DEPTH: usize = 5;
/// Chunks of an answer that are kept for the report.
const RETURNED: usize = 5;
/// Letters of a chunk that are kept for the report.
const SNIPPET_CHARACTERS: usize = 160;

/// A retriever under test, and how to test it.
pub struct Evaluator<'work> {
    /// Answers the questions.
    pub retriever: &'work Retriever,
    /// Documents to rank for a question.
    pub limit: usize,
    /// Whether to ask in the set's other wordings as well.
    pub with_rephrasings: bool,
    /// The grade from which on a document is relevant, where it is not 1.
    pub relevant_from: Option<i32>,
    /// Parts of the ranking that the retriever leaves out, for the record.
    pub without: Vec<String>,
    /// Who watches.
    pub progress: &'work dyn Progress,
}

/// What an evaluation leaves behind.
pub struct Evaluated {
    /// Aggregates and questions.
    pub evaluation: Evaluation,
    /// The rankings as a TREC run.
    pub run: String,
}

impl Evaluator<'_> {
    /// Asks every question of `set`, one after the other, so that latencies are those of a quiet
    /// server.
    ///
    /// # Errors
    /// Where no judged document is in the index, or the retriever fails.
    pub fn evaluate(&self, set: &QuestionSet) -> Result<Evaluated, EvaluationError> {
        let (judged, missing) = self.coverage(set)?;
        let levels = self.levels(set);
        let asking =
            Asking { retriever: self.retriever, limit: self.limit, with_rephrasings: self.with_rephrasings };
        let mut run = String::new();
        let mut questions = Vec::with_capacity(set.questions.len());
        let total = set.questions.len() + set.unanswerable.len();
        set.questions.first().into_iter().for_each(|first| asking.warm_up(first));
        self.progress.begin("asking", Some(total as u64), Unit::Questions);
        for question in &set.questions {
            questions.push(answered(&asking, question, levels, &mut run)?);
            self.progress.advance(1);
        }
        let mut unanswerable = Vec::with_capacity(set.unanswerable.len());
        for question in &set.unanswerable {
            unanswerable.push(unanswered(&asking, question)?);
            self.progress.advance(1);
        }
        self.progress.finish();
        let summary = SetSummary {
            name: set.name.clone(),
            questions: questions.len(),
            unanswerable: unanswerable.len(),
            unjudged: set.unjudged,
            judged_documents: judged,
            judged_documents_not_indexed: missing,
        };
        Ok(Evaluated { evaluation: self.summed_up(summary, levels, questions, unanswerable), run })
    }

    fn levels(&self, set: &QuestionSet) -> Levels {
        let grades = set.questions.iter().flat_map(|question| question.judgements.values());
        let usual = Levels::for_highest_grade(grades.copied().max().unwrap_or(1));
        Levels { relevant_from: self.relevant_from.unwrap_or(usual.relevant_from), ..usual }
    }

    /// How many documents are judged, and how many of them the index does not have.
    fn coverage(&self, set: &QuestionSet) -> Result<(usize, usize), EvaluationError> {
        let index = self.retriever.index();
        let mut missing: BTreeSet<&str> = judged_documents(&set.questions).into_iter().collect();
        let judged = missing.len();
        let mut indexed = None;
        for number in 0..index.document_count() {
            let path = index.document(number).map_err(|error| EvaluationError::Index(error.into()))?.path;
            missing.remove(id_of_path(path.as_str()).as_ref());
            indexed.get_or_insert(path);
        }
        match (missing.first(), indexed) {
            (Some(example), Some(indexed)) if missing.len() == judged => {
                Err(EvaluationError::NothingIndexed {
                    judged,
                    example: (*example).to_owned(),
                    indexed: id_of_path(indexed.as_str()).into_owned(),
                })
            }
            _ => Ok((judged, missing.len())),
        }
    }

    fn summed_up(
        &self,
        set: SetSummary,
        levels: Levels,
        questions: Vec<QuestionOutcome>,
        unanswerable: Vec<UnanswerableOutcome>,
    ) -> Evaluation {
        let manifest = self.retriever.index().manifest();
        let all: Vec<&QuestionOutcome> = questions.iter().collect();
        let mut metrics = estimates(&all);
        metrics.extend(auroc_estimate(&questions, &unanswerable).map(|estimate| (Metric::Auroc, estimate)));
        Evaluation {
            schema: SCHEMA,
            docent: env!("CARGO_PKG_VERSION").to_owned(),
            evaluated_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            set,
            index: IndexSummary {
                generation: manifest.generation,
                indexed_at: manifest.indexed_at.clone(),
                model: manifest.model.name.clone(),
                model_sha256: manifest.model.sha256.clone(),
                documents: manifest.counts.documents,
                chunks: manifest.counts.chunks,
            },
            settings: EvaluationSettings {
                limit: self.limit,
                answer_chunks: ANSWER_CHUNKS,
                levels,
                with_rephrasings: self.with_rephrasings,
                without: self.without.clone(),
                resamples: RESAMPLES,
                seed: SEED,
            },
            metrics,
            by_kind: by_kind(&questions),
            latency_ms: latencies(&questions),
            peak_memory_bytes: super::memory::peak_memory_bytes(),
            questions,
            unanswerable,
        }
    }
}

fn failed(id: &str, source: crate::retrieval::RetrievalError) -> EvaluationError {
    EvaluationError::Retrieval { id: id.to_owned(), source }
}

/// Asks; a question whose form the retriever refuses is one that nothing was found for.
fn ask(asking: &Asking, question: &Question) -> Result<(Asked, Option<String>), EvaluationError> {
    match asking.ask(question) {
        Ok(asked) => Ok((asked, None)),
        Err(Unanswered::Form(error)) => Ok((Asked::default(), Some(error.to_string()))),
        Err(Unanswered::Failed(error)) => Err(failed(&question.id, error)),
    }
}

fn answered(
    asking: &Asking,
    question: &Question,
    levels: Levels,
    run: &mut String,
) -> Result<QuestionOutcome, EvaluationError> {
    let (asked, error) = ask(asking, question)?;
    write_run(run, &question.id, &asked.ranking);
    let ranked: Vec<&str> = asked.ranking.iter().map(|document| document.id.as_str()).collect();
    let mut metrics = score_ranking(&ranked, &question.judgements, levels);
    if !question.quotes.is_empty() {
        let found = contains_quote(&asked.hits, &question.quotes, PASSAGE_DEPTH);
        metrics.insert(Metric::Passage5, f64::from(u8::from(found)));
    }
    Ok(QuestionOutcome {
        id: question.id.clone(),
        query: question.text.clone(),
        kind: question.kind.clone(),
        metrics,
        relevant: relevant_documents(question, &ranked),
        returned: returned(question, &asked.hits),
        confidence: asked.confidence,
        latency_ms: asked.latency_ms,
        error,
    })
}

fn unanswered(asking: &Asking, question: &Question) -> Result<UnanswerableOutcome, EvaluationError> {
    let (asked, _) = ask(asking, question)?;
    Ok(UnanswerableOutcome {
        id: question.id.clone(),
        query: question.text.clone(),
        confidence: asked.confidence,
        returned: returned(question, &asked.hits),
    })
}

fn relevant_documents(question: &Question, ranked: &[&str]) -> Vec<RelevantDocument> {
    let ranks: HashMap<&str, usize> =
        ranked.iter().enumerate().map(|(index, document)| (*document, index + 1)).collect();
    let mut relevant: Vec<RelevantDocument> = question
        .judgements
        .iter()
        .filter(|(_, grade)| **grade > 0)
        .map(|(document, grade)| RelevantDocument {
            document: document.clone(),
            grade: *grade,
            rank: ranks.get(document.as_str()).copied(),
        })
        .collect();
    relevant.sort_by_key(|document| std::cmp::Reverse(document.grade));
    relevant
}

fn returned(question: &Question, hits: &[Hit]) -> Vec<Returned> {
    let returned = |hit: &Hit| {
        let document = id_of_path(hit.path.as_str()).into_owned();
        let mut headings = vec![hit.title.as_str()];
        headings.extend(hit.breadcrumb.iter().map(String::as_str));
        headings.retain(|heading| !heading.is_empty());
        Returned {
            grade: question.judgements.get(&document).copied(),
            document,
            breadcrumb: headings.join(" > "),
            start_line: hit.start_line,
            end_line: hit.end_line,
            score: hit.score,
            quoted: contains_quote(std::slice::from_ref(hit), &question.quotes, 1),
            words: first_words(&hit.text),
        }
    };
    hits.iter().take(RETURNED).map(returned).collect()
}

fn first_words(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.chars().count() + word.chars().count() >= SNIPPET_CHARACTERS {
            if words.is_empty() {
                words.extend(word.chars().take(SNIPPET_CHARACTERS));
            }
            words.push('…');
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

fn estimates(questions: &[&QuestionOutcome]) -> BTreeMap<Metric, Estimate> {
    let mut estimates = BTreeMap::new();
    for metric in Metric::ALL {
        let values: Vec<f64> =
            questions.iter().filter_map(|question| question.metrics.get(&metric).copied()).collect();
        if !values.is_empty() {
            let interval = interval_of_mean(&values, SEED);
            let (low, high) = (interval.low, interval.high);
            estimates.insert(metric, Estimate { value: mean(&values), low, high, questions: values.len() });
        }
    }
    estimates
}

fn auroc_estimate(questions: &[QuestionOutcome], unanswerable: &[UnanswerableOutcome]) -> Option<Estimate> {
    let positives: Vec<f64> = questions.iter().map(|question| question.confidence).collect();
    let negatives: Vec<f64> = unanswerable.iter().map(|question| question.confidence).collect();
    let interval = interval_of_auroc(&positives, &negatives, SEED)?;
    Some(Estimate {
        value: auroc(&positives, &negatives)?,
        low: interval.low,
        high: interval.high,
        questions: positives.len() + negatives.len(),
    })
}

fn by_kind(questions: &[QuestionOutcome]) -> BTreeMap<String, KindSummary> {
    let mut kinds: BTreeMap<String, Vec<&QuestionOutcome>> = BTreeMap::new();
    for question in questions {
        if let Some(kind) = &question.kind {
            kinds.entry(kind.clone()).or_default().push(question);
        }
    }
    let summary = |questions: Vec<&QuestionOutcome>| KindSummary {
        questions: questions.len(),
        metrics: estimates(&questions),
    };
    kinds.into_iter().map(|(kind, questions)| (kind, summary(questions))).collect()
}

fn latencies(questions: &[QuestionOutcome]) -> BTreeMap<String, Latency> {
    let mut stages: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (stage, milliseconds) in questions.iter().flat_map(|question| &question.latency_ms) {
        stages.entry(stage.clone()).or_default().push(*milliseconds);
    }
    let latency = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        Latency {
            mean: mean(&values),
            p50: percentile(&values, 0.5),
            p95: percentile(&values, 0.95),
            p99: percentile(&values, 0.99),
            max: percentile(&values, 1.0),
        }
    };
    stages.into_iter().map(|(stage, values)| (stage, latency(values))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_whole_words() {
        assert_eq!(first_words(" a\n b "), "a b");
        let long = first_words(&"word ".repeat(99));
        assert!(long.ends_with("word…") && long.chars().count() <= SNIPPET_CHARACTERS + 1, "{long}");
        assert_eq!(first_words(&"é".repeat(500)).chars().count(), SNIPPET_CHARACTERS + 1);
    }
}
