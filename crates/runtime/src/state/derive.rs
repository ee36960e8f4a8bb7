//! The rules: what stands, and what contradicts it.

use oriel_model::{Note, Phase, QuietLimit, Rest};
use oriel_store::Session;
use serde_json::Value;

use super::{Doing, Mode, PROCESS, Sight, State, SubAgent, Waiting, What, Whom};

/// A session of which no process is known may have gone without a word. A question of it is shown
/// for so long,
const QUESTION_KEPT_MS: i64 = 12 * 3_600_000;

/// and that it is one's turn for so long.
const INPUT_KEPT_MS: i64 = 3_600_000;

/// Returns how a session stands at `now_ms`, by its notes and its latest events, newest first.
pub(crate) fn state_of(
    session: &Session,
    notes: &[Note],
    events: &[Sight],
    now_ms: i64,
    quiet: QuietLimit,
) -> State {
    let facts = Facts { notes, events, process: Process::of(notes), now_ms };
    let alive = facts.alive();
    let phase_by_events = session.phase(now_ms.div_euclid(1000), quiet);
    let is_over = match alive {
        Some(alive) => !alive,
        None => matches!(session.life.rest, Rest::Over { .. }),
    };
    let mode = facts.mode();
    let waiting = if is_over { None } else { facts.waiting(alive, mode) };
    let phase = facts.phase(alive, phase_by_events, waiting.as_ref());
    let is_ended = matches!(phase, Phase::Ended { .. });
    State {
        alive,
        pid: facts.process.as_ref().filter(|_| alive == Some(true)).and_then(|it| it.pid),
        mode,
        doing: if is_ended { None } else { facts.doing(waiting.as_ref()) },
        context: facts.object("context").and_then(|value| {
            Some((value.get("used")?.as_u64()?, value.get("size").and_then(Value::as_u64)))
        }),
        title: facts.word("title"),
        cwd: facts.word("cwd"),
        model: facts.word("model"),
        permission_mode: facts.word("permission_mode"),
        client_cost_usd: facts.object("client_cost").and_then(|value| value.get("usd")?.as_f64()),
        parent: facts
            .object("parent")
            .map(|value| (text(&value, "session"), text(&value, "agent")))
            .filter(|(session, agent)| session.is_some() || agent.is_some()),
        subagents: facts.subagents(is_ended),
        waiting,
        phase,
    }
}

/// What is known of a session's process.
struct Process {
    pid: Option<u32>,
    alive: bool,
    /// Since when it is known to be gone.
    since_ms: i64,
    told_ms: i64,
    status: Option<String>,
    status_since_ms: Option<i64>,
    kind: Option<String>,
    entrypoint: Option<String>,
}

impl Process {
    fn of(notes: &[Note]) -> Option<Self> {
        let note = notes.iter().find(|note| note.name == PROCESS)?;
        let value: Value = serde_json::from_str(&note.value).ok()?;
        Some(Self {
            pid: value.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok()),
            alive: value.get("alive")?.as_bool()?,
            since_ms: value.get("since").and_then(Value::as_i64).unwrap_or(note.at_ms),
            told_ms: note.at_ms,
            status: text(&value, "status"),
            status_since_ms: value.get("status_since").and_then(Value::as_i64),
            kind: text(&value, "kind"),
            entrypoint: text(&value, "entrypoint"),
        })
    }
}

struct Facts<'a> {
    notes: &'a [Note],
    events: &'a [Sight],
    process: Option<Process>,
    now_ms: i64,
}

