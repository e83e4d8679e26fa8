//! The encoder's memory is given back while a large index is put together and asked.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use docent::embedding::{EmbedError, Embedder, Encoding, HashingEmbedder, ModelIdentity, Role};
use docent::index::{GraphSettings, Index, IndexBuilder, Root};
use docent::progress::{Progress, Unit};
use docent::retrieval::calibrate;

/// Notes what had happened when it was told to rest: texts that were encoded, graphs that were begun.
#[derive(Default)]
struct Rested {
    encoder: HashingEmbedder,
    encoded: AtomicUsize,
    graphs: AtomicUsize,
    at: Mutex<Vec<(usize, usize)>>,
}

impl Embedder for Rested {
    fn identity(&self) -> &ModelIdentity {
        self.encoder.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        self.encoded.fetch_add(1, SeqCst);
        self.encoder.encode(text, role)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.encoder.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        1
    }

    fn rest(&self) {
        self.at.lock().unwrap().push((self.encoded.load(SeqCst), self.graphs.load(SeqCst)));
    }
}

impl Progress for Rested {
    fn begin(&self, stage: &str, _: Option<u64>, _: Unit) {
        self.graphs.fetch_add(usize::from(stage.contains("graph")), SeqCst);
    }

    fn advance(&self, _: u64) {}
    fn finish(&self) {}
    fn note(&self, _: &str) {}
}

/// Two passages, then 120 questions that have nothing to do with them.
#[test]
fn the_encoder_rests_while_a_graph_is_built_and_asked() {
    let source = tempfile::tempdir().unwrap();
    std::fs::write(source.path().join("a.md"), "# A\n\nOne.").unwrap();
    std::fs::write(source.path().join("b.md"), "# B\n\nTwo.").unwrap();
    for (from, rests) in [(0, vec![(2, 0), (122, 1)]), (1000, vec![])] {
        let (encoder, folder) = (Rested::default(), tempfile::tempdir().unwrap());
        let roots = vec![Root::at(source.path().to_owned())];
        let calibrate = |index: &Index| calibrate(index, &encoder);
        let builder = IndexBuilder {
            graph: GraphSettings { from, ..GraphSettings::default() },
            calibrate: Some(&calibrate),
            ..IndexBuilder::new(folder.path().to_owned(), roots, &encoder, &encoder)
        };
        builder.build().unwrap();
        assert_eq!(*encoder.at.lock().unwrap(), rests);
    }
}
