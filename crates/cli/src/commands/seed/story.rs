//! The demonstration as a pure function of a plan: the same seed tells the same story.
//!
//! Names, order and content come from the seed alone. Only the times come from the present, so that
//! a later run of the same plan makes events that are recognised as already there.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::agents::{AGENTS, ANSWERS, Agent, ERRORS, PATTERNS, PROJECTS, PROMPTS, Project};

/// What to make.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Plan {
    /// How many events.
    pub(in crate::commands) events: usize,
    /// Of how many sessions; fewer if there are not enough events.
    pub(in crate::commands) sessions: usize,
    /// Over how many days up to now.
    pub(in crate::commands) days: u32,
    /// Where all chance comes from.
    pub(in crate::commands) seed: u64,
    /// The present.
    pub(in crate::commands) now: Timestamp,
}

/// The fewest events that make a session: it starts, is asked, answers and ends.
const SESSION_EVENTS_MIN: usize = 4;

/// Every so many sessions, one is still at work.
const ONE_LIVE_IN: usize = 4;

/// Returns the events as the ingest API takes them, the oldest first.
pub(in crate::commands) fn tell(plan: &Plan) -> Vec<Value> {
    let sessions = plan.sessions.min(plan.events / SESSION_EVENTS_MIN).max(1);
    let mut rng = Rng::with_seed(plan.seed);
    let mut told: Vec<(Timestamp, Value)> = Vec::with_capacity(plan.events);
    for (index, events) in shares(plan.events, sessions, &mut rng).into_iter().enumerate() {
        let session = Session::begin(plan, index, events, &mut rng);
        told.extend(session.tell(&mut rng));
    }
    // Stable, so that the order within a session stays as told.
    told.sort_by_key(|&(at, _)| at);
    told.into_iter().map(|(_, event)| event).collect()
}

/// Divides events among sessions so that some are short and some long, and none is empty.
fn shares(events: usize, sessions: usize, rng: &mut Rng) -> Vec<usize> {
    let least = SESSION_EVENTS_MIN.min(events / sessions);
    let mut shares = vec![least; sessions];
    let weights: Vec<usize> = (0..sessions).map(|_| 1 + rng.usize(..9)).collect();
    let sum: usize = weights.iter().sum();
    let rest = events - least * sessions;
    for (share, weight) in shares.iter_mut().zip(&weights) {
        *share += rest * weight / sum;
    }
    let missing = events - shares.iter().sum::<usize>();
    shares.iter_mut().take(missing).for_each(|share| *share += 1);
    shares
}

/// One session and how far its tale is told.
struct Session {
    id: String,
    agent: &'static Agent,
    project: &'static Project,
    branch: &'static str,
    model: &'static str,
    live: bool,
    events: usize,
    start: Timestamp,
    end: Timestamp,
}

impl Session {
    fn begin(plan: &Plan, index: usize, events: usize, rng: &mut Rng) -> Self {
        let agent = &AGENTS[index % AGENTS.len()];
        let project = &PROJECTS[(index + index / ONE_LIVE_IN) % PROJECTS.len()];
        let live = index.is_multiple_of(ONE_LIVE_IN);
        let seconds =
            |range: std::ops::Range<i64>, rng: &mut Rng| SignedDuration::from_secs(rng.i64(range));
        let length = seconds(300..5_400, rng);
        // An hour at least lies between the past and now, so that what is over looks over.
        let day = 24 * 3_600;
        let ago = match live {
            true => seconds(1..100, rng),
            false => seconds(3_600..day * i64::from(plan.days), rng),
        };
        let end = plan.now.saturating_sub(ago).expect("a duration of seconds can be taken away");
        let start = end.saturating_sub(length).expect("a duration of seconds can be taken away");
        Self {
            id: format!("demo-{}-{index}", plan.seed),
            agent,
            project,
            branch: pick(project.branches, rng),
            model: pick(agent.models, rng),
            live,
            events,
            start,
            end,
        }
    }

