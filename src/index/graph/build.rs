//! The graph's first form, built by `hnsw_rs`: the only file that names it, and it runs nowhere but in
//! a build. Its own dumps are never written or read: reading one can end the process.
//!
//! Its distances must not be negative and never NaN (it asserts both), so ours are clamped.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::anndists::dist::Distance;
use hnsw_rs::prelude::Hnsw;

use super::layers::Lists;
use super::rows::{ByteRows, similarity};
use super::{GraphError, GraphSettings};
use crate::progress::{Progress, Unit};

/// Layers that a graph may have.
const MOST_LAYERS: usize = 16;
/// Nodes that one thread inserts before the others join in: with nothing there yet, threads would not
/// see each other's nodes.
const FIRST: usize = 64;
/// Insertions between two reports.
const REPORT: usize = 256;

/// One minus the cosine of two rows.
struct CosineDistance;

impl Distance<i8> for CosineDistance {
    fn eval(&self, first: &[i8], second: &[i8]) -> f32 {
        // `max` also turns a NaN into 0.
        (1.0 - similarity(first, second)).max(0.0)
    }
}

/// Inserts all rows on `threads` threads.
pub(super) fn build(
    rows: &ByteRows,
    settings: &GraphSettings,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Lists, GraphError> {
    let count = rows.len();
    let hnsw = Hnsw::<i8, CosineDistance>::new(
        settings.connections,
        count,
        MOST_LAYERS,
        settings.ef_construction,
        CosineDistance,
    );
    progress.begin("building the graph", Some(count as u64), Unit::Chunks);
    for number in 0..count.min(FIRST) {
        hnsw.insert_slice((rows.row(number), number));
    }
    let next = AtomicUsize::new(FIRST);
    let insert_all = || {
        loop {
            let start = next.fetch_add(REPORT, Ordering::Relaxed);
            if start >= count {
                break;
            }
            let end = count.min(start + REPORT);
            (start..end).for_each(|number| hnsw.insert_slice((rows.row(number), number)));
            progress.advance((end - start) as u64);
        }
    };
    let whole = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(insert_all)).collect();
        // All are waited for, also after one has panicked.
        workers.into_iter().map(|worker| worker.join().is_ok()).fold(true, |whole, ended| whole & ended)
    });
    progress.finish();
    if !whole || hnsw.get_nb_point() != count {
        return Err(GraphError::Builder { inserted: hnsw.get_nb_point(), chunks: count });
    }
    Ok(lists_of(&hnsw, count))
}

/// The neighbour lists, nearest first.
fn lists_of(hnsw: &Hnsw<'_, i8, CosineDistance>, count: usize) -> Lists {
    let top = usize::from(hnsw.get_max_level_observed());
    let mut lists = Lists { base: vec![Vec::new(); count], upper: vec![Vec::new(); top], entry: 0 };
    for point in hnsw.get_point_indexation() {
        let node = point.get_origin_id() as u32;
        let level = usize::from(point.get_point_id().0);
        if level == top {
            lists.entry = lists.entry.max(node);
        }
        // Lists above a node's own level are notes of its insertion.
        for (layer, neighbours) in point.get_neighborhood_id().into_iter().enumerate().take(level + 1) {
            let list: Vec<u32> = neighbours.iter().map(|neighbour| neighbour.d_id as u32).collect();
            match layer.checked_sub(1) {
                None => lists.base[node as usize] = list,
                Some(above) => lists.upper[above].push((node, list)),
            }
        }
    }
    for layer in &mut lists.upper {
        layer.sort_unstable_by_key(|(node, _)| *node);
    }
    lists
}
