//! How sure a mean is, and whether two runs differ: paired bootstrap and randomisation.
//!
//! B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993 (percentile intervals);
//! M. Smucker, J. Allan and B. Carterette, "A comparison of statistical significance tests for
//! information retrieval evaluation", CIKM 2007 (the randomisation test). Both are seeded: the same
//! scores give the same interval.

use serde::{Deserialize, Serialize};

/// How many times the questions are drawn anew.
pub const RESAMPLES: usize = 10_000;
/// What starts the random numbers.
pub const SEED: u64 = 20_070_611;
/// Of an interval.
pub const LEVEL: f64 = 0.95;

/// Where a value lies, at [`LEVEL`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Two runs over the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Mean of the second less mean of the first.
    pub difference: f64,
    /// Of the difference, by bootstrap over the questions.
    pub interval: Interval,
    /// Of the randomisation test, two-sided: how often a difference at least this large comes up
    /// when it is left to chance which run a score belongs to.
    pub p_value: f64,
}

/// Random numbers that are the same everywhere (`SplitMix64`: G. Steele et al., OOPSLA 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// The mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The value below which the part `quantile` of `sorted` lies, interpolated between neighbours.
#[must_use]
pub fn percentile(sorted: &[f64], quantile: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = quantile.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// The interval of the mean of `values`.
#[must_use]
pub fn interval_of_mean(values: &[f64], seed: u64) -> Interval {
    let mut random = Random::new(seed);
    interval_by_drawing(|| {
        let sum: f64 = (0..values.len()).map(|_| values[random.below(values.len())]).sum();
        sum / values.len().max(1) as f64
    })
}

/// The interval of the AUROC: both sides are drawn anew. Nothing where one is empty.
#[must_use]
pub fn interval_of_auroc(positives: &[f64], negatives: &[f64], seed: u64) -> Option<Interval> {
    super::metrics::auroc(positives, negatives)?;
    let mut order: Vec<(f64, bool)> = positives.iter().map(|value| (*value, true)).collect();
    order.extend(negatives.iter().map(|value| (*value, false)));
    order.sort_by(|first, second| first.0.total_cmp(&second.0));
    let sides =
        |side: bool| -> Vec<usize> { (0..order.len()).filter(|index| order[*index].1 == side).collect() };
    let (above, below) = (sides(true), sides(false));
    let mut random = Random::new(seed);
    let mut drawn = vec![0_u32; order.len()];
    Some(interval_by_drawing(|| {
        drawn.fill(0);
        for side in [&above, &below] {
            for _ in 0..side.len() {
                drawn[side[random.below(side.len())]] += 1;
            }
        }
        wins(&order, &drawn) / (above.len() as f64 * below.len() as f64)
    }))
}

/// Pairs in which the positive is above, equal ones counting half. `order` ascends.
fn wins(order: &[(f64, bool)], drawn: &[u32]) -> f64 {
    let (mut wins, mut negatives) = (0.0, 0.0);
    let mut start = 0;
    for group in order.chunk_by(|first, second| first.0.total_cmp(&second.0).is_eq()) {
        let (mut positive_here, mut negative_here) = (0.0, 0.0);
        for ((_, positive), count) in group.iter().zip(&drawn[start..]) {
            if *positive { positive_here += f64::from(*count) } else { negative_here += f64::from(*count) }
        }
        wins += positive_here * (negatives + negative_here / 2.0);
        negatives += negative_here;
        start += group.len();
    }
    wins
}

fn interval_by_drawing(mut draw: impl FnMut() -> f64) -> Interval {
    let mut drawn: Vec<f64> = (0..RESAMPLES).map(|_| draw()).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Interval { low: percentile(&drawn, tail), high: percentile(&drawn, 1.0 - tail) }
}

/// Compares the scores of the same questions in two runs.
#[must_use]
pub fn paired_test(first: &[f64], second: &[f64], seed: u64) -> PairedTest {
    let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
    PairedTest {
        difference: mean(&differences),
        interval: interval_of_mean(&differences, seed),
        p_value: randomisation_p(&differences, seed),
    }
}

/// The part of random sign flips that give a sum at least as far from 0, the observed one counted in.
fn randomisation_p(differences: &[f64], seed: u64) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    // Sums in another order differ in their last bits.
    let reached = observed - 1e-12 * differences.iter().map(|value| value.abs()).sum::<f64>();
    let mut random = Random::new(seed);
    let mut extreme = 1;
    for _ in 0..RESAMPLES {
        let mut sum = 0.0;
        for group in differences.chunks(64) {
            let mut signs = random.next();
            for value in group {
                sum += if signs & 1 == 0 { *value } else { -value };
                signs >>= 1;
            }
        }
        if sum.abs() >= reached {
            extreme += 1;
        }
    }
    f64::from(extreme) / (RESAMPLES + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::metrics::auroc;

    #[test]
    fn percentiles_are_interpolated() {
        let values = [1.0, 2.0, 4.0];
        assert!((percentile(&values, 0.5) - 2.0).abs() < 1e-12);
        assert!((percentile(&values, 0.75) - 3.0).abs() < 1e-12);
        assert!((percentile(&values, 1.0) - 4.0).abs() < 1e-12);
        assert!(percentile(&[], 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_interval_of_a_coin_is_the_normal_one() {
        // 400 tosses, half of them heads: a standard error of 0.025.
        let tosses: Vec<f64> = (0..400).map(|toss| f64::from(toss % 2)).collect();
        let interval = interval_of_mean(&tosses, SEED);
        assert!((interval.low - (0.5 - 1.96 * 0.025)).abs() < 0.004, "{interval:?}");
        assert!((interval.high - (0.5 + 1.96 * 0.025)).abs() < 0.004, "{interval:?}");
        assert_eq!(interval, interval_of_mean(&tosses, SEED));
    }

    #[test]
    fn equal_values_have_no_spread() {
        assert_eq!(interval_of_mean(&[0.25; 7], SEED), Interval { low: 0.25, high: 0.25 });
        assert_eq!(interval_of_mean(&[], SEED), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn equal_runs_do_not_differ_and_a_shifted_one_does() {
        let first: Vec<f64> = (0..60).map(|index| f64::from(index % 7) / 7.0).collect();
        let same = paired_test(&first, &first, SEED);
        assert!(same.difference.abs() < 1e-12 && (same.p_value - 1.0).abs() < 1e-12, "{same:?}");
        let second: Vec<f64> = first.iter().map(|score| score + 0.1).collect();
        let shifted = paired_test(&first, &second, SEED);
        assert!((shifted.difference - 0.1).abs() < 1e-9, "{shifted:?}");
        assert!(shifted.p_value < 0.001 && shifted.interval.low > 0.09, "{shifted:?}");
    }

    #[test]
    fn the_randomisation_test_agrees_with_counting_all_flips() {
        // Of the 16 sign patterns of these, the sum reaches 6 in size in 4: p = 4/16.
        let p = randomisation_p(&[1.0, 2.0, 4.0, -1.0], SEED);
        let all = [1.0, 2.0, 4.0, -1.0_f64];
        let extreme = (0..16_u32).filter(|signs| {
            let sum: f64 = all
                .iter()
                .enumerate()
                .map(|(bit, value)| if signs >> bit & 1 == 1 { -value } else { *value })
                .sum();
            sum.abs() >= 6.0
        });
        let expected = extreme.count() as f64 / 16.0;
        assert!((p - expected).abs() < 0.02, "{p} is not {expected}");
    }

    #[test]
    fn p_values_are_uniform_where_there_is_no_difference() {
        let mut random = Random::new(7);
        let trials = 100;
        let below = (0..trials)
            .filter(|_| {
                let noise: Vec<f64> = (0..30).map(|_| random.below(2001) as f64 / 1000.0 - 1.0).collect();
                randomisation_p(&noise, SEED) < 0.2
            })
            .count();
        assert!((8..=34).contains(&below), "{below} of {trials} p-values are below 0.2");
    }

    #[test]
    fn the_interval_of_an_auroc_surrounds_it() {
        let positives: Vec<f64> = (0..60).map(|index| f64::from(index % 10)).collect();
        let negatives: Vec<f64> = (0..20).map(|index| f64::from(index % 8) - 2.0).collect();
        let value = auroc(&positives, &negatives).unwrap();
        let interval = interval_of_auroc(&positives, &negatives, SEED).unwrap();
        assert!(interval.low < value && value < interval.high, "{value} {interval:?}");
        assert!(interval.high - interval.low < 0.3, "{interval:?}");
        assert_eq!(interval_of_auroc(&positives, &[], SEED), None);
    }

    #[test]
    fn drawn_once_each_the_wins_are_the_auroc() {
        let order = [(0.1, false), (0.4, true), (0.5, false), (0.5, true), (0.9, true)];
        let expected = auroc(&[0.4, 0.5, 0.9], &[0.1, 0.5]).unwrap();
        assert!((wins(&order, &[1; 5]) / 6.0 - expected).abs() < 1e-12);
    }
}
