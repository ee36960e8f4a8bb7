//! The messages of the protocol: what each asks for, and how it is answered.
//!
//! Versions up to 2025-11-25 begin with a handshake. Later ones have none: each request names its
//! version, and answers say that they are complete.

use serde_json::{Map, Value, json};

use super::{schema, tools};

/// The versions with a handshake, the newest last.
const WITH_HANDSHAKE: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// The versions in which each request names its own.
const WITHOUT_HANDSHAKE: [&str; 1] = ["2026-07-28"];

/// Where a request names its version.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// How long a list of tools may be kept: it changes with the program only.
const LIST_MS: u64 = 3_600_000;

/// The line is no JSON.
pub(super) const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const NO_METHOD: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const BUSY: i64 = -32000;
const NO_VERSION: i64 = -32022;

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// It can be answered at once.
    Answer(Value),
    /// A tool is to be used.
    Call(Call),
    /// The call of this id is no longer wanted.
    Cancel(Value),
    /// It wants no answer.
    Nothing,
}

/// A tool is to be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub id: Value,
    pub name: String,
    pub arguments: Map<String, Value>,
    /// Whether the answer says that it is complete.
    is_stateless: bool,
}

/// Returns what a message asks for.
pub(super) fn step(message: &Value) -> Step {
    let params = message.get("params").unwrap_or(&Value::Null);
    let (id, method) = match (message.get("id"), message.get("method").and_then(Value::as_str)) {
        (Some(id), Some(method)) if id.is_string() || id.is_number() => (id, method),
        (None, Some("notifications/cancelled")) => {
            return Step::Cancel(params.get("requestId").cloned().unwrap_or_default());
        }
        (None, Some(_)) => return Step::Nothing,
        // We ask nothing, so there is nothing that an answer could be to.
        _ if message.get("result").is_some() || message.get("error").is_some() => {
            return Step::Nothing;
        }
        _ => {
            let problem = "a request has an `id` and names its `method`";
            return Step::Answer(error(&Value::Null, INVALID_REQUEST, problem));
        }
    };
    let version =
        params.get("_meta").and_then(|meta| meta.get(VERSION_KEY)).and_then(Value::as_str);
    if let Some(version) = version
        && !versions().any(|known| known == version)
    {
        let mut answer = error(id, NO_VERSION, &format!("version {version} is not known here"));
        let supported: Vec<_> = versions().collect();
        answer["error"]["data"] = json!({ "supported": supported, "requested": version });
        return Step::Answer(answer);
    }
    let is_stateless = version.is_some_and(|version| WITHOUT_HANDSHAKE.contains(&version));
    let answered = |answer: Value| Step::Answer(result(id, answer, is_stateless));
    match method {
        "initialize" => answered(begun(params)),
        "server/discover" => answered(listed(discovered(), is_stateless)),
        "ping" => answered(json!({})),
        "tools/list" => answered(listed(json!({ "tools": schema::list() }), is_stateless)),
        "tools/call" => called_for(id, params, is_stateless),
        _ => Step::Answer(error(id, NO_METHOD, &format!("there is no method {method:?}"))),
    }
}

/// Returns the answer to a call.
pub(super) fn called(call: &Call, told: Result<tools::Told, String>) -> Value {
    let answer = match told {
        Ok(tools::Told { text, json }) => json!({
            "content": [{ "type": "text", "text": text }],
            "structuredContent": json,
            "isError": false,
        }),
        Err(problem) => json!({
            "content": [{ "type": "text", "text": problem }],
            "isError": true,
        }),
    };
    result(&call.id, answer, call.is_stateless)
}

/// Returns the answer to one call too many.
pub(super) fn too_many(call: &Call) -> Value {
    error(&call.id, BUSY, "too many calls wait; wait for their answers")
}

/// Returns the answer to what cannot be done.
pub(super) fn error(id: &Value, code: i64, problem: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": problem } })
}

fn result(id: &Value, mut answer: Value, is_stateless: bool) -> Value {
    if is_stateless {
        answer["resultType"] = json!("complete");
    }
    json!({ "jsonrpc": "2.0", "id": id, "result": answer })
}

/// Adds how long a list may be kept, where the version wants to know.
fn listed(mut list: Value, is_stateless: bool) -> Value {
    if is_stateless {
        list["ttlMs"] = json!(LIST_MS);
        list["cacheScope"] = json!("private");
    }
    list
}

