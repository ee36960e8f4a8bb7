//! What reports promise: days of a zone, whole blocks, and no price that is made up.

use oriel_store::Usage;

use super::*;
use crate::config::{UsageUnit, UsageWindow};

const NOW: i64 = 1_795_219_200; // 2026-11-21T00:00:00Z

#[test]
fn a_day_is_one_of_the_zone() {
    let late = row(NOW + 23 * 3600 + 1800, "opus", 10, Some(0.5));
    for (tz, day) in [("UTC", "2026-11-21"), ("+01:00", "2026-11-22"), ("-12", "2026-11-21")] {
        let report = by(By::Day, tz, std::slice::from_ref(&late));
        assert_eq!(keys(&report), [day], "{tz}");
    }
}

#[test]
fn weeks_begin_on_monday_and_times_come_in_order() {
    // The 21st is a Saturday.
    let rows = [0, 1, 2, 30].map(|day| row(NOW + day * 86_400, "opus", 1, Some(1.0)));
    assert_eq!(keys(&by(By::Week, "UTC", &rows)), ["2026-11-16", "2026-11-23", "2026-12-21"]);
    assert_eq!(keys(&by(By::Month, "UTC", &rows)), ["2026-11", "2026-12"]);
    let report = by(By::Week, "UTC", &rows);
    assert_eq!(report.rows[0].usage.requests, 2);
    assert_eq!(report.totals.cost_usd, Some(4.0));
}

#[test]
fn a_stretch_has_the_quarters_of_one_row_and_all_of_them() {
    // Days of 23 and 25 hours, a day that never was, and zones beside the whole hour.
    let zones =
        ["UTC", "Europe/Vienna", "Asia/Kolkata", "Pacific/Apia", "America/Havana", "-09:45"];
    let key = |by: By, at: i64, zone: &TimeZone| {
        let day = zone::day_of(at, zone);
        match by {
            By::Day => day,
            By::Week => monday(day),
            _ => day.first_of_month(),
        }
    };
    for zone in zones.map(|name| zone::zone(name).unwrap()) {
        for begin in ["2011-12-25T00:00:00Z", "2026-03-01T00:00:00Z", "2026-10-20T00:00:00Z"] {
            let begin = zone::moment(begin, &zone, zone::Edge::Start).unwrap();
            for at in (0..400).map(|nth| begin + nth * 24_300) {
                for by in [By::Day, By::Week, By::Month] {
                    let (from, to) = by.stretch(at, &zone, NOW);
                    let row = key(by, at, &zone);
                    assert!(from <= at && at < to, "{at} in {zone:?}");
                    assert_eq!((key(by, from, &zone), key(by, to - 1, &zone)), (row, row), "{at}");
                    assert!(key(by, from - 1, &zone) < row && row < key(by, to, &zone), "{at}");
                }
            }
        }
    }
    let zone = TimeZone::UTC;
    assert_eq!(By::Block.stretch(NOW - 25_000, &zone, NOW), (NOW - 25_200, NOW - 21_600));
    assert_eq!(By::Block.stretch(NOW - 900, &zone, NOW), (NOW - 900, NOW - 900), "a quarter");
    assert_eq!(By::Day.stretch(i64::MAX, &zone, NOW), (i64::MAX, i64::MAX), "no calendar has it");
}

#[test]
fn every_sum_names_what_has_no_price_and_never_calls_it_nothing() {
    let rows = [
        row(NOW, "opus", 10, Some(0.5)),
        row(NOW, "who", 20, None),
        row(NOW + 86_400, "who", 5, None),
    ];
    let report = by(By::Day, "UTC", &rows);
    let [mixed, unpriced] = &report.rows[..] else { panic!("two days") };
    assert_eq!(mixed.usage.cost_usd, Some(0.5));
    assert_eq!(
        (mixed.usage.unpriced_requests, &mixed.usage.unpriced_models[..]),
        (1, &["who".to_owned()][..])
    );
    assert_eq!(mixed.models.iter().map(|model| &*model.model).collect::<Vec<_>>(), ["opus", "who"]);
    assert_eq!(mixed.models[1].usage.cost_usd, None);
    assert_eq!(unpriced.usage.cost_usd, None, "never zero");
    assert_eq!(report.totals.cost_usd, Some(0.5));
    assert_eq!(report.totals.unpriced_requests, 2);
    assert_eq!(by(By::Day, "UTC", &[]).totals.cost_usd, Some(0.0), "nothing costs nothing");
}

#[test]
fn names_come_dearest_first_and_sessions_newest_first() {
    let of = |session: &str, quarter, cost| UsageRow {
        session: Some(session.to_owned()),
        project: Some(format!("p{session}")),
        ..row(quarter, "opus", 1, Some(cost))
    };
    let rows =
        [of("1", NOW, 3.0), of("2", NOW + 900, 1.0), of("1", NOW + 1800, 3.0), of("3", NOW, 9.0)];
    let report = by(By::Session, "UTC", &rows);
    assert_eq!(keys(&report), ["1", "2", "3"]);
    assert_eq!(report.rows[0].project.as_deref(), Some("p1"));
    assert_eq!(keys(&by(By::Project, "UTC", &rows)), ["p3", "p1", "p2"]);
    let wanted = Wanted { rows_max: 1, ..wanted(By::Session, "UTC") };
    let short = super::report(&wanted, &rows);
    assert_eq!((keys(&short), short.rows_left_out), (vec!["1"], 2));
    assert_eq!(short.totals, report.totals, "totals count what is left out");
}

