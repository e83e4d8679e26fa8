//! Best-first search over a graph.

use super::layers::Layers;

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

impl Neighbours for Layers<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    fn neighbours(&self, node: u32) -> impl Iterator<Item = u32> {
        Layers::neighbours(self, node)
    }
}

/// A node and its score.
pub(super) type Found = (u32, f32);

/// The best nodes met, best first: `effort` of them, or all that can be reached where that is fewer.
pub(super) fn best_first(layers: &Layers<'_>, scores: &impl Scores, effort: usize) -> Vec<Found> {
    // Everything can be reached from the entry, and most things faster from where the way down ends.
    best_first_from(&[descend(layers, scores), layers.entry()], layers, scores, effort)
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

/// The node that a greedy walk down the upper layers ends at.
pub(super) fn descend(layers: &Layers<'_>, scores: &impl Scores) -> u32 {
    let mut best = layers.entry();
    if best as usize >= layers.len() {
        return best;
    }
    let mut best_score = scores.score(best);
    for layer in layers.descending() {
        let Some(mut place) = layer.place(best) else { continue };
        // Each step is uphill, so that it ends.
        loop {
            let mut next = None;
            for (neighbour, node) in layer.neighbours(place) {
                if node as usize >= layers.len() {
                    continue;
                }
                let score = scores.score(node);
                if score > best_score {
                    (best_score, next) = (score, Some(neighbour));
                }
            }
            match next {
                Some(neighbour) => place = neighbour,
                None => break,
            }
        }
        best = layer.node(place).unwrap_or(best);
    }
    best
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
