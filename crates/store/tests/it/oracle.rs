//! A store that cannot be wrong: it keeps the events in a list and answers every question by going
//! through all of them, in the words of the contract.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use oriel_model::{
    EventKind, EventNumber, Life, Money, NewEvent, Outcome, Place, Rest, StoredEvent,
};
use oriel_store::{
    Appended, CostReport, EventFilter, FilterOptions, HourCost, ModelCost, Page, PhaseFilter,
    ProjectCost, Session, SessionFilter, Stats, ToolStats, Used,
};

use crate::make::QUIET_SECONDS;

const HOUR: i64 = 3600;
const COUNT_MAX: u128 = 1 << 53;
const EDITING: [&str; 5] = ["Edit", "Write", "MultiEdit", "apply_patch", "write_stdin"];

/// A moment that a question names, as milliseconds or as a text that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Ms(i64),
    Nonsense,
}

impl Moment {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Ms(ms) => {
                let at = jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
                // Both forms that SQLite reads are told.
                if ms % 2 == 0 { at } else { at.replace('T', " ") }
            }
            Self::Nonsense => "the day before yesterday".to_owned(),
        }
    }

    /// Returns whether a second is at this moment or later, as SQLite's `datetime` cuts it.
    fn is_by_second(self, second: i64) -> bool {
        matches!(self, Self::Ms(ms) if ms.div_euclid(1000) <= second)
    }

    fn reaches_second(self, second: i64) -> bool {
        matches!(self, Self::Ms(ms) if second <= ms.div_euclid(1000))
    }

    fn is_by_ms(self, at_ms: i64) -> bool {
        matches!(self, Self::Ms(ms) if ms <= at_ms)
    }
}

/// Which events are asked for, with moments that the oracle can read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// All but the moments.
    pub words: EventFilter,
    pub since: Option<Moment>,
    pub until: Option<Moment>,
}

impl Asked {
    pub(crate) fn filter(&self) -> EventFilter {
        EventFilter {
            since: self.since.map(Moment::text),
            until: self.until.map(Moment::text),
            ..self.words.clone()
        }
    }

    pub(crate) fn admits(&self, stored: &StoredEvent) -> bool {
        let StoredEvent { created_at, event, .. } = stored;
        let says = |wanted: &Option<String>, word: Option<&String>| {
            wanted.is_none() || wanted.as_ref() == word
        };
        let (words, facet) = (&self.words, &event.facet);
        says(&words.agent_type, Some(&facet.agent_type))
            && says(&words.event_type, Some(&facet.kind.as_str().to_owned()))
            && says(&words.status, Some(&facet.outcome.as_str().to_owned()))
            && says(&words.tool_name, facet.tool_name.as_ref())
            && says(&words.session_id, Some(&event.session_id.0))
            && says(&words.branch, event.place.branch.as_ref())
            && says(&words.project, event.place.project.as_ref())
            && says(&words.model, facet.model.as_ref())
            && says(&words.source, Some(&facet.source))
            && self.since.is_none_or(|since| since.is_by_second(*created_at))
            && self.until.is_none_or(|until| until.reaches_second(*created_at))
    }
}

/// The events, in the order in which they were stored.
#[derive(Default)]
pub(crate) struct Oracle {
    pub events: Vec<StoredEvent>,
    names: HashSet<String>,
}

impl Oracle {
    pub(crate) fn append(&mut self, mut event: NewEvent, at: i64) -> Appended {
        if let Some(name) = &event.event_id
            && !self.names.insert(name.0.clone())
        {
            return Appended::Duplicate;
        }
        // What an event does not say itself its session says, which is what was said last.
        let before = self.place_of(&event.session_id.0);
        event.place.project = event.place.project.or(before.project);
        event.place.branch = event.place.branch.or(before.branch);
        let number = EventNumber(self.events.len() as i64 + 1);
        self.events.push(StoredEvent { number, created_at: at, event });
        Appended::New(number)
    }

    fn place_of(&self, session: &str) -> Place {
        let of_session = self.events.iter().rev().filter(|e| e.event.session_id.0 == session);
        Place {
            project: of_session.clone().find_map(|e| e.event.place.project.clone()),
            branch: of_session.clone().find_map(|e| e.event.place.branch.clone()),
        }
    }

    /// Returns the events of an agent type, received since a moment.
    fn slice(
        &self,
        agent_type: Option<&str>,
        since: Option<Moment>,
    ) -> impl Iterator<Item = &StoredEvent> {
        self.events
            .iter()
            .filter(move |e| agent_type.is_none_or(|agent| e.event.facet.agent_type == agent))
            .filter(move |e| since.is_none_or(|since| since.is_by_second(e.created_at)))
    }