    /// Tells all events of the session: turns of a prompt, requests with their tools, an answer.
    fn tell(&self, rng: &mut Rng) -> Vec<(Timestamp, Value)> {
        let mut turn = Turn::Over;
        let mut told = Vec::with_capacity(self.events);
        for index in 0..self.events {
            let last = index + 1 == self.events;
            let event = if index == 0 {
                event("session_start", json!({ "hook_source": "startup" }))
            } else if last && !self.live {
                event("session_end", json!({}))
            } else {
                turn = turn.next(rng);
                turn.event(self, rng)
            };
            let at = self.time_of(index);
            told.push((at, self.sign(event, index, at)));
        }
        told
    }

    /// Spreads the events evenly; their jitter would show nothing more.
    fn time_of(&self, index: usize) -> Timestamp {
        let whole = self.start.duration_until(self.end).as_millis();
        let steps = (self.events.max(2) - 1) as i128;
        let passed = i64::try_from(whole * index as i128 / steps).unwrap_or(i64::MAX);
        self.start.saturating_add(SignedDuration::from_millis(passed)).unwrap_or(self.end)
    }

    fn sign(&self, mut event: Map<String, Value>, index: usize, at: Timestamp) -> Value {
        // What is over is told as history, so that it does not count as work of today.
        let source = if self.live { self.agent.source } else { "import" };
        for (key, value) in [
            ("event_id", json!(format!("{}-{index}", self.id))),
            ("session_id", json!(self.id)),
            ("agent_type", json!(self.agent.name)),
            ("project", json!(self.project.name)),
            ("branch", json!(self.branch)),
            ("source", json!(source)),
            ("client_timestamp", json!(format!("{at:.3}"))),
        ] {
            event.insert(key.to_owned(), value);
        }
        Value::Object(event)
    }
}

/// Where a session stands within a turn.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Over,
    Asked,
    Requested,
    Answered,
    Acted,
    Failed,
}

impl Turn {
    fn next(self, rng: &mut Rng) -> Self {
        match self {
            Self::Over => Self::Asked,
            Self::Asked | Self::Acted if rng.u8(..100) < 4 => Self::Failed,
            Self::Asked | Self::Failed => Self::Requested,
            Self::Requested => Self::Answered,
            Self::Answered => Self::Acted,
            Self::Acted => match rng.u8(..100) {
                0..35 => Self::Acted,
                35..80 => Self::Requested,
                _ => Self::Over,
            },
        }
    }

    fn event(self, session: &Session, rng: &mut Rng) -> Map<String, Value> {
        match self {
            Self::Over => event("response", json!({ "content_preview": pick(&ANSWERS, rng) })),
            Self::Asked => event("user_prompt", json!({ "message": pick(&PROMPTS, rng) })),
            Self::Requested => {
                let mut event = event("llm_request", json!({}));
                event.insert("model".to_owned(), json!(session.model));
                event
            }
            Self::Answered => answered(session, rng),
            Self::Acted => acted(session, rng),
            Self::Failed => {
                let mut event =
                    event("error", json!({ "error": { "message": pick(&ERRORS, rng) } }));
                event.insert("status".to_owned(), json!("error"));
                event.insert("model".to_owned(), json!(session.model));
                event
            }
        }
    }
}

fn answered(session: &Session, rng: &mut Rng) -> Map<String, Value> {
    let cached = rng.u32(4_000..90_000);
    let mut event = event("llm_response", json!({ "stop_reason": "tool_use" }));
    for (key, value) in [
        ("model", json!(session.model)),
        ("tokens_in", json!(rng.u32(200..6_000))),
        ("tokens_out", json!(rng.u32(80..2_400))),
        ("cache_read_tokens", json!(cached)),
        ("cache_write_tokens", json!(cached / rng.u32(8..40))),
        ("duration_ms", json!(rng.u32(900..24_000))),
    ] {
        event.insert(key.to_owned(), value);
    }
    event
}

