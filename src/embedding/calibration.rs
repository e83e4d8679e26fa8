//! Which form of a model's graph suits this machine: measured once, remembered beside the model.
//!
//! A form is accepted only where its vectors agree with those of the model's own file (or of its
//! full-precision form, where the file itself is in int8), and chosen only where it is the fastest.
//! Some processors saturate in int8 products (x86 without VNNI): the agreement shows it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::ModelSpec;
use super::graph::{self, Arithmetic};
use super::store::ModelFiles;
use super::{EmbedError, Embedder as _, Embedding, OnnxEmbedder, Role, Threads};

const RECORD_NAME: &str = ".calibration.toml";
const RECORD_HEAD: &str = "# How this model runs best on this machine, as `docent` measured it. May be deleted: it is measured again.\n\n";

/// The least mean cosine of pooled vectors to the reference, by arithmetic: f32 may differ by the
/// order of sums only; int8 steps of the activations cost about 0.005.
const LEAST_AGREEMENT_F32: f64 = 0.9999;
const LEAST_AGREEMENT_INT8: f64 = 0.98;
/// Another arithmetic than the file's own must be worth it.
const LEAST_GAIN_INT8: f64 = 1.1;
const ROUNDS: usize = 5;

/// What a calibration embeds: questions and passages as they come in documentation.
const SAMPLES: [&str; 6] = [
    "how long are deleted records kept?",
    "rotate signing keys without downtime",
    "Backups > Restoring\nA restore never overwrites the running database. It is written beside it under a new name, checked, \
     and only then exchanged with the old one, which is kept for seven days. To go back, run the same command with the old \
     name. Restores of more than 100 GB should be started from the machine that holds the archive, because the transfer \
     is the slowest part of the work.",
    "Configuration > Timeouts\n| key | default | meaning |\n|---|---|---|\n| `connect_timeout` | 5 s | waiting for the peer |\n\
     | `idle_timeout` | 60 s | a connection without traffic is closed |\n| `request_timeout` | 30 s | from the first byte to the last |",
    "Errors > 429 Too many requests\nYour key has used up its share for this minute. The header says how many seconds to wait. \
     Clients that retry at once are slowed down further; the libraries wait by themselves and give up after four attempts.",
    "```\nfn main() {\n    let listener = bind(\"127.0.0.1:0\");\n    for stream in listener.incoming() { handle(stream); }\n}\n```\n\
     The example takes one connection after the other. For many at once, give each a thread, or use an asynchronous runtime.",
];

/// How a model's graph is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is in the model's file.
    AsShipped,
    /// Built anew from the file's weights.
    Rebuilt(Arithmetic),
}

impl Form {
    /// The arithmetic, where docent chose it.
    #[must_use]
    pub fn arithmetic(self) -> Option<Arithmetic> {
        match self {
            Self::AsShipped => None,
            Self::Rebuilt(arithmetic) => Some(arithmetic),
        }
    }

    fn as_str(self) -> &'static str {
        self.arithmetic().map_or("as-shipped", Arithmetic::as_str)
    }

    fn from_str(text: &str) -> Option<Self> {
        let all = [Self::AsShipped, Self::Rebuilt(Arithmetic::F32), Self::Rebuilt(Arithmetic::Int8)];
        all.into_iter().find(|form| form.as_str() == text)
    }
}

/// What a form was measured to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The form.
    pub form: Form,
    /// The samples, one after the other, on one thread: processor time where the system tells it.
    pub time: Duration,
    /// Mean cosine of the samples' pooled vectors to the reference.
    pub agreement: f64,
}

/// A choice, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// What the model will be run as.
    pub form: Form,
    /// All forms that ran, the reference first.
    pub trials: Vec<Trial>,
    /// Why there is no other form than the file's, where that is so.
    pub only_as_shipped: Option<String>,
}

impl fmt::Display for Calibration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shipped = self.trials.first().map_or(0.0, |trial| trial.time.as_secs_f64());
        let has_shipped = self.trials.iter().any(|trial| trial.form == Form::AsShipped);
        let reason = self.only_as_shipped.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let chosen = self.trials.iter().find(|trial| trial.form == self.form);
        if let (Some(arithmetic), Some(trial)) = (self.form.arithmetic(), chosen) {
            let gain = shipped / trial.time.as_secs_f64().max(f64::MIN_POSITIVE);
            return write!(
                formatter,
                "runs in {} arithmetic, {gain:.1} x as fast as {} (cosine to full precision {:.4})",
                arithmetic.as_str(),
                if has_shipped { "the graph in its file" } else { "in f32" },
                trial.agreement
            );
        }
        write!(formatter, "runs as it is in its file{reason}")?;
        for Trial { form, time, agreement } in &self.trials {
            let milliseconds = time.as_secs_f64() * 1e3;
            write!(formatter, "; {}: {milliseconds:.1} ms, cosine {agreement:.5}", form.as_str())?;
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    model: String,
    processor: String,
    form: String,
}

