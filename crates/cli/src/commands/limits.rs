//! `oriel limits`: how much of each agent's limits is used, as the agents told.

use oriel_runtime::settings::Flag;
use oriel_wire::{Limit, Limits};

use crate::Exit;
use crate::args::Json;
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use oriel_daemon::Surroundings;

/// A limit of which more than this is used is nearly full, in percent.
const NEARLY: f64 = 80.0;

/// Lists the limits.
pub(super) fn run(
    form: Json,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let limits = super::wait(async {
        let service = Service::reach(config).await?;
        let limits = service.get::<Limits>("/api/limits").await;
        service.close().await;
        Ok(limits?)
    })?;
    if form.json {
        output.json(&limits)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = limits.limits.iter().map(row).collect();
    let table = table::render(&rows, output.paint());
    output.print(match rows.as_slice() {
        [] => "no agent has told of its limits\n",
        _ => &table,
    })?;
    Ok(Exit::Done)
}

fn row(limit: &Limit) -> [Cell; 5] {
    let style = match limit.used_percent {
        _ if limit.stale => Style::Faint,
        full if full >= 100.0 => Style::Bad,
        used if used >= NEARLY => Style::Doubtful,
        _ => Style::Good,
    };
    let resets = match &limit.resets_at {
        _ if limit.stale => "began anew since".to_owned(),
        Some(at) => format!("begins anew at {at}"),
        None => String::new(),
    };
    [
        Cell::new(Style::Strong, &limit.agent_type),
        Cell::plain(&limit.window),
        Cell::new(style, format!("{:.1} %", limit.used_percent)),
        Cell::plain(resets),
        Cell::new(Style::Faint, format!("told at {}", limit.told_at)),
    ]
}
