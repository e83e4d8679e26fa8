//! MCP over HTTP, byte by byte: what goes through, who is turned away, and how it ends.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docent::mcp::{HttpServer, HttpSettings, ServeError, Token, Toolset};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::mcp_http_support::{Answer, Server, local, post, search};
use crate::mcp_support::Library;

const SECRET: &str = "a-secret-of-enough-bytes";

#[tokio::test]
async fn both_eras_are_served_without_a_session() {
    let server = Server::start(local()).await;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let greeting = server.post("", &hello).await;
    assert!(!greeting.headers.contains_key("mcp-session-id"));
    assert_eq!(greeting.json()["result"]["serverInfo"]["name"], "docent");
    let found = server.post("MCP-Protocol-Version: 2025-11-25\r\n", &search()).await.json();
    assert_eq!(found["result"]["structuredContent"]["hits"][0]["path"], "keys.md");
    let mut modern = search();
    modern["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
    });
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: search\r\n";
    let found = server.post(headers, &modern).await.json();
    assert_eq!(found["result"]["structuredContent"]["hits"][0]["path"], "keys.md");
    assert_eq!(found["result"]["resultType"], "complete");
    server.stop().await;
}

#[tokio::test]
async fn other_hosts_and_web_pages_are_turned_away() {
    let address = "127.0.0.1:0".parse().unwrap();
    let names = (vec!["docs.example.com".to_owned()], vec!["https://chat.example.com:443".to_owned()]);
    let server = Server::start(HttpSettings::new(address, None, names.0, names.1).unwrap()).await;
    let status =
        async |host: &str, origin: &str| server.send(&post(host, origin, &search().to_string())).await.status;
    assert_eq!(status("evil.example.com", "").await, 403);
    assert_eq!(status("docs.example.com", "").await, 200);
    assert_eq!(status("127.0.0.1:9999", "").await, 200);
    for origin in ["http://evil.example.com", "null", "http://localhost:3000"] {
        assert_eq!(status("localhost", &format!("Origin: {origin}\r\n")).await, 403, "{origin}");
    }
    let own = format!("Origin: http://127.0.0.1:{}\r\n", server.address.port());
    assert_eq!(status("localhost", &own).await, 200);
    assert_eq!(status("localhost", "Origin: https://chat.example.com\r\n").await, 200);
    server.stop().await;
}

/// Any address of 127/8 is this machine's own on Linux, and stands here for one that others see.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_on_all_addresses_is_reached_by_each_of_them() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{SECRET}").unwrap();
    let token = Some(Token::from_file(file.path()).unwrap());
    let settings = HttpSettings::new("0.0.0.0:0".parse().unwrap(), token, Vec::new(), Vec::new()).unwrap();
    let server = Server::start(settings).await;
    let port = server.address.port();
    let status = async |host: &str| {
        let mut stream = TcpStream::connect(("127.0.0.5", port)).await.unwrap();
        let request = post(host, &format!("Authorization: Bearer {SECRET}\r\n"), &search().to_string());
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::read(&mut stream).await.status
    };
    assert_eq!(status(&format!("127.0.0.5:{port}")).await, 200);
    assert_eq!(status(&format!("127.0.0.6:{port}")).await, 403, "nobody connected to that");
    assert_eq!(status("docs.example.com").await, 403);
    server.stop().await;
}

