//! What a build does and reports.

use std::fs;

use super::super::generation::VECTORS_FILE;
use super::super::{BuildError, BuildReport, Index, OpenError, Outcome, prune};
use super::Fixture;
use crate::chunking::ChunkSettings;
use crate::embedding::{EmbedError, Embedder, Encoding, HashingEmbedder, ModelIdentity, Role};

#[test]
fn an_unchanged_source_makes_no_new_generation() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b/c.md", "# C\n\nTwo.")]);
    assert_eq!(fixture.build().unwrap().outcome, Outcome::Built { embedded: 2, reused: 0 });
    let again = fixture.build().unwrap();
    assert_eq!((again.outcome, again.manifest.generation), (Outcome::Unchanged, 1));
}

#[test]
fn only_what_changed_is_embedded_and_a_rename_is_not() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b.md", "# B\n\nTwo.")]);
    fixture.build().unwrap();
    fixture.write("b.md", "# B\n\nThree.");
    fs::rename(fixture.source.path().join("a.md"), fixture.source.path().join("z.md")).unwrap();
    let report = fixture.build().unwrap();
    assert_eq!(report.outcome, Outcome::Built { embedded: 1, reused: 1 });
    assert_eq!((report.manifest.generation, fixture.generations()), (2, 1));
    let index = Index::open(fixture.index.path()).unwrap();
    assert_eq!(index.document(1).unwrap().path.as_str(), "z.md");
    assert_eq!(index.chunk(1).unwrap().chunk.text, "One.");
}

#[test]
fn a_damaged_index_is_replaced() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
    let report = fixture.build().unwrap();
    let vectors = report.manifest.generation_folder(fixture.index.path()).join(VECTORS_FILE);
    fs::write(&vectors, b"junk").unwrap();
    let error = Index::open(fixture.index.path()).err().unwrap();
    assert!(error.to_string().contains(&vectors.display().to_string()), "{error}");
    fixture.build().unwrap();
    Index::open(fixture.index.path()).unwrap();
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
    fixture.build().unwrap();
    fs::create_dir_all(fixture.index.path().join("gen-000007")).unwrap();
    let file = |name: &str| fixture.index.path().join(name);
    let (temporary, somebodys) = ([".tmp-x", ".tmpAb12xY"], ".tmpnotes");
    for name in temporary.iter().chain([&somebodys]) {
        fs::write(file(name), "x").unwrap();
    }
    fixture.write("a.md", "# A\n\nTwo.");
    assert_eq!(fixture.build().unwrap().manifest.generation, 8);
    assert_eq!(fixture.generations(), 1);
    assert!(temporary.iter().all(|name| !file(name).exists()) && file(somebodys).exists());
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
    fs::write(fixture.index.path().join("thesis.doc"), "years of work").unwrap();
    assert!(matches!(fixture.build(), Err(BuildError::NotAnIndex { .. })));
}

#[test]
fn nothing_to_index_is_an_error_that_names_what_was_left_out() {
    let fixture = Fixture::new(&[("a.png", "x"), ("b.md", "  ")]);
    let error = fixture.build().unwrap_err();
    assert!(error.to_string().contains("no documents under"), "{error}");
    assert!(error.to_string().contains("a.png"), "{error}");
}

/// An encoder that fails after so many passages, as a build does that is interrupted.
struct Interrupted {
    encoder: HashingEmbedder,
    left: std::sync::atomic::AtomicUsize,
}

impl Embedder for Interrupted {
    fn identity(&self) -> &ModelIdentity {
        self.encoder.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        use std::sync::atomic::Ordering::SeqCst;
        let left = self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.encoder.encode(text, role),
            Err(_) => Err(EmbedError::Load { model: "hashing".into(), message: "interrupted".into() }),
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.encoder.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        2
    }
}

fn write_pages(fixture: &Fixture, pages: usize) {
    for page in 0..pages {
        let words: Vec<String> = (0..50).map(|word| format!("word{}", page * word)).collect();
        fixture.write(&format!("page-{page}.md"), &format!("# Page {page}\n\n{}\n", words.join(" ")));
    }
}

fn embedded(report: &BuildReport) -> usize {
    match report.outcome {
        Outcome::Built { embedded, .. } => embedded,
        Outcome::Unchanged => 0,
    }
}

