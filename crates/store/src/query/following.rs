//! Events that have certain words, among the newest and after a cursor.

use std::collections::BTreeMap;

use oriel_model::{EventNumber, StoredEvent};
use rusqlite::Connection;

use super::events::{EventFilter, Page, Plan};
use super::seconds_of;
use crate::readers::ReadError;
use crate::search::{SearchFilter, SearchQuery, Sought, find, texts_have};
use crate::store::Store;

/// So many events after a cursor are looked at for words before what was found is answered.
const LOOKED_AT_MAX: usize = 1000;

/// So many of the newest events are looked at for words that stand in no text of theirs.
const NEWEST_MAX: usize = 400;

/// So many pages of the search are gone through for one page of events.
const SEARCHES_MAX: usize = 4;

/// Events after a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The events, oldest first.
    pub events: Vec<StoredEvent>,
    /// How far was looked, where that is not to the end.
    pub reached: Option<EventNumber>,
}

impl Store {
    /// Returns events after a cursor, oldest first, and how far was looked for them. Where words are
    /// looked for, that is only so far at a time, and there may be none among what was looked at.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn follow(
        &self,
        after: EventNumber,
        filter: EventFilter,
        limit: usize,
    ) -> Result<Followed, ReadError> {
        self.readers()
            .ask(move |connection| {
                let Some(plan) = Plan::make(connection, &filter)? else {
                    return Ok(Followed { events: Vec::new(), reached: None });
                };
                let most = if filter.text.is_some() { LOOKED_AT_MAX } else { limit };
                let mut events = plan.after(connection, after, most)?;
                let mut reached = events.last().map(|last| last.number);
                if events.len() < most {
                    reached = None;
                }
                if let Some(sought) = &filter.text {
                    events = having(connection, events, sought)?;
                    if events.len() > limit {
                        events.truncate(limit);
                        reached = events.last().map(|last| last.number);
                    }
                }
                Ok(Followed { events, reached })
            })
            .await
    }
}

/// Returns those of these events that have words.
fn having(
    connection: &Connection,
    events: Vec<StoredEvent>,
    sought: &Sought,
) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut found = Vec::new();
    for stored in events {
        if sought.is_said_by(&stored.event) || texts_have(connection, stored.number, sought)? {
            found.push(stored);
        }
    }
    Ok(found)
}

/// Returns the newest events that match and have words: of those that the search finds, and of the
/// newest that say it without a text. The total is of those that were found.
pub(crate) fn newest_with(
    connection: &Connection,
    plan: &Plan,
    filter: &EventFilter,
    sought: &Sought,
    limit: usize,
    offset: usize,
) -> rusqlite::Result<Page> {
    let wanted = limit.saturating_add(offset);
    let mut found: BTreeMap<i64, StoredEvent> = BTreeMap::new();
    let seconds = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => seconds_of(connection, text),
    };
    let (since, until) = (seconds(&filter.since)?, seconds(&filter.until)?);
    let without_words = EventFilter { text: None, ..filter.clone() };
    let is_meant = |stored: &StoredEvent| {
        without_words.matches(&stored.event)
            && since.is_none_or(|since| stored.created_at >= since)
            && until.is_none_or(|until| stored.created_at <= until)
    };
    for stored in plan.newest(connection, NEWEST_MAX, 0)? {
        if sought.is_said_by(&stored.event) {
            found.insert(stored.number.0, stored);
        }
    }
    let mut query = SearchQuery {
        words: sought.typed().to_owned(),
        filter: SearchFilter {
            agent_type: filter.agent_type.clone(),
            session: filter.session_id.clone(),
            project: filter.project.clone(),
            branch: filter.branch.clone(),
            model: filter.model.clone(),
            tool: filter.tool_name.clone(),
            ..SearchFilter::default()
        },
        limit: wanted.saturating_add(1),
        cursor: None,
    };
    for _ in 0..SEARCHES_MAX {
        let page = find(connection, &query)?;
        for hit in page.hits.into_iter().filter(|hit| is_meant(&hit.event)) {
            found.insert(hit.event.number.0, hit.event);
        }
        query.cursor = page.next;
        if found.len() > wanted || query.cursor.is_none() {
            break;
        }
    }
    let mut events: Vec<StoredEvent> = found.into_values().collect();
    events.sort_by_key(|stored| std::cmp::Reverse((stored.created_at, stored.number)));
    let total = events.len() as u64;
    Ok(Page { events: events.into_iter().skip(offset).take(limit).collect(), total })
}
