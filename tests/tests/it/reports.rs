//! What was used and what it cost is told in every form, by the days of any zone, and no price is
//! ever made up.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use oriel_tests::events::event_with;
use oriel_tests::{Daemon, Launch};
use serde_json::{Value, json};

#[test]
fn a_day_is_one_of_the_zone_that_was_asked_for() {
    let daemon = Daemon::start();
    use_model(&daemon, "late", "2026-11-21T23:30:00Z", &json!({}));
    for (tz, day) in [("UTC", "2026-11-21"), ("+01:00", "2026-11-22"), ("Asia/Tokyo", "2026-11-22")]
    {
        let report = daemon.oriel(&["report", "daily", "--json", "--tz", tz]).json();
        assert_eq!(report["daily"][0]["date"], day, "{tz}");
        let encoded = tz.replace('+', "%2B");
        let answer = daemon.get(&format!("/api/reports?by=day&tz={encoded}")).expect(200).json();
        assert_eq!(answer["rows"][0]["key"], day, "{tz}");
        let only = ["report", "daily", "--json", "--tz", tz, "--since", day, "--until", day];
        assert_eq!(daemon.oriel(&only).json()["totals"]["requests"], 1, "a day is whole");
    }
    let before = ["report", "daily", "--json", "--tz", "+01:00", "--until", "2026-11-21"];
    assert_eq!(daemon.oriel(&before).json()["totals"]["requests"], 0);
}

