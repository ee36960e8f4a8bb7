//! Random histories of few names that meet often, and random questions about them.

use oriel_model::{
    EventId, EventKind, Facet, Metadata, NewEvent, Outcome, Place, SessionId, Tokens, Told,
};
use oriel_store::EventFilter;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::make::MIDNIGHT;
use crate::oracle::{Asked, Moment, Oracle};

pub(crate) const AGENTS: [&str; 3] = ["claude_code", "codex", "it's"];
pub(crate) const SESSIONS: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];
const TOOLS: [&str; 5] = ["Edit", "Bash", "apply_patch", "mcp__a__b", "Näh\"t"];
const MODELS: [&str; 2] = ["gpt-5", "opus"];
const SOURCES: [&str; 3] = ["api", "hook", "import"];
const PROJECTS: [&str; 3] = ["oriel", "house", "it's"];
const BRANCHES: [&str; 3] = ["main", "HEAD", "fix/1"];
const METADATA: [&str; 8] = [
    "{}",
    r#"{"file_path":"a.rs","lines_added":3,"lines_removed":1}"#,
    r#"{"file_path":"a.rs"}"#,
    r#"{"file_path":"b/\u00e9.rs","lines_added":2.9}"#,
    r#"{"nested":{"file_path":"c.rs","lines_added":7}}"#,
    r#""text""#,
    "[1,2]",
    r#"{"file_path":7,"lines_removed":1e300}"#,
];

/// The first second of a history, a little before a day ends.
const FIRST: i64 = MIDNIGHT - 100;

/// What happens at one time.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Seconds since the step before; a clock may also go back.
    pub wait: i64,
    pub batches: Vec<Vec<NewEvent>>,
    /// Whether the store is closed and opened again after it.
    pub reopen: bool,
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        6 => Just(0),
        4 => 1_i64..90,
        4 => select(vec![299, 300, 301, 600, 1800]),
        3 => 3400_i64..3700,
        1 => Just(86_400),
        2 => -5000_i64..0,
    ];
    let batches = prop::collection::vec(prop::collection::vec(event(), 1..6), 1..3);
    let step = (wait, batches, prop::bool::weighted(0.05))
        .prop_map(|(wait, batches, reopen)| Step { wait, batches, reopen });
    prop::collection::vec(step, 1..24)
}

/// Returns when each step happens.
pub(crate) fn timed(history: &[Step]) -> impl Iterator<Item = (i64, &Step)> {
    history.iter().scan(FIRST, |at, step| {
        *at += step.wait;
        Some((*at, step))
    })
}

fn event() -> impl Strategy<Value = NewEvent> {
    let facet = (
        word(&AGENTS),
        select(EventKind::ALL),
        select(Outcome::ALL),
        maybe(0.5, &TOOLS),
        maybe(0.6, &MODELS),
        word(&SOURCES),
    )
        .prop_map(|(agent_type, kind, outcome, tool_name, model, source)| Facet {
            agent_type,
            // Ends are what sessions are told apart by.
            kind: if kind > EventKind::FileChange { EventKind::SessionEnd } else { kind },
            outcome,
            tool_name,
            model,
            source,
        });
    let place = (maybe(0.35, &PROJECTS), maybe(0.35, &BRANCHES))
        .prop_map(|(project, branch)| Place { project, branch });
    let tokens = prop_oneof![
        3 => (0_u64..5000, 0_u64..900, 0_u64..9, 0_u64..9),
        1 => (Just(1 << 53), Just((1 << 53) - 1), Just(0), Just(1 << 53)),
    ]
    .prop_map(|(input, output, cache_read, cache_write)| Tokens {
        input,
        output,
        cache_read,
        cache_write,
        cache_write_1h: 0,
    });
    let dollars = select(vec![0.0, 1e-12, 4.9e-11, 0.1, 0.2, 12.345_678_9, 0.000_003, 1e6, 3e8]);
    let client_ms = prop_oneof![
        6 => -20_000_000_i64..20_000_000,
        1 => -90_000_000_i64..90_000_000,
        // 1968 and 9999.
        1 => select(vec![-1_750_000_000_000, 251_700_000_000_001]),
    ]
    .prop_map(|offset| FIRST * 1000 + offset);
    let event_id = prop::option::weighted(0.4, (0..30).prop_map(|nth| EventId(format!("e{nth}"))));
    let rest = (
        prop::option::weighted(0.6, dollars),
        prop::option::weighted(0.4, 1_u64..5000),
        prop::option::weighted(0.4, client_ms),
        word(&METADATA),
        prop::bool::weighted(0.1),
    );
    (event_id, word(&SESSIONS), facet, place, tokens, rest).prop_map(
        |(event_id, session, facet, place, tokens, rest)| {
            let (cost_usd, duration_ms, client_ms, metadata, historical) = rest;
            NewEvent {
                event_id,
                session_id: SessionId(session),
                facet,
                place,
                tokens,
                cost_usd,
                duration_ms,
                client_ms,
                metadata: Metadata::new(metadata, historical),
                historical,
                told: Told::default(),
            }
        },
    )
}

