//! `oriel notices`: what you are told of, and what is done about it.

use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_wire::{NoticeList, NoticeRow, SnoozeRequest};
use serde_json::json;

use crate::Exit;
use crate::args::{Notices, NoticesCommand};
use crate::output::{Output, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// One page has so many notices.
const PAGE: usize = 200;

/// Lists notices, or does something about one.
pub(super) fn run(
    notices: &Notices,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        match &notices.command {
            None => list(notices, config, output).await,
            Some(command) => change(command, config, output).await,
        }
    })
}

async fn list(notices: &Notices, config: Config, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let state = if notices.all { "all" } else { "open" };
    let service = Service::reach(config).await?;
    let path = format!("/api/notices?state={state}&limit={PAGE}");
    let page = service.get::<NoticeList>(&path).await;
    service.close().await;
    let page = page?;
    if notices.form.json {
        output.json(&page)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = page.notices.iter().map(row).collect();
    let summary = match page.notices.len() {
        0 => "there are no notices\n".to_owned(),
        count if page.next.is_some() => format!("the latest {count} notices\n"),
        count => format!("{}\n", text::counted(count as i64, "notice", "notices")),
    };
    output.print(&(table::render(&rows, output.paint()) + &summary))?;
    Ok(Exit::Done)
}

async fn change(
    command: &NoticesCommand,
    config: Config,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let (id, what, form) = match command {
        NoticesCommand::Open { id, form } => (id, "open", form),
        NoticesCommand::Snooze { id, form, .. } => (id, "snooze", form),
        NoticesCommand::Handle { id, form } => (id, "handle", form),
    };
    let body = match command {
        NoticesCommand::Snooze { minutes, until, .. } => json!(SnoozeRequest {
            until: until.clone(),
            minutes: until.is_none().then_some(*minutes),
        }),
        _ => json!({}),
    };
    let service = Service::reach(config).await?;
    let answer = service.post::<NoticeRow>(&format!("/control/notices/{id}/{what}"), &body).await;
    service.close().await;
    let notice = answer?;
    if form.json {
        output.json(&notice)?;
    } else {
        output.print(&table::render(&[row(&notice)], output.paint()))?;
    }
    Ok(Exit::Done)
}

fn row(notice: &NoticeRow) -> [Cell; 6] {
    let style = match notice.priority.as_str() {
        "high" => Style::Bad,
        "low" => Style::Faint,
        _ => Style::Doubtful,
    };
    let stands = match notice {
        NoticeRow { handled_at: Some(_), .. } => "handled",
        NoticeRow { snoozed_until: Some(_), .. } => "snoozed",
        NoticeRow { opened_at: Some(_), .. } => "opened",
        _ => "new",
    };
    [
        Cell::new(Style::Strong, notice.id.to_string()),
        Cell::new(style, &notice.priority),
        Cell::new(Style::Faint, stands),
        Cell::new(Style::Faint, &notice.created_at),
        Cell::plain(&notice.title),
        Cell::new(Style::Faint, line(&notice.body)),
    ]
}

/// Returns the beginning of a text, for a table.
fn line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
