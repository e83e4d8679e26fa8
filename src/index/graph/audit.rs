//! Whether every chunk can be reached from the entry, and links to the ones that cannot.
//!
//! Parallel insertion and the pruning of full lists leave a few nodes that nobody points at. A search
//! can never find those, however much effort it makes.

use super::layers::{Layers, Lists};
use super::search::{Neighbours as _, Scores, best_first};

/// Rounds of linking and looking again. One is enough unless a link had to displace another.
const ROUNDS: usize = 8;
/// How many neighbours of an orphan may be asked for room.
const HOSTS: usize = 64;

/// What an audit found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Audit {
    /// Nodes that had to be linked in.
    pub(super) linked: usize,
    /// Nodes that still cannot be reached.
    pub(super) left: usize,
}

/// Links every node that the entry does not lead to from nodes near it that it does lead to. No list of
/// layer 0 gets longer than `width`. `scores` gives each node's view of the others.
pub(super) fn link_orphans<S: Scores>(lists: &mut Lists, width: usize, scores: impl Fn(u32) -> S) -> Audit {
    let mut audit = Audit::default();
    for round in 0..ROUNDS {
        let frozen = lists.freeze();
        let mut reached = reachable(&frozen.layers());
        audit.left = reached.iter().filter(|reached| !**reached).count();
        if audit.left == 0 {
            break;
        }
        if round == 0 {
            audit.linked = audit.left;
        }
        for orphan in 0..reached.len() as u32 {
            if reached[orphan as usize] {
                continue;
            }
            // The search itself goes only where the entry leads.
            let near = best_first(&frozen.layers(), &scores(orphan), HOSTS);
            link(lists, width, orphan, near.iter().map(|(node, _)| *node));
            // What the orphan leads to is reached with it.
            mark(lists, orphan, &mut reached);
        }
    }
    audit
}

/// Whether each node can be reached from the entry in layer 0.
pub(super) fn reachable(layers: &Layers<'_>) -> Vec<bool> {
    let mut reached = vec![false; layers.len()];
    let mut open = vec![layers.entry()];
    if let Some(entry) = reached.get_mut(layers.entry() as usize) {
        *entry = true;
    }
    while let Some(node) = open.pop() {
        for neighbour in layers.neighbours(node) {
            if !std::mem::replace(&mut reached[neighbour as usize], true) {
                open.push(neighbour);
            }
        }
    }
    reached
}

fn mark(lists: &Lists, start: u32, reached: &mut [bool]) {
    let mut open = vec![start];
    reached[start as usize] = true;
    while let Some(node) = open.pop() {
        for neighbour in &lists.base[node as usize] {
            if !std::mem::replace(&mut reached[*neighbour as usize], true) {
                open.push(*neighbour);
            }
        }
    }
}

/// Puts `orphan` into the list of the nearest host with room; where none has any, in the place of the
/// nearest host's last neighbour. The orphan points back where it has room, for the ways out of it.
fn link(lists: &mut Lists, width: usize, orphan: u32, near: impl Iterator<Item = u32> + Clone) {
    let mut hosts = near.filter(|host| *host != orphan);
    let Some(nearest) = hosts.clone().next() else { return };
    let with_room = hosts.find(|host| lists.base[*host as usize].len() < width);
    let host = with_room.unwrap_or(nearest);
    let list = &mut lists.base[host as usize];
    if with_room.is_none() {
        list.pop();
    }
    list.push(orphan);
    let back = &mut lists.base[orphan as usize];
    if back.len() < width && !back.contains(&host) {
        back.push(host);
    }
}