#[test]
fn an_interrupted_build_goes_on_where_it_was() {
    let mut fixture = Fixture::new(&[]);
    write_pages(&fixture, 600);
    let interrupted = Interrupted { encoder: HashingEmbedder::default(), left: 250.into() };
    fixture.embedder = Box::new(interrupted);
    assert!(matches!(fixture.build(), Err(BuildError::Embed(_))));
    assert!(matches!(Index::open(fixture.index.path()), Err(OpenError::Missing { .. })));
    // A page that came meanwhile makes it no other corpus.
    fixture.write("new.md", "# New\n\nNew.\n");
    fixture.embedder = Box::new(HashingEmbedder::default());
    let report = fixture.build().unwrap();
    // All but the passages of the batch that failed, and of its two threads.
    let anew = embedded(&report);
    assert!((351..=351 + 64).contains(&anew), "{anew} of 601 embedded");
    assert_eq!(fixture.texts().len(), 601);
    assert!(!fixture.index.path().join("embeddings").exists(), "what is in the generation is kept twice");
    // The centre is that of the first build, and what came of it is what came without an interruption.
    let scratch = tempfile::tempdir().unwrap();
    fs::remove_file(fixture.source.path().join("new.md")).unwrap();
    fixture.build().unwrap();
    fixture.build_in(scratch.path()).unwrap();
    let (resumed, whole) = (Index::open(fixture.index.path()).unwrap(), Index::open(scratch.path()).unwrap());
    for chunk in 0..whole.chunk_count() {
        assert_eq!(resumed.vectors().row(chunk), whole.vectors().row(chunk), "chunk {chunk}");
        assert_eq!(resumed.tokens().signs(chunk), whole.tokens().signs(chunk), "chunk {chunk}");
    }
}

#[test]
fn settings_that_come_back_embed_nothing() {
    let fixture = Fixture::new(&[]);
    for page in 0..20 {
        let words =
            |from: usize| (from..from + 40).map(|word| format!("word{}", page * word)).collect::<Vec<_>>();
        let text: Vec<String> = (0..6).map(|paragraph| words(paragraph * 40).join(" ")).collect();
        fixture.write(&format!("page-{page}.md"), &format!("# Page {page}\n\n{}\n", text.join("\n\n")));
    }
    let build = |tokens: usize| {
        let mut builder = fixture.builder(fixture.index.path());
        builder.chunking = ChunkSettings::for_encoder(tokens);
        builder.build().unwrap()
    };
    let (large, small) = (embedded(&build(256)), embedded(&build(64)));
    assert!(large > 20 && small > large, "{large}, {small}");
    assert_eq!((embedded(&build(256)), embedded(&build(64)), embedded(&build(256))), (0, 0, 0));
    fixture.texts();
    // Pruned, it is all to be done again.
    prune(fixture.index.path()).unwrap();
    assert!(!fixture.index.path().join("embeddings").exists());
    assert_eq!(embedded(&build(64)), small);
}

#[test]
fn what_went_and_comes_back_embeds_nothing() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b.md", "# B\n\nTwo.")]);
    fixture.build().unwrap();
    fixture.write("b.md", "# B\n\nThree.");
    assert_eq!(embedded(&fixture.build().unwrap()), 1);
    fixture.write("b.md", "# B\n\nTwo.");
    assert_eq!(fixture.build().unwrap().outcome, Outcome::Built { embedded: 0, reused: 2 });
}

#[test]
fn a_damaged_cache_costs_embeddings_and_no_more() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne."), ("b.md", "# B\n\nTwo.")]);
    fixture.build().unwrap();
    fixture.write("b.md", "# B\n\nThree.");
    fixture.build().unwrap();
    let cache =
        fs::read_dir(fixture.index.path().join("embeddings")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&cache).unwrap();
    for (round, offset) in (0..whole.len()).step_by(37).enumerate() {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1 << (round % 8);
        if round % 3 == 0 {
            bytes.truncate(offset);
        }
        fs::write(&cache, bytes).unwrap();
        fixture.write("b.md", if round % 2 == 0 { "# B\n\nTwo." } else { "# B\n\nThree." });
        fixture.build().unwrap();
        fixture.texts();
        let scratch = tempfile::tempdir().unwrap();
        fixture.build_in(scratch.path()).unwrap();
        let (updated, anew) =
            (Index::open(fixture.index.path()).unwrap(), Index::open(scratch.path()).unwrap());
        for chunk in 0..anew.chunk_count() {
            assert_eq!(updated.vectors().row(chunk), anew.vectors().row(chunk), "round {round}");
        }
    }
}

#[test]
fn times_are_trusted_where_they_tell_and_only_if_asked_to() {
    let fixture = Fixture::new(&[("a.md", "# A\n\nOne.")]);
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    let write = |text: &str, time: std::time::SystemTime| {
        fixture.write("a.md", text);
        let file = fs::File::options().append(true).open(fixture.source.path().join("a.md")).unwrap();
        file.set_modified(time).unwrap();
    };
    write("# A\n\nOne.", long_ago);
    fixture.build().unwrap();
    // Another text of the same size and time is not seen without a look at it.
    write("# A\n\nTwo.", long_ago);
    assert_eq!(fixture.build().unwrap().outcome, Outcome::Unchanged);
    let mut closely = fixture.builder(fixture.index.path());
    closely.trust_times = false;
    assert_eq!(embedded(&closely.build().unwrap()), 1);
    // A file that has only just changed may change again within the same moment.
    let now = std::time::SystemTime::now();
    write("# A\n\nSix.", now);
    fixture.build().unwrap();
    write("# A\n\nTen.", now);
    assert_eq!(embedded(&fixture.build().unwrap()), 1);
    // Touched, it is read and is the same.
    write("# A\n\nTen.", long_ago + std::time::Duration::from_secs(7));
    assert_eq!(fixture.build().unwrap().outcome, Outcome::Unchanged);
}
