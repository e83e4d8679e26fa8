//! The body of a request before the protocol: read to its limit, and one JSON-RPC message.
//!
//! A body that is none is answered as JSON-RPC 2.0, section 5.1, has it, whatever the client says
//! that it is: an agent's author reads `Parse error`, not that the media type is wrong.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::mcp::surrogates;

/// The method that asks for notices for as long as the connection lasts.
const LISTEN: &str = "subscriptions/listen";
/// JSON-RPC's code for what went wrong on the side of the server.
const INTERNAL: i32 = -32603;

/// The answer to what is no message.
pub(super) type Refusal = Box<Response<Full<Bytes>>>;

/// A request whose body is in memory.
pub(super) struct Message {
    pub(super) request: Request<Full<Bytes>>,
    /// Whether it asks for notices, and not for an answer.
    pub(super) is_listening: bool,
    /// The room that its body takes.
    _room: Option<OwnedSemaphorePermit>,
}

/// What tells a JSON-RPC message from other JSON.
#[derive(Deserialize)]
struct Shape {
    jsonrpc: Option<String>,
    method: Option<String>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// The request with its body in memory, of at most `most` bytes, for which there has to be `room`; an
/// answer where there is no going on with it.
pub(super) async fn read<B>(
    request: Request<B>,
    most: usize,
    room: &Arc<Semaphore>,
) -> Result<Message, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, mut body) = request.into_parts();
    let mut bytes: Vec<u8> = Vec::new();
    let mut taken: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        // Whoever breaks off in the middle reads no answer.
        let Ok(frame) = frame else {
            return Err(refusal(StatusCode::BAD_REQUEST, -32700, "the request ends in the middle"));
        };
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(too_large(most));
        }
        let more = Arc::clone(room).try_acquire_many_owned(u32::try_from(data.len()).unwrap_or(u32::MAX));
        match (more, &mut taken) {
            (Err(_), _) => return Err(too_many("the requests under way are too large together")),
            (Ok(more), Some(taken)) => taken.merge(more),
            (Ok(more), None) => taken = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    surrogates::mend(&mut bytes);
    let method = if head.method == Method::POST { check(&bytes)? } else { None };
    let request = Request::from_parts(head, Full::new(Bytes::from(bytes)));
    Ok(Message { request, is_listening: method.as_deref() == Some(LISTEN), _room: taken })
}

/// The method of a message that is one.
fn check(body: &[u8]) -> Result<Option<String>, Refusal> {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return Err(refusal(StatusCode::BAD_REQUEST, -32700, &format!("Parse error: {error}")));
    }
    // Deserialising a struct takes an array for its fields in order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let shape = if is_object { serde_json::from_slice::<Shape>(body).ok() } else { None };
    let is_message = |shape: &Shape| {
        shape.jsonrpc.as_deref() == Some("2.0")
            && (shape.method.is_some() || shape.result.is_some() || shape.error.is_some())
    };
    if let Some(message) = shape.filter(is_message) {
        return Ok(message.method);
    }
    let reason =
        "Invalid Request: not one JSON-RPC 2.0 message (an object with `jsonrpc`: \"2.0\" and `method`)";
    Err(refusal(StatusCode::BAD_REQUEST, -32600, reason))
}

fn too_large(most: usize) -> Refusal {
    let reason = format!("the request is larger than {most} bytes");
    let mut answer = Response::new(Full::new(Bytes::from(reason)));
    *answer.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    Box::new(answer)
}

/// The answer where there is no place for one more request now (RFC 6585, section 4).
pub(super) fn too_many(what: &str) -> Refusal {
    let mut answer =
        refusal(StatusCode::TOO_MANY_REQUESTS, INTERNAL, &format!("{what}: wait a second, then ask again"));
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn refusal(status: StatusCode, code: i32, message: &str) -> Refusal {
    let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}});
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Box::new(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status_and_code(body: &str) -> (u16, i64) {
        let request = Request::post("/mcp").body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        match read(request, 100, &Arc::new(Semaphore::new(1_000))).await {
            Ok(_) => (200, 0),
            Err(answer) => {
                let status = answer.status().as_u16();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
                (status, answer["error"]["code"].as_i64().unwrap_or_default())
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused_by_its_own_code() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, (200, 0)),
            (r#" {"jsonrpc":"2.0","id":1,"result":{}}"#, (200, 0)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"\ud83d"}"#, (200, 0)),
            ("", (400, -32700)),
            ("{", (400, -32700)),
            ("\u{feff}{}", (400, -32700)),
            ("[]", (400, -32600)),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, (400, -32600)),
            (r#"["2.0","ping",1,1]"#, (400, -32600)),
            (r#"{"id":1,"method":"ping"}"#, (400, -32600)),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, (400, -32600)),
            (r#"{"jsonrpc":"2.0","id":1}"#, (400, -32600)),
            ("7", (400, -32600)),
        ];
        for (body, expected) in cases {
            assert_eq!(status_and_code(body).await, expected, "{body}");
        }
        assert_eq!(status_and_code(&format!("\"{}\"", "x".repeat(99))).await, (413, 0));
    }

    #[tokio::test]
    async fn depth_is_a_parse_error() {
        let deep = "[".repeat(100_000);
        let request = Request::post("/mcp").body(Full::new(Bytes::from(deep))).unwrap();
        let room = Arc::new(Semaphore::new(200_000));
        assert_eq!(read(request, 200_000, &room).await.err().unwrap().status(), 400);
    }

    #[tokio::test]
    async fn bodies_share_their_room_until_they_are_let_go_of() {
        let room = Arc::new(Semaphore::new(60));
        let post = || {
            let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
            read(Request::post("/mcp").body(Full::new(Bytes::from(body))).unwrap(), 100, &room)
        };
        let first = post().await.ok().unwrap();
        let refused = post().await.err().unwrap();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &"1".parse().unwrap())
        );
        drop(first);
        assert!(post().await.is_ok());
    }

    #[tokio::test]
    async fn who_listens_is_told_from_who_asks() {
        let listening = async |method: &str| {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string();
            let request = Request::post("/mcp").body(Full::new(Bytes::from(body))).unwrap();
            read(request, 100, &Arc::new(Semaphore::new(100))).await.ok().unwrap().is_listening
        };
        assert!(listening("subscriptions/listen").await);
        assert!(!listening("tools/call").await);
    }
}
