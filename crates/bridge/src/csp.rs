//! The policies that pages come with, and what has to be added for the app origin.
//!
//! A trusted page calls native commands over the engine's own `ipc:` scheme, which its service knows
//! nothing of. A guest's page is told by the `sandbox` in its policy, and gets nothing.

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue};

use crate::origin::AppOrigin;

/// The policy of an answer that comes without one.
pub const STRICT: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ipc: http://ipc.localhost; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// What native commands go by.
const IPC: [&str; 2] = ["ipc:", "http://ipc.localhost"];

/// The parts of a policy, each with its name and what it allows.
type Directives<'a> = Vec<(&'a str, Vec<String>)>;

/// Adapts the policies of an answer to the app origin.
///
/// Where they name the service's own address, the app's takes its place. Unless one of them is a
/// guest's, each lets native commands through.
pub fn widen(headers: &mut HeaderMap, authority: &str, origin: AppOrigin) {
    let values: Vec<_> = headers.get_all(CONTENT_SECURITY_POLICY).iter().cloned().collect();
    if values.is_empty() {
        return;
    }
    headers.remove(CONTENT_SECURITY_POLICY);
    let texts: Vec<_> =
        values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let is_guest = texts.iter().flat_map(|text| text.split(',')).any(is_guest);
    for (value, text) in values.iter().zip(&texts) {
        let policies = text.split(',').map(|policy| adapt(policy, authority, origin, !is_guest));
        // One that says nothing forbids nothing, and is left out.
        let policies: Vec<_> = policies.filter(|policy| !policy.is_empty()).collect();
        let adapted = HeaderValue::from_str(&policies.join(", "));
        // One that cannot be written again stays, as strict as it was.
        headers.append(CONTENT_SECURITY_POLICY, adapted.unwrap_or_else(|_| value.clone()));
    }
}

fn is_guest(policy: &str) -> bool {
    directives(policy).iter().any(|(name, _)| name.eq_ignore_ascii_case("sandbox"))
}

fn adapt(policy: &str, authority: &str, origin: AppOrigin, has_ipc: bool) -> String {
    let mut directives = directives(policy);
    for source in directives.iter_mut().flat_map(|(_, sources)| sources) {
        if let Some(own) = as_own(source, authority, origin) {
            *source = own;
        }
    }
    if has_ipc {
        allow_ipc(&mut directives);
    }
    let parts = directives.iter().map(|(name, sources)| {
        let parts = std::iter::once(*name).chain(sources.iter().map(String::as_str));
        parts.collect::<Vec<_>>().join(" ")
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Reads a policy. Of a directive that stands there twice only the first counts, as for an engine.
fn directives(policy: &str) -> Directives<'_> {
    let mut directives = Directives::new();
    for part in policy.split(';') {
        let mut words = part.split_ascii_whitespace();
        let Some(name) = words.next() else { continue };
        if !directives.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            directives.push((name, words.map(str::to_owned).collect()));
        }
    }
    directives
}

/// Returns a source that names the service's address as one that names the app's.
fn as_own(source: &str, authority: &str, origin: AppOrigin) -> Option<String> {
    let rest_of = |source: &str| {
        let rest = source.strip_prefix(authority)?;
        (!authority.is_empty() && (rest.is_empty() || rest.starts_with('/')))
            .then(|| rest.to_owned())
    };
    if let Some(rest) = source.strip_prefix("http://").and_then(rest_of) {
        return Some(format!("{}{rest}", origin.as_str()));
    }
    rest_of(source).map(|rest| format!("{}{rest}", origin.host()))
}

fn allow_ipc(directives: &mut Directives<'_>) {
    let sources_of = |directives: &Directives<'_>, wanted: &str| {
        directives.iter().position(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let at = match sources_of(directives, "connect-src") {
        Some(at) => at,
        None => {
            // Without either, nothing is forbidden and there is nothing to add.
            let Some(default) = sources_of(directives, "default-src") else { return };
            let sources = directives[default].1.clone();
            directives.push(("connect-src", sources));
            directives.len() - 1
        }
    };
    let sources = &mut directives[at].1;
    // `'none'` means nothing beside others.
    sources.retain(|source| !source.eq_ignore_ascii_case("'none'"));
    for ipc in IPC {
        if !sources.iter().any(|source| source.eq_ignore_ascii_case(ipc)) {
            sources.push(ipc.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDED: &str = "ipc: http://ipc.localhost";

    #[test]
    fn a_trusted_page_may_call_native_commands_whatever_its_policy() {
        check("default-src 'self'", &format!("default-src 'self'; connect-src 'self' {ADDED}"));
        check("default-src 'none'", &format!("default-src 'none'; connect-src {ADDED}"));
        check(
            "default-src 'none'; connect-src 'self';img-src data:",
            &format!("default-src 'none'; connect-src 'self' {ADDED}; img-src data:"),
        );
        check("Connect-Src 'NONE'", &format!("Connect-Src {ADDED}"));
        check("connect-src ipc:", &format!("connect-src {ADDED}"));
        check("img-src 'self'", "img-src 'self'");
        check(" ; ;", "");
        check(";,img-src 'self', ", "img-src 'self'");
        let first = format!("connect-src 'self' {ADDED}");
        check("connect-src 'self'; connect-src *", &first);
        check(
            "connect-src a.example, default-src 'self'",
            &format!(
                "connect-src a.example {ADDED}, default-src 'self'; connect-src 'self' {ADDED}"
            ),
        );
        assert_eq!(widened(STRICT.to_str().unwrap(), "localhost"), STRICT);
    }

    #[test]
    fn a_guests_page_may_not() {
        for policy in [
            "default-src 'none'; connect-src localhost/modules/x/; sandbox allow-scripts",
            "SANDBOX; default-src 'self'",
            "default-src 'self', sandbox allow-scripts",
        ] {
            assert_eq!(widened(policy, "localhost"), policy);
        }
    }

    #[test]
    fn a_guest_finds_below_the_app_what_it_was_given_below_the_service() {
        let policy = "script-src 127.0.0.1:3143/modules/x/ http://127.0.0.1:3143 127.0.0.1:31430; \
                      sandbox";
        assert_eq!(
            widened(policy, "127.0.0.1:3143"),
            "script-src localhost/modules/x/ oriel://localhost 127.0.0.1:31430; sandbox"
        );
    }

    #[test]
    fn several_headers_stay_several() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("connect-src 'self'"));
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        widen(&mut headers, "localhost", AppOrigin::Scheme);
        let values: Vec<_> = headers.get_all(CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(values, ["connect-src 'self'", "sandbox"]);
    }

    proptest! {
        #[test]
        fn widening_twice_is_widening_once_and_adds_nothing_but_ipc(policy in "[ -~]{0,80}") {
            let once = widened(&policy, "localhost:1");
            prop_assert_eq!(&widened(&once, "localhost:1"), &once);
            let known: Vec<_> = policy.split([' ', ';', ',']).collect();
            for word in once.split([' ', ';', ',']).filter(|word| !word.is_empty()) {
                let is_added = IPC.contains(&word) || word == "connect-src";
                prop_assert!(is_added || known.contains(&word) || word.contains("localhost"), "{}", word);
            }
        }
    }

    fn check(policy: &str, expected: &str) {
        assert_eq!(widened(policy, "localhost"), expected, "{policy}");
    }

    fn widened(policy: &str, authority: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).unwrap());
        widen(&mut headers, authority, AppOrigin::Scheme);
        headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    }
}
