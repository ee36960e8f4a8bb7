//! What comes while somebody reads a session: new entries where they belong, and how it stands now.
//! Nothing that is being read moves or is made anew.

use axum::extract::{Query, State};
use minijinja::context;
use oriel_wire::SessionEntries;
use serde::Deserialize;

use super::entry::{Entry, Kind};
use super::one::Head;
use super::parts::TEXT_BYTES;
use crate::address::{Address, encode};
use crate::app::Shared;
use crate::error::PageError;
use crate::live::After;
use crate::page::{Page, shown};

/// So many entries come at once. The rest follows at once, since the cursor stays before it.
const ENTRIES: usize = 100;

/// So many of the entries before may have learnt their words since they were shown.
const LEARNING: usize = 8;

/// Which session is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    id: String,
    /// In which order its entries are shown; nothing where another view is.
    #[serde(default)]
    order: Option<String>,
}

/// Tells what is new of a session.
pub(crate) async fn session(
    State(app): Shared,
    Query(after): Query<After>,
    Query(asked): Query<Asked>,
) -> Result<Page, PageError> {
    let newest = app.wait_for_news(&after).await?;
    let url = |after: i64| -> String {
        let address = Address::new("/live/session").with("id", Some(&asked.id));
        address.with("after", Some(after)).with("order", asked.order.as_ref()).into()
    };
    let cursor = after.after.unwrap_or(newest);
    if cursor == newest {
        return Ok(Page::new("live/session", "", context! { next => url(newest) }));
    }
    let path = format!("/api/sessions/{}/entries", encode(&asked.id));
    let part = Address::new(&path)
        .with("after", Some(cursor))
        .with("until", Some(newest))
        .with("limit", Some(ENTRIES))
        .with("text_bytes", Some(TEXT_BYTES));
    let part: SessionEntries<'static> = app.runtime.get(part.as_str()).await?;
    let Some(last) = part.entries.last().map(|entry| entry.event.id) else {
        return Ok(Page::new("live/session", "", context! { next => url(newest) }));
    };
    let head = Head::read(&app, &asked.id).await?;
    let next = if part.newer.is_some() { last } else { newest };
    let mut learnt = Vec::new();
    if asked.order.is_some() {
        let before = Address::new(&path)
            .with("before", Some(cursor.saturating_add(1)))
            .with("limit", Some(LEARNING))
            .with("text_bytes", Some(TEXT_BYTES));
        let before: SessionEntries<'static> = app.runtime.get(before.as_str()).await?;
        learnt = before.entries.iter().map(Entry::of).filter(is_without_folds).collect();
    }
    let mut entries: Vec<Entry> = part.entries.iter().map(Entry::of).collect();
    let is_newest_first = asked.order.as_deref() == Some("new");
    if is_newest_first {
        entries.reverse();
    }
    let shows = context! {
        next => url(next),
        entries => shown(&entries),
        learnt => shown(&learnt),
        is_newest_first,
        has_entries => asked.order.is_some(),
        ..head.shows()
    };
    Ok(Page::new("live/session", "", shows))
}

/// What a person may have unfolded stays as it is.
fn is_without_folds(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Answer | Kind::Prompt | Kind::Usage)
}
