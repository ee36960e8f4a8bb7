//! What the proxy refused lately, and why, for the page that is shown in place of what was asked for.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use url::Url;

/// So many are remembered. The oldest is forgotten first; its page then gives the engine's reason.
const REFUSALS_MAX: usize = 64;

/// The last refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<VecDeque<(String, String)>>);

impl Refusals {
    /// Remembers why nobody is connected to a host and port.
    pub(crate) fn note(&self, host: &str, port: u16, why: &str) {
        let mut refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if REFUSALS_MAX <= refusals.len() {
            refusals.pop_front();
        }
        refusals.push_back((authority(host, port), why.to_owned()));
    }

    /// Why an address was refused last. It is then forgotten.
    pub(crate) fn take(&self, url: &Url) -> Option<String> {
        let authority = authority(url.host_str()?, url.port_or_known_default()?);
        let mut refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let why = refusals.iter().rev().find(|(known, _)| *known == authority)?.1.clone();
        refusals.retain(|(known, _)| *known != authority);
        Some(why)
    }
}

fn authority(host: &str, port: u16) -> String {
    format!("{}:{port}", host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reason_is_given_once() {
        let refusals = Refusals::default();
        refusals.note("A.example", 443, "first");
        refusals.note("a.example", 443, "second");
        let url = Url::parse("https://a.example/x").unwrap();
        assert_eq!(refusals.take(&url).as_deref(), Some("second"));
        assert_eq!(refusals.take(&url), None);
        assert_eq!(refusals.take(&Url::parse("http://a.example/").unwrap()), None);
    }

    #[test]
    fn few_are_remembered() {
        let refusals = Refusals::default();
        (0..1000).for_each(|port| refusals.note("a", port, "no"));
        assert_eq!(refusals.0.lock().unwrap().len(), REFUSALS_MAX);
    }
}
