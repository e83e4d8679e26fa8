//! The documents that a question is asked of. Ranking sees no others, so that nothing is left out afterwards.

use std::str::FromStr;

use chrono::NaiveDate;

use super::filter::PathFilter;
use crate::index::{DocumentRecord, Manifest};
use crate::source::{CollectionName, DocumentKind, Language};

/// The documents that a question is asked of: those that all filters let in, and all of them without any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Documents under these paths.
    pub path: Option<PathFilter>,
    /// Documents of this kind.
    pub kind: Option<DocumentKind>,
    /// Documents of this collection.
    pub collection: Option<CollectionName>,
    /// Documents in this language.
    pub language: Option<Language>,
    /// Documents that were changed on this day or later.
    pub since: Option<Day>,
}

impl Scope {
    /// Whether every document is in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a document of the index with this manifest is in it.
    pub(super) fn admits(&self, document: &DocumentRecord, manifest: &Manifest) -> bool {
        let collection = self.collection.as_ref();
        self.path.as_ref().is_none_or(|filter| filter.admits(&document.path))
            && self.kind.is_none_or(|kind| manifest.kind_of(document) == kind)
            && (collection.is_none() || manifest.collection_of(document.root) == collection)
            && self.language.is_none_or(|language| language.is_of(&document.path))
            && self.since.is_none_or(|day| day.has_come_by(document.modified_ns))
    }
}

/// A day of the calendar, which begins at midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    start_ns: u64,
}

impl Day {
    /// Whether it had begun at a time in nanoseconds since the Unix epoch.
    fn has_come_by(self, time_ns: u64) -> bool {
        time_ns >= self.start_ns
    }
}

/// Text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day since 1970: write it like 2026-01-31, 2026-01 or 2026")]
pub struct InvalidDay(String);

impl FromStr for Day {
    type Err = InvalidDay;

    /// A day (ISO 8601), or the first one of a month or year.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let whole = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let day = NaiveDate::parse_from_str(&whole, "%Y-%m-%d").ok().filter(|_| whole.len() == 10);
        let start = day
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .and_then(|start| start.and_utc().timestamp_nanos_opt());
        let start = start.and_then(|start| u64::try_from(start).ok());
        start.map(|start_ns| Self { start_ns }).ok_or_else(|| InvalidDay(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight() {
        let second = |day: &str| day.parse::<Day>().unwrap().start_ns / 1_000_000_000;
        assert_eq!((second("1970-01-02"), second("2026-01-31")), (86_400, 1_769_817_600));
        assert_eq!((second("2026"), second(" 2026-02 ")), (second("2026-01-01"), second("2026-02-01")));
        let day: Day = "1970-01-02".parse().unwrap();
        assert!(day.has_come_by(86_400_000_000_000) && !day.has_come_by(86_399_999_999_999));
        for text in [
            "",
            "yesterday",
            "2026-13",
            "2026-02-30",
            "26-01-01",
            "2026-1-1",
            "1969-12-31",
            "2026-01-31T00:00",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