    pub(crate) fn stats(&self, agent: Option<&str>, since: Option<Moment>, now: i64) -> Stats {
        let events: Vec<_> = self.slice(agent, since).collect();
        let sessions = self.all_sessions();
        let phases: Vec<_> = sessions.iter().map(|s| (phase(s, now), s)).collect();
        let live = phases.iter().filter(|(phase, _)| *phase != PhaseFilter::Ended);
        Stats {
            events: events.len() as u64,
            active_sessions: phases.iter().filter(|(p, _)| *p == PhaseFilter::Active).count()
                as u64,
            live_sessions: live.clone().count() as u64,
            sessions: sessions.len() as u64,
            active_agents: live.map(|(_, s)| &s.agent_type).collect::<BTreeSet<_>>().len() as u64,
            tokens_in: count(events.iter().map(|e| e.event.tokens.input)),
            tokens_out: count(events.iter().map(|e| e.event.tokens.output)),
            cost: cost(events.iter().copied()),
            by_tool: tally(events.iter().filter_map(|e| e.event.facet.tool_name.clone())),
            by_agent: tally(events.iter().map(|e| e.event.facet.agent_type.clone())),
            by_model: tally(events.iter().filter_map(|e| e.event.facet.model.clone())),
            branches: self.branches().into_iter().map(|(branch, _)| branch).collect(),
        }
    }

    pub(crate) fn tools(&self, agent: Option<&str>, since: Option<Moment>) -> Vec<ToolStats> {
        let names = tally(self.slice(agent, since).filter_map(|e| e.event.facet.tool_name.clone()));
        let of = |(tool_name, calls): (String, u64)| {
            let events: Vec<_> = self
                .slice(agent, since)
                .map(|e| &e.event)
                .filter(|e| e.facet.tool_name.as_ref() == Some(&tool_name))
                .collect();
            let errors = events.iter().filter(|e| e.facet.outcome == Outcome::Error).count() as u64;
            let times: Vec<u64> = events.iter().filter_map(|e| e.duration_ms).collect();
            let by_agent = tally(events.iter().map(|e| e.facet.agent_type.clone()));
            let (timed_calls, duration_ms) = (times.len() as u64, count(times.into_iter()));
            ToolStats { tool_name, calls, errors, duration_ms, timed_calls, by_agent }
        };
        names.into_iter().map(of).collect()
    }

    pub(crate) fn costs(
        &self,
        agent: Option<&str>,
        since: Option<Moment>,
        limit: usize,
    ) -> CostReport {
        let mut hours: BTreeMap<i64, Vec<&StoredEvent>> = BTreeMap::new();
        for stored in self.slice(agent, None) {
            let at_ms = stored.event.client_ms.unwrap_or(stored.created_at * 1000);
            if since.is_none_or(|since| since.is_by_ms(at_ms)) {
                hours.entry(at_ms.div_euclid(HOUR * 1000) * HOUR).or_default().push(stored);
            }
        }
        let costed = || self.slice(agent, since).filter(|e| is_costed(e));
        let mut projects: BTreeMap<Option<String>, Vec<&StoredEvent>> = BTreeMap::new();
        let mut models: BTreeMap<String, Vec<&StoredEvent>> = BTreeMap::new();
        for stored in costed() {
            let project = self.place_of(&stored.event.session_id.0).project;
            projects.entry(project).or_default().push(stored);
            if let Some(model) = &stored.event.facet.model {
                models.entry(model.clone()).or_default().push(stored);
            }
        }
        let of_hour = |(start, events): (i64, Vec<&StoredEvent>)| HourCost {
            start,
            cost: cost(events.iter().copied()),
            tokens_in: count(events.iter().map(|e| e.event.tokens.input)),
            tokens_out: count(events.iter().map(|e| e.event.tokens.output)),
            events: events.len() as u64,
        };
        let of_project = |(project, events): (Option<String>, Vec<&StoredEvent>)| ProjectCost {
            project,
            cost: cost(events.iter().copied()),
            sessions: events.iter().map(|e| &e.event.session_id).collect::<HashSet<_>>().len()
                as u64,
            events: events.len() as u64,
        };
        let of_model = |(model, events): (String, Vec<&StoredEvent>)| ModelCost {
            model,
            cost: cost(events.iter().copied()),
            events: events.len() as u64,
            tokens_in: count(events.iter().map(|e| e.event.tokens.input)),
            tokens_out: count(events.iter().map(|e| e.event.tokens.output)),
        };
        let hours = hours.into_iter().map(of_hour).collect();
        let mut projects: Vec<_> = projects.into_iter().map(of_project).collect();
        let mut models: Vec<_> = models.into_iter().map(of_model).collect();
        projects.sort_by(|a, b| b.cost.cmp(&a.cost).then(a.project.cmp(&b.project)));
        projects.truncate(limit);
        models.sort_by(|a, b| b.cost.cmp(&a.cost).then(a.model.cmp(&b.model)));
        CostReport { hours, projects, models }
    }

