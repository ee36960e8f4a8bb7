//! The rules: what a person is told of. Each is a pure function of what is known and the time.
//!
//! A rule names what should stand and not what changed. So it may be asked as often as one likes,
//! nothing is lost where it was not asked in time, and a name that was posted is not posted again.

use oriel_model::{NewNotice, Priority, Subject};
use oriel_store::Session;
use oriel_wire::control::Blocker;
use serde_json::json;

use crate::budget::{Threshold, crossed};
use crate::config::NotifyConfig;
use crate::state::{Mode, Sight, State, Waiting, What, Whom};

/// Whom notices are for: this machine has one person.
pub(crate) const RECIPIENT: &str = "user";

/// An agent waits for its person.
pub(crate) const AGENT_WAITS: &str = "agent_waits";
/// A long turn ended of an agent that waits for nobody.
pub(crate) const TURN_ENDED: &str = "turn_ended";
/// An agent fails again and again.
pub(crate) const FAILURES: &str = "failures";
/// Spending reached a threshold.
pub(crate) const BUDGET: &str = "budget";
/// Something keeps the runtime from working.
pub(crate) const BLOCKER: &str = "blocker";

/// The end of a turn is news for so long.
const NEWS_MS: i64 = 3_600_000;

/// So long is of use what is not handled by itself, in seconds.
const OF_USE_SECONDS: i64 = 86_400;

/// What is known of a session when its rules are asked.
pub(super) struct Seen<'a> {
    pub session: &'a Session,
    pub state: &'a State,
    /// Its latest events, newest first.
    pub sights: &'a [Sight],
    /// Its latest prompt.
    pub prompt: Option<Prompt>,
}

/// A prompt: when it came, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prompt {
    pub number: i64,
    pub at_ms: i64,
}

/// A notice that should stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub notice: NewNotice,
    /// Whether it is still news. What is none is not posted, but what was posted stays.
    pub is_news: bool,
}

/// Returns what the latest word on a session's turn takes the place of.
pub(super) fn turn_of(session: &str) -> String {
    format!("turn {session}")
}

/// Returns what should stand of a session's turn: that it waits, or that it is done.
pub(super) fn of_turn(seen: &Seen<'_>, config: &NotifyConfig, now_ms: i64) -> Option<Wanted> {
    let waiting = seen.state.waiting.as_ref();
    match waiting.map(|waiting| (waiting.whom, waiting)) {
        Some((Whom::Permission | Whom::Answer, waiting)) => Some(asks(seen, waiting)),
        Some((Whom::Input, waiting)) => {
            let turn = Turn::of(seen, waiting.since_ms, config)?;
            Some(turn.wanted(seen, now_ms, AGENT_WAITS, "input", "is done and waits for you"))
        }
        None => {
            let is_open = !matches!(seen.state.phase, oriel_model::Phase::Ended { .. });
            // Whoever ends a session that they sit in front of knows that it has ended.
            if seen.state.mode == Some(Mode::Interactive) && !is_open {
                return None;
            }
            let over = seen.sights.iter().find(|sight| {
                sight.is_main
                    && !sight.historical
                    && matches!(sight.what, What::TurnOver | What::SessionOver)
            })?;
            let turn = Turn::of(seen, over.at_ms, config)?;
            Some(turn.wanted(seen, now_ms, TURN_ENDED, "turn_over", "is done"))
        }
    }
}

/// Returns whether the rule of turns needs to know the latest prompt. Finding it takes a while where
/// it is far back.
pub(super) fn asks_for_prompt(state: &State, sights: &[Sight]) -> bool {
    let is_over = |sight: &Sight| matches!(sight.what, What::TurnOver | What::SessionOver);
    match &state.waiting {
        Some(waiting) => waiting.whom == Whom::Input,
        None => sights.iter().any(|sight| is_over(sight) && sight.is_main && !sight.historical),
    }
}

/// A turn that took longer than a person likes to watch.
struct Turn {
    prompt: i64,
    over_ms: i64,
    took_ms: i64,
}

