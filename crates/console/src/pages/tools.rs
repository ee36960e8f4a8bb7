//! How tools do: how often they are called and fail, how long they take, and which calls to look at.

use axum::extract::{Query, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::context;
use oriel_wire::{FilterOptions, ToolsDetail, ToolsSpan};
use serde::{Deserialize, Serialize};

use crate::address::query;
use crate::app::Shared;
use crate::charts::{self, Column, Room};
use crate::error::PageError;
use crate::page::{Page, shown};
use crate::words;

/// More tools than this are left out of the table; the page says how many.
const TOOLS_MAX: usize = 100;

/// The spans of time that are offered, in hours; the last is all of it.
const SPANS: [(&str, &str, Option<i64>); 5] = [
    ("24h", "24 hours", Some(24)),
    ("7d", "7 days", Some(7 * 24)),
    ("30d", "30 days", Some(30 * 24)),
    ("90d", "90 days", Some(90 * 24)),
    ("all", "All", None),
];

/// In what order tools are shown.
const ORDERS: [(&str, &str); 5] = [
    ("calls", "Calls"),
    ("errors", "Failed"),
    ("rate", "Part"),
    ("p50", "Half within"),
    ("p95", "95 % within"),
];

/// What is asked of the page.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Ask {
    #[serde(default)]
    span: String,
    #[serde(default)]
    agent_type: String,
    #[serde(default)]
    tool_name: String,
    #[serde(default)]
    sort: String,
}

/// Shows how tools do.
pub(crate) async fn page(
    State(app): Shared,
    Query(mut ask): Query<Ask>,
) -> Result<Page, PageError> {
    let hours = ask.settle();
    let since = hours
        .and_then(|hours| {
            app.config.clock.now().checked_sub(jiff::SignedDuration::from_hours(hours)).ok()
        })
        .map(|at| at.to_string())
        .unwrap_or_default();
    let fields =
        [("since", since.as_str()), ("agent_type", &ask.agent_type), ("tool_name", &ask.tool_name)];
    let path = format!("/api/stats/tools/detail?{}", query(&fields));
    let (detail, options) = futures_util::future::join(
        app.runtime.get::<ToolsDetail>(&path),
        app.runtime.get::<FilterOptions>("/api/filter-options"),
    )
    .await;
    let mut detail = detail?;
    sort(&mut detail, &ask.sort);
    let left_out = detail.tools.len().saturating_sub(TOOLS_MAX) + detail.more_tools;
    detail.tools.truncate(TOOLS_MAX);
    let most = detail.tools.iter().map(|tool| tool.calls.calls).max().unwrap_or_default();
    let zone = app.config.clock.zone();
    let shows = context! {
        ask => shown(&ask),
        spans => SPANS.map(|(id, label, _)| context! { id, label }).to_vec(),
        orders => ORDERS.map(|(id, label)| context! { id, label, link => ask.sorted(id) }).to_vec(),
        calls => detail.tools.iter().map(|tool| tool.calls.calls).sum::<u64>(),
        failed => detail.tools.iter().map(|tool| tool.calls.errors + tool.calls.timeouts).sum::<u64>(),
        most,
        counts => shown(&counts(&detail.series, detail.series_seconds, &zone)),
        lengths => shown(&lengths(&detail.series, detail.series_seconds, &zone)),
        detail => shown(&detail),
        left_out,
        options => shown(&options.ok()),
        is_one => !ask.tool_name.is_empty(),
    };
    Ok(Page::new("tools", "Tools", shows))
}

impl Ask {
    /// Puts what is not said or not known into its usual place, and returns the hours of the span.
    fn settle(&mut self) -> Option<i64> {
        if !ORDERS.iter().any(|(id, _)| *id == self.sort) {
            "calls".clone_into(&mut self.sort);
        }
        let known = SPANS.iter().find(|(id, ..)| *id == self.span);
        let (id, _, hours) = known.unwrap_or(&SPANS[1]);
        (*id).clone_into(&mut self.span);
        *hours
    }

    fn sorted(&self, sort: &str) -> String {
        let fields = [
            ("span", self.span.as_str()),
            ("agent_type", &self.agent_type),
            ("tool_name", &self.tool_name),
            ("sort", sort),
        ];
        format!("/tools?{}", query(&fields))
    }
}

fn sort(detail: &mut ToolsDetail, by: &str) {
    detail.tools.sort_by(|one, other| {
        let (one, other) = (&one.calls, &other.calls);
        match by {
            "errors" => (other.errors + other.timeouts).cmp(&(one.errors + one.timeouts)),
            "rate" => other.error_rate.total_cmp(&one.error_rate),
            "p50" => other.p50_ms.cmp(&one.p50_ms),
            "p95" => other.p95_ms.cmp(&one.p95_ms),
            _ => other.calls.cmp(&one.calls),
        }
    });
}

/// Draws how many calls went well and how many did not.
fn counts(series: &[ToolsSpan], seconds: i64, zone: &TimeZone) -> charts::Chart {
    let columns: Vec<_> = evenly(series, seconds)
        .into_iter()
        .map(|(at, span)| {
            let (calls, failed) = span
                .map_or((0, 0), |span| (span.calls.calls, span.calls.errors + span.calls.timeouts));
            let well = calls.saturating_sub(failed);
            let label = label_of(at, seconds, zone);
            let title = format!("{label}: {calls} calls, {failed} failed");
            Column { label, title, values: vec![well as f64, failed as f64] }
        })
        .collect();
    charts::columns(
        Room::Half,
        &["went well".to_owned(), "failed".to_owned()],
        &columns,
        words::short_count,
    )
}

/// Draws how long calls took.
fn lengths(series: &[ToolsSpan], seconds: i64, zone: &TimeZone) -> charts::Chart {
    let spans = evenly(series, seconds);
    let labels: Vec<_> = spans.iter().map(|(at, _)| label_of(*at, seconds, zone)).collect();
    let values = |of: fn(&ToolsSpan) -> Option<u64>| {
        spans.iter().map(|(_, span)| span.and_then(of).map(|ms| ms as f64)).collect::<Vec<_>>()
    };
    let names = ["95 of 100 within".to_owned(), "half within".to_owned()];
    let series = [values(|span| span.calls.p95_ms), values(|span| span.calls.p50_ms)];
    charts::lines(Room::Half, &names, &labels, &series, words::short_millis)
}

/// Returns every span from the first to the last, with nothing for those in which nothing happened.
fn evenly(series: &[ToolsSpan], seconds: i64) -> Vec<(i64, Option<&ToolsSpan>)> {
    const SPANS_MAX: usize = 800;
    let mut all: Vec<(i64, Option<&ToolsSpan>)> = Vec::new();
    for span in series {
        let Ok(at) = span.start.parse::<Timestamp>() else { continue };
        let at = at.as_second();
        while let Some((last, _)) = all.last()
            && last + seconds.max(1) < at
            && all.len() < SPANS_MAX
        {
            all.push((last + seconds.max(1), None));
        }
        all.push((at, Some(span)));
    }
    all
}

fn label_of(at: i64, seconds: i64, zone: &TimeZone) -> String {
    let Ok(at) = Timestamp::from_second(at) else { return String::new() };
    let form = if seconds < 86_400 { "%H:%M" } else { "%b %-d" };
    at.to_zoned(zone.clone()).strftime(form).to_string()
}
