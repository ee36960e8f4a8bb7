//! `oriel tail`: the latest events, and each new one as soon as it is there.

use jiff::tz::TimeZone;
use oriel_runtime::settings::Flag;
use oriel_wire::{EventPage, EventRow, EventsAfter};

use crate::Exit;
use crate::address::Address;
use crate::args::Tail;
use crate::events;
use crate::output::{Output, OutputError};
use crate::service::Service;
use oriel_daemon::Surroundings;

/// How many events are asked for at once. Each may be as long as the daemon lets one be.
const PAGE: &str = "200";

/// Shows events until it is told to stop, or the daemon is gone.
pub(super) fn run(
    asked: &Tail,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let data_dir = config.data_dir.display().to_string();
    let zone = surroundings.clock.zone();
    super::wait(async {
        let service = Service::reach(config).await?;
        if !service.is_daemon() && !asked.no_follow {
            // A runtime of our own would keep a daemon from starting, and hear of nothing.
            service.close().await;
            eprint_line(&format!("no daemon runs for {data_dir}; start one with `oriel serve`"));
            return Ok(Exit::NotRunning);
        }
        let shown = tokio::select! {
            shown = show(&service, asked, &zone, output) => shown,
            stop = tokio::signal::ctrl_c() => stop.map_err(anyhow::Error::from),
        };
        service.close().await;
        shown.map(|()| Exit::Done)
    })
}

async fn show(
    service: &Service,
    asked: &Tail,
    zone: &TimeZone,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let session = match &asked.session {
        Some(name) => Some(super::sessions::find(service, name).await?),
        None => None,
    };
    let filtered = |path: &str| {
        Address::new(path)
            .with("session_id", session.as_ref())
            .with("agent_type", asked.agent.as_ref())
            .with("event_type", asked.kind.as_ref())
    };
    // What comes while the list is read is told by following, and only there.
    let last: EventPage<'static> = service.get("/api/events?limit=1").await?;
    let mut after = last.events.first().map_or(0, |event| event.id);
    if asked.count > 0 {
        let list = filtered("/api/events").with("limit", Some(asked.count.to_string()));
        let page: EventPage<'static> = service.get(list.as_str()).await?;
        for event in page.events.iter().rev().filter(|event| event.id <= after) {
            print(event, asked, zone, output)?;
        }
    }
    if asked.no_follow {
        return Ok(());
    }
    loop {
        let wait = filtered("/api/events/wait")
            .with("limit", Some(PAGE))
            .with("after", Some(after.to_string()));
        let page: EventsAfter<'static> = service.get(wait.as_str()).await?;
        for event in &page.events {
            print(event, asked, zone, output)?;
        }
        after = page.next;
    }
}

fn print(
    event: &EventRow<'_>,
    asked: &Tail,
    zone: &TimeZone,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    if asked.form.json {
        return output.json_line(event);
    }
    output.print(&events::line(event, zone, output.paint()))
}

fn eprint_line(line: &str) {
    use std::io::Write as _;
    let line = format!("oriel: {}\n", crate::text::clean(line));
    // With standard error closed there is nobody left to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
