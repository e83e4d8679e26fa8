//! The body of a request before the protocol: read to its limit, and one JSON-RPC message.
//!
//! A body that is none is answered as JSON-RPC 2.0, section 5.1, has it, whatever the client says
//! that it is: an agent's author reads `Parse error`, not that the media type is wrong.

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

/// The answer to what is no message.
pub(super) type Refusal = Box<Response<Full<Bytes>>>;

/// What tells a JSON-RPC message from other JSON.
#[derive(Deserialize)]
struct Shape {
    jsonrpc: Option<String>,
    method: Option<IgnoredAny>,
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// The request with its body in memory; an answer where there is no going on with it.
pub(super) async fn read<B>(request: Request<B>, most: usize) -> Result<Request<Full<Bytes>>, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, most).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large(most)),
        // Whoever breaks off in the middle reads no answer.
        Err(_) => return Err(refusal(StatusCode::BAD_REQUEST, -32700, "the request ends in the middle")),
    };
    if head.method == Method::POST {
        check(&body)?;
    }
    Ok(Request::from_parts(head, Full::new(body)))
}

fn check(body: &[u8]) -> Result<(), Refusal> {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return Err(refusal(StatusCode::BAD_REQUEST, -32700, &format!("Parse error: {error}")));
    }
    // Deserialising a struct takes an array for its fields in order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let shape = if is_object { serde_json::from_slice::<Shape>(body).ok() } else { None };
    let is_message = shape.is_some_and(|shape| {
        shape.jsonrpc.as_deref() == Some("2.0")
            && (shape.method.is_some() || shape.result.is_some() || shape.error.is_some())
    });
    if is_message {
        return Ok(());
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
        match read(request, 100).await {
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
        assert_eq!(read(request, 200_000).await.err().unwrap().status(), 400);
    }
}
