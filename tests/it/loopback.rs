//! An HTTP server, and an HTTP proxy, on 127.0.0.1: what the tests of downloads talk to.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use docent::embedding::digest::Sha256;

/// A request as it came. Header names are in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The start of the range that is asked for.
    pub(crate) fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// How much of the body is sent before the connection is cut.
    pub(crate) cut_after: Option<usize>,
    /// Leaves the length out: the end of the connection is the end of the body.
    pub(crate) without_length: bool,
    /// How long to think before answering.
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn body(body: &[u8]) -> Self {
        Self { status: 200, body: body.to_vec(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::status(302).with("Location", to)
    }

    /// A file with its SHA-256 as `ETag`, or the part of it that is asked for.
    pub(crate) fn file(body: &[u8], request: &Request) -> Self {
        Self::file_with_etag(body, &format!("\"{}\"", Sha256::of(body)), request)
    }

    pub(crate) fn file_with_etag(body: &[u8], etag: &str, request: &Request) -> Self {
        let start = request.range_start().filter(|_| request.header("if-range") == Some(etag));
        let answer = match start {
            Some(start) if start >= body.len() => {
                return Self::status(416).with("Content-Range", format!("bytes */{}", body.len()));
            }
            Some(start) => Self { status: 206, body: body[start..].to_vec(), ..Self::default() }
                .with("Content-Range", format!("bytes {start}-{}/{}", body.len() - 1, body.len())),
            None => Self::body(body),
        };
        answer.with("ETag", etag)
    }

    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }
}

/// A server that answers with a function, until it is dropped.
pub(crate) struct Loopback {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    served: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Loopback {
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let served = Arc::new(AtomicU64::new(0));
        let (log, count) = (Arc::clone(&requests), Arc::clone(&served));
        let (address, ended) = listen(move |stream| {
            let Some(request) = read_request(&stream) else {
                return;
            };
            log.lock().unwrap().push(request.clone());
            send(stream, &answer(&request), &count);
        });
        Self { address, requests, served, ended }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Bytes of bodies that were sent.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::SeqCst)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        end(self.address, &self.ended);
    }
}

/// A proxy that opens tunnels with CONNECT, and notes where to.
pub(crate) struct Tunnel {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl Tunnel {
    pub(crate) fn start() -> Self {
        let targets = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&targets);
        let (address, ended) = listen(move |mut stream| {
            let Some(request) = read_request(&stream) else {
                return;
            };
            log.lock().unwrap().push(format!("{} {}", request.method, request.path));
            // The proxy is only ever asked for other servers of the tests.
            let Ok(target) = request.path.parse::<SocketAddr>() else {
                return;
            };
            assert!(target.ip().is_loopback());
            let Ok(target) = TcpStream::connect(target) else {
                return;
            };
            let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            let (back, from) = (stream.try_clone().unwrap(), target.try_clone().unwrap());
            let up = thread::spawn(move || pump(stream, target));
            pump(from, back);
            let _ = up.join();
        });
        Self { address, targets, ended }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        end(self.address, &self.ended);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let (stop, serve) = (Arc::clone(&ended), Arc::new(serve));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    (address, ended)
}

/// The listening thread only looks up when someone connects.
fn end(address: SocketAddr, ended: &AtomicBool) {
    ended.store(true, Ordering::SeqCst);
    let _ = TcpStream::connect(address);
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // Byte by byte, so that nothing behind the headers is swallowed: a tunnel passes it on.
    let mut reader = BufReader::with_capacity(1, stream.take(64 * 1024));
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Request { method, path, headers })
}

fn send(mut stream: TcpStream, answer: &Answer, served: &AtomicU64) {
    thread::sleep(answer.delay);
    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    if !answer.without_length {
        let _ = write!(head, "Content-Length: {}\r\n", answer.body.len());
    }
    let body = &answer.body[..answer.cut_after.unwrap_or(usize::MAX).min(answer.body.len())];
    // Counted before it is sent: the other side may look at the count as soon as it has the last
    // byte.
    served.fetch_add(body.len() as u64, Ordering::SeqCst);
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(b"\r\n"))
        .and_then(|()| stream.write_all(body));
    let _ = stream.flush();
    let _ = stream.shutdown(Shutdown::Both);
}
