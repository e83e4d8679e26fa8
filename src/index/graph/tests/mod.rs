use super::audit::{link_orphans, reachable};
use super::layers::Lists;
use super::search::{Found, best_first};
use super::*;
use crate::index::kernels::dot;
use crate::index::manifest::FORMAT_VERSION;
use crate::index::storage::{Check, MappedFile};
use crate::index::vectors;
use crate::progress::Silent;
use std::fs;

const DIMENSIONS: usize = 24;

/// Unit vectors in a few clusters, the same on every run.
fn clustered(count: usize) -> Vec<f32> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..12).map(|_| (0..DIMENSIONS).map(|_| uniform()).collect()).collect();
    let mut values = Vec::new();
    for number in 0..count {
        let row: Vec<f32> = centres[number % 12].iter().map(|centre| centre + 0.6 * uniform()).collect();
        let length = dot(&row, &row).sqrt();
        values.extend(row.iter().map(|value| value / length));
    }
    values
}

fn settings() -> GraphSettings {
    GraphSettings { from: 0, connections: 8, ef_construction: 48, ef_search: 40 }
}

/// Vectors as they are kept, all of one document.
fn kept(values: &[f32]) -> VectorArrays {
    VectorArrays::new(values, DIMENSIONS, &vec![0; values.len() / DIMENSIONS], 1)
}

/// Vectors as the encoder made them.
fn made(values: &[f32]) -> ExactVectors {
    let mut made = ExactVectors::new(&std::env::temp_dir(), DIMENSIONS).unwrap();
    for row in values.chunks_exact(DIMENSIONS) {
        made.push(row).unwrap();
    }
    made
}

fn built(values: &[f32]) -> BuiltGraph {
    let (exact, vectors) = (made(values), kept(values));
    let builder = GraphBuilder {
        settings: settings(),
        exact: &exact,
        vectors: &vectors,
        threads: 2,
        progress: &Silent,
    };
    builder.build().unwrap().unwrap()
}

/// A graph and its vectors in files.
struct Written {
    folder: tempfile::TempDir,
    vectors: Vectors,
    checksum: String,
    count: usize,
}

impl Written {
    fn new(values: &[f32], graph: &BuiltGraph) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let count = values.len() / DIMENSIONS;
        let path = folder.path().join("vectors");
        let checksum = kept(values).encode().write(&path).unwrap();
        let file = MappedFile::open(&path, vectors::KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
        let vectors = Vectors::open(file, FORMAT_VERSION, DIMENSIONS, (count, 1)).unwrap();
        let checksum = graph.encode().write(&folder.path().join("graph")).unwrap();
        Self { folder, vectors, checksum, count }
    }

    fn open(&self) -> Graph {
        let file = MappedFile::open(
            &self.folder.path().join("graph"),
            KIND,
            FORMAT_VERSION,
            &self.checksum,
            Check::Whole,
        )
        .unwrap();
        Graph::open(file, self.count).unwrap()
    }
}

fn exact(vectors: &Vectors, question: &CentredQuestion, count: usize) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = vectors.scan(question).into_iter().enumerate().collect();
    all.sort_by(|first, second| second.1.total_cmp(&first.1));
    all.truncate(count);
    all
}

#[test]
fn a_file_read_back_finds_what_exact_search_finds() {
    let values = clustered(1_500);
    let graph = built(&values);
    assert!(graph.summary.recall_at_10 >= RECALL, "{:?}", graph.summary);
    let written = Written::new(&values, &graph);
    let frozen = written.open();
    for number in (0..written.count).step_by(37) {
        let question = written.vectors.centred(&written.vectors.row(number));
        let found = frozen.search(&written.vectors, &question, written.count);
        assert_eq!(found.len(), written.count, "everything is reached");
        let scores = |found: &[(usize, f32)]| found.iter().map(|(_, score)| *score).collect::<Vec<_>>();
        assert_eq!(scores(&found), scores(&exact(&written.vectors, &question, written.count)));
        let narrow = frozen.search(&written.vectors, &question, 40);
        assert_eq!((narrow.len(), narrow[0].1), (40, found[0].1));
    }
}

#[test]
fn small_corpora_have_no_graph_unless_asked() {
    let values = clustered(50);
    let settings = GraphSettings::default();
    let vectors = kept(&values);
    let builder =
        GraphBuilder { settings, exact: &made(&values), vectors: &vectors, threads: 1, progress: &Silent };
    assert!(builder.build().unwrap().is_none());
    for count in [1, 2, 3, 9, 65] {
        let values = clustered(count);
        let written = Written::new(&values, &built(&values));
        let question = written.vectors.centred(&values[..DIMENSIONS]);
        assert_eq!(written.open().search(&written.vectors, &question, 100).len(), count);
    }
}

