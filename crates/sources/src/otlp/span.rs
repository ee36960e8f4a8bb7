//! Spans into events: requests to models and calls of tools. All else is an agent's inner workings,
//! of which there are many.

use oriel_model::{EventKind, Key, NewEvent, Outcome, Role};
use serde_json::Map;

use super::attributes::Attributes;
use super::claude::{self, keyed};
use super::input;
use super::log::{Fate, Seen, leave_out};
use super::record::{Group, Span, millis};
use super::{agent, usage};
use crate::draft::{Draft, clip};
use crate::parsed::{Parsed, Reason};

/// Operations that add up what the requests within them used.
const OF_SEVERAL: &[&str] =
    &["invoke_agent", "create_agent", "invoke_workflow", "execute_tool", "schedule_tool_calls"];

/// How much of a tool's output is shown beside its event.
const PREVIEW_UNITS: usize = 500;

/// A span with what is known of it at once.
struct Piece<'a> {
    agent: &'a str,
    resource: &'a Attributes,
    span: &'a Span,
    session: Option<String>,
}

/// Reads the spans of an export.
pub(super) fn read(groups: &[Group<Span>]) -> Parsed {
    let mut out = Parsed::default();
    let mut seen = Seen::default();
    for group in groups {
        group.count_skipped(&mut out.tally);
        let agent = agent::of(&group.resource);
        for record in &group.records {
            match record {
                Err(problem) => out.tally.bad(out.tally.records + 1, problem.as_str()),
                Ok(span) => {
                    let session = agent::session(&span.attributes, &group.resource);
                    let piece = Piece { agent: &agent, resource: &group.resource, span, session };
                    match fate(&piece) {
                        Fate::LeftOut(reason) => leave_out(&mut out.tally, &span.name, reason),
                        Fate::Event(_) if piece.session.is_none() => {
                            leave_out(&mut out.tally, &span.name, Reason::NoSession);
                        }
                        Fate::Event(draft) => {
                            let event = piece.named(draft, &mut seen);
                            seen.take(event, &mut out);
                        }
                    }
                }
            }
        }
    }
    out
}

fn fate(piece: &Piece<'_>) -> Fate {
    let told = &piece.span.attributes;
    match piece.agent {
        "claude_code" => claudes(piece),
        "codex" => Fate::LeftOut(Reason::Internals),
        // Their log records tell the same, and more of it.
        "gemini_cli" | "qwen_code" => Fate::LeftOut(match piece.span.name.as_str() {
            "llm_call" | "tool_call" => Reason::SaidElsewhere,
            _ => Reason::Internals,
        }),
        _ => {
            let operation = told.text(&["gen_ai.operation.name"]).unwrap_or_default();
            let call = told.text(&["gen_ai.tool.call.id", "ai.toolCall.id"]);
            if call.is_some() && matches!(&*operation, "execute_tool" | "") {
                Fate::Event(piece.tool())
            } else if OF_SEVERAL.contains(&&*operation) || !tells_usage(told) {
                Fate::LeftOut(Reason::Internals)
            } else {
                Fate::Event(
                    piece.request(
                        told.text(&["gen_ai.response.id"])
                            .map(|id| Key::one(piece.agent, "response", &id)),
                    ),
                )
            }
        }
    }
}

fn tells_usage(told: &Attributes) -> bool {
    let names = told.0.iter().any(|(name, _)| name.starts_with("gen_ai.usage."));
    names && !usage::is_none(usage::common(told, &Map::new()))
}

