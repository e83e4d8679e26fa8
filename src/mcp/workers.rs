//! Where questions are worked on: a few blocking threads behind a bounded queue, so that the
//! reactor stays free for the protocol and a flood ends in an error instead of a growing backlog.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use tokio::sync::Semaphore;

use super::failure::ToolError;

/// How many questions may wait for a thread.
const QUEUE: usize = 64;

pub(super) struct Workers {
    /// One permit for each question that is running or waiting.
    places: Semaphore,
    running: Arc<Semaphore>,
    queue: usize,
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many questions may be running or waiting at once.
pub(super) fn places() -> usize {
    threads() + QUEUE
}

impl Default for Workers {
    fn default() -> Self {
        Self::new(threads(), QUEUE)
    }
}

impl Workers {
    pub(super) fn new(threads: usize, queue: usize) -> Self {
        Self { places: Semaphore::new(threads + queue), running: Arc::new(Semaphore::new(threads)), queue }
    }

    /// Runs `work` on a blocking thread. A call that is cancelled while it waits is never begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl FnOnce() -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(ToolError::Overloaded { waiting: self.queue });
        };
        let permit = tokio::select! {
            permit = Arc::clone(&self.running).acquire_owned() => permit,
            () = context.ct.cancelled() => return Err(ToolError::Cancelled),
        };
        let crashed = |reason: String| ToolError::Crashed { reason };
        let permit = permit.map_err(|error| crashed(error.to_string()))?;
        let worker = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by this call: a cancelled call may leave its thread working.
            let _permit = permit;
            work()
        });
        tokio::select! {
            outcome = worker => outcome.map_err(|error| crashed(error.to_string()))?,
            () = context.ct.cancelled() => Err(ToolError::Cancelled),
        }
    }
}
