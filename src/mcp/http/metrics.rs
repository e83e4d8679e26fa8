//! What the server counts, in the text format of Prometheus.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::retrieval::Resident;

/// Upper bounds of the classes of request times, in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

#[derive(Default)]
pub(super) struct Metrics {
    /// By the first digit of their status.
    by_class: [AtomicU64; 6],
    /// Sent away because too many were under way.
    refused: AtomicU64,
    /// How many took no longer than each bound.
    within: [AtomicU64; BOUNDS.len()],
    micros: AtomicU64,
    under_way: AtomicUsize,
}

/// One request under way, until it is dropped: also by a client that hangs up.
pub(super) struct UnderWay(Arc<Metrics>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(super) fn under_way(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    pub(super) fn request(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).min(self.by_class.len() - 1);
        self.by_class[class].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        for (bound, count) in BOUNDS.iter().zip(&self.within) {
            if took.as_secs_f64() <= *bound {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn render(&self, resident: &Resident) -> String {
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, value: u64| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        gauge("docent_ready", "Whether the model is loaded.", u64::from(resident.is_whole()));
        if let Ok(reader) = resident.reader() {
            let manifest = reader.manifest();
            gauge("docent_index_generation", "The build of the index in use.", manifest.generation);
            gauge("docent_index_documents", "Documents in the index.", manifest.counts.documents as u64);
            gauge("docent_index_chunks", "Chunks in the index.", manifest.counts.chunks as u64);
        }
        let under_way = self.under_way.load(Ordering::Relaxed) as u64;
        gauge("docent_http_requests_under_way", "Requests being worked on.", under_way);
        self.push_counters(&mut text);
        text
    }

    fn push_counters(&self, text: &mut String) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        text.push_str("# HELP docent_http_requests_total Requests by class of status.\n");
        text.push_str("# TYPE docent_http_requests_total counter\n");
        let mut total = 0;
        for (class, count) in self.by_class.iter().enumerate().skip(1) {
            total += read(count);
            let _ = writeln!(text, "docent_http_requests_total{{class=\"{class}xx\"}} {}", read(count));
        }
        text.push_str("# HELP docent_http_refused_total Requests sent away because of too many at once.\n");
        text.push_str("# TYPE docent_http_refused_total counter\n");
        let _ = writeln!(text, "docent_http_refused_total {}", read(&self.refused));
        text.push_str("# HELP docent_http_request_seconds Time that requests took.\n");
        text.push_str("# TYPE docent_http_request_seconds histogram\n");
        for (bound, count) in BOUNDS.iter().zip(&self.within) {
            let _ = writeln!(text, "docent_http_request_seconds_bucket{{le=\"{bound}\"}} {}", read(count));
        }
        let _ = writeln!(text, "docent_http_request_seconds_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "docent_http_request_seconds_sum {}", read(&self.micros) as f64 / 1e6);
        let _ = writeln!(text, "docent_http_request_seconds_count {total}");
    }
}
