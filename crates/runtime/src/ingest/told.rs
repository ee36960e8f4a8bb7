//! From what a format made of a foreign record to an event that may be stored.
//!
//! Formats are careful, and what they read is not: so the same limits hold here as for what is
//! posted. Nothing is refused, since nobody is there who could mend it.

use oriel_model::{Metadata, NewEvent, Tokens};

use super::{Admission, COST_MAX, COUNT_MAX, metadata, price_of};
use crate::app::App;

/// The most bytes of a word that events are counted by. No real name is as long, and each makes a
/// row of its own in every total.
const WORD_BYTES_MAX: usize = 512;

/// Makes an event that a format read one that may be stored.
pub(crate) fn admit_told(app: &App, event: NewEvent, now_ms: i64) -> NewEvent {
    app.admission(now_ms).admit_told(event)
}

impl Admission<'_> {
    /// Makes an event that a format read one that may be stored.
    pub(crate) fn admit_told(&self, mut event: NewEvent) -> NewEvent {
        let facet = &mut event.facet;
        trim_word(&mut facet.agent_type);
        trim_word(&mut facet.source);
        trim_word(&mut event.session_id.0);
        let place = &mut event.place;
        for word in [&mut facet.tool_name, &mut facet.model, &mut place.project, &mut place.branch]
        {
            *word = word.take().map(|mut word| {
                trim_word(&mut word);
                word
            });
            word.take_if(|word| word.is_empty());
        }
        event.tokens = capped(event.tokens);
        event.duration_ms = event.duration_ms.filter(|&ms| ms > 0).map(|ms| ms.min(count_max()));
        event.cost_usd = event
            .cost_usd
            .filter(|cost| (0.0..=COST_MAX).contains(cost))
            .or_else(|| price_of(self.prices, &event, self.now_ms));
        self.privacy.apply(&mut event);
        event.metadata = self.metadata_told(&event.metadata);
        // A gateway tells late what happened while no runtime was there.
        let may_be_past = matches!(event.facet.source.as_str(), "import" | "gateway");
        event.historical = may_be_past && self.is_history(event.client_ms);
        event.told.may_be_late = matches!(event.facet.source.as_str(), "import" | "otel");
        event
    }

    fn metadata_told(&self, told: &Metadata) -> Metadata {
        let admitted = metadata::admit(Some(told.text()), self.metadata_bytes_max);
        if told.truncated() && !admitted.truncated() {
            return Metadata::new(admitted.text().to_owned(), true);
        }
        admitted
    }
}

fn capped(tokens: Tokens) -> Tokens {
    let max = count_max();
    Tokens {
        input: tokens.input.min(max),
        output: tokens.output.min(max),
        cache_read: tokens.cache_read.min(max),
        cache_write: tokens.cache_write.min(max),
        cache_write_1h: tokens.cache_write_1h.min(tokens.cache_write).min(max),
    }
}

const fn count_max() -> u64 {
    COUNT_MAX as u64
}

/// Trims a word in place, and cuts off what no word is long enough to have.
fn trim_word(word: &mut String) {
    let trimmed = super::trim(word);
    let end = trimmed.floor_char_boundary(WORD_BYTES_MAX);
    if end != word.len() {
        *word = super::trim(&trimmed[..end]).to_owned();
    }
}

#[cfg(test)]
mod tests {
    use oriel_model::{EventKind, Facet, Outcome, Place, SessionId, Told};
    use oriel_pricing::PriceBook;

    use super::*;
    use crate::config::Compat;

    const NOW_MS: i64 = 1_770_112_800_000;

    #[test]
    fn a_telling_is_trimmed_priced_and_capped() {
        let mut told = event();
        told.facet.tool_name = Some("  ".to_owned());
        told.facet.model = Some(" o3 ".to_owned());
        told.place.branch = Some("x".repeat(5000));
        told.tokens = Tokens { input: u64::MAX, cache_write_1h: 9, ..Tokens::default() };
        told.metadata = Metadata::new(r#"{"b":1,"1":2}"#.to_owned(), false);
        let event = admit(told);
        assert_eq!(event.facet.tool_name, None);
        assert_eq!(event.facet.model.as_deref(), Some("o3"));
        assert_eq!(event.place.branch.map(|branch| branch.len()), Some(WORD_BYTES_MAX));
        assert_eq!(event.tokens.input, count_max());
        assert_eq!(event.tokens.cache_write_1h, 0, "never more than all that was written");
        assert!(event.cost_usd.is_some());
        assert_eq!(event.metadata.text(), r#"{"1":2,"b":1}"#);
    }

    #[test]
    fn a_request_that_read_only_the_cache_has_a_price_and_no_usage_has_none() {
        let mut told = event();
        told.facet.model = Some("o3".to_owned());
        assert_eq!(admit(told.clone()).cost_usd, None);
        told.tokens.cache_read = 1_000_000;
        assert_eq!(admit(told.clone()).cost_usd, Some(0.5));
        told.cost_usd = Some(0.25);
        assert_eq!(admit(told.clone()).cost_usd, Some(0.25), "what the agent states stands");
        told.cost_usd = Some(f64::NAN);
        assert_eq!(admit(told).cost_usd, Some(0.5), "but not what is no amount");
    }

    #[test]
    fn only_imports_tell_of_the_past() {
        let mut told = event();
        assert!(admit(told.clone()).historical, "undated");
        told.client_ms = Some(NOW_MS - 1000);
        assert!(!admit(told.clone()).historical);
        told.client_ms = Some(0);
        assert!(admit(told.clone()).historical);
        told.facet.source = "otel".to_owned();
        assert!(!admit(told).historical);
    }

    fn admit(event: NewEvent) -> NewEvent {
        let admission = Admission {
            privacy: &crate::ingest::Privacy::default(),
            metadata_bytes_max: 1024,
            prices: &PriceBook::builtin(),
            history_ms: 30 * 60_000,
            compat: Compat::Oriel,
            now_ms: NOW_MS,
        };
        admission.admit_told(event)
    }

    fn event() -> NewEvent {
        NewEvent {
            event_id: None,
            session_id: SessionId("s".to_owned()),
            facet: Facet {
                agent_type: "codex".to_owned(),
                kind: EventKind::LlmResponse,
                outcome: Outcome::Success,
                tool_name: None,
                model: None,
                source: "import".to_owned(),
            },
            place: Place::default(),
            tokens: Tokens::default(),
            cost_usd: None,
            duration_ms: None,
            client_ms: None,
            metadata: Metadata::default(),
            historical: false,
            told: Told::default(),
        }
    }
}
