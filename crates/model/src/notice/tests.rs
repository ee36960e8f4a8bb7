//! Nothing interrupts that must not, and nothing is lost that must not be.

use proptest::prelude::*;

use super::*;

const KINDS: [&str; 3] = ["agent_waits", "turn_over", "budget"];

#[test]
fn quiet_hours_may_go_past_midnight() {
    let night = QuietHours { from_minute: 22 * 60, until_minute: 7 * 60 };
    assert_eq!(night.minutes_left(22 * 60), Some(9 * 60));
    assert_eq!(night.minutes_left(0), Some(7 * 60));
    assert_eq!(night.minutes_left(7 * 60 - 1), Some(1));
    assert_eq!(night.minutes_left(7 * 60), None);
    let noon = QuietHours { from_minute: 720, until_minute: 780 };
    assert_eq!(
        [719, 720, 779, 780].map(|minute| noon.minutes_left(minute).is_some()),
        [false, true, true, false]
    );
    let none = QuietHours { from_minute: 5, until_minute: 5 };
    assert_eq!(none.minutes_left(5), None);
}

#[test]
fn a_notice_that_waits_is_delivered_by_what_was_chosen() {
    let notice = notice(Priority::Medium);
    let now = Now { at: 1000, minute_of_day: 600 };
    let mut policy = Policy::default();
    assert_eq!(deliver(&notice, &policy, now, false), (Delivery::Interrupt, Why::Matters));
    assert_eq!(deliver(&notice, &policy, now, true), (Delivery::Inbox, Why::Visible));
    policy.threshold = Priority::High;
    assert_eq!(deliver(&notice, &policy, now, false), (Delivery::Inbox, Why::BelowThreshold));
    policy.rules.insert("budget".to_owned(), Rule::Interrupt);
    assert_eq!(deliver(&notice, &policy, now, false), (Delivery::Interrupt, Why::KindRule));
    policy.quiet = Some(QuietHours { from_minute: 600, until_minute: 602 });
    // 1000 is 40 seconds into its minute.
    let later = Delivery::Defer { until: 1000 + 80 };
    assert_eq!(deliver(&notice, &policy, now, false), (later, Why::QuietHours));
    policy.muted.insert("budget".to_owned());
    assert_eq!(deliver(&notice, &policy, now, false), (Delivery::Suppress, Why::Muted));
}

#[test]
fn what_is_too_long_is_cut_at_whole_characters() {
    let long = "é".repeat(5000);
    let fitted = NewNotice {
        title: long.clone(),
        body: long.clone(),
        idempotency_key: format!("x{long}"),
        subject: Some(Subject { kind: "session".to_owned(), id: long.clone() }),
        actions: "{}".to_owned(),
        ..NewNotice::default()
    }
    .fitted();
    assert_eq!(fitted.title.chars().count(), TITLE_CHARACTERS_MAX);
    assert_eq!(fitted.body.chars().count(), BODY_CHARACTERS_MAX);
    assert_eq!(fitted.idempotency_key.len(), WORD_BYTES_MAX - 1);
    assert_eq!(fitted.subject.clone().unwrap().id.len(), WORD_BYTES_MAX);
    assert_eq!(fitted.actions, "[]");
    assert_eq!(fitted.clone().fitted(), fitted);
    let actions = r#"[{"open":"session"}]"#.to_owned();
    let kept = NewNotice { actions: actions.clone(), ..NewNotice::default() }.fitted();
    assert_eq!(kept.actions, actions);
}

