//! What `docent index` says when it is done: on stderr for people, as JSON for programs.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::index::local_path;
use crate::cli::memory::MEGABYTE;
use crate::cli::settings::Settings;
use crate::embedding::Embedder;
use crate::evaluation::peak_memory_bytes;
use crate::evaluation::report::counted;
use crate::index::{BuildReport, GraphSummary, Manifest, Outcome};
use crate::progress::Progress;
use crate::source::{Skip, SourceSpec};

/// Version of the JSON form.
const SCHEMA: u32 = 1;
/// Files left out that are named one by one; `docent status --json` names more.
const NAMED_SKIPS: usize = 10;

/// A build that is done, and what it took.
pub(in crate::cli) struct Done {
    pub(in crate::cli) report: BuildReport,
    /// Texts that were encoded at the same time; none where the model was not needed.
    threads: Option<usize>,
    time: Duration,
    /// The most that this process has had in memory, where the system tells.
    peak_memory: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct Summary<'done> {
    schema: u32,
    index: &'done Path,
    generation: u64,
    /// Whether there is a new generation.
    changed: bool,
    documents: usize,
    chunks: usize,
    embedded: usize,
    reused: usize,
    left_out: usize,
    seconds: f64,
    threads: Option<usize>,
    peak_memory_bytes: Option<u64>,
    max_memory_bytes: Option<u64>,
}

impl Done {
    pub(super) fn new(report: BuildReport, embedder: Option<&dyn Embedder>, started: Instant) -> Self {
        Self {
            report,
            threads: embedder.map(Embedder::parallelism),
            time: started.elapsed(),
            peak_memory: peak_memory_bytes(),
        }
    }

    /// The same for a program.
    pub(super) fn summary<'done>(
        &self,
        settings: &'done Settings,
        max_memory: Option<u64>,
    ) -> Summary<'done> {
        let Manifest { counts, generation, .. } = &self.report.manifest;
        let (embedded, reused) = match self.report.outcome {
            Outcome::Built { embedded, reused } => (embedded, reused),
            Outcome::Unchanged => (0, counts.chunks),
        };
        Summary {
            schema: SCHEMA,
            index: &settings.index,
            generation: *generation,
            changed: self.report.outcome != Outcome::Unchanged,
            documents: counts.documents,
            chunks: counts.chunks,
            embedded,
            reused,
            left_out: self.report.skipped.len(),
            seconds: (self.time.as_secs_f64() * 1e3).round() / 1e3,
            threads: self.threads,
            peak_memory_bytes: self.peak_memory,
            max_memory_bytes: max_memory,
        }
    }

    /// Tells it on stderr.
    pub(super) fn tell(&self, settings: &Settings, before: Option<&Manifest>) {
        let note = |text: &str| settings.progress.note(text);
        let manifest = &self.report.manifest;
        if let Some(text) = before.and_then(|before| replaced(before, manifest)) {
            note(&text);
        }
        note(&skips(&self.report.skipped));
        let counts = manifest.counts;
        let holds = format!(
            "{}, {} in `{}`",
            counted(counts.documents, "document"),
            counted(counts.chunks, "chunk"),
            settings.index.display()
        );
        if let Some(graph) = &manifest.graph {
            note(&format!("graph: {}", describe_graph(graph)));
        }
        let (generation, cost) = (manifest.generation, self.cost());
        match self.report.outcome {
            Outcome::Unchanged => note(&format!("up to date: {holds}, generation {generation} ({cost})")),
            Outcome::Built { embedded, reused } => note(&format!(
                "indexed {holds}, generation {generation}: {embedded} embedded, {reused} reused ({cost})"
            )),
        }
    }

    /// Time, threads and memory.
    fn cost(&self) -> String {
        let mut cost = format!("{:.1} s", self.time.as_secs_f64());
        if let Some(threads) = self.threads {
            cost.push_str(&format!(", {}", counted(threads, "thread")));
            cost.extend(self.peak_memory.map(|peak| format!(", at most {} MB", peak.div_ceil(MEGABYTE))));
        }
        cost
    }
}

/// What the index no longer holds because other sources were named.
fn replaced(before: &Manifest, now: &Manifest) -> Option<String> {
    if before.roots == now.roots {
        return None;
    }
    let shown = |sources: &[SourceSpec]| {
        sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ")
    };
    if before.collections.is_empty() && now.collections.is_empty() {
        let held = shown(&before.declared());
        return Some(format!("this index held {held}; it now holds what you named, and only that"));
    }
    let kept = now.declared();
    let mut gone = before.declared();
    // Of a folder that is not there any more, `--prune` tells.
    gone.retain(|source| !kept.contains(source) && local_path(source).is_none_or(|path| path.exists()));
    (!gone.is_empty()).then(|| format!("no longer in this index: {}", shown(&gone)))
}

/// A graph's figures, for `index` and `status`.
pub(super) fn describe_graph(graph: &GraphSummary) -> String {
    format!(
        "recall@10 {:.4} on {} questions, M {}, ef_construction {}, ef_search {}, {} linked in",
        graph.recall_at_10,
        graph.questions,
        graph.connections,
        graph.ef_construction,
        graph.ef_search,
        counted(graph.orphans_linked, "orphan"),
    )
}

/// What was left out: the ones that may surprise by name, the others by number.
fn skips(skipped: &[Skip]) -> String {
    if skipped.is_empty() {
        return "nothing was left out".into();
    }
    let (unsupported, named): (Vec<&Skip>, Vec<&Skip>) =
        skipped.iter().partition(|skip| skip.reason.kind() == "unsupported");
    let mut lines = vec![format!("left out {}:", counted(skipped.len(), "file"))];
    lines.extend(named.iter().take(NAMED_SKIPS).map(|skip| format!("  {}: {}", skip.path, skip.reason)));
    if named.len() > NAMED_SKIPS {
        lines.push(format!("  and {} more (see `docent status --json`)", named.len() - NAMED_SKIPS));
    }
    if let Some(first) = unsupported.first() {
        lines.push(format!(
            "  {} of kinds that docent does not read, such as `{}`",
            unsupported.len(),
            first.path
        ));
    }
    lines.join("\n")
}