#[test]
fn equal_vectors_do_not_hide_each_other() {
    let mut values = clustered(400);
    for (row, copies) in [(1, 1_200), (5, 90), (9, 1)] {
        for _ in 0..copies {
            values.extend_from_within(row * DIMENSIONS..(row + 1) * DIMENSIONS);
        }
    }
    let graph = built(&values);
    assert!(graph.summary.orphans_linked < 40, "{:?}", graph.summary);
    let written = Written::new(&values, &graph);
    written.open().check().unwrap();
    let question = written.vectors.centred(&values[DIMENSIONS..2 * DIMENSIONS]);
    let count = values.len() / DIMENSIONS;
    assert_eq!(written.open().search(&written.vectors, &question, count).len(), count);
}

#[test]
fn twins_hang_on_the_first_of_their_kind() {
    let mut values = clustered(30);
    for _ in 0..9 {
        values.extend_from_within(3 * DIMENSIONS..4 * DIMENSIONS);
    }
    let twins = Twins::of(&ByteRows::new(&kept(&values)));
    assert_eq!(
        (0..39).filter(|node| twins.is_later(*node)).collect::<Vec<_>>(),
        (30..39).collect::<Vec<_>>()
    );
    assert!(hierarchy::nodes_above(39, 1, &twins).iter().eq(&(0..30).collect::<Vec<_>>()));
    for width in [2, 4, 8] {
        let mut lists = ring(39, &(30..39).collect::<Vec<_>>(), width);
        twins.hang(&mut lists, width);
        assert!(lists.base.iter().all(|list| list.len() <= width), "width {width}");
        assert!(reachable(&lists.freeze().layers()).into_iter().all(|reached| reached), "width {width}");
    }
}

#[test]
fn a_graph_that_finds_too_little_is_built_anew_and_then_an_error_with_its_figures() {
    let values = clustered(600);
    // What is searched are other vectors than the truth is about: no effort finds it.
    let mut others = values.clone();
    others.rotate_left(DIMENSIONS * 5 + 3);
    let builder = GraphBuilder {
        settings: settings(),
        exact: &made(&others),
        vectors: &kept(&values),
        threads: 2,
        progress: &Silent,
    };
    match builder.build().map(|_| ()).unwrap_err() {
        BuildError::Graph(GraphError::Recall { found, ef_construction, ef_search }) => {
            assert!(found < RECALL, "{found}");
            assert_eq!((ef_construction, ef_search), (48 << REBUILDS, MOST_EF_SEARCH));
        }
        other => panic!("{other}"),
    }
}

/// Every node can be reached in a ring, but no search with the most effort gets around it.
#[test]
fn a_crippled_structure_is_an_error_with_its_figures() {
    let values = clustered(3 * MOST_EF_SEARCH);
    let vectors = kept(&values);
    let builder = GraphBuilder {
        settings: settings(),
        exact: &made(&values),
        vectors: &vectors,
        threads: 2,
        progress: &Silent,
    };
    let ring = ring(vectors.len() as u32, &[], 1);
    assert!(reachable(&ring.freeze().layers()).into_iter().all(|reached| reached));
    let measured = builder.measure(&ring, &settings(), &Sample::new(builder.exact, &vectors, 2).unwrap(), 0);
    let error = measured.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, BuildError::Graph(GraphError::Recall { found, ef_construction: 48, ef_search: MOST_EF_SEARCH }) if found > 0.0 && found < 0.9),
        "{error}"
    );
    let told = error.to_string();
    assert!(told.contains("of the ten best chunks, less than 0.99, with ef_construction 48"), "{told}");
}

#[test]
fn a_chunk_that_nothing_leads_to_is_found_by_the_check() {
    let values = clustered(40);
    let built = built(&values);
    let open = |lists: &Lists| {
        let graph = BuiltGraph { arrays: lists.freeze(), summary: built.summary };
        Written::new(&values, &graph).open().check()
    };
    open(&ring(40, &[], 4)).unwrap();
    let error = open(&ring(40, &[7, 21], 4)).unwrap_err().to_string();
    assert!(error.contains("2 of 40 chunks cannot be reached in it"), "{error}");
}

/// A ring of nodes with no way to `orphans`, each of which leads into the ring.
fn ring(count: u32, orphans: &[u32], width: usize) -> Lists {
    let ring: Vec<u32> = (0..count).filter(|node| !orphans.contains(node)).collect();
    let mut lists = Lists { base: vec![Vec::new(); count as usize], ..Lists::default() };
    for (place, node) in ring.iter().enumerate() {
        lists.base[*node as usize] = (1..=width).map(|step| ring[(place + step) % ring.len()]).collect();
    }
    for orphan in orphans {
        lists.base[*orphan as usize] = vec![ring[0]];
    }
    lists
}

/// Nodes on a line: near numbers are near.
struct Line(u32);

impl Scores for Line {
    fn score(&self, node: u32) -> f32 {
        -(f64::from(self.0) - f64::from(node)).abs() as f32
    }
}