proptest! {
    #[test]
    fn nothing_interrupts_that_must_not(
        notice in any_notice(), policy in any_policy(), now in any_now(), visible: bool,
    ) {
        let (delivery, why) = deliver(&notice, &policy, now, visible);
        prop_assert!(!why.as_str().is_empty());
        let kind = notice.posted.kind.as_str();
        let gone = notice.handled_at.is_some() || notice.is_expired(now.at);
        let unwanted = policy.muted.contains(kind) || policy.rules.get(kind) == Some(&Rule::Suppress);
        prop_assert_eq!(delivery == Delivery::Suppress, gone || unwanted);
        if delivery == Delivery::Interrupt {
            prop_assert!(!visible);
            prop_assert!(notice.snoozed_until.is_none_or(|until| until <= now.at));
            let quiet = policy.quiet.is_some_and(|q| q.minutes_left(now.minute_of_day).is_some());
            let breaks = policy.high_breaks_quiet && notice.posted.priority == Priority::High;
            prop_assert!(!quiet || breaks);
            let ruled = policy.rules.get(kind) == Some(&Rule::Interrupt);
            prop_assert!(ruled || notice.posted.priority >= policy.threshold);
        }
    }

    #[test]
    fn what_is_deferred_comes_later_and_then_is_not_deferred_for_the_same_reason(
        notice in any_notice(), policy in any_policy(), now in any_now(), visible: bool,
    ) {
        if let (Delivery::Defer { until }, why) = deliver(&notice, &policy, now, visible) {
            prop_assert!(until > now.at);
            prop_assert!(until - now.at <= 86_400 || why == Why::Snoozed);
            let minutes = (until.div_euclid(60) - now.at.div_euclid(60)).rem_euclid(DAY_MINUTES);
            let minute = (i64::from(now.minute_of_day) + minutes).rem_euclid(DAY_MINUTES);
            let then = Now { at: until, minute_of_day: u16::try_from(minute).unwrap() };
            prop_assert_ne!(deliver(&notice, &policy, then, visible).1, why);
        }
    }

    #[test]
    fn what_matters_more_is_never_held_back_more(
        notice in any_notice(), policy in any_policy(), now in any_now(), visible: bool,
    ) {
        let interrupts = |priority| {
            let mut notice = notice.clone();
            notice.posted.priority = priority;
            deliver(&notice, &policy, now, visible).0 == Delivery::Interrupt
        };
        prop_assert!(!interrupts(Priority::Low) || interrupts(Priority::Medium));
        prop_assert!(!interrupts(Priority::Medium) || interrupts(Priority::High));
    }
}

fn notice(priority: Priority) -> Notice {
    let posted = NewNotice { kind: "budget".to_owned(), priority, ..NewNotice::default() };
    Notice {
        id: NoticeId(1),
        version: 1,
        posted,
        created_at: 900,
        snoozed_until: None,
        opened_at: None,
        handled_at: None,
    }
}

fn priority() -> impl Strategy<Value = Priority> {
    prop::sample::select(Priority::ALL.to_vec())
}

fn moment() -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(0.3, 0..200_000_i64)
}

fn any_now() -> impl Strategy<Value = Now> {
    (0..100_000_i64, 0..1440_u16).prop_map(|(at, minute_of_day)| Now { at, minute_of_day })
}

fn any_notice() -> impl Strategy<Value = Notice> {
    let handled = prop::option::weighted(0.1, 0..100_i64);
    (priority(), 0..KINDS.len(), moment(), moment(), handled.clone(), handled).prop_map(
        |(priority, kind, expires_at, snoozed_until, opened_at, handled_at)| {
            let mut notice = Notice { snoozed_until, opened_at, handled_at, ..notice(priority) };
            notice.posted.kind = KINDS[kind].to_owned();
            notice.posted.expires_at = expires_at;
            notice
        },
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let minute = || 0..1440_u16;
    let quiet = prop::option::of(
        (minute(), minute())
            .prop_map(|(from_minute, until_minute)| QuietHours { from_minute, until_minute }),
    );
    let kind = || prop::sample::select(KINDS.map(str::to_owned).to_vec());
    let rule = prop::sample::select(vec![Rule::Interrupt, Rule::Inbox, Rule::Suppress]);
    let muted = prop::collection::btree_set(kind(), 0..2);
    let rules = prop::collection::btree_map(kind(), rule, 0..3);
    (quiet, any::<bool>(), priority(), muted, rules).prop_map(
        |(quiet, high_breaks_quiet, threshold, muted, rules)| Policy {
            quiet,
            high_breaks_quiet,
            threshold,
            muted,
            rules,
        },
    )
}
