//! What a session does with what its agent tells.

use oriel_wire::gateway::{EventBody, TurnErrorCode, Usage};
use tokio::time::Instant;

use super::hold::{Heard, Hold};
use super::speech::Speech;
use super::tell::Effect;
use super::turn::{Ending, Turn};
use super::{NEWS_TAKEN_MAX, Session, UNTOLD_BYTES_MAX};
use crate::agent::{News, Order, Ready, Start};
use crate::files::{Found, Touch};
use crate::limits::{self, DELTA_BYTES_MAX, PROBLEM_BYTES_MAX, beginning};
use crate::state::Signal;
use crate::workspace;

/// The largest number that every client can read.
const NUMBER_MAX: u64 = (1 << 53) - 1;

impl Session {
    /// Takes what was heard of the agent, and what else waits to be heard.
    pub(super) async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Started(Ok(agent)) => {
                let by = Instant::now() + self.hub.limits.start_within;
                self.hold = Hold::Waking { agent, by };
            }
            Heard::Started(Err(error)) => {
                self.hold = Hold::Nothing;
                self.on_lost(TurnErrorCode::AgentFailed, &error.0).await;
            }
            Heard::News(news) => {
                self.on_news(news).await;
                for _ in 1..NEWS_TAKEN_MAX {
                    if self.untold_bytes > UNTOLD_BYTES_MAX {
                        break;
                    }
                    let Some(news) = self.hold.try_next() else { break };
                    self.on_news(news).await;
                }
            }
        }
        self.rest_if_stopping();
    }

    /// Starts the agent. It hears of the turn once it is ready.
    pub(super) fn start_agent(&mut self) {
        self.signal(Signal::Start);
        let start = Start {
            agent_type: self.meta.agent_type.clone(),
            workspace: self.meta.workspace.clone().into(),
            resume: self.native_session.clone(),
            session_id: self.meta.id.clone(),
        };
        let by = Instant::now() + self.hub.limits.start_within;
        self.hold = Hold::Starting { agent: self.hub.agents.start(start), by };
    }

    async fn on_news(&mut self, news: News) {
        if matches!(self.hold, Hold::Leaving { .. }) {
            // Its turn is over, and nobody waits for what it still says.
            if matches!(news, News::Ended(_)) {
                self.on_gone();
            }
            return;
        }
        match news {
            News::Ready(ready) => self.on_ready(ready),
            News::Happened(body) => self.on_happened(body).await,
            News::Asked(asked) => self.on_asked(asked),
            News::Touched(path) => {
                if let Some(turn) = &mut self.turn {
                    turn.touch(Touch::Path(path));
                }
            }
            News::PromptEnded(outcome) => self.on_prompt_ended(outcome).await,
            News::Ended(why) => {
                self.hold = Hold::Nothing;
                self.on_lost(TurnErrorCode::AgentExited, &why).await;
            }
        }
    }

    fn on_ready(&mut self, ready: Ready) {
        self.hold = match std::mem::replace(&mut self.hold, Hold::Nothing) {
            Hold::Waking { agent, .. } => Hold::There { agent, idle_since: Instant::now() },
            other => {
                self.hold = other;
                return;
            }
        };
        tracing::info!(
            session = self.meta.id,
            has_resumed = ready.has_resumed,
            confinement = ready.confinement,
            "an agent is ready"
        );
        self.signal(Signal::Ready);
        if let Some(native) = ready.native_session {
            self.meta.monitor_session =
                self.hub.agents.monitor_name(&self.meta.agent_type).map(|_| native.clone());
            self.entry.native_session = Some(native.clone());
            self.native_session = Some(native);
        }
        if ready.model.is_some() {
            self.meta.usage.model = ready.model;
        }
        self.begin_work();
        self.tell_session();
    }

    /// Has an agent that is there work on what waits for it.
    pub(super) fn begin_work(&mut self) {
        if self.turn.is_some() {
            self.signal(Signal::TurnBegan);
            self.prompt();
        }
    }

    fn prompt(&mut self) {
        if let Some(turn) = &mut self.turn
            && let Some(text) = turn.next.take()
        {
            turn.is_prompted = true;
            turn.cancel_by = None;
            self.effects.push(Effect::Order(Order::Prompt(text)));
        }
    }

    async fn on_happened(&mut self, body: EventBody) {
        match body {
            EventBody::TextDelta { text } => self.on_speech(|speech, told| speech.say(&text, told)),
            EventBody::ThinkingStart { text } | EventBody::ThinkingProgress { text } => {
                self.on_speech(|speech, told| speech.think(&text, told));
            }
            EventBody::ToolCallDelta { tool_call_id, delta } => {
                for piece in limits::pieces(&delta, DELTA_BYTES_MAX) {
                    let (tool_call_id, delta) = (tool_call_id.clone(), piece.to_owned());
                    self.tell_piece(EventBody::ToolCallDelta { tool_call_id, delta });
                }
            }
            EventBody::TerminalStream { terminal_id, chunk } => {
                for piece in limits::pieces(&chunk, DELTA_BYTES_MAX) {
                    let (terminal_id, chunk) = (terminal_id.clone(), piece.to_owned());
                    self.tell_piece(EventBody::TerminalStream { terminal_id, chunk });
                }
            }
            EventBody::ToolCallStart { .. }
            | EventBody::ToolCall { .. }
            | EventBody::ToolResult { .. }
            | EventBody::ToolError { .. }
            | EventBody::TerminalComplete { .. }
            | EventBody::PlanUpdated { .. }
            | EventBody::TurnUsage { .. } => self.on_deed(limits::fit(body)).await,
            other => {
                // The rest is the gateway's to tell.
                tracing::warn!(session = self.meta.id, ?other, "an agent told what is not its own");
            }
        }
    }

    /// Tells what the agent says. Outside of turns nobody listens to it.
    fn on_speech(&mut self, speak: impl FnOnce(&mut Speech, &mut Vec<EventBody>)) {
        let Some(turn) = &mut self.turn else { return };
        let mut told = vec![];
        speak(&mut turn.speech, &mut told);
        turn.unsaved_since.get_or_insert_with(Instant::now);
        for body in told {
            self.tell(body);
        }
    }

    /// Tells whole what the agent said or thought, since something else follows.
    pub(super) fn on_speech_end(&mut self) {
        self.on_speech(Speech::end);
    }

    fn tell_piece(&mut self, body: EventBody) {
        if self.turn.is_some() {
            self.tell(body);
        }
    }

    async fn on_deed(&mut self, body: EventBody) {
        self.on_speech_end();
        if let EventBody::TurnUsage { usage } = &body {
            add(&mut self.meta.usage, usage);
        }
        let has_tool_ended = self.turn.as_mut().is_some_and(|turn| turn.follow(&body));
        self.tell(body);
        if has_tool_ended {
            self.look_after_tool().await;
        }
    }

    /// Looks at the workspace before the agent does anything there.
    pub(super) async fn watch_files(&mut self) {
        if self.watch.is_none() {
            match workspace::watch(&self.hub, &self.meta).await {
                Ok(watch) => self.watch = Some(watch),
                Err(error) => {
                    let session = &self.meta.id;
                    tracing::warn!(session, error, "changes to files are not told");
                }
            }
        }
        if let Some(watch) = self.watch.clone() {
            let found = watch.begin().await;
            self.on_found(found);
        }
    }

    /// Tells which files changed since somebody looked last.
    async fn look_after_tool(&mut self) {
        let touched = self.turn.as_mut().map(Turn::take_touched).unwrap_or_default();
        if let Some(watch) = self.watch.clone() {
            let found = watch.after_tool(touched).await;
            self.on_found(found);
        }
    }

    fn on_found(&mut self, found: Found) {
        if found.untold > 0 || found.is_partial {
            let Found { untold, is_partial, .. } = found;
            tracing::info!(session = self.meta.id, untold, is_partial, "not every change is told");
        }
        for change in found.changes {
            if let Some(body) = change.event() {
                self.tell(body);
            }
            self.entry.iterations.push(change.iteration);
        }
    }

    async fn on_prompt_ended(&mut self, outcome: Result<String, String>) {
        let Some(turn) = &mut self.turn else { return };
        if !turn.is_prompted {
            return;
        }
        turn.is_prompted = false;
        turn.cancel_by = None;
        if turn.ending.is_none() && turn.next.is_some() {
            // It stopped to hear more. The turn goes on.
            self.prompt();
            return;
        }
        let outcome = match (turn.ending.take(), outcome) {
            (Some(ending), _) => Err(ending),
            (None, Ok(reason)) => Ok(beginning(&reason, PROBLEM_BYTES_MAX).to_owned()),
            (None, Err(why)) => {
                Err(Ending::new(TurnErrorCode::AgentFailed, beginning(&why, PROBLEM_BYTES_MAX)))
            }
        };
        self.end_turn(outcome).await;
        self.signal(Signal::TurnEnded);
        self.tell_session();
    }

    /// Takes note that the agent could not be started or went away.
    async fn on_lost(&mut self, code: TurnErrorCode, why: &str) {
        let why = beginning(why, PROBLEM_BYTES_MAX);
        let stopped = self.turn.as_mut().and_then(|turn| turn.ending.take());
        if let Some(ending) = stopped {
            // It was told to stop what it did, and did it thoroughly.
            self.end_turn(Err(ending)).await;
            self.signal(Signal::End);
            self.signal(Signal::Gone);
        } else {
            self.end_turn(Err(Ending::new(code, why))).await;
            self.fail(why);
        }
        self.tell_session();
    }

    /// Ends the turn, if one runs: what was open in it first, its end last.
    pub(super) async fn end_turn(&mut self, outcome: Result<String, Ending>) {
        if self.turn.is_none() {
            return;
        }
        self.on_speech_end();
        self.cancel_questions();
        self.end_tools();
        self.look_after_tool().await;
        if let Some(watch) = self.watch.clone() {
            let found = watch.end().await;
            self.on_found(found);
        }
        let final_text =
            self.turn.as_ref().map(|it| it.speech.text().to_owned()).unwrap_or_default();
        self.tell(match outcome {
            Ok(stop_reason) => EventBody::TurnComplete { final_text, stop_reason },
            Err(Ending { code, message }) => EventBody::TurnError { code, message, final_text },
        });
        self.turn = None;
        self.entry.turn = Some(None);
        if let Hold::There { idle_since, .. } = &mut self.hold {
            *idle_since = Instant::now();
        }
    }
}

