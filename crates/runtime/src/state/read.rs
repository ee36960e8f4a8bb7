//! Reading from the store what the rules need.

use std::collections::BTreeSet;

use oriel_model::{About, SessionId};
use oriel_store::{ReadError, Session, Store};

use super::{PROCESS, Sight, State, state_of};
use crate::app::App;

/// So many of a session's latest events are looked at. What contradicts a note comes soon after it.
pub(crate) const EVENTS_READ: usize = 60;

/// No more sessions than this are looked at for whether they wait, those told of last first.
const WAITING_MAX: usize = 500;

/// A wait that was told longer ago only counts where its process is known to run.
const WAIT_TOLD_MS: i64 = 12 * 3_600_000;

/// Returns a session, how it stands, and what of its latest events says so.
pub(crate) async fn of_session(
    app: &App,
    store: &Store,
    id: &str,
) -> Result<Option<(Session, State, Vec<Sight>)>, ReadError> {
    let Some(session) = store.session(id.to_owned()).await? else { return Ok(None) };
    let notes = store.notes(About::Session(SessionId(id.to_owned()))).await?;
    let events = store.session_events(id.to_owned(), EVENTS_READ).await?;
    let events: Vec<Sight> = events.iter().map(Sight::of).collect();
    let state = state_of(&session, &notes, &events, app.now_ms(), app.quiet);
    Ok(Some((session, state, events)))
}

/// Returns the sessions of which it was told that they wait or that their process runs, those told of
/// last first.
pub(crate) async fn told_to_wait(app: &App, store: &Store) -> Result<Vec<String>, ReadError> {
    let notes = store.notes_named(&["waiting", PROCESS]).await?;
    let oldest_ms = app.now_ms().saturating_sub(WAIT_TOLD_MS);
    let mut told: Vec<(i64, String)> = notes
        .into_iter()
        .filter(|note| match note.name.as_str() {
            // What the value says is read again with all that may contradict it.
            PROCESS => note.value.contains("\"alive\":true"),
            _ => note.at_ms >= oldest_ms,
        })
        .filter_map(|note| match note.about {
            About::Session(SessionId(id)) => Some((note.at_ms, id)),
            About::Agent(_) => None,
        })
        .collect();
    told.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = BTreeSet::new();
    let ids = told.into_iter().map(|(_, id)| id).filter(|id| seen.insert(id.clone()));
    Ok(ids.take(WAITING_MAX).collect())
}

/// Returns the sessions that wait for a person, those that began to wait last first.
pub(crate) async fn waiting(app: &App, store: &Store) -> Result<Vec<(Session, State)>, ReadError> {
    let mut found = Vec::new();
    for id in told_to_wait(app, store).await? {
        if let Some((session, state, _)) = of_session(app, store, &id).await?
            && state.waiting.is_some()
        {
            found.push((session, state));
        }
    }
    let since = |state: &State| state.waiting.as_ref().map_or(0, |waiting| waiting.since_ms);
    found.sort_by_key(|(_, state)| std::cmp::Reverse(since(state)));
    Ok(found)
}
