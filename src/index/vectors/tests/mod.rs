use super::super::manifest::FORMAT_VERSION;
use super::super::storage::Check;
use super::*;

fn unit(x: f32, y: f32) -> [f32; 2] {
    [x / x.hypot(y), y / x.hypot(y)]
}

/// Five rows of two dimensions: of documents of two chunks, of one, and of two that cancel out.
const DOCUMENT_OF: [u32; 5] = [0, 0, 1, 2, 2];

fn rows() -> Vec<[f32; 2]> {
    vec![unit(1.0, 0.2), unit(1.0, -0.2), unit(0.9, 0.6), unit(-0.6, 0.8), unit(0.6, -0.8)]
}

fn opened(folder: &std::path::Path, format: u32, writer: &FileWriter, documents: usize) -> Vectors {
    let path = folder.join("vectors");
    let checksum = writer.write(&path).unwrap();
    let file = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
    Vectors::open(file, format, 2, documents).unwrap()
}

fn assert_scores(vectors: &Vectors, rows: &[[f32; 2]], documents: &[f32], error: f32) {
    let mean = [0, 1].map(|axis| rows.iter().map(|row| row[axis]).sum::<f32>() / rows.len() as f32);
    let query = unit(0.7, 0.7);
    let centred = |row: &[f32; 2]| [row[0] - mean[0], row[1] - mean[1]];
    let query_centred = centred(&query);
    let question = vectors.centred(&query);
    for (number, score) in vectors.scan(&question).into_iter().enumerate() {
        let row = centred(&rows[number]);
        let expected = (row[0] * query_centred[0] + row[1] * query_centred[1])
            / (row[0].hypot(row[1]) * query_centred[0].hypot(query_centred[1]));
        assert!((score - expected).abs() < 1e-4, "{score} instead of {expected}");
        assert!((vectors.rows().coarse_score(&question, number) - expected).abs() < 3e-2);
    }
    let found = vectors.scan_documents(&Question::new(query.to_vec()));
    assert_eq!(found.len(), documents.len());
    for (found, expected) in found.iter().zip(documents) {
        assert!((found - expected).abs() < error, "{found} instead of {expected}");
    }
}

/// The cosines of (0.7, 0.7) with the means of the documents.
fn document_scores() -> [f32; 3] {
    let (query, row) = (unit(0.7, 0.7), rows()[2]);
    [query[0], query[0] * row[0] + query[1] * row[1], 0.0]
}

#[test]
fn scores_are_cosines_around_the_mean() {
    let rows = rows();
    let planes = Planes::new(&rows.concat(), 2);
    let folder = tempfile::tempdir().unwrap();
    let writer = encode(&planes, &Centring::of(&planes), &DOCUMENT_OF, 3);
    let vectors = opened(folder.path(), FORMAT_VERSION, &writer, 3);
    assert_scores(&vectors, &rows, &document_scores(), 6e-3);
    vectors.check().unwrap();
    for (number, row) in rows.iter().enumerate() {
        let back = vectors.row(number);
        assert!(back.iter().zip(row).all(|(back, value)| (back - value).abs() < 1e-4), "{back:?}");
    }
}

/// What format 1 has.
#[test]
fn vectors_in_floats_are_read_as_well() {
    let rows = rows();
    let planes = Planes::new(&rows.concat(), 2);
    let centring = Centring::of(&planes);
    let means = [[1.0, 0.0], rows[2], [0.0, 0.0]];
    let scales: Vec<f32> = centring.scales.iter().map(|[_, scale]| *scale).collect();
    let mut writer = FileWriter::new(KIND);
    writer.push(&rows.concat()).push(&centring.mean).push(&scales).push(&means.concat());
    let folder = tempfile::tempdir().unwrap();
    let vectors = opened(folder.path(), 1, &writer, 3);
    assert_scores(&vectors, &rows, &document_scores(), 1e-4);
    assert_eq!(vectors.row(3), rows[3]);
}

#[test]
fn files_whose_arrays_do_not_fit_are_refused() {
    let planes = Planes::new(&rows().concat(), 2);
    let writer = encode(&planes, &Centring::of(&planes), &DOCUMENT_OF, 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    let checksum = writer.write(&path).unwrap();
    for (dimensions, documents) in [(0, 3), (3, 3), (1, 3), (2, 2), (2, 4)] {
        let file = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
        assert!(
            Vectors::open(file, FORMAT_VERSION, dimensions, documents).is_err(),
            "{dimensions} {documents}"
        );
    }
}
