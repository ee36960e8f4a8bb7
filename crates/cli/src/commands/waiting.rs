//! `oriel waiting`: which sessions wait for you, since when, and for what.

use oriel_runtime::settings::Flag;
use oriel_wire::{SessionState, WaitingSessions};

use crate::Exit;
use crate::args::Json;
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// Lists the sessions that wait.
pub(super) fn run(
    form: Json,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let waiting = super::wait(async {
        let service = Service::reach(config).await?;
        let waiting = service.get::<WaitingSessions>("/api/waiting").await;
        service.close().await;
        Ok(waiting?)
    })?;
    if form.json {
        output.json(&waiting)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = waiting.sessions.iter().map(row).collect();
    let summary = match waiting.total {
        0 => "no session waits for you\n".to_owned(),
        1 => "1 session waits for you\n".to_owned(),
        total => format!("{total} sessions wait for you\n"),
    };
    output.print(&(table::render(&rows, output.paint()) + &summary))?;
    Ok(Exit::Done)
}

fn row(session: &SessionState) -> [Cell; 6] {
    let waiting = session.waiting.as_ref();
    let whom = waiting.map_or("", |waiting| waiting.whom.as_str());
    let style = if whom == "input" { Style::Doubtful } else { Style::Bad };
    let asked = waiting.map(|waiting| [waiting.tool.as_deref(), waiting.what.as_deref()]);
    let asked: Vec<&str> = asked.into_iter().flatten().flatten().collect();
    let seconds = waiting.map_or(0, |waiting| waiting.seconds.unsigned_abs());
    [
        Cell::new(style, whom),
        Cell::plain(text::span(seconds)),
        Cell::plain(session.project.as_deref().unwrap_or(&session.agent_type)),
        Cell::plain(session.title.as_deref().unwrap_or_default()),
        Cell::plain(asked.join(": ")),
        Cell::new(Style::Faint, &session.session_id),
    ]
}
