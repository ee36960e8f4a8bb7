//! The runtime's notices as notifications of the system. What is to interrupt whom, and when, is the
//! runtime's to say; here each notice is shown once, many at once become few, and a person can have quiet.

mod daemon;
#[cfg(feature = "local-sync")]
mod sync;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::Method;
use oriel_wire::NoticeRow;
use tokio::sync::watch;

use crate::desktop::Desktop;
use crate::place;
use crate::pulse::{here, session_place};
use crate::words::plain;
use daemon::Daemon;

/// Of more notices at once the weightiest are shown, and the rest is counted. Notices are looked at every
/// `pulse::REST`, which is two seconds, so these are the notices of at least that long.
const AT_ONCE_MAX: usize = 3;

/// Notices that are remembered as seen; it is more than are ever listed at once.
const SEEN_MAX: usize = 512;

/// Longer texts are cut; a notification is a line or three.
const CHARS_MAX: (usize, usize) = (120, 300);

/// What "until tomorrow" means.
const MORNING_HOUR: i8 = 8;

/// What the system is asked to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    title: String,
    body: String,
    is_urgent: bool,
    target: Target,
}

/// What a click on it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    place: String,
    /// The notice that has been looked at by that.
    notice: Option<i64>,
}

/// How long a person wants quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    ForAnHour,
    UntilTomorrow,
    Over,
}

/// Shows notices.
pub(crate) struct Notifier {
    heard: Mutex<Heard>,
    #[cfg(feature = "local-sync")]
    sync: Mutex<sync::SyncHeard>,
    daemon: Daemon,
    /// Until when nothing is shown.
    paused: watch::Sender<Option<SystemTime>>,
}

impl Notifier {
    pub(crate) fn new() -> Self {
        Self {
            heard: Mutex::default(),
            #[cfg(feature = "local-sync")]
            sync: Mutex::default(),
            daemon: Daemon::default(),
            paused: watch::Sender::new(None),
        }
    }

    /// Takes in the open notices, and shows what is new of them.
    pub(crate) async fn hear(&self, desktop: &Arc<Desktop>, notices: &[NoticeRow]) {
        let news = self.heard.lock().unwrap_or_else(PoisonError::into_inner).news(notices);
        if !desktop.settings.notifications || self.paused_until(desktop.clock.now()).is_some() {
            return;
        }
        for toast in toasts(&news) {
            if let Err(problem) = self.show(desktop, toast).await {
                tracing::debug!(problem, "a notice is in the inbox only");
                return;
            }
        }
    }

    /// Takes in how every sync stands.
    #[cfg(feature = "local-sync")]
    pub(crate) fn look_at_sync(&self, syncs: &[oriel_wire::sync::SyncStatus]) {
        self.heard_of_sync().look(syncs);
    }

    /// Takes in what happened to a sync.
    #[cfg(feature = "local-sync")]
    pub(crate) fn hear_sync(&self, event: &oriel_wire::sync::SyncEvent) {
        self.heard_of_sync().hear(event);
    }

    /// Returns whether there is something of sync to show.
    #[cfg(feature = "local-sync")]
    pub(crate) fn has_sync_news(&self) -> bool {
        self.heard_of_sync().has_news()
    }

    /// Shows what is new of sync.
    #[cfg(feature = "local-sync")]
    pub(crate) async fn show_sync(&self, desktop: &Arc<Desktop>) {
        let toasts = self.heard_of_sync().take();
        if !desktop.settings.notifications || self.paused_until(desktop.clock.now()).is_some() {
            return;
        }
        for toast in toasts.into_iter().take(AT_ONCE_MAX) {
            if let Err(problem) = self.show(desktop, toast).await {
                tracing::debug!(problem, "what happened to a sync is in the console only");
                return;
            }
        }
    }

    #[cfg(feature = "local-sync")]
    fn heard_of_sync(&self) -> std::sync::MutexGuard<'_, sync::SyncHeard> {
        self.sync.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows one notification. Where the system cannot, that is said in the page for diagnostics too.
    async fn show(&self, desktop: &Arc<Desktop>, toast: Toast) -> Result<(), String> {
        let shown = self.daemon.show(desktop, toast).await;
        match &shown {
            Ok(()) => desktop.lacks_no_more(LACKING),
            Err(why) => {
                desktop.lack(LACKING, format!("{why}; the inbox has the notices all the same"));
            }
        }
        shown
    }

    /// Shows one that says that it works.
    pub(crate) async fn test(&self, desktop: &Arc<Desktop>) -> Result<(), String> {
        if !desktop.settings.notifications {
            return Err("notifications are off; `desktop.notifications` turns them on".to_owned());
        }
        let target = Target { place: "/inbox".to_owned(), notice: None };
        let (title, body) =
            ("Oriel can reach you".to_owned(), "Notices appear like this.".to_owned());
        self.show(desktop, Toast { title, body, is_urgent: false, target }).await
    }

    /// Looks whether the system can show anything, so that diagnostics can tell before anything is due.
    pub(crate) async fn look(&self, desktop: &Arc<Desktop>) {
        if desktop.settings.notifications
            && let Err(why) = self.daemon.connect(desktop).await
        {
            desktop.lack(LACKING, format!("{why}; the inbox has the notices all the same"));
        }
    }