impl Facts<'_> {
    /// What happened later may contradict what is known of the process: its session ended and the
    /// process has not noticed, or it goes on elsewhere.
    fn alive(&self) -> Option<bool> {
        let process = self.process.as_ref()?;
        let contradicted = if process.alive {
            self.happened(process.told_ms, |sight| sight.what == What::SessionOver)
        } else {
            self.happened(process.since_ms, |sight| sight.what != What::SessionOver)
        };
        (!contradicted).then_some(process.alive)
    }

    fn phase(&self, alive: Option<bool>, by_events: Phase, waiting: Option<&Waiting>) -> Phase {
        let is_at_rest = self.rests_since().is_some();
        match (alive, by_events) {
            (Some(false), Phase::Ended { at }) => Phase::Ended { at },
            (Some(false), _) => {
                let at = self.process.as_ref().map_or(self.now_ms, |process| process.since_ms);
                Phase::Ended { at: at.div_euclid(1000) }
            }
            (Some(true), Phase::Ended { .. }) => Phase::Idle,
            (Some(true), Phase::Active) if is_at_rest => Phase::Idle,
            // It is silent since it waits.
            (None, Phase::Ended { .. }) if waiting.is_some() => Phase::Idle,
            (_, phase) => phase,
        }
    }

    fn waiting(&self, alive: Option<bool>, mode: Option<Mode>) -> Option<Waiting> {
        let told = self.told_waiting().or_else(|| self.my_turn(mode))?;
        let kept_ms = match told.whom {
            Whom::Permission | Whom::Answer => QUESTION_KEPT_MS,
            Whom::Input => INPUT_KEPT_MS,
        };
        let is_old = self.now_ms.saturating_sub(told.since_ms) > kept_ms;
        (alive == Some(true) || !is_old).then_some(told)
    }

    /// Returns what the session said that it waits for, unless something happened since.
    fn told_waiting(&self) -> Option<Waiting> {
        let note = self.note("waiting")?;
        let value: Value = serde_json::from_str(&note.value).ok()?;
        let whom = Whom::from_word(value.get("for")?.as_str()?)?;
        let at = note.at_ms;
        let went_on = self.happened(at, |sight| match sight.what {
            What::Prompt | What::Tool => sight.is_main,
            What::TurnOver => whom != Whom::Input && sight.is_main,
            What::SessionOver => true,
            What::Other => false,
        });
        let does = whom == Whom::Input && self.note("doing").is_some_and(|doing| doing.at_ms > at);
        if went_on || does || self.status_since("busy").is_some_and(|since| since > at) {
            return None;
        }
        let since_ms = match (whom, self.turn_over_ms()) {
            // It is reminded of later, and waits since the turn was over.
            (Whom::Input, Some(over)) => at.min(over),
            _ => at,
        };
        Some(Waiting { whom, what: text(&value, "what"), tool: text(&value, "tool"), since_ms })
    }

    /// Returns that it is a person's turn where the session did not say so: its turn was
    /// interrupted, or its process says that it rests.
    fn my_turn(&self, mode: Option<Mode>) -> Option<Waiting> {
        if mode == Some(Mode::Headless) {
            return None;
        }
        let since_ms = self.turn_over_ms().or_else(|| self.rests_since())?;
        let does = self.note("doing").is_some_and(|doing| doing.at_ms > since_ms);
        let is_busy = self.status_since("busy").is_some_and(|since| since > since_ms);
        let waiting = Waiting { whom: Whom::Input, what: None, tool: None, since_ms };
        (!does && !is_busy).then_some(waiting)
    }

    /// Returns when the latest turn was over, if nothing began since.
    fn turn_over_ms(&self) -> Option<i64> {
        let over = self.live_main().find(|sight| sight.what == What::TurnOver)?;
        let began = self.live_main().any(|sight| {
            matches!(sight.what, What::Prompt | What::Tool) && sight.at_ms > over.at_ms
        });
        (!began).then_some(over.at_ms)
    }

    /// Returns since when the process says that it rests, if nothing happened since.
    fn rests_since(&self) -> Option<i64> {
        let since = self.status_since("idle")?;
        let went_on = self.happened(since, |sight| {
            sight.is_main && matches!(sight.what, What::Prompt | What::Tool | What::SessionOver)
        });
        (!went_on).then_some(since)
    }

    fn doing(&self, waiting: Option<&Waiting>) -> Option<Doing> {
        let note = self.note("doing")?;
        let value: Value = serde_json::from_str(&note.value).ok()?;
        let (at, id) = (note.at_ms, text(&value, "id"));
        let is_done = self
            .events
            .iter()
            .any(|sight| id.is_some() && sight.what == What::Tool && sight.tool_use_id == id);
        let went_on = self.happened(at, |sight| match sight.what {
            What::Prompt | What::TurnOver => sight.is_main,
            // Other calls go on beside one that has a name.
            What::Tool => sight.is_main && id.is_none(),
            What::SessionOver => true,
            What::Other => false,
        });
        let rests = self.status_since("idle").is_some_and(|since| since > at)
            || waiting.is_some_and(|waiting| waiting.whom == Whom::Input);
        let (tool, detail) = (text(&value, "tool"), text(&value, "detail"));
        let says_nothing = tool.is_none() && detail.is_none();
        let over = is_done || went_on || rests || says_nothing;
        (!over).then_some(Doing { tool, detail, since_ms: at })
    }

    fn subagents(&self, is_ended: bool) -> Vec<SubAgent> {
        let notes = self.notes.iter();
        notes
            .filter_map(|note| {
                let id = note.name.strip_prefix("subagent:")?;
                let value: Value = serde_json::from_str(&note.value).ok()?;
                let running = value.get("running").and_then(Value::as_bool).unwrap_or_default();
                Some(SubAgent {
                    id: id.to_owned(),
                    kind: text(&value, "type"),
                    description: text(&value, "description"),
                    running: running && !is_ended,
                })
            })
            .collect()
    }

    fn mode(&self) -> Option<Mode> {
        let process = self.process.as_ref();
        let kind = process.and_then(|process| process.kind.as_deref());
        if kind == Some("interactive") {
            return Some(Mode::Interactive);
        }
        let entrypoint = process.and_then(|process| process.entrypoint.clone());
        let entrypoint = entrypoint.or_else(|| self.word("entrypoint"))?.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| entrypoint.contains(word));
        if has(&["sdk", "exec", "headless", "action", "mcp"]) {
            Some(Mode::Headless)
        } else if has(&["cli", "tui", "vscode", "desktop", "jetbrains"]) {
            Some(Mode::Interactive)
        } else {
            None
        }
    }

    /// Returns whether something happened after a moment.
    fn happened(&self, after_ms: i64, is_meant: impl Fn(&Sight) -> bool) -> bool {
        self.events
            .iter()
            .any(|sight| sight.at_ms > after_ms && !sight.historical && is_meant(sight))
    }

    fn live_main(&self) -> impl Iterator<Item = &Sight> {
        self.events.iter().filter(|sight| sight.is_main && !sight.historical)
    }

    fn status_since(&self, status: &str) -> Option<i64> {
        let process = self.process.as_ref().filter(|process| process.alive)?;
        let is_so = process.status.as_deref() == Some(status);
        process.status_since_ms.filter(|_| is_so)
    }

    fn note(&self, name: &str) -> Option<&Note> {
        self.notes.iter().find(|note| note.name == name && note.value != "null")
    }

    fn object(&self, name: &str) -> Option<Value> {
        serde_json::from_str(&self.note(name)?.value).ok()
    }

    fn word(&self, name: &str) -> Option<String> {
        let word: String = serde_json::from_str(&self.note(name)?.value).ok()?;
        Some(word).filter(|word| !word.trim().is_empty())
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
