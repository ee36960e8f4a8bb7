//! Which notices are shown, how many of them, and what a click opens.

use oriel_wire::{NoticeDelivery, NoticeSubject};

use super::*;

#[test]
fn a_notice_interrupts_once_and_those_from_before_the_start_do_not() {
    let mut heard = Heard::default();
    assert_eq!(ids(&heard.news(&[notice(2, "interrupt"), notice(1, "interrupt")])), [0_i64; 0]);
    assert_eq!(ids(&heard.news(&[notice(3, "interrupt"), notice(2, "interrupt")])), [3]);
    assert_eq!(ids(&heard.news(&[notice(3, "interrupt"), notice(2, "interrupt")])), [0_i64; 0]);
    assert_eq!(
        ids(&heard.news(&[notice(1, "interrupt")])),
        [0_i64; 0],
        "an old one moves up in the list"
    );
    assert_eq!(ids(&heard.news(&[notice(5, "interrupt"), notice(4, "interrupt")])), [4, 5]);
}

#[test]
fn only_the_runtime_says_what_interrupts() {
    let mut heard = Heard::default();
    heard.news(&[]);
    let others = [notice(3, "suppress"), notice(2, "inbox"), notice(1, "defer")];
    assert_eq!(ids(&heard.news(&others)), [0_i64; 0]);
    assert_eq!(ids(&heard.news(&[notice(1, "interrupt")])), [1], "quiet hours are over");
}

#[test]
fn what_was_put_off_before_the_start_is_shown_when_it_is_due() {
    let mut heard = Heard::default();
    heard.news(&[notice(7, "interrupt"), notice(6, "defer")]);
    assert_eq!(ids(&heard.news(&[notice(7, "interrupt"), notice(6, "interrupt")])), [6]);
    let snoozed =
        |until: &str| NoticeRow { snoozed_until: Some(until.to_owned()), ..notice(6, "interrupt") };
    assert_eq!(ids(&heard.news(&[snoozed("2026-01-01T00:00:00Z")])), [6], "a snooze is over");
    assert_eq!(ids(&heard.news(&[snoozed("2026-01-01T00:00:00Z")])), [0_i64; 0]);
}

#[test]
fn what_blocks_the_runtime_is_told_apart_by_what_it_says() {
    let mut heard = Heard::default();
    heard.news(&[]);
    let blocker =
        |id, title: &str| NoticeRow { title: title.to_owned(), ..notice(id, "interrupt") };
    assert_eq!(ids(&heard.news(&[blocker(-1, "the disk is full")])), [-1]);
    let both = [blocker(-2, "the disk is full"), blocker(-1, "a module is not signed")];
    assert_eq!(ids(&heard.news(&both)), [-1]);
}

#[test]
fn what_is_remembered_has_a_limit() {
    let mut heard = Heard::default();
    heard.news(&[]);
    for id in 1..2_000 {
        heard.news(&[notice(id, "interrupt")]);
    }
    assert_eq!(heard.seen.len(), SEEN_MAX);
}

#[test]
fn of_many_the_weightiest_are_shown_and_the_rest_is_counted() {
    let mut many: Vec<NoticeRow> = (1..=9).map(|id| notice(id, "interrupt")).collect();
    assert_eq!(toasts(&many[..3]).len(), 3);
    many[8].priority = "high".to_owned();
    let shown = toasts(&many);
    assert_eq!(shown.len(), AT_ONCE_MAX + 1);
    assert_eq!(shown[0].target.notice, Some(9));
    assert_eq!(
        (shown[3].title.as_str(), shown[3].target.place.as_str()),
        ("6 more notices", "/inbox")
    );
    assert_eq!(toasts(&many[..4])[3].title, "1 more notice");
}

#[test]
fn a_click_opens_what_the_notice_is_about() {
    let about = |kind: &str, id: &str| {
        let subject = Some(NoticeSubject { kind: kind.to_owned(), id: id.to_owned() });
        let toast = Toast::of(&NoticeRow { subject, ..notice(1, "interrupt") });
        place::of(&toast.target.place)
    };
    assert_eq!(about("session", "a/../b c").as_deref(), Some("/sessions/a%2F..%2Fb%20c"));
    assert_eq!(about("budget", "day").as_deref(), Some("/costs"));
    assert_eq!(about("blocker", "x").as_deref(), Some("/readiness"));
    assert_eq!(about("anything", "x").as_deref(), Some("/inbox"));
}

#[test]
fn what_a_notice_says_is_made_plain_and_short() {
    let row = NoticeRow {
        title: format!("a\u{202e}b{}", "x".repeat(500)),
        body: "one\ntwo\u{1b}[31m".to_owned(),
        ..notice(1, "interrupt")
    };
    let toast = Toast::of(&row);
    assert_eq!(toast.body, "one two[31m");
    assert!(toast.title.starts_with("abx") && toast.title.chars().count() == CHARS_MAX.0);
}

#[test]
fn until_tomorrow_is_until_the_morning_where_the_person_is() {
    let check = |now: &str, expected: &str| {
        let now: jiff::Zoned = now.parse().expect("a moment");
        assert_eq!(morning_after(&now).expect("there is one").to_string(), expected);
    };
    check("2026-03-28T23:50:00+01:00[Europe/Vienna]", "2026-03-29T06:00:00Z");
    check("2026-01-05T00:10:00+01:00[Europe/Vienna]", "2026-01-06T07:00:00Z");
}

fn ids(notices: &[NoticeRow]) -> Vec<i64> {
    notices.iter().map(|notice| notice.id).collect()
}

fn notice(id: i64, decision: &str) -> NoticeRow {
    NoticeRow {
        id,
        version: 1,
        source: "rules".to_owned(),
        kind: "agent_waits".to_owned(),
        recipient: "operator".to_owned(),
        priority: "medium".to_owned(),
        reason: "waits".to_owned(),
        title: "A title".to_owned(),
        body: "A body".to_owned(),
        subject: None,
        actions: Vec::new(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        expires_at: None,
        snoozed_until: None,
        opened_at: None,
        handled_at: None,
        delivery: NoticeDelivery {
            decision: decision.to_owned(),
            until: None,
            reason: "matters".to_owned(),
        },
    }
}
