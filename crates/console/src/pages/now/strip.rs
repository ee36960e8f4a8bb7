//! The numbers of today, and how much of agents' limits is used.

use futures_util::future::try_join5;
use jiff::Zoned;
use oriel_wire::{AgentUsage, Limits, Report, Stats, ToolsDetail};
use serde::Serialize;

use crate::app::App;
use crate::ask::AskError;
use crate::words;

/// What is counted today, by the reader's clock.
#[derive(Debug, Serialize)]
pub(super) struct Strip {
    /// Sessions that have not ended, by their events alone.
    pub(super) live_sessions: u64,
    /// Everything that was ever stored.
    events: u64,
    requests: u64,
    tokens: u64,
    tokens_out: u64,
    cost_usd: f64,
    /// Requests that are in no sum of dollars.
    unpriced: u64,
    calls: u64,
    errors: u64,
    error_percent: Option<f64>,
    limits: Vec<Bar>,
}

/// How much of something is used.
#[derive(Debug, Serialize)]
struct Bar {
    agent_type: String,
    /// What is limited.
    label: String,
    percent: f64,
    /// `bad`, `warn` or nothing: how near the end is.
    kind: &'static str,
    resets_at: Option<String>,
    told_at: Option<String>,
    /// What is used of what, where a person set the limit.
    note: Option<String>,
}

impl Strip {
    pub(super) async fn read(app: &App) -> Result<Self, AskError> {
        let now = app.config.clock.now().to_zoned(app.config.clock.zone());
        let since = midnight(&now);
        // Today is by the clocks of those who told: a history that is imported now is no work of today.
        let used_path = format!("/api/reports?by=month&since={}", now.date());
        let tools_path = format!("/api/stats/tools/detail?since={since}");
        let (stats, used, tools, limits, usage) = try_join5(
            app.runtime.get::<Stats>("/api/stats"),
            app.runtime.get::<Report>(&used_path),
            app.runtime.get::<ToolsDetail>(&tools_path),
            app.runtime.get::<Limits>("/api/limits"),
            app.runtime.get::<Vec<AgentUsage>>("/api/stats/usage-monitor"),
        )
        .await?;
        let calls: u64 = tools.series.iter().map(|span| span.calls.calls).sum();
        let failed = tools.series.iter().map(|span| span.calls.errors + span.calls.timeouts);
        let errors: u64 = failed.sum();
        let told = limits.limits.into_iter().filter(|limit| !limit.stale).map(|limit| Bar {
            label: limit.window,
            percent: limit.used_percent,
            kind: kind(limit.used_percent),
            resets_at: limit.resets_at,
            told_at: Some(limit.told_at),
            note: None,
            agent_type: limit.agent_type,
        });
        let set: Vec<_> = usage.iter().flat_map(windows).collect();
        let used = used.totals;
        Ok(Self {
            live_sessions: stats.live_sessions,
            events: stats.total_events,
            requests: used.requests,
            tokens: used.total_tokens,
            tokens_out: used.output_tokens,
            cost_usd: used.cost_usd.unwrap_or_default(),
            unpriced: used.unpriced_requests,
            calls,
            errors,
            error_percent: (calls != 0).then(|| errors as f64 * 100.0 / calls as f64),
            limits: told.chain(set).collect(),
        })
    }
}

/// Returns the windows that a person limited, as far as something is used of them.
fn windows(usage: &AgentUsage) -> Vec<Bar> {
    let amount = |number: f64| match usage.limit_type.as_str() {
        "cost" => words::usd(number),
        _ => words::short_count(number),
    };
    [Some(&usage.session), usage.extended.as_ref()]
        .into_iter()
        .flatten()
        .filter(|window| 0.0 < window.used && 0.0 < window.limit && !is_guess(window.limit))
        .map(|window| {
            // Nobody told of it: it is what was used against what the settings call full.
            let percent = window.used * 100.0 / window.limit;
            Bar {
                agent_type: usage.agent_type.clone(),
                label: match window.window_hours {
                    hours if hours.is_multiple_of(24) && 24 < hours => {
                        format!("{} days", hours / 24)
                    }
                    hours => format!("{hours} h"),
                },
                percent,
                kind: kind(percent),
                resets_at: None,
                told_at: None,
                note: Some(format!("{} of {} as set", amount(window.used), amount(window.limit))),
            }
        })
        .collect()
}

/// Returns whether a limit is what is taken where nobody set one. A guess is no limit to be warned of.
fn is_guess(limit: f64) -> bool {
    [44_000.0, 500.0, 1500.0].contains(&limit)
}

fn kind(percent: f64) -> &'static str {
    match percent {
        percent if 95.0 <= percent => "bad",
        percent if 80.0 <= percent => "warn",
        _ => "",
    }
}

/// Returns when the reader's day began. A day that cannot be told apart begins a day ago.
fn midnight(now: &Zoned) -> String {
    now.start_of_day()
        .map_or_else(
            |_| now.timestamp() - jiff::SignedDuration::from_hours(24),
            |day| day.timestamp(),
        )
        .to_string()
}
