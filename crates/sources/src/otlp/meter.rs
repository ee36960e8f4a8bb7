//! Data points of meters into events. A meter that tells what came since its last export makes
//! events at once; one that tells the whole since its start is given to the caller, who remembers
//! the last whole of each.

use std::collections::{HashMap, HashSet};

use oriel_model::{Amount, EventId, EventKind, NewEvent};

use super::agent;
use super::attributes::{Attributes, count};
use super::log::leave_out;
use super::record::{Group, Point, Shape, millis};
use crate::draft::Draft;
use crate::ids::hashed;
use crate::parsed::{Parsed, Reason};

/// Where a data point names the kind of tokens it counts.
const KIND: &[&str] = &["type", "token.type", "token_type", "gen_ai.token.type"];

/// What the meters of an export tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metered {
    /// What came since the last export, as events.
    pub parsed: Parsed,
    /// The wholes, whose steps only the caller can know.
    pub running: Vec<Running>,
}

/// A meter that tells the whole since its start.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its name, by which the last whole is remembered.
    pub series: String,
    /// The whole.
    pub total: f64,
    /// What it counts.
    pub counted: Counted,
    /// The event of a step, which lacks its amount.
    pub event: NewEvent,
}

/// What a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Tokens read by a model that were not cached.
    Input,
    /// Tokens written by a model.
    Output,
    /// Tokens read from the cache.
    CacheRead,
    /// Tokens written to the cache.
    CacheWrite,
    /// US dollars.
    Cost,
}

impl Running {
    /// Returns the event of what came since the last whole: all of it where none is known, and none
    /// where the meter did not grow. Either way the caller remembers the new whole.
    #[must_use]
    pub fn step(self, last: Option<f64>) -> Option<NewEvent> {
        let last = last.unwrap_or_default();
        // Of tokens, wholes are rounded and not steps, so that the steps add up to the whole.
        let amount = match self.counted {
            Counted::Cost => self.total - last,
            _ => self.total.round() - last.round(),
        };
        filled(self.event, self.counted, amount)
    }
}

/// Reads the data points of an export.
pub(super) fn read(groups: Vec<Group<Point>>) -> Metered {
    let mut out = Metered::default();
    let billed = Billed::of(&groups);
    let cached = Cached::of(&groups);
    for group in groups {
        group.count_skipped(&mut out.parsed.tally);
        let Group { resource, records, .. } = group;
        let agent = agent::of(&resource);
        for record in records {
            let tally = &mut out.parsed.tally;
            let point = match record {
                Ok(point) => point,
                Err(problem) => {
                    tally.bad(tally.records + 1, problem);
                    continue;
                }
            };
            let counted = match counted(&agent, &point) {
                Ok(counted) => counted,
                Err(reason) => {
                    leave_out(tally, &point.metric, reason);
                    continue;
                }
            };
            let amount = point.value - cached.within(&agent, &resource, &point, counted);
            if !point.value.is_finite() || point.value.abs() > 1e15 {
                tally.bad(tally.records + 1, "a value that is no amount");
                continue;
            }
            let known = Known::of(&agent, &resource, &point);
            let template = known.event(&point, counted, &billed);
            if point.cumulative {
                tally.told();
                let (series, total) = (known.series, amount.max(0.0));
                out.running.push(Running { series, total, counted, event: template });
                continue;
            }
            match filled(template, counted, amount) {
                Some(event) => {
                    tally.told();
                    out.parsed.events.push(event);
                }
                None => leave_out(tally, &point.metric, Reason::Empty),
            }
        }
    }
    out
}

/// Returns what a data point counts, or why nothing is summed of it.
fn counted(agent: &str, point: &Point) -> Result<Counted, Reason> {
    let kind = point.attributes.text(KIND).unwrap_or_default();
    match point.metric.as_str() {
        "claude_code.cost.usage" | "codex_cli_rs.cost.usage" | "gen_ai.client.cost.usage" => {
            Ok(Counted::Cost)
        }
        // These agents have a meter of their own for the same tokens.
        "gen_ai.client.token.usage" if is_told_by_own_meter(agent) => Err(Reason::SaidElsewhere),
        "gen_ai.client.token.usage" => Ok(tokens(&kind)),
        // Here thoughts are a part of the output.
        "qwen-code.token.usage" if kind == "thought" => Err(Reason::SaidElsewhere),
        "claude_code.token.usage"
        | "codex_cli_rs.token.usage"
        | "gemini_cli.token.usage"
        | "qwen-code.token.usage"
            if point.shape == Shape::Number =>
        {
            Ok(tokens(&kind))
        }
        _ => Err(Reason::OtherMeter),
    }
}

fn is_told_by_own_meter(agent: &str) -> bool {
    matches!(agent, "claude_code" | "codex" | "gemini_cli" | "qwen_code")
}

fn tokens(kind: &str) -> Counted {
    match kind {
        "output" | "thought" | "completion" => Counted::Output,
        "cacheRead" | "cache_read" | "cache" | "cached" => Counted::CacheRead,
        "cacheCreation" | "cache_creation" | "cache_write" => Counted::CacheWrite,
        _ => Counted::Input,
    }
}