impl Turn {
    fn of(seen: &Seen<'_>, over_ms: i64, config: &NotifyConfig) -> Option<Self> {
        // What another session started is that one's affair.
        if seen.state.parent.is_some() {
            return None;
        }
        let prompt = seen.prompt?;
        let took_ms = over_ms.saturating_sub(prompt.at_ms);
        let least_ms = i64::from(config.turn_seconds).saturating_mul(1000);
        (took_ms > least_ms).then_some(Self { prompt: prompt.number, over_ms, took_ms })
    }

    fn wanted(self, seen: &Seen<'_>, now_ms: i64, kind: &str, reason: &str, does: &str) -> Wanted {
        let id = &seen.session.id;
        let took = span(self.took_ms);
        let title = seen.state.title.as_ref().map(|title| format!("{title}. "));
        let notice = NewNotice {
            idempotency_key: format!("turn {id} {}", self.prompt),
            collapse: Some(turn_of(id)),
            priority: Priority::Medium,
            title: format!("{} {does}", who(seen)),
            body: format!("{}The turn took {took}.", title.unwrap_or_default()),
            expires_at: Some(self.over_ms.div_euclid(1000).saturating_add(OF_USE_SECONDS)),
            ..about_session(id, kind, reason)
        };
        Wanted { notice, is_news: now_ms.saturating_sub(self.over_ms) < NEWS_MS }
    }
}

fn asks(seen: &Seen<'_>, waiting: &Waiting) -> Wanted {
    let id = &seen.session.id;
    let tool = waiting.tool.as_deref().map(|tool| format!(" to use {tool}"));
    let asks = match waiting.whom {
        Whom::Permission => format!("asks for permission{}", tool.unwrap_or_default()),
        _ => "asks you something".to_owned(),
    };
    let what = waiting.what.clone().or_else(|| seen.state.title.clone());
    let notice = NewNotice {
        idempotency_key: format!("wait {id} {}", waiting.since_ms),
        collapse: Some(turn_of(id)),
        priority: Priority::High,
        title: format!("{} {asks}", who(seen)),
        body: what.unwrap_or_default(),
        ..about_session(id, AGENT_WAITS, waiting.whom.as_str())
    };
    Wanted { notice, is_news: true }
}

/// Returns the notice of a session in which too much failed within a few minutes. There is one for
/// each prompt.
pub(super) fn of_failures(seen: &Seen<'_>, config: &NotifyConfig, now_ms: i64) -> Option<Wanted> {
    let count = failures(seen.sights, config, now_ms);
    if config.failures == 0 || count < config.failures as usize {
        return None;
    }
    let id = &seen.session.id;
    let prompt = seen.prompt.map_or(0, |prompt| prompt.number);
    let minutes = config.failure_minutes;
    let notice = NewNotice {
        idempotency_key: format!("failures {id} {prompt}"),
        collapse: Some(format!("failures {id}")),
        priority: Priority::Medium,
        title: format!("{} fails again and again", who(seen)),
        body: format!("{count} failures within {minutes} minutes."),
        expires_at: Some(now_ms.div_euclid(1000).saturating_add(OF_USE_SECONDS)),
        ..about_session(id, FAILURES, "failure_burst")
    };
    Some(Wanted { notice, is_news: true })
}

/// Counts what failed within the last minutes.
pub(super) fn failures(sights: &[Sight], config: &NotifyConfig, now_ms: i64) -> usize {
    let within_ms = i64::from(config.failure_minutes).saturating_mul(60_000);
    let is_recent = |sight: &&Sight| {
        sight.failed && !sight.historical && now_ms.saturating_sub(sight.at_ms) < within_ms
    };
    sights.iter().filter(is_recent).count()
}

/// What is spent of a budget.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spent {
    /// `day`, `week` or `month`.
    pub period: String,
    /// Which one, as a word that no other one has.
    pub begins: String,
    /// When it is over, in Unix seconds.
    pub resets_at: Option<i64>,
    pub spent_usd: f64,
    /// 0 is no limit.
    pub limit_usd: f64,
    pub warn_percent: f64,
}

