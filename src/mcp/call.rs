//! One call under way: what the work for it may know of its client, and what the client is told
//! meanwhile.
//!
//! Only a client that gave a progress token is told anything: of each step when it is done, and about
//! once a second while a step takes long, whatever takes so long. The number always grows, and
//! nothing is told after the answer. A call that is cancelled, or whose connection is gone, is worked
//! on no further than to the end of its step.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::failure::ToolError;
use crate::retrieval::{Answer, Query, Ready, Resident, RetrievalError, Waiting};

/// How often the client hears that a long step is still being worked on.
const BEAT: Duration = Duration::from_secs(1);
/// How long a notice may take to go out. Whoever reads nothing is told nothing more, and does not hold
/// the answer back.
const SENDING: Duration = Duration::from_secs(1);

/// A call, as the thread that works for it sees it.
pub(super) struct Call {
    /// What answers.
    pub(super) resident: Arc<Resident>,
    context: RequestContext<RoleServer>,
    done: AtomicUsize,
    /// How many steps there are, as far as it is known.
    total: Arc<AtomicUsize>,
    /// Tells how many are done.
    steps: UnboundedSender<usize>,
}

impl Call {
    pub(super) fn new(resident: Arc<Resident>, context: &RequestContext<RoleServer>) -> (Self, Listener) {
        let (sender, receiver) = unbounded_channel();
        let total = Arc::<AtomicUsize>::default();
        let listener = Listener {
            token: context.meta.get_progress_token(),
            context: context.clone(),
            steps: receiver,
            done: 0,
            total: Arc::clone(&total),
            beats: 0,
        };
        let done = AtomicUsize::default();
        (Self { resident, context: context.clone(), done, total, steps: sender }, listener)
    }

    /// The answer to one question.
    pub(super) fn answer(&self, ready: &Ready, question: &Query) -> Result<Answer, ToolError> {
        self.expect(question.steps());
        self.answered(ready, question)
    }

    /// The answers to several.
    pub(super) fn answers(&self, ready: &Ready, questions: &[Query]) -> Result<Vec<Answer>, ToolError> {
        self.expect(questions.iter().map(Query::steps).sum());
        questions.iter().map(|question| self.answered(ready, question)).collect()
    }

    fn answered(&self, ready: &Ready, question: &Query) -> Result<Answer, ToolError> {
        ready.answer_for(question, self).map_err(|error| match error {
            RetrievalError::Abandoned => ToolError::Cancelled,
            error => error.into(),
        })
    }

    /// Says that so many more steps are to come.
    fn expect(&self, steps: usize) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    /// An error where nobody waits any more.
    pub(super) fn still_wanted(&self) -> Result<(), ToolError> {
        if self.has_left() { Err(ToolError::Cancelled) } else { Ok(()) }
    }
}

impl Waiting for Call {
    fn advance(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        // Nobody listens once the call has ended.
        let _ = self.steps.send(done);
    }

    fn has_left(&self) -> bool {
        self.context.ct.is_cancelled()
    }
}

/// A call, as its client sees it.
pub(super) struct Listener {
    /// What the client wants to hear of it by; nothing where it does not, or takes no notices.
    token: Option<ProgressToken>,
    context: RequestContext<RoleServer>,
    steps: UnboundedReceiver<usize>,
    done: usize,
    total: Arc<AtomicUsize>,
    /// What was told since the last step.
    beats: u32,
}

impl Listener {
    /// Waits for `work`, and tells the client how far it is.
    pub(super) async fn during<T>(mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while self.token.is_some() {
            tokio::select! {
                biased;
                Some(done) = self.steps.recv() => self.advance(done).await,
                outcome = &mut work => {
                    while let Ok(done) = self.steps.try_recv() {
                        self.advance(done).await;
                    }
                    return outcome;
                }
                () = sleep(BEAT) => self.beat().await,
            }
        }
        work.await
    }

    async fn advance(&mut self, done: usize) {
        (self.done, self.beats) = (done, 0);
        let total = self.total.load(Ordering::Relaxed);
        self.tell(done as f64, format!("{done} of {total} steps")).await;
    }

    /// Between two whole numbers there is always another one.
    async fn beat(&mut self) {
        self.beats += 1;
        let progress = self.done as f64 + 1.0 - 1.0 / f64::from(self.beats + 1);
        self.tell(progress, "still at it".to_owned()).await;
    }

    async fn tell(&mut self, progress: f64, message: String) {
        // Work that ends on its cancellation has nobody to tell.
        let Some(token) = self.token.clone().filter(|_| !self.context.ct.is_cancelled()) else { return };
        let mut notice = ProgressNotificationParam::new(token, progress).with_message(message);
        let total = self.total.load(Ordering::Relaxed);
        if total > 0 {
            notice = notice.with_total(total as f64);
        }
        let sent = timeout(SENDING, self.context.peer.notify_progress(notice)).await;
        if !matches!(sent, Ok(Ok(()))) {
            self.token = None;
        }
    }
}
