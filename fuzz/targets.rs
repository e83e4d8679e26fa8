//! What each target does with its bytes. The fuzzer calls these functions, and so do the tests.
#![allow(dead_code, reason = "each target of the fuzzer uses one function")]
#![allow(clippy::unwrap_used, reason = "what is not the input's doing may end the run")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use docent::batch::QuestionFile;
use docent::chunking::{ChunkSettings, Chunker, TokenCounter};
use docent::embedding::{Embedder, HashingEmbedder, Matrix};
use docent::extract::read_document;
use docent::index::{GraphSettings, Index, IndexBuilder, Root, read_manifest};
use docent::parse::{Format, parse};
use docent::progress::Silent;
use docent::remote::read_feed;
use docent::retrieval::{Query, Retriever};
use docent::source::{Limits, SourcePath, walk};

/// The files of a generation, by the first byte of an input.
pub(crate) const FILES: [&str; 6] =
    ["chunks.bin", "documents.bin", "graph.bin", "lexical.bin", "tokens.bin", "vectors.bin"];
/// Names of documents, by the first byte of an input: one of each format.
pub(crate) const DOCUMENTS: [&str; 14] = [
    "a.md",
    "a.mdx",
    "a.rst",
    "a.txt",
    "a.html",
    "a.ipynb",
    "a.docx",
    "a.pdf",
    "changelog.json",
    "a.yaml",
    "a.rs",
    "a.py",
    "a.ts",
    "a.php",
];
const HEADER: usize = 64;

/// An index to damage, built once.
pub(crate) struct Base {
    _folder: tempfile::TempDir,
    pub(crate) index: PathBuf,
    pub(crate) generation: PathBuf,
    source: PathBuf,
}

pub(crate) static BASE: LazyLock<Base> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    for page in 0..4 {
        let text = format!("# Page {page}\n\nRotate key {page}.\n\n## More\n\nA webhook of page {page}.\n");
        fs::write(source.join(format!("page-{page}.md")), text).unwrap();
    }
    let index = folder.path().join("index");
    build(&index, &source);
    let generation = read_manifest(&index).unwrap().generation_folder(&index);
    Base { _folder: folder, index, generation, source }
});

fn build(index: &Path, source: &Path) {
    let embedder = HashingEmbedder::default();
    let builder = IndexBuilder {
        chunking: ChunkSettings::for_encoder(64),
        graph: GraphSettings { from: 1, ..GraphSettings::default() },
        ..IndexBuilder::new(index.to_owned(), vec![Root::at(source.to_owned())], &embedder, &Silent)
    };
    builder.build().unwrap();
}

/// A copy of the base, with its manifest as JSON.
fn copy() -> (tempfile::TempDir, PathBuf, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let generation = folder.path().join(BASE.generation.file_name().unwrap());
    fs::create_dir(&generation).unwrap();
    for file in FILES {
        // Not `fs::copy`: libFuzzer's timer interrupts it, and it does not go on.
        fs::write(generation.join(file), fs::read(BASE.generation.join(file)).unwrap()).unwrap();
    }
    let manifest = fs::read(BASE.index.join("manifest.json")).unwrap();
    (folder, generation, serde_json::from_slice(&manifest).unwrap())
}

/// Opens an index and, where it opens, asks it.
fn exercise(folder: &Path) {
    let Ok(index) = Index::open_whole(folder) else { return };
    let _ = index.check_consistency();
    let question = Query::new("how to rotate the key of a webhook", 5).unwrap();
    if let Ok(retriever) = Retriever::new(index, Arc::new(HashingEmbedder::default())) {
        let _ = retriever.answer(&question);
    }
}

/// The content of one file, with a header and a checksum that fit: readers have to get by without them.
pub(crate) fn index_files(data: &[u8]) {
    let Some((first, payload)) = data.split_first() else { return };
    let file = FILES[usize::from(*first) % FILES.len()];
    let (folder, generation, mut manifest) = copy();
    let path = generation.join(file);
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(HEADER);
    let checksum = blake3::hash(payload);
    bytes[24..32].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes[32..64].copy_from_slice(checksum.as_bytes());
    bytes.extend_from_slice(payload);
    fs::write(&path, bytes).unwrap();
    manifest["checksums"][file] = checksum.to_hex().as_str().into();
    manifest.as_object_mut().unwrap().remove("seal");
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    exercise(folder.path());
}

pub(crate) fn index_manifest(data: &[u8]) {
    let (folder, ..) = copy();
    fs::write(folder.path().join("manifest.json"), data).unwrap();
    exercise(folder.path());
}

pub(crate) fn embedding_cache(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    fs::create_dir_all(index.join("embeddings")).unwrap();
    fs::write(index.join("embeddings/fuzz.cache"), data).unwrap();
    build(&index, &BASE.source);
    assert!(Index::open_whole(&index).is_ok_and(|index| index.check_consistency().is_ok()));
}

struct Words(HashingEmbedder);

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}

pub(crate) fn documents(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else { return };
    let name = DOCUMENTS[usize::from(*first) % DOCUMENTS.len()];
    let path = SourcePath::try_from(name.to_owned()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document");
    fs::write(&file, bytes).unwrap();
    let Ok(read) = read_document(&path, &file, 1 << 20) else { return };
    let parsed = parse(&path, Format::of(&path).unwrap_or(Format::PlainText), &read.text);
    let counter = Words(HashingEmbedder::default());
    for cut in Chunker::new(ChunkSettings::for_encoder(64), &counter).chunk(&path, &read.text, &parsed) {
        assert!(read.text.get(cut.chunk.bytes.clone()).is_some(), "{:?}", cut.chunk.bytes);
    }
}

pub(crate) fn records(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corpus.jsonl");
    fs::write(&file, data).unwrap();
    let _ = walk(&file, &Limits::default(), None, &|_| true);
}

pub(crate) fn questions(data: &[u8]) {
    let Ok(file) = QuestionFile::spooled("fuzz", data, None) else { return };
    let _ = file.survey();
    if let Ok(items) = file.items() {
        items.for_each(drop);
    }
}

pub(crate) fn feed(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.xml");
    fs::write(&file, data).unwrap();
    let _ = read_feed(file.to_str().unwrap());
}

pub(crate) fn npy(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vectors.npy");
    fs::write(&file, data).unwrap();
    if let Ok(matrix) = Matrix::read(&file) {
        assert_eq!(matrix.iter().flatten().count(), matrix.rows * matrix.columns);
    }
}
