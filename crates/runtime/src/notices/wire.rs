//! From notices to the rows that readers get, with how each is to reach its person.

use oriel_model::{Delivery, Notice, Now, Policy, deliver};
use oriel_wire::time::rfc3339;
use oriel_wire::{NoticeDelivery, NoticeRow, NoticeSubject};

use crate::app::App;

/// Returns the moment, and where it is in the day of the person. Where there are no quiet hours
/// nobody asks for that.
fn now(app: &App, policy: &Policy) -> Now {
    let at = app.now();
    let minute_of_day = policy.quiet.map_or(0, |_| {
        let zone = app.config.clock.zone();
        let moment = jiff::Timestamp::from_second(at).unwrap_or_default();
        let time = zone.to_datetime(moment).time();
        u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
    });
    Now { at, minute_of_day }
}

/// Returns notices as readers get them.
pub(crate) fn notice_row(app: &App) -> impl Fn(Notice) -> NoticeRow + use<> {
    let policy = app.config.notify.policy.clone();
    let now = now(app, &policy);
    move |notice| {
        let (delivery, why) = deliver(&notice, &policy, now, false);
        let (decision, until) = match delivery {
            Delivery::Interrupt => ("interrupt", None),
            Delivery::Inbox => ("inbox", None),
            Delivery::Defer { until } => ("defer", Some(rfc3339(until))),
            Delivery::Suppress => ("suppress", None),
        };
        let (decision, reason) = (decision.to_owned(), why.as_str().to_owned());
        let posted = notice.posted;
        NoticeRow {
            id: notice.id.0,
            version: notice.version,
            source: posted.source,
            kind: posted.kind,
            recipient: posted.recipient,
            priority: posted.priority.as_str().to_owned(),
            reason: posted.reason,
            title: posted.title,
            body: posted.body,
            subject: posted.subject.map(|it| NoticeSubject { kind: it.kind, id: it.id }),
            // Only lists were ever written.
            actions: serde_json::from_str(&posted.actions).unwrap_or_default(),
            created_at: rfc3339(notice.created_at),
            expires_at: posted.expires_at.map(rfc3339),
            snoozed_until: notice.snoozed_until.map(rfc3339),
            opened_at: notice.opened_at.map(rfc3339),
            handled_at: notice.handled_at.map(rfc3339),
            delivery: NoticeDelivery { decision, until, reason },
        }
    }
}