fn claudes(piece: &Piece<'_>) -> Fate {
    let told = &piece.span.attributes;
    let id = |names: &[&str]| told.text(names).map(String::from);
    match piece.span.name.strip_prefix("claude_code.").unwrap_or(&piece.span.name) {
        "llm_request" => match id(&["request_id"]) {
            Some(id) if !usage::is_none(usage::common(told, &Map::new())) => {
                Fate::Event(piece.request(Some(Key::one(claude::AGENT, "request", &id))))
            }
            Some(_) => Fate::LeftOut(Reason::Empty),
            None => Fate::LeftOut(Reason::SaidElsewhere),
        },
        "tool" | "tool.execution" => match id(&["tool_use_id", "gen_ai.tool.call.id"]) {
            Some(_) => Fate::Event(piece.tool()),
            None => Fate::LeftOut(Reason::SaidElsewhere),
        },
        "interaction" => Fate::LeftOut(Reason::SaidElsewhere),
        _ => Fate::LeftOut(Reason::Internals),
    }
}

impl Piece<'_> {
    fn draft(&self, kind: EventKind) -> Draft {
        let Self { agent, resource, span, session } = self;
        let told = &span.attributes;
        let placed = |name: &str| told.text(&[name]).or_else(|| resource.text(&[name]));
        let length = span.end.checked_sub(span.start).filter(|_| span.start > 0);
        let draft = Draft::new(agent, "otel", session.as_deref().unwrap_or_default(), kind)
            .at(millis(span.start))
            .place(placed("project").as_deref(), placed("branch").as_deref())
            .duration(told.count(&["duration_ms"]).or(length.map(|nanos| nanos / 1_000_000)))
            .fact("otel_event_name", span.name.as_str());
        let draft = draft.fact("agent_id", told.text(&["agent_id"]).as_deref());
        if span.failed || told.flag("success") == Some(false) {
            let error = told.words(&["error", "error.message"]);
            let error = error.as_deref().unwrap_or(&span.message);
            return draft.outcome(Outcome::Error).fact("error", error);
        }
        draft
    }

    fn request(&self, key: Option<Key>) -> Draft {
        let told = &self.span.attributes;
        let model = told.text(&["gen_ai.response.model", "gen_ai.request.model", "model"]);
        let mut draft = self
            .draft(EventKind::LlmResponse)
            .model(model.as_deref())
            .tokens(usage::common(told, &Map::new()))
            .stated_cost(told.number(&["gen_ai.usage.cost"]));
        for name in ["request_id", "ttft_ms", "effort", "stop_reason", "gen_ai.provider.name"] {
            draft = draft.fact(name, told.plain(name));
        }
        keyed(draft, key)
    }

    fn tool(&self) -> Draft {
        let told = &self.span.attributes;
        let name = told.text(&["gen_ai.tool.name", "tool_name", "ai.toolCall.name"]);
        let id = told.text(&["tool_use_id", "gen_ai.tool.call.id", "ai.toolCall.id"]);
        let mut draft = self
            .draft(EventKind::ToolUse)
            .tool(name.as_deref())
            .fact("tool_use_id", id.as_deref())
            .fact("command", told.words(&["full_command"]).as_deref())
            .fact("file_path", told.words(&["file_path"]).as_deref());
        if let Some(given) = told.words(&["gen_ai.tool.call.arguments", "ai.toolCall.args"]) {
            draft = input::facts(draft, name.as_deref(), &given, usize::MAX);
            draft = draft.text(Role::Input, &given);
        }
        let events = self.span.events.iter();
        let shown = events.filter(|event| event.name == "tool.output");
        let shown = shown.filter_map(|event| event.attributes.words(&["output"])).next();
        let result = ["gen_ai.tool.call.result", "ai.toolCall.result"];
        if let Some(output) = shown.or_else(|| told.words(&result)) {
            let preview = clip(&output, PREVIEW_UNITS);
            draft = draft.text(Role::Output, &output).fact("content_preview", preview);
        }
        keyed(draft, id.map(|id| Key::one(self.agent, "tool", &id)))
    }

    /// Finishes an event under the name of its span, which is unique in itself.
    fn named(&self, draft: Draft, seen: &mut Seen) -> NewEvent {
        let Span { trace_id, span_id, .. } = self.span;
        if span_id.is_empty() {
            return draft.build();
        }
        draft.id(seen.name(&format!("span {} {trace_id} {span_id}", self.agent))).build()
    }
}