    /// Has nothing shown for a while. What comes meanwhile is in the inbox and is not shown later.
    pub(crate) fn pause(&self, desktop: &Desktop, pause: Pause) {
        let until = match pause {
            Pause::ForAnHour => Some(desktop.clock.now() + Duration::from_secs(3600)),
            Pause::UntilTomorrow => morning_after(&here(desktop)).map(SystemTime::from),
            Pause::Over => None,
        };
        self.paused.send_replace(until);
    }

    /// Returns until when nothing is shown, if that is so now.
    pub(crate) fn paused_until(&self, now: SystemTime) -> Option<SystemTime> {
        self.paused.borrow().filter(|&until| now < until)
    }

    /// Returns a reader that is told when a pause begins and when it is ended.
    pub(crate) fn pauses(&self) -> watch::Receiver<Option<SystemTime>> {
        self.paused.subscribe()
    }
}

/// What diagnostics call what is missing.
const LACKING: &str = "Notifications";

fn morning_after(now: &jiff::Zoned) -> Option<jiff::Timestamp> {
    let morning = now.date().tomorrow().ok()?.at(MORNING_HOUR, 0, 0, 0);
    Some(morning.to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

/// Opens what a notification is about, and notes that somebody has looked at it.
fn open(desktop: &Arc<Desktop>, target: Target) {
    let Target { place, notice } = target;
    crate::on_main(desktop, move |desktop| desktop.open_place(place::of(&place).as_deref()));
    let Some((up, id)) = desktop.services.up().zip(notice.filter(|id| 0 <= *id)) else { return };
    tokio::spawn(async move {
        let path = format!("/control/notices/{id}/open");
        if let Err(error) = up.runtime.send(Method::POST, &path, Body::empty()).await {
            tracing::debug!(%error, "a notice that was opened counts as unopened still");
        }
    });
}

/// What was heard of notices.
#[derive(Default)]
struct Heard {
    /// The last notice from before the desktop was there. Those up to it are not shown.
    watermark: Option<i64>,
    /// Those among them that were put off, and so have reached nobody.
    put_off: BTreeSet<i64>,
    /// What was seen since, the oldest first.
    seen: VecDeque<String>,
}

impl Heard {
    /// Takes in the open notices, the newest first, and returns those that are to interrupt somebody and
    /// have not, the oldest first.
    fn news(&mut self, notices: &[NoticeRow]) -> Vec<NoticeRow> {
        let is_first = self.watermark.is_none();
        let last = notices.iter().map(|notice| notice.id).max().unwrap_or_default();
        let watermark = *self.watermark.get_or_insert(last.max(0));
        let mut news = Vec::new();
        for notice in notices.iter().rev() {
            if notice.delivery.decision == "defer" {
                // It is decided again when that is over.
                if is_first {
                    self.put_off.insert(notice.id);
                }
                continue;
            }
            if !self.see(name_of(notice)) {
                continue;
            }
            let came_back = notice.snoozed_until.is_some() || self.put_off.contains(&notice.id);
            let is_old = is_first || (0 <= notice.id && notice.id <= watermark && !came_back);
            if !is_old && notice.delivery.decision == "interrupt" {
                news.push(notice.clone());
            }
        }
        news
    }

    /// Returns whether it was not seen yet.
    fn see(&mut self, name: String) -> bool {
        if self.seen.contains(&name) {
            return false;
        }
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(name);
        true
    }
}

/// Returns what tells a notice from others. One that was snoozed is another when it comes back; what blocks
/// the runtime has a number only for as long as the list is the same.
fn name_of(notice: &NoticeRow) -> String {
    match notice.id {
        ..0 => format!("{} {} {}", notice.kind, notice.reason, notice.title),
        id => format!("{id} {}", notice.snoozed_until.as_deref().unwrap_or_default()),
    }
}

/// Returns what is shown of new notices: each of a few, and the weightiest of many with how many more.
fn toasts(news: &[NoticeRow]) -> Vec<Toast> {
    let mut weightiest: Vec<&NoticeRow> = news.iter().collect();
    if AT_ONCE_MAX < news.len() {
        weightiest.sort_by_key(|notice| notice.priority != "high");
    }
    let mut toasts: Vec<Toast> = weightiest.into_iter().take(AT_ONCE_MAX).map(Toast::of).collect();
    let more = news.len().saturating_sub(AT_ONCE_MAX);
    if 0 < more {
        toasts.push(Toast {
            title: if more == 1 {
                "1 more notice".to_owned()
            } else {
                format!("{more} more notices")
            },
            body: "They are in the inbox.".to_owned(),
            is_urgent: false,
            target: Target { place: "/inbox".to_owned(), notice: None },
        });
    }
    toasts
}

impl Toast {
    fn of(notice: &NoticeRow) -> Self {
        Self {
            title: plain(&notice.title, CHARS_MAX.0),
            body: plain(&notice.body.replace(['\n', '\t'], " "), CHARS_MAX.1),
            is_urgent: notice.priority == "high",
            target: Target { place: place_of(notice), notice: Some(notice.id) },
        }
    }
}

/// Returns the page of what a notice is about.
fn place_of(notice: &NoticeRow) -> String {
    match notice.subject.as_ref().map(|subject| (subject.kind.as_str(), &subject.id)) {
        Some(("session", id)) => session_place(id),
        Some(("budget", _)) => "/costs".to_owned(),
        Some(("blocker", _)) => "/readiness".to_owned(),
        Some(("import" | "history" | "archive", _)) => "/imports".to_owned(),
        _ => "/inbox".to_owned(),
    }
}

#[cfg(test)]
mod tests;
