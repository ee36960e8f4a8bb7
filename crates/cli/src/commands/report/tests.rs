//! One report in each of its forms.

use oriel_wire::{Block, ModelUsage, Pace, ReportRow, UsageSums};

use super::*;
use crate::output::Paint;

#[test]
fn a_table_has_totals_and_names_what_has_no_price() {
    let expected = "\
day         models     requests  input  output  cache write  cache read  total    cost
2026-11-20  opus              1  1,000       0            0           0  1,000   $1.50
2026-11-21  opus, who         2  1,020       0            0           0  1,020  $1.50*
total                         3  2,020       0            0           0  2,020  $3.00*
* without 1 request of who, which no price is known for; `oriel costs models` says more
";
    assert_eq!(table::report(ReportBy::Daily, &daily(), false, Paint::new(false)), expected);
    let more = table::report(ReportBy::Daily, &daily(), true, Paint::new(false));
    assert!(more.contains("\n  who                         1     20"), "{more}");
    let empty = Report { rows: Vec::new(), ..daily() };
    assert!(table::report(ReportBy::Daily, &empty, false, Paint::new(false)).contains("nothing"));
}

#[test]
fn json_has_keys_that_programs_rely_on() {
    let json = json::report(ReportBy::Daily, &daily());
    let day = &json["daily"][1];
    assert_eq!((&day["date"], &day["input_tokens"]), (&"2026-11-21".into(), &1020.into()));
    assert_eq!(day["cost_usd"], 1.5);
    assert_eq!(day["models"][1]["cost_usd"], serde_json::Value::Null);
    assert_eq!(json["totals"]["unpriced_models"][0], "who");
    for key in ["output_tokens", "cache_creation_tokens", "cache_read_tokens", "total_tokens"] {
        assert!(day[key].is_u64() && json["totals"][key].is_u64(), "{key}");
    }
}

#[test]
fn csv_has_a_header_and_a_line_for_each_row_or_model() {
    let csv = csv::report(ReportBy::Daily, &daily(), false);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("date,requests,input_tokens,"), "{csv}");
    assert_eq!(lines[2], "2026-11-21,2,1020,0,0,0,0,1020,1.5,1,who");
    let more = csv::report(ReportBy::Daily, &daily(), true);
    assert_eq!(more.lines().last(), Some("2026-11-21,who,1,20,0,0,0,0,20,,1,who"));
}

#[test]
fn a_running_block_says_where_it_leads() {
    let pace = Pace {
        tokens_per_minute: 10.0,
        usd_per_hour: Some(2.0),
        minutes_left: 240,
        projected_tokens: 3000,
        projected_cost_usd: Some(10.0),
    };
    let block = Block { is_active: true, pace: Some(pace), ..Block::default() };
    let row = ReportRow {
        key: "2026-11-21T10:00:00Z".to_owned(),
        block: Some(block),
        ..row("", vec![model("opus", 600, Some(2.0))])
    };
    let report = Report { rows: vec![row.clone()], totals: row.usage, ..daily() };
    let said = table::report(ReportBy::Blocks, &report, false, Paint::new(false));
    assert!(said.contains("2026-11-21 10:00Z  runs"), "{said}");
    assert!(said.contains("has 4 h 0 min left: 10 tokens a minute and $2.00 an hour"), "{said}");
}

#[test]
fn a_name_cannot_fill_the_screen_or_steer_it() {
    let odd = row(&format!("\x1b[2J{}", "é".repeat(500)), vec![model("opus", 1, None)]);
    let report = Report { rows: vec![odd], ..daily() };
    let said = table::report(ReportBy::Project, &report, false, Paint::new(false));
    assert!(!said.contains('\x1b') && said.contains("é…"), "{said}");
}

fn daily() -> Report {
    let rows = vec![
        row("2026-11-20", vec![model("opus", 1000, Some(1.5))]),
        row("2026-11-21", vec![model("opus", 1000, Some(1.5)), model("who", 20, None)]),
    ];
    let mut totals = UsageSums::default();
    rows.iter().for_each(|row| add(&mut totals, &row.usage));
    Report { by: "day".to_owned(), tz: "UTC".to_owned(), rows, rows_left_out: 0, totals }
}

fn row(key: &str, models: Vec<ModelUsage>) -> ReportRow {
    let mut usage = UsageSums::default();
    models.iter().for_each(|model| add(&mut usage, &model.usage));
    ReportRow { key: key.to_owned(), usage, models, ..ReportRow::default() }
}

fn model(name: &str, tokens: u64, cost_usd: Option<f64>) -> ModelUsage {
    let unpriced = cost_usd.is_none();
    let usage = UsageSums {
        requests: 1,
        input_tokens: tokens,
        total_tokens: tokens,
        cost_usd,
        unpriced_requests: u64::from(unpriced),
        unpriced_models: if unpriced { vec![name.to_owned()] } else { Vec::new() },
        ..UsageSums::default()
    };
    ModelUsage { model: name.to_owned(), usage }
}

fn add(sums: &mut UsageSums, more: &UsageSums) {
    sums.requests += more.requests;
    sums.input_tokens += more.input_tokens;
    sums.total_tokens += more.total_tokens;
    sums.cost_usd = match (sums.cost_usd, more.cost_usd) {
        (Some(one), Some(two)) => Some(one + two),
        (one, two) => one.or(two),
    };
    sums.unpriced_requests += more.unpriced_requests;
    sums.unpriced_models.extend(more.unpriced_models.iter().cloned());
}
