//! OTLP in its binary form into records.
//!
//! Only the fields that are read are declared; others are skipped. Lists of records are declared as
//! lists of bytes, and text as bytes, so that a bad record or a bad character is bad alone.

use prost::Message;
use prost::bytes::Bytes;

use super::BodyError;
use super::attributes::{Any, Attributes};
use super::record::{Group, LogRecord, METRIC_UNITS_MAX, Point, Room, Shape, Span, SpanEvent};
use crate::draft::clip;

/// An export, and each of its two inner layers: a list of what the next layer holds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Export {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub resources: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceItems {
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub scopes: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeItems {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub records: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Kind {
    #[prost(bytes = "bytes", tag = "1")]
    Text(Bytes),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(ArrayValue),
    #[prost(message, tag = "6")]
    Fields(KeyValueList),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LogMessage {
    #[prost(fixed64, tag = "1")]
    pub time: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub severity: Bytes,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "11")]
    pub observed: u64,
    #[prost(bytes = "bytes", tag = "12")]
    pub event_name: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SpanMessage {
    #[prost(bytes = "bytes", tag = "1")]
    pub trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub span_id: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub name: Bytes,
    #[prost(fixed64, tag = "7")]
    pub start: u64,
    #[prost(fixed64, tag = "8")]
    pub end: u64,
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<EventMessage>,
    #[prost(message, optional, tag = "15")]
    pub status: Option<StatusMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EventMessage {
    #[prost(bytes = "bytes", tag = "2")]
    pub name: Bytes,
    #[prost(message, repeated, tag = "3")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StatusMessage {
    #[prost(bytes = "bytes", tag = "2")]
    pub message: Bytes,
    #[prost(int32, tag = "3")]
    pub code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricMessage {
    #[prost(bytes = "bytes", tag = "1")]
    pub name: Bytes,
    #[prost(oneof = "Data", tags = "5, 7, 9, 10, 11")]
    pub data: Option<Data>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Data {
    #[prost(message, tag = "5")]
    Gauge(DataPoints),
    #[prost(message, tag = "7")]
    Sum(DataPoints),
    #[prost(message, tag = "9")]
    Histogram(DataPoints),
    #[prost(message, tag = "10")]
    ExponentialHistogram(DataPoints),
    #[prost(message, tag = "11")]
    Summary(DataPoints),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DataPoints {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub points: Vec<Bytes>,
    #[prost(int32, tag = "2")]
    pub temporality: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NumberPoint {
    #[prost(fixed64, tag = "2")]
    pub start: u64,
    #[prost(fixed64, tag = "3")]
    pub time: u64,
    #[prost(double, optional, tag = "4")]
    pub double: Option<f64>,
    #[prost(sfixed64, optional, tag = "6")]
    pub int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramPoint {
    #[prost(fixed64, tag = "2")]
    pub start: u64,
    #[prost(fixed64, tag = "3")]
    pub time: u64,
    #[prost(double, optional, tag = "5")]
    pub sum: Option<f64>,
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
}

pub(super) fn logs(body: &[u8]) -> Result<Vec<Group<LogRecord>>, BodyError> {
    groups(body, |bytes, add| add(LogMessage::decode(bytes).map(log).map_err(problem)))
}

pub(super) fn spans(body: &[u8]) -> Result<Vec<Group<Span>>, BodyError> {
    groups(body, |bytes, add| add(SpanMessage::decode(bytes).map(span).map_err(problem)))
}

pub(super) fn points(body: &[u8]) -> Result<Vec<Group<Point>>, BodyError> {
    groups(body, metric)
}

fn groups<T>(
    body: &[u8],
    read: impl Fn(Bytes, &mut dyn FnMut(Result<T, String>)),
) -> Result<Vec<Group<T>>, BodyError> {
    // The layers share the one copy that is made here.
    let export =
        Export::decode(Bytes::copy_from_slice(body)).map_err(|_| BodyError::NotProtobuf)?;
    let mut room = Room::new();
    let mut groups = Vec::new();
    for bytes in export.resources {
        let (items, bad) = match ResourceItems::decode(bytes) {
            Ok(items) => (items, None),
            Err(error) => (ResourceItems::default(), Some(problem(error))),
        };
        let mut group = Group::new(attributes(items.resource.unwrap_or_default().attributes));
        let mut add = |record| group.add(&mut room, record);
        bad.map(Err).into_iter().for_each(&mut add);
        for scope in items.scopes {
            match ScopeItems::decode(scope) {
                Err(error) => add(Err(problem(error))),
                Ok(scope) => scope.records.into_iter().for_each(|bytes| read(bytes, &mut add)),
            }
        }
        groups.push(group);
    }
    Ok(groups)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err as it is")]
fn problem(error: prost::DecodeError) -> String {
    error.to_string()
}

fn log(message: LogMessage) -> LogRecord {
    LogRecord {
        time: message.time,
        observed: message.observed,
        severity: text(&message.severity),
        event_name: text(&message.event_name),
        body: message.body.map(any).unwrap_or_default(),
        attributes: attributes(message.attributes),
    }
}

fn span(message: SpanMessage) -> Span {
    let status = message.status.unwrap_or_default();
    let event = |event: EventMessage| SpanEvent {
        name: text(&event.name),
        attributes: attributes(event.attributes),
    };
    Span {
        trace_id: digits(&message.trace_id),
        span_id: digits(&message.span_id),
        name: text(&message.name),
        start: message.start,
        end: message.end,
        failed: status.code == 2,
        message: text(&status.message),
        attributes: attributes(message.attributes),
        events: message.events.into_iter().map(event).collect(),
    }
}

/// Gives the data points of a metric.
fn metric(bytes: Bytes, add: &mut dyn FnMut(Result<Point, String>)) {
    let metric = match MetricMessage::decode(bytes) {
        Ok(metric) => metric,
        Err(error) => return add(Err(problem(error))),
    };
    let name = text(&metric.name);
    let name = clip(&name, METRIC_UNITS_MAX);
    let (shape, data) = match metric.data {
        None => return,
        Some(Data::Gauge(data) | Data::Sum(data)) => (Shape::Number, data),
        Some(Data::Histogram(data)) => (Shape::Distribution, data),
        // Their points are laid out in other ways, and nothing is summed of them.
        Some(Data::ExponentialHistogram(data) | Data::Summary(data)) => {
            let shape = Shape::Distribution;
            let blank = || Point { metric: name.to_owned(), shape, ..Point::default() };
            return data.points.iter().for_each(|_| add(Ok(blank())));
        }
    };
    let cumulative = data.temporality == 2;
    let whole = |start, time, value, pairs| Point {
        metric: name.to_owned(),
        shape,
        cumulative,
        start,
        time,
        value,
        attributes: attributes(pairs),
    };
    let point = |bytes: Bytes| match shape {
        Shape::Number => NumberPoint::decode(bytes).map(|point| {
            let value = point.double.or(point.int.map(|number| number as f64)).unwrap_or_default();
            whole(point.start, point.time, value, point.attributes)
        }),
        Shape::Distribution => HistogramPoint::decode(bytes).map(|point| {
            whole(point.start, point.time, point.sum.unwrap_or_default(), point.attributes)
        }),
    };
    data.points.into_iter().for_each(|bytes| add(point(bytes).map_err(problem)));
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    let pair = |pair: KeyValue| (text(&pair.key), pair.value.map(any).unwrap_or_default());
    Attributes(pairs.into_iter().map(pair).collect())
}

fn any(value: AnyValue) -> Any {
    match value.kind {
        None => Any::Empty,
        Some(Kind::Text(bytes)) => Any::Text(text(&bytes)),
        Some(Kind::Flag(flag)) => Any::Flag(flag),
        Some(Kind::Int(number)) => Any::Int(number),
        Some(Kind::Double(number)) => Any::Double(number),
        Some(Kind::List(list)) => Any::List(list.values.into_iter().map(any).collect()),
        Some(Kind::Fields(list)) => Any::Fields(attributes(list.values)),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn digits(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Encoding, json, logs as read_logs, metrics, traces};
    use super::*;

    #[test]
    fn both_encodings_say_the_same() {
        for body in [
            &include_bytes!("../../tests/fixtures/otlp/claude-logs.json")[..],
            include_bytes!("../../tests/fixtures/otlp/codex-logs.json"),
            include_bytes!("../../tests/fixtures/otlp/gemini-logs.json"),
        ] {
            let binary = encode(json::logs(body).unwrap(), |record| LogMessage {
                time: record.time,
                observed: record.observed,
                severity: record.severity.into(),
                body: Some(value(record.body)),
                attributes: pairs(record.attributes),
                event_name: record.event_name.into(),
            });
            let parsed = read_logs(&binary, Encoding::Protobuf).unwrap();
            assert!(!parsed.events.is_empty());
            assert_eq!(parsed, read_logs(body, Encoding::Json).unwrap());
        }
    }

    #[test]
    fn both_encodings_of_spans_say_the_same() {
        let body = include_bytes!("../../tests/fixtures/otlp/claude-traces.json");
        let bytes = |digits: &str| -> Vec<u8> {
            let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        };
        let event = |event: SpanEvent| EventMessage {
            name: event.name.into(),
            attributes: pairs(event.attributes),
        };
        let binary = encode(json::spans(body).unwrap(), |span| SpanMessage {
            trace_id: bytes(&span.trace_id).into(),
            span_id: bytes(&span.span_id).into(),
            name: span.name.into(),
            start: span.start,
            end: span.end,
            attributes: pairs(span.attributes),
            events: span.events.into_iter().map(event).collect(),
            status: Some(StatusMessage {
                message: span.message.into(),
                code: if span.failed { 2 } else { 0 },
            }),
        });
        let parsed = traces(&binary, Encoding::Protobuf).unwrap();
        assert!(!parsed.events.is_empty());
        assert_eq!(parsed, traces(body, Encoding::Json).unwrap());
    }

    #[test]
    fn both_encodings_of_meters_say_the_same() {
        for body in [
            &include_bytes!("../../tests/fixtures/otlp/claude-metrics.json")[..],
            include_bytes!("../../tests/fixtures/otlp/gemini-metrics.json"),
        ] {
            let binary = encode(json::points(body).unwrap(), |point| {
                let points = |bytes: Vec<u8>| DataPoints {
                    points: vec![bytes.into()],
                    temporality: if point.cumulative { 2 } else { 1 },
                };
                let Point { start, time, value, .. } = point;
                let attributes = pairs(point.attributes);
                let data = match point.shape {
                    Shape::Number => {
                        let point =
                            NumberPoint { start, time, double: Some(value), int: None, attributes };
                        Data::Sum(points(point.encode_to_vec()))
                    }
                    Shape::Distribution => {
                        let point = HistogramPoint { start, time, sum: Some(value), attributes };
                        Data::Histogram(points(point.encode_to_vec()))
                    }
                };
                MetricMessage { name: point.metric.into(), data: Some(data) }
            });
            let metered = metrics(&binary, Encoding::Protobuf).unwrap();
            assert!(!metered.parsed.events.is_empty() || !metered.running.is_empty());
            assert_eq!(metered, metrics(body, Encoding::Json).unwrap());
        }
    }

    #[test]
    fn bad_bytes_cost_nothing_but_their_record_and_bad_characters_nothing() {
        let record = |name: &'static [u8]| {
            let text = |bytes| Some(AnyValue { kind: Some(Kind::Text(Bytes::from_static(bytes))) });
            let attributes = vec![
                KeyValue { key: "event.name".into(), value: text(name) },
                KeyValue { key: "session.id".into(), value: text(b"s") },
                KeyValue { key: "tool_name".into(), value: text(b"sa\xffw") },
            ];
            LogMessage { time: 1, attributes, ..LogMessage::default() }.encode_to_vec()
        };
        let records = [record(b"tool_use"), vec![0xff; 9], record(b"tool_use")];
        let records = records.into_iter().map(Bytes::from).collect();
        let scopes = vec![ScopeItems { records }.encode_to_vec().into(), vec![0xff].into()];
        let items = ResourceItems { resource: None, scopes }.encode_to_vec();
        let body = Export { resources: vec![items.into(), vec![0xff].into()] }.encode_to_vec();
        let parsed = read_logs(&body, Encoding::Protobuf).unwrap();
        assert_eq!((parsed.tally.told, parsed.tally.bad), (2, 3));
        assert_eq!(parsed.events[0].facet.tool_name.as_deref(), Some("sa\u{fffd}w"));
    }

    fn encode<T, M: Message>(groups: Vec<Group<T>>, message: impl Fn(T) -> M) -> Vec<u8> {
        let items = |group: Group<T>| {
            let records = group.records.into_iter();
            let records = records.map(|record| message(record.unwrap()).encode_to_vec().into());
            let scope = ScopeItems { records: records.collect() }.encode_to_vec().into();
            let resource = Some(Resource { attributes: pairs(group.resource) });
            ResourceItems { resource, scopes: vec![scope] }.encode_to_vec().into()
        };
        Export { resources: groups.into_iter().map(items).collect() }.encode_to_vec()
    }

    fn pairs(attributes: Attributes) -> Vec<KeyValue> {
        let pair =
            |(key, told): (String, Any)| KeyValue { key: key.into(), value: Some(value(told)) };
        attributes.0.into_iter().map(pair).collect()
    }

    fn value(told: Any) -> AnyValue {
        let kind = match told {
            Any::Empty => None,
            Any::Text(text) => Some(Kind::Text(text.into())),
            Any::Flag(flag) => Some(Kind::Flag(flag)),
            Any::Int(number) => Some(Kind::Int(number)),
            Any::Double(number) => Some(Kind::Double(number)),
            Any::List(items) => {
                Some(Kind::List(ArrayValue { values: items.into_iter().map(value).collect() }))
            }
            Any::Fields(fields) => Some(Kind::Fields(KeyValueList { values: pairs(fields) })),
        };
        AnyValue { kind }
    }
}