/// What is told of a tool that did not end before its turn did.
const CUT_OFF: &str = "the turn ended before the tool did";

impl Session {
    /// Ends the tools that the agent left running, so that no client waits for their ends.
    fn end_tools(&mut self) {
        let left = self.turn.as_mut().map(Turn::take_tools).unwrap_or_default();
        for tool in left {
            self.tell(EventBody::ToolError {
                tool_call_id: tool.tool_call_id,
                output: CUT_OFF.to_owned(),
                truncated: false,
                diff: vec![],
            });
        }
    }
}

/// Adds what a turn used to what all used. The context is as the last one left it.
fn add(sum: &mut Usage, usage: &Usage) {
    let more = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more).min(NUMBER_MAX);
    more(&mut sum.input_tokens, usage.input_tokens);
    more(&mut sum.output_tokens, usage.output_tokens);
    more(&mut sum.cache_read_tokens, usage.cache_read_tokens);
    more(&mut sum.cache_write_tokens, usage.cache_write_tokens);
    if let Some(cost) = usage.cost_usd.filter(|cost| cost.is_finite()) {
        sum.cost_usd = Some(sum.cost_usd.unwrap_or_default() + cost);
    }
    if usage.model.is_some() {
        sum.model.clone_from(&usage.model);
    }
    sum.context_tokens = usage.context_tokens.or(sum.context_tokens);
    sum.context_limit = usage.context_limit.or(sum.context_limit);
}
