//! `oriel seed`: demonstration data that looks like work.

mod agents;
pub(super) mod story;

use oriel_runtime::settings::Flag;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Exit;
use crate::args::Seed;
use crate::output::Output;
use crate::service::Service;
use crate::{progress, text};
use oriel_daemon::Surroundings;
use story::Plan;

/// How many events are posted at a time, far below the daemon's cap on a body.
const BATCH_EVENTS: usize = 200;

/// What became of the events of one batch.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Receipt {
    received: u64,
    duplicates: u64,
    rejected: Vec<Value>,
}

/// Makes the events and posts them.
pub(super) fn run(
    seed: Seed,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let plan = Plan {
        events: seed.events as usize,
        sessions: seed.sessions as usize,
        days: seed.days,
        seed: seed.seed,
        now: jiff::Timestamp::try_from(surroundings.clock.now())?,
    };
    let events = story::tell(&plan);
    let total = super::wait(async {
        let service = Service::reach(config).await?;
        let posted = progress::show("adding events", post(&service, &events)).await;
        service.close().await;
        posted
    })?;
    if seed.form.json {
        output.json(&json!({ "added": total.received, "alreadyThere": total.duplicates }))?;
    } else {
        output.print(&format!(
            "added {}; {} already there\n",
            text::counted(total.received.cast_signed(), "event", "events"),
            text::counted(total.duplicates.cast_signed(), "was", "were"),
        ))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn post(service: &Service, events: &[Value]) -> anyhow::Result<Receipt> {
    let mut total = Receipt::default();
    for batch in events.chunks(BATCH_EVENTS) {
        let receipt: Receipt =
            service.post("/api/events/batch", &json!({ "events": batch })).await?;
        if let Some(first) = receipt.rejected.first() {
            anyhow::bail!("the daemon rejected {} events, first {first}", receipt.rejected.len());
        }
        total.received += receipt.received;
        total.duplicates += receipt.duplicates;
    }
    Ok(total)
}
