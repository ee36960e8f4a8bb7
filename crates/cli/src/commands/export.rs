//! `oriel export`: events written out, oldest first, a page at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use oriel_runtime::settings::Flag;
use oriel_runtime::zone::{self, Edge};
use oriel_wire::{EventRow, EventsAfter};

use crate::Exit;
use crate::address::Address;
use crate::args::{Export, ExportFormat};
use crate::output::Output;
use crate::service::Service;
use crate::{csv, events, text};
use oriel_daemon::Surroundings;

/// How many events are held at once. Each may be as long as the daemon lets one be.
const PAGE: usize = 200;

const NAMES: [&str; 21] = [
    "id",
    "event_id",
    "session_id",
    "agent_type",
    "event_type",
    "tool_name",
    "status",
    "model",
    "tokens_in",
    "tokens_out",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "duration_ms",
    "project",
    "branch",
    "source",
    "created_at",
    "client_timestamp",
    "payload_truncated",
    "metadata",
];

/// Which events to write, by when they happened.
#[derive(Debug, Clone, Copy)]
struct Span {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

/// Writes events.
pub(super) fn run(
    asked: &Export,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let zone = surroundings.clock.zone();
    let millis = |text: &Option<String>, edge| {
        let moment = |text: &String| zone::moment(text, &zone, edge);
        let seconds = text.as_ref().map(moment).transpose()?;
        Ok::<_, zone::ZoneError>(seconds.map(|seconds| seconds.saturating_mul(1000)))
    };
    let span = Span {
        from_ms: millis(&asked.since, Edge::Start)?,
        to_ms: millis(&asked.until, Edge::End)?,
    };
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        let service = Service::reach(config).await?;
        let done = match &asked.output {
            None => write(&service, asked, span, &mut |text| Ok(output.print(text)?)).await,
            Some(file) => {
                let path = surroundings.folders.working.join(file);
                to_file(&service, asked, span, &path).await
            }
        };
        service.close().await;
        let count = done?;
        if asked.output.is_some() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            output.print(&format!("wrote {}\n", text::counted(count, "event", "events")))?;
        }
        Ok(Exit::Done)
    })
}

/// Writes to a file that is there only once it is whole.
async fn to_file(
    service: &Service,
    asked: &Export,
    span: Span,
    path: &Path,
) -> anyhow::Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(create(&part).with_context(failed)?);
    let written = write(service, asked, span, &mut |text| {
        file.write_all(text.as_bytes()).with_context(failed)
    })
    .await;
    let whole = written.and_then(|count| {
        let flushed = file.into_inner().map_err(io::IntoInnerError::into_error);
        flushed.and_then(|file| file.sync_all()).with_context(failed)?;
        std::fs::rename(&part, path).with_context(failed)?;
        Ok(count)
    });
    if whole.is_err() {
        // It may not even be there.
        let _ = std::fs::remove_file(&part);
    }
    whole
}

/// Writes a file that is there only once it is whole.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = create(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let whole = written.and_then(|()| std::fs::rename(&part, path));
    if whole.is_err() {
        // It may not even be there.
        let _ = std::fs::remove_file(&part);
    }
    whole
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

async fn write(
    service: &Service,
    asked: &Export,
    span: Span,
    print: &mut dyn FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let session = match &asked.session {
        Some(name) => Some(super::sessions::find(service, name).await?),
        None => None,
    };
    if asked.format == ExportFormat::Csv {
        print(&csv::line(NAMES))?;
    }
    let (mut after, mut count) = (0, 0);
    loop {
        let address = Address::new("/api/events")
            .with("after", Some(after.to_string()))
            .with("limit", Some(PAGE.to_string()))
            .with("session_id", session.as_ref());
        let page: EventsAfter<'static> = service.get(address.as_str()).await?;
        let mut text = String::new();
        for event in page.events.iter().filter(|event| span.holds(event)) {
            count += 1;
            text.push_str(&match asked.format {
                ExportFormat::Jsonl => json_line(event),
                ExportFormat::Csv => csv_line(event),
            });
        }
        if !text.is_empty() {
            print(&text)?;
        }
        if page.events.len() < PAGE {
            return Ok(count);
        }
        after = page.next;
    }
}

impl Span {
    /// Returns whether an event happened within it, by its sender's clock where that told.
    fn holds(self, event: &EventRow<'_>) -> bool {
        let Some(at) = events::millis(event) else {
            return self.from_ms.is_none() && self.to_ms.is_none();
        };
        self.from_ms.is_none_or(|from| from <= at) && self.to_ms.is_none_or(|to| at < to)
    }
}

fn json_line(event: &EventRow<'_>) -> String {
    let mut line = String::from_utf8_lossy(&oriel_wire::json::to_vec(event)).into_owned();
    line.push('\n');
    line
}

fn csv_line(event: &EventRow<'_>) -> String {
    let word = |word: &Option<std::borrow::Cow<'_, str>>| {
        word.as_ref().map_or_else(String::new, ToString::to_string)
    };
    csv::line([
        event.id.to_string(),
        word(&event.event_id),
        event.session_id.to_string(),
        event.agent_type.to_string(),
        event.event_type.to_string(),
        word(&event.tool_name),
        event.status.to_string(),
        word(&event.model),
        event.tokens_in.to_string(),
        event.tokens_out.to_string(),
        event.cache_read_tokens.to_string(),
        event.cache_write_tokens.to_string(),
        csv::number(event.cost_usd),
        csv::number(event.duration_ms),
        word(&event.project),
        word(&event.branch),
        event.source.to_string(),
        event.created_at.to_string(),
        word(&event.client_timestamp),
        event.payload_truncated.to_string(),
        event.metadata.to_string(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::event;

    #[test]
    fn every_column_has_a_name_and_a_value() {
        let line = csv_line(&EventRow { metadata: "{}".into(), ..event() });
        assert_eq!(line.split(',').count(), NAMES.len());
        let back: EventRow<'_> = serde_json::from_str(&json_line(&event())).unwrap();
        assert_eq!(back, event());
    }

    #[test]
    fn a_span_goes_by_when_things_happened() {
        let at = events::millis(&event()).unwrap();
        let span = |from_ms, to_ms| Span { from_ms, to_ms }.holds(&event());
        assert!(span(None, None) && span(Some(at), Some(at + 1)));
        assert!(!span(Some(at + 1), None) && !span(None, Some(at)));
    }
}
