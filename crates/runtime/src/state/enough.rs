//! How much of a session has to be read to tell how it stands.
//!
//! Where very many sessions are looked at, most of what happened in each is left unread: what came
//! before the notes were told contradicts none of them.

use oriel_model::{Note, StoredEvent};

use super::What;

/// Returns whether these latest events, newest first, say as much of how their session stands as all
/// of its latest events would: they go back to before anything was told that they might contradict,
/// and say whose turn it is.
pub(crate) fn is_enough(notes: &[Note], events: &[StoredEvent]) -> bool {
    let Some(last) = events.last() else { return false };
    let told = notes.iter().filter(|note| matches!(note.name.as_str(), "waiting" | "doing"));
    // What is received later than in this second happened later.
    let received_ms = last.created_at.saturating_mul(1000);
    told.map(|note| note.at_ms)
        .min()
        .is_none_or(|told_ms| received_ms.saturating_add(999) < told_ms)
        // What was received in the same second as the latest turn may say otherwise, unread.
        && events
            .iter()
            .find(|event| says_whose_turn(event))
            .is_some_and(|latest| last.created_at < latest.created_at)
}

fn says_whose_turn(stored: &StoredEvent) -> bool {
    let event = &stored.event;
    matches!(What::of(event), What::Prompt | What::Tool | What::TurnOver)
        && !event.historical
        // What an agent does that a session started says nothing of the session itself. One that
        // has the word elsewhere is passed over too, and then more is read.
        && !event.metadata.text().contains("\"agent_id\"")
}

#[cfg(test)]
mod tests {
    use oriel_model::{
        About, EventKind, EventNumber, Facet, Life, Metadata, Money, NewEvent, Outcome, Place,
        QuietLimit, Rest, SessionId, Sign, Tokens, Told,
    };
    use oriel_store::Session;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::{EVENTS_READ, Sight, state_of};
    use super::*;

    const NOW: i64 = 1_700_000_000;

    proptest! {
        #[test]
        fn what_is_left_unread_would_change_nothing(
            steps in prop::collection::vec((0_i64..40, event()), 1..EVENTS_READ),
            waiting in prop::option::of((select(vec!["permission", "answer", "input"]), 0_i64..900)),
            doing in prop::option::of(0_i64..900),
            gone in prop::option::of(0_i64..900),
            rest in select(vec![Rest::Working, Rest::BetweenTurns]),
        ) {
            let mut at = NOW;
            let events: Vec<StoredEvent> = steps
                .into_iter()
                .enumerate()
                .map(|(nth, (wait, event))| {
                    at -= wait;
                    StoredEvent { number: EventNumber(1000 - nth as i64), created_at: at, event }
                })
                .collect();
            let mut notes = Vec::new();
            if let Some((whom, ago)) = waiting {
                notes.push(note("waiting", format!(r#"{{"for":"{whom}"}}"#), ago));
            }
            if let Some(ago) = doing {
                notes.push(note("doing", r#"{"tool":"Bash","detail":"ls"}"#.to_owned(), ago));
            }
            if let Some(ago) = gone {
                let value = format!(r#"{{"pid":1,"alive":false,"since":{}}}"#, (NOW - ago) * 1000);
                notes.push(note("process", value, ago));
            }
            let read = (1..=events.len())
                .find(|&read| is_enough(&notes, &events[..read]))
                .unwrap_or(events.len());
            let session = session(Life { last_event: events[0].created_at, rest });
            let state = |events: &[StoredEvent]| {
                let sights: Vec<Sight> = events.iter().map(Sight::of).collect();
                let quiet = QuietLimit::from_seconds(300).unwrap();
                state_of(&session, &notes, &sights, NOW * 1000, quiet)
            };
            prop_assert_eq!(state(&events[..read]), state(&events));
        }
    }

    #[test]
    fn a_session_at_work_is_told_of_by_few_events() {
        let events: Vec<StoredEvent> = (0..60)
            .map(|nth| StoredEvent {
                number: EventNumber(100 - nth),
                created_at: NOW - nth,
                event: tool(EventKind::ToolUse, Sign::Kind, "{}"),
            })
            .collect();
        let notes = [note("doing", r#"{"tool":"Bash"}"#.to_owned(), 3)];
        let read = (1..60).find(|&read| is_enough(&notes, &events[..read]));
        assert_eq!(read, Some(5));
    }

    #[test]
    fn what_happened_in_the_same_second_is_read_too() {
        let event = |number, at, kind, sign| StoredEvent {
            number: EventNumber(number),
            created_at: at,
            event: tool(kind, sign, "{}"),
        };
        let events = [
            event(3, NOW, EventKind::ToolUse, Sign::Kind),
            event(2, NOW, EventKind::Response, Sign::TurnOver),
            event(1, NOW - 1, EventKind::UserPrompt, Sign::Kind),
        ];
        let read = (1..=3).find(|&read| is_enough(&[], &events[..read]));
        assert_eq!(read, Some(3));
    }

    fn event() -> impl Strategy<Value = NewEvent> {
        let kind = select(vec![
            (EventKind::ToolUse, Sign::Kind),
            (EventKind::UserPrompt, Sign::Kind),
            (EventKind::LlmResponse, Sign::Kind),
            (EventKind::Response, Sign::TurnOver),
            (EventKind::SessionEnd, Sign::Kind),
            (EventKind::ToolUse, Sign::Aside),
        ]);
        (kind, prop::bool::weighted(0.2)).prop_map(|((kind, sign), is_agents)| {
            tool(kind, sign, if is_agents { r#"{"agent_id":"a"}"# } else { "{}" })
        })
    }

    fn tool(kind: EventKind, sign: Sign, metadata: &str) -> NewEvent {
        NewEvent {
            event_id: None,
            session_id: SessionId("s".to_owned()),
            facet: Facet {
                agent_type: "claude_code".to_owned(),
                kind,
                outcome: Outcome::Success,
                tool_name: None,
                model: None,
                source: "hook".to_owned(),
            },
            place: Place::default(),
            tokens: Tokens::default(),
            cost_usd: None,
            duration_ms: None,
            client_ms: None,
            metadata: Metadata::new(metadata.to_owned(), false),
            historical: false,
            told: Told { sign, ..Told::default() },
        }
    }

    fn note(name: &str, value: String, ago: i64) -> Note {
        let about = About::Session(SessionId("s".to_owned()));
        Note { about, name: name.to_owned(), value, at_ms: (NOW - ago) * 1000 }
    }

    fn session(life: Life) -> Session {
        Session {
            id: "s".to_owned(),
            agent_type: "claude_code".to_owned(),
            project: None,
            branch: None,
            started_at: NOW - 9999,
            life,
            events: 1,
            tokens_in: 0,
            tokens_out: 0,
            cost: Money::default(),
            files_edited: 0,
            lines_added: 0,
            lines_removed: 0,
            cache_read: 0,
            cache_write: 0,
            turns: 0,
            unpriced: 0,
            model: None,
        }
    }
}
