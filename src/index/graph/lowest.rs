//! The lowest layer, in which every chunk is a node: built by inserting one after another, on all threads.
//!
//! Yu. A. Malkov, D. A. Yashunin, 2016/2018, algorithms 1 and 4, over flat arrays: lists are read without
//! locks while others change them. A reader may see half of a change, which costs at most a neighbour.
//! The nodes of the layer above come first, with the neighbours that they have there: the links that are
//! long enough to lead from one subject to the next.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::layers::{Layers, Lists, NONE};
use super::rows::ByteRows;
use super::search::{Found, Neighbours, best_first_from, descend, sort};
use super::twins::Twins;
use crate::index::parallel::in_parallel;
use crate::progress::Progress;

/// Nodes that a thread takes at once.
const SHARE: usize = 256;
/// Places that the search for a new node's neighbours starts from.
const STARTS: usize = 4;
/// Nodes share locks: threads are few, and hardly ever at the same one.
const LOCKS: usize = 1_024;

/// Inserts nodes into the lowest layer.
pub(super) struct Insertion<'work> {
    pub(super) rows: &'work ByteRows,
    /// Those that are not inserted.
    pub(super) twins: &'work Twins,
    /// Neighbours that a new node chooses (M); a list has room for twice as many.
    pub(super) connections: usize,
    /// How many nodes the search for them keeps.
    pub(super) effort: usize,
    pub(super) threads: usize,
}

impl Insertion<'_> {
    /// Gives the lowest layer of `lists`, which has none, the neighbours of all nodes.
    pub(super) fn run(&self, lists: &mut Lists, progress: &dyn Progress) {
        let growing = Growing::new(self.rows.len(), 2 * self.connections);
        let mut is_in: Vec<bool> = (0..growing.count).map(|node| self.twins.is_later(node as u32)).collect();
        for (node, neighbours) in lists.upper.first().into_iter().flatten() {
            growing.write(*node, neighbours);
            is_in[*node as usize] = true;
        }
        let upper = lists.freeze();
        let upper = upper.layers();
        in_parallel(self.rows.len().div_ceil(SHARE), self.threads, |share| {
            let nodes = share * SHARE..self.rows.len().min((share + 1) * SHARE);
            progress.advance(nodes.len() as u64);
            nodes.filter(|node| !is_in[*node]).for_each(|node| self.insert(node as u32, &growing, &upper));
        });
        lists.base = (0..self.rows.len() as u32).map(|node| growing.neighbours(node).collect()).collect();
        self.twins.hang(lists, growing.width);
    }

    fn insert(&self, node: u32, growing: &Growing, upper: &Layers<'_>) {
        let seen = self.rows.seen_from(node);
        let found = best_first_from(&descend(upper, &seen, STARTS), growing, &seen, self.effort);
        let chosen = self.choose(&found, self.connections);
        growing.write(node, &chosen);
        for host in chosen {
            self.link(host, node, growing);
        }
    }

    /// Puts `node` into the list of `host`, of which a choice is made anew where it is full.
    fn link(&self, host: u32, node: u32, growing: &Growing) {
        let _lock = growing.lock(host);
        if growing.push(host, node) {
            return;
        }
        let seen = self.rows.seen_from(host);
        let candidates = growing.neighbours(host).chain([node]);
        let mut candidates: Vec<Found> = candidates.map(|other| (other, seen.similarity(other))).collect();
        sort(&mut candidates);
        growing.write(host, &self.choose(&candidates, growing.width));
    }

    /// The neighbours of a node among `candidates`, which come best first with their cosines: each is one
    /// unless it is more like one that was chosen before, which then leads to it.
    fn choose(&self, candidates: &[Found], most: usize) -> Vec<u32> {
        let mut chosen: Vec<u32> = Vec::with_capacity(most);
        for (candidate, score) in candidates {
            if chosen.len() == most {
                break;
            }
            let seen = self.rows.seen_from(*candidate);
            if chosen.iter().all(|other| seen.similarity(*other) <= *score) {
                chosen.push(*candidate);
            }
        }
        chosen
    }
}

/// Lists of neighbours that several threads read and change.
struct Growing {
    /// `width` places for each node.
    places: Vec<AtomicU32>,
    width: usize,
    count: usize,
    locks: Vec<Mutex<()>>,
}

impl Growing {
    fn new(count: usize, width: usize) -> Self {
        let places = (0..count * width).map(|_| AtomicU32::new(NONE)).collect();
        Self { places, width, count, locks: (0..LOCKS).map(|_| Mutex::new(())).collect() }
    }

    fn list(&self, node: u32) -> &[AtomicU32] {
        &self.places[node as usize * self.width..(node as usize + 1) * self.width]
    }

    /// Held while a list is changed.
    fn lock(&self, node: u32) -> impl Drop + '_ {
        self.locks[node as usize % LOCKS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a neighbour where there is room, or it is one already.
    fn push(&self, host: u32, node: u32) -> bool {
        for place in self.list(host) {
            let there = place.load(Ordering::Relaxed);
            if there == NONE {
                place.store(node, Ordering::Relaxed);
            }
            if there == NONE || there == node {
                return true;
            }
        }
        false
    }

    fn write(&self, node: u32, neighbours: &[u32]) {
        let rest = std::iter::repeat(NONE);
        for (place, neighbour) in self.list(node).iter().zip(neighbours.iter().copied().chain(rest)) {
            place.store(neighbour, Ordering::Relaxed);
        }
    }
}

impl Neighbours for Growing {
    fn count(&self) -> usize {
        self.count
    }

    fn neighbours(&self, node: u32) -> impl Iterator<Item = u32> {
        let list = self.list(node).iter().map(|place| place.load(Ordering::Relaxed));
        list.take_while(|neighbour| *neighbour != NONE)
    }
}