/// The form that was chosen for this model on this machine; as shipped where none was.
#[must_use]
pub fn recorded(files: &ModelFiles) -> Form {
    let record = fs::read_to_string(record_path(files)).ok();
    let record = record.and_then(|text| toml::from_str::<Record>(&text).ok());
    let valid = record.filter(|record| {
        record.model == files.identity.to_string() && record.processor == processor().as_str()
    });
    valid.and_then(|record| Form::from_str(&record.form)).unwrap_or(Form::AsShipped)
}

/// Whether [`calibrate`] has been here, for this model and this machine.
#[must_use]
pub fn is_recorded(files: &ModelFiles) -> bool {
    let record = fs::read_to_string(record_path(files)).ok();
    let record = record.and_then(|text| toml::from_str::<Record>(&text).ok());
    record.is_some_and(|record| record.model == files.identity.to_string() && record.processor == processor())
}

/// Measures the forms of a model and remembers the best, or the one that is `wanted`. A folder
/// that cannot be written to is no error: the model is then run as shipped.
///
/// # Errors
/// Where the model does not run as it is, or not in the form that is wanted.
pub fn calibrate(
    spec: &ModelSpec,
    files: &ModelFiles,
    runtime: &Path,
    wanted: Option<Arithmetic>,
) -> Result<Calibration, EmbedError> {
    let load = |form| OnnxEmbedder::load_as(form, spec, files, runtime, Threads::for_throughput(1));
    // docent's own file is in the form for int8 already: there is no third way to run it.
    let is_own = graph::is_own(&files.model);
    let mut models = if is_own { Vec::new() } else { vec![(Form::AsShipped, load(Form::AsShipped)?)] };
    let rebuilt =
        |arithmetic| load(Form::Rebuilt(arithmetic)).map(|model| (Form::Rebuilt(arithmetic), model));
    let mut only_as_shipped = None;
    for arithmetic in [Arithmetic::F32, Arithmetic::Int8] {
        match rebuilt(arithmetic) {
            Ok(model) => models.push(model),
            Err(error) if is_own || wanted == Some(arithmetic) => return Err(error),
            Err(error) => only_as_shipped = Some(error.to_string()),
        }
    }
    let trials = measure(&models)?;
    let form = wanted.map_or_else(|| best(&trials), Form::Rebuilt);
    remember(files, form);
    Ok(Calibration { form, trials, only_as_shipped })
}

/// Times all models in turn, so that a noisy machine is noisy to all of them.
fn measure(models: &[(Form, OnnxEmbedder)]) -> Result<Vec<Trial>, EmbedError> {
    let mut times = vec![Duration::MAX; models.len()];
    let mut vectors = vec![Vec::new(); models.len()];
    for _ in 0..ROUNDS {
        for (place, (_, model)) in models.iter().enumerate() {
            let start = thread_clock();
            let encoded: Result<Vec<_>, _> =
                SAMPLES.iter().map(|sample| model.encode(sample, Role::Passage)).collect();
            times[place] = times[place].min(thread_clock().saturating_sub(start));
            vectors[place] = encoded?.into_iter().map(|encoding| encoding.pooled).collect();
        }
    }
    // A file in int8 is judged by its own weights in full precision.
    let reference = models.iter().position(|(form, _)| *form == Form::Rebuilt(Arithmetic::F32)).unwrap_or(0);
    let agreement = |place: usize| {
        let pairs = vectors[place].iter().zip(&vectors[reference]);
        pairs.map(|(one, other)| cosine(one, other)).sum::<f64>() / SAMPLES.len() as f64
    };
    let trial = |(place, (form, _)): (usize, &(Form, OnnxEmbedder))| Trial {
        form: *form,
        time: times[place],
        agreement: agreement(place),
    };
    Ok(models.iter().enumerate().map(trial).collect())
}

/// Time that this thread has had of a processor: what else runs on the machine is left out.
#[cfg(unix)]
fn thread_clock() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the first call.
#[cfg(not(unix))]
fn thread_clock() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Of unit vectors.
fn cosine(one: &Embedding, other: &Embedding) -> f64 {
    one.as_slice().iter().zip(other.as_slice()).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
}

