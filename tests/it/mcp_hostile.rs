//! Two hundred requests that nobody should send, and a thousand connections that say nothing: the
//! server stays, its memory does not grow from one such attack to the next, and who asks properly
//! beside them is answered.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::mcp_support::Library;

/// How much more memory a second attack may leave the server with.
const GROWTH: f64 = 1.2;

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(library: &Library) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docent"));
        command.args(["serve", "--http", "127.0.0.1:0", "--models", "/nonexistent", "--index"]);
        command.arg(library.index_folder()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("serving MCP at http://").unwrap();
        let address = address.strip_suffix("/mcp").unwrap().parse().unwrap();
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends bytes and hangs up where the server does not. The status of the answer, if there is one.
    fn throw(&self, bytes: &[u8], is_whole: bool) -> Option<u16> {
        let mut stream = self.connect();
        // Who is hung up on in the middle of it has been answered.
        let _ = stream.write_all(bytes);
        // A whole request is worked on: whoever hangs up in the middle would cancel it.
        if !is_whole {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.strip_prefix("HTTP/1.1 ").map(|rest| rest[..3].parse().unwrap())
    }

    /// What a proper request gets.
    fn ask(&self) -> Value {
        let mut stream = self.connect();
        let call = call("search", &json!({"query": "how often do I rotate a key?"}));
        stream.write_all(&post("Connection: close\r\n", call.to_string().as_bytes())).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str::<Value>(body).unwrap()["result"]["structuredContent"]["hits"][0]["path"].take()
    }

    /// Bytes in memory.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n\
        Content-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Bodies that are no proper question.
fn bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    for depth in [100, 10_000, 200_000] {
        bodies.push(deep(depth).into_bytes());
        let nested = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        bodies.push(nested.clone().into_bytes());
        let call = call("search", &json!({"query": "PLACE"})).to_string();
        bodies.push(call.replace("\"PLACE\"", &nested).into_bytes());
    }
    for text in
        ["", " ", "null", "7", "\"x\"", "[]", "{}", "{", "\u{0}", "tools/call", "{\"jsonrpc\":\"2.0\"}"]
    {
        bodies.push(text.as_bytes().to_vec());
    }
    bodies.push(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}".to_vec());
    bodies.push(format!("[{}]", vec![call("status", &json!({})).to_string(); 1_000].join(",")).into_bytes());
    for id in ["null", "-1", "1e400", "{}", "[1]", "\"\\ud800\"", "true", "99999999999999999999999"] {
        bodies.push(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/list\"}}").into_bytes());
    }
    for method in
        ["", "tools/cal", "rpc.discover", "../../etc/passwd", "initialize", "notifications/cancelled"]
    {
        bodies.push(json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string().into_bytes());
        bodies.push(
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": [1]}).to_string().into_bytes(),
        );
    }
    for value in hostile_values() {
        bodies.push(call("search", &json!({"query": value})).to_string().into_bytes());
        bodies.push(call("list", &json!({"path": value})).to_string().into_bytes());
        bodies.push(call("related", &json!({"id": value})).to_string().into_bytes());
        let arguments = ["limit", "path", "cursor", "max_tokens", "rephrasings"]
            .map(|name| json!({"query": "a", name: value}));
        bodies.extend(arguments.iter().map(|arguments| call("search", arguments).to_string().into_bytes()));
        let read = [json!({"path": value}), json!({"id": value}), json!({"path": "keys.md", "lines": value})];
        bodies.extend(read.iter().map(|arguments| call("read", arguments).to_string().into_bytes()));
    }
    for path in escapes() {
        bodies.push(call("read", &json!({"path": path})).to_string().into_bytes());
        bodies.push(call("list", &json!({"path": path})).to_string().into_bytes());
        let uri = format!("docs:///{path}");
        let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}});
        bodies.push(read.to_string().into_bytes());
    }
    bodies
}

fn hostile_values() -> Vec<Value> {
    vec![
        json!("x".repeat(900_000)),
        json!("\u{0}\u{1b}[2J\u{202e}\u{feff}"),
        json!("*".repeat(5_000)),
        json!("{a,b}".repeat(500)),
        json!("[".repeat(2_000)),
        json!(-1),
        json!(1e308),
        json!(true),
        json!({"$ref": "#"}),
        json!([[[[[]]]]]),
        json!(""),
    ]
}

