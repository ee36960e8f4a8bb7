//! Notices are posted by rules, when something was committed and now and then.
//!
//! Whoever commits names the sessions that something happened in and goes on. One task looks at
//! those sessions again, and asks the rules what should stand of them. Where too many wait to be
//! looked at, they are passed over and counted: at the next tick all that waits is looked at anyway.

mod rules;
mod wire;

pub(crate) use rules::of_blocker;
pub(crate) use wire::notice_row;

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oriel_model::{EventKind, NewNotice, Notice, NoticeId, Outcome, Sign, StoredEvent};
use oriel_store::{Committed, EventFilter, NoticeFilter, Posted, Store};
use oriel_wire::time::rfc3339;
use oriel_wire::{Frame, SessionChange};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::api::ApiError;
use crate::app::{App, Gate};
use crate::budget;
use crate::config::Role;
use crate::gate;
use crate::state::{self, Sight, What};
use rules::{Prompt, Seen, Spent, Wanted};

/// So many sessions may wait to be looked at. Further ones are looked at with the next tick.
const PENDING_MAX: usize = 1_024;

/// What is committed within this time is looked at together.
const SETTLE: Duration = Duration::from_millis(100);

/// After each round it rests this many times as long as that took, so that rules never take much of
/// the machine.
const REST_FACTOR: u32 = 5;

/// How often all that waits is looked at.
const TICK: Duration = Duration::from_secs(20);

/// How long after the start that is done first.
const FIRST_TICK: Duration = Duration::from_secs(2);

/// How often what is of no use any more is put away.
const EXPIRE_TICKS: u32 = 30;

/// So many of the latest notices are looked through, at the start, for those that stand.
const RESUMED_MAX: usize = 500;

/// Where a commit names the sessions that something happened in.
pub(crate) struct Notices {
    pending: Mutex<Pending>,
    woken: Notify,
    /// Counts sessions that were passed over.
    dropped: Counter,
}

#[derive(Default)]
struct Pending {
    sessions: BTreeSet<String>,
    /// The sessions of which a notice stands: whatever happens in them may end that.
    watched: BTreeSet<String>,
}

impl Notices {
    pub(crate) fn new(dropped: Counter) -> Self {
        Self { pending: Mutex::default(), woken: Notify::new(), dropped }
    }

    /// Takes what has just been committed. Never waits.
    pub(crate) fn tell(&self, committed: &Committed) {
        let mut pending = self.locked();
        let mut is_any = false;
        for stored in committed.stored.iter().chain(&committed.amended) {
            is_any |= pending.take(stored, &self.dropped);
        }
        drop(pending);
        if is_any {
            self.woken.notify_one();
        }
    }

    /// Looks at sessions again of which something else is known now.
    pub(crate) fn look_at(&self, sessions: Vec<String>) {
        let mut pending = self.locked();
        for session in sessions {
            pending.add(session, &self.dropped);
        }
        drop(pending);
        self.woken.notify_one();
    }

    fn drain(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.locked().sessions)
    }

    fn watch(&self, open: &Open) {
        self.locked().watched = open.keys().cloned().collect();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Takes an event. Returns whether its session is to be looked at and was not before.
    fn take(&mut self, stored: &StoredEvent, dropped: &Counter) -> bool {
        let event = &stored.event;
        let id = &event.session_id.0;
        if event.historical || self.sessions.contains(id) {
            return false;
        }
        let matters = may_matter(stored) || self.watched.contains(id);
        matters && self.add(id.clone(), dropped)
    }

    fn add(&mut self, session: String, dropped: &Counter) -> bool {
        if self.sessions.len() >= PENDING_MAX {
            dropped.inc();
            return false;
        }
        self.sessions.insert(session)
    }
}

/// Returns whether a rule may have something to say after an event. Most events are calls of tools
/// that worked.
fn may_matter(stored: &StoredEvent) -> bool {
    let event = &stored.event;
    let is_end = matches!(event.told.sign, Sign::TurnOver | Sign::SessionOver)
        || event.facet.kind == EventKind::SessionEnd;
    let is_hook = matches!(event.facet.source.as_str(), "hook" | "gateway")
        && event.facet.kind == EventKind::Response;
    let failed = event.facet.outcome != Outcome::Success || event.facet.kind == EventKind::Error;
    is_end || is_hook || failed
}

