//! `oriel search`: finding what was said again.

use oriel_runtime::settings::Flag;
use oriel_wire::{SearchHit, SearchPage, SessionPage};

use crate::args::Search;
use crate::output::{Output, Paint, Style};
use crate::query::Query;
use crate::service::Service;
use crate::table::{self, Cell};
use crate::{Exit, progress, text};
use oriel_daemon::Surroundings;

/// So many hits are asked for at a time.
const PAGE: usize = 200;

/// So much of a session's name is shown.
const SESSION_CHARACTERS: usize = 8;

/// The longest word for a role, to which the others are filled up.
const ROLE_CHARACTERS: usize = 6;

/// Searches and shows what is found.
pub(super) fn run(
    search: &Search,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let config = surroundings.resolve(flags)?.config;
    super::wait(async {
        let service = Service::reach(config).await?;
        let found = progress::show("searching", find(&service, search)).await;
        service.close().await;
        let found = found?;
        if search.form.json {
            output.json(&found)?;
        } else {
            output.print(&shown(&found, output.paint()))?;
        }
        Ok(if found.hits.is_empty() { Exit::Failed } else { Exit::Done })
    })
}

/// Asks for pages until there are as many hits as are wanted, or no more.
async fn find(service: &Service, search: &Search) -> anyhow::Result<SearchPage<'static>> {
    let session = match &search.session {
        Some(session) => Some(whole_session(service, session).await?),
        None => None,
    };
    let wanted = search.limit as usize;
    let mut found = SearchPage { next: search.cursor, ..SearchPage::default() };
    loop {
        let limit = (wanted - found.hits.len()).min(PAGE);
        let query = Query::to("/api/search")
            .with("q", Some(search.words.join(" ")))
            .with("agent_type", search.agent.as_deref().map(agent_type))
            .with("session_id", session.as_deref())
            .with("project", search.project.as_deref())
            .with("branch", search.branch.as_deref())
            .with("model", search.model.as_deref())
            .with("tool_name", search.tool.as_deref())
            .with("role", search.role.as_deref())
            .with("since", search.since.as_deref())
            .with("until", search.until.as_deref())
            .with("limit", Some(limit))
            .with("cursor", found.next);
        let page: SearchPage<'static> = service.get(query.as_str()).await?;
        found.hits.extend(page.hits);
        found.next = page.next;
        if found.next.is_none() || found.hits.len() >= wanted {
            found.total_is_at_least = found.hits.len() as u64 + u64::from(found.next.is_some());
            return Ok(found);
        }
    }
}

/// Returns the agent type that a name stands for: formats are written with hyphens.
pub(super) fn agent_type(name: &str) -> String {
    const KNOWN: [&str; 6] =
        ["claude_code", "codex", "gemini_cli", "qwen_code", "opencode", "copilot_cli"];
    let word = name.replace('-', "_");
    if KNOWN.contains(&word.as_str()) { word } else { name.to_owned() }
}

/// Returns the whole name of the session that begins like this, if it is only one.
pub(super) async fn whole_session(service: &Service, begin: &str) -> anyhow::Result<String> {
    /// A name as long is a whole one.
    const WHOLE: usize = 32;
    if begin.len() >= WHOLE {
        return Ok(begin.to_owned());
    }
    let page: SessionPage = service.get("/api/sessions?limit=10000").await?;
    let mut alike = page.sessions.iter().filter(|session| session.id.starts_with(begin));
    match (alike.next(), alike.next()) {
        _ if page.sessions.iter().any(|session| session.id == begin) => Ok(begin.to_owned()),
        (Some(one), None) => Ok(one.id.clone()),
        (None, _) => Ok(begin.to_owned()),
        (Some(one), Some(two)) => {
            anyhow::bail!(
                "{begin:?} begins {} and {} and maybe more; say more of it",
                one.id,
                two.id
            )
        }
    }
}

fn shown(found: &SearchPage<'_>, paint: Paint) -> String {
    if found.hits.is_empty() {
        return "nothing is found\n".to_owned();
    }
    let rows: Vec<_> = found.hits.iter().map(row).collect();
    let table = table::render(&rows, paint);
    let mut lines = String::new();
    for (head, hit) in table.lines().zip(&found.hits) {
        lines.push_str(head);
        lines.push_str("  ");
        for part in &hit.snippet {
            let style = if part.matched { Style::Strong } else { Style::Plain };
            lines.push_str(&paint.apply(style, &text::clean(&part.text)));
        }
        lines.push('\n');
    }
    if let Some(next) = found.next {
        let more = format!("there may be more: add `--cursor {next}`");
        lines.push_str(&paint.apply(Style::Faint, &more));
        lines.push('\n');
    }
    lines
}

fn row(hit: &SearchHit<'_>) -> [Cell; 5] {
    let event = &hit.event;
    let at = event.client_timestamp.as_deref().unwrap_or(&event.created_at);
    let session: String = event.session_id.chars().take(SESSION_CHARACTERS).collect();
    [
        Cell::new(Style::Faint, minute(at)),
        Cell::plain(&event.agent_type),
        Cell::plain(event.project.as_deref().unwrap_or("-")),
        Cell::plain(session),
        Cell::new(Style::Faint, format!("{:ROLE_CHARACTERS$}", hit.role)),
    ]
}

/// Returns the day and the minute of a time, in whichever form it is.
pub(super) fn minute(time: &str) -> String {
    time.chars().take("2026-02-03 10:00".len()).collect::<String>().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use oriel_wire::SnippetPart;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hit_is_one_line_with_what_was_found_in_bold() {
        let part = |text: &str, matched| SnippetPart { text: text.to_owned(), matched };
        let event = serde_json::from_value(json!({
            "id": 1, "event_id": null, "schema_version": 1, "session_id": "0123456789", "agent_type":
            "codex", "event_type": "llm_response", "tool_name": null, "status": "success", "tokens_in":
            0, "tokens_out": 0, "branch": null, "project": null, "duration_ms": null, "created_at":
            "2026-02-03 10:00:00", "client_timestamp": "2026-02-03T09:59:58.000Z", "metadata": "{}",
            "payload_truncated": 0, "model": null, "cost_usd": null, "cache_read_tokens": 0,
            "cache_write_tokens": 0, "source": "import",
        }));
        let snippet = vec![part("the \u{1b}[2Jlost ", false), part("key", true)];
        let hit = SearchHit {
            event: event.unwrap(),
            role: "input".to_owned(),
            text: SearchHit::marked(&snippet),
            snippet,
        };
        let found = SearchPage { hits: vec![hit], next: Some(7), total_is_at_least: 2 };
        let expected = "2026-02-03 09:59  codex  -  01234567  input   the [2Jlost key\n\
                        there may be more: add `--cursor 7`\n";
        assert_eq!(shown(&found, Paint::new(false)), expected);
        assert!(shown(&found, Paint::new(true)).contains("\x1b[1mkey\x1b[0m"));
        assert_eq!(shown(&SearchPage::default(), Paint::new(true)), "nothing is found\n");
    }

    #[test]
    fn agents_may_be_named_as_their_formats_are() {
        for (name, expected) in
            [("claude-code", "claude_code"), ("codex", "codex"), ("my-agent", "my-agent")]
        {
            assert_eq!(agent_type(name), expected);
        }
    }
}
