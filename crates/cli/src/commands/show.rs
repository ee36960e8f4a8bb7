//! `oriel show`: one session, what it used, its latest events, and who told of them.

use jiff::tz::TimeZone;
use oriel_runtime::settings::Flag;
use oriel_wire::{ProvenanceReport, Report, SessionWithEvents};
use serde_json::json;

use crate::Exit;
use crate::address::{Address, encode};
use crate::args::Show;
use crate::output::{Output, Paint, Style};
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{events, text};
use oriel_daemon::Surroundings;

/// What is known of a session.
struct Known {
    session: SessionWithEvents<'static>,
    usage: Report,
    provenance: Option<ProvenanceReport>,
}

/// Shows a session.
pub(super) fn run(
    asked: &Show,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    let known = super::wait(async {
        let service = Service::reach(config).await?;
        let known = read(&service, asked).await;
        service.close().await;
        known
    })?;
    if asked.form.json {
        let mut whole = json!({
            "session": known.session.session,
            "usage": { "models": known.usage.rows, "totals": known.usage.totals },
            "events": known.session.events,
        });
        if let Some(provenance) = &known.provenance {
            whole["provenance"] = json!({ "parts": provenance.parts, "only": provenance.only });
        }
        output.json(&whole)?;
    } else {
        output.print(&as_text(&known, &surroundings.clock.zone(), output.paint()))?;
    }
    Ok(Exit::Done)
}

async fn read(service: &Service, asked: &Show) -> anyhow::Result<Known> {
    let id = super::sessions::find(service, &asked.session).await?;
    let path = format!("/api/sessions/{}", encode(&id));
    let limit = Address::new(&path).with("event_limit", Some(asked.events.to_string()));
    let usage = Address::new("/api/reports").with("by", Some("model")).with("session", Some(&id));
    let provenance = match asked.provenance {
        true => Some(service.get(&format!("{path}/provenance")).await?),
        false => None,
    };
    Ok(Known {
        session: service.get(limit.as_str()).await?,
        usage: service.get(usage.as_str()).await?,
        provenance,
    })
}

fn as_text(known: &Known, zone: &TimeZone, paint: Paint) -> String {
    let session = &known.session.session;
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let count = |count: u64| text::count(i64::try_from(count).unwrap_or(i64::MAX));
    let totals = &known.usage.totals;
    let facts = [
        ("session", session.id.clone()),
        ("agent", session.agent_type.clone()),
        ("project", word(&session.project)),
        ("branch", word(&session.branch)),
        ("status", session.status.clone()),
        ("started", format!("{} UTC", session.started_at)),
        ("last event", format!("{} UTC", session.last_event_at)),
        ("events", count(session.event_count)),
        (
            "edits",
            format!(
                "{} files, {} lines added, {} removed",
                count(session.files_edited),
                count(session.lines_added),
                count(session.lines_removed)
            ),
        ),
        (
            "usage",
            format!(
                "{} tokens in {} requests, {}",
                count(totals.total_tokens),
                count(totals.requests),
                text::cost(totals.cost_usd, totals.unpriced_requests)
            ),
        ),
    ];
    let rows = facts.map(|(name, value)| [Cell::new(Style::Faint, name), Cell::plain(value)]);
    let mut said = table::render(&rows, paint);
    if !totals.unpriced_models.is_empty() {
        let models = text::clean(&totals.unpriced_models.join(", "));
        said.push_str(&format!("* no price is known for {models}\n"));
    }
    if !known.usage.rows.is_empty() {
        said.push('\n');
        said.push_str(&models(&known.usage, paint));
    }
    if let Some(provenance) = &known.provenance {
        said.push('\n');
        said.push_str(&sources(provenance, paint));
    }
    if !known.session.events.is_empty() {
        said.push('\n');
        // The latest comes last, as in everything that goes on.
        for event in known.session.events.iter().rev() {
            said.push_str(&events::line(event, zone, paint));
        }
    }
    said
}

fn models(usage: &Report, paint: Paint) -> String {
    let number = |number: u64| Cell::number(text::count(i64::try_from(number).unwrap_or(i64::MAX)));
    let head = ["requests", "input", "output", "cache write", "cache read", "cost"];
    let [a, b, c, d, e, f] = head.map(|name| Cell::number(name).styled(Style::Faint));
    let mut rows = vec![[Cell::new(Style::Faint, "model"), a, b, c, d, e, f]];
    rows.extend(usage.rows.iter().map(|row| {
        let sums = &row.usage;
        [
            Cell::plain(&row.key),
            number(sums.requests),
            number(sums.input_tokens),
            number(sums.output_tokens),
            number(sums.cache_write_tokens),
            number(sums.cache_read_tokens),
            Cell::number(text::cost(sums.cost_usd, sums.unpriced_requests)),
        ]
    }));
    table::render(&rows, paint)
}

fn sources(provenance: &ProvenanceReport, paint: Paint) -> String {
    let number = |number: u64| Cell::number(text::count(i64::try_from(number).unwrap_or(i64::MAX)));
    let [a, b, c] =
        ["events", "tokens", "cost"].map(|name| Cell::number(name).styled(Style::Faint));
    let mut rows =
        vec![[Cell::new(Style::Faint, "told by"), Cell::new(Style::Faint, "what"), a, b, c]];
    rows.extend(provenance.parts.iter().map(|part| {
        [
            Cell::plain(part.sources.join(" + ")),
            Cell::plain(&part.event_type),
            number(part.events),
            number(part.total_tokens),
            Cell::number(text::cost(Some(part.cost_usd), part.unpriced_requests)),
        ]
    }));
    let mut said = table::render(&rows, paint);
    for alone in &provenance.only {
        said.push_str(&format!(
            "only {} knows of {}, {} and {}\n",
            text::clean(&alone.source),
            text::counted(i64::try_from(alone.events).unwrap_or(i64::MAX), "event", "events"),
            text::counted(i64::try_from(alone.total_tokens).unwrap_or(i64::MAX), "token", "tokens"),
            text::dollars(alone.cost_usd),
        ));
    }
    said
}
