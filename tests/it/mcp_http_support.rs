//! A server over HTTP in this process, and requests to it byte by byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use docent::mcp::{HttpServer, HttpSettings, Toolset};
use docent::retrieval::Resident;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::mcp_support::Library;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    library: Library,
}

pub(crate) fn local() -> HttpSettings {
    HttpSettings::new("127.0.0.1:0".parse().unwrap(), None, Vec::new(), Vec::new()).unwrap()
}

impl Server {
    pub(crate) async fn start(settings: HttpSettings) -> Self {
        let library = Library::new();
        let resident = library.resident();
        Self::over(library, resident, settings).await
    }

    pub(crate) async fn over(library: Library, resident: Resident, settings: HttpSettings) -> Self {
        let server = HttpServer::bind(Arc::new(resident), Toolset::default(), settings).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, stop, running, library }
    }

    /// Asks it to stop. What waits until it has, and the documents that it needs until then.
    pub(crate) fn stopping(self) -> (JoinHandle<()>, Library) {
        self.stop.send(()).unwrap();
        (self.running, self.library)
    }

    pub(crate) async fn stop(self) {
        let (running, _library) = self.stopping();
        timeout(Duration::from_secs(10), running).await.expect("it did not end").unwrap();
    }

    /// The value of one of the server's counters or gauges.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").await.body;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().unwrap()
    }

    /// Waits until nothing is worked on but the request that asks this.
    pub(crate) async fn until_idle(&self) {
        self.until_idle_but(0).await;
    }

    /// The same where some do not come to their end.
    pub(crate) async fn until_idle_but(&self, others: u64) {
        while self.metric("docent_http_requests_under_way").await > others + 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A connection on which a request has been sent.
    pub(crate) async fn begin(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::read(&mut stream).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, headers: &str, body: &Value) -> Answer {
        self.send(&post("localhost", headers, &body.to_string())).await
    }
}

pub(crate) fn post(host: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {host}\r\nAccept: application/json, text/event-stream\r\n\
        Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = Self::parse(&bytes) {
                return answer;
            }
            let read =
                timeout(Duration::from_secs(20), stream.read_buf(&mut bytes)).await.expect("no answer");
            assert!(read.unwrap() > 0, "hung up after {:?}", String::from_utf8_lossy(&bytes));
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers.get("content-length")?.parse().unwrap();
        (body.len() >= length).then(|| Self { status, headers, body: body.to_owned() })
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) fn search() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": "rotate a key"}}})
}
