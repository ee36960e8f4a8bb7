//! Exports in the binary form of their protocol, made from their JSON.

use serde_json::Value;

/// Returns an export of log records.
#[must_use]
pub fn logs(export: &Value) -> Vec<u8> {
    layers(&export["resourceLogs"], "scopeLogs", "logRecords", record)
}

/// Returns an export of meters that are sums.
#[must_use]
pub fn metrics(export: &Value) -> Vec<u8> {
    layers(&export["resourceMetrics"], "scopeMetrics", "metrics", metric)
}

fn layers(resources: &Value, scopes: &str, records: &str, write: fn(&Value) -> Vec<u8>) -> Vec<u8> {
    let mut export = Vec::new();
    for resource in items(resources) {
        let mut of_resource = bytes(1, &attributes(1, &resource["resource"]["attributes"]));
        for scope in items(&resource[scopes]) {
            let mut of_scope = Vec::new();
            for record in items(&scope[records]) {
                of_scope.extend(bytes(2, &write(record)));
            }
            of_resource.extend(bytes(2, &of_scope));
        }
        export.extend(bytes(1, &of_resource));
    }
    export
}

fn record(record: &Value) -> Vec<u8> {
    let mut message = fixed(1, nanos(&record["timeUnixNano"]));
    if record["body"].is_object() {
        message.extend(bytes(5, &any(&record["body"])));
    }
    message.extend(attributes(6, &record["attributes"]));
    message.extend(fixed(11, nanos(&record["observedTimeUnixNano"])));
    message
}

fn metric(metric: &Value) -> Vec<u8> {
    let mut sum = Vec::new();
    for point in items(&metric["sum"]["dataPoints"]) {
        let mut message = fixed(2, nanos(&point["startTimeUnixNano"]));
        message.extend(fixed(3, nanos(&point["timeUnixNano"])));
        message.extend(fixed(4, point["asDouble"].as_f64().unwrap_or_default().to_bits()));
        message.extend(attributes(7, &point["attributes"]));
        sum.extend(bytes(1, &message));
    }
    sum.extend(number(2, metric["sum"]["aggregationTemporality"].as_u64().unwrap_or_default()));
    sum.extend(number(3, 1));
    let mut message = bytes(1, text(&metric["name"]).as_bytes());
    message.extend(bytes(7, &sum));
    message
}

fn attributes(field: u8, list: &Value) -> Vec<u8> {
    let mut message = Vec::new();
    for attribute in items(list) {
        let mut pair = bytes(1, text(&attribute["key"]).as_bytes());
        pair.extend(bytes(2, &any(&attribute["value"])));
        message.extend(bytes(field, &pair));
    }
    message
}

fn any(value: &Value) -> Vec<u8> {
    if let Some(text) = value["stringValue"].as_str() {
        bytes(1, text.as_bytes())
    } else if let Some(flag) = value["boolValue"].as_bool() {
        number(2, u64::from(flag))
    } else if let Some(whole) = value["intValue"].as_str() {
        number(3, whole.parse::<i64>().unwrap_or_default().cast_unsigned())
    } else {
        fixed(4, value["doubleValue"].as_f64().unwrap_or_default().to_bits())
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn nanos(value: &Value) -> u64 {
    text(value).parse().unwrap_or_default()
}

fn fixed(field: u8, value: u64) -> Vec<u8> {
    let mut message = vec![field << 3 | 1];
    message.extend(value.to_le_bytes());
    message
}

fn number(field: u8, value: u64) -> Vec<u8> {
    let mut message = vec![field << 3];
    varint(&mut message, value);
    message
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut message = vec![field << 3 | 2];
    varint(&mut message, content.len() as u64);
    message.extend(content);
    message
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}
