//! Hooks and exporters: what agents tell of themselves, in their own forms.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use oriel_sources::otlp::{self, BodyError, Encoding};
use oriel_sources::{Parsed, Tally, claude, codex};
use oriel_wire::{Problem, Receipt};
use serde_json::json;

use super::Shared;
use super::error::ApiError;
use super::reply::{found, json, read_body};
use crate::app::App;
use crate::config::Compat;
use crate::{setup, told};

/// The longest body of a hook: one holds what a tool was given and gave back.
const HOOK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest body of an export as it is sent.
const EXPORT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest body of an export once it is unpacked.
const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Says when a hook ran, in Unix milliseconds, where that is not now.
pub(super) const AT_HEADER: &str = "x-oriel-at";

/// A moment that a hook says it ran may be so far ahead of ours.
const AHEAD_MS_MAX: i64 = 60_000;

/// Takes what an agent gives its hooks, unchanged.
///
/// `agent` is `claude-code`, `codex`, `claude-code-statusline` or `codex-notify`.
#[utoipa::path(post, path = "/api/hooks/{agent}", tag = "sources",
    params(("agent" = String, Path)),
    request_body(content = Object, description = "What the agent gave the hook"),
    responses((status = 201, body = Receipt), (status = 200, body = Receipt, description = "Nothing new"),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn hook(
    State(app): Shared,
    Path(agent): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let mut body = read_body(body, HOOK_BYTES_MAX).await?.to_vec();
    let at_ms = told_at(&headers, app.now_ms());
    let parsed = read_hook(&agent, &mut body, at_ms)?;
    let taken = told::take(&app, parsed, at_ms).await?;
    let status = if taken.numbers.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    let (received, ids, duplicates) = (taken.numbers.len(), taken.numbers, taken.duplicates);
    Ok(json(status, &Receipt { received, ids, duplicates }))
}

/// Reads what an agent gave a hook.
pub(crate) fn read_hook(agent: &str, body: &mut [u8], at_ms: i64) -> Result<Parsed, ApiError> {
    oriel_wire::json::mend_lone_surrogates(body);
    let bad = |problem: String| ApiError::Bad(problem.into());
    let mut parsed = match agent {
        "claude-code" => {
            claude::hooks::read(body, at_ms).map_err(|error| bad(error.to_string()))?
        }
        "claude-code-statusline" => {
            claude::statusline::read(body, at_ms).map_err(|error| bad(error.to_string()))?
        }
        "codex" => codex::hooks::read(body, at_ms).map_err(|error| bad(error.to_string()))?,
        "codex-notify" => {
            codex::notify::read(body, at_ms).map_err(|error| bad(error.to_string()))?
        }
        _ => {
            return Err(ApiError::NotFound(
                format!(
                    "no agent {agent:?} has hooks here; there are claude-code, \
                 claude-code-statusline, codex and codex-notify"
                )
                .into(),
            ));
        }
    };
    setup::mark_test(&mut parsed);
    Ok(parsed)
}

/// Takes an export of log records.
#[utoipa::path(post, path = "/api/otel/v1/logs", tag = "sources",
    request_body(content = Object, description = "An OTLP export, JSON or protobuf, gzip or plain"),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn logs(
    State(app): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    export(&app, &headers, body, otlp::logs, "rejectedLogRecords").await
}

/// Takes an export of spans.
#[utoipa::path(post, path = "/api/otel/v1/traces", tag = "sources",
    request_body(content = Object, description = "An OTLP export, JSON or protobuf, gzip or plain"),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn traces(
    State(app): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    export(&app, &headers, body, otlp::traces, "rejectedSpans").await
}

/// Takes an export of meters.
#[utoipa::path(post, path = "/api/otel/v1/metrics", tag = "sources",
    request_body(content = Object, description = "An OTLP export, JSON or protobuf, gzip or plain"),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 415, body = Problem)))]
pub(super) async fn metrics(
    State(app): Shared,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let sent = match Export::read(&app, &headers, body).await? {
        Ok(sent) => sent,
        Err(refusal) => return Ok(refusal),
    };
    let metered = match off_thread(sent.clone(), otlp::metrics).await {
        Ok(metered) => metered,
        Err(error) => return Ok(sent.refuse(error)),
    };
    let tally = metered.parsed.tally.clone();
    told::take_metered(&app, metered, app.now_ms()).await?;
    Ok(sent.answer(&tally, "rejectedDataPoints"))
}

async fn export(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    read: fn(&[u8], Encoding) -> Result<Parsed, BodyError>,
    rejected: &str,
) -> Result<Response, ApiError> {
    let sent = match Export::read(app, headers, body).await? {
        Ok(sent) => sent,
        Err(refusal) => return Ok(refusal),
    };
    let parsed = match off_thread(sent.clone(), read).await {
        Ok(parsed) => parsed,
        Err(error) => return Ok(sent.refuse(error)),
    };
    let tally = parsed.tally.clone();
    told::take(app, parsed, app.now_ms()).await?;
    Ok(sent.answer(&tally, rejected))
}

/// Reads a body where it keeps nobody else waiting: some are megabytes.
async fn off_thread<T: Send + 'static>(
    sent: Export,
    read: fn(&[u8], Encoding) -> Result<T, BodyError>,
) -> Result<T, BodyError> {
    if sent.body.len() < 64 * 1024 {
        return read(&sent.body, sent.encoding);
    }
    let reading = tokio::task::spawn_blocking(move || read(&sent.body, sent.encoding));
    reading.await.unwrap_or(Err(BodyError::NotAnObject))
}

