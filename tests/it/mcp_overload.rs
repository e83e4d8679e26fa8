//! The server over HTTP where more comes than it can do, where clients are slow, and at its end.

use std::time::Duration;

use docent::mcp::HttpSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::mcp_gate::Gate;
use crate::mcp_http_support::{Answer, Server, local, post, search};
use crate::mcp_support::{Library, modern_meta};

const LONG: Duration = Duration::from_mins(1);

/// A server that does one thing at a time, and the gate before its encoder.
async fn narrow(request_time: Duration) -> (Server, Gate) {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let settings = local().with_limits(100_000, request_time, 1);
    (Server::over(library, resident, settings).await, gate)
}

/// The same search, with its progress on a stream.
fn with_progress() -> String {
    let mut call = search();
    call["params"]["arguments"]["rephrasings"] = json!(["turn a key"]);
    call["params"]["_meta"] = json!({"progressToken": "t"});
    post("localhost", "", &call.to_string())
}

/// All that still comes on a connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await;
    read.expect("it does not end").unwrap();
    text
}

/// Reads up to and with `mark`.
async fn until(stream: &mut TcpStream, mark: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(mark) {
        let read = timeout(Duration::from_secs(20), stream.read_buf(&mut bytes)).await.expect(mark);
        assert!(read.unwrap() > 0, "{mark} never came: {}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

fn assert_sent_away(refused: &Answer) {
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"), "{}", refused.body);
    let told: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(told["error"]["message"], "too many questions at once: wait a second, then ask again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_sent_away_until_there_is_a_place() {
    let (server, gate) = narrow(LONG).await;
    let mut first = server.begin(&post("localhost", "", &search().to_string())).await;
    gate.next();
    assert_sent_away(&server.post("", &search()).await);
    assert_eq!(server.metric("docent_http_refused_total").await, 1);
    assert_eq!(server.metric("docent_http_requests_total{class=\"4xx\"}").await, 1);
    drop(gate.open());
    assert_eq!(Answer::read(&mut first).await.json()["result"]["isError"], false);
    server.until_idle().await;
    server.post("", &search()).await.json();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_on_a_stream_keeps_its_place_to_the_end() {
    let (server, gate) = narrow(LONG).await;
    let mut first = server.begin(&with_progress()).await;
    gate.next();
    gate.let_one();
    let told = until(&mut first, "data: ").await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    gate.next();
    assert_sent_away(&server.post("", &search()).await);
    drop(gate.open());
    until(&mut first, "\r\n0\r\n\r\n").await;
    server.until_idle().await;
    server.post("", &search()).await.json();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_ends_with_its_time_and_leaves_its_place() {
    let (server, gate) = narrow(Duration::from_secs(2)).await;
    let mut plain = server.begin(&post("localhost", "", &search().to_string())).await;
    let late = Answer::read(&mut plain).await;
    assert_eq!((late.status, late.headers["retry-after"].as_str()), (503, "1"));
    assert_eq!(late.body, "the request took too long\n");
    // The thread comes free with the wording that it is at.
    gate.next();
    gate.let_one();
    let request = with_progress().replacen("\r\n", "\r\nConnection: close\r\n", 1);
    let streamed = server.begin(&request).await;
    gate.next();
    gate.let_one();
    let told = rest(streamed).await;
    assert!(!told.contains("\"result\""), "{told}");
    drop(gate.open());
    server.until_idle().await;
    server.post("", &search()).await.json();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_slowly_keeps_nobody_out_and_is_sent_away_in_the_end() {
    let server = Server::start(local().with_limits(100_000, Duration::from_secs(3), 1)).await;
    let whole = post("localhost", "", &search().to_string());
    let (head, _) = whole.split_once("\r\n\r\n").unwrap();
    let mut slow = Vec::new();
    for _ in 0..300 {
        slow.push(server.begin(&format!("{head}\r\n\r\n{{")).await);
    }
    for _ in 0..20 {
        server.post("", &search()).await.json();
        server.until_idle_but(300).await;
    }
    let too_slow = Answer::read(&mut slow[0]).await;
    assert_eq!((too_slow.status, too_slow.body.as_str()), (408, "the request came too slowly\n"));
    drop(slow);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_requests_are_finished_and_listeners_let_go() {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let server = Server::over(library, resident, local()).await;
    let listen = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": {"notifications": {"resourcesListChanged": true}, "_meta": modern_meta()}});
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n";
    let mut listener = server.begin(&post("localhost", headers, &listen.to_string())).await;
    until(&mut listener, "notifications/subscriptions/acknowledged").await;
    let mut asking = server.begin(&post("localhost", "", &search().to_string())).await;
    gate.next();
    let address = server.address;
    let (running, _library) = server.stopping();
    until(&mut listener, "0\r\n\r\n").await;
    assert!(!running.is_finished(), "a request is under way");
    assert!(TcpStream::connect(address).await.is_err(), "nobody new is let in");
    drop(gate.open());
    assert_eq!(Answer::read(&mut asking).await.json()["result"]["isError"], false);
    timeout(Duration::from_secs(20), running).await.expect("it did not end").unwrap();
}

#[tokio::test]
async fn pages_of_other_origins_read_answers_only_where_they_are_allowed() {
    let page = "https://chat.example.com".to_owned();
    let address = "127.0.0.1:0".parse().unwrap();
    let settings = HttpSettings::new(address, None, Vec::new(), vec![format!("{page}:443")]).unwrap();
    let server = Server::start(settings).await;
    let preflight = async |origin: &str| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nConnection: close\r\n\
            Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,mcp-method\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(stream).await
    };
    let allowed = preflight(&page).await;
    assert!(allowed.starts_with("HTTP/1.1 204"), "{allowed}");
    for header in [
        "access-control-allow-methods: POST\r\n",
        "access-control-allow-headers: content-type,mcp-method\r\n",
        "access-control-allow-origin: https://chat.example.com\r\n",
        "vary: Origin\r\n",
    ] {
        assert!(allowed.contains(header), "{header} in {allowed}");
    }
    let refused = preflight("https://evil.example.com").await;
    assert!(!refused.contains("access-control"), "{refused}");
    let answer = server.post(&format!("Origin: {page}\r\n"), &search()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], page);
    answer.json();
    let plain = server.post("", &search()).await;
    assert!(!plain.headers.contains_key("access-control-allow-origin"));
    server.stop().await;
}
