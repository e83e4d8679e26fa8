//! The layers above the lowest, which lead a search to the right neighbourhood: a graph of its own over
//! a sample of the chunks, built by `hnsw_rs`. This is the only file that names it, and it runs nowhere
//! but in a build. Its own dumps are never written or read: reading one can end the process.
//!
//! Its distances must not be negative and never NaN (it asserts both), so ours are clamped.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::prelude::Hnsw;

use super::layers::Lists;
use super::rows::{ByteRows, similarity};
use super::twins::Twins;
use super::{GraphError, GraphSettings};

/// Layers that a graph may have.
const MOST_LAYERS: usize = 16;
/// Nodes that one thread inserts before the others join in: with nothing there yet, threads would not
/// see each other's nodes.
const FIRST: usize = 64;
/// Nodes that a thread takes at once.
const SHARE: usize = 64;

/// One minus the cosine of two rows.
struct CosineDistance;

impl Distance<i8> for CosineDistance {
    fn eval(&self, first: &[i8], second: &[i8]) -> f32 {
        // `max` also turns a NaN into 0.
        (1.0 - similarity(first, second)).max(0.0)
    }
}

/// The nodes of the second layer: one in `connections`, as many as levels drawn by chance would put there. The
/// choice is by a hash of the number, so that it has nothing to do with the order of documents, and is
/// the same each time.
pub(super) fn nodes_above(count: usize, connections: usize, twins: &Twins) -> Vec<u32> {
    let is_above =
        |node: &u32| hash(*node).is_multiple_of(connections.max(1) as u64) && !twins.is_later(*node);
    let above: Vec<u32> = (0..count as u32).filter(is_above).collect();
    if above.is_empty() { vec![0] } else { above }
}

/// The last step of `SplitMix64` (G. L. Steele, D. Lea, C. H. Flood, 2014).
fn hash(number: u32) -> u64 {
    let mut hash = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The upper layers over `sample`, the numbers of some rows in ascending order, built on `threads` threads.
/// The lowest layer of the result is empty.
pub(super) fn build(
    rows: &ByteRows,
    sample: &[u32],
    settings: &GraphSettings,
    threads: usize,
) -> Result<Lists, GraphError> {
    let count = sample.len();
    let hnsw = Hnsw::<i8, CosineDistance>::new(
        settings.connections,
        count,
        MOST_LAYERS,
        settings.ef_construction,
        CosineDistance,
    );
    let insert = |number: usize| hnsw.insert_slice((rows.row(sample[number] as usize), number));
    (0..count.min(FIRST)).for_each(insert);
    let next = AtomicUsize::new(FIRST);
    let insert_all = || {
        loop {
            let start = next.fetch_add(SHARE, Ordering::Relaxed);
            if start >= count {
                break;
            }
            (start..count.min(start + SHARE)).for_each(insert);
        }
    };
    let whole = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(insert_all)).collect();
        // All are waited for, also after one has panicked.
        workers.into_iter().map(|worker| worker.join().is_ok()).fold(true, |whole, ended| whole & ended)
    });
    if !whole || hnsw.get_nb_point() != count {
        return Err(GraphError::Builder { inserted: hnsw.get_nb_point(), chunks: count });
    }
    Ok(lists_of(&hnsw, sample, rows.len()))
}

/// The neighbour lists, nearest first. All layers of the builder's are above the lowest of ours.
fn lists_of(hnsw: &Hnsw<'_, i8, CosineDistance>, sample: &[u32], count: usize) -> Lists {
    let top = usize::from(hnsw.get_max_level_observed());
    let mut lists = Lists { base: vec![Vec::new(); count], upper: vec![Vec::new(); top + 1], entry: 0 };
    for point in hnsw.get_point_indexation() {
        let node = sample[point.get_origin_id()];
        let level = usize::from(point.get_point_id().0);
        if level == top {
            lists.entry = lists.entry.max(node);
        }
        // Lists above a node's own level are notes of its insertion.
        for (layer, neighbours) in point.get_neighborhood_id().into_iter().enumerate().take(level + 1) {
            let list = neighbours.iter().map(|neighbour| sample[neighbour.d_id]).collect();
            lists.upper[layer].push((node, list));
        }
    }
    for layer in &mut lists.upper {
        layer.sort_unstable_by_key(|(node, _)| *node);
    }
    lists
}
