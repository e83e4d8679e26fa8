//! Progress and cancellation: what a client hears while it waits, and that work stops when it leaves.

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::mcp_gate::Gate;
use crate::mcp_http_support::{Server, local, post};
use crate::mcp_support::{Client, Library, modern_meta};

/// A search in three wordings.
fn wordings(token: &Value) -> Value {
    let arguments = json!({"query": "a", "rephrasings": ["b", "c"]});
    json!({"name": "search", "arguments": arguments, "_meta": {"progressToken": token}})
}

/// The parameters of the next notice of progress that tells of a step, and not of time that passes.
async fn step(client: &mut Client) -> Value {
    loop {
        let mut notice = client.receive().await;
        assert_eq!(notice["method"], "notifications/progress", "{notice}");
        if notice["params"]["progress"].as_f64().unwrap().fract() == 0.0 {
            return notice["params"].take();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wording_is_a_step() {
    let library = Library::new();
    for modern in [false, true] {
        let (resident, gate) = Gate::before(&library);
        let mut client = if modern { Client::modern(resident) } else { Client::legacy(resident).await };
        let id = client.send("tools/call", wordings(&json!("t1"))).await;
        for (number, wording) in ["a", "b", "c"].into_iter().enumerate() {
            assert_eq!(gate.next(), wording);
            gate.let_one();
            let told = step(&mut client).await;
            assert_eq!(told["progressToken"], "t1");
            assert_eq!((&told["progress"], &told["total"]), (&json!((number + 1) as f64), &json!(4.0)));
            assert_eq!(told["message"], format!("{} of 4 steps", number + 1));
        }
        assert_eq!(step(&mut client).await["progress"], 4.0, "ranked");
        let answer = client.receive().await;
        assert_eq!(answer["id"], id, "{answer}");
        assert!(!answer["result"]["structuredContent"]["hits"].as_array().unwrap().is_empty());
        assert_eq!(client.last_words().await, Vec::<Value>::new(), "nothing after the answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_questions_are_counted_together() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    let call = json!({"name": "search", "arguments": {"queries": ["a", "b"]}, "_meta": {"progressToken": 7}});
    client.send("tools/call", call).await;
    for done in 1..=4 {
        let told = step(&mut client).await;
        assert_eq!((&told["progressToken"], &told["total"]), (&json!(7), &json!(4.0)));
        assert_eq!(told["progress"], f64::from(done));
    }
    assert!(client.receive().await["result"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_ask_for_progress_hears_the_answer_alone() {
    let library = Library::new();
    let mut client = Client::legacy(library.resident()).await;
    for meta in [json!({}), json!({"progressToken": null}), json!({"progressToken": {"a": 1}})] {
        let mut call = wordings(&Value::Null);
        call["_meta"] = meta;
        let id = client.send("tools/call", call).await;
        assert_eq!(client.receive().await["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_step_is_told_of_while_it_lasts() {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let mut client = Client::legacy(resident).await;
    client.send("tools/call", wordings(&json!("t"))).await;
    gate.next();
    let mut told = 0.0;
    for _ in 0..2 {
        let notice = client.receive().await;
        let progress = notice["params"]["progress"].as_f64().unwrap();
        assert!(told < progress && progress < 1.0, "{notice}");
        assert_eq!(
            (&notice["params"]["total"], &notice["params"]["message"]),
            (&json!(4.0), &json!("still at it"))
        );
        told = progress;
    }
    drop(gate.open());
    let mut message = client.receive().await;
    while message["method"] == "notifications/progress" {
        let progress = message["params"]["progress"].as_f64().unwrap();
        assert!(progress > told, "{message}");
        told = progress;
        message = client.receive().await;
    }
    assert!(message["result"].is_object() && told > 3.9, "{message}");
}

/// What was encoded of a call that is cancelled while its second wording is at it, and what the client
/// heard after that. The runtime is waited for: no thread is at work any more.
fn cancelled(modern: bool, call: &Value) -> (Vec<String>, Vec<Value>) {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let runtime = Runtime::new().unwrap();
    let (rest, last_words) = runtime.block_on(async {
        let mut client = if modern { Client::modern(resident) } else { Client::legacy(resident).await };
        let id = client.send("tools/call", call.clone()).await;
        gate.next();
        gate.let_one();
        gate.next();
        let mut params = json!({"requestId": id, "reason": "changed my mind"});
        if modern {
            params["_meta"] = modern_meta();
        }
        let notice = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        client.line(&notice.to_string()).await;
        // Answered after it: the notice has been understood.
        client.request("tools/list", json!({})).await;
        let rest = gate.open();
        (rest, client.last_words().await)
    });
    drop(runtime);
    (rest.try_iter().collect(), last_words)
}

#[test]
fn a_cancelled_call_is_worked_on_no_further_and_not_answered() {
    let several = json!({"name": "search", "arguments": {"queries": ["a", "b", "c", "d"]}});
    for modern in [false, true] {
        for call in [wordings(&Value::Null), several.clone()] {
            let (encoded, last_words) = cancelled(modern, &call);
            assert_eq!(encoded, Vec::<String>::new(), "{call}: more was encoded");
            assert_eq!(last_words, Vec::<Value>::new(), "{call}");
        }
    }
}

/// The same of a call that is never cancelled: the test above sees what it has to see.
#[test]
fn a_call_that_is_not_cancelled_is_worked_on_to_its_end() {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let runtime = Runtime::new().unwrap();
    let (rest, last_words) = runtime.block_on(async {
        let mut client = Client::legacy(resident).await;
        client.send("tools/call", wordings(&Value::Null)).await;
        gate.next();
        (gate.open(), client.last_words().await)
    });
    drop(runtime);
    assert_eq!(rest.try_iter().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(last_words.len(), 1, "the end of input does not cost the answer");
}

/// A client that closes its input takes no more notices, but it still reads.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_input_costs_progress_and_not_the_answer() {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let mut client = Client::legacy(resident).await;
    let id = client.send("tools/call", wordings(&json!("t"))).await;
    gate.next();
    let (last_words, ()) = tokio::join!(client.last_words(), async { drop(gate.open()) });
    assert_eq!(last_words.last().unwrap()["id"], id, "{last_words:?}");
}

/// A search over HTTP, whose progress is asked for where there is a token.
fn request(modern: bool, token: Option<&str>) -> String {
    let mut params = wordings(&json!(token));
    let mut headers = "MCP-Protocol-Version: 2025-11-25\r\n";
    if modern {
        headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: search\r\n";
        for (name, value) in modern_meta().as_object().unwrap() {
            params["_meta"][name] = value.clone();
        }
    }
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    post("localhost", headers, &call.to_string())
}

/// The messages on a stream of server-sent events.
fn events(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_progress_comes_on_the_stream_of_its_request() {
    use tokio::io::AsyncReadExt as _;
    let server = Server::start(local()).await;
    for modern in [false, true] {
        let mut stream =
            server.begin(&request(modern, Some("t")).replacen("\r\n", "\r\nConnection: close\r\n", 1)).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("content-type: text/event-stream\r\n"), "{answer}");
        let messages = events(&answer);
        let (last, notices) = messages.split_last().unwrap();
        assert!(last["result"]["structuredContent"]["hits"][0]["path"].is_string(), "{answer}");
        let steps = notices.iter().map(|notice| notice["params"]["progress"].as_f64().unwrap());
        let steps: Vec<f64> = steps.filter(|progress| progress.fract() == 0.0).collect();
        assert_eq!(steps, [1.0, 2.0, 3.0, 4.0], "{answer}");
        assert!(notices.iter().all(|notice| notice["params"]["progressToken"] == "t"), "{answer}");
        server.send(&request(modern, None)).await.json();
    }
    server.stop().await;
}

/// What is encoded after a client has hung up in the middle of its question.
fn left(modern: bool, token: Option<&str>) -> Vec<String> {
    let library = Library::new();
    let (resident, gate) = Gate::before(&library);
    let runtime = Runtime::new().unwrap();
    let rest = runtime.block_on(async {
        let server = Server::over(library, resident, local()).await;
        let stream = server.begin(&request(modern, token)).await;
        gate.next();
        gate.let_one();
        gate.next();
        drop(stream);
        server.until_idle().await;
        let rest = gate.open();
        server.stop().await;
        rest
    });
    drop(runtime);
    rest.try_iter().collect()
}

#[test]
fn who_hangs_up_is_worked_for_no_further() {
    for modern in [false, true] {
        for token in [None, Some("t")] {
            assert_eq!(left(modern, token), Vec::<String>::new(), "modern {modern}, token {token:?}");
        }
    }
}
