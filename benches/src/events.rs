//! Events as agents send them, made by patching templates.
//!
//! Everything about an event follows from its number: the session it belongs to, what was done, and
//! when. A template is the finished JSON with marks of fixed width where an event differs from the
//! next, so making one is a copy and a few overwritten digits.

mod template;
mod text;

use std::ops::Range;
use std::time::{Duration, SystemTime};

use crate::clock::day_text;

pub(crate) use template::Template;
use template::{Field, write_decimal, write_hex};
pub(crate) use text::known;
use text::{KINDS, PROFILES, SESSION_PREFIX, text};

const DAY_SECONDS: u64 = 86_400;
/// How far back the times of scattered events reach.
const SCATTER_DAYS: u64 = 30;

/// Which events to make.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Tells the events of one start of the program from those of another.
    pub tag: u64,
    /// How many sessions they belong to.
    pub sessions: u64,
    /// Spreads `client_timestamp` over the 30 days before this; `None` sends no such field.
    pub scatter_before: Option<SystemTime>,
}

/// A source of events that never repeats one.
#[derive(Debug)]
pub struct Events {
    templates: Vec<Template>,
    ids: EventIds,
    sessions: u64,
    times: Option<Times>,
    next: u64,
}

/// How the number of an event becomes its `event_id`.
#[derive(Debug, Clone, Copy)]
pub struct EventIds {
    tag: u64,
}

impl Events {
    /// Prepares the templates.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let ids = EventIds { tag: style.tag };
        let timed = style.scatter_before.is_some();
        let templates = (0..PROFILES)
            .flat_map(|profile| KINDS.map(|kind| text(profile, kind, timed)))
            .map(|text| Template::parse(&text.replace("TAG", &format!("{:016x}", style.tag))))
            .collect();
        let times = style.scatter_before.map(Times::before);
        Self { templates, ids, sessions: style.sessions.max(1), times, next: 0 }
    }

    /// How numbers become ids.
    #[must_use]
    pub fn ids(&self) -> EventIds {
        self.ids
    }

    /// The next `count` events; their numbers are not given out again.
    pub fn take(&mut self, count: u64) -> Range<u64> {
        let taken = self.next..self.next + count;
        self.next = taken.end;
        taken
    }

    /// The templates, to be sent as they are or with something before them.
    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Appends one event, made from its entry in `templates`.
    pub(crate) fn write(&self, templates: &[Template], number: u64, out: &mut Vec<u8>) {
        let mix = mix(number);
        let session = (mix >> 32) % self.sessions;
        let kind = mix as usize % KINDS.len();
        let template = &templates[(session % PROFILES) as usize * KINDS.len() + kind];
        let start = out.len();
        out.extend_from_slice(&template.bytes);
        let made = &mut out[start..];
        for &(at, field) in &template.patches {
            let place = &mut made[at..at + field.width()];
            match field {
                Field::Number => write_hex(place, number),
                Field::Session => write_decimal(place, session),
                Field::File => write_decimal(place, (mix >> 8) % 200),
                // The first digit of a JSON number is no zero.
                Field::Duration => write_decimal(place, 100 + (mix >> 16) % 900),
                Field::TokensIn => write_decimal(place, 1_000 + (mix >> 12) % 9_000),
                Field::TokensOut => write_decimal(place, 100 + (mix >> 20) % 900),
                Field::Time => {
                    if let Some(times) = &self.times {
                        times.write(place, mix);
                    }
                }
            }
        }
    }
}

impl EventIds {
    /// The id of an event: 32 hexadecimal digits.
    #[must_use]
    pub fn text(&self, number: u64) -> String {
        format!("{:016x}{number:016x}", self.tag)
    }

    /// The number of an event, if its id is one of these.
    pub(crate) fn number(&self, id: &[u8]) -> Option<u64> {
        let id = std::str::from_utf8(id).ok()?;
        let (tag, number) = id.split_at_checked(16)?;
        let is_ours = number.len() == 16 && u64::from_str_radix(tag, 16) == Ok(self.tag);
        if is_ours { u64::from_str_radix(number, 16).ok() } else { None }
    }
}

/// The id of the session with this number.
pub(crate) fn session_id(session: u64) -> String {
    format!("{SESSION_PREFIX}{session:012}")
}

/// Times of day on the last days, without asking a calendar for each.
#[derive(Debug)]
struct Times {
    /// The day of each midnight from the oldest time on, as `2026-03-01T`.
    days: Vec<String>,
    /// How long after the first midnight the oldest time is.
    oldest_seconds: u64,
}

impl Times {
    fn before(newest: SystemTime) -> Self {
        let since_epoch = newest.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let oldest = since_epoch.as_secs().saturating_sub(SCATTER_DAYS * DAY_SECONDS);
        let midnight = oldest - oldest % DAY_SECONDS;
        let days = (0..=SCATTER_DAYS)
            .map(|day| midnight + day * DAY_SECONDS)
            .map(|at| day_text(SystemTime::UNIX_EPOCH + Duration::from_secs(at)))
            .collect();
        Self { days, oldest_seconds: oldest - midnight }
    }

