//! What a request passes before the protocol: where it goes, who asks, how many are under way, and
//! how long it may take.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::connections::Work;
use super::cors;
use super::held::Held;
use super::hosts;
use super::message::{self, Message};
use super::metrics::{Metrics, UnderWay};
use super::settings::HttpSettings;
use crate::retrieval::Resident;

type Answer = Response<BoxBody<Bytes, Infallible>>;

const PLAIN: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Bytes of all bodies together that are being read or worked on.
const ROOM: usize = 64 << 20;

pub(super) struct Gate<Handler: ServerHandler + Clone> {
    protocol: StreamableHttpService<Handler, NeverSessionManager>,
    resident: Arc<Resident>,
    settings: HttpSettings,
    places: Arc<Semaphore>,
    room: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    /// Whether the server is about to end.
    ending: watch::Sender<bool>,
}

impl<Handler: ServerHandler + Clone> Gate<Handler> {
    pub(super) fn new(server: Handler, resident: Arc<Resident>, settings: HttpSettings) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(settings.max_body)
            // Both are looked at here, for all paths.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let protocol = StreamableHttpService::new(
            move || Ok(server.clone()),
            Arc::<NeverSessionManager>::default(),
            config,
        );
        let places = Arc::new(Semaphore::new(settings.requests));
        let room = Arc::new(Semaphore::new(ROOM));
        let (metrics, ending) = (Arc::default(), watch::Sender::new(false));
        Self { protocol, resident, settings, places, room, metrics, ending }
    }

    /// Lets those go who listen: requests are finished, but notices have no end.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// The answer to a request that came in at the address `here`.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        connection: &Work,
        here: Option<IpAddr>,
    ) -> Answer {
        let started = Instant::now();
        let under_way = self.metrics.under_way();
        let page = cors::origin(&request, self.settings.origins());
        let mut answer = match &page {
            _ if !hosts::is_ours(request.headers(), self.settings.hosts(), here) => plain(
                StatusCode::FORBIDDEN,
                "the server has another name: allow this Host with --allow-host\n",
            ),
            None if request.headers().contains_key(header::ORIGIN) => plain(
                StatusCode::FORBIDDEN,
                "pages of this origin may not ask: allow the Origin with --allow-origin\n",
            ),
            Some(_) if cors::is_preflight(&request) => preflight(&request),
            _ => self.route(request, connection, under_way).await,
        };
        if let Some(page) = page {
            cors::let_read(answer.headers_mut(), page);
        }
        self.metrics.request(answer.status().as_u16(), started.elapsed());
        answer
    }

    async fn route(&self, request: Request<Incoming>, connection: &Work, under_way: UnderWay) -> Answer {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/mcp" | "/mcp/" if self.may_ask(&request) => self.protocol(request, connection, under_way).await,
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

    /// A request takes its place when it is there as a whole: who sends slowly keeps nobody out.
    async fn protocol(&self, request: Request<Incoming>, connection: &Work, under_way: UnderWay) -> Answer {
        let reading = message::read(request, self.settings.max_body, &self.room);
        match timeout(self.settings.body_time(), reading).await {
            Err(_) => plain(StatusCode::REQUEST_TIMEOUT, "the request came too slowly\n"),
            Ok(Err(refusal)) => {
                if refusal.status() == StatusCode::TOO_MANY_REQUESTS {
                    self.metrics.refused();
                }
                (*refusal).map(BodyExt::boxed)
            }
            Ok(Ok(message)) if message.is_listening => self.listen(message).await,
            Ok(Ok(message)) => self.work(message, connection, under_way).await,
        }
    }

    /// A stream of notices, until one side ends it. It is no work: its connection counts as idle.
    async fn listen(&self, message: Message) -> Answer {
        let mut ending = self.ending.subscribe();
        let answer = self.protocol.handle(message.request).await;
        let end = async move {
            let _ = ending.wait_for(|ending| *ending).await;
        };
        answer.map(|body| Held::new(body, end, ()).boxed())
    }

    async fn work(&self, message: Message, connection: &Work, under_way: UnderWay) -> Answer {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.metrics.refused();
            return (*message::too_many("too many questions at once")).map(BodyExt::boxed);
        };
        let held = (place, connection.begin(), under_way);
        let end = Instant::now() + self.settings.request_time;
        match timeout_at(end, self.protocol.handle(message.request)).await {
            // Where the client wants to hear of progress, the answer comes on a stream.
            Ok(answer) => answer.map(|body| Held::new(body, sleep_until(end), held).boxed()),
            Err(_) => later("the request took too long\n"),
        }
    }

    fn ready(&self) -> Answer {
        if self.resident.is_whole() {
            return plain(StatusCode::OK, "ready\n");
        }
        later("the index and its model are not loaded\n")
    }

    async fn render_metrics(&self) -> Answer {
        // Reading the index may open a new generation, which is no work for the reactor.
        let resident = Arc::clone(&self.resident);
        let _ = tokio::task::spawn_blocking(move || resident.reader().is_ok()).await;
        text(StatusCode::OK, PROMETHEUS, self.metrics.render(&self.resident))
    }
}

fn preflight(request: &Request<Incoming>) -> Answer {
    let (status, headers) = cors::preflight(request);
    let mut answer = Response::new(Full::default().boxed());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
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
