//! One answer of a model, gathered from the lines that it was written in.
//!
//! Each block of an answer is a line, and each line repeats the usage of the whole. So the usage of
//! one is taken, the weightiest, and never a sum.

use std::borrow::Cow;

use oriel_model::{EventKind, Key, NewEvent, Outcome, Role, Tokens, outweighs};

use super::json::Raw;
use super::line::{Line, model_name, tokens};
use super::{AGENT, usage_key};
use crate::draft::{Draft, clip};
use crate::words::answer_key;

/// The most words of an answer that are gathered; [`Draft::text`] keeps less.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The most of an answer that is shown, in UTF-16 units.
const PREVIEW_UNITS_MAX: usize = 500;

/// One answer of a model, as far as its lines are known.
pub(super) struct Message {
    /// What its lines have in common; without it a line is a message of its own.
    pub(super) identity: Option<String>,
    /// The beginning of the event, made of the first line.
    pub(super) draft: Draft,
    tokens: Tokens,
    /// What the agent stated that it cost.
    pub(super) cost_usd: f64,
    model: Option<String>,
    stop_reason: Option<String>,
    text: String,
    searches: u64,
}

/// What the lines of a message have in common.
pub(super) struct Names {
    pub(super) request: Option<String>,
    pub(super) message: Option<String>,
}

impl Names {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let owned = |raw: Option<Raw<'_>>| raw.and_then(Raw::word).map(Cow::into_owned);
        Self {
            request: owned(line.request_id),
            message: owned(line.message.and_then(|message| message.get("id"))),
        }
    }

    pub(super) fn identity(&self) -> Option<String> {
        let word = |name: &Option<String>| name.clone().unwrap_or_default();
        let is_known = self.request.is_some() || self.message.is_some();
        is_known.then(|| format!("{} {}", word(&self.message), word(&self.request)))
    }
}

impl Message {
    /// Begins a message with its first line; `draft` knows when and where.
    pub(super) fn begin(names: Names, draft: Draft, uuid: Option<&str>) -> Self {
        let identity = names.identity();
        let Names { request, message } = names;
        let mut draft = draft;
        for (kind, name) in [("request", &request), ("message", &message)] {
            if let Some(name) = name {
                draft = draft.key(Key::one(AGENT, kind, name));
            }
        }
        if let (None, Some(uuid)) = (&identity, uuid) {
            draft = draft.key(Key::one(AGENT, "line", uuid));
        }
        Self {
            identity,
            draft: draft.fact("request_id", request).fact("message_id", message),
            tokens: Tokens::default(),
            cost_usd: 0.0,
            model: None,
            stop_reason: None,
            text: String::new(),
            searches: 0,
        }
    }

    /// Learns what a line says of the message.
    pub(super) fn learn(&mut self, line: &Line<'_>) {
        let mut weightier = false;
        if let Some(usage) = line.either("usage") {
            let tokens = tokens(usage);
            weightier = outweighs(tokens, self.tokens);
            if weightier {
                self.tokens = tokens;
            }
            let searches = usage
                .get("server_tool_use")
                .and_then(|used| used.get("web_search_requests").and_then(Raw::count));
            self.searches = self.searches.max(searches.unwrap_or(0));
        }
        // The model goes with the usage that counts.
        if let Some(model) = line.either("model").and_then(Raw::word)
            && (weightier || self.model.is_none())
        {
            self.model = Some(model_name(&model).to_owned());
        }
        let message = line.message;
        if let Some(reason) = message.and_then(|message| message.word_of("stop_reason")) {
            self.stop_reason = Some(reason.into_owned());
        }
        let content = line.content();
        if let Some(text) = content.and_then(Raw::string) {
            self.say(&text);
        }
        for block in line.blocks().filter(|block| is_text(*block)) {
            if let Some(text) = block.get("text").and_then(Raw::string) {
                self.say(&text);
            }
        }
    }

    fn say(&mut self, text: &str) {
        if text.trim().is_empty() || self.text.len() >= TEXT_BYTES_MAX {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    /// Makes the event of all that is known.
    pub(super) fn tell(self) -> NewEvent {
        let cost = (self.cost_usd > 0.0).then_some(self.cost_usd);
        let searches = (self.searches > 0).then_some(self.searches);
        let mut event = self
            .draft
            .model(self.model.as_deref())
            .tokens(self.tokens)
            .stated_cost(cost)
            .fact("stop_reason", self.stop_reason)
            .fact("web_search_requests", searches)
            .fact("content_preview", clip(self.text.trim(), PREVIEW_UNITS_MAX))
            .text(Role::Answer, &self.text)
            .build();
        let model = self.model.as_deref();
        event.told.keys.extend(usage_key(&event.session_id.0, model, self.tokens));
        let said = answer_key(AGENT, &event.session_id.0, &self.text);
        event.told.keys.extend(said);
        event
    }

    /// Returns how many tokens the model read.
    pub(super) const fn context(&self) -> u64 {
        let Tokens { input, cache_read, cache_write, .. } = self.tokens;
        input.saturating_add(cache_read).saturating_add(cache_write)
    }
}

/// Returns whether a line is what the program says in the place of an answer that it did not get.
pub(super) fn is_synthetic(line: &Line<'_>) -> bool {
    let model = line.message.and_then(|message| message.word_of("model"));
    line.is_api_error || model.as_deref() == Some("<synthetic>")
}

/// Makes the event of an answer that was not got.
pub(super) fn failure(line: &Line<'_>, draft: Draft, prompt_id: Option<&str>) -> NewEvent {
    let text = line.content().map(super::line::said).unwrap_or_default();
    let mut draft = draft;
    if let Some(uuid) = line.uuid.and_then(Raw::word) {
        draft = draft.key(Key::one(AGENT, "line", &uuid));
    }
    if let Some(prompt) = prompt_id.filter(|_| line.is_api_error) {
        draft = draft.key(Key::alike(AGENT, "failure", prompt));
    }
    let error = line.whole.word_of("error");
    let status = line.whole.get("apiErrorStatus").and_then(Raw::count);
    draft
        .fact("message", clip(text.trim(), PREVIEW_UNITS_MAX))
        .fact("error", error.as_deref())
        .fact("status", status)
        .text(Role::Answer, &text)
        .build()
}

/// Returns what a synthetic line tells of: a failure, or words that say that there are none.
pub(super) fn synthetic_kind(line: &Line<'_>) -> (EventKind, Outcome) {
    let text = line.content().map(super::line::said).unwrap_or_default();
    if line.is_api_error || text.starts_with("API Error") {
        (EventKind::Error, Outcome::Error)
    } else {
        (EventKind::Response, Outcome::Success)
    }
}

fn is_text(block: Raw<'_>) -> bool {
    block.get("type").and_then(Raw::string).is_some_and(|kind| kind == "text")
}