/// The fastest form whose vectors agree.
fn best(trials: &[Trial]) -> Form {
    let shipped = trials.iter().find(|trial| trial.form == Form::AsShipped);
    // Where the rebuilt graph in full precision does not give the file's own vectors, the network
    // was not understood.
    if shipped.is_some_and(|shipped| shipped.agreement < LEAST_AGREEMENT_F32) {
        return Form::AsShipped;
    }
    let cost = |trial: &Trial| {
        let gain = if trial.form == Form::Rebuilt(Arithmetic::Int8) { LEAST_GAIN_INT8 } else { 1.0 };
        trial.time.as_secs_f64() * gain
    };
    let accepted = trials.iter().filter(|trial| match trial.form {
        Form::Rebuilt(Arithmetic::F32) => true,
        Form::AsShipped | Form::Rebuilt(Arithmetic::Int8) => trial.agreement >= LEAST_AGREEMENT_INT8,
    });
    accepted
        .min_by(|one, other| cost(one).total_cmp(&cost(other)))
        .map_or(Form::AsShipped, |trial| trial.form)
}

fn remember(files: &ModelFiles, form: Form) {
    let record =
        Record { model: files.identity.to_string(), processor: processor(), form: form.as_str().to_owned() };
    let Ok(text) = toml::to_string(&record) else { return };
    // Only time is lost where it cannot be written.
    let _ = fs::write(record_path(files), format!("{RECORD_HEAD}{text}"));
}

fn record_path(files: &ModelFiles) -> PathBuf {
    files.model.with_file_name(RECORD_NAME)
}

/// What of the processor decides: a folder of models may be shared between machines.
fn processor() -> String {
    let mut name = std::env::consts::ARCH.to_owned();
    for feature in dot_product_features() {
        name.push(' ');
        name.push_str(feature);
    }
    name
}

#[cfg(target_arch = "x86_64")]
fn dot_product_features() -> Vec<&'static str> {
    let found = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avxvnni", std::is_x86_feature_detected!("avxvnni")),
        ("avx512vnni", std::is_x86_feature_detected!("avx512vnni")),
    ];
    found.into_iter().filter_map(|(name, found)| found.then_some(name)).collect()
}

#[cfg(target_arch = "aarch64")]
fn dot_product_features() -> Vec<&'static str> {
    let found = [
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
    ];
    found.into_iter().filter_map(|(name, found)| found.then_some(name)).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn dot_product_features() -> Vec<&'static str> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(form: Form, milliseconds: u64, agreement: f64) -> Trial {
        Trial { form, time: Duration::from_millis(milliseconds), agreement }
    }

    const F32: Form = Form::Rebuilt(Arithmetic::F32);
    const INT8: Form = Form::Rebuilt(Arithmetic::Int8);

    #[test]
    fn the_fastest_form_that_agrees_is_chosen() {
        let trials = [trial(Form::AsShipped, 50, 0.99999), trial(F32, 40, 1.0), trial(INT8, 12, 0.995)];
        assert_eq!(best(&trials), INT8);
    }

    #[test]
    fn int8_that_saturates_is_not_chosen() {
        let trials = [trial(Form::AsShipped, 50, 0.99999), trial(F32, 40, 1.0), trial(INT8, 12, 0.9)];
        assert_eq!(best(&trials), F32);
    }

    #[test]
    fn int8_that_gains_little_is_not_chosen() {
        let trials = [trial(Form::AsShipped, 50, 0.99999), trial(F32, 40, 1.0), trial(INT8, 39, 0.995)];
        assert_eq!(best(&trials), F32);
    }

    #[test]
    fn a_network_that_was_not_understood_is_run_as_shipped() {
        let trials = [trial(Form::AsShipped, 50, 0.4), trial(F32, 40, 1.0), trial(INT8, 12, 0.995)];
        assert_eq!(best(&trials), Form::AsShipped);
        assert_eq!(best(&trials[..1]), Form::AsShipped);
    }

    #[test]
    fn docent_s_own_file_is_run_in_f32_where_int8_saturates() {
        let trials = |agreement| [trial(F32, 40, 1.0), trial(INT8, 10, agreement)];
        assert_eq!(best(&trials(0.97)), F32);
        assert_eq!(best(&trials(0.99)), INT8);
    }

    #[test]
    fn forms_are_written_and_read_by_the_same_names() {
        for form in [Form::AsShipped, F32, INT8] {
            assert_eq!(Form::from_str(form.as_str()), Some(form));
        }
    }
}
