//! Where the time of a question goes, measured where somebody wants to know and not otherwise.

use std::fmt;
use std::time::{Duration, Instant};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A stage of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The question's wordings through the encoder.
    Embed,
    /// Which chunks may be returned.
    Filter,
    /// Centred cosines: of every chunk, or of those that a graph leads to.
    Dense,
    /// Every document's cosine; through a graph those of few, as part of `Combine`.
    Document,
    /// Every chunk's BM25F.
    Lexical,
    /// One score from these, and the best of it: the candidates.
    Combine,
    /// Late interaction with the candidates.
    Late,
    /// Wordings into one, in order, documents spread.
    Order,
    /// What speaks for the first chunks, which confidence is made of.
    Evidence,
    /// The hits' records, and whether their sources have changed.
    Read,
}

impl Stage {
    /// Every stage, in the order in which they run.
    pub const ALL: [Self; 10] = [
        Self::Embed,
        Self::Filter,
        Self::Dense,
        Self::Document,
        Self::Lexical,
        Self::Combine,
        Self::Late,
        Self::Order,
        Self::Evidence,
        Self::Read,
    ];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Filter => "filter",
            Self::Dense => "dense",
            Self::Document => "document",
            Self::Lexical => "lexical",
            Self::Combine => "combine",
            Self::Late => "late",
            Self::Order => "order",
            Self::Evidence => "evidence",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How long each stage of one answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes {
    stages: [Duration; Stage::ALL.len()],
    total: Duration,
}

impl StageTimes {
    /// The stages with their milliseconds, in the order in which they run.
    pub fn milliseconds(&self) -> impl Iterator<Item = (Stage, f64)> {
        Stage::ALL.into_iter().zip(self.stages).map(|(stage, time)| (stage, time.as_secs_f64() * 1e3))
    }

    /// From the question to its answer, in milliseconds: a little more than the stages together, or less where some
    /// ran side by side.
    #[must_use]
    pub fn total_milliseconds(&self) -> f64 {
        self.total.as_secs_f64() * 1e3
    }
}

impl Serialize for StageTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let to_the_microsecond = |milliseconds: f64| (milliseconds * 1e3).round() / 1e3;
        let mut map = serializer.serialize_map(Some(Stage::ALL.len() + 1))?;
        for (stage, milliseconds) in self.milliseconds() {
            map.serialize_entry(stage.name(), &to_the_microsecond(milliseconds))?;
        }
        map.serialize_entry("total", &to_the_microsecond(self.total_milliseconds()))?;
        map.end()
    }
}

/// Watches the stages of one answer, or does not: then the clock is never read.
pub(super) struct Watch(Option<(Instant, StageTimes)>);

impl Watch {
    pub(super) fn off() -> Self {
        Self(None)
    }

    pub(super) fn on() -> Self {
        Self(Some((Instant::now(), StageTimes::default())))
    }

    /// Does `work` as a part of `stage`.
    pub(super) fn during<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let Some((_, times)) = &mut self.0 else { return work() };
        let started = Instant::now();
        let result = work();
        times.stages[stage as usize] += started.elapsed();
        result
    }

    /// Does two things at once, the second one on a thread of its own; one after the other where that is not
    /// worthwhile. A stage takes the time that passes until it has ended, so that together they may take more than
    /// the answer did.
    pub(super) fn side_by_side<T, U: Send>(
        &mut self,
        is_worthwhile: bool,
        here: impl FnOnce(&mut Self) -> T,
        aside: impl FnOnce(&mut Self) -> U + Send,
    ) -> (T, U) {
        if !is_worthwhile {
            return (here(self), aside(self));
        }
        let mut other = if self.0.is_some() { Self::on() } else { Self::off() };
        let (first, second) = std::thread::scope(|scope| {
            let thread = scope.spawn(|| aside(&mut other));
            let first = here(self);
            (first, thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.add(&other);
        (first, second)
    }

    /// Adds the stages that another watch saw.
    fn add(&mut self, other: &Self) {
        let (Some((_, times)), Some((_, others))) = (&mut self.0, &other.0) else { return };
        times.stages.iter_mut().zip(others.stages).for_each(|(time, other)| *time += other);
    }

    /// What was seen; nothing where it was off.
    pub(super) fn times(self) -> StageTimes {
        self.0.map_or_else(StageTimes::default, |(started, times)| StageTimes {
            total: started.elapsed(),
            ..times
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_and_a_watch_that_is_off_sees_nothing() {
        let mut watch = Watch::on();
        let slow = || std::thread::sleep(Duration::from_millis(1));
        watch.during(Stage::Late, slow);
        watch.during(Stage::Late, slow);
        let times = watch.times();
        let late: f64 = times.milliseconds().map(|(_, milliseconds)| milliseconds).sum();
        assert!(late >= 2.0 && times.total_milliseconds() >= late, "{times:?}");

        let mut watch = Watch::off();
        assert_eq!(watch.during(Stage::Late, || 7), 7);
        assert_eq!(watch.times(), StageTimes::default());
    }

    #[test]
    fn stages_side_by_side_each_take_their_time() {
        let slow = || std::thread::sleep(Duration::from_millis(2));
        for is_worthwhile in [false, true] {
            let ask = |mut watch: Watch| {
                let results = watch.side_by_side(
                    is_worthwhile,
                    |watch| watch.during(Stage::Dense, || (slow(), 1).1),
                    |watch| watch.during(Stage::Lexical, || (slow(), "a").1),
                );
                assert_eq!(results, (1, "a"));
                watch.times()
            };
            let times = ask(Watch::on());
            let of = |wanted: Stage| times.milliseconds().find(|(stage, _)| *stage == wanted).unwrap().1;
            assert!(of(Stage::Dense) >= 2.0 && of(Stage::Lexical) >= 2.0, "{times:?}");
            assert_eq!(ask(Watch::off()), StageTimes::default());
        }
    }

    #[test]
    fn every_stage_has_its_place() {
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, place);
        }
        let json = serde_json::to_string(&StageTimes::default()).unwrap();
        assert!(
            json.starts_with("{\"embed\":0.0,\"filter\":0.0,") && json.ends_with("\"total\":0.0}"),
            "{json}"
        );
    }
}