/// The notices of sessions' turns that stand, by session: their keys and names.
type Open = HashMap<String, Vec<(String, NoticeId)>>;

/// Asks the rules until the runtime stops.
pub(crate) async fn run(app: Arc<App>) {
    let mut stopping = pin!(app.stopping());
    let Gate::Open(store) = &app.gate else { return };
    let mut open = tokio::select! {
        () = &mut stopping => return,
        open = resume(&app, store) => open.unwrap_or_default(),
    };
    app.notices.watch(&open);
    let mut tick = interval_at(Instant::now() + FIRST_TICK, TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticks = 0_u32;
    loop {
        let is_tick = tokio::select! {
            () = &mut stopping => return,
            () = app.notices.woken.notified() => false,
            _ = tick.tick() => true,
        };
        let began = Instant::now();
        let round = async {
            if !is_tick {
                sleep(SETTLE).await;
            }
            ticks = ticks.wrapping_add(u32::from(is_tick));
            round(&app, store, &mut open, is_tick, ticks).await
        };
        let result = tokio::select! {
            () = &mut stopping => return,
            result = round => result,
        };
        if let Err(error) = result {
            tracing::warn!(%error, "the rules of notices could not be asked");
        }
        app.notices.watch(&open);
        let rest = (began.elapsed() * REST_FACTOR).min(TICK);
        tokio::select! {
            () = &mut stopping => return,
            () = sleep(rest) => {}
        }
    }
}

/// Returns what stands of sessions' turns, as it was posted before.
async fn resume(app: &App, store: &Store) -> Result<Open, ApiError> {
    let page = store.notices(None, NoticeFilter::All, app.now(), RESUMED_MAX, None).await?;
    let mut open = Open::new();
    for notice in page.notices.into_iter().filter(|notice| notice.handled_at.is_none()) {
        remember(&mut open, &notice);
    }
    Ok(open)
}

fn remember(open: &mut Open, notice: &Notice) {
    let posted = &notice.posted;
    let Some(subject) = posted.subject.as_ref().filter(|subject| subject.kind == "session") else {
        return;
    };
    if posted.collapse == Some(rules::turn_of(&subject.id)) {
        let one = (posted.idempotency_key.clone(), notice.id);
        open.entry(subject.id.clone()).or_default().push(one);
    }
}

async fn round(
    app: &App,
    store: &Store,
    open: &mut Open,
    is_tick: bool,
    ticks: u32,
) -> Result<(), ApiError> {
    let mut sessions = app.notices.drain();
    let mut changed = false;
    if is_tick {
        sessions.extend(open.keys().cloned());
        let waiting = state::waiting(app, store).await?;
        sessions.extend(waiting.into_iter().map(|(session, _)| session.id));
        if ticks.is_multiple_of(EXPIRE_TICKS) {
            changed |= store.expire_notices(app.now()).await? > 0;
        }
        if let Some(notice) = of_full_disk(app) {
            changed |= post(app, store, notice).await?.is_some();
        }
        for spent in spent(app, store).await? {
            if let Some(notice) = rules::of_budget(&spent) {
                changed |= post(app, store, notice).await?.is_some();
            }
        }
    }
    for id in sessions {
        changed |= look(app, store, open, &id).await?;
    }
    if changed {
        tell_counts(app).await?;
    }
    Ok(())
}

/// Looks at a session: posts what should stand and is done with what should not. Returns whether
/// that changed anything.
async fn look(app: &App, store: &Store, open: &mut Open, id: &str) -> Result<bool, ApiError> {
    let config = &app.config.notify;
    let now_ms = app.now_ms();
    // From here on, whatever happens in it is told of.
    app.notices.locked().watched.insert(id.to_owned());
    let mut wanted: Vec<Wanted> = Vec::new();
    if let Some((session, state, sights)) = state::of_session(app, store, id).await? {
        let failed = config.failures > 0
            && rules::failures(&sights, config, now_ms) >= config.failures as usize;
        let prompt = if failed || rules::asks_for_prompt(&state, &sights) {
            last_prompt(store, id, &sights).await?
        } else {
            None
        };
        let seen = Seen { session: &session, state: &state, sights: &sights, prompt };
        wanted.extend(rules::of_turn(&seen, config, now_ms));
        wanted.extend(rules::of_failures(&seen, config, now_ms));
    }
    let mut changed = false;
    for (key, notice) in open.remove(id).unwrap_or_default() {
        if wanted.iter().any(|one| one.notice.idempotency_key == key) {
            open.entry(id.to_owned()).or_default().push((key, notice));
        } else {
            store.handle_notice(notice, app.now()).await?;
            changed = true;
        }
    }
    for Wanted { notice, is_news } in wanted {
        let stands = open.get(id).into_iter().flatten();
        let is_posted = stands.into_iter().any(|(key, _)| *key == notice.idempotency_key);
        if !is_news || is_posted {
            continue;
        }
        if let Some(notice) = post(app, store, notice).await? {
            remember(open, &notice);
            changed = true;
        }
    }
    Ok(changed)
}

/// Returns the notice of a disk that has filled up since the daemon began. It goes on: what is not
/// stored its sender keeps.
fn of_full_disk(app: &App) -> Option<NewNotice> {
    if app.config.role != Role::Daemon {
        return None;
    }
    let free = gate::few_bytes_left(&app.config, &app.home)?;
    Some(rules::of_disk(gate::nearly_full(&app.config, &app.home, free), app.now()))
}

/// Posts a notice, and returns it where it is new.
async fn post(app: &App, store: &Store, notice: NewNotice) -> Result<Option<Notice>, ApiError> {
    match store.post_notice(notice, app.now()).await? {
        Posted::New(notice) => Ok(Some(notice)),
        Posted::Known(_) => Ok(None),
    }
}

/// Returns a session's latest prompt by a person: among what was read of it, or further back.
async fn last_prompt(
    store: &Store,
    id: &str,
    sights: &[Sight],
) -> Result<Option<Prompt>, ApiError> {
    let latest = |sights: &[Sight]| {
        let prompts = sights.iter().filter(|sight| sight.what == What::Prompt && sight.is_main);
        prompts
            .max_by_key(|sight| sight.at_ms)
            .map(|sight| Prompt { number: sight.number, at_ms: sight.at_ms })
    };
    if let Some(prompt) = latest(sights) {
        return Ok(Some(prompt));
    }
    if sights.len() < state::EVENTS_READ {
        return Ok(None);
    }
    let filter = EventFilter {
        session_id: Some(id.to_owned()),
        event_type: Some(EventKind::UserPrompt.as_str().to_owned()),
        ..EventFilter::default()
    };
    let page = store.events(filter, state::EVENTS_READ, 0).await?;
    let prompts: Vec<Sight> = page.events.iter().map(Sight::of).collect();
    Ok(latest(&prompts))
}

/// Returns what is spent of the budgets that there are.
async fn spent(app: &App, store: &Store) -> Result<Vec<Spent>, ApiError> {
    let limits = &app.config.budget;
    if limits.daily_usd <= 0.0 && limits.weekly_usd <= 0.0 && limits.monthly_usd <= 0.0 {
        return Ok(Vec::new());
    }
    let zone = app.config.clock.zone();
    let budgets = budget::read(store, limits, &zone, app.now()).await?;
    let ends = budget::periods(app.now(), &zone);
    let of = |state: oriel_wire::BudgetState| Spent {
        resets_at: ends
            .iter()
            .map(|period| period.resets_at)
            .find(|&at| rfc3339(at) == state.resets_at),
        begins: state.starts_at,
        period: state.period,
        spent_usd: state.spent_usd,
        limit_usd: state.limit_usd.unwrap_or_default(),
        warn_percent: limits.warn_percent,
    };
    Ok(budgets.budgets.into_iter().map(of).collect())
}

/// Tells those who listen how many notices there are, and nothing of what they say.
pub(crate) async fn tell_counts(app: &App) -> Result<(), ApiError> {
    if app.hub.listeners() == 0 {
        return Ok(());
    }
    let counts = app.store()?.notice_counts(None, app.now()).await?;
    let payload = SessionChange::Notices { unopened: counts.unopened, high: counts.high };
    app.hub.note(&Frame::SessionUpdate { payload });
    Ok(())
}

#[cfg(test)]
mod tests;
