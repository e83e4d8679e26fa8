//! What a request passes before the protocol: where it goes, who asks, how many are under way, and
//! how long it may take.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::message;
use super::metrics::Metrics;
use super::settings::HttpSettings;
use crate::retrieval::Resident;

type Answer = Response<BoxBody<Bytes, Infallible>>;

const PLAIN: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) struct Gate<Handler: ServerHandler + Clone> {
    protocol: StreamableHttpService<Handler, NeverSessionManager>,
    resident: Arc<Resident>,
    settings: HttpSettings,
    places: Semaphore,
    metrics: Metrics,
}

impl<Handler: ServerHandler + Clone> Gate<Handler> {
    pub(super) fn new(server: Handler, resident: Arc<Resident>, settings: HttpSettings) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(settings.max_body)
            .with_allowed_hosts(settings.hosts().to_vec())
            .with_allowed_origins(settings.origins().to_vec())
            .enforce_origin_validation();
        let protocol = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::<NeverSessionManager>::default(),
            config,
        );
        let places = Semaphore::new(settings.requests);
        Self { protocol, resident, settings, places, metrics: Metrics::default() }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let started = Instant::now();
        let _under_way = self.metrics.under_way();
        let answer = self.route(request).await;
        self.metrics.request(answer.status().as_u16(), started.elapsed());
        answer
    }

    async fn route(&self, request: Request<Incoming>) -> Answer {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/mcp" | "/mcp/" if self.may_ask(&request) => self.protocol(request).await,
            "/metrics" if is_read && self.may_ask(&request) => self.render_metrics().await,
            "/mcp" | "/mcp/" | "/metrics" if !self.may_ask(&request) => unauthorized(),
            "/health" if is_read => plain(StatusCode::OK, "ok\n"),
            "/ready" if is_read => self.ready(),
            "/health" | "/ready" | "/metrics" => {
                plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n")
            }
            _ => plain(StatusCode::NOT_FOUND, "MCP is at /mcp; see also /health, /ready and /metrics\n"),
        }
    }

    /// Whether the request carries the token, where there is one.
    fn may_ask(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = self.settings.token() else { return true };
        let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let secret = given.and_then(|given| {
            let (scheme, secret) = given.split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(secret)
        });
        secret.is_some_and(|secret| token.is(secret.trim_ascii()))
    }

    async fn protocol(&self, request: Request<Incoming>) -> Answer {
        let Ok(_place) = self.places.try_acquire() else {
            self.metrics.refused();
            return later("too many requests at once\n");
        };
        let answer = async {
            match message::read(request, self.settings.max_body).await {
                Ok(request) => self.protocol.handle(request).await,
                Err(refusal) => (*refusal).map(BodyExt::boxed),
            }
        };
        match timeout(self.settings.request_time, answer).await {
            Ok(answer) => answer,
            Err(_) => later("the request took too long\n"),
        }
    }

    fn ready(&self) -> Answer {
        if self.resident.is_whole() {
            return plain(StatusCode::OK, "ready\n");
        }
        let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "the index and its model are not loaded\n");
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        answer
    }

    async fn render_metrics(&self) -> Answer {
        // Reading the index may open a new generation, which is no work for the reactor.
        let resident = Arc::clone(&self.resident);
        let _ = tokio::task::spawn_blocking(move || resident.reader().is_ok()).await;
        text(StatusCode::OK, PROMETHEUS, self.metrics.render(&self.resident))
    }
}

fn unauthorized() -> Answer {
    let mut answer = plain(StatusCode::UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN\n");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn later(reason: &'static str) -> Answer {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, reason);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    text(status, PLAIN, body.to_owned())
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
