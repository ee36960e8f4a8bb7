//! What the tray and the notifications show of the runtime. It is read anew when something happened there,
//! and nothing is asked while the services are down.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use jiff::Zoned;
use oriel_launcher::daemon::{CallError, Peer};
use oriel_wire::{Board, NoticeList, NoticeTally, Report, SessionState};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use crate::desktop::Desktop;
use crate::services::{Standing, Up};
use crate::words::plain;

/// However much happens, the runtime is not looked at again before this.
pub(crate) const REST: Duration = Duration::from_secs(2);

/// How long it is waited for an event. Then the notices are counted, for some come with time alone.
const WAIT_SECONDS: u64 = 10;

/// The first wait after something happened: a notice of an event is posted a moment after the event.
const SHORT_WAIT_SECONDS: u64 = 1;

/// After so many waits in which nothing happened all is read once more: days end, and so do quiet hours.
const STALE_WAITS: u32 = 6;

/// A daemon that takes longer is taken for one that does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// So many of those who wait are named; the status line counts all.
pub(crate) const WAITERS_MAX: usize = 5;

/// Sessions that are counted. More than this at once are counted as this many.
const CARDS: usize = 100;

/// A longer title is cut.
const TITLE_CHARS_MAX: usize = 60;

/// And so is what somebody waits for; the page has all of it.
const WHAT_CHARS_MAX: usize = 40;

/// What is seen of the services at a glance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Glance {
    /// They do not answer, and what there is to say of that.
    Down(String),
    /// The runtime works for nobody until a person has dealt with what blocks it.
    Blocked,
    /// They answer.
    Up(Seen),
}

/// How the agents stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// Sessions at work.
    pub(crate) working: usize,
    /// Sessions that wait for a person.
    pub(crate) waiting: usize,
    /// The first of these.
    pub(crate) waiters: Vec<Waiter>,
    /// What today cost, where anything has a price.
    pub(crate) cost_usd: Option<f64>,
}

/// A session that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Its name and what it waits for.
    pub(crate) says: String,
    /// Its page.
    pub(crate) place: String,
}

impl Glance {
    /// Returns it as one line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Down(why) => why.clone(),
            Self::Blocked => "Oriel waits for you: see what blocks it".to_owned(),
            Self::Up(seen) => seen.line(),
        }
    }

    fn of_standing(standing: &Standing) -> Self {
        Self::Down(match standing {
            Standing::Starting { .. } | Standing::Up(_) => "The services are starting".to_owned(),
            Standing::Failed(failed) => format!("Not running: {}", plain(&failed.problem, 80)),
            Standing::Stopped => "The services have stopped".to_owned(),
        })
    }
}

