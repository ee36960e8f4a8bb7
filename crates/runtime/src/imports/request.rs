//! What an import is asked for, made out or refused with the reason.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use oriel_sources::Format;
use oriel_wire::imports::ImportRequest;

use super::report::Options;
use crate::api::ApiError;

const DAY_MS: i64 = 86_400_000;

/// Makes out what was asked for.
pub(super) fn options(
    request: &ImportRequest,
    formats: &[Box<dyn Format>],
) -> Result<Options, ApiError> {
    let place = |name: &String| {
        formats.iter().position(|format| format.name() == name).ok_or_else(|| {
            let known: Vec<_> = formats.iter().map(|format| format.name()).collect();
            let known = known.join(", ");
            ApiError::Bad(format!("{name:?} is no format; there are {known}").into())
        })
    };
    let paths: Vec<PathBuf> = request.paths.iter().map(PathBuf::from).collect();
    if let Some(path) = paths.iter().find(|path| !path.is_absolute()) {
        let problem = format!("{} must be absolute: the daemon has its own folder", path.display());
        return Err(ApiError::Bad(problem.into()));
    }
    Ok(Options {
        formats: request.formats.iter().map(place).collect::<Result<_, _>>()?,
        paths,
        from_ms: request.from.as_deref().map(|text| moment("from", text, 0)).transpose()?,
        to_ms: request.to.as_deref().map(|text| moment("to", text, DAY_MS - 1)).transpose()?,
        force: request.force,
        dry_run: request.dry_run,
        automatic: false,
    })
}

/// Reads a time, or a day of which that many milliseconds have passed.
fn moment(name: &str, text: &str, into_day_ms: i64) -> Result<i64, ApiError> {
    let text = text.trim();
    if let Some(begins_ms) = day(text) {
        return Ok(begins_ms.saturating_add(into_day_ms));
    }
    text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| {
        let problem =
            format!("`{name}` is {text:?}; say a day such as 2026-01-31, or a time as RFC 3339");
        ApiError::Bad(problem.into())
    })
}

/// Returns when the day that a text names begins in UTC, in Unix milliseconds.
pub(crate) fn day(text: &str) -> Option<i64> {
    let is_short = text.len() <= "2026-01-31".len();
    let date: Date = is_short.then(|| text.parse().ok()).flatten()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_all_of_it() {
        let request = ImportRequest {
            from: Some("2026-01-31".to_owned()),
            to: Some("2026-01-31".to_owned()),
            ..ImportRequest::default()
        };
        let options = options(&request, &[]).unwrap();
        let (from, to) = (options.from_ms.unwrap(), options.to_ms.unwrap());
        assert_eq!(to - from, DAY_MS - 1);
        assert_eq!(moment("from", "2026-01-31T01:00:00+01:00", 0).unwrap(), from);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for request in [
            ImportRequest { formats: vec!["nope".to_owned()], ..ImportRequest::default() },
            ImportRequest { paths: vec!["a/b".to_owned()], ..ImportRequest::default() },
            ImportRequest { from: Some("soon".to_owned()), ..ImportRequest::default() },
        ] {
            assert!(options(&request, &[]).is_err(), "{request:?}");
        }
    }
}
