//! One client, over standard input and output or any other pair of streams.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::ServeError;
use super::server::DocumentServer;
use super::surrogates;
use super::toolset::Toolset;
use super::wire;
use crate::retrieval::Resident;

/// How long a thread that is still loading a model is waited for at the end: leaving while ONNX
/// Runtime starts can crash the process in its last moment.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// Serves the client on standard input and output until it hangs up or a signal comes.
///
/// `initialize` is answered at once; the index and its model are loaded behind it.
///
/// # Errors
/// Where the runtime does not start, or the client does not speak the protocol. A client that
/// leaves, also before its first message, is not an error.
pub fn serve_stdio(resident: Resident, tools: Toolset) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let served = runtime.block_on(async {
        let (input, output) = wire::take().map_err(ServeError::Runtime)?;
        tokio::select! {
            // The handlers stand before the first answer goes out: a client may stop us right after it.
            biased;
            stopped = stop_signal() => stopped.map_err(ServeError::Runtime),
            served = serve(Arc::new(resident), tools, input, output) => served,
        }
    });
    runtime.shutdown_timeout(FAREWELL);
    served
}

/// Serves one client on a pair of streams until it hangs up.
///
/// # Errors
/// See [`serve_stdio`].
pub async fn serve(
    resident: Arc<Resident>,
    tools: Toolset,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), ServeError> {
    tokio::task::spawn_blocking(resident.load_behind());
    converse(DocumentServer::new(resident, tools).for_connection(), input, output).await
}

/// The whole conversation with one client.
pub(super) async fn converse(
    server: DocumentServer,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), ServeError> {
    let running = match server.serve((surrogates::mended(input), output)).await {
        Ok(running) => running,
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(ServeError::Handshake { reason: error.to_string() }),
    };
    running.waiting().await.map(|_reason| ()).map_err(ServeError::Stopped)
}

/// Ends with the first signal that asks the process to stop.
#[cfg(unix)]
pub(super) async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
