//! What was used and what it cost: by time, model, agent, project and session, with budgets, and what
//! has no price named and never called zero.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::future::{join, join3};
use jiff::ToSpan;
use jiff::civil::Date;
use minijinja::context;
use oriel_wire::{Budgets, Limits, Report, ReportRow, UsageSums};
use serde::{Deserialize, Serialize};

use crate::address::query;
use crate::app::{App, Shared};
use crate::charts::{self, Chart, Column, Room, SERIES_MAX};
use crate::error::PageError;
use crate::page::{Page, shown};
use crate::words;

/// More rows than this are left to the CSV.
const ROWS_MAX: usize = 200;

/// By what costs are shown, with the words of the tabs.
const VIEWS: [(&str, &str); 9] = [
    ("day", "Days"),
    ("week", "Weeks"),
    ("month", "Months"),
    ("model", "Models"),
    ("agent", "Agents"),
    ("project", "Projects"),
    ("branch", "Branches"),
    ("session", "Sessions"),
    ("block", "5-hour blocks"),
];

/// The spans of time that are offered, in days; the last is all of it.
const SPANS: [(&str, &str, Option<i32>); 5] = [
    ("7d", "7 days", Some(7)),
    ("30d", "30 days", Some(30)),
    ("90d", "90 days", Some(90)),
    ("1y", "A year", Some(365)),
    ("all", "All", None),
];

/// What is asked of the page.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Ask {
    #[serde(default)]
    by: String,
    #[serde(default)]
    span: String,
    #[serde(default)]
    agent_type: String,
    #[serde(default)]
    project: String,
    #[serde(default)]
    model: String,
}

/// Shows costs.
pub(crate) async fn page(
    State(app): Shared,
    Query(mut ask): Query<Ask>,
) -> Result<Page, PageError> {
    ask.settle();
    let (by, days) = (app.report(&ask, &ask.by), app.report_of_time(&ask));
    let (budgets, limits) = (app.runtime.get("/api/budgets"), app.runtime.get("/api/limits"));
    let ((report, days), (budgets, limits), options) = join3(
        join(by, days),
        join(budgets, limits),
        app.runtime.get::<oriel_wire::FilterOptions>("/api/filter-options"),
    )
    .await;
    let (report, budgets, limits) = (report?, budgets?, limits?);
    let (budgets, limits): (Budgets, Limits) = (budgets, limits);
    let days = match days {
        Some(days) => days?,
        None => report.clone(),
    };
    let drawn = over_time(&days);
    let widest = report.rows.iter().filter_map(|row| row.usage.cost_usd).fold(0.0, f64::max);
    let shows = context! {
        ask => shown(&ask),
        views => VIEWS.map(|(id, label)| context! { id, label, link => ask.with("by", id) }).to_vec(),
        spans => SPANS.map(|(id, label, _)| context! { id, label }).to_vec(),
        csv => ask.link("/costs.csv"),
        report => shown(&report),
        rows => report.rows.iter().take(ROWS_MAX).map(|row| row_of(row, widest)).collect::<Vec<_>>(),
        more => report.rows.len().saturating_sub(ROWS_MAX) + report.rows_left_out,
        days => shown(&days),
        chart => shown(&drawn),
        cached => cached_part(&report.totals),
        budgets => shown(&budgets),
        limits => shown(&limits),
        options => shown(&options.ok()),
    };
    Ok(Page::new("costs", "Costs", shows))
}

/// Gives all rows as a table for other programs.
pub(crate) async fn csv(
    State(app): Shared,
    Query(mut ask): Query<Ask>,
) -> Result<Response, PageError> {
    ask.settle();
    let report = app.report(&ask, &ask.by).await?;
    let name = format!("attachment; filename=\"oriel-costs-by-{}-{}.csv\"", ask.by, ask.span);
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, csv_of(&report)).into_response())
}

impl Ask {
    /// Puts what is not said or not known into its usual place.
    fn settle(&mut self) {
        if !VIEWS.iter().any(|(id, _)| *id == self.by) {
            "day".clone_into(&mut self.by);
        }
        if !SPANS.iter().any(|(id, ..)| *id == self.span) {
            "30d".clone_into(&mut self.span);
        }
    }

    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("by", &self.by),
            ("span", &self.span),
            ("agent_type", &self.agent_type),
            ("project", &self.project),
            ("model", &self.model),
        ]
    }

    /// Returns the address of this page with one field changed.
    fn with(&self, field: &str, value: &str) -> String {
        let fields =
            self.fields().map(|(name, old)| (name, if name == field { value } else { old }));
        format!("/costs?{}", query(&fields))
    }

    fn link(&self, path: &str) -> String {
        format!("{path}?{}", query(&self.fields()))
    }
}

impl App {
    async fn report(&self, ask: &Ask, by: &str) -> Result<Report, PageError> {
        let since = self.since(&ask.span);
        let fields = [
            ("by", by),
            ("since", since.as_str()),
            ("agent_type", &ask.agent_type),
            ("project", &ask.project),
            ("model", &ask.model),
        ];
        Ok(self.runtime.get(&format!("/api/reports?{}", query(&fields))).await?)
    }

    /// Returns the report over time that the chart draws, unless the page's own one is that.
    async fn report_of_time(&self, ask: &Ask) -> Option<Result<Report, PageError>> {
        if matches!(ask.by.as_str(), "day" | "week" | "month") {
            return None;
        }
        let by = if matches!(ask.span.as_str(), "1y" | "all") { "week" } else { "day" };
        Some(self.report(ask, by).await)
    }