/// An export as it was sent, unpacked.
#[derive(Clone)]
struct Export {
    body: Bytes,
    encoding: Encoding,
}

impl Export {
    /// Reads a body, or returns the answer to one that is not taken in this form.
    async fn read(
        app: &App,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Result<Self, Response>, ApiError> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.to_ascii_lowercase();
        let is_protobuf =
            kind.contains("application/x-protobuf") || kind.contains("application/protobuf");
        if is_protobuf && app.config.compat == Compat::AgentMonitor {
            let refusal = json!({
                "error": "Protobuf not supported yet. Use JSON format.",
                "hint": "Set OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
            });
            return Ok(Err(json(StatusCode::UNSUPPORTED_MEDIA_TYPE, &refusal)));
        }
        let body = read_body(body, EXPORT_BYTES_MAX).await?;
        let body = unpack(headers, body)?;
        let encoding = if is_protobuf { Encoding::Protobuf } else { Encoding::Json };
        let body = match encoding {
            Encoding::Protobuf => body,
            Encoding::Json => {
                let mut bytes = body.to_vec();
                oriel_wire::json::mend_lone_surrogates(&mut bytes);
                bytes.into()
            }
        };
        Ok(Ok(Self { body, encoding }))
    }

    /// Answers as the protocol says: with nothing where all was taken, and else with how much was
    /// not, and why.
    fn answer(&self, tally: &Tally, rejected: &str) -> Response {
        let problem = tally
            .bad_records
            .first()
            .map(|bad| format!("record {} cannot be read: {}", bad.nth, bad.problem));
        match (self.encoding, problem) {
            (Encoding::Json, None) => found(&json!({})),
            (Encoding::Json, Some(problem)) => found(&json!({
                "partialSuccess": { rejected: tally.bad.to_string(), "errorMessage": problem }
            })),
            (Encoding::Protobuf, None) => protobuf(StatusCode::OK, Vec::new()),
            (Encoding::Protobuf, Some(problem)) => {
                let mut partial = number_field(1, tally.bad);
                partial.extend(bytes_field(2, problem.as_bytes()));
                protobuf(StatusCode::OK, bytes_field(1, &partial))
            }
        }
    }

    /// Refuses a body that is no export.
    fn refuse(&self, error: BodyError) -> Response {
        let message = match error {
            BodyError::NotJson => "Invalid JSON payload".to_owned(),
            BodyError::NotAnObject | BodyError::NotProtobuf => error.to_string(),
        };
        match self.encoding {
            Encoding::Json => ApiError::Bad(message.into()).into_response(),
            Encoding::Protobuf => {
                /// The code that says that an argument is wrong.
                const INVALID_ARGUMENT: u64 = 3;
                let mut status = number_field(1, INVALID_ARGUMENT);
                status.extend(bytes_field(2, message.as_bytes()));
                protobuf(StatusCode::BAD_REQUEST, status)
            }
        }
    }
}

fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Bytes, ApiError> {
    let packed = headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    match packed.map(str::trim) {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => unpacked(&body).map(Bytes::from),
        Some(other) => Err(ApiError::Bad(
            format!("the body is packed as {other:?}; send it as gzip or plain").into(),
        )),
    }
}

/// Unpacks a body that is gzip.
pub(crate) fn unpacked(body: &[u8]) -> Result<Vec<u8>, ApiError> {
    use std::io::Read;
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(UNPACKED_BYTES_MAX as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|error| {
        ApiError::Bad(format!("the body is no gzip: {error}; send it again").into())
    })?;
    if unpacked.len() > UNPACKED_BYTES_MAX {
        return Err(ApiError::TooLong(UNPACKED_BYTES_MAX));
    }
    Ok(unpacked)
}

fn protobuf(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/x-protobuf")], body).into_response()
}

/// Writes a number as a field of a protobuf message.
fn number_field(field: u8, number: u64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    varint(&mut bytes, number);
    bytes
}

/// Writes bytes as a field of a protobuf message.
fn bytes_field(field: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    varint(&mut bytes, content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Returns when a hook ran: when it says so, unless that is no moment or ahead of us.
fn told_at(headers: &HeaderMap, now_ms: i64) -> i64 {
    let told =
        headers.get(AT_HEADER).and_then(|at| at.to_str().ok()).and_then(|at| at.parse().ok());
    told.filter(|at| (1..=now_ms.saturating_add(AHEAD_MS_MAX)).contains(at)).unwrap_or(now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_fields_are_written_as_others_read_them() {
        assert_eq!(number_field(1, 3), [0x08, 3]);
        assert_eq!(number_field(1, 300), [0x08, 0xac, 0x02]);
        assert_eq!(bytes_field(2, b"ab"), [0x12, 2, b'a', b'b']);
    }

    #[test]
    fn a_hook_ran_when_it_says_unless_that_makes_no_sense() {
        let at = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AT_HEADER, text.parse().unwrap());
            told_at(&headers, 1_000_000)
        };
        assert_eq!(
            (at("5"), at("0"), at("soon"), at("99999999")),
            (5, 1_000_000, 1_000_000, 1_000_000)
        );
    }
}