#[test]
fn a_block_begins_at_a_whole_hour_and_lasts_five() {
    let rows = [
        row(NOW + 2700, "opus", 10, Some(1.0)),
        row(NOW + 5 * 3600 - 900, "opus", 10, Some(1.0)),
        row(NOW + 5 * 3600, "opus", 10, Some(1.0)),
        row(NOW + 14 * 3600 + 900, "opus", 10, Some(1.0)),
    ];
    let report = by(By::Block, "UTC", &rows);
    let expected = [
        "2026-11-21T00:00:00Z",
        "2026-11-21T05:00:00Z",
        "2026-11-21T10:00:00Z",
        "2026-11-21T14:00:00Z",
    ];
    assert_eq!(keys(&report), expected);
    let gaps: Vec<bool> =
        report.rows.iter().map(|row| row.block.as_ref().unwrap().is_gap).collect();
    assert_eq!(gaps, [false, false, true, false]);
    assert_eq!(report.rows[0].usage.requests, 2);
    assert_eq!(report.totals.requests, 4);
    let since = Wanted { since: Some(NOW + 11 * 3600), ..wanted(By::Block, "UTC") };
    assert_eq!(keys(&super::report(&since, &rows)), [expected[3]]);
}

#[test]
fn a_running_block_tells_its_pace() {
    let rows = [row(NOW, "opus", 600, Some(2.0))];
    let wanted = Wanted { now: NOW + 3600, ..wanted(By::Block, "UTC") };
    let report = super::report(&wanted, &rows);
    let pace = report.rows[0].block.as_ref().unwrap().pace.unwrap();
    assert_eq!((pace.tokens_per_minute, pace.usd_per_hour), (10.0, Some(2.0)));
    assert_eq!((pace.minutes_left, pace.projected_tokens), (240, 3000));
    assert_eq!(pace.projected_cost_usd, Some(10.0));
    let wanted = Wanted { now: NOW + 5 * 3600, ..wanted };
    let over = super::report(&wanted, &rows);
    assert!(!over.rows[0].block.as_ref().unwrap().is_active);
}

#[test]
fn agents_are_told_apart() {
    let codex = UsageRow { agent_type: "codex".to_owned(), ..row(NOW, "o3", 5, Some(9.0)) };
    let report = by(By::Agent, "UTC", &[row(NOW, "opus", 10, Some(0.5)), codex]);
    assert_eq!(keys(&report), ["codex", "claude_code"], "dearest first");
    assert_eq!(report.rows[1].models[0].model, "opus");
}

#[test]
fn a_running_block_tells_when_a_limit_is_reached() {
    let limit = |agent: &str, unit, limit, hours| UsageLimit {
        agent_type: agent.to_owned(),
        unit,
        session: UsageWindow { hours, limit },
        extended: UsageWindow { hours: 24, limit: 0.0 },
    };
    let codex = |quarter, cost| UsageRow {
        agent_type: "codex".to_owned(),
        ..row(quarter, "o3", 1, Some(cost))
    };
    // The block before has nothing to do with it.
    let rows = [
        row(NOW - 6 * 3600, "opus", 9000, Some(1.0)),
        row(NOW, "opus", 600, Some(2.0)),
        codex(NOW + 1800, 3.0),
        codex(NOW + 2700, 3.0),
    ];
    let limits = |tokens| {
        let limits = vec![
            limit("claude_code", UsageUnit::Tokens, tokens, 5),
            limit("codex", UsageUnit::Cost, 5.0, 5),
            limit("gemini_cli", UsageUnit::Tokens, 1.0, 5),
            limit("claude_code", UsageUnit::Cost, 1.0, 7),
        ];
        let wanted = Wanted { now: NOW + 3600, limits, ..wanted(By::Block, "UTC") };
        super::report(&wanted, &rows).rows.last().unwrap().block.clone().unwrap().limits
    };
    let found = limits(1200.0);
    let [claude, codex] = &found[..] else { panic!("two agents used something: {found:?}") };
    assert_eq!((claude.used, claude.percent, claude.per_hour), (600.0, 50.0, 600.0));
    assert_eq!(claude.reached_at.as_deref(), Some("2026-11-21T02:00:00Z"));
    assert!(!claude.is_reached && codex.is_reached);
    assert_eq!(codex.reached_at.as_deref(), Some("2026-11-21T00:45:00Z"));
    assert_eq!(limits(1e6)[0].reached_at, None, "the block ends before");
}

#[test]
fn the_largest_sums_do_not_overflow() {
    let huge = UsageRow {
        usage: Usage { tokens_in: i64::MAX, cost: i64::MAX, requests: 1, ..Usage::default() },
        ..row(i64::MAX / 1000, "opus", 1, Some(1.0))
    };
    for by_what in By::ALL {
        let report = by(by_what, "UTC", &[huge.clone(), huge.clone()]);
        assert!(report.totals.total_tokens > 0);
    }
}

fn keys(report: &Report) -> Vec<&str> {
    report.rows.iter().map(|row| row.key.as_str()).collect()
}

fn by(by: By, tz: &str, rows: &[UsageRow]) -> Report {
    report(&wanted(by, tz), rows)
}

fn wanted(by: By, tz: &str) -> Wanted {
    let (zone, limits) = (zone::zone(tz).unwrap(), Vec::new());
    Wanted { by, zone, since: None, now: i64::MAX / 2, rows_max: 100, limits }
}

fn row(quarter: i64, model: &str, tokens: i64, cost: Option<f64>) -> UsageRow {
    UsageRow {
        first: quarter,
        last: quarter,
        session: None,
        project: None,
        branch: None,
        agent_type: "claude_code".to_owned(),
        model: Some(model.to_owned()),
        usage: Usage {
            requests: 1,
            tokens_in: tokens,
            cost: cost.map_or(0, |cost| (cost * 1e10) as i64),
            unpriced: i64::from(cost.is_none()),
            ..Usage::default()
        },
    }
}
