//! From what a sender posted to an event that may be stored.
//!
//! Senders are hooks and scripts on flaky machines, so every field that cannot be used is named at
//! once, and what can be used in any reasonable form is used.

mod branch;
mod date;
mod metadata;
mod privacy;
mod told;
mod words;

pub(crate) use branch::Branches;
pub(crate) use date::unix_millis;
pub use privacy::Privacy;
pub(crate) use privacy::pattern;
pub(crate) use told::admit_told;

use std::borrow::Cow;

use oriel_model::{EventId, EventKind, Facet, NewEvent, Outcome, Place, SessionId, Tokens, Told};
use oriel_pricing::{PriceBook, Tier, Usage};
use oriel_wire::{Field, FieldError, RawEvent};

use crate::config::Compat;

/// Whole numbers from here on are not exact in JavaScript, and no sender counts this far.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// No event costs more than a million dollars.
const COST_MAX: f64 = 1e6;

const STRING: &str = "must be a string";
const FILLED_STRING: &str = "must be a non-empty string";
const OPTIONAL_STRING: &str = "must be a string when provided";
const COUNT: &str = "must be a non-negative integer when provided";
const AMOUNT: &str = "must be a non-negative number when provided";
const TIMESTAMP_STRING: &str = "must be an ISO timestamp string when provided";
const TIMESTAMP: &str = "must be a valid timestamp";

/// What admission needs to know beyond the event itself.
pub(crate) struct Admission<'a> {
    /// The cap of metadata, in bytes.
    pub metadata_bytes_max: usize,
    /// What the user wants kept.
    pub privacy: &'a Privacy,
    /// What models cost.
    pub prices: &'a PriceBook,
    /// The age from which an imported event tells of the past, in milliseconds.
    pub history_ms: i64,
    /// Whose letter to keep.
    pub compat: Compat,
    /// When the event was received, in Unix milliseconds.
    pub now_ms: i64,
}

impl Admission<'_> {
    /// Returns the event that was posted, or all that is wrong with it.
    pub(crate) fn admit(&self, raw: &RawEvent<'_>) -> Result<NewEvent, Vec<FieldError>> {
        let mut errors = Errors(Vec::new());
        let session_id = errors.required("session_id", raw.session_id);
        let agent_type = errors.required("agent_type", raw.agent_type);
        let kind = self.kind(raw.event_type, &mut errors);
        let outcome = errors.outcome(raw.status, kind);
        let event_id = errors.optional("event_id", raw.event_id);
        let tool_name = errors.optional("tool_name", raw.tool_name);
        let branch = errors.optional("branch", raw.branch);
        let project = errors.optional("project", raw.project);
        let model = errors.optional("model", raw.model);
        let duration_ms = errors.count("duration_ms", raw.duration_ms);
        let tokens = Tokens {
            input: errors.count("tokens_in", raw.tokens_in),
            output: errors.count("tokens_out", raw.tokens_out),
            cache_read: errors.count("cache_read_tokens", raw.cache_read_tokens),
            cache_write: errors.count("cache_write_tokens", raw.cache_write_tokens),
            cache_write_1h: 0,
        };
        let cost_usd = errors.amount("cost_usd", raw.cost_usd);
        let client_ms = errors.timestamp("client_timestamp", raw.client_timestamp);
        let source = errors.optional("source", raw.source).unwrap_or_else(|| "api".to_owned());
        let (Some(session_id), Some(agent_type), Some(kind)) = (session_id, agent_type, kind)
        else {
            return Err(errors.0);
        };
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        let historical = source == "import" && self.is_history(client_ms);
        // What a sender says that it cost stays, whatever prices become.
        let told = Told { cost_is_stated: cost_usd.is_some(), ..Told::default() };
        let mut event = NewEvent {
            event_id: event_id.map(EventId),
            session_id: SessionId(session_id),
            facet: Facet { agent_type, kind, outcome, tool_name, model, source },
            place: Place { project, branch },
            tokens,
            cost_usd,
            duration_ms: Some(duration_ms).filter(|&ms| ms > 0),
            client_ms,
            metadata: metadata::admit(raw.metadata.text(), self.metadata_bytes_max),
            historical,
            told,
        };
        // Usage of the cache alone is not priced where it is posted: existing senders rely on it.
        if tokens.input > 0 || tokens.output > 0 {
            event.cost_usd = event.cost_usd.or_else(|| price_of(self.prices, &event, self.now_ms));
        }
        self.privacy.apply(&mut event);
        words::find(&mut event);
        Ok(event)
    }

    fn kind(&self, field: Field<'_>, errors: &mut Errors) -> Option<EventKind> {
        let word = errors.required("event_type", field);
        let known = match self.compat {
            Compat::Oriel => EventKind::ALL,
            // Its list ends before `instruction_load`.
            Compat::AgentMonitor => &EventKind::ALL[..EventKind::ALL.len() - 1],
        };
        let kind = word.as_deref().and_then(EventKind::from_word);
        let kind = kind.filter(|kind| known.contains(kind));
        if kind.is_none() {
            let words: Vec<_> = known.iter().map(|kind| kind.as_str()).collect();
            errors.add("event_type", format!("must be one of: {}", words.join(", ")));
        }
        kind
    }

    pub(crate) fn is_history(&self, client_ms: Option<i64>) -> bool {
        client_ms.is_none_or(|at| at < self.now_ms.saturating_sub(self.history_ms))
    }
}

