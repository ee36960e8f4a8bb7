//! The parameters of a request's address, read as JavaScript reads them.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use oriel_store::{EventFilter, Sought};

use super::error::ApiError;
use crate::imports::day;
use crate::ingest::unix_millis;

/// No list has more rows than this; a longer one is read in pages.
pub(super) const ROWS_MAX: usize = 10_000;

const DAY_SECONDS: i64 = 86_400;

/// The parameters of an address. Empty ones are absent.
pub(super) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(mut params) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| ApiError::Bad("the query of the address cannot be read".into()))?;
        params.retain(|(_, value)| !value.is_empty());
        for (nth, (name, _)) in params.iter().enumerate() {
            if params[..nth].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::Bad(format!("`{name}` is given twice; give it once").into()));
            }
        }
        Ok(Self(params))
    }
}

impl Params {
    /// Returns a parameter's text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Returns the whole number that a parameter begins with.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        parse_int(&self.text(name)?)
    }

    /// Returns the moment from which on things are asked for, in Unix seconds.
    pub(super) fn since(&self) -> Result<Option<i64>, ApiError> {
        self.moment("since", 0)
    }

    /// Returns the moment until which things are asked for, in Unix seconds. All of a day counts.
    pub(super) fn until(&self) -> Result<Option<i64>, ApiError> {
        self.moment("until", DAY_SECONDS - 1)
    }

    fn moment(&self, name: &str, into_day_seconds: i64) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let text = text.trim();
        if let Some(begins_ms) = day(text) {
            return Ok(Some(begins_ms.div_euclid(1000).saturating_add(into_day_seconds)));
        }
        let moment = unix_millis(text).map(|ms| ms.div_euclid(1000));
        moment.map(Some).ok_or_else(|| {
            let problem = format!(
                "`{name}` is {text:?}; say a day such as 2026-01-31, or a time as RFC 3339"
            );
            ApiError::Bad(problem.into())
        })
    }

    /// Returns how many rows are asked for: `usual` where nothing sensible is said, and all that
    /// one answer holds where less than none.
    pub(super) fn limit(&self, name: &str, usual: usize) -> usize {
        match self.int(name) {
            None | Some(0) => usual,
            Some(limit) => usize::try_from(limit).map_or(ROWS_MAX, |limit| limit.min(ROWS_MAX)),
        }
    }

    /// Returns which events are asked for.
    pub(super) fn event_filter(&self) -> EventFilter {
        EventFilter {
            agent_type: self.text("agent_type"),
            event_type: self.text("event_type"),
            status: self.text("status"),
            tool_name: self.text("tool_name"),
            session_id: self.text("session_id"),
            branch: self.text("branch"),
            project: self.text("project"),
            model: self.text("model"),
            source: self.text("source"),
            since: self.text("since"),
            until: self.text("until"),
            text: self.text("text").map(|text| Sought::of(&text)),
        }
    }
}

/// Reads a whole number as `parseInt` does: leading space, a sign, digits, and whatever follows.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let length = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    if length == 0 {
        return None;
    }
    // More digits than fit mean as much as the largest number.
    let number = digits[..length].parse().unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("10", Some(10)),
            ("10abc", Some(10)),
            (" -3.9", Some(-3)),
            ("+7", Some(7)),
            ("abc", None),
            ("-", None),
            ("99999999999999999999", Some(i64::MAX)),
        ] {
            assert_eq!(parse_int(text), expected, "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_day_or_a_time() {
        let read = |name: &str, text: &str| {
            let params = Params(vec![(name.to_owned(), text.to_owned())]);
            if name == "since" { params.since() } else { params.until() }
        };
        assert_eq!(read("since", "2026-02-03").unwrap(), Some(1_770_076_800));
        assert_eq!(read("until", "2026-02-03").unwrap(), Some(1_770_163_199), "all of the day");
        for time in ["2026-02-03T10:00:00Z", "2026-02-03 10:00:00", "2026-02-03T11:00:00+01:00"] {
            assert_eq!(read("until", time).unwrap(), Some(1_770_112_800), "{time}");
        }
        assert!(read("since", "soon").is_err());
        assert_eq!(Params(vec![]).since().unwrap(), None);
    }

    #[test]
    fn a_limit_is_sensible_whatever_is_said() {
        for (said, expected) in [
            (None, 50),
            (Some("0"), 50),
            (Some("x"), 50),
            (Some("7"), 7),
            (Some("-1"), ROWS_MAX),
            (Some("999999999"), ROWS_MAX),
        ] {
            let said = said.map(|said| ("limit".to_owned(), said.to_owned()));
            let params = Params(said.into_iter().collect());
            assert_eq!(params.limit("limit", 50), expected);
        }
    }
}