impl Seen {
    fn of_board(board: &Board) -> Self {
        let states = || board.cards.iter().map(|card| &card.state);
        let waits = |state: &&SessionState| state.waiting.is_some();
        Self {
            working: states().filter(|state| is_at_work(state)).count(),
            waiting: states().filter(waits).count(),
            waiters: states().filter(waits).take(WAITERS_MAX).map(Waiter::of).collect(),
            cost_usd: None,
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![match self.working {
            0 => "No agent at work".to_owned(),
            1 => "1 agent at work".to_owned(),
            working => format!("{working} agents at work"),
        }];
        match self.waiting {
            0 => {}
            1 => parts.push("1 waits for you".to_owned()),
            waiting => parts.push(format!("{waiting} wait for you")),
        }
        parts.extend(self.cost_usd.map(|cost| format!("${cost:.2} today")));
        parts.join(" · ")
    }
}

/// Returns whether a session's turn is under way.
fn is_at_work(state: &SessionState) -> bool {
    state.phase == "active" && state.waiting.is_none() && state.alive != Some(false)
}

impl Waiter {
    fn of(state: &SessionState) -> Self {
        let names = [state.title.as_deref(), state.project.as_deref(), Some(&state.session_id)];
        let name = names
            .into_iter()
            .flatten()
            .map(|name| plain(name.trim(), TITLE_CHARS_MAX))
            .find(|name| !name.is_empty());
        let waiting = state.waiting.as_ref();
        let wants = match waiting.map(|waiting| waiting.whom.as_str()) {
            Some("permission") => "asks for permission",
            Some("answer") => "asks a question",
            _ => "waits for the next task",
        };
        let what = waiting.and_then(|waiting| waiting.what.as_deref()).unwrap_or_default();
        let what = plain(what.trim(), WHAT_CHARS_MAX);
        let what = if what.is_empty() { what } else { format!(": {what}") };
        Self {
            says: format!("{} {wants}{what}", name.unwrap_or_else(|| "A session".to_owned())),
            place: session_place(&state.session_id),
        }
    }
}

/// Returns the page of a session.
pub(crate) fn session_place(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/sessions/{}", id.replace('+', "%20"))
}

/// Looks at the runtime until the desktop ends.
pub(crate) async fn run(desktop: Arc<Desktop>) {
    let mut standing = desktop.services.watch();
    loop {
        let now = standing.borrow_and_update().clone();
        let gone = if let Standing::Up(up) = now {
            tokio::select! {
                changed = standing.changed() => changed.is_err(),
                () = follow(&desktop, &up) => false,
            }
        } else {
            show(&desktop, Glance::of_standing(&now));
            standing.changed().await.is_err()
        };
        if gone {
            return;
        }
    }
}

/// Looks at a runtime for as long as it is this one.
async fn follow(desktop: &Arc<Desktop>, up: &Up) {
    let mut waits = Waits::default();
    loop {
        match look(desktop, &up.runtime).await {
            Ok(look) => {
                waits = Waits { after: look.last_event, tally: look.tally, ..waits };
                show(desktop, look.glance);
                desktop.notifier.hear(desktop, &look.notices).await;
            }
            Err(error) => tracing::debug!(%error, "the runtime cannot be looked at"),
        }
        waits.until_something_happened(&up.runtime).await;
    }
}

fn show(desktop: &Desktop, glance: Glance) {
    desktop.glance.send_if_modified(|shown| {
        let is_other = *shown != glance;
        *shown = glance;
        is_other
    });
}

/// What one look at the runtime gave.
struct Look {
    glance: Glance,
    notices: Vec<oriel_wire::NoticeRow>,
    tally: Option<NoticeTally>,
    last_event: Option<i64>,
}

async fn look(desktop: &Desktop, runtime: &Peer) -> Result<Look, CallError> {
    let board_path = format!("/api/board?limit={CARDS}");
    let used_path = format!("/api/reports?by=month&limit=1&since={}", here(desktop).date());
    let (board, used, notices, tally) = tokio::join!(
        get::<Board>(runtime, &board_path),
        get::<Report>(runtime, &used_path),
        get::<NoticeList>(runtime, "/api/notices"),
        get::<NoticeTally>(runtime, "/api/notices/counts"),
    );
    let (glance, last_event) = match board {
        Ok(board) => {
            let cost_usd = used.ok().and_then(|used| used.totals.cost_usd);
            (Glance::Up(Seen { cost_usd, ..Seen::of_board(&board) }), Some(board.last_event))
        }
        Err(CallError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. }) => {
            (Glance::Blocked, None)
        }
        Err(error) => return Err(error),
    };
    Ok(Look { glance, notices: notices?.notices, tally: tally.ok(), last_event })
}

/// Returns the moment where the person is.
pub(crate) fn here(desktop: &Desktop) -> Zoned {
    // A clock that is past what can be told is at the beginning.
    let now = jiff::Timestamp::try_from(desktop.clock.now()).unwrap_or_default();
    now.to_zoned(desktop.clock.zone())
}

/// What was seen last, and how often nothing happened since.
#[derive(Default)]
struct Waits {
    after: Option<i64>,
    tally: Option<NoticeTally>,
    /// Whether something happened a moment ago.
    is_fresh: bool,
}

/// The only part of an answer that is needed of events after a number.
#[derive(Deserialize)]
struct Last {
    last: i64,
}

