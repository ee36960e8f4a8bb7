//! What agents tell by hooks and exporters, posted as they post it.

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::http::{Answer, Request};

/// Posts what an agent gave a hook that ran at this moment, in Unix milliseconds.
pub fn hook(daemon: &Daemon, agent: &str, at_ms: i64, body: &Value) -> Answer {
    let request = Request::post(&format!("/api/hooks/{agent}"), body);
    daemon.send(&request.header("x-oriel-at", at_ms.to_string()))
}

/// Posts an export of `logs`, `metrics` or `traces` as JSON.
pub fn export(daemon: &Daemon, signal: &str, body: &Value) -> Answer {
    daemon.post(&format!("/api/otel/v1/{signal}"), body)
}

/// Returns an export of log records of one program.
#[must_use]
pub fn logs(service: &str, records: &[Value]) -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": attributes(&json!({ "service.name": service })) },
        "scopeLogs": [{ "scope": { "name": "events" }, "logRecords": records }],
    }] })
}

/// Returns a log record of this name with these attributes.
#[must_use]
pub fn record(name: &str, at_ms: i64, members: &Value) -> Value {
    let mut members = members.clone();
    let short = name.split_once('.').map_or(name, |(_, short)| short);
    members["event.name"] = json!(if name.starts_with("claude_code.") { short } else { name });
    json!({
        "timeUnixNano": format!("{at_ms}000000"),
        "body": { "stringValue": name },
        "attributes": attributes(&members),
    })
}

/// How a meter tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    /// What came since it told last.
    Delta = 1,
    /// The whole since its start.
    Cumulative = 2,
}

/// Returns an export of one point for each of these: the meter's name, its attributes, its value.
#[must_use]
pub fn metrics(
    service: &str,
    temporality: Temporality,
    at_ms: i64,
    points: &[(&str, Value, Value)],
) -> Value {
    let metrics: Vec<Value> = points
        .iter()
        .map(|(name, members, value)| {
            json!({ "name": name, "sum": {
                "aggregationTemporality": temporality as u8,
                "isMonotonic": true,
                "dataPoints": [{
                    "attributes": attributes(members),
                    "startTimeUnixNano": "1700000000000000000",
                    "timeUnixNano": format!("{at_ms}000000"),
                    "asDouble": value,
                }],
            } })
        })
        .collect();
    json!({ "resourceMetrics": [{
        "resource": { "attributes": attributes(&json!({ "service.name": service })) },
        "scopeMetrics": [{ "scope": { "name": "meters" }, "metrics": metrics }],
    }] })
}

/// Returns the members of an object in the form of the protocol.
#[must_use]
pub fn attributes(members: &Value) -> Value {
    let members = members.as_object().into_iter().flatten();
    members
        .map(|(key, value)| {
            let value = match value {
                Value::Bool(_) => json!({ "boolValue": value }),
                Value::Number(number) if number.is_f64() => json!({ "doubleValue": value }),
                Value::Number(number) => json!({ "intValue": number.to_string() }),
                Value::String(_) => json!({ "stringValue": value }),
                other => json!({ "stringValue": other.to_string() }),
            };
            json!({ "key": key, "value": value })
        })
        .collect()
}