#[tokio::test]
async fn other_hosts_and_web_pages_are_turned_away_from_every_path() {
    let server = Server::start(local()).await;
    for path in ["/metrics", "/health", "/ready", "/"] {
        let get = async |headers: &str| server.send(&format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await;
        let refused = get("Host: evil.example.com\r\n").await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.body.contains("--allow-host"), "{}", refused.body);
        let page = get("Host: localhost\r\nOrigin: http://evil.example.com\r\n").await;
        assert_eq!(page.status, 403, "{path}");
        assert!(page.body.contains("--allow-origin"), "{}", page.body);
    }
    // What watches over containers asks by an address, or by none.
    let by_address = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    for request in [by_address.as_str(), "GET /health HTTP/1.0\r\n\r\n", "GET /metrics HTTP/1.0\r\n\r\n"] {
        assert_eq!(server.send(request).await.status, 200, "{request}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_guards_everything_that_tells_of_the_documents() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{SECRET}").unwrap();
    let token = Some(Token::from_file(file.path()).unwrap());
    let settings = HttpSettings::new("127.0.0.1:0".parse().unwrap(), token, Vec::new(), Vec::new()).unwrap();
    let server = Server::start(settings).await;
    let refused = server.post("", &search()).await;
    assert_eq!((refused.status, refused.headers["www-authenticate"].as_str()), (401, "Bearer"));
    for wrong in ["Bearer wrong", "Bearer ", "Bearer", "Basic a-secret-of-enough-bytes", SECRET, "é"] {
        let answer = server.post(&format!("Authorization: {wrong}\r\n"), &search()).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    for right in [format!("Bearer {SECRET}"), format!("bearer  {SECRET} ")] {
        server.post(&format!("Authorization: {right}\r\n"), &search()).await.json();
    }
    assert_eq!(server.get("/metrics").await.status, 401);
    assert_eq!(server.get("/health").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn health_readiness_and_counts_are_told() {
    let server = Server::start(local()).await;
    assert_eq!(server.get("/health").await.body, "ok\n");
    let mut ready = server.get("/ready").await;
    for _ in 0..200 {
        if ready.status == 200 {
            break;
        }
        assert_eq!((ready.status, ready.headers["retry-after"].as_str()), (503, "1"));
        tokio::time::sleep(Duration::from_millis(10)).await;
        ready = server.get("/ready").await;
    }
    assert_eq!(ready.body, "ready\n");
    assert_eq!(server.get("/").await.status, 404);
    assert_eq!(server.send("DELETE /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.status, 405);
    let metrics = server.get("/metrics").await;
    assert!(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    for line in
        ["docent_ready 1\n", "docent_index_documents 3\n", "docent_http_requests_total{class=\"4xx\"} 2\n"]
    {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_sent_away() {
    let server = Server::start(local().with_limits(2_000, Duration::from_mins(1), 1)).await;
    let mut large = search();
    large["params"]["arguments"]["query"] = json!("x".repeat(3_000));
    assert_eq!(server.post("", &large).await.status, 413);
    server.post("", &search()).await.json();
    server.stop().await;
}

#[tokio::test]
async fn idle_and_broken_connections_disturb_nobody() {
    let server = Server::start(local()).await;
    let mut idle = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"POST /mcp HTTP/1.1\r\nHost: loc").await.unwrap();
        }
        idle.push(stream);
    }
    for broken in [
        "GET\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(broken.as_bytes()).await.unwrap();
        let mut rest = String::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_string(&mut rest)).await.expect("it hangs");
        assert!(rest.starts_with("HTTP/1.1 400") || rest.is_empty(), "{broken:?}: {rest}");
    }
    for _ in 0..20 {
        server.post("", &search()).await.json();
    }
    drop(idle);
    server.stop().await;
}

#[tokio::test]
async fn answers_are_not_held_back_by_the_network_stack() {
    let server = Server::start(local()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = post("localhost", "", &search().to_string());
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        Answer::read(&mut stream).await.json();
        times.push(started.elapsed());
    }
    times.sort();
    assert!(times[10] < Duration::from_millis(35), "median {:?}: is TCP_NODELAY set?", times[10]);
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let server = Server::start(local()).await;
    let library = Library::new();
    let taken = HttpSettings::new(server.address, None, Vec::new(), Vec::new()).unwrap();
    let Err(error) = HttpServer::bind(Arc::new(library.resident()), Toolset::default(), taken).await else {
        panic!("the port was free");
    };
    assert!(matches!(error, ServeError::Bind { .. }));
    assert!(error.to_string().starts_with(&format!("{} cannot be listened on: ", server.address)), "{error}");
    assert_eq!(error.hint(), "another program uses this port: choose another one");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_client_speaks_http() {
    let Some(python) = crate::mcp_clients::python_with_client() else { return };
    let server = Server::start(local()).await;
    let url = format!("http://{}/mcp", server.address);
    for mode in ["legacy", "2026-07-28", "auto"] {
        let (python, url) = (python.clone(), url.clone());
        let report =
            tokio::task::spawn_blocking(move || crate::mcp_clients::client_report(&python, mode, &[&url]));
        let report = report.await.unwrap();
        assert_eq!(report["found"]["structured"]["hits"][0]["path"], "keys.md", "{mode}: {report}");
        crate::mcp_clients::assert_told(&report, mode);
        assert_eq!(report["refused"]["is_error"], true, "{mode}: {report}");
    }
    server.stop().await;
}
