//! Chunks with the very same vector, as repeated text has: only one of them takes part in building.
//!
//! To each other they are all equally near. Lists that keep the nearest would be full of them, lead nowhere
//! else, and still leave most of them out. So the others hang on the first one as a tree.

use std::collections::HashMap;

use super::layers::Lists;
use super::rows::ByteRows;

/// Which chunks are the same as an earlier one.
pub(super) struct Twins {
    /// The first with each vector that several have, and the others.
    groups: Vec<(u32, Vec<u32>)>,
    is_later: Vec<bool>,
}

impl Twins {
    /// Those among `rows`.
    pub(super) fn of(rows: &ByteRows) -> Self {
        let mut first_with: HashMap<&[i8], u32> = HashMap::with_capacity(rows.len());
        let mut others: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut is_later = vec![false; rows.len()];
        for (node, is_later) in is_later.iter_mut().enumerate() {
            let first = *first_with.entry(rows.row(node)).or_insert(node as u32);
            *is_later = first != node as u32;
            if *is_later {
                others.entry(first).or_default().push(node as u32);
            }
        }
        let mut groups: Vec<_> = others.into_iter().collect();
        groups.sort_unstable();
        Self { groups, is_later }
    }

    /// Whether an earlier chunk has the same vector.
    pub(super) fn is_later(&self, node: u32) -> bool {
        self.is_later[node as usize]
    }

    /// Hangs them on the first of their kind, in the lowest layer. No list gets longer than `width`.
    pub(super) fn hang(&self, lists: &mut Lists, width: usize) {
        // Each has room for the way back, and for the others below it.
        let fan = width.saturating_sub(1).max(1);
        for (first, others) in &self.groups {
            let list = &mut lists.base[*first as usize];
            list.truncate(fan);
            list.extend(others.first());
            for (place, node) in others.iter().enumerate() {
                let parent = place.checked_sub(1).map_or(*first, |below| others[below / fan]);
                let below = others.iter().skip(1 + place * fan).take(fan);
                lists.base[*node as usize] = [parent].into_iter().chain(below.copied()).collect();
            }
        }
    }
}
