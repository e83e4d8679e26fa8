//! The process behind: many connections, one index, one model.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::SharedError;
use super::place::{Held, Meeting};
use crate::mcp::failure::ServeError;
use crate::mcp::server::DocumentServer;
use crate::mcp::stdio::{FAREWELL, converse, stop_signal};
use crate::mcp::toolset::Toolset;
use crate::retrieval::Resident;

/// How long one process waits for another that is just ending.
const SUCCESSION: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(20);
/// Connections that were made in the moment in which the socket was taken away.
const LATECOMERS: Duration = Duration::from_millis(100);
/// How long connections are waited for after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// Serves everybody who comes to `meeting`, until nobody has been there for `idle` or a signal comes.
/// Where another process serves there already, this one ends at once.
///
/// # Errors
/// Where the runtime does not start or the meeting place cannot be used.
pub fn serve_behind(
    resident: Resident,
    tools: Toolset,
    meeting: &Meeting,
    idle: Duration,
) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let served = runtime.block_on(async {
        let Some(held) = succeed(meeting).await? else { return Ok(()) };
        // Left by a process that was killed.
        meeting.close(&held);
        let listener = UnixListener::bind(meeting.socket())
            .map_err(|source| SharedError::Folder { path: meeting.socket().to_owned(), source })?;
        let resident = Arc::new(resident);
        tokio::task::spawn_blocking(resident.load_behind());
        let server = DocumentServer::new(resident, tools);
        receive(&listener, &server, meeting, &held, idle).await
    });
    runtime.shutdown_timeout(FAREWELL);
    served
}

/// The place, or nothing where somebody else serves there.
async fn succeed(meeting: &Meeting) -> Result<Option<Held>, SharedError> {
    for _ in 0..SUCCESSION.as_millis() / STEP.as_millis() {
        if let Some(held) = meeting.take()? {
            return Ok(Some(held));
        }
        if UnixStream::connect(meeting.socket()).await.is_ok() {
            return Ok(None);
        }
        sleep(STEP).await;
    }
    Ok(None)
}

async fn receive(
    listener: &UnixListener,
    server: &DocumentServer,
    meeting: &Meeting,
    held: &Held,
    idle: Duration,
) -> Result<(), ServeError> {
    let mut agents = JoinSet::new();
    let mut stopped = std::pin::pin!(stop_signal());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => welcome(&mut agents, server, stream),
                // Out of file descriptors: some agent will leave.
                Err(_) => sleep(STEP).await,
            },
            Some(_) = agents.join_next() => {}
            () = sleep(idle), if agents.is_empty() => break,
            _ = &mut stopped => {
                meeting.close(held);
                let _ = timeout(GRACE, async { while agents.join_next().await.is_some() {} }).await;
                return Ok(());
            }
        }
    }
    // Nobody new finds the socket from here on; whoever had just found it is still served.
    meeting.close(held);
    while let Ok(Ok((stream, _))) = timeout(LATECOMERS, listener.accept()).await {
        welcome(&mut agents, server, stream);
    }
    while agents.join_next().await.is_some() {}
    Ok(())
}

fn welcome(agents: &mut JoinSet<()>, server: &DocumentServer, stream: UnixStream) {
    let server = server.for_connection();
    agents.spawn(async move {
        let (input, output) = stream.into_split();
        // A connection that breaks is its agent's affair.
        let _ = converse(server, input, output).await;
    });
}