/// Returns an event with its amount, where there is any.
fn filled(mut event: NewEvent, counted: Counted, amount: f64) -> Option<NewEvent> {
    if !(amount.is_finite() && amount > 0.0) {
        return None;
    }
    if counted == Counted::Cost {
        event.cost_usd = Some(amount);
        event.told.cost_is_stated = true;
        return Some(event);
    }
    let amount = count(amount).filter(|amount| *amount > 0)?;
    let tokens = &mut event.tokens;
    *match counted {
        Counted::Output => &mut tokens.output,
        Counted::CacheRead => &mut tokens.cache_read,
        Counted::CacheWrite => &mut tokens.cache_write,
        Counted::Input | Counted::Cost => &mut tokens.input,
    } = amount;
    Some(event)
}

/// What is known of a data point before its value is looked at.
struct Known {
    agent: String,
    session: String,
    model: Option<String>,
    project: Option<String>,
    branch: Option<String>,
    series: String,
}

impl Known {
    fn of(agent: &str, resource: &Attributes, point: &Point) -> Self {
        let told = &point.attributes;
        let placed = |name: &str| told.text(&[name]).or_else(|| resource.text(&[name]));
        let session = session(told, resource);
        // A meter that starts anew, since its program did, is another one.
        let start = point.start;
        let rest = told.canonical(&[]);
        let of = format!("{agent} {session} {} {start} {rest}", point.metric);
        Self {
            agent: agent.to_owned(),
            model: model(told, resource),
            project: placed("project").map(String::from),
            branch: placed("branch").map(String::from),
            series: hashed(&format!("{agent} "), &of),
            session,
        }
    }

    fn event(&self, point: &Point, counted: Counted, billed: &Billed) -> NewEvent {
        let mut draft = Draft::new(&self.agent, "otel", &self.session, EventKind::LlmResponse)
            .at(millis(point.time))
            .place(self.project.as_deref(), self.branch.as_deref())
            .model(self.model.as_deref())
            .fact("_synthetic", true)
            .fact("_source", "otel_metric");
        // What these tokens cost is told by a meter beside this one.
        if counted != Counted::Cost && billed.holds(&self.session, self.model.as_ref()) {
            draft = draft.stated_cost(Some(0.0));
        }
        let mut event = draft.build();
        event.told.amount = Amount::Meter;
        if point.time > 0 {
            let what = format!("meter {} {} {}", self.series, point.time, point.value);
            event.event_id = Some(EventId(hashed("otel-", &what)));
        }
        event
    }
}

fn session(told: &Attributes, resource: &Attributes) -> String {
    agent::session(told, resource).unwrap_or_else(|| "unknown".to_owned())
}

/// Returns the model's name as requests tell it, which is without the size of its context.
fn model(told: &Attributes, resource: &Attributes) -> Option<String> {
    let names = ["model", "gen_ai.response.model", "gen_ai.request.model"];
    let model = told.text(&names).or_else(|| resource.text(&["model"]))?;
    Some(model.split('[').next().unwrap_or_default().trim().to_owned())
}

/// The sessions and models whose cost is told by a meter of this export.
struct Billed(HashSet<(String, Option<String>)>);

impl Billed {
    fn of(groups: &[Group<Point>]) -> Self {
        let mut billed = HashSet::new();
        for group in groups {
            let agent = agent::of(&group.resource);
            for point in group.records.iter().flatten() {
                if counted(&agent, point) == Ok(Counted::Cost) {
                    let told = &point.attributes;
                    billed.insert((session(told, &group.resource), model(told, &group.resource)));
                }
            }
        }
        Self(billed)
    }

    fn holds(&self, session: &str, model: Option<&String>) -> bool {
        self.0.contains(&(session.to_owned(), model.cloned()))
    }
}

/// What was read from the cache, of the agents that tell it as part of the input.
struct Cached(HashMap<String, f64>);

impl Cached {
    fn of(groups: &[Group<Point>]) -> Self {
        let mut cached = HashMap::new();
        for group in groups {
            let agent = agent::of(&group.resource);
            for point in group.records.iter().flatten() {
                if is_inclusive(&point.metric) && counted(&agent, point) == Ok(Counted::CacheRead) {
                    cached.insert(Self::name(&agent, &group.resource, point), point.value);
                }
            }
        }
        Self(cached)
    }

    /// Returns how much of a data point is told by another one as well.
    fn within(&self, agent: &str, resource: &Attributes, point: &Point, counted: Counted) -> f64 {
        let kind = point.attributes.text(KIND).unwrap_or_default();
        if counted != Counted::Input || kind != "input" || !is_inclusive(&point.metric) {
            return 0.0;
        }
        let name = Self::name(agent, resource, point);
        self.0.get(&name).copied().unwrap_or_default().clamp(0.0, point.value.max(0.0))
    }

    fn name(agent: &str, resource: &Attributes, point: &Point) -> String {
        let session = session(&point.attributes, resource);
        let rest = point.attributes.canonical(KIND);
        let Point { metric, cumulative, .. } = point;
        format!("{agent} {session} {metric} {cumulative} {rest}")
    }
}

fn is_inclusive(metric: &str) -> bool {
    matches!(metric, "gemini_cli.token.usage" | "qwen-code.token.usage")
}