    /// Returns the first day of a span; nothing for all of time.
    fn since(&self, span: &str) -> String {
        let days = SPANS.iter().find(|(id, ..)| *id == span).and_then(|(.., days)| *days);
        let today = self.config.clock.now().to_zoned(self.config.clock.zone()).date();
        days.and_then(|days| today.checked_sub((days - 1).days()).ok())
            .map(|day| day.to_string())
            .unwrap_or_default()
    }
}

/// Draws what each stretch of time cost, by the dearest models.
fn over_time(report: &Report) -> Chart {
    let mut costs = BTreeMap::<&str, f64>::new();
    for model in report.rows.iter().flat_map(|row| &row.models) {
        *costs.entry(&model.model).or_default() += model.usage.cost_usd.unwrap_or_default();
    }
    let mut names: Vec<_> = costs.into_iter().filter(|(_, cost)| 0.0 < *cost).collect();
    names.sort_by(|one, other| other.1.total_cmp(&one.1));
    let has_rest = SERIES_MAX < names.len();
    names.truncate(if has_rest { SERIES_MAX - 1 } else { SERIES_MAX });
    let mut labels: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
    if has_rest {
        labels.push("other models".to_owned());
    }
    let column = |row: &ReportRow| {
        let mut values = vec![0.0; labels.len()];
        for model in &row.models {
            let place = names.iter().position(|(name, _)| *name == model.model);
            if let Some(value) = values.get_mut(place.unwrap_or(names.len())) {
                *value += model.usage.cost_usd.unwrap_or_default();
            }
        }
        let cost = row.usage.cost_usd.map_or("no price".to_owned(), words::usd);
        Column { label: short_day(&row.key), title: format!("{}: {cost}", row.key), values }
    };
    let rows = filled(&report.by, &report.rows);
    charts::columns(Room::Whole, &labels, &rows.iter().map(column).collect::<Vec<_>>(), words::usd)
}

/// Returns rows with those of days on which nothing was used, so that a chart's time runs evenly.
fn filled(by: &str, rows: &[ReportRow]) -> Vec<ReportRow> {
    const DAYS_MAX: usize = 400;
    let step = match by {
        "day" => 1.day(),
        "week" => 7.days(),
        _ => return rows.to_vec(),
    };
    let mut all: Vec<ReportRow> = Vec::new();
    for row in rows {
        let day = row.key.parse::<Date>().ok();
        while let (Some(last), Some(day)) =
            (all.last().and_then(|last| last.key.parse::<Date>().ok()), day)
            && all.len() < DAYS_MAX
        {
            let Ok(next) = last.checked_add(step) else { break };
            if day <= next {
                break;
            }
            all.push(ReportRow { key: next.to_string(), ..ReportRow::default() });
        }
        all.push(row.clone());
    }
    all
}

fn short_day(key: &str) -> String {
    // Of a day, its month and day say enough below a chart.
    key.parse::<Date>().map_or_else(|_| key.to_owned(), |day| day.strftime("%b %-d").to_string())
}

fn row_of(row: &ReportRow, widest: f64) -> minijinja::Value {
    context! {
        row => shown(row),
        part => if 0.0 < widest { 100.0 * row.usage.cost_usd.unwrap_or_default() / widest } else { 0.0 },
        cached => cached_part(&row.usage),
    }
}

/// Returns how much of the prompts came out of a cache, in percent.
fn cached_part(usage: &UsageSums) -> Option<f64> {
    let prompts = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
    (prompts != 0).then(|| 100.0 * usage.cache_read_tokens as f64 / prompts as f64)
}

fn csv_of(report: &Report) -> String {
    let mut text = String::from(
        "key,project,branch,agents,models,requests,input_tokens,output_tokens,cache_read_tokens,\
         cache_write_tokens,cost_usd,unpriced_requests,unpriced_models\r\n",
    );
    for row in &report.rows {
        let usage = &row.usage;
        let models = row.models.iter().map(|one| one.model.as_str()).collect::<Vec<_>>().join(" ");
        let fields = [
            cell(&row.key),
            cell(row.project.as_deref().unwrap_or_default()),
            cell(row.branch.as_deref().unwrap_or_default()),
            cell(&row.agent_types.join(" ")),
            cell(&models),
            usage.requests.to_string(),
            usage.input_tokens.to_string(),
            usage.output_tokens.to_string(),
            usage.cache_read_tokens.to_string(),
            usage.cache_write_tokens.to_string(),
            usage.cost_usd.map(|cost| cost.to_string()).unwrap_or_default(),
            usage.unpriced_requests.to_string(),
            cell(&usage.unpriced_models.join(" ")),
        ];
        _ = write!(text, "{}\r\n", fields.join(","));
    }
    text
}

/// Writes a text so that a table has it as text: what a program would take for a formula is quoted.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_and_no_second_cell() {
        assert_eq!(cell("=cmd|'/c calc'!A0"), "'=cmd|'/c calc'!A0");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("plain"), "plain");
    }

    #[test]
    fn days_without_usage_have_their_place() {
        let row = |key: &str| ReportRow { key: key.to_owned(), ..ReportRow::default() };
        let keys = |by: &str, rows: &[ReportRow]| {
            filled(by, rows).into_iter().map(|row| row.key).collect::<Vec<_>>()
        };
        let days = [row("2026-02-27"), row("2026-03-02")];
        assert_eq!(keys("day", &days), ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
        assert_eq!(keys("model", &days), ["2026-02-27", "2026-03-02"]);
        let far = filled("day", &[row("1990-01-01"), row("2026-01-01")]);
        assert!(far.len() <= 401, "{}", far.len());
    }
}
