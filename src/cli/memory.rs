//! `--max-memory`: sizes as they are typed, and as many threads as fit in.

use std::sync::Arc;

use super::failure::Failure;
use super::model::{self, Purpose};
use super::settings::Settings;
use crate::embedding::catalog::ModelSpec;
use crate::embedding::{Embedder, Role};
use crate::evaluation::{peak_memory_bytes, resident_memory_bytes};
use crate::progress::Progress as _;

/// A million bytes, as memory is told everywhere.
pub(super) const MEGABYTE: u64 = 1_000_000;
/// What a build takes beside the encoder, however many documents there are: blocks that are read and written,
/// terms until they are spooled, the pages of the index that are looked at.
const BUILD: u64 = 24 * MEGABYTE;
/// What a session has beside what it computes with.
const SESSION: u64 = 3 * MEGABYTE;

/// An encoder, and how much room is left beside it.
pub(super) struct Fitted {
    pub(super) embedder: Arc<dyn Embedder>,
    /// Bytes for what is kept of the chunks.
    pub(super) chunk_memory: u64,
}

/// A size as it is typed: a number of bytes, or of kB, MB, GB, KiB, MiB or GiB.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => MEGABYTE,
        "g" | "gb" => 1_000 * MEGABYTE,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err("give a size such as `200MB`, `1GiB` or a number of bytes".into()),
    };
    let number: Option<u64> = text[..digits].parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(unit)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "give a size such as `200MB`, `1GiB` or a number of bytes".into())
}

/// What one session was measured to take.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// The process' peak, with one session that has seen the longest text.
    floor: u64,
    /// What another session takes.
    session: u64,
    /// What several take once.
    shared: u64,
}

impl Measured {
    /// How many of at most `threads` sessions fit into `most` bytes; none where one does not.
    fn sessions(self, most: u64, threads: usize) -> Option<usize> {
        let left = most.checked_sub(self.needed())?;
        let more = left.saturating_sub(self.shared) / self.session.max(1);
        Some(usize::try_from(more).unwrap_or(usize::MAX).saturating_add(1).min(threads.max(1)))
    }

    fn needed(self) -> u64 {
        self.floor + BUILD
    }

    fn left(self, most: u64, sessions: usize) -> u64 {
        let shared = if sessions > 1 { self.shared } else { 0 };
        most.saturating_sub(self.needed() + shared + self.session * (sessions as u64 - 1))
    }
}

/// The encoder for a build that stays within `most` bytes: on as many of the threads as there is room for.
pub(super) fn fit(settings: &Settings, spec: &ModelSpec, most: u64) -> Result<Fitted, Failure> {
    let before = resident_memory_bytes().ok_or(Failure::MemoryUnknown)?;
    let one = model::load_on(settings, spec, Purpose::Indexing, 1)?;
    let loaded = resident_memory_bytes().unwrap_or(before);
    let longest = "memory ".repeat(one.identity().max_tokens);
    one.encode(&longest, Role::Passage)?;
    let resident = resident_memory_bytes().unwrap_or(loaded);
    let computing = resident.saturating_sub(loaded) + SESSION;
    let (session, shared) = match one.shared_weights() {
        Some(weights) => (computing, weights),
        None => (computing + loaded.saturating_sub(before), 0),
    };
    let measured = Measured { floor: peak_memory_bytes().unwrap_or(resident), session, shared };
    let Some(sessions) = measured.sessions(most, settings.threads) else {
        return Err(Failure::Memory { model: spec.name.clone(), most, needed: measured.needed() });
    };
    let embedder = if sessions == one.parallelism() {
        one
    } else {
        drop(one);
        model::load_on(settings, spec, Purpose::Indexing, sessions)?
    };
    if sessions < settings.threads {
        settings.progress.note(&format!(
            "{sessions} of {} threads, to stay within {} MB of memory",
            settings.threads,
            most / MEGABYTE
        ));
    }
    Ok(Fitted { embedder, chunk_memory: measured.left(most, sessions) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_the_units_that_people_type() {
        let sizes = [
            ("200MB", 200_000_000),
            ("1 GiB", 1 << 30),
            ("64k", 64_000),
            ("4096", 4096),
            ("2g", 2_000_000_000),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "-1", "MB", "12 parsecs", "99999999999GB", "1.5GB"] {
            assert!(size(text).unwrap_err().contains("200MB"), "{text}");
        }
    }

    #[test]
    fn threads_are_as_many_as_fit() {
        let measured = Measured { floor: 80 * MEGABYTE, session: 20 * MEGABYTE, shared: 25 * MEGABYTE };
        let sessions = |most: u64, threads| measured.sessions(most * MEGABYTE, threads);
        assert_eq!(sessions(103, 4), None);
        assert_eq!((sessions(104, 4), sessions(148, 4)), (Some(1), Some(1)));
        assert_eq!((sessions(149, 4), sessions(1000, 4), sessions(1000, 1)), (Some(2), Some(4), Some(1)));
        assert_eq!(measured.left(160 * MEGABYTE, 2), 11 * MEGABYTE);
        assert_eq!(measured.left(160 * MEGABYTE, 1), 56 * MEGABYTE);
    }
}