#[test]
fn orphans_are_linked_in() {
    for width in [3, 6] {
        // With lists that are full already a link has to displace another.
        let mut lists = ring(60, &[7, 8, 30, 59], 3);
        let before = reachable(&lists.freeze().layers());
        assert_eq!(before.iter().filter(|reached| !**reached).count(), 4);
        let audit = link_orphans(&mut lists, width, Line);
        assert_eq!((audit.linked, audit.left), (4, 0), "width {width}");
        assert!(reachable(&lists.freeze().layers()).into_iter().all(|reached| reached));
        assert!(lists.base.iter().all(|list| list.len() <= width));
    }
}

#[test]
fn what_cannot_be_mended_is_counted() {
    // Two orphans, and one place that both are nearest to: each link takes the place of the other.
    let mut lists = Lists { base: vec![Vec::new(); 3], upper: Vec::new(), entry: 1 };
    let audit = link_orphans(&mut lists, 1, Line);
    assert!(audit.left > 0, "{audit:?}");
    let error = GraphError::Unreachable { left: audit.left, linked: audit.linked, chunks: 3 };
    assert!(error.to_string().contains("of 3 chunks cannot be reached"), "{error}");
}

/// Damage behind a checksum that fits: what a search does where it must not trust the file.
#[test]
fn damaged_files_are_refused_or_searched_without_harm() {
    let values = clustered(300);
    let written = Written::new(&values, &built(&values));
    let path = written.folder.path().join("graph");
    let whole = fs::read(&path).unwrap();
    let question = written.vectors.centred(&values[..DIMENSIONS]);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut searched = 0;
    for _ in 0..300 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut damaged = whole.clone();
        // Behind the header, which has its own test.
        let place = 64 + (state >> 33) as usize % (whole.len() - 64);
        damaged[place] ^= 1 << (state >> 20 & 7);
        searched += usize::from(survives(&path, &damaged, &written, &question));
    }
    assert!(searched > 100, "only {searched} of 300 files were opened at all");
    for length in (0..whole.len()).step_by(whole.len() / 200) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(
            MappedFile::open(&path, KIND, FORMAT_VERSION, &written.checksum, Check::Whole).is_err(),
            "cut at {length}"
        );
        survives(&path, &whole[..length], &written, &question);
    }
}

/// Writes `bytes` with a header that fits them, and searches if they open. Whether they do.
fn survives(path: &std::path::Path, bytes: &[u8], written: &Written, question: &CentredQuestion) -> bool {
    let Some((header, payload)) = bytes.split_at_checked(64) else { return false };
    let mut sealed = header.to_vec();
    sealed[24..32].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let checksum = blake3::hash(payload);
    sealed[32..64].copy_from_slice(checksum.as_bytes());
    sealed.extend_from_slice(payload);
    fs::write(path, &sealed).unwrap();
    let opened = MappedFile::open(path, KIND, FORMAT_VERSION, checksum.to_hex().as_str(), Check::Whole)
        .and_then(|file| Graph::open(file, written.count));
    let Ok(graph) = opened else { return false };
    let found = graph.search(&written.vectors, question, 50);
    assert!(found.iter().all(|(chunk, _)| *chunk < written.count));
    assert!(found.is_sorted_by(|first, second| first.1 >= second.1));
    true
}

proptest::proptest! {
    /// Lists of any shape, from any entry: each reachable node once, the best first.
    #[test]
    fn a_search_with_room_for_all_finds_what_can_be_reached(
        edges in proptest::collection::vec((0_u32..40, 0_u32..40), 0..200), entry in 0_u32..40, target in 0_u32..40,
    ) {
        let mut lists = Lists { base: vec![Vec::new(); 40], upper: Vec::new(), entry };
        for (from, to) in edges {
            lists.base[from as usize].push(to);
        }
        let arrays = lists.freeze();
        let found: Vec<Found> = best_first(&arrays.layers(), &Line(target), 40);
        let mut nodes: Vec<u32> = found.iter().map(|(node, _)| *node).collect();
        proptest::prop_assert!(found.is_sorted_by(|first, second| first.1 >= second.1));
        nodes.sort_unstable();
        let reached = reachable(&arrays.layers());
        let expected: Vec<u32> = (0..40).filter(|node| reached[*node as usize]).collect();
        proptest::prop_assert_eq!(nodes, expected);
    }

    #[test]
    fn rows_of_bytes_keep_cosines(
        first in proptest::collection::vec(-1.0_f32..1.0, DIMENSIONS), second in proptest::collection::vec(-1.0_f32..1.0, DIMENSIONS),
    ) {
        let lengths = (dot(&first, &first) * dot(&second, &second)).sqrt();
        proptest::prop_assume!(lengths > 0.1);
        // With each vector its opposite: their mean is zero.
        let mut values = [&first[..], &second].concat();
        values.extend(values.clone().iter().map(|value| -value));
        let rows = ByteRows::new(&kept(&values));
        let error = (rows.seen_from(0).score(1) - dot(&first, &second) / lengths).abs();
        proptest::prop_assert!(error < 0.02, "{}", error);
    }
}
