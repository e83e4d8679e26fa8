//! Scores of numbered things, of which a search through a graph looks at few: a large index is not to be paid
//! for by every question.

/// A score for each number.
pub(super) enum Scores {
    /// All were looked at.
    All(Vec<f32>),
    /// Some were; whatever was not stands at `unmet`.
    Met {
        /// The numbers that were and their scores, in ascending order.
        scores: Vec<(usize, f32)>,
        /// Below every score.
        unmet: f32,
    },
}

impl Scores {
    /// None yet.
    pub(super) fn none(unmet: f32) -> Self {
        Self::Met { scores: Vec::new(), unmet }
    }

    /// The score of `number`.
    pub(super) fn of(&self, number: usize) -> f32 {
        match self {
            Self::All(scores) => scores[number],
            Self::Met { scores, unmet } => place(scores, number).map_or(*unmet, |place| scores[place].1),
        }
    }

    /// Whether `number` was looked at.
    pub(super) fn is_met(&self, number: usize) -> bool {
        match self {
            Self::All(scores) => number < scores.len(),
            Self::Met { scores, .. } => place(scores, number).is_some(),
        }
    }

    /// Keeps the scores of numbers that were not looked at before. Where all were there are none.
    pub(super) fn meet(&mut self, more: impl IntoIterator<Item = (usize, f32)>) {
        if let Self::Met { scores, .. } = self {
            scores.extend(more);
            // Stable sorting merges what is in order already.
            scores.sort_by_key(|(number, _)| *number);
        }
    }

    /// What was looked at, in ascending order of the numbers.
    pub(super) fn met(&self) -> impl Iterator<Item = (usize, f32)> {
        let (all, some) = match self {
            Self::All(scores) => (scores.as_slice(), [].as_slice()),
            Self::Met { scores, .. } => ([].as_slice(), scores.as_slice()),
        };
        all.iter().copied().enumerate().chain(some.iter().copied())
    }

    /// The best score, at least 0.
    pub(super) fn best(&self) -> f32 {
        self.met().map(|(_, score)| score).fold(0.0, f32::max)
    }
}

fn place(scores: &[(usize, f32)], number: usize) -> Option<usize> {
    scores.binary_search_by_key(&number, |(number, _)| *number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_met_stands_below_what_was() {
        let mut scores = Scores::none(-1.0);
        assert!(scores.best().abs() < 1e-6);
        scores.meet([(70_000, 0.5)]);
        scores.meet([(3, 0.25)]);
        assert_eq!(scores.met().collect::<Vec<_>>(), [(3, 0.25), (70_000, 0.5)]);
        assert!(scores.is_met(3) && !scores.is_met(4));
        assert!((scores.of(4) + 1.0).abs() < 1e-6 && (scores.of(3) - 0.25).abs() < 1e-6);
        assert!((scores.best() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn of_all_every_one_is_met() {
        let scores = Scores::All(vec![0.5, -0.5]);
        assert_eq!(scores.met().collect::<Vec<_>>(), [(0, 0.5), (1, -0.5)]);
        assert!(scores.is_met(1) && !scores.is_met(2));
    }
}
