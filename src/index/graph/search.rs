//! Best-first search over a graph.

use super::layers::{Layer, Layers};

/// How good a node is for the question at hand: larger is better.
pub(super) trait Scores {
    /// The score of a node; the node exists.
    fn score(&self, node: u32) -> f32;
    /// Says that the node's score will be asked for next.
    fn prefetch(&self, _node: u32) {}
}

/// Where a search can go from each node.
pub(super) trait Neighbours {
    /// Number of nodes.
    fn count(&self) -> usize;
    /// The neighbours of a node: numbers below the count.
    fn neighbours(&self, node: u32) -> impl Iterator<Item = u32>;
}

/// A node and its score.
pub(super) type Found = (u32, f32);

/// The best first; of equals the one that comes first in the index.
pub(super) fn sort(found: &mut [Found]) {
    found.sort_unstable_by(|first, second| second.1.total_cmp(&first.1).then_with(|| first.0.cmp(&second.0)));
}

/// Where a search starts from as many places of the second layer as it keeps nodes. Below, the starts fall with the
/// square: a short search is for what is near one place, and half of its time would go into finding more of them.
/// A thorough one has to find neighbourhoods that no short way joins: of a million vectors it found 0.935 of the
/// ten best for mixtures of two from one start, and 0.974 from half as many as it kept.
const AS_MANY: usize = 512;
/// The fewest starts.
const FEWEST: usize = 4;

/// How many places a search that keeps `effort` nodes starts from.
fn starts(effort: usize) -> usize {
    (effort.saturating_mul(effort) / AS_MANY).max(FEWEST).min(effort)
}

/// The best nodes met, best first: `effort` of them, or all that can be reached where that is fewer.
pub(super) fn best_first(layers: &Layers<'_>, scores: &impl Scores, effort: usize) -> Vec<Found> {
    // Everything can be reached from the entry, and most things faster from where the way down ends.
    let mut starts = descend(layers, scores, starts(effort));
    starts.push(layers.entry());
    best_first_from(&starts, layers, scores, effort)
}

/// The best nodes met on the ways from `starts`, best first: `effort` of them, or all that can be reached.
pub(super) fn best_first_from(
    starts: &[u32],
    nodes: &impl Neighbours,
    scores: &impl Scores,
    effort: usize,
) -> Vec<Found> {
    let count = nodes.count();
    if count == 0 || effort == 0 {
        return Vec::new();
    }
    let mut visited = Visited::new(count);
    let mut pool = Pool::new(effort.min(count));
    for start in starts.iter().copied() {
        if (start as usize) < count && visited.insert(start) {
            pool.insert(start, scores.score(start));
        }
    }
    let mut fresh = Vec::new();
    while let Some(node) = pool.next() {
        fresh.clear();
        for neighbour in nodes.neighbours(node) {
            if visited.insert(neighbour) {
                scores.prefetch(neighbour);
                fresh.push(neighbour);
            }
        }
        for neighbour in &fresh {
            pool.insert(*neighbour, scores.score(*neighbour));
        }
    }
    pool.items.iter().map(|item| (item.node & !OPENED, item.score)).collect()
}

/// The best nodes of the second layer, `width` of them or fewer, found from where a greedy walk down the layers above
/// ends; the entry, where there is one layer only.
pub(super) fn descend(layers: &Layers<'_>, scores: &impl Scores, width: usize) -> Vec<u32> {
    let mut best = layers.entry();
    let mut above = layers.descending().peekable();
    while let Some(layer) = above.next() {
        let Some(place) = layer.place(best) else { continue };
        let width = if above.peek().is_none() { width } else { 1 };
        let scores = AtPlaces { layer: &layer, count: layers.len(), scores };
        let found = best_first_from(&[place as u32], &layer, &scores, width);
        let mut nodes = found.iter().filter_map(|(place, _)| layer.node(*place as usize));
        if above.peek().is_none() {
            return nodes.collect();
        }
        best = nodes.next().unwrap_or(best);
    }
    vec![best]
}

/// The scores of the nodes at the places of a layer.
struct AtPlaces<'way, 'graph, S> {
    layer: &'way Layer<'graph>,
    /// Number of all nodes.
    count: usize,
    scores: &'way S,
}

impl<S> AtPlaces<'_, '_, S> {
    /// The node at a place; none where there is damage.
    fn node(&self, place: u32) -> Option<u32> {
        self.layer.node(place as usize).filter(|node| (*node as usize) < self.count)
    }
}

impl<S: Scores> Scores for AtPlaces<'_, '_, S> {
    fn score(&self, place: u32) -> f32 {
        self.node(place).map_or(f32::NEG_INFINITY, |node| self.scores.score(node))
    }

    fn prefetch(&self, place: u32) {
        if let Some(node) = self.node(place) {
            self.scores.prefetch(node);
        }
    }
}

/// One bit a node.
struct Visited(Vec<u64>);

impl Visited {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Whether the node is new. One out of range is not.
    fn insert(&mut self, node: u32) -> bool {
        let bit = 1_u64 << (node % 64);
        match self.0.get_mut(node as usize / 64) {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }
}

/// Set in the number of a node whose neighbours have been looked at.
const OPENED: u32 = 1 << 31;

#[derive(Clone, Copy)]
struct Item {
    score: f32,
    node: u32,
}

/// The best nodes so far, best first, in one sorted array: for the sizes that searches have, moving a
/// few hundred bytes is faster than two heaps.
struct Pool {
    items: Vec<Item>,
    size: usize,
    /// All before it are opened.
    unopened: usize,
}

impl Pool {
    fn new(size: usize) -> Self {
        Self { items: Vec::with_capacity(size + 1), size, unopened: 0 }
    }

    fn insert(&mut self, node: u32, score: f32) {
        if self.items.len() == self.size {
            match self.items.last() {
                Some(worst) if score > worst.score => {}
                _ => return,
            }
        }
        let place = self.items.partition_point(|item| item.score >= score);
        if self.items.len() == self.size {
            self.items.pop();
        }
        self.items.insert(place, Item { score, node });
        self.unopened = self.unopened.min(place);
    }

    /// The best node that is not opened yet; it is from now on.
    fn next(&mut self) -> Option<u32> {
        while let Some(item) = self.items.get_mut(self.unopened) {
            self.unopened += 1;
            if item.node & OPENED == 0 {
                let node = item.node;
                item.node |= OPENED;
                return Some(node);
            }
        }
        None
    }
}
