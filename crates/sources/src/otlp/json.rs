//! OTLP/JSON into records.
//!
//! The outer lists are cut into records without looking into these, so that a record that nests too
//! deeply or holds half a character is bad alone. Fields of the wrong type are as good as absent.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::BodyError;
use super::attributes::{Any, Attributes};
use super::record::{Group, LogRecord, METRIC_UNITS_MAX, Point, Room, Shape, Span, SpanEvent};
use crate::draft::clip;

/// How many times a body may have been written as a JSON string by mistake.
const QUOTES_MAX: usize = 3;

pub(super) fn logs(body: &[u8]) -> Result<Vec<Group<LogRecord>>, BodyError> {
    groups(body, &["resourceLogs", "scopeLogs", "logRecords"], |raw, add| add(log(raw)))
}

pub(super) fn spans(body: &[u8]) -> Result<Vec<Group<Span>>, BodyError> {
    groups(body, &["resourceSpans", "scopeSpans", "spans"], |raw, add| add(span(raw)))
}

pub(super) fn points(body: &[u8]) -> Result<Vec<Group<Point>>, BodyError> {
    groups(body, &["resourceMetrics", "scopeMetrics", "metrics"], metric)
}

/// An object whose values are not looked into.
type Shell<'a> = std::collections::HashMap<std::borrow::Cow<'a, str>, &'a RawValue>;

fn groups<T>(
    body: &[u8],
    [outer, middle, inner]: &[&str; 3],
    read: impl Fn(&RawValue, &mut dyn FnMut(Result<T, String>)),
) -> Result<Vec<Group<T>>, BodyError> {
    let text = unquoted(body)?;
    let body = if text.is_empty() { Shell::new() } else { shell_of_body(&text)? };
    let mut room = Room::new();
    let mut groups = Vec::new();
    for resource in list(&body, outer).map(|raw| raw.and_then(shell)) {
        let mut group = Group::new(resource.as_ref().map(resource_of).unwrap_or_default());
        match &resource {
            Err(problem) => group.add(&mut room, Err(problem.clone())),
            Ok(resource) => {
                for scope in list(resource, middle).map(|raw| raw.and_then(shell)) {
                    match &scope {
                        Err(problem) => group.add(&mut room, Err(problem.clone())),
                        Ok(scope) => {
                            for record in list(scope, inner) {
                                let mut add = |record| group.add(&mut room, record);
                                match record {
                                    Err(problem) => add(Err(problem)),
                                    Ok(raw) => read(raw, &mut add),
                                }
                            }
                        }
                    }
                }
            }
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Returns the text of the body, freed of quotes around all of it.
fn unquoted(body: &[u8]) -> Result<String, BodyError> {
    let text = String::from_utf8_lossy(body);
    let blank = |c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}';
    let mut text = text.trim_matches(blank).to_owned();
    for _ in 0..QUOTES_MAX {
        if !text.starts_with('"') {
            break;
        }
        let inner: String = serde_json::from_str(&text).map_err(|_| BodyError::NotJson)?;
        text = inner.trim_matches(blank).to_owned();
    }
    Ok(text)
}

fn shell_of_body(text: &str) -> Result<Shell<'_>, BodyError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| BodyError::NotJson)?;
    if !raw.get().starts_with('{') {
        return Err(BodyError::NotAnObject);
    }
    serde_json::from_str(raw.get()).map_err(|_| BodyError::NotJson)
}

fn shell(raw: &RawValue) -> Result<Shell<'_>, String> {
    serde_json::from_str(raw.get()).map_err(|_| "not an object".to_owned())
}

/// Returns the items of a list, or that what should be one is none.
fn list<'a>(shell: &Shell<'a>, name: &str) -> std::vec::IntoIter<Result<&'a RawValue, String>> {
    let items = match shell.get(name).filter(|raw| raw.get() != "null") {
        None => Vec::new(),
        Some(raw) => match serde_json::from_str::<Vec<&'a RawValue>>(raw.get()) {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(_) => vec![Err(format!("{name} is not a list"))],
        },
    };
    items.into_iter()
}

fn resource_of(shell: &Shell<'_>) -> Attributes {
    let resource = shell.get("resource").and_then(|raw| Fields::read(raw).ok());
    resource.map(|fields| fields.attributes("attributes")).unwrap_or_default()
}

fn log(raw: &RawValue) -> Result<LogRecord, String> {
    let fields = Fields::read(raw)?;
    Ok(LogRecord {
        time: fields.nanos("timeUnixNano"),
        observed: fields.nanos("observedTimeUnixNano"),
        severity: fields.text("severityText"),
        event_name: fields.text("eventName"),
        body: fields.0.get("body").map(any).unwrap_or_default(),
        attributes: fields.attributes("attributes"),
    })
}