/// What to ask; the moments are chosen among those of the events.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    words: EventFilter,
    since: Option<NearMoment>,
    until: Option<NearMoment>,
    /// How many rows.
    pub limit: usize,
    pub offset: usize,
    /// The cursor, somewhere among the events.
    pub after: Index,
}

impl Question {
    pub(crate) fn asked(&self, oracle: &Oracle) -> Asked {
        Asked {
            words: self.words.clone(),
            since: self.since.as_ref().map(|near| near.moment(oracle)),
            until: self.until.as_ref().map(|near| near.moment(oracle)),
        }
    }
}

/// A moment near an event, so that questions cut where it matters.
#[derive(Debug, Clone)]
pub(crate) struct NearMoment {
    event: Index,
    by_sender: bool,
    whole: i64,
    offset_ms: i64,
    nonsense: bool,
}

impl NearMoment {
    pub(crate) fn moment(&self, oracle: &Oracle) -> Moment {
        if self.nonsense {
            return Moment::Nonsense;
        }
        let Some(stored) = oracle.events.get(self.event.index(oracle.events.len().max(1))) else {
            return Moment::Ms(FIRST * 1000);
        };
        let sent = stored.event.client_ms.filter(|_| self.by_sender);
        let at = sent.unwrap_or(stored.created_at * 1000);
        let ms = at.div_euclid(self.whole) * self.whole + self.offset_ms;
        // No text stands for a moment of a later year.
        Moment::Ms(ms.min(253_402_207_200_000))
    }
}

pub(crate) fn near_moment() -> impl Strategy<Value = NearMoment> {
    let whole = select(vec![1, 1, 1, 1000, 1_800_000, 3_600_000, 86_400_000]);
    let offset_ms = select(vec![0, 0, 0, 0, 1, -1, 999, 1000, -1000, -90_000_000, 90_000_000]);
    (any::<Index>(), any::<bool>(), whole, offset_ms, prop::bool::weighted(0.05)).prop_map(
        |(event, by_sender, whole, offset_ms, nonsense)| NearMoment {
            event,
            by_sender,
            whole,
            offset_ms,
            nonsense,
        },
    )
}

pub(crate) fn question() -> impl Strategy<Value = Question> {
    let kinds: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let outcomes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
    let facet = (
        asked_word(0.3, &AGENTS),
        asked_word(0.15, &kinds),
        asked_word(0.15, &outcomes),
        asked_word(0.15, &TOOLS),
        asked_word(0.15, &MODELS),
        asked_word(0.15, &SOURCES),
    );
    let words = (
        facet,
        asked_word(0.25, &SESSIONS),
        asked_word(0.25, &BRANCHES),
        asked_word(0.25, &PROJECTS),
    )
        .prop_map(|(facet, session_id, branch, project)| {
            let (agent_type, event_type, status, tool_name, model, source) = facet;
            EventFilter {
                agent_type,
                event_type,
                status,
                tool_name,
                session_id,
                branch,
                project,
                model,
                source,
                since: None,
                until: None,
                text: None,
            }
        });
    let near = || prop::option::weighted(0.3, near_moment());
    let limit = prop_oneof![5 => 1_usize..12, 1 => Just(0), 1 => Just(usize::MAX)];
    let offset = prop_oneof![4 => Just(0), 2 => 1_usize..12, 1 => Just(usize::MAX)];
    (words, near(), near(), limit, offset, any::<Index>()).prop_map(
        |(words, since, until, limit, offset, after)| Question {
            words,
            since,
            until,
            limit,
            offset,
            after,
        },
    )
}

fn word(words: &[&str]) -> impl Strategy<Value = String> + use<> {
    select(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
}

fn maybe(likely: f64, words: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    prop::option::weighted(likely, word(words))
}

/// A word of these, or now and then one that nobody said.
fn asked_word(likely: f64, words: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    let asked = prop_oneof![9 => word(words), 1 => word(&["nobody", ""])];
    prop::option::weighted(likely, asked)
}
