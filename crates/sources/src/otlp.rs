//! What agents export as OpenTelemetry: log records, spans and data points, in JSON or protobuf.
//!
//! Both encodings are read into the same records, and one mapping makes events of these. A record is
//! read on its own, so that a bad one costs nothing but itself. A retried body makes events of the
//! same names, so that whoever stores them stores them once.

mod agent;
mod attributes;
mod claude;
mod codex;
mod gemini;
mod input;
mod json;
mod log;
mod meter;
mod notes;
mod protobuf;
mod record;
mod span;
mod usage;

use crate::parsed::Parsed;

pub use meter::{Counted, Metered, Running};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// OTLP/JSON.
    Json,
    /// OTLP in its binary form.
    Protobuf,
}

/// A body that is no export of any kind. One that holds bad records is not bad itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body was to be JSON and is not.
    #[error("Invalid OTEL JSON payload")]
    NotJson,
    /// The body is JSON, and not an object.
    #[error("Invalid OTEL JSON payload")]
    NotAnObject,
    /// The body was to be protobuf and is not.
    #[error(
        "Invalid OTEL protobuf payload: send an OTLP export request, or set the content type to \
         application/json"
    )]
    NotProtobuf,
}

/// Reads an export of log records.
///
/// # Errors
///
/// The body is not of its encoding.
pub fn logs(body: &[u8], encoding: Encoding) -> Result<Parsed, BodyError> {
    let groups = match encoding {
        Encoding::Json => json::logs(body)?,
        Encoding::Protobuf => protobuf::logs(body)?,
    };
    let parsed = log::read(&groups);
    if parsed.tally.records == 0
        && encoding == Encoding::Json
        && let Ok(spans) = json::spans(body)
    {
        // Old versions of Codex send their spans to where their logs go.
        return Ok(span::read(&spans));
    }
    Ok(parsed)
}

/// Reads an export of spans.
///
/// # Errors
///
/// The body is not of its encoding.
pub fn traces(body: &[u8], encoding: Encoding) -> Result<Parsed, BodyError> {
    let groups = match encoding {
        Encoding::Json => json::spans(body)?,
        Encoding::Protobuf => protobuf::spans(body)?,
    };
    Ok(span::read(&groups))
}

/// Reads an export of meters.
///
/// # Errors
///
/// The body is not of its encoding.
pub fn metrics(body: &[u8], encoding: Encoding) -> Result<Metered, BodyError> {
    let groups = match encoding {
        Encoding::Json => json::points(body)?,
        Encoding::Protobuf => protobuf::points(body)?,
    };
    Ok(meter::read(groups))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_that_are_sent_where_logs_go_are_read() {
        let span = json!({ "name": "any", "traceId": "0af7651916cd43dd8448eb211c80319c",
            "spanId": "b7ad6b7169203331", "startTimeUnixNano": "1", "endTimeUnixNano": "2" });
        let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] });
        let body = body.to_string();
        let parsed = logs(body.as_bytes(), Encoding::Json).unwrap();
        assert_eq!(parsed, traces(body.as_bytes(), Encoding::Json).unwrap());
        assert_eq!(parsed.tally.records, 1);
    }
}