/// Returns what an event cost by a price list, at the time at which it happened, or else at that at
/// which it was received. Usage of the cache alone is priced like any other.
pub(crate) fn price_of(prices: &PriceBook, event: &NewEvent, received_ms: i64) -> Option<f64> {
    let tokens = event.tokens;
    prices.price_of_request(&Usage {
        model: event.facet.model.as_deref()?,
        tokens_in: tokens.input,
        tokens_out: tokens.output,
        cache_read_tokens: tokens.cache_read,
        cache_write_tokens: tokens.cache_write,
        cache_write_1h_tokens: tokens.cache_write_1h,
        at_unix_seconds: event.client_ms.unwrap_or(received_ms).div_euclid(1000),
        tier: tier_of(event.metadata.text()),
    })
}

/// Returns how a request was served, as its metadata tells.
fn tier_of(metadata: &str) -> Tier {
    const FACT: &str = "service_tier";
    // Nearly no event says so, and parsing costs more than looking.
    if !metadata.contains(FACT) {
        return Tier::Standard;
    }
    let metadata: Option<serde_json::Value> = serde_json::from_str(metadata).ok();
    match metadata.as_ref().and_then(|metadata| metadata.get(FACT)?.as_str()) {
        Some("batch" | "flex") => Tier::Batch,
        Some("priority" | "fast") => Tier::Priority,
        _ => Tier::Standard,
    }
}

/// All that is wrong so far, in the order of the fields.
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, field: &'static str, message: impl Into<Cow<'static, str>>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    fn required(&mut self, name: &'static str, field: Field<'_>) -> Option<String> {
        let Some(text) = field.string() else {
            self.add(name, STRING);
            return None;
        };
        let trimmed = trim(&text);
        if trimmed.is_empty() {
            self.add(name, FILLED_STRING);
            return None;
        }
        Some(trimmed.to_owned())
    }

    fn optional(&mut self, name: &'static str, field: Field<'_>) -> Option<String> {
        field.text()?;
        match field.string() {
            None => {
                self.add(name, OPTIONAL_STRING);
                None
            }
            Some(text) => Some(trim(&text).to_owned()).filter(|text| !text.is_empty()),
        }
    }

    fn outcome(&mut self, field: Field<'_>, kind: Option<EventKind>) -> Outcome {
        let usual = match kind {
            Some(EventKind::Error) => Outcome::Error,
            _ => Outcome::Success,
        };
        if field.text().is_none() {
            return usual;
        }
        match field.string().and_then(|word| Outcome::from_word(&word)) {
            Some(outcome) => outcome,
            None => {
                let words: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
                self.add("status", format!("must be one of: {}", words.join(", ")));
                usual
            }
        }
    }

    fn count(&mut self, name: &'static str, field: Field<'_>) -> u64 {
        if field.text().is_none() {
            return 0;
        }
        match field.number() {
            Some(number) if (0.0..=COUNT_MAX).contains(&number) && number.fract() == 0.0 => {
                number as u64
            }
            _ => {
                self.add(name, COUNT);
                0
            }
        }
    }

    fn amount(&mut self, name: &'static str, field: Field<'_>) -> Option<f64> {
        field.text()?;
        match field.number() {
            Some(number) if (0.0..=COST_MAX).contains(&number) => Some(number.abs()),
            _ => {
                self.add(name, AMOUNT);
                None
            }
        }
    }

    fn timestamp(&mut self, name: &'static str, field: Field<'_>) -> Option<i64> {
        field.text()?;
        let Some(text) = field.string() else {
            self.add(name, TIMESTAMP_STRING);
            return None;
        };
        let at = date::unix_millis(trim(&text));
        if at.is_none() {
            self.add(name, TIMESTAMP);
        }
        at
    }
}

