//! What comes while somebody has the page of a session open: entries where they belong, what the agent
//! says as it says it, and what it asks. What a person writes meanwhile is left alone.

use axum::extract::{Query, State};
use minijinja::context;
use oriel_gateway_client::{ClientError, GatewayClient};
use oriel_wire::gateway::{SessionEvent, Snapshot};
use serde::Deserialize;

use super::entry::Conversation;
use super::hold::{Held, Knows, Look};
use super::of_agent;
use super::one::{digest_of, of_now, questions};
use crate::app::Shared;
use crate::error::PageError;
use crate::gateway::GatewayError;
use crate::gateway::watch::Of;
use crate::live::After;
use crate::live::regions::Regions;
use crate::page::{Page, shown};

/// So many events come at once. The rest follows at once, since the cursor stays before it.
const EVENTS: u32 = 100;

/// Which session is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    id: String,
}

/// Tells what is new of a session.
pub(crate) async fn session(
    State(app): Shared,
    Query(after): Query<After>,
    Query(asked): Query<Asked>,
    Query(knows): Query<Knows>,
) -> Result<Page, PageError> {
    let id = asked.id.as_str();
    let held = app.hold(&after, &knows, &asked).await?;
    let shows = held.digest();
    let cursor = after.after.unwrap_or(0);
    let begin =
        |next: i64| Regions::new("/live/agent", &after, next).keep("id", id).keep("shows", &shows);
    let regions = match held {
        Held::Same { .. } => begin(cursor),
        Held::Away { why, .. } => {
            begin(cursor).part("agents-away", "agents/away", context! { why })
        }
        Held::Found { found, watch, .. } => {
            let (events, next) = events_of(&watch.client, &found, after.after).await?;
            regions_of(begin(number(next)), &found, &events)
        }
    };
    Ok(Page::new("live/frame", "", context! { own => true }).regions(regions))
}

impl Look for Asked {
    type Found = Snapshot;

    async fn look(&self, gateway: &GatewayClient) -> Result<(Snapshot, String), ClientError> {
        let snapshot = gateway.join_session(&self.id, None).await?;
        let digest = digest_of(&snapshot);
        Ok((snapshot, digest))
    }

    fn of(&self) -> Of<'_> {
        Of::Session(&self.id)
    }

    fn is_new(&self, after: &After, snapshot: &Snapshot) -> bool {
        after.after.is_some_and(|after| after != number(snapshot.session.last_seq))
    }
}

/// Returns the events that the page does not have, as far as they come at once, and up to where it has
/// all with them.
async fn events_of(
    gateway: &GatewayClient,
    snapshot: &Snapshot,
    after: Option<i64>,
) -> Result<(Vec<SessionEvent>, u64), GatewayError> {
    let last = snapshot.session.last_seq;
    let after = after.map_or(last, |after| u64::try_from(after).unwrap_or(0));
    if last <= after {
        return Ok((Vec::new(), last));
    }
    let past = gateway.get_events(&snapshot.session.id, Some(after), Some(EVENTS)).await?;
    let mut events = past.events;
    // What came after the snapshot is told with the next one, so that nothing is shown twice.
    events.retain(|event| event.seq <= last);
    let next = match events.last() {
        Some(event) if past.has_more => event.seq.min(last),
        _ => last,
    };
    Ok((events, next))
}

fn regions_of(regions: Regions, snapshot: &Snapshot, events: &[SessionEvent]) -> Regions {
    let url = of_agent(&snapshot.session.id);
    let now = of_now(snapshot);
    let mut regions = regions
        .part("agents-away", "agents/away", context! { why => "" })
        .part("standing", "agents/standing", now.clone())
        .part("running", "agents/running", now.clone())
        .list("pending", "agents/open", questions(snapshot))
        .part("say-buttons", "agents/buttons", now);
    let Conversation { entries, fills, .. } = Conversation::after(events);
    if !entries.is_empty() {
        let shows = context! { url => url.clone(), entries => shown(&entries) };
        regions = regions.items_after("later", "agents/entries", shows);
    }
    for fill in fills {
        let shows = context! { url => url.clone(), fill => shown(&fill) };
        regions = regions.inside(&fill.id, "agents/fill", shows);
    }
    regions
}

/// The numbers of a session stay below 2^53.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