    fn write(&self, place: &mut [u8], mix: u64) {
        let seconds = self.oldest_seconds + (mix >> 24) % (SCATTER_DAYS * DAY_SECONDS);
        let of_day = seconds % DAY_SECONDS;
        place[..11].copy_from_slice(self.days[(seconds / DAY_SECONDS) as usize].as_bytes());
        write_decimal(&mut place[11..13], of_day / 3_600);
        place[13] = b':';
        write_decimal(&mut place[14..16], of_day / 60 % 60);
        place[16] = b':';
        write_decimal(&mut place[17..19], of_day % 60);
        place[19] = b'.';
        write_decimal(&mut place[20..23], mix % 1_000);
        place[23] = b'Z';
    }
}

/// Spreads a number over all bits (the finalizer of splitmix64).
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_event_is_json_with_every_place_filled() {
        for scatter_before in [None, Some(noon())] {
            let (mut events, made) = make(4_000, scatter_before);
            for (number, event) in made.iter().enumerate() {
                let text = event.to_string();
                assert!(!text.contains(['@', '#', '$', '%', '&', '^', '~']), "{text}");
                assert_eq!(event["event_id"], events.ids().text(number as u64));
                assert_eq!(event.get("client_timestamp").is_some(), scatter_before.is_some());
                let metadata = event["metadata"].to_string().len();
                assert!((80..=220).contains(&metadata), "{metadata} bytes in {text}");
            }
            assert_eq!(events.take(1), 4_000..4_001, "numbers are not given out again");
        }
    }

    #[test]
    fn events_vary_as_the_work_of_many_sessions_does() {
        let (_, made) = make(20_000, None);
        for (field, at_least) in [
            ("session_id", 1_499),
            ("event_id", 20_000),
            ("agent_type", 3),
            ("event_type", 5),
            ("tool_name", 5),
            ("project", 8),
            ("branch", 5),
            ("model", 6),
            ("source", 3),
        ] {
            let values: BTreeSet<_> =
                made.iter().filter_map(|event| event.get(field)).map(Value::to_string).collect();
            assert!(at_least <= values.len(), "{field}: {} values", values.len());
        }
        for (field, value) in [
            ("agent_type", known::AGENT),
            ("event_type", known::EVENT_TYPE),
            ("tool_name", known::TOOL),
            ("branch", known::BRANCH),
            ("model", known::MODEL),
            ("source", known::SOURCE),
        ] {
            assert!(made.iter().any(|event| event[field] == value), "{field} is never {value}");
        }
        assert!(made.iter().any(|event| event["session_id"] == session_id(7)));
    }

    #[test]
    fn a_session_keeps_its_agent_and_place() {
        let (_, made) = make(20_000, None);
        let mut seen = BTreeMap::new();
        for event in &made {
            let place = ["agent_type", "project", "branch", "source"].map(|field| &event[field]);
            let known = seen.entry(event["session_id"].to_string()).or_insert(place);
            assert_eq!(*known, place);
        }
    }

    #[test]
    fn scattered_times_lie_within_the_last_thirty_days() {
        let (_, made) = make(5_000, Some(noon()));
        let times: BTreeSet<_> =
            made.iter().filter_map(|event| event["client_timestamp"].as_str()).collect();
        let days: BTreeSet<_> = times.iter().map(|time| &time[..10]).collect();
        assert_eq!(days.len(), 31, "thirty days from noon to noon touch 31 dates");
        assert!(times.first() >= Some(&"2026-01-30T12:00:00.000Z"), "{:?}", times.first());
        assert!(times.last() < Some(&"2026-03-01T12:00:00.000Z"), "{:?}", times.last());
        for time in times {
            time.parse::<jiff::Timestamp>().unwrap();
        }
    }

    #[test]
    fn an_id_leads_back_to_its_number_and_a_foreign_one_does_not() {
        let ids = Events::new(style(None)).ids();
        assert_eq!(ids.number(ids.text(0x1234).as_bytes()), Some(0x1234));
        let foreign = EventIds { tag: 1 };
        for id in [foreign.text(5), String::new(), "é".repeat(16), ids.text(1) + "0"] {
            assert_eq!(ids.number(id.as_bytes()), None, "{id}");
        }
    }

    fn make(count: u64, scatter_before: Option<SystemTime>) -> (Events, Vec<Value>) {
        let mut events = Events::new(style(scatter_before));
        let mut body = Vec::new();
        let made = events.take(count).map(|number| {
            body.clear();
            events.write(events.templates(), number, &mut body);
            serde_json::from_slice(&body).unwrap()
        });
        let made = made.collect();
        (events, made)
    }

    fn style(scatter_before: Option<SystemTime>) -> Style {
        Style { tag: 0xfeed, sessions: 1_500, scatter_before }
    }

    /// 2026-03-01T12:00:00Z.
    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400)
    }
}
