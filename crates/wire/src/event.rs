//! Events on the wire: what senders post and what readers get.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// One posted event, each field as it came: of any type, or absent. What a field must be is
/// decided by whoever admits it, who can then name all that is wrong at once.
#[derive(Debug, Default, Clone, Copy)]
pub struct RawEvent<'a> {
    /// Required text.
    pub session_id: Field<'a>,
    /// Required text.
    pub agent_type: Field<'a>,
    /// Required word.
    pub event_type: Field<'a>,
    /// The sender's name for the event.
    pub event_id: Field<'a>,
    /// The tool that ran.
    pub tool_name: Field<'a>,
    /// A word: success, error or timeout.
    pub status: Field<'a>,
    /// Whole number.
    pub tokens_in: Field<'a>,
    /// Whole number.
    pub tokens_out: Field<'a>,
    /// Text.
    pub branch: Field<'a>,
    /// Text.
    pub project: Field<'a>,
    /// Whole number.
    pub duration_ms: Field<'a>,
    /// A date.
    pub client_timestamp: Field<'a>,
    /// Any JSON.
    pub metadata: Field<'a>,
    /// Text.
    pub model: Field<'a>,
    /// Number.
    pub cost_usd: Field<'a>,
    /// Whole number.
    pub cache_read_tokens: Field<'a>,
    /// Whole number.
    pub cache_write_tokens: Field<'a>,
    /// Text.
    pub source: Field<'a>,
}

/// The JSON text of one field, or nothing where it is absent or null.
#[derive(Debug, Default, Clone, Copy)]
pub struct Field<'a>(Option<&'a RawValue>);

impl<'a> Field<'a> {
    /// Returns the field's JSON text, unless it is absent or null.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        self.0.map(RawValue::get)
    }

    /// Returns the string that the field holds, if it holds one.
    #[must_use]
    pub fn string(self) -> Option<Cow<'a, str>> {
        let text = self.text().filter(|text| text.starts_with('"'))?;
        match text[1..text.len() - 1].contains('\\') {
            false => Some(Cow::Borrowed(&text[1..text.len() - 1])),
            true => serde_json::from_str(text).ok().map(Cow::Owned),
        }
    }

    /// Returns the number that the field holds, if it holds one. It may be infinite.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        let text = self.text()?;
        let numeric = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if numeric { text.parse().ok() } else { None }
    }
}

// Derived code would refuse a repeated key; the last one counts, as everywhere in JavaScript.
impl<'de> Deserialize<'de> for RawEvent<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawEventVisitor)
    }
}

struct RawEventVisitor;

impl<'de> Visitor<'de> for RawEventVisitor {
    type Value = RawEvent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut event = RawEvent::default();
        while let Some(Key(key)) = map.next_key()? {
            let field = match key.as_ref() {
                "session_id" => &mut event.session_id,
                "agent_type" => &mut event.agent_type,
                "event_type" => &mut event.event_type,
                "event_id" => &mut event.event_id,
                "tool_name" => &mut event.tool_name,
                "status" => &mut event.status,
                "tokens_in" => &mut event.tokens_in,
                "tokens_out" => &mut event.tokens_out,
                "branch" => &mut event.branch,
                "project" => &mut event.project,
                "duration_ms" => &mut event.duration_ms,
                "client_timestamp" => &mut event.client_timestamp,
                "metadata" => &mut event.metadata,
                "model" => &mut event.model,
                "cost_usd" => &mut event.cost_usd,
                "cache_read_tokens" => &mut event.cache_read_tokens,
                "cache_write_tokens" => &mut event.cache_write_tokens,
                "source" => &mut event.source,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let raw: &'de RawValue = map.next_value()?;
            *field = Field(if raw.get() == "null" { None } else { Some(raw) });
        }
        Ok(event)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// One thing that is wrong with a posted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field at fault, or `body`.
    pub field: Cow<'static, str>,
    /// What it must be.
    pub message: Cow<'static, str>,
}

/// The answer to an event that cannot be admitted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Invalid {
    /// What happened.
    pub error: Cow<'static, str>,
    /// All that is wrong.
    pub details: Vec<FieldError>,
}

/// The answer to a posted event.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// How many events were stored.
    pub received: usize,
    /// Their numbers.
    pub ids: Vec<i64>,
    /// How many were stored before.
    pub duplicates: usize,
}

/// The answer to a posted batch.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchReceipt {
    /// How many events were stored.
    pub received: usize,
    /// Their numbers, in the batch's order.
    pub ids: Vec<i64>,
    /// How many were stored before.
    pub duplicates: usize,
    /// Which were not admitted, and why.
    pub rejected: Vec<RejectedEvent>,
}

/// An event of a batch that was not admitted.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedEvent {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// What is wrong, each as `field: message`.
    pub errors: Vec<String>,
}

/// A stored event as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventRow<'a> {
    /// Its number.
    pub id: i64,
    /// The sender's name for it.
    pub event_id: Option<Cow<'a, str>>,
    /// The version of this form.
    pub schema_version: u8,
    /// Its session.
    pub session_id: Cow<'a, str>,
    /// The program that acted.
    pub agent_type: Cow<'a, str>,
    /// What kind of thing happened.
    pub event_type: Cow<'a, str>,
    /// The tool that ran.
    pub tool_name: Option<Cow<'a, str>>,
    /// How it went.
    pub status: Cow<'a, str>,
    /// Tokens read by the model.
    pub tokens_in: u64,
    /// Tokens written by the model.
    pub tokens_out: u64,
    /// The git branch.
    pub branch: Option<Cow<'a, str>>,
    /// The project.
    pub project: Option<Cow<'a, str>>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// When it was received, `2026-02-03 10:00:00` in UTC.
    pub created_at: Cow<'a, str>,
    /// When it happened by the sender's clock.
    pub client_timestamp: Option<Cow<'a, str>>,
    /// JSON text of what else the sender said.
    pub metadata: Cow<'a, str>,
    /// 1 where `metadata` is less than what the sender said.
    pub payload_truncated: u8,
    /// The model that answered.
    pub model: Option<Cow<'a, str>>,
    /// What it cost.
    pub cost_usd: Option<f64>,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_write_tokens: u64,
    /// Who told of it.
    pub source: Cow<'a, str>,
}

/// A page of events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventPage<'a> {
    /// The events of this page.
    pub events: Vec<EventRow<'a>>,
    /// How many events match on all pages.
    pub total: u64,
}

/// The events after a number, oldest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventsAfter<'a> {
    /// The events.
    pub events: Vec<EventRow<'a>>,
    /// Where to go on: every event up to this number was looked at.
    pub next: i64,
    /// The number of the last event that there is. Where it is less than the number after which events
    /// were asked for, the store is another one than the asker knew.
    #[serde(default)]
    pub last: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_type_of_field_is_read_and_the_last_of_a_key_counts() {
        let text = r#"{"session_id":7,"cost_usd":1e400,"x":[[]],"project":"a","project":"b\n","model":null}"#;
        let event: RawEvent<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(event.session_id.number(), Some(7.0));
        assert_eq!(event.session_id.string(), None);
        assert_eq!(event.cost_usd.number(), Some(f64::INFINITY));
        assert_eq!(event.project.string().as_deref(), Some("b\n"));
        assert!(event.model.text().is_none() && event.branch.text().is_none());
    }

    #[test]
    fn what_is_no_object_is_no_event() {
        for text in ["[]", "7", "\"x\"", "null"] {
            assert!(serde_json::from_str::<RawEvent<'_>>(text).is_err(), "{text}");
        }
    }
}
