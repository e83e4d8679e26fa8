use super::super::manifest::FORMAT_VERSION;
use super::super::storage::{ArrayWriter, Check};
use super::*;

fn unit(x: f32, y: f32) -> [f32; 2] {
    [x / x.hypot(y), y / x.hypot(y)]
}

/// Of documents of two chunks, of one, of none, and of two that cancel out.
const DOCUMENT_OF: [u32; 5] = [0, 0, 1, 3, 3];
const DOCUMENTS: usize = 4;

fn rows() -> Vec<[f32; 2]> {
    vec![unit(1.0, 0.2), unit(1.0, -0.2), unit(0.9, 0.6), unit(-0.6, 0.8), unit(0.6, -0.8)]
}

fn arrays() -> VectorArrays {
    VectorArrays::new(&rows().concat(), 2, &DOCUMENT_OF, DOCUMENTS)
}

fn open(
    writer: &ArrayWriter<'_>,
    format: u32,
    dimensions: usize,
    counts: (usize, usize),
) -> Result<Vectors, OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    let checksum = writer.write(&path).unwrap();
    let file = MappedFile::open(&path, KIND, FORMAT_VERSION, &checksum, Check::Whole).unwrap();
    Vectors::open(file, format, dimensions, counts)
}

fn assert_scores(vectors: &Vectors) {
    let rows = rows();
    let mean = [0, 1].map(|axis| rows.iter().map(|row| row[axis]).sum::<f32>() / rows.len() as f32);
    let query = unit(0.7, 0.7);
    let centred = |row: &[f32; 2]| [row[0] - mean[0], row[1] - mean[1]];
    let query_centred = centred(&query);
    let question = vectors.centred(&query);
    for (number, score) in vectors.scan(&question).into_iter().enumerate() {
        let row = centred(&rows[number]);
        let expected = (row[0] * query_centred[0] + row[1] * query_centred[1])
            / (row[0].hypot(row[1]) * query_centred[0].hypot(query_centred[1]));
        assert!((score - expected).abs() < 3e-4, "{score} instead of {expected}");
        assert!((vectors.rows().coarse_score(&question, number) - expected).abs() < 3e-2);
    }
    let (all, some) = (vectors.scan(&question), [4, 0, 2]);
    assert_eq!(vectors.scores(&question, &some), some.map(|chunk| all[chunk]));
    let codes = QuestionCodes::new(&query);
    let documents = vectors.scan_documents(&codes);
    assert_eq!(vectors.document_scores(&codes, &[2, 0]), [documents[2], documents[0]]);
    let expected = [query[0], query[0] * rows[2][0] + query[1] * rows[2][1], 0.0, 0.0];
    assert_eq!(documents.len(), expected.len());
    for (number, (found, expected)) in documents.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 3e-4, "{number}: {found} instead of {expected}");
    }
    for (number, row) in rows.iter().enumerate() {
        let back = vectors.row(number);
        assert!(back.iter().zip(row).all(|(back, value)| (back - value).abs() < 1e-4), "{back:?}");
    }
    vectors.check().unwrap();
}

#[test]
fn scores_are_cosines_around_the_mean() {
    let arrays = arrays();
    assert_scores(&open(&arrays.encode(), FORMAT_VERSION, 2, (5, DOCUMENTS)).unwrap());
}

fn of_format_1() -> ArrayWriter<'static> {
    let (rows, arrays) = (rows(), arrays());
    let distances: Vec<f32> = arrays.rows().scales[..5].iter().map(|[_, distance]| *distance).collect();
    let means = [[1.0, 0.0], rows[2], [0.0, 0.0], [0.0, 0.0]];
    let mut writer = ArrayWriter::new(KIND);
    writer.push(&rows.concat()).push(arrays.mean()).push(&distances).push(&means.concat());
    writer
}

#[test]
fn a_file_of_format_1_is_converted() {
    assert_scores(&open(&of_format_1(), 1, 2, (5, DOCUMENTS)).unwrap());
}

#[test]
fn vectors_read_back_are_written_to_the_same_bytes() {
    let first = arrays();
    let vectors = open(&first.encode(), FORMAT_VERSION, 2, (5, DOCUMENTS)).unwrap();
    let back: Vec<f32> = (0..5).flat_map(|number| vectors.row(number)).collect();
    let again = VectorArrays::new(&back, 2, &DOCUMENT_OF, DOCUMENTS);
    assert_eq!((first.rows().high, first.rows().low), (again.rows().high, again.rows().low));
    assert_eq!((first.rows().scales, first.mean()), (again.rows().scales, again.mean()));
}

#[test]
fn files_whose_arrays_do_not_fit_are_refused() {
    let arrays = arrays();
    for (dimensions, counts) in [(0, (5, 4)), (3, (5, 4)), (1, (5, 4)), (2, (9, 4)), (2, (5, 3)), (2, (5, 5))]
    {
        for (writer, format) in [(arrays.encode(), FORMAT_VERSION), (of_format_1(), 1)] {
            let refused = open(&writer, format, dimensions, counts).err();
            let refused = refused.expect("it does not fit").to_string();
            assert!(refused.contains("its arrays are not those of"), "{refused}");
        }
    }
}

#[test]
fn a_mean_that_leads_nowhere_is_found_by_the_check() {
    let arrays = arrays();
    let rows = arrays.rows();
    let mut writer = ArrayWriter::new(KIND);
    writer.push(rows.high).push(rows.low).push(rows.scales).push(arrays.mean()).push(&[
        5_u32,
        2,
        6,
        u32::MAX,
    ]);
    let vectors = open(&writer, FORMAT_VERSION, 2, (5, DOCUMENTS)).unwrap();
    assert_eq!(vectors.scan_documents(&QuestionCodes::new(&[1.0, 0.0]))[3].to_bits(), 0);
    let found = vectors.check().unwrap_err().to_string();
    assert!(found.contains("the mean of document 3 is not there"), "{found}");
}
