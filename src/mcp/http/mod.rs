//! Streamable HTTP: many clients, one resident retriever.
//!
//! Stateless, with plain JSON answers, over HTTP/1.1: connections are accepted here, a request
//! passes the `gate` (who may ask, how many at once, how long), and rmcp speaks the protocol. TLS
//! is a reverse proxy's work.

mod connections;
mod cors;
mod gate;
mod held;
mod hosts;
mod message;
mod metrics;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rmcp::ServerHandler;
use tokio::net::{TcpListener, TcpStream};

use super::failure::ServeError;
use super::server::DocumentServer;
use super::stdio::{FAREWELL, stop_signal};
use super::toolset::Toolset;
use crate::retrieval::Resident;
use connections::{Connections, Work};
use gate::Gate;
pub use settings::{HttpSettings, HttpSettingsError, Token};

/// Connections that are open at once; for more, the oldest idle ones are closed.
const CONNECTIONS: usize = 900;
/// How long a client may take to send the head of a request, and a connection may stay idle.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long requests under way are waited for at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Rest after a failed accept: the process is out of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A server that has its address and is not accepting yet.
pub struct HttpServer<Handler: ServerHandler + Clone = DocumentServer> {
    listener: TcpListener,
    gate: Arc<Gate<Handler>>,
    resident: Arc<Resident>,
}

/// Serves over HTTP until a signal comes. `ready` is told the address once clients can connect.
///
/// # Errors
/// Where the address cannot be bound.
pub fn serve_http(
    resident: Resident,
    tools: Toolset,
    settings: HttpSettings,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    let served = runtime.block_on(async {
        let server = HttpServer::bind(Arc::new(resident), tools, settings).await?;
        ready(server.address()?);
        server
            .run(async {
                // A signal handler that cannot be installed leaves the default: the process ends.
                if stop_signal().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await;
        Ok(())
    });
    runtime.shutdown_timeout(FAREWELL);
    served
}

impl HttpServer {
    /// Takes the address, for docent's own requests.
    ///
    /// # Errors
    /// Where it cannot be bound.
    pub async fn bind(
        resident: Arc<Resident>,
        tools: Toolset,
        settings: HttpSettings,
    ) -> Result<Self, ServeError> {
        let server = DocumentServer::new(Arc::clone(&resident), tools);
        Self::bind_handler(server, resident, settings).await
    }
}

impl<Handler: ServerHandler + Clone> HttpServer<Handler> {
    /// Takes the address, for a handler that may answer more than docent does.
    ///
    /// # Errors
    /// Where it cannot be bound.
    pub async fn bind_handler(
        server: Handler,
        resident: Arc<Resident>,
        settings: HttpSettings,
    ) -> Result<Self, ServeError> {
        let address = settings.address();
        let bind = |source| ServeError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let port = listener.local_addr().map_err(bind)?.port();
        let settings = settings.with_own_origins(port);
        let gate = Arc::new(Gate::new(server, Arc::clone(&resident), settings));
        Ok(Self { listener, gate, resident })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        self.listener.local_addr().map_err(ServeError::Runtime)
    }

    /// Serves until `stop` ends; then requests under way are finished.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::task::spawn_blocking(self.resident.load_behind());
        let connections = Connections::new(CONNECTIONS);
        let mut number = 0;
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = &mut stop => break,
            };
            let Some(stream) = accepted else { continue };
            let work = Work::default();
            let own_work = work.clone();
            let gate = Arc::clone(&self.gate);
            let here = stream.local_addr().ok().map(|address| address.ip());
            let service = service_fn(move |request| {
                let (gate, own_work) = (Arc::clone(&gate), own_work.clone());
                async move { Ok::<_, std::convert::Infallible>(gate.answer(request, &own_work, here).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            let task = tokio::spawn(async move {
                // A connection that breaks is the client's affair.
                let _ = connection.await;
            });
            number += 1;
            connections.opened(number, task.abort_handle(), work);
        }
        drop(self.listener);
        self.gate.end();
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }

    async fn accept(&self) -> Option<TcpStream> {
        let Ok((stream, _)) = self.listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            return None;
        };
        // Without it, delayed acknowledgements make each answer 40 ms late.
        let _ = stream.set_nodelay(true);
        Some(stream)
    }
}