    pub(crate) fn used(&self, agent: &str, since: i64) -> Option<Used> {
        self.slice(Some(agent), None).next()?;
        let events = || self.slice(Some(agent), Some(Moment::Ms(since * 1000)));
        let tokens = events().flat_map(|e| [e.event.tokens.input, e.event.tokens.output]);
        Some(Used { tokens: count(tokens), cost: cost(events()) })
    }

    pub(crate) fn sessions(
        &self,
        filter: &SessionFilter,
        since: Option<Moment>,
        limit: usize,
        now: i64,
    ) -> Vec<Session> {
        let rank = |session: &Session| match phase(session, now) {
            PhaseFilter::Active => 0,
            PhaseFilter::Idle => 1,
            _ => 2,
        };
        let mut sessions = self.all_sessions();
        sessions.retain(|s| {
            filter.phase.is_none_or(|only| phase(s, now) == only)
                && filter.not_phase.is_none_or(|not| phase(s, now) != not)
                && filter.agent_type.as_ref().is_none_or(|agent| s.agent_type == *agent)
                && since.is_none_or(|since| since.is_by_second(s.life.last_event))
        });
        // Of two that are equal, the later session comes first.
        sessions.reverse();
        sessions.sort_by_key(|s| (rank(s), -s.life.last_event));
        sessions.truncate(limit);
        sessions
    }

    pub(crate) fn session(&self, id: &str) -> Option<Session> {
        self.all_sessions().into_iter().find(|session| session.id == id)
    }

    /// Returns the sessions in the order in which they began.
    pub(crate) fn all_sessions(&self) -> Vec<Session> {
        let mut ids: Vec<&String> = Vec::new();
        for stored in &self.events {
            if !ids.contains(&&stored.event.session_id.0) {
                ids.push(&stored.event.session_id.0);
            }
        }
        ids.into_iter().map(|id| self.session_from_events(id)).collect()
    }

    fn session_from_events(&self, id: &str) -> Session {
        let all: Vec<_> = self.events.iter().filter(|e| e.event.session_id.0 == id).collect();
        let agent_type = all[0].event.facet.agent_type.clone();
        let Place { project, branch } = self.place_of(id);
        let files: HashSet<_> = all
            .iter()
            .filter(|e| e.event.facet.tool_name.as_deref().is_some_and(|t| EDITING.contains(&t)))
            .filter_map(|e| e.event.metadata.facts().file_path.as_ref())
            .collect();
        Session {
            id: id.to_owned(),
            life: life(&agent_type, &all),
            agent_type,
            project,
            branch,
            started_at: all[0].created_at,
            events: all.len() as u64,
            tokens_in: count(all.iter().map(|e| e.event.tokens.input)),
            tokens_out: count(all.iter().map(|e| e.event.tokens.output)),
            cost: cost(all.iter().copied()),
            files_edited: files.len() as u64,
            lines_added: count(all.iter().map(|e| e.event.metadata.facts().lines_added)),
            lines_removed: count(all.iter().map(|e| e.event.metadata.facts().lines_removed)),
            cache_read: count(all.iter().map(|e| e.event.tokens.cache_read)),
            cache_write: count(all.iter().map(|e| e.event.tokens.cache_write)),
            turns: all.iter().filter(|e| e.event.facet.kind == EventKind::UserPrompt).count()
                as u64,
            unpriced: all.iter().filter(|e| is_unpriced(&e.event)).count() as u64,
            model: all.iter().rev().find_map(|e| e.event.facet.model.clone()),
        }
    }

    pub(crate) fn fell_silent(&self, after: i64, until: i64) -> u64 {
        let working = |s: &&Session| s.life.rest == Rest::Working;
        let silent_at = |s: &Session| s.life.last_event + QUIET_SECONDS;
        let all = self.all_sessions();
        let fell =
            all.iter().filter(working).filter(|s| (after + 1..=until).contains(&silent_at(s)));
        fell.count() as u64
    }

