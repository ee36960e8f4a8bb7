//! Budgets: what may be spent in a day, a week or a month, and what is.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use oriel_store::{ReadError, Store, UsageFilter, UsageRow};
use oriel_wire::time::rfc3339;
use oriel_wire::{BudgetState, Budgets};

use crate::config::Budget;
use crate::report::{Sums, monday};
use crate::zone;

/// What spending has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Threshold {
    /// The part of the limit from which on it is warned.
    Warning,
    /// All of the limit.
    Limit,
}

/// Returns the highest threshold that spending has crossed from `before` to `after`, in dollars. A
/// limit of 0 is none, and what was crossed before is not crossed again.
#[must_use]
pub fn crossed(before: f64, after: f64, limit: f64, warn_percent: f64) -> Option<Threshold> {
    let before = reached(before, limit, warn_percent);
    reached(after, limit, warn_percent).filter(|&now| before.is_none_or(|then| then < now))
}

fn reached(spent: f64, limit: f64, warn_percent: f64) -> Option<Threshold> {
    // Not a number is above nothing.
    if limit <= 0.0 || limit.is_nan() {
        return None;
    }
    if spent >= limit {
        Some(Threshold::Limit)
    } else if warn_percent > 0.0 && spent * 100.0 >= limit * warn_percent {
        Some(Threshold::Warning)
    } else {
        None
    }
}

/// A stretch of time that has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// `day`, `week` or `month`.
    pub name: &'static str,
    /// When it began, in Unix seconds.
    pub starts_at: i64,
    /// When the next one begins.
    pub resets_at: i64,
}

/// Returns the day, the week and the month of a moment in a zone.
pub(crate) fn periods(now: i64, zone: &TimeZone) -> [Period; 3] {
    let today = zone::day_of(now, zone);
    let week = monday(today);
    let month = today.first_of_month();
    let after = |day: Date, days| day.checked_add(jiff::Span::new().days(days)).unwrap_or(day);
    let next_month = after(today.last_of_month(), 1);
    [("day", today, after(today, 1)), ("week", week, after(week, 7)), ("month", month, next_month)]
        .map(|(name, from, to)| {
            let start = |day| zone::start_of_day(day, zone).unwrap_or(now);
            Period { name, starts_at: start(from), resets_at: start(to) }
        })
}

/// Reads how budgets stand.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn read(
    store: &Store,
    budget: &Budget,
    zone: &TimeZone,
    now: i64,
) -> Result<Budgets, ReadError> {
    let periods = periods(now, zone);
    let since = periods.iter().map(|period| period.starts_at).min();
    let mut edges: Vec<i64> =
        periods.iter().flat_map(|period| [period.starts_at, period.resets_at]).collect();
    edges.sort_unstable();
    let filter = UsageFilter { since, ..UsageFilter::default() };
    let used = store.usage_over(filter, move |at| between(&edges, at)).await?;
    Ok(Budgets {
        tz: zone::name(zone),
        warn_percent: budget.warn_percent,
        budgets: periods.iter().map(|period| state(period, budget, &used)).collect(),
    })
}

/// Returns the edges that a moment lies between.
fn between(edges: &[i64], at: i64) -> (i64, i64) {
    let next = edges.partition_point(|edge| *edge <= at);
    let edge = |nth: Option<usize>| nth.and_then(|nth| edges.get(nth).copied());
    (edge(next.checked_sub(1)).unwrap_or(i64::MIN), edge(Some(next)).unwrap_or(i64::MAX))
}

fn state(period: &Period, budget: &Budget, used: &[UsageRow]) -> BudgetState {
    let limit = match period.name {
        "day" => budget.daily_usd,
        "week" => budget.weekly_usd,
        _ => budget.monthly_usd,
    };
    let mut sums = Sums::default();
    let within = period.starts_at..period.resets_at;
    for row in used.iter().filter(|row| within.contains(&row.first)) {
        sums.count(row);
    }
    // What has no price is named beside the sum.
    let spent = sums.cost_usd().unwrap_or(0.0);
    let state = match reached(spent, limit, budget.warn_percent) {
        _ if limit <= 0.0 => "off",
        None => "ok",
        Some(Threshold::Warning) => "warning",
        Some(Threshold::Limit) => "over",
    };
    let limit = Some(limit).filter(|&limit| limit > 0.0);
    let usage = sums.into_wire();
    BudgetState {
        period: period.name.to_owned(),
        limit_usd: limit,
        spent_usd: spent,
        percent: limit.map(|limit| (spent / limit * 1e4).round() / 100.0),
        state: state.to_owned(),
        starts_at: rfc3339(period.starts_at),
        resets_at: rfc3339(period.resets_at),
        unpriced_requests: usage.unpriced_requests,
        unpriced_models: usage.unpriced_models,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_crossed_once_and_the_highest_counts() {
        use Threshold::{Limit, Warning};
        for (before, after, expected) in [
            (0.0, 7.9, None),
            (0.0, 8.0, Some(Warning)),
            (8.0, 9.0, None),
            (7.0, 11.0, Some(Limit)),
            (9.0, 10.0, Some(Limit)),
            (10.0, 99.0, None),
            (9.0, 1.0, None),
            (f64::NAN, 1.0, None),
        ] {
            assert_eq!(crossed(before, after, 10.0, 80.0), expected, "{before} to {after}");
        }
        assert_eq!(crossed(0.0, 1e9, 0.0, 80.0), None, "no limit");
        assert_eq!(crossed(0.0, 9.9, 10.0, 0.0), None, "no warning");
    }

    #[test]
    fn no_stretch_is_of_two_periods() {
        // A day that begins its week and its month.
        let edges = [0, 0, 0, 86_400, 604_800, 2_592_000];
        for (at, expected) in [
            (-1, (i64::MIN, 0)),
            (0, (0, 86_400)),
            (86_399, (0, 86_400)),
            (86_400, (86_400, 604_800)),
            (2_592_000, (2_592_000, i64::MAX)),
        ] {
            assert_eq!(between(&edges, at), expected, "{at}");
        }
    }

    #[test]
    fn periods_are_those_of_the_zone() {
        let zone = zone::zone("Europe/Vienna").unwrap();
        // 2026-11-21 is a Saturday; half past midnight in Vienna is still Friday in Greenwich.
        let now = zone::moment("2026-11-21T00:30", &zone, zone::Edge::Start).unwrap();
        let times = periods(now, &zone)
            .map(|period| [rfc3339(period.starts_at), rfc3339(period.resets_at)]);
        let expected = [
            ["2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"],
            ["2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z"],
            ["2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"],
        ];
        assert_eq!(times, expected);
        for odd in [i64::MIN, i64::MAX] {
            assert_eq!(periods(odd, &zone).len(), 3);
        }
    }
}
