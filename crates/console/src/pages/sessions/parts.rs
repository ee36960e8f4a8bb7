//! A session's transcript, part by part, in either direction. Parts never overlap and leave nothing
//! out: those that are loaded one after the other end at the event that was the last one when the page
//! was made, and what came after that one is told live.

use axum::http::HeaderMap;
use oriel_wire::SessionEntries;
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::address::{Address, encode, of_session};
use crate::app::App;
use crate::ask::AskError;

/// So many entries are in a part.
const ENTRIES: usize = 50;

/// So much of each text is in a page. There is a link to the whole.
pub(crate) const TEXT_BYTES: usize = 12 * 1024;

/// Which part of a transcript is asked for.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(crate) struct Place {
    /// `old` or `new`: which entries come first.
    #[serde(default)]
    pub(crate) order: Option<String>,
    #[serde(default)]
    pub(crate) after: Option<i64>,
    #[serde(default)]
    pub(crate) before: Option<i64>,
    /// The last event there was when the first part was shown.
    #[serde(default)]
    pub(crate) until: Option<i64>,
    /// The event that is looked for.
    #[serde(default)]
    pub(crate) at: Option<i64>,
}

/// A part, in the order in which it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) entries: Vec<Entry>,
    /// Where what is above the part is.
    pub(crate) earlier: Option<String>,
    /// Where what is below it is.
    pub(crate) more: Option<String>,
    pub(crate) is_newest_first: bool,
    /// The last event that any part of this page shows.
    pub(crate) until: i64,
}

impl Place {
    /// Reads a part. Nothing said of the order, a session that runs is shown from its end.
    pub(crate) async fn read(
        &self,
        app: &App,
        session: &str,
        is_over: bool,
        newest: i64,
        limit: Option<usize>,
        text_bytes: usize,
    ) -> Result<Part, AskError> {
        let is_newest_first = match self.order.as_deref() {
            Some("new") => true,
            Some(_) => false,
            None => !is_over && self.at.is_none() && self.after.is_none(),
        };
        let until = self.until.unwrap_or(newest);
        let limit = limit.unwrap_or(ENTRIES);
        let ask = |after: Option<i64>, before: Option<i64>, limit: usize| {
            let address = Address::new(format!("/api/sessions/{}/entries", encode(session)))
                .with("after", after)
                .with("before", before)
                .with("until", Some(until))
                .with("limit", Some(limit))
                .with("text_bytes", Some(text_bytes));
            async move { app.runtime.get::<SessionEntries<'static>>(address.as_str()).await }
        };
        let part = match (self.at, self.after, self.before) {
            (Some(at), ..) => {
                // A third of them come before it.
                let (before, after) = futures_util::future::try_join(
                    ask(None, Some(at), limit / 3),
                    ask(Some(at.saturating_sub(1)), None, limit - limit / 3),
                )
                .await?;
                let entries = before.entries.into_iter().chain(after.entries).collect();
                SessionEntries { entries, older: before.older, ..after }
            }
            (None, Some(after), _) => ask(Some(after), None, limit).await?,
            (None, None, Some(before)) => ask(None, Some(before), limit).await?,
            (None, None, None) if is_newest_first => ask(None, None, limit).await?,
            (None, None, None) => ask(Some(0), None, limit).await?,
        };
        let mut entries: Vec<Entry> = part.entries.iter().map(Entry::of).collect();
        if !is_newest_first {
            // What sources tell late is read where it happened, as far as that is on this part.
            entries.sort_by_key(|entry| sortable(&entry.at));
        }
        let here = |name: &str, number: Option<i64>| {
            let order = if is_newest_first { "new" } else { "old" };
            let address = Address::new(of_session(session))
                .with("order", Some(order))
                .with(name, Some(number?))
                .with("until", Some(until));
            Some(String::from(address))
        };
        let (older, newer) = (here("before", part.older), here("after", part.newer));
        let (earlier, more) = if is_newest_first { (newer, older) } else { (older, newer) };
        if is_newest_first {
            entries.reverse();
        }
        Ok(Part { entries, earlier, more, is_newest_first, until })
    }
}

/// Moments come with and without letters in them.
fn sortable(at: &str) -> String {
    at.replace(['T', 'Z'], " ").trim_end().to_owned()
}

/// Returns the element that a part is asked for, where HTMX asks.
pub(crate) fn target(headers: &HeaderMap) -> Option<&str> {
    let is_part = headers.get("hx-request").is_some_and(|value| value == "true")
        && headers.get("hx-history-restore-request").is_none_or(|value| value != "true");
    headers.get("hx-target")?.to_str().ok().filter(|_| is_part)
}