    pub(crate) fn events(&self, asked: &Asked, limit: usize, offset: usize) -> Page {
        let mut found: Vec<_> = self.events.iter().filter(|e| asked.admits(e)).cloned().collect();
        let total = found.len() as u64;
        found.sort_by_key(|e| (-e.created_at, -e.number.0));
        Page { events: found.into_iter().skip(offset).take(limit).collect(), total }
    }

    pub(crate) fn events_after(&self, after: i64, asked: &Asked, limit: usize) -> Vec<StoredEvent> {
        let later = self.events.iter().filter(|e| e.number.0 > after && asked.admits(e));
        later.take(limit).cloned().collect()
    }

    pub(crate) fn filter_options(&self) -> FilterOptions {
        let sorted = |word: fn(&NewEvent) -> Option<&str>| -> Vec<String> {
            let words: BTreeSet<_> = self.events.iter().filter_map(|e| word(&e.event)).collect();
            words.into_iter().map(str::to_owned).collect()
        };
        let projects = self.all_sessions().into_iter().filter_map(|s| s.project);
        FilterOptions {
            agent_types: sorted(|e| Some(&e.facet.agent_type)),
            event_types: sorted(|e| Some(e.facet.kind.as_str())),
            tool_names: sorted(|e| e.facet.tool_name.as_deref()),
            models: sorted(|e| e.facet.model.as_deref()),
            sources: sorted(|e| Some(&e.facet.source)),
            projects: projects.collect::<BTreeSet<_>>().into_iter().collect(),
            branches: self.branches(),
        }
    }

    /// Returns the sessions' branches, that of the latest session first, with its project.
    fn branches(&self) -> Vec<(String, Option<String>)> {
        let mut latest: HashMap<String, Session> = HashMap::new();
        for session in self.all_sessions() {
            let Some(branch) = session.branch.clone() else { continue };
            match latest.get(&branch) {
                Some(known) if known.life.last_event > session.life.last_event => {}
                _ => _ = latest.insert(branch, session),
            }
        }
        let mut branches: Vec<_> = latest.into_iter().collect();
        branches.sort_by(|(a, of_a), (b, of_b)| {
            of_b.life.last_event.cmp(&of_a.life.last_event).then(a.cmp(b))
        });
        branches.into_iter().map(|(branch, session)| (branch, session.project)).collect()
    }
}

/// Returns what is remembered of a session's life. What tells of the past ends it, a session's end
/// ends it but for one agent, whose turn it ends, and everything else wakes it.
fn life(agent_type: &str, events: &[&StoredEvent]) -> Life {
    let mut rest = Rest::Working;
    for stored in events {
        let ends = stored.event.historical || stored.event.facet.kind == EventKind::SessionEnd;
        let turn = agent_type == "claude_code" && !stored.event.historical;
        rest = match rest {
            _ if !ends => Rest::Working,
            _ if turn => Rest::BetweenTurns,
            Rest::Over { at } => Rest::Over { at },
            _ => Rest::Over { at: stored.created_at },
        };
    }
    Life { last_event: events.iter().map(|e| e.created_at).max().unwrap(), rest }
}

/// Returns where a session stands.
fn phase(session: &Session, now: i64) -> PhaseFilter {
    let silent = now - session.life.last_event;
    match session.life.rest {
        Rest::Over { .. } => PhaseFilter::Ended,
        _ if silent >= 2 * QUIET_SECONDS => PhaseFilter::Ended,
        Rest::BetweenTurns => PhaseFilter::Idle,
        Rest::Working if silent >= QUIET_SECONDS => PhaseFilter::Idle,
        Rest::Working => PhaseFilter::Active,
    }
}

fn is_costed(stored: &StoredEvent) -> bool {
    stored.event.cost_usd.is_some_and(|dollars| dollars > 0.0)
}

fn cost<'a>(events: impl Iterator<Item = &'a StoredEvent>) -> Money {
    events.filter_map(|e| e.event.cost_usd).map(Money::from_dollars).sum()
}

/// Adds up counts. No sum is more than what JavaScript holds exactly.
fn count(counts: impl Iterator<Item = u64>) -> u64 {
    counts.map(u128::from).sum::<u128>().min(COUNT_MAX) as u64
}

/// Counts words, the most frequent first.
fn tally(words: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts
}

/// Returns whether an event used tokens and nobody knows what they cost.
fn is_unpriced(event: &NewEvent) -> bool {
    let tokens = event.tokens;
    let used = tokens.input | tokens.output | tokens.cache_read | tokens.cache_write;
    used > 0 && event.cost_usd.is_none()
}
