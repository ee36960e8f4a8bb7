//! Holding a request of the live page until sync stands otherwise than the page shows it.

use std::time::Duration;

use http_body_util::BodyExt as _;
use oriel_wire::sync::SyncList;
use serde::Deserialize;
use tokio::time::Instant;

use crate::app::App;
use crate::ask::AskError;
use crate::live::{After, HOLD_SECONDS};
use crate::pages::agents::hold::digest;

/// So many pages listen at once. Another one is answered without news, and asks again.
pub(crate) const WATCHES_MAX: usize = 32;

/// A page that asks again and again is answered no sooner than this.
const REDRAW_EVERY: Duration = Duration::from_millis(300);

/// What a page knows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Knows {
    /// A digest of what it shows.
    #[serde(default)]
    shows: String,
}

/// What a held request found: how things stand, unless the page shows that.
pub(crate) struct Held {
    pub(crate) list: Option<SyncList>,
    pub(crate) digest: String,
}

/// Returns what tells one list from another.
pub(crate) fn digest_of(list: &SyncList) -> String {
    digest(list)
}

impl App {
    /// Holds a request.
    pub(crate) async fn hold_sync(&self, after: &After, knows: &Knows) -> Result<Held, AskError> {
        let began = Instant::now();
        let is_at_once = after.now.is_some();
        let hold = Duration::from_secs(if is_at_once { 0 } else { HOLD_SECONDS });
        let same = || Held { list: None, digest: knows.shows.clone() };
        let mut stop = self.stop.subscribe();
        tokio::select! {
            found = self.other_than(knows, began, is_at_once) => {
                Ok(found?.map_or_else(same, |(list, digest)| Held { list: Some(list), digest }))
            }
            // The first look is always finished, so that a page which wants an answer at once has one.
            () = tokio::time::sleep(hold), if !is_at_once => Ok(same()),
            _ = stop.wait_for(|stop| *stop) => Ok(same()),
        }
    }

    /// Waits until there is something else to show.
    async fn other_than(
        &self,
        knows: &Knows,
        began: Instant,
        is_at_once: bool,
    ) -> Result<Option<(SyncList, String)>, AskError> {
        // Where all places are taken the wait is for a place, and ends like any other.
        let _place = self.sync_watches.acquire().await;
        // It listens before it looks, so that nothing is missed between the two.
        let mut events = match is_at_once {
            true => None,
            false => Some(self.runtime.stream("/control/sync/events").await?),
        };
        loop {
            let list = self.syncs().await?.unwrap_or_else(|| SyncList { syncs: Vec::new() });
            let digest = digest_of(&list);
            let is_other = digest != knows.shows;
            let Some(events) = &mut events else {
                return Ok(is_other.then_some((list, digest)));
            };
            if is_other && REDRAW_EVERY <= began.elapsed() {
                return Ok(Some((list, digest)));
            }
            if !is_other {
                // Whatever comes, be it a heartbeat or the end of a stream that broke, is worth a look.
                let is_over = events.frame().await.is_none_or(|frame| frame.is_err());
                if is_over {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    return Ok(None);
                }
            }
            // The first news after a silence is shown at once. Those of a burst come together.
            tokio::time::sleep_until(began + REDRAW_EVERY).await;
        }
    }
}
