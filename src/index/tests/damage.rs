//! Damage anywhere: an error at open or when everything is checked, never a panic, and never another
//! text than was indexed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::super::manifest::read_manifest;
use super::super::storage::Check;
use super::super::{Index, OpenError, QuestionCodes};
use super::Fixture;
use crate::embedding::{Embedder, HashingEmbedder, Role};

/// How many random places are damaged.
const PLACES: usize = 1_000;

fn pages() -> Fixture {
    let fixture = Fixture::new(&[]);
    for page in 0..12 {
        let words: Vec<String> = (0..60).map(|word| format!("word{}", page * word)).collect();
        fixture.write(&format!("page-{page}.md"), &format!("# Page {page}\n\n{}\n", words.join(" ")));
    }
    fixture.build().unwrap();
    fixture
}

/// The manifest and the files of the generation.
fn files(index: &Path) -> Vec<PathBuf> {
    let generation = read_manifest(index).unwrap().generation_folder(index);
    let mut files: Vec<PathBuf> =
        fs::read_dir(generation).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(index.join("manifest.json"));
    files.sort();
    files
}

/// Uses everything that a question uses. Nothing here may panic; texts are those that were indexed.
fn exercise(index: &Index, known: &HashSet<String>) {
    for number in 0..index.document_count() {
        let _ = index.document(number);
    }
    for number in 0..index.chunk_count() {
        if let Ok(stored) = index.chunk(number) {
            assert!(known.contains(&stored.chunk.text), "another text: {:?}", stored.chunk.text);
        }
    }
    let question = HashingEmbedder::default().encode("page 7 word21", Role::Query).unwrap();
    let vectors = index.vectors();
    assert_eq!(vectors.scan(&vectors.centred(question.pooled.as_slice())).len(), index.chunk_count());
    assert_eq!(
        vectors.scan_documents(&QuestionCodes::new(question.pooled.as_slice())).len(),
        index.document_count()
    );
    let lexical = index.lexical();
    assert_eq!(lexical.scores(&lexical.query_terms("page 7 word21")).len(), index.chunk_count());
    for chunk in 0..index.chunk_count() {
        let _ = index.tokens().signs(chunk);
    }
    let _ = index.tokens().weight(7);
}

/// Opens a damaged index in each way. Everything but the quick look at a large file must notice.
fn meet(folder: &Path, known: &HashSet<String>, what: &str) {
    let opened = read_manifest(folder).and_then(|_| Index::open_checked(folder, Check::Shape));
    if let Ok(index) = opened {
        exercise(&index, known);
    }
    match Index::open_whole(folder) {
        Ok(_) => panic!("{what} is not noticed"),
        Err(error) => assert_names_the_damage(&error, folder, what),
    }
    // So small an index is read whole each time.
    assert!(Index::open(folder).is_err(), "{what} is not noticed at once");
}

fn assert_names_the_damage(error: &OpenError, folder: &Path, what: &str) {
    let message = error.to_string();
    assert!(message.contains(&folder.display().to_string()), "{what}: {message}");
    assert!(error.hint().contains("docent"), "{what}: {message}: {}", error.hint());
}

/// The same sequence on each run (D. H. Lehmer's generator in 64 bits).
struct Places(u64);

impl Places {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(0xda94_2042_e4dd_58b5).wrapping_add(1);
        ((self.0 >> 33) as usize) % end
    }
}

fn known_texts(fixture: &Fixture) -> HashSet<String> {
    fixture.texts().into_iter().collect()
}

#[test]
fn a_flipped_bit_anywhere() {
    let fixture = pages();
    let known = known_texts(&fixture);
    let files = files(fixture.index.path());
    let whole: HashMap<&PathBuf, Vec<u8>> =
        files.iter().map(|file| (file, fs::read(file).unwrap())).collect();
    let mut places = Places(7);
    for number in 0..PLACES {
        // File by file, so that small ones get their share.
        let file = &files[number % files.len()];
        let mut bytes = whole[file].clone();
        let (byte, bit) = (places.below(bytes.len()), places.below(8));
        bytes[byte] ^= 1 << bit;
        fs::write(file, &bytes).unwrap();
        let what = format!("bit {bit} of byte {byte} of {}", file.display());
        if is_harmless(&whole[file], byte, file) {
            // What the seal says of itself, by name: then it says nothing, and all else is as it was.
            exercise(&Index::open_checked(fixture.index.path(), Check::Shape).unwrap(), &known);
        } else {
            meet(fixture.index.path(), &known, &what);
        }
        fs::write(file, &whole[file]).unwrap();
    }
}

/// Whether a byte belongs to the name of the manifest's seal.
fn is_harmless(bytes: &[u8], byte: usize, file: &Path) -> bool {
    let Some(name) = bytes.windows(6).rposition(|window| window == b"\"seal\"") else { return false };
    file.ends_with("manifest.json") && (name + 1..name + 5).contains(&byte)
}

#[test]
fn a_file_cut_at_any_length() {
    let fixture = pages();
    let known = known_texts(&fixture);
    let mut places = Places(11);
    for file in files(fixture.index.path()) {
        let whole = fs::read(&file).unwrap();
        let mut lengths: Vec<usize> = (0..40).map(|_| places.below(whole.len())).collect();
        lengths.extend([0, 1, 63, 64, 65, whole.len() - 1]);
        for length in lengths {
            fs::write(&file, &whole[..length]).unwrap();
            meet(fixture.index.path(), &known, &format!("{} cut to {length}", file.display()));
        }
        let longer = [whole.as_slice(), b"\0"].concat();
        fs::write(&file, longer).unwrap();
        meet(fixture.index.path(), &known, &format!("{} with a byte more", file.display()));
        fs::write(&file, &whole).unwrap();
    }
    fixture.texts();
}

#[test]
fn a_file_of_another_generation_or_of_another_kind() {
    let fixture = pages();
    let old: Vec<(String, Vec<u8>)> = files(fixture.index.path())
        .iter()
        .filter(|file| !file.ends_with("manifest.json"))
        .map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(file).unwrap()))
        .collect();
    fixture.write("page-3.md", "# Page 3\n\nSomething else.\n");
    fixture.write("new.md", "# New\n\nMore.\n");
    fixture.build().unwrap();
    let known = known_texts(&fixture);
    let folder = read_manifest(fixture.index.path()).unwrap().generation_folder(fixture.index.path());
    for (name, _) in &old {
        let whole = fs::read(folder.join(name)).unwrap();
        for (other, bytes) in &old {
            fs::write(folder.join(name), bytes).unwrap();
            meet(fixture.index.path(), &known, &format!("{other} of the first generation as {name}"));
        }
        fs::write(folder.join(name), whole).unwrap();
    }
    fixture.texts();
}