/// Trims what JavaScript calls white space: Unicode's, and the byte order mark.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() && c != '\u{85}' || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use oriel_model::Role;

    use super::*;

    const NOW_MS: i64 = 1_770_112_800_000;

    #[test]
    fn a_full_event_is_admitted_as_it_was_said() {
        let event = admit(
            r#"{"session_id":" s1 ","agent_type":"claude_code","event_type":"llm_response",
            "event_id":"e1","tool_name":"","branch":"main","project":"oriel","model":"o3",
            "tokens_in":250000,"tokens_out":125000.0,"duration_ms":0,"source":"hook",
            "client_timestamp":"2026-01-02T03:04:05+02:00","metadata":{"b":1,"1":2},"extra":[1]}"#,
        )
        .unwrap();
        assert_eq!(event.session_id.0, "s1");
        assert_eq!(event.facet.tool_name, None, "blank is absent");
        assert_eq!(event.tokens, Tokens { input: 250_000, output: 125_000, ..Tokens::default() });
        assert_eq!(event.cost_usd, Some(1.5), "priced on the way in");
        assert_eq!(event.duration_ms, None, "no duration is no duration");
        assert_eq!(event.client_ms, Some(1_767_315_845_000));
        assert_eq!(event.metadata.text(), r#"{"1":2,"b":1}"#);
        assert!(!event.historical);
    }

    #[test]
    fn everything_that_is_wrong_is_named_in_a_fixed_order() {
        let errors = admit(
            r#"{"session_id":7,"agent_type":" ","status":"ok","event_id":1,"tool_name":[],
            "branch":{},"project":true,"model":2,"duration_ms":-1,"tokens_in":1.5,
            "tokens_out":"3","cache_read_tokens":1e17,"cache_write_tokens":true,"cost_usd":1e400,
            "client_timestamp":5,"source":0}"#,
        )
        .unwrap_err();
        let fields: Vec<&str> = errors.iter().map(|error| &*error.field).collect();
        let expected = "session_id agent_type event_type event_type status event_id tool_name \
            branch project model duration_ms tokens_in tokens_out cache_read_tokens \
            cache_write_tokens cost_usd client_timestamp source";
        assert_eq!(fields.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
        assert_eq!(errors[0].message, STRING);
        assert_eq!(errors[1].message, FILLED_STRING);
        assert_eq!(errors[2].message, STRING);
        assert_eq!(
            errors[3].message,
            "must be one of: tool_use, session_start, session_end, error, llm_request, \
             llm_response, response, file_change, git_commit, plan_step, user_prompt, \
             instruction_load"
        );
        assert_eq!(errors[4].message, "must be one of: success, error, timeout");
        assert_eq!(errors[16].message, TIMESTAMP_STRING);
        let errors = admit(&with(r#""client_timestamp":"soon""#)).unwrap_err();
        assert_eq!(errors[0].message, TIMESTAMP);
    }

    #[test]
    fn the_words_of_a_posted_event_can_be_searched_for() {
        let words = |kind: &str, metadata: &str| {
            let event = admit(&format!(
                r#"{{"session_id":"s","agent_type":"a","event_type":"{kind}","metadata":{metadata}}}"#
            ));
            let texts = event.unwrap().told.texts;
            texts.iter().map(|text| (text.role, text.text.clone())).collect::<Vec<_>>()
        };
        let expected = |role, text: &str| vec![(role, text.to_owned())];
        assert_eq!(words("user_prompt", r#"{"message":"do it"}"#), expected(Role::Prompt, "do it"));
        assert_eq!(words("tool_use", r#"{"command":"ls"}"#), expected(Role::Input, "ls"));
        assert_eq!(words("error", r#"{"error":"no disk"}"#), expected(Role::Output, "no disk"));
        assert!(words("tool_use", r#"{"command":7,"file_path":"a"}"#).is_empty());
        assert!(words("user_prompt", r#""plain""#).is_empty());
    }

    #[test]
    fn null_is_absent() {
        let event =
            admit(&with(r#""status":null,"model":null,"cost_usd":null,"metadata":null"#)).unwrap();
        assert_eq!(event.metadata.text(), "{}");
        assert_eq!((event.facet.outcome, event.cost_usd), (Outcome::Success, None));
    }

    #[test]
    fn an_error_fails_unless_it_says_otherwise() {
        let error = r#"{"session_id":"s","agent_type":"a","event_type":"error""#;
        assert_eq!(admit(&format!("{error}}}")).unwrap().facet.outcome, Outcome::Error);
        let told = admit(&format!(r#"{error},"status":"timeout"}}"#)).unwrap();
        assert_eq!(told.facet.outcome, Outcome::Timeout);
    }

    #[test]
    fn a_stated_cost_stands_even_when_it_is_nothing() {
        let model = r#""model":"o3","tokens_in":1,"tokens_out":1"#;
        assert_eq!(admit(&with(&format!(r#"{model},"cost_usd":0"#))).unwrap().cost_usd, Some(0.0));
        assert_eq!(admit(&with(model)).unwrap().cost_usd, Some(9.999_999_999_999_999e-6));
        let unknown = r#""model":"who","tokens_in":1"#;
        assert_eq!(admit(&with(unknown)).unwrap().cost_usd, None);
    }

    #[test]
    fn a_senders_word_on_the_cost_is_known_as_such() {
        let stated = |fields: &str| admit(&with(fields)).unwrap().told.cost_is_stated;
        assert!(stated(r#""cost_usd":0"#));
        assert!(!stated(r#""model":"o3","tokens_in":1"#));
    }

    #[test]
    fn usage_of_the_cache_alone_is_priced_where_it_is_asked_for() {
        let event = admit(&with(r#""model":"claude-opus-5-5","cache_read_tokens":1000000"#));
        let event = event.unwrap();
        assert_eq!(event.cost_usd, None, "as it was posted");
        assert_eq!(price_of(&PriceBook::builtin(), &event, NOW_MS), Some(0.2));
    }

    #[test]
    fn the_metadata_tells_the_tier() {
        let cost = |tier: &str| {
            let usage = r#""model":"claude-opus-5-5","tokens_in":1000000"#;
            let tier = format!(r#"{usage},"metadata":{{"service_tier":{tier}}}"#);
            admit(&with(&tier)).unwrap().cost_usd
        };
        assert_eq!(cost("\"batch\""), Some(2.0));
        assert_eq!(cost("\"standard\""), Some(4.0));
        assert_eq!(cost("7"), Some(4.0));
        assert_eq!(cost("\"priority\""), None, "nobody knows what it costs");
    }

    #[test]
    fn the_largest_counts_and_costs_are_bounded() {
        let event = admit(&with(r#""tokens_in":9007199254740993"#)).unwrap();
        assert_eq!(event.tokens.input, 9_007_199_254_740_992);
        assert!(admit(&with(r#""tokens_in":1e16"#)).is_err());
        assert!(admit(&with(r#""cost_usd":1000001"#)).is_err());
        assert!(admit(&with(r#""cost_usd":-0.0"#)).unwrap().cost_usd.unwrap().is_sign_positive());
    }

    #[test]
    fn only_old_imports_tell_of_the_past() {
        let import = |more: &str| admit(&with(&format!(r#""source":"import"{more}"#))).unwrap();
        assert!(import("").historical, "undated");
        assert!(import(r#","client_timestamp":"2026-01-01""#).historical);
        assert!(!import(r#","client_timestamp":"2026-02-03T09:59:00Z""#).historical);
        let live = admit(&with(r#""client_timestamp":"2020-01-01""#)).unwrap();
        assert!(!live.historical, "a hook with a wrong clock is still live");
    }

    fn with(fields: &str) -> String {
        format!(r#"{{"session_id":"s","agent_type":"a","event_type":"tool_use",{fields}}}"#)
    }

    fn admit(text: &str) -> Result<NewEvent, Vec<FieldError>> {
        let admission = Admission {
            metadata_bytes_max: 1024,
            privacy: &Privacy::default(),
            prices: &PriceBook::builtin(),
            history_ms: 30 * 60_000,
            compat: Compat::Oriel,
            now_ms: NOW_MS,
        };
        admission.admit(&serde_json::from_str(text).unwrap())
    }
}
