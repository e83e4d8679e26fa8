//! The neighbour lists of all layers in flat arrays, as they lie in the file.
//!
//! Yu. A. Malkov, D. A. Yashunin, "Efficient and robust approximate nearest neighbor search using
//! Hierarchical Navigable Small World graphs", 2016/2018. Layer 0 holds every node; each layer above
//! a smaller share of them, for the way to the right neighbourhood.
//!
//! Nothing that is read here is believed: a number that is out of range leads nowhere, and a search
//! visits each node once at most, so that damage can cost an answer and never a crash or a hang.

use super::search::Neighbours;
use crate::index::failure::OpenError;
use crate::index::storage::{ArrayWriter, Kind, MappedFile};

pub(in crate::index) const KIND: Kind = *b"graph   ";

/// An unused place in a list.
pub(super) const NONE: u32 = u32::MAX;
/// The highest bit of a number is for the search to mark what it has looked at.
pub(super) const MOST_NODES: usize = 1 << 31;
/// More layers than any graph has: with 16 connections the chance of a tenth is 1 in 10^12.
const MAX_LAYERS: usize = 32;
/// Before the sizes of the layers: nodes, places in a list of layer 0 and of the others, entry, layers.
const HEAD: usize = 5;

/// Lists as they are while a graph is built: one for each node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// The neighbours of each node in layer 0.
    pub(super) base: Vec<Vec<u32>>,
    /// The layers above, from 1: their nodes in ascending order, each with its neighbours.
    pub(super) upper: Vec<Vec<(u32, Vec<u32>)>>,
    /// Where a search starts; of the highest layer.
    pub(super) entry: u32,
}

/// The arrays of a graph, in memory.
pub(super) struct Arrays {
    sizes: Vec<u64>,
    base: Vec<u32>,
    nodes: Vec<u32>,
    lists: Vec<u32>,
}

/// The arrays of a graph, wherever they lie.
#[derive(Clone, Copy)]
pub(super) struct Layers<'graph> {
    sizes: &'graph [u64],
    base: &'graph [u32],
    nodes: &'graph [u32],
    lists: &'graph [u32],
}

/// One layer above the lowest.
#[derive(Clone, Copy)]
pub(super) struct Layer<'graph> {
    /// Its nodes, ascending.
    nodes: &'graph [u32],
    /// The lists of their neighbours, as places in `nodes`.
    lists: &'graph [u32],
    width: usize,
}

impl Lists {
    /// Brings the lists into flat arrays.
    pub(super) fn freeze(&self) -> Arrays {
        let width = widest(self.base.iter());
        let above = widest(self.upper.iter().flatten().map(|(_, list)| list));
        let mut sizes = vec![
            self.base.len() as u64,
            width as u64,
            above as u64,
            u64::from(self.entry),
            self.upper.len() as u64,
        ];
        let mut base = Vec::with_capacity(self.base.len() * width);
        for list in &self.base {
            push_padded(&mut base, list.iter().copied(), width);
        }
        let (mut nodes, mut lists) = (Vec::new(), Vec::new());
        for layer in &self.upper {
            sizes.push(layer.len() as u64);
            nodes.extend(layer.iter().map(|(node, _)| *node));
            let place = |node: &u32| layer.binary_search_by_key(node, |(node, _)| *node).ok();
            for (_, list) in layer {
                let places = list.iter().filter_map(place).map(|place| place as u32);
                push_padded(&mut lists, places, above);
            }
        }
        Arrays { sizes, base, nodes, lists }
    }
}

fn widest<'lists>(lists: impl Iterator<Item = &'lists Vec<u32>>) -> usize {
    lists.map(Vec::len).max().unwrap_or(0).max(1)
}

fn push_padded(array: &mut Vec<u32>, list: impl Iterator<Item = u32>, width: usize) {
    let end = array.len() + width;
    array.extend(list);
    array.resize(end, NONE);
}

impl Arrays {
    pub(super) fn layers(&self) -> Layers<'_> {
        Layers { sizes: &self.sizes, base: &self.base, nodes: &self.nodes, lists: &self.lists }
    }

    /// The file of the graph.
    pub(super) fn encode(&self) -> ArrayWriter<'static> {
        let mut writer = ArrayWriter::new(KIND);
        writer.push(&self.sizes).push(&self.base).push(&self.nodes).push(&self.lists);
        writer
    }
}

