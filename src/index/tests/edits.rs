//! Random edits: an index that was brought up to date is the one that would be built from scratch.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::super::{Index, QuestionCodes};
use super::{Fixture, WithoutTokens};
use crate::embedding::{Embedder, HashingEmbedder, Role};

/// One change of the folder of documents.
#[derive(Debug, Clone)]
enum Edit {
    Write {
        page: usize,
        words: Vec<u8>,
    },
    Append {
        page: usize,
        words: Vec<u8>,
    },
    Remove {
        page: usize,
    },
    Rename {
        page: usize,
        to: usize,
    },
    /// The time changes, the text does not.
    Touch {
        page: usize,
    },
    Build,
}

const PAGES: usize = 6;

fn edit() -> impl Strategy<Value = Edit> {
    let words = || proptest::collection::vec(0_u8..20, 1..40);
    prop_oneof![
        4 => (0..PAGES, words()).prop_map(|(page, words)| Edit::Write { page, words }),
        2 => (0..PAGES, words()).prop_map(|(page, words)| Edit::Append { page, words }),
        1 => (0..PAGES).prop_map(|page| Edit::Remove { page }),
        2 => (0..PAGES, 0..PAGES).prop_map(|(page, to)| Edit::Rename { page, to }),
        1 => (0..PAGES).prop_map(|page| Edit::Touch { page }),
        3 => Just(Edit::Build),
    ]
}

fn text(words: &[u8]) -> String {
    words.iter().map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ")
}

impl Edit {
    /// Each edit leaves the time `moment` on the file, in seconds after a day long ago: times that tell,
    /// so that files are not read again.
    fn apply(&self, fixture: &Fixture, moment: u64) {
        let path = |page: usize| fixture.source.path().join(format!("page-{page}.md"));
        let touch = |page: usize| {
            if let Ok(file) = fs::File::options().append(true).open(path(page)) {
                file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000 + moment)).unwrap();
            }
        };
        match self {
            Self::Write { page, words } => {
                fixture.write(&format!("page-{page}.md"), &format!("# Page\n\n{}\n", text(words)));
                touch(*page);
            }
            Self::Append { page, words } => {
                let before = fs::read_to_string(path(*page)).unwrap_or_default();
                fixture.write(&format!("page-{page}.md"), &format!("{before}\n## More\n\n{}\n", text(words)));
                touch(*page);
            }
            Self::Remove { page } => drop(fs::remove_file(path(*page))),
            Self::Rename { page, to } => drop(fs::rename(path(*page), path(*to))),
            Self::Touch { page } => touch(*page),
            Self::Build => drop(fixture.build().unwrap()),
        }
    }
}

/// Everything that an answer is made of, but for what only says when.
fn content(index: &Index) -> Vec<String> {
    let documents = (0..index.document_count()).map(|number| {
        let document = index.document(number).unwrap();
        format!("{} {} {} {}", document.path, document.title, document.hash, document.first_chunk)
    });
    let chunks = (0..index.chunk_count()).map(|number| {
        let chunk = index.chunk(number).unwrap().chunk;
        format!("{:?} {:?}", chunk, index.vectors().row(number))
    });
    let question = HashingEmbedder::default().encode("word3 word5 more", Role::Query).unwrap();
    let lexical = index.lexical();
    let scores = [
        index.vectors().scan(&index.vectors().centred(question.pooled.as_slice())),
        index.vectors().scan_documents(&QuestionCodes::new(question.pooled.as_slice())),
        lexical.scores(&lexical.query_terms("word3 word5 more")),
    ];
    documents.chain(chunks).chain(scores.iter().map(|scores| format!("{scores:?}"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn bringing_up_to_date_is_building_anew(edits in proptest::collection::vec(edit(), 1..14)) {
        let mut fixture = Fixture::new(&[("always.md", "# Always\n\nThere.\n")]);
        fixture.embedder = Box::new(WithoutTokens(HashingEmbedder::default()));
        for (moment, edit) in edits.iter().enumerate() {
            edit.apply(&fixture, moment as u64);
        }
        fixture.build().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        fixture.build_in(scratch.path()).unwrap();
        let updated = Index::open_whole(fixture.index.path()).unwrap();
        updated.check_consistency().unwrap();
        prop_assert_eq!(content(&updated), content(&Index::open_whole(scratch.path()).unwrap()));
    }
}