fn acted(session: &Session, rng: &mut Rng) -> Map<String, Value> {
    let (agent, project) = (session.agent, session.project);
    let file = pick(project.files, rng);
    let (tool, metadata) = match rng.u8(..100) {
        0..30 => (agent.shell, json!({ "command": pick(project.commands, rng) })),
        30..55 => (agent.read, json!({ "file_path": file })),
        55..70 => (agent.search, json!({ "pattern": pick(&PATTERNS, rng) })),
        _ => {
            let (added, removed) = (rng.u32(1..60), rng.u32(..25));
            let lines = json!({
                "file_path": file, "lines_added": added, "lines_removed": removed,
            });
            (agent.edit, lines)
        }
    };
    let status = match rng.u8(..100) {
        0..6 => "error",
        6..9 => "timeout",
        _ => "success",
    };
    let mut event = event("tool_use", metadata);
    event.insert("tool_name".to_owned(), json!(tool));
    event.insert("status".to_owned(), json!(status));
    let duration = if status == "timeout" { 120_000 } else { rng.u32(5..9_000) };
    event.insert("duration_ms".to_owned(), json!(duration));
    event
}

fn event(kind: &str, metadata: Value) -> Map<String, Value> {
    Map::from_iter([("event_type".to_owned(), json!(kind)), ("metadata".to_owned(), metadata)])
}

fn pick<'a>(words: &[&'a str], rng: &mut Rng) -> &'a str {
    words[rng.usize(..words.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story_and_another_seed_another() {
        assert_eq!(tell(&plan()), tell(&plan()));
        let other = tell(&Plan { seed: 2, ..plan() });
        assert!(ids(&tell(&plan())).is_disjoint(&ids(&other)));
    }

    #[test]
    fn tomorrow_the_same_events_are_made_again() {
        let later = Plan { now: "2026-03-02T17:30:00Z".parse().unwrap(), ..plan() };
        assert_eq!(ids(&tell(&plan())), ids(&tell(&later)));
    }

    #[test]
    fn exactly_as_many_events_as_asked_for_each_with_a_name_of_its_own() {
        for (events, sessions) in [(1, 1), (1, 12), (3, 2), (7, 2), (400, 12), (401, 100), (5, 9)] {
            let told = tell(&Plan { events, sessions, ..plan() });
            assert_eq!(told.len(), events, "{events} in {sessions}");
            assert_eq!(ids(&told).len(), events, "{events} in {sessions}");
        }
    }

    #[test]
    fn the_story_is_lifelike() {
        let told = tell(&plan());
        let words = |key: &str| -> BTreeSet<String> {
            told.iter().filter_map(|event| event[key].as_str()).map(str::to_owned).collect()
        };
        assert_eq!(words("session_id").len(), 12);
        assert!(words("agent_type").into_iter().eq(["claude_code", "codex", "gemini_cli"]));
        assert!(words("source").into_iter().eq(["hook", "import", "otel"]));
        assert!(words("status").into_iter().eq(["error", "success", "timeout"]));
        assert!(2 < words("project").len() && 3 < words("branch").len());
        for kind in [
            "session_start",
            "session_end",
            "user_prompt",
            "llm_request",
            "llm_response",
            "tool_use",
            "response",
            "error",
        ] {
            assert!(words("event_type").contains(kind), "{kind}");
        }
        let tokens: u64 = told.iter().filter_map(|event| event["tokens_in"].as_u64()).sum();
        assert!(0 < tokens);
    }

    #[test]
    fn times_rise_and_lie_between_the_first_day_and_now() {
        let plan = plan();
        let times: Vec<Timestamp> = tell(&plan)
            .iter()
            .map(|event| event["client_timestamp"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(times.is_sorted());
        let first = plan.now - SignedDuration::from_hours(24 * 14 + 2);
        assert!(times.iter().all(|time| (first..=plan.now).contains(time)));
        let recent = plan.now - SignedDuration::from_mins(2);
        assert!(times.iter().any(|&time| recent < time), "something happens just now");
    }

    fn plan() -> Plan {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        Plan { events: 400, sessions: 12, days: 14, seed: 1, now }
    }

    fn ids(events: &[Value]) -> BTreeSet<String> {
        events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    }
}
