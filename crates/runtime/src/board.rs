//! The board: how the liveliest sessions stand, with what each did last.

use std::cmp::Reverse;

use oriel_model::{Note, Phase, StoredEvent};
use oriel_store::{Head, HeadsQuery, ReadError, Store};
use oriel_wire::time::sqlite_text;
use oriel_wire::{Board, Card, CardTotals};

use crate::app::App;
use crate::rows::{brief, happened_ms};
use crate::state::{self, Sight, State};

/// A session that ended is shown for so long.
const ENDED_SHOWN_SECONDS: i64 = 6 * 3600;

/// A card shows so many of the latest events.
const RECENT: usize = 6;

/// Returns up to `limit` cards.
pub(crate) async fn read(app: &App, store: &Store, limit: usize) -> Result<Board, ReadError> {
    let (now, now_ms) = (app.now(), app.now_ms());
    let ended_since = now.saturating_sub(ENDED_SHOWN_SECONDS);
    let query = HeadsQuery {
        named: state::told_to_wait(app, store).await?,
        liveliest: limit,
        // One that falls silent ends later than its last event.
        since: app.quiet.ended_since(ended_since),
    };
    let enough = |notes: &[Note], events: &[StoredEvent]| {
        events.len() >= RECENT && state::is_enough(notes, events)
    };
    let heads = store.heads(query, now, app.quiet, enough).await?;
    let mut found: Vec<(Rank, Head, State)> = heads
        .heads
        .into_iter()
        .filter_map(|head| {
            let state = state_of(app, &head);
            Some((rank(&head, &state, ended_since)?, head, state))
        })
        .collect();
    found.sort_by_key(|(rank, ..)| *rank);
    found.truncate(limit);
    let cards = found.into_iter().map(|(_, head, state)| card(head, state, now_ms)).collect();
    Ok(Board { last_event: heads.last_event.0, cards })
}

/// Returns how a session stands, by what was read of it.
pub(crate) fn state_of(app: &App, head: &Head) -> State {
    let sights: Vec<Sight> = head.events.iter().map(Sight::of).collect();
    state::state_of(&head.session, &head.notes, &sights, app.now_ms(), app.quiet)
}

/// Where a card stands: what it does, then when its last event was received, and which that is.
type Rank = (u8, Reverse<i64>, Reverse<i64>);

/// Returns nothing for a session that is not shown.
fn rank(head: &Head, state: &State, ended_since: i64) -> Option<Rank> {
    let last = head.events.first();
    let does = match state.phase {
        _ if state.waiting.is_some() => 0,
        Phase::Active => 1,
        Phase::Idle => 2,
        Phase::Ended { at } => {
            // A history is received long after it happened, and its sessions did not just end.
            let happened =
                last.filter(|last| last.event.historical).map(|last| happened_ms(last) / 1000);
            if happened.unwrap_or(at).min(at) < ended_since {
                return None;
            }
            3
        }
    };
    let number = last.map_or(0, |last| last.number.0);
    Some((does, Reverse(head.session.life.last_event), Reverse(number)))
}

fn card(head: Head, state: State, now_ms: i64) -> Card {
    let Head { session, events, .. } = head;
    let recent: Vec<_> = events.iter().take(RECENT).map(brief).collect();
    Card {
        totals: CardTotals {
            events: session.events,
            turns: session.turns,
            tokens_in: session.tokens_in,
            tokens_out: session.tokens_out,
            cache_read: session.cache_read,
            cache_write: session.cache_write,
            cost_usd: session.cost.dollars(),
            unpriced: session.unpriced,
            files_edited: session.files_edited,
            lines_added: session.lines_added,
            lines_removed: session.lines_removed,
        },
        started_at: sqlite_text(session.started_at),
        last_event: recent.first().cloned(),
        recent,
        state: state::state_row(session, state, now_ms),
    }
}
