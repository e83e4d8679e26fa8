//! An encoder that encodes questions one by one, as it is let: what happens in the middle of an answer
//! can then be looked at without a clock.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use docent::embedding::{EmbedError, Embedder, Encoding, HashingEmbedder, ModelIdentity, Role, Spreads};
use docent::retrieval::Resident;

use crate::mcp_support::Library;

const PATIENCE: Duration = Duration::from_secs(20);

struct Gated {
    inner: HashingEmbedder,
    asked: Mutex<Sender<String>>,
    permits: Mutex<Receiver<()>>,
}

impl Embedder for Gated {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        if role == Role::Query {
            let _ = self.asked.lock().unwrap().send(text.to_owned());
            // Without a gate there is nothing to wait for.
            let _ = self.permits.lock().unwrap().recv();
        }
        self.inner.encode(text, role)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn parallelism(&self) -> usize {
        self.inner.parallelism()
    }

    fn spreads(&self) -> Spreads {
        self.inner.spreads()
    }
}

/// Where wordings wait to be encoded. Once it is dropped, none waits any more.
pub(crate) struct Gate {
    asked: Receiver<String>,
    permits: Sender<()>,
}

impl Gate {
    /// A resident behind a gate, loaded.
    pub(crate) fn before(library: &Library) -> (Resident, Self) {
        let (asking, asked) = channel();
        let (permits, permitted) = channel();
        let inner = HashingEmbedder::default();
        let encoder = Arc::new(Gated { inner, asked: Mutex::new(asking), permits: Mutex::new(permitted) });
        let load = move |_: &_| Ok(Arc::clone(&encoder) as Arc<dyn Embedder>);
        let resident = Resident::new(&library.index_folder(), Box::new(load));
        resident.current().unwrap();
        (resident, Self { asked, permits })
    }

    /// The next wording that waits.
    pub(crate) fn next(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("nothing is asked")
    }

    /// Lets one through.
    pub(crate) fn let_one(&self) {
        self.permits.send(()).unwrap();
    }

    /// Lets everything through, from here on. What was asked tells all wordings that still come.
    pub(crate) fn open(self) -> Receiver<String> {
        self.asked
    }
}