fn span(raw: &RawValue) -> Result<Span, String> {
    let fields = Fields::read(raw)?;
    let status = fields.fields("status");
    let failed = status.0.get("code").is_some_and(|code| {
        code.as_u64() == Some(2) || matches!(code.as_str(), Some("STATUS_CODE_ERROR" | "2"))
    });
    let event = |event: &Value| {
        let fields = Fields(event.as_object().cloned().unwrap_or_default());
        SpanEvent { name: fields.text("name"), attributes: fields.attributes("attributes") }
    };
    let events = fields.0.get("events").and_then(Value::as_array);
    Ok(Span {
        trace_id: fields.text("traceId").to_ascii_lowercase(),
        span_id: fields.text("spanId").to_ascii_lowercase(),
        name: fields.text("name"),
        start: fields.nanos("startTimeUnixNano"),
        end: fields.nanos("endTimeUnixNano"),
        failed,
        message: status.text("message"),
        attributes: fields.attributes("attributes"),
        events: events.into_iter().flatten().map(event).collect(),
    })
}

/// Gives the data points of a metric.
fn metric(raw: &RawValue, add: &mut dyn FnMut(Result<Point, String>)) {
    let fields = match shell(raw) {
        Ok(fields) => fields,
        Err(problem) => return add(Err(problem)),
    };
    let name = fields.get("name").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let metric: String = name.unwrap_or_default();
    let kinds = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"];
    let Some((kind, data)) = kinds.iter().find_map(|kind| Some((*kind, *fields.get(*kind)?)))
    else {
        return;
    };
    let data = match shell(data) {
        Ok(data) => data,
        Err(problem) => return add(Err(problem)),
    };
    let temporality = data.get("aggregationTemporality").map_or("", |raw| raw.get());
    let cumulative =
        matches!(temporality, "2" | "\"2\"" | "\"AGGREGATION_TEMPORALITY_CUMULATIVE\"");
    let shape = if matches!(kind, "sum" | "gauge") { Shape::Number } else { Shape::Distribution };
    let point = |raw: Result<&RawValue, String>| {
        let fields = Fields::read(raw?)?;
        let value = ["asDouble", "asInt", "sum"].iter().find_map(|name| fields.number(name));
        Ok(Point {
            metric: clip(&metric, METRIC_UNITS_MAX).to_owned(),
            shape,
            cumulative,
            start: fields.nanos("startTimeUnixNano"),
            time: fields.nanos("timeUnixNano"),
            value: value.unwrap_or_default(),
            attributes: fields.attributes("attributes"),
        })
    };
    list(&data, "dataPoints").map(point).for_each(add);
}

/// The fields of a record.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn read(raw: &RawValue) -> Result<Self, String> {
        let mut reader = serde_json::Deserializer::from_str(raw.get());
        match Map::deserialize(&mut reader) {
            Ok(fields) => Ok(Self(fields)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).map(any_number).and_then(|value| value.number())
    }

    fn nanos(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Value::String(text)) => text.trim().parse().unwrap_or_default(),
            // What is not whole, or negative, is no time; `as` makes 0 of what is negative.
            Some(Value::Number(number)) => number
                .as_u64()
                .or_else(|| number.as_f64().map(|nanos| nanos as u64))
                .unwrap_or_default(),
            _ => 0,
        }
    }

    fn fields(&self, name: &str) -> Self {
        Self(self.0.get(name).and_then(Value::as_object).cloned().unwrap_or_default())
    }

    fn attributes(&self, name: &str) -> Attributes {
        attributes(self.0.get(name))
    }
}

fn attributes(value: Option<&Value>) -> Attributes {
    let pairs = value.and_then(Value::as_array).into_iter().flatten();
    Attributes(pairs.filter_map(pair).collect())
}

fn pair(value: &Value) -> Option<(String, Any)> {
    let name = value.get("key")?.as_str()?;
    Some((name.to_owned(), value.get("value").map(any).unwrap_or_default()))
}

/// Returns what a value object says, or nothing where it is empty.
fn any(value: &Value) -> Any {
    let Some((kind, value)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Any::Empty;
    };
    match (kind.as_str(), value) {
        ("stringValue", Value::String(text)) => Any::Text(text.clone()),
        ("intValue", value) => any_number(value),
        ("doubleValue", value) => any_number(value).number().map_or(Any::Empty, Any::Double),
        ("boolValue", Value::Bool(flag)) => Any::Flag(*flag),
        ("arrayValue", list) => {
            let items = list.get("values").and_then(Value::as_array).into_iter().flatten();
            Any::List(items.map(any).collect())
        }
        ("kvlistValue", list) => Any::Fields(attributes(list.get("values"))),
        _ => Any::Empty,
    }
}

/// Returns a number that is told as such or as text.
fn any_number(value: &Value) -> Any {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => Any::Int(number),
            None => number.as_f64().map_or(Any::Empty, Any::Double),
        },
        Value::String(text) => {
            let text = text.trim();
            match text.parse() {
                Ok(number) => Any::Int(number),
                Err(_) => text.parse().map_or(Any::Empty, Any::Double),
            }
        }
        _ => Any::Empty,
    }
}
