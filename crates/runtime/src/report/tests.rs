//! What reports promise: days of a zone, whole blocks, and no price that is made up.

use oriel_store::Usage;

use super::*;

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
    Wanted { by, zone: zone::zone(tz).unwrap(), since: None, now: i64::MAX / 2, rows_max: 100 }
}

fn row(quarter: i64, model: &str, tokens: i64, cost: Option<f64>) -> UsageRow {
    UsageRow {
        quarter,
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