/// Returns the notice of a budget of which a threshold is reached.
pub(super) fn of_budget(spent: &Spent) -> Option<NewNotice> {
    let threshold = crossed(0.0, spent.spent_usd, spent.limit_usd, spent.warn_percent)?;
    let Spent { period, begins, spent_usd, limit_usd, .. } = spent;
    let (word, priority, says) = match threshold {
        Threshold::Warning => ("warning", Priority::Medium, "is nearly spent"),
        Threshold::Limit => ("limit", Priority::High, "is spent"),
    };
    Some(NewNotice {
        source: "budget".to_owned(),
        idempotency_key: format!("budget {period} {begins} {word}"),
        collapse: Some(format!("budget {period}")),
        kind: BUDGET.to_owned(),
        recipient: RECIPIENT.to_owned(),
        priority,
        reason: word.to_owned(),
        title: format!("The budget of the {period} {says}"),
        body: format!("{spent_usd:.2} of {limit_usd:.2} US dollars."),
        subject: Some(Subject { kind: "budget".to_owned(), id: period.clone() }),
        actions: "[]".to_owned(),
        expires_at: spent.resets_at,
    })
}

/// Returns the notice of what keeps the runtime from working.
pub(crate) fn of_blocker(blocker: &Blocker) -> NewNotice {
    NewNotice {
        source: "readiness".to_owned(),
        idempotency_key: format!("blocker {}", blocker.artifact_id),
        collapse: None,
        kind: BLOCKER.to_owned(),
        recipient: RECIPIENT.to_owned(),
        priority: Priority::High,
        reason: "readiness".to_owned(),
        title: blocker.label.clone(),
        body: blocker.reason.clone(),
        subject: Some(Subject { kind: "blocker".to_owned(), id: blocker.artifact_id.clone() }),
        actions: "[]".to_owned(),
        expires_at: None,
    }
}

/// Returns the notice of a disk on which too little room is left. There is one a day.
pub(super) fn of_disk(problem: String, now: i64) -> NewNotice {
    NewNotice {
        source: "readiness".to_owned(),
        idempotency_key: format!("disk {}", now.div_euclid(OF_USE_SECONDS)),
        collapse: Some("disk".to_owned()),
        kind: BLOCKER.to_owned(),
        recipient: RECIPIENT.to_owned(),
        priority: Priority::High,
        reason: "disk_nearly_full".to_owned(),
        title: "The disk is nearly full".to_owned(),
        body: problem,
        subject: Some(Subject { kind: "blocker".to_owned(), id: "disk-nearly-full".to_owned() }),
        actions: "[]".to_owned(),
        expires_at: Some(now.saturating_add(OF_USE_SECONDS)),
    }
}

fn about_session(id: &str, kind: &str, reason: &str) -> NewNotice {
    NewNotice {
        source: "sessions".to_owned(),
        kind: kind.to_owned(),
        recipient: RECIPIENT.to_owned(),
        reason: reason.to_owned(),
        subject: Some(Subject { kind: "session".to_owned(), id: id.to_owned() }),
        actions: json!([{ "action": "open", "kind": "session", "id": id }]).to_string(),
        ..NewNotice::default()
    }
}

/// Returns the agent and where it works, as a person knows them.
fn who(seen: &Seen<'_>) -> String {
    let agent = match seen.session.agent_type.as_str() {
        "claude_code" => "Claude Code",
        "codex" => "Codex",
        "gemini_cli" => "Gemini CLI",
        "qwen_code" => "Qwen Code",
        "opencode" => "OpenCode",
        "copilot_cli" => "Copilot CLI",
        other => other,
    };
    match &seen.session.project {
        Some(project) => format!("{agent} in {project}"),
        None => agent.to_owned(),
    }
}

fn span(ms: i64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests;
