//! From how sessions and limits stand to the rows that readers get.

use oriel_model::{About, Note};
use oriel_store::Session;
use oriel_wire::time::{rfc3339, sqlite_text};
use oriel_wire::{ContextUse, Limit, ParentSession, SessionState};
use serde_json::Value;

use super::{Mode, State};

/// What the name of a limit's note begins with.
const LIMIT: &str = "limit:";

/// Returns how a session stands as readers get it.
pub(crate) fn state_row(session: Session, state: State, now_ms: i64) -> SessionState {
    let moment = |ms: i64| rfc3339(ms.div_euclid(1000));
    SessionState {
        session_id: session.id,
        agent_type: session.agent_type,
        project: session.project,
        branch: session.branch,
        cwd: state.cwd,
        title: state.title,
        phase: state.phase.as_str().to_owned(),
        alive: state.alive,
        pid: state.pid,
        mode: state.mode.map(|mode| match mode {
            Mode::Interactive => "interactive".to_owned(),
            Mode::Headless => "headless".to_owned(),
        }),
        model: state.model,
        permission_mode: state.permission_mode,
        doing: state.doing.map(|doing| oriel_wire::Doing {
            tool: doing.tool,
            detail: doing.detail,
            since: moment(doing.since_ms),
        }),
        waiting: state.waiting.map(|waiting| oriel_wire::Waiting {
            whom: waiting.whom.as_str().to_owned(),
            what: waiting.what,
            tool: waiting.tool,
            since: moment(waiting.since_ms),
            seconds: now_ms.saturating_sub(waiting.since_ms).max(0) / 1000,
        }),
        context: state.context.map(|(used, size)| ContextUse {
            used,
            size,
            percent: size.filter(|&size| size > 0).map(|size| percent(used, size)),
        }),
        client_cost_usd: state.client_cost_usd,
        parent: state.parent.map(|(session, agent)| ParentSession { session, agent }),
        subagents: state
            .subagents
            .into_iter()
            .map(|agent| oriel_wire::SubAgent {
                id: agent.id,
                kind: agent.kind,
                description: agent.description,
                running: agent.running,
            })
            .collect(),
        last_event_at: sqlite_text(session.life.last_event),
    }
}

/// Returns a part in percent, with one digit after the point.
fn percent(used: u64, size: u64) -> f64 {
    (used as f64 / size as f64 * 1000.0).round() / 10.0
}

/// Returns how much of each limit is used, from the notes of agents.
pub(crate) fn limits(notes: &[Note], now: i64) -> Vec<Limit> {
    notes.iter().filter_map(|note| limit(note, now)).collect()
}

fn limit(note: &Note, now: i64) -> Option<Limit> {
    let About::Agent(agent_type) = &note.about else { return None };
    let window = note.name.strip_prefix(LIMIT)?;
    let value: Value = serde_json::from_str(&note.value).ok()?;
    let used_percent = value.get("used_percent")?.as_f64()?;
    let resets_at = value.get("resets_at").and_then(Value::as_i64);
    let window_minutes = value.get("window_minutes").and_then(Value::as_u64);
    let told_at = note.at_ms.div_euclid(1000);
    // Where the agent did not say when, it is at the latest a whole window after it was told.
    let length = window_minutes.and_then(|minutes| i64::try_from(minutes).ok());
    let ends_at = resets_at.or_else(|| told_at.checked_add(length?.checked_mul(60)?));
    Some(Limit {
        agent_type: agent_type.clone(),
        window: window.to_owned(),
        window_minutes,
        used_percent,
        resets_at: resets_at.map(rfc3339),
        told_at: rfc3339(told_at),
        stale: ends_at.is_some_and(|ends_at| ends_at <= now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_stale_once_its_window_began_anew() {
        for (value, now, expected) in [
            (r#"{"used_percent":12.5,"resets_at":100,"window_minutes":300}"#, 99, Some(false)),
            (r#"{"used_percent":12.5,"resets_at":100,"window_minutes":300}"#, 100, Some(true)),
            (r#"{"used_percent":0,"resets_at":null,"window_minutes":1}"#, 69, Some(false)),
            (r#"{"used_percent":0,"resets_at":null,"window_minutes":1}"#, 70, Some(true)),
            (r#"{"used_percent":0}"#, i64::MAX, Some(false)),
            (r#"{"used_percent":0,"window_minutes":18446744073709551615}"#, 70, Some(false)),
            (r#"{"resets_at":100}"#, 70, None),
            ("7", 70, None),
        ] {
            let note = Note {
                about: About::Agent("codex".to_owned()),
                name: "limit:primary".to_owned(),
                value: value.to_owned(),
                at_ms: 10_000,
            };
            let found = limits(std::slice::from_ref(&note), now);
            assert_eq!(found.first().map(|limit| limit.stale), expected, "{value} at {now}");
            assert_eq!(limits(&[Note { name: "model".to_owned(), ..note }], now), []);
        }
    }
}
