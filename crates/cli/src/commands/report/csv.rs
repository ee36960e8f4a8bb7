//! A report for spreadsheets: a header, and a line for each row, or for each model of it.

use oriel_wire::{Report, ReportRow, UsageSums};

use crate::args::ReportBy;
use crate::csv::{line, number};

const SUMS: [&str; 10] = [
    "requests",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_creation_1h_tokens",
    "cache_read_tokens",
    "total_tokens",
    "cost_usd",
    "unpriced_requests",
    "unpriced_models",
];

/// Returns a report line by line.
pub(super) fn report(by: ReportBy, report: &Report, breakdown: bool) -> String {
    let breakdown = breakdown && by != ReportBy::Model;
    let mut names: Vec<&str> = vec![by.names().1];
    names.extend(more_names(by));
    names.extend(breakdown.then_some("model"));
    names.extend(SUMS);
    let mut text = line(names);
    for row in &report.rows {
        if breakdown {
            for model in &row.models {
                let head = head(by, row).into_iter().chain([model.model.clone()]);
                text.push_str(&line(head.chain(sums(&model.usage))));
            }
        } else {
            text.push_str(&line(head(by, row).into_iter().chain(sums(&row.usage))));
        }
    }
    text
}

fn more_names(by: ReportBy) -> &'static [&'static str] {
    match by {
        ReportBy::Session => &["project", "branch", "last_usage"],
        ReportBy::Branch => &["project"],
        ReportBy::Blocks => &["ends_at", "is_gap", "is_active"],
        _ => &[],
    }
}

fn head(by: ReportBy, row: &ReportRow) -> Vec<String> {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let mut fields = vec![row.key.clone()];
    match by {
        ReportBy::Session => {
            fields.extend([word(&row.project), word(&row.branch), row.last_usage.clone()]);
        }
        ReportBy::Branch => fields.push(word(&row.project)),
        ReportBy::Blocks => {
            let block = row.block.clone().unwrap_or_default();
            fields.extend([block.ends_at, block.is_gap.to_string(), block.is_active.to_string()]);
        }
        _ => {}
    }
    fields
}

fn sums(sums: &UsageSums) -> [String; 10] {
    [
        sums.requests.to_string(),
        sums.input_tokens.to_string(),
        sums.output_tokens.to_string(),
        sums.cache_write_tokens.to_string(),
        sums.cache_write_1h_tokens.to_string(),
        sums.cache_read_tokens.to_string(),
        sums.total_tokens.to_string(),
        number(sums.cost_usd),
        sums.unpriced_requests.to_string(),
        sums.unpriced_models.join(" "),
    ]
}