impl<'graph> Layers<'graph> {
    /// The arrays in a file of a graph over `count` nodes: their lengths have to fit each other.
    pub(super) fn read(file: &'graph MappedFile, count: usize) -> Result<Self, OpenError> {
        let layers = Self {
            sizes: file.array(0)?,
            base: file.array(1)?,
            nodes: file.array(2)?,
            lists: file.array(3)?,
        };
        match layers.fault(count) {
            Some(reason) => Err(OpenError::damaged(file.path(), reason)),
            None => Ok(layers),
        }
    }

    /// The arrays of a file that [`Layers::read`] has accepted.
    pub(super) fn read_again(file: &'graph MappedFile) -> Self {
        Self {
            sizes: file.array(0).unwrap_or_default(),
            base: file.array(1).unwrap_or_default(),
            nodes: file.array(2).unwrap_or_default(),
            lists: file.array(3).unwrap_or_default(),
        }
    }

    /// What does not fit, if anything.
    fn fault(&self, count: usize) -> Option<String> {
        let [nodes, width, above, entry, layers] = *self.sizes.first_chunk::<HEAD>()?;
        let nodes_are = usize::try_from(nodes) == Ok(count) && count <= MOST_NODES;
        if !nodes_are || entry >= nodes {
            return Some(format!(
                "it is a graph of {nodes} chunks with entry {entry}, of an index of {count}"
            ));
        }
        let sizes = &self.sizes[HEAD..];
        if layers as usize != sizes.len() || sizes.len() > MAX_LAYERS {
            return Some("its layers are not those of its header".into());
        }
        let upper = sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size));
        let fits = |array: &[u32], rows: Option<u64>, width: u64| {
            rows.and_then(|rows| rows.checked_mul(width)) == Some(array.len() as u64) && width > 0
        };
        let all_fit = fits(self.base, Some(nodes), width)
            && fits(self.nodes, upper, 1)
            && fits(self.lists, upper, above);
        (!all_fit).then(|| "its lists are not as long as its header says".into())
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.sizes.first().map_or(0, |count| *count as usize)
    }

    /// Where a search starts.
    pub(super) fn entry(&self) -> u32 {
        self.sizes.get(3).map_or(0, |entry| *entry as u32)
    }

    /// The list of a node in layer 0, with its unused places.
    pub(super) fn list(&self, node: u32) -> &'graph [u32] {
        let width = self.sizes.get(1).map_or(0, |width| *width as usize);
        let start = node as usize * width;
        self.base.get(start..start + width).unwrap_or_default()
    }

    /// The layers above the lowest, from the top.
    pub(super) fn descending(&self) -> impl Iterator<Item = Layer<'graph>> {
        let width = self.sizes.get(2).map_or(0, |width| *width as usize);
        let (nodes, lists) = (self.nodes, self.lists);
        let sizes = self.sizes.get(HEAD..).unwrap_or_default().iter().rev();
        sizes.scan(nodes.len(), move |end, size| {
            let start = end.checked_sub(*size as usize)?;
            let range = start..std::mem::replace(end, start);
            let lists = lists.get(range.start * width..range.end * width)?;
            Some(Layer { nodes: nodes.get(range)?, lists, width })
        })
    }
}

impl Layer<'_> {
    /// The place of a node.
    pub(super) fn place(&self, node: u32) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }

    /// The node at a place.
    pub(super) fn node(&self, place: usize) -> Option<u32> {
        self.nodes.get(place).copied()
    }
}

/// The nodes of layer 0.
impl Neighbours for Layers<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    fn neighbours(&self, node: u32) -> impl Iterator<Item = u32> {
        let count = self.len();
        self.list(node).iter().copied().filter(move |node| (*node as usize) < count)
    }
}

/// The places in the layer.
impl Neighbours for Layer<'_> {
    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn neighbours(&self, place: u32) -> impl Iterator<Item = u32> {
        let (place, count) = (place as usize, self.nodes.len());
        let list = self.lists.get(place * self.width..(place + 1) * self.width).unwrap_or_default();
        list.iter().copied().filter(move |place| (*place as usize) < count)
    }
}