fn escapes() -> [&'static str; 9] {
    [
        "../../../../etc/passwd",
        "/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "guides/../../index/manifest.json",
        "..\\..\\windows\\win.ini",
        "keys.md\u{0}.png",
        "file:///etc/passwd",
        "//server/share/x",
    ]
}

/// Requests that are broken below the protocol.
fn broken() -> Vec<Vec<u8>> {
    let body = call("status", &json!({})).to_string();
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n";
    let length = body.len();
    let texts = [
        String::new(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a/".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(5_000)),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(2_000_000)),
        // Smuggling: two lengths, a length and chunks, chunks that lie, a header in a header.
        format!("{head}Content-Length: {length}\r\nContent-Length: 3\r\n\r\n{body}"),
        format!(
            "{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"
        ),
        format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n{body}"),
        format!("{head}Transfer-Encoding: xchunked\r\n\r\n{body}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{body}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n-1\r\n{body}"),
        format!("{head}Content-Length: -1\r\n\r\n{body}"),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n{body}"),
        format!("{head}Content-Length: 900000\r\n\r\n{body}"),
        format!("{head}Content-Length : {length}\r\n\r\n{body}"),
        format!("{head}X: a\r\n b\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!("{head}Host: evil.example.com\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!(
            "POST http://evil.example.com/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        format!("POST /mcp HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"),
        "POST /../mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "GET /mcp%00 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "TRACE /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "CONNECT evil.example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

/// Processes with connections that say nothing, half of a head, or the beginning of a body.
fn silent(server: &Server, connections: usize) -> Vec<Child> {
    let script = format!(
        "for i in $(seq {}); do exec {{fd}}<>/dev/tcp/127.0.0.1/{} || exit 1; case $((i % 3)) in \
        1) printf 'POST /mcp HTTP/1.1\\r\\nHost: loc' >&$fd;; \
        2) printf 'POST /mcp HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 100\\r\\n\\r\\n{{' >&$fd;; \
        esac; done; echo open; read",
        connections / 5,
        server.address.port()
    );
    let start = |_| {
        let mut command = Command::new("/bin/bash");
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut holders: Vec<Child> = (0..5).map(start).collect();
    for holder in &mut holders {
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "open\n", "not all connections were accepted");
    }
    holders
}

/// Everything once, with proper requests between.
fn attack(server: &Server) {
    let broken = broken().into_iter().map(|request| (request, false));
    let whole = bodies().into_iter().map(|body| (post("Connection: close\r\n", &body), true));
    let requests: Vec<(Vec<u8>, bool)> = broken.chain(whole).collect();
    assert!(requests.len() >= 200, "{}", requests.len());
    for (number, (request, is_whole)) in requests.iter().enumerate() {
        let status = server.throw(request, *is_whole);
        assert!(status.is_none_or(|status| status < 500), "{status:?} for {}", shown(request));
        if number % 20 == 0 {
            assert_eq!(server.ask(), "keys.md", "after {}", shown(request));
        }
    }
    let mut holders = silent(server, 1_000);
    for _ in 0..10 {
        assert_eq!(server.ask(), "keys.md");
    }
    for holder in &mut holders {
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
    assert_eq!(server.ask(), "keys.md");
}

/// What the first attacks bring in is buffers and pages that the allocator keeps for the next ones;
/// what every further one would add is a leak.
#[test]
fn two_hundred_hostile_requests_and_a_thousand_silent_connections() {
    let library = Library::new();
    let mut server = Server::start(&library);
    attack(&server);
    attack(&server);
    #[cfg(target_os = "linux")]
    let before = server.memory();
    attack(&server);
    #[cfg(target_os = "linux")]
    {
        let after = server.memory();
        eprintln!("{before} kB before the last attack, {after} kB after it");
        assert!(after <= before * GROWTH, "{before} kB before, {after} kB after");
    }
    assert!(server.process.try_wait().unwrap().is_none(), "it is gone");
}

fn shown(request: &[u8]) -> String {
    String::from_utf8_lossy(&request[..request.len().min(600)]).into_owned()
}
