//! A report for programs: one list of rows under a name of its own, and the totals.

use oriel_wire::{Report, ReportRow, UsageSums};
use serde_json::{Map, Value, json};

use crate::args::ReportBy;

/// Returns a report with keys that stay as they are.
pub(super) fn report(by: ReportBy, report: &Report) -> Value {
    let rows: Vec<Value> = report.rows.iter().map(|found| row(by, found)).collect();
    let mut whole = Map::new();
    whole.insert(by.names().0.to_owned(), rows.into());
    whole.insert("totals".to_owned(), Value::Object(sums(&report.totals)));
    whole.insert("tz".to_owned(), report.tz.clone().into());
    whole.insert("rows_left_out".to_owned(), report.rows_left_out.into());
    whole.into()
}

fn row(by: ReportBy, row: &ReportRow) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    add(by.names().1, row.key.clone().into());
    match by {
        ReportBy::Session => {
            add("project", row.project.clone().into());
            add("branch", row.branch.clone().into());
        }
        ReportBy::Branch => add("project", row.project.clone().into()),
        _ => {}
    }
    if let Some(block) = &row.block {
        add("ends_at", block.ends_at.clone().into());
        add("is_gap", block.is_gap.into());
        add("is_active", block.is_active.into());
        add("pace", json!(block.pace));
    }
    add("first_usage", row.first_usage.clone().into());
    add("last_usage", row.last_usage.clone().into());
    add("agents", row.agent_types.clone().into());
    fields.extend(sums(&row.usage));
    let models = row.models.iter().map(|model| {
        let mut fields = Map::from_iter([("model".to_owned(), model.model.clone().into())]);
        fields.extend(sums(&model.usage));
        Value::Object(fields)
    });
    // Among models it would say the same twice.
    if by != ReportBy::Model {
        fields.insert("models".to_owned(), models.collect());
    }
    fields.into()
}

fn sums(sums: &UsageSums) -> Map<String, Value> {
    let Value::Object(fields) = json!({
        "requests": sums.requests,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "cache_creation_tokens": sums.cache_write_tokens,
        "cache_creation_1h_tokens": sums.cache_write_1h_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "total_tokens": sums.total_tokens,
        "cost_usd": sums.cost_usd,
        "unpriced_requests": sums.unpriced_requests,
        "unpriced_models": sums.unpriced_models,
    }) else {
        return Map::new();
    };
    fields
}