impl Waits {
    async fn until_something_happened(&mut self, runtime: &Peer) {
        let was_fresh = std::mem::replace(&mut self.is_fresh, false);
        for wait in 0..STALE_WAITS {
            sleep(REST).await;
            let seconds = if was_fresh && wait == 0 { SHORT_WAIT_SECONDS } else { WAIT_SECONDS };
            let waited = match self.after {
                Some(after) => {
                    let path = format!("/api/events/wait?after={after}&timeout={seconds}&limit=1");
                    get::<Last>(runtime, &path).await.map(|now| now.last > after)
                }
                None => {
                    sleep(Duration::from_secs(seconds)).await;
                    Ok(false)
                }
            };
            match waited {
                Ok(true) => {
                    self.is_fresh = true;
                    return;
                }
                Ok(false) => {}
                // It stops, or it is busy: whoever watches the services finds out which.
                Err(_) => return sleep(Duration::from_secs(seconds)).await,
            }
            let tally = get::<NoticeTally>(runtime, "/api/notices/counts").await.ok();
            if tally != self.tally {
                return;
            }
        }
    }
}

/// Asks the runtime for something.
pub(crate) async fn get<T: DeserializeOwned>(runtime: &Peer, path: &str) -> Result<T, CallError> {
    match timeout(ANSWER_WITHIN, runtime.call(Method::GET, path, Body::empty())).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::Refused {
            status: StatusCode::GATEWAY_TIMEOUT,
            problem: format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
        }),
    }
}

/// Returns how many sessions are at work.
pub(crate) async fn working(runtime: &Peer) -> Result<usize, CallError> {
    let board: Board = get(runtime, &format!("/api/board?limit={CARDS}")).await?;
    Ok(Seen::of_board(&board).working)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_in_words_and_leaves_out_what_there_is_nothing_of() {
        let check = |working, waiting, cost_usd, expected: &str| {
            let seen = Seen { working, waiting, cost_usd, waiters: Vec::new() };
            assert_eq!(Glance::Up(seen).line(), expected);
        };
        check(3, 1, Some(4.2), "3 agents at work · 1 waits for you · $4.20 today");
        check(1, 2, None, "1 agent at work · 2 wait for you");
        check(0, 0, Some(0.0), "No agent at work · $0.00 today");
    }

    #[test]
    fn those_who_wait_are_named_by_title_project_or_id_and_five_at_most() {
        let card = |id: &str, phase: &str, title: Option<&str>, waits: Option<&str>| {
            serde_json::json!({
                "state": {
                    "session_id": id, "agent_type": "a", "phase": phase, "title": title,
                    "waiting": waits.map(|whom| serde_json::json!({
                        "for": whom, "what": (whom == "permission").then_some("rm\n x"), "since": "2026-01-01T00:00:00Z", "seconds": 1 })),
                    "subagents": [], "last_event_at": "" },
                "totals": { "events": 0, "turns": 0, "tokens_in": 0, "tokens_out": 0,
                    "cache_read": 0, "cache_write": 0, "cost_usd": 0.0, "unpriced": 0,
                    "files_edited": 0, "lines_added": 0, "lines_removed": 0 },
                "started_at": "", "recent": [],
            })
        };
        let mut cards = vec![
            card("a b/c", "active", Some("Fix\u{202e} it\n"), Some("permission")),
            card("two", "idle", Some("  "), Some("input")),
        ];
        cards.extend((0..5).map(|_| card("x", "idle", None, Some("answer"))));
        cards.extend([card("w", "active", None, None), card("e", "ended", None, None)]);
        let board = serde_json::json!({ "last_event": 9, "cards": cards });
        let seen = Seen::of_board(&serde_json::from_value(board).expect("a board"));

        assert_eq!((seen.working, seen.waiting, seen.waiters.len()), (1, 7, WAITERS_MAX));
        assert_eq!(seen.waiters[0].says, "Fix it asks for permission: rm x");
        assert_eq!(seen.waiters[0].place, "/sessions/a%20b%2Fc");
        assert_eq!(seen.waiters[1].says, "two waits for the next task");
    }
}