fn versions() -> impl Iterator<Item = &'static str> {
    WITH_HANDSHAKE.into_iter().chain(WITHOUT_HANDSHAKE)
}

/// Answers the handshake with the client's version, if it is known.
fn begun(params: &Value) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    let known = WITH_HANDSHAKE.into_iter().find(|known| *known == asked);
    let mut about = about();
    about["protocolVersion"] = json!(known.unwrap_or(WITH_HANDSHAKE[WITH_HANDSHAKE.len() - 1]));
    about
}

fn discovered() -> Value {
    let mut about = about();
    about["supportedVersions"] = versions().collect();
    about
}

fn about() -> Value {
    json!({
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": {
            "name": "oriel",
            "title": "Oriel",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "instructions": "Oriel records what the coding agents on this machine say, do and cost. \
            Search it for what was said or done before; ask it for sessions, usage, limits, and \
            who waits for a person. Nothing here changes anything.",
    })
}

fn called_for(id: &Value, params: &Value, is_stateless: bool) -> Step {
    let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
    if !schema::names().any(|known| known == name) {
        let known: Vec<_> = schema::names().collect();
        let problem = format!("there is no tool {name:?}; there are {}", known.join(", "));
        return Step::Answer(error(id, INVALID_PARAMS, &problem));
    }
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(_) => {
            let problem = "`arguments` is an object";
            return Step::Answer(error(id, INVALID_PARAMS, problem));
        }
    };
    Step::Call(Call { id: id.clone(), name: name.to_owned(), arguments, is_stateless })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_client_is_taken_if_it_is_known() {
        for (asked, expected) in [
            (json!("2025-06-18"), "2025-06-18"),
            (json!("2024-11-05"), "2024-11-05"),
            (json!("2031-01-01"), "2025-11-25"),
            (json!(7), "2025-11-25"),
        ] {
            let answer = answer(&json!({ "id": 1, "method": "initialize",
                "params": { "protocolVersion": asked } }));
            assert_eq!(answer["result"]["protocolVersion"], expected, "{asked}");
            assert_eq!(answer["result"]["serverInfo"]["name"], "oriel");
            assert!(answer["result"].get("resultType").is_none());
        }
    }

    #[test]
    fn a_request_may_name_its_version_without_a_handshake() {
        let ask = |method: &str, version: &str| {
            answer(&json!({ "id": 1, "method": method,
                "params": { "_meta": { VERSION_KEY: version } } }))
        };
        let found = ask("server/discover", "2026-07-28");
        assert_eq!(found["result"]["resultType"], "complete");
        assert_eq!(found["result"]["supportedVersions"][4], "2026-07-28");
        assert!(ask("tools/list", "2026-07-28")["result"]["ttlMs"].is_u64());
        let refused = ask("tools/list", "1999-01-01");
        assert_eq!(refused["error"]["code"], NO_VERSION);
        assert_eq!(refused["error"]["data"]["requested"], "1999-01-01");
    }

    #[test]
    fn what_is_no_request_is_told_from_what_wants_no_answer() {
        assert_eq!(step(&json!({ "method": "notifications/other" })), Step::Nothing);
        assert_eq!(step(&json!({ "id": 3, "result": {} })), Step::Nothing);
        let cancel = json!({ "method": "notifications/cancelled", "params": { "requestId": 3 } });
        assert_eq!(step(&cancel), Step::Cancel(json!(3)));
        for (message, code) in [
            (json!(7), INVALID_REQUEST),
            (json!({ "id": 1 }), INVALID_REQUEST),
            (json!({ "id": null, "method": "ping" }), INVALID_REQUEST),
            (json!([]), INVALID_REQUEST),
            (json!({ "id": 1, "method": "resources/list" }), NO_METHOD),
            (json!({ "id": 1, "method": "tools/call", "params": { "name": "x" } }), INVALID_PARAMS),
            (
                json!({ "id": 1, "method": "tools/call",
                    "params": { "name": "search", "arguments": 7 } }),
                INVALID_PARAMS,
            ),
        ] {
            assert_eq!(answer(&message)["error"]["code"], code, "{message}");
        }
    }

    fn answer(message: &Value) -> Value {
        match step(message) {
            Step::Answer(answer) => answer,
            other => panic!("{message} is answered at once, not {other:?}"),
        }
    }
}
