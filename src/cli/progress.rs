//! Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

use super::render::printable;
use crate::progress::{Progress, Unit};

/// On a pipe a long stage is heard of this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// A stage that is over sooner is not worth a line.
const SHORT: Duration = Duration::from_millis(200);

/// Tells the user how far the work is.
pub(super) struct Reporter {
    style: Style,
    stage: Mutex<Option<Stage>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Bars,
    Lines,
    Quiet,
}

struct Stage {
    name: String,
    unit: Unit,
    total: Option<u64>,
    done: u64,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Reporter {
    pub(super) fn new(quiet: bool) -> Self {
        let style = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Quiet,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        Self { style, stage: Mutex::new(None) }
    }

    /// Something that is said even to those who asked for quiet.
    pub(super) fn warn(&self, message: &str) {
        let tell = || {
            let _ = writeln!(std::io::stderr().lock(), "{}", printable(message));
        };
        let guard = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match guard.as_ref().and_then(|stage| stage.bar.as_ref()) {
            Some(bar) => bar.suspend(tell),
            None => tell(),
        }
    }

    fn line(&self, text: &str) {
        if self.style != Style::Quiet {
            let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
        }
    }
}

impl Progress for Reporter {
    fn warn(&self, message: &str) {
        Self::warn(self, message);
    }

    fn begin(&self, stage: &str, total: Option<u64>, unit: Unit) {
        let bar = (self.style == Style::Bars).then(|| bar(stage, total, unit));
        let now = Instant::now();
        let stage = Stage { name: stage.to_owned(), unit, total, done: 0, started: now, last_line: now, bar };
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(stage);
    }

    fn advance(&self, count: u64) {
        let mut guard = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stage) = guard.as_mut() else { return };
        stage.done += count;
        if let Some(bar) = &stage.bar {
            bar.inc(count);
        } else if stage.last_line.elapsed() >= LINE_INTERVAL {
            stage.last_line = Instant::now();
            let line = stage.under_way();
            self.line(&line);
        }
    }

    fn finish(&self) {
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(stage) = stage else { return };
        if let Some(bar) = &stage.bar {
            bar.finish_and_clear();
        }
        if stage.started.elapsed() >= SHORT {
            self.line(&stage.over());
        }
    }

    fn note(&self, message: &str) {
        let guard = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match guard.as_ref().and_then(|stage| stage.bar.as_ref()) {
            Some(bar) => bar.suspend(|| self.line(message)),
            None => self.line(message),
        }
    }
}

impl Stage {
    fn amount(&self, count: u64) -> String {
        match self.unit {
            Unit::Bytes => HumanBytes(count).to_string(),
            Unit::Files => format!("{count} files"),
            Unit::Chunks => format!("{count} chunks"),
            Unit::Questions => format!("{count} questions"),
        }
    }

    fn rate(&self) -> f64 {
        self.done as f64 / self.started.elapsed().as_secs_f64().max(1e-3)
    }

    fn under_way(&self) -> String {
        let done = self.amount(self.done);
        let Some(total) = self.total else { return format!("{}: {done}", self.name) };
        let left = total.saturating_sub(self.done) as f64 / self.rate().max(1e-9);
        let left = HumanDuration(Duration::from_secs_f64(left.min(1e9)));
        let rate = self.amount(self.rate() as u64);
        format!("{}: {done} of {} ({rate} a second), {left} left", self.name, self.amount(total))
    }

    fn over(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = self.amount(self.rate() as u64);
        format!("{}: {} in {seconds:.1} s ({rate} a second)", self.name, self.amount(self.done))
    }
}

fn bar(stage: &str, total: Option<u64>, unit: Unit) -> ProgressBar {
    let amounts = match unit {
        Unit::Bytes => "{bytes}/{total_bytes} {bytes_per_sec}",
        _ => "{pos}/{len} {per_sec}",
    };
    let (template, bar) = match total {
        Some(total) => (format!("{{msg:>12}} [{{bar:32}}] {amounts} {{eta}} left"), ProgressBar::new(total)),
        None => (format!("{{msg:>12}} {{spinner}} {amounts}"), ProgressBar::new_spinner()),
    };
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_message(stage.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
