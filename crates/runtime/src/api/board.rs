//! What the operator's pages ask of many sessions at once: the board and the table.

use axum::extract::State;
use axum::response::Response;
use oriel_model::{Note, Role, StoredEvent};
use oriel_store::{
    Entry, Head, HeadsQuery, PhaseFilter, TableCursor, TableFilter, TableQuery, TableRow, TableSort,
};
use oriel_wire::time::sqlite_text;
use oriel_wire::{Board, Problem, SessionTable, SessionTableRow, Waiting};

use super::Shared;
use super::error::ApiError;
use super::params::Params;
use super::reply::found;
use crate::app::App;
use crate::rows::detail;
use crate::{board, state};

/// A board has so many cards where nothing is said,
const CARDS: usize = 24;

/// and no more than this.
const CARDS_MAX: usize = 200;

/// A page of the table has so many rows where nothing is said,
const ROWS: usize = 50;

/// and no more than this; a longer table is read in pages.
const TABLE_ROWS_MAX: usize = 200;

/// So much is told of what was asked first in a session.
const OPENING_BYTES_MAX: usize = 300;

/// A session whose last event is older only waits if something was told of it.
const QUIET_SECONDS: i64 = 12 * 3600;

/// Shows the sessions that are at work, wait for a person, or ended in the last six hours: how each
/// stands, what it adds up to and what it did last.
#[utoipa::path(get, path = "/api/board", tag = "sessions",
    params(("limit" = Option<i64>, Query, description = "24 unless told, 200 at most")),
    responses((status = 200, body = Board)))]
pub(super) async fn board(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let limit = params.limit("limit", CARDS).min(CARDS_MAX);
    Ok(found(&board::read(&app, app.store()?, limit).await?))
}

/// Lists sessions, searched, filtered and sorted, in pages.
#[utoipa::path(get, path = "/api/sessions/table", tag = "sessions", params(
        ("q" = Option<String>, Query,
            description = "What an id begins with, or a title, project or branch has"),
        ("agent_type" = Option<String>, Query), ("project" = Option<String>, Query),
        ("branch" = Option<String>, Query),
        ("phase" = Option<String>, Query, description = "active, idle or ended"),
        ("model" = Option<String>, Query, description = "The model that was named last"),
        ("sort" = Option<String>, Query,
            description = "last (unless told), started, cost, tokens, duration, events or turns"),
        ("order" = Option<String>, Query, description = "desc (unless told) or asc"),
        ("limit" = Option<i64>, Query, description = "50 unless told, 200 at most"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, body = SessionTable), (status = 400, body = Problem)))]
pub(super) async fn table(State(app): Shared, params: Params) -> Result<Response, ApiError> {
    let order = Order::read(&params)?;
    let query = TableQuery {
        filter: TableFilter {
            text: params.text("q"),
            agent_type: params.text("agent_type"),
            project: params.text("project"),
            branch: params.text("branch"),
            phase: params.text("phase").map(|word| PhaseFilter::from_word(&word)),
            model: params.text("model"),
        },
        sort: order.sort,
        ascending: order.ascending,
        limit: params.limit("limit", ROWS).min(TABLE_ROWS_MAX),
        after: params.text("cursor").map(|text| order.cursor(&text)).transpose()?,
    };
    let store = app.store()?;
    let page = store.session_table(query, app.now(), app.quiet).await?;
    let named = page.rows.iter().map(|row| row.session.id.clone()).collect();
    let oldest = app.now().saturating_sub(QUIET_SECONDS);
    let enough = move |notes: &[Note], events: &[StoredEvent]| {
        let is_quiet = events.last().is_some_and(|last| last.created_at < oldest)
            && !notes.iter().any(|note| matches!(note.name.as_str(), "waiting" | state::PROCESS));
        is_quiet || state::is_enough(notes, events)
    };
    let query = HeadsQuery { named, liveliest: 0, since: 0 };
    let heads = store.heads(query, app.now(), app.quiet, enough).await?.heads;
    let rows = page.rows.into_iter().map(|of| {
        let head = heads.iter().find(|head| head.session.id == of.session.id);
        row(&app, of, head)
    });
    Ok(found(&SessionTable {
        rows: rows.collect(),
        next: page.next.map(|next| order.text(next)),
        total: page.total,
    }))
}

fn row(app: &App, of: TableRow, head: Option<&Head>) -> SessionTableRow {
    let TableRow { session, title, opening } = of;
    let waiting: Option<Waiting> = head.and_then(|head| {
        let state = board::state_of(app, head);
        state::state_row(head.session.clone(), state, app.now_ms()).waiting
    });
    let title: Option<String> = title.and_then(|title| serde_json::from_str(&title).ok());
    SessionTableRow {
        phase: session.phase(app.now(), app.quiet).as_str().to_owned(),
        session_id: session.id,
        agent_type: session.agent_type,
        title: title.filter(|title| !title.trim().is_empty()),
        opening: opening.and_then(|entry| words_of(&entry)),
        project: session.project,
        branch: session.branch,
        model: session.model,
        turns: session.turns,
        events: session.events,
        tokens_in: session.tokens_in,
        tokens_out: session.tokens_out,
        cache_read: session.cache_read,
        cache_write: session.cache_write,
        cost_usd: session.cost.dollars(),
        unpriced: session.unpriced > 0,
        started_at: sqlite_text(session.started_at),
        last_event_at: sqlite_text(session.life.last_event),
        duration_seconds: session.life.last_event.saturating_sub(session.started_at),
        waiting,
    }
}

/// Returns the beginning of what a prompt says.
fn words_of(entry: &Entry) -> Option<String> {
    let kept = entry.texts.iter().find(|text| text.role == Role::Prompt);
    let words = match kept {
        Some(kept) => kept.text.clone(),
        None => detail(entry.event.event.facet.kind, entry.event.event.metadata.text())?,
    };
    let words = words[..words.floor_char_boundary(OPENING_BYTES_MAX)].trim();
    (!words.is_empty()).then(|| words.to_owned())
}

/// In which order the table is, as it stands in a cursor.
struct Order {
    sort: TableSort,
    word: String,
    ascending: bool,
}

impl Order {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let word = params.text("sort").unwrap_or_else(|| "last".to_owned());
        let sort = TableSort::from_word(&word).ok_or_else(|| {
            let known = "last, started, cost, tokens, duration, events or turns";
            ApiError::Bad(format!("`sort` is {word:?}; it is one of {known}").into())
        })?;
        let ascending = match params.text("order").as_deref() {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(other) => {
                return Err(ApiError::Bad(
                    format!("`order` is {other:?}; it is asc or desc").into(),
                ));
            }
        };
        Ok(Self { sort, word, ascending })
    }

    fn begin(&self) -> String {
        format!("{}.{}.", self.word, if self.ascending { "asc" } else { "desc" })
    }

    fn text(&self, TableCursor { key, no }: TableCursor) -> String {
        format!("{}{key}.{no}", self.begin())
    }

    /// Reads a cursor. One of another order would lead anywhere, so it is refused.
    fn cursor(&self, text: &str) -> Result<TableCursor, ApiError> {
        let place = text.strip_prefix(&self.begin()).and_then(|rest| rest.split_once('.'));
        let place = place.and_then(|(key, no)| {
            Some(TableCursor { key: key.parse().ok()?, no: no.parse().ok()? })
        });
        place.ok_or_else(|| {
            ApiError::Bad(
                "`cursor` is no `next` of a page before, in this `sort` and `order`".into(),
            )
        })
    }
}