#[test]
fn every_form_says_the_same() {
    let daemon = Daemon::start();
    use_model(&daemon, "a", "2026-11-20T10:00:00Z", &json!({ "cost_usd": 1.5, "project": "p,1" }));
    use_model(&daemon, "b", "2026-11-21T10:00:00Z", &json!({ "cost_usd": 2, "session_id": "s2" }));
    let table = daemon.oriel(&["report", "daily", "--tz", "UTC"]);
    let table = table.done();
    assert!(table.lines().any(|line| line.starts_with("2026-11-20") && line.ends_with("$1.50")));
    assert!(table.contains("1,010") && table.contains("$3.50"), "{table}");
    let json = daemon.oriel(&["report", "daily", "--tz", "UTC", "--json"]).json();
    assert_eq!(json["daily"][1]["models"][0]["model"], "o3");
    assert_eq!(
        (&json["totals"]["total_tokens"], &json["totals"]["cost_usd"]),
        (&2020.into(), &3.5.into())
    );
    let csv = daemon.oriel(&["report", "project", "--csv", "--tz", "UTC"]);
    assert!(csv.done().contains("\n\"p,1\",1,1000,10,0,0,0,1010,1.5,0,\n"), "{csv:?}");
    for (by, list, name, key) in [
        ("weekly", "weekly", "week", "2026-11-16"),
        ("monthly", "monthly", "month", "2026-11"),
        ("session", "sessions", "session_id", "s2"),
        ("project", "projects", "project", "unknown"),
        ("branch", "branches", "branch", "unknown"),
        ("model", "models", "model", "o3"),
        ("blocks", "blocks", "starts_at", "2026-11-20T10:00:00Z"),
    ] {
        let report = daemon.oriel(&["report", by, "--json", "--tz", "UTC"]).json();
        assert_eq!(report[list][0][name], key, "{report:#}");
        assert!(daemon.oriel(&["report", by, "--breakdown"]).done().contains("total"), "{by}");
    }
    let of = daemon.oriel(&["report", "daily", "--json", "--project", "p,1"]).json();
    assert_eq!(of["totals"]["cost_usd"], 1.5);
    for wrong in [&["--since", "soon"][..], &["--tz", "Mars"], &["--json", "--csv"]] {
        let refused = daemon.oriel(&[&["report", "daily"], wrong].concat());
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
    for wrong in ["by=year", "tz=Mars", "since=soon", "until=2026-02-30"] {
        assert_eq!(daemon.get(&format!("/api/reports?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn what_has_no_price_is_named_and_never_nothing() {
    let daemon = Daemon::start();
    let who = json!({ "model": "who-knows" });
    use_model(&daemon, "a", "2026-11-20T10:00:00Z", &who);
    use_model(&daemon, "b", "2026-11-21T10:00:00Z", &who);
    use_model(&daemon, "c", "2026-11-21T10:00:00Z", &json!({ "cost_usd": 1 }));
    let json = daemon.oriel(&["report", "daily", "--tz", "UTC", "--json"]).json();
    assert_eq!(json["daily"][0]["cost_usd"], Value::Null);
    assert_eq!(json["daily"][1]["cost_usd"], 1.0);
    for sums in [&json["daily"][0], &json["daily"][1], &json["totals"]] {
        assert_eq!(sums["unpriced_models"], json!(["who-knows"]));
    }
    let table = daemon.oriel(&["report", "daily", "--tz", "UTC"]);
    assert!(table.done().contains("without 2 requests of who-knows"), "{table:?}");
    let models = daemon.oriel(&["costs", "models"]);
    assert!(models.done().contains("no price is known for who-knows: 2 requests"), "{models:?}");
}

#[test]
fn a_block_begins_at_a_whole_hour_and_gaps_are_shown() {
    let daemon = Daemon::start();
    for (id, at) in [("a", "08:40"), ("b", "12:59"), ("c", "13:00"), ("d", "23:10")] {
        use_model(&daemon, id, &format!("2026-11-20T{at}:00Z"), &json!({}));
    }
    let blocks = daemon.oriel(&["report", "blocks", "--json"]).json()["blocks"].clone();
    let blocks: Vec<_> = blocks
        .as_array()
        .unwrap()
        .iter()
        .map(|block| {
            (
                block["starts_at"].as_str().unwrap()[11..16].to_owned(),
                block["requests"].clone(),
                block["is_gap"].clone(),
            )
        })
        .collect();
    let expected =
        [("08:00", 2, false), ("13:00", 1, false), ("18:00", 0, true), ("23:00", 1, false)];
    let expected = expected.map(|(at, count, gap)| (at.to_owned(), count.into(), gap.into()));
    assert_eq!(blocks, expected);
}

#[test]
fn costs_are_worked_out_anew_after_prices_were_corrected() {
    let mut daemon = Daemon::start();
    use_model(&daemon, "unknown", "2026-11-20T10:00:00Z", &json!({ "model": "house-model" }));
    use_model(&daemon, "stated", "2026-11-20T10:00:00Z", &json!({ "cost_usd": 5 }));
    use_model(&daemon, "priced", "2026-11-20T10:00:00Z", &json!({}));
    let recalculate = |daemon: &Daemon, more: &[&str]| {
        daemon.oriel(&[&["costs", "recalculate", "--json"], more].concat()).json()
    };
    let before = recalculate(&daemon, &[]);
    assert_eq!(
        (&before["updated"], &before["unchanged"], &before["stated"]),
        (&0.into(), &2.into(), &1.into())
    );
    assert_eq!(before["unknown_models"], json!({ "house-model": 1 }));

    let own = "[models.house-model]\n\
        prices = [{ input = 1000, output = 0, cache_read = 0, cache_write = 0 }]\n";
    daemon.home().write("prices.toml", own);
    daemon.restart();
    let dry = recalculate(&daemon, &["--dry-run"]);
    assert_eq!((&dry["updated"], &dry["dry_run"]), (&1.into(), &true.into()));
    let total = |daemon: &Daemon| daemon.get("/api/reports").json()["totals"].clone();
    assert_eq!(total(&daemon)["unpriced_requests"], 1, "a dry run changes nothing");
    let done = recalculate(&daemon, &[]);
    assert_eq!(done["cost_after_usd"], dry["cost_after_usd"]);
    let now = total(&daemon);
    assert_eq!((&now["unpriced_requests"], &now["cost_usd"]), (&0.into(), &done["cost_after_usd"]));
    assert_eq!(recalculate(&daemon, &[])["updated"], 0);
    daemon.verify();

    daemon.home().write("prices.toml", "[models.m]\nprices = [{ inptu = 1 }]\n");
    daemon.terminate();
    let refused = daemon.oriel(&["costs", "models"]);
    let said = refused.failed(1);
    for part in ["prices.toml", "line 2", "inptu"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn an_event_and_a_session_say_who_told_of_them() {
    let daemon = Daemon::start();
    use_model(&daemon, "a", "2026-11-20T10:00:00Z", &json!({ "source": "hook" }));
    let event = daemon.get("/api/events/1").expect(200).json();
    assert_eq!(
        (&event["event"]["event_id"], &event["tellings"][0]["source"]),
        (&"a".into(), &"hook".into())
    );
    assert_eq!(event["tellings"][0]["tokens_in"], 1000);
    for missing in ["2", "0", "-1", "x", "99999999999999999999"] {
        assert_eq!(daemon.get(&format!("/api/events/{missing}")).status, 404, "{missing}");
    }
    let told = daemon.get("/api/sessions/s1/provenance").expect(200).json();
    assert_eq!(told["parts"][0]["sources"], json!(["hook"]));
    assert_eq!(
        (&told["only"][0]["source"], &told["only"][0]["events"]),
        (&"hook".into(), &1.into())
    );
    assert_eq!(daemon.get("/api/sessions/none/provenance").status, 404);
    let shown = daemon.oriel(&["show", "s", "--provenance"]);
    assert!(shown.done().contains("only hook knows of 1 event"), "{shown:?}");
    let json = daemon.oriel(&["show", "s1", "--json", "--events", "1"]).json();
    assert_eq!(
        (&json["session"]["id"], &json["usage"]["totals"]["requests"]),
        (&"s1".into(), &1.into())
    );
}

#[test]
fn sessions_are_listed_and_found_by_their_beginning() {
    let daemon = Daemon::start();
    for session in ["alpha-1", "alpha-2", "beta"] {
        let members = json!({ "session_id": session, "project": session, "event_id": session });
        daemon.store(&event_with(session, &members));
    }
    assert_eq!(daemon.oriel(&["show", "b", "--json"]).json()["session"]["id"], "beta");
    let refused = daemon.oriel(&["show", "alpha"]);
    assert!(refused.failed(1).contains("2 sessions begin with"), "{refused:?}");
    assert!(daemon.oriel(&["show", "gamma"]).failed(1).contains("no session"));
    let listed = daemon.oriel(&["sessions", "--project", "beta", "--json"]).json();
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(daemon.oriel(&["sessions", "--csv", "--limit", "2"]).done().lines().count(), 3);
    assert!(daemon.oriel(&["sessions", "--all"]).done().contains("alpha-2"));
}

#[test]
fn an_export_holds_every_event_once() {
    let daemon = Daemon::start();
    let at = |n: usize| format!("2026-11-{:02}T12:00:00Z", 1 + n % 20);
    let events: Vec<Value> = (0..450)
        .map(|n| {
            event_with(
                &format!("e{n}"),
                &json!({ "client_timestamp": at(n), "session_id": format!("s{}", n % 3) }),
            )
        })
        .collect();
    daemon.store_all(&json!({ "events": events }));
    let lines = daemon.oriel(&["export"]);
    let ids: Vec<i64> = lines
        .done()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=450).collect::<Vec<i64>>());
    let day = daemon.oriel(&[
        "export",
        "--since",
        "2026-11-03",
        "--until",
        "2026-11-04",
        "--format",
        "csv",
    ]);
    assert_eq!(day.done().lines().count(), 1 + 2 * 23);
    let file = daemon.oriel(&["export", "--session", "s1", "--output", "out.jsonl"]);
    assert_eq!(file.done(), "wrote 150 events\n");
    let text = std::fs::read_to_string(daemon.home().path("out.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 150);
    assert!(!daemon.home().path("out.jsonl.part").exists());
}

#[test]
fn tail_shows_what_was_there_and_follows_what_comes() {
    let mut daemon = Daemon::start();
    for id in ["one", "two", "three"] {
        daemon.store(&event_with(id, &json!({})));
    }
    let last = daemon.oriel(&["tail", "-n", "2", "--no-follow", "--json"]);
    let ids: Vec<Value> = last
        .done()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event_id"].clone())
        .collect();
    assert_eq!(ids, ["two", "three"]);

    let mut command = daemon.home().command(&["tail", "-n", "1", "--json", "--agent", "codex"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["event_id"].clone()
    };
    assert_eq!(next(), "three");
    daemon.store(&event_with("other", &json!({ "agent_type": "gemini" })));
    daemon.store(&event_with("four", &json!({})));
    assert_eq!(next(), "four");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "it was told to stop");

    daemon.terminate();
    assert!(daemon.oriel(&["tail"]).failed(3).contains("oriel serve"));
    assert_eq!(daemon.oriel(&["tail", "--no-follow"]).done().lines().count(), 5);
}

#[test]
fn a_budget_says_how_much_of_it_is_spent() {
    let daemon =
        Launch::new().set("budget.daily_usd", "4").set("budget.monthly_usd", "100").start();
    daemon.store(&event_with("a", &json!({ "cost_usd": 3.5, "model": "o3" })));
    let budgets = daemon.get("/api/budgets").expect(200).json();
    let [day, week, month] = &budgets["budgets"].as_array().unwrap()[..] else {
        panic!("{budgets}")
    };
    assert_eq!((&day["percent"], &day["state"]), (&87.5.into(), &"warning".into()));
    assert_eq!((&week["limit_usd"], &week["state"]), (&Value::Null, &"off".into()));
    assert_eq!((&month["spent_usd"], &month["state"]), (&3.5.into(), &"ok".into()));
    assert!(day["resets_at"].as_str() > day["starts_at"].as_str());
}

fn use_model(daemon: &Daemon, id: &str, at: &str, members: &Value) {
    let mut event = event_with(
        id,
        &json!({ "event_type": "llm_response", "tool_name": null, "model": "o3",
            "tokens_in": 1000, "tokens_out": 10, "client_timestamp": at }),
    );
    for (name, value) in members.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    daemon.store(&event);
}
