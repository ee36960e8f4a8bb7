//! Live pages: a page holds a cursor, the number of the last event that it shows, and asks for what came
//! after. The request is held until there is something, then the answer carries the next cursor.
//!
//! Nothing is lost or shown twice, whatever happens between two requests: a page that slept for an hour
//! asks with the cursor that it has.
//!
//! A handler of a live page waits with [`App::news`], asks what its page asks, and answers with the
//! [`regions`] of it. Of those, only what is other than the page has it goes out.

pub(crate) mod regions;

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use minijinja::context;
use oriel_wire::control::{DaemonPhase, Readiness};
use oriel_wire::{EventRow, EventsAfter};
use serde::Deserialize;
use tokio::time::Instant;

use crate::app::{App, Shared};
use crate::ask::AskError;
use crate::error::PageError;
use crate::page::Page;
use regions::Regions;

/// For how long a request is held.
pub(crate) const HOLD_SECONDS: u64 = 25;

/// A page that asks is answered no sooner than this, however much happens. With the way to the page and
/// back, it is drawn anew ten times a second at most.
const REDRAW_EVERY: Duration = Duration::from_millis(90);

/// What every live request says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct After {
    /// The number of the last event that the page shows; nothing where it shows none.
    #[serde(default)]
    pub(crate) after: Option<i64>,
    /// Whether the page wants an answer at once, since another page of the same browser waits for it.
    #[serde(default)]
    pub(crate) now: Option<u8>,
    /// The regions that the page has, each with a digest of what it shows.
    #[serde(default)]
    pub(crate) has: Option<String>,
}

/// What happened since a page was made.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The first events after the cursor, oldest first.
    pub(crate) events: Vec<EventRow<'static>>,
    /// The cursor of a page that shows these and all before.
    pub(crate) next: i64,
    /// The number of the last event that there is.
    pub(crate) last: i64,
    /// Whether the store is another one than the page knew, so that all of it is to be shown anew.
    pub(crate) is_other: bool,
}

impl App {
    /// Waits until there are events after a cursor, for as long as a page may be held, and returns the
    /// number of the newest one. What is asked of the runtime after that knows of all up to it.
    pub(crate) async fn wait_for_news(&self, after: &After) -> Result<i64, AskError> {
        Ok(self.news(after, 1).await?.last)
    }

    /// Waits until there are events after a cursor, for as long as a page may be held, and returns the
    /// first `most` of them.
    pub(crate) async fn news(&self, after: &After, most: usize) -> Result<News, AskError> {
        // A page without a cursor wants to know where it stands, and waits for nothing.
        let Some(cursor) = after.after else {
            let last = self.newest_event().await?;
            return Ok(News { next: last, last, ..News::default() });
        };
        let began = Instant::now();
        let hold = if after.now.is_some() { 0 } else { HOLD_SECONDS };
        let mut stop = self.stop.subscribe();
        let wait = async {
            let news = self.events_after(cursor, hold, most).await?;
            // The first event after a silence is shown at once. Those of a burst come together.
            if hold == 0 || news.events.is_empty() || REDRAW_EVERY <= began.elapsed() {
                return Ok(news);
            }
            tokio::time::sleep_until(began + REDRAW_EVERY).await;
            self.events_after(cursor, 0, most).await
        };
        tokio::select! {
            news = wait => news,
            // The page asks again, and finds whoever listens here next.
            _ = stop.wait_for(|stop| *stop) => {
                Ok(News { next: cursor, last: cursor, ..News::default() })
            }
        }
    }

    async fn events_after(&self, cursor: i64, hold: u64, most: usize) -> Result<News, AskError> {
        let path = format!("/api/events/wait?after={cursor}&timeout={hold}&limit={most}");
        let EventsAfter { events, next, last } = match self.runtime.get(&path).await {
            Err(AskError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. })
                if self.is_gated().await =>
            {
                // It answers, and takes no events: there is no news until it was started again.
                tokio::time::sleep(Duration::from_secs(hold)).await;
                let here = if cursor == i64::MAX { 0 } else { cursor };
                return Ok(News { next: here, last: here, ..News::default() });
            }
            answer => answer?,
        };
        let is_other = last < cursor;
        Ok(News { events, next: if is_other { last } else { next }, last, is_other })
    }

    /// Returns whether the runtime waits in its gate.
    async fn is_gated(&self) -> bool {
        let readiness = self.runtime.get::<Readiness>("/control/readiness").await;
        readiness.is_ok_and(|readiness| readiness.phase == DaemonPhase::LocalReadinessGate)
    }

    /// Returns the number of the newest event.
    pub(crate) async fn newest_event(&self) -> Result<i64, AskError> {
        Ok(self.events_after(i64::MAX, 0, 1).await?.last)
    }
}

/// What is live on every page: how many notices nobody has read, and whether the runtime answers.
pub(crate) async fn frame(
    State(app): Shared,
    Query(after): Query<After>,
) -> Result<Page, PageError> {
    let newest = app.wait_for_news(&after).await?;
    let regions = Regions::new("/live/frame", &after, newest);
    Ok(Page::new("live/frame", "", context! {}).regions(regions))
}
