//! Any answer in words: an outline of its fields.

use serde_json::Value;

/// Deeper values are written as JSON.
const DEPTH_MAX: usize = 4;

/// Returns an answer as an outline.
pub(super) fn of(answer: &Value) -> String {
    let mut lines = String::new();
    write(answer, 0, &mut lines);
    if lines.is_empty() {
        lines.push_str("There is nothing.\n");
    }
    lines
}

fn write(value: &Value, depth: usize, lines: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if depth < DEPTH_MAX => {
            for (name, value) in fields {
                if is_nested(value) {
                    lines.push_str(&format!("{indent}{name}:\n"));
                    write(value, depth + 1, lines);
                } else {
                    lines.push_str(&format!("{indent}{name}: {}\n", plain(value)));
                }
            }
        }
        Value::Array(items) if depth < DEPTH_MAX => {
            for item in items {
                lines.push_str(&format!("{indent}- {}\n", row(item)));
            }
        }
        value => lines.push_str(&format!("{indent}{}\n", plain(value))),
    }
}

/// Returns an item of a list on one line.
fn row(item: &Value) -> String {
    let Value::Object(fields) = item else { return plain(item) };
    let said = fields.iter().filter(|(_, value)| !value.is_null());
    let said = said.map(|(name, value)| format!("{name} {}", plain(value)));
    said.collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', " "),
        Value::Null => "nothing".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        value => value.to_string(),
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_told_in_lines() {
        let answer = json!({ "by": "day", "rows": [{ "day": "2026-02-03", "cost": 1.5, "x": null }],
            "total": { "cost": 1.5, "models": [] } });
        let expected = "\
by: day
rows:
  - day 2026-02-03, cost 1.5
total:
  cost: 1.5
  models: none
";
        assert_eq!(of(&answer), expected);
        assert_eq!(of(&json!([])), "There is nothing.\n");
        assert_eq!(of(&json!({})), "There is nothing.\n");
    }
}
