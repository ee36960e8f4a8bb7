//! `oriel audit`: who changed what, when, and what came of it.

use oriel_runtime::settings::Flag;
use oriel_wire::audit::{AuditEntry, AuditPage};

use crate::Exit;
use crate::address::Address;
use crate::args::Audit;
use crate::output::{Output, Style};
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// Lists the latest entries.
pub(super) fn run(
    audit: &Audit,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let address = Address::new("/control/audit").with("limit", Some(audit.limit.to_string()));
    let page: AuditPage = super::wait(super::ask(config, &address))?;
    if audit.form.json {
        output.json(&page)?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = page.entries.iter().map(row).collect();
    let summary = match page.entries.len() {
        0 => "nothing was changed yet\n".to_owned(),
        count if page.next.is_some() => format!("the latest {count} entries\n"),
        count => format!("{}\n", text::counted(count as i64, "entry", "entries")),
    };
    output.print(&(table::render(&rows, output.paint()) + &summary))?;
    Ok(Exit::Done)
}

fn row(entry: &AuditEntry) -> [Cell; 6] {
    let style = if entry.refused || !entry.outcome.starts_with('2') {
        Style::Doubtful
    } else {
        Style::Good
    };
    [
        Cell::new(Style::Faint, &entry.at),
        Cell::new(Style::Strong, &entry.who),
        Cell::plain(&entry.what),
        Cell::plain(&entry.target),
        Cell::new(style, &entry.outcome),
        Cell::new(Style::Faint, entry.detail.as_deref().unwrap_or_default()),
    ]
}
