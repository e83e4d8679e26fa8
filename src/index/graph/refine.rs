//! A second choice of every node's neighbours in layer 0, over the graph that the builder left.
//!
//! An insertion sees only the nodes that came before it, and pays for its search in the builder's own
//! structures. A quick build followed by one pass of our own search over the frozen graph, where each
//! node chooses among all others, is cheaper than a thorough build that finds as much.

use super::layers::Lists;
use super::rows::ByteRows;
use super::search::{Found, Scores, best_first_from};
use crate::index::parallel::in_parallel;

/// Nodes that one thread takes at a time.
const BLOCK: usize = 256;

/// Chooses the neighbours of every node anew, among the `effort` best that a search from it finds, and
/// links them back. No list gets longer than `width`.
pub(super) fn refine(lists: &mut Lists, rows: &ByteRows, width: usize, effort: usize, threads: usize) {
    let frozen = lists.freeze();
    let layers = frozen.layers();
    let own = for_each_node(rows.len(), threads, |node| {
        let mut near = best_first_from(&layers, &rows.seen_from(node), &[node], effort);
        near.retain(|(other, _)| *other != node);
        diverse(rows, &near, width)
    });
    let mut linked: Vec<Vec<u32>> = own.clone();
    for (node, list) in own.iter().enumerate() {
        for neighbour in list {
            if !own[*neighbour as usize].contains(&(node as u32)) {
                linked[*neighbour as usize].push(node as u32);
            }
        }
    }
    lists.base = for_each_node(rows.len(), threads, |node| {
        let list = &linked[node as usize];
        if list.len() <= width {
            return list.clone();
        }
        let seen = rows.seen_from(node);
        let mut near: Vec<Found> = list.iter().map(|other| (*other, seen.score(*other))).collect();
        near.sort_unstable_by(|first, second| second.1.total_cmp(&first.1));
        diverse(rows, &near, width)
    });
}

/// At most `width` of `near` (best first), each nearer to the node than to any chosen before it: the
/// selection of Malkov and Yashunin, algorithm 4. It keeps ways to other neighbourhoods open.
fn diverse(rows: &ByteRows, near: &[Found], width: usize) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(width);
    for (candidate, score) in near {
        if chosen.len() == width {
            break;
        }
        let seen = rows.seen_from(*candidate);
        if chosen.iter().all(|other| seen.score(*other) < *score) {
            chosen.push(*candidate);
        }
    }
    chosen
}

fn for_each_node(count: usize, threads: usize, choose: impl Fn(u32) -> Vec<u32> + Sync) -> Vec<Vec<u32>> {
    let blocks = in_parallel(count.div_ceil(BLOCK), threads, |block| {
        let end = count.min((block + 1) * BLOCK);
        (block * BLOCK..end).map(|node| choose(node as u32)).collect::<Vec<_>>()
    });
    blocks.into_iter().flatten().collect()
}
