//! A model's server with a script in place of a model, so that a real agent works offline: it speaks the
//! chat completions that many agents can be pointed at.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a prompt says before the path of a file that the model is to have written.
pub const WRITES: &str = "write the file ";

/// What it has written there.
pub const WORDS: &str = "made by a real agent\n";

/// What it says in the end.
pub const LAST_WORDS: &str = "The file is there now.";

/// The tokens that its every answer costs: read, of which cached, and written.
pub const TOKENS: (u64, u64, u64) = (1_200, 200, 34);

/// A server that answers with a script until it is dropped.
pub struct Model {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
    serving: JoinHandle<()>,
}

impl Model {
    /// Begins to serve.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let addr = listener.local_addr().expect("it listens");
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&asked));
        let serving = tokio::spawn(async move {
            _ = axum::serve(listener, router).await;
        });
        Self { addr, asked, serving }
    }

    /// Returns the address that an agent is to be given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Returns how often it was asked.
    #[must_use]
    pub fn times_asked(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Asked = State<Arc<Mutex<Vec<Value>>>>;

async fn answer(State(asked): Asked, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let said = script(&request);
    let is_streamed = request["stream"] == true;
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    if is_streamed { streamed(&said) } else { whole(said) }
}

/// What the model says: a call that writes the file, and when that is done, that it is.
fn script(request: &Value) -> Value {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_answered = messages.iter().rev().take_while(|it| it["role"] != "user");
    let is_answered = is_answered.into_iter().any(|it| it["role"] == "tool");
    let asked =
        messages.iter().rfind(|it| it["role"] == "user").map(|it| it["content"].to_string());
    let path = asked.as_deref().and_then(|text| text.split_once(WRITES)).map(|(_, rest)| rest);
    let path = path.and_then(|rest| rest.split(['"', ' ', '\\']).next());
    match (path, request["tools"].as_array()) {
        (Some(path), Some(tools)) if !is_answered && !tools.is_empty() => {
            let arguments = json!({ "file_path": path, "content": WORDS }).to_string();
            let function = json!({ "name": "write_file", "arguments": arguments });
            json!({ "tool_calls": [
                { "index": 0, "id": "call_1", "type": "function", "function": function },
            ] })
        }
        _ => json!({ "content": LAST_WORDS }),
    }
}

fn usage() -> Value {
    let (read, cached, written) = TOKENS;
    json!({
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": { "cached_tokens": cached },
    })
}

fn streamed(said: &Value) -> Response {
    let reason = if said["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    let mut delta = said.clone();
    delta["role"] = json!("assistant");
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "scripted", "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let body = chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), Value::Null)
        + &chunk(json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), Value::Null)
        + &chunk(json!([]), usage())
        + "data: [DONE]\n\n";
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn whole(mut said: Value) -> Response {
    let reason = if said["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    said["role"] = json!("assistant");
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000,
        "model": "scripted", "usage": usage(),
        "choices": [{ "index": 0, "message": said, "finish_reason": reason }],
    });
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
