//! What a browser asked for, what it got, and what it complained about.

use std::collections::BTreeMap;

use serde_json::Value;

/// HTMX writes down each request that the page itself gave up, as leaving a live page does.
const NO_TROUBLE: [&str; 2] = ["\"htmx:afterRequest,", "\"htmx:sendAbort,"];

/// Addresses that lead nowhere beyond the browser.
const WITHIN: [&str; 5] = ["data:", "blob:", "about:", "chrome:", "chrome-untrusted:"];

/// What happened since the last look.
#[derive(Debug, Default)]
pub struct Log {
    /// What the console of the browser's tools shows.
    pub messages: Vec<String>,
    /// Every request, in order.
    pub transfers: Vec<Transfer>,
}

/// One request and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Transfer {
    /// Where it went.
    pub url: String,
    /// The status of the answer; nothing where none came.
    pub status: Option<u64>,
    /// The bytes that came over the network, with their head.
    pub bytes: u64,
    /// Why it failed.
    pub failed: Option<String>,
}

impl Log {
    pub(super) fn read(console: &[Value], network: &[Value]) -> Self {
        let messages = console.iter().map(|entry| {
            let level = entry["level"].as_str().unwrap_or_default();
            format!("{level}: {}", entry["message"].as_str().unwrap_or_default())
        });
        let mut requests = Requests::default();
        for entry in network {
            let text = entry["message"].as_str().unwrap_or_default();
            let Ok(entry) = serde_json::from_str::<Value>(text) else { continue };
            requests.take(&entry["message"]);
        }
        Self { messages: messages.collect(), transfers: requests.all }
    }

    /// Returns everything that ought not to be: messages, failures, and requests to other places.
    #[must_use]
    pub fn trouble(&self, home: &str) -> Vec<String> {
        let messages = self.messages.iter().filter(|message| {
            ["SEVERE", "WARNING"].iter().any(|level| message.starts_with(level))
                && !NO_TROUBLE.iter().any(|known| message.contains(known))
        });
        let requests = self.transfers.iter().filter_map(|one| {
            let is_own =
                one.url.starts_with(home) || WITHIN.iter().any(|own| one.url.starts_with(own));
            match (&one.failed, one.status) {
                _ if !is_own => Some(format!("{} is elsewhere", one.url)),
                (Some(why), _) => Some(format!("{} failed: {why}", one.url)),
                (_, Some(status)) if 400 <= status => Some(format!("{} is {status}", one.url)),
                _ => None,
            }
        });
        messages.cloned().chain(requests).collect()
    }

    /// Returns how many bytes came over the network.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.transfers.iter().map(|one| one.bytes).sum()
    }
}

#[derive(Default)]
struct Requests {
    all: Vec<Transfer>,
    /// The place of each in the list, by the browser's own name for it.
    known: BTreeMap<String, usize>,
}

impl Requests {
    fn take(&mut self, entry: &Value) {
        let facts = &entry["params"];
        let id = facts["requestId"].as_str().unwrap_or_default().to_owned();
        match entry["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                let url = facts["request"]["url"].as_str().unwrap_or_default().to_owned();
                self.known.insert(id, self.all.len());
                self.all.push(Transfer { url, ..Transfer::default() });
            }
            "Network.responseReceived" => {
                let status = facts["response"]["status"].as_u64();
                self.change(&id, |one| one.status = status);
            }
            "Network.loadingFinished" => {
                let bytes = facts["encodedDataLength"].as_f64().unwrap_or_default();
                self.change(&id, |one| one.bytes = bytes as u64);
            }
            // A request that the page itself gave up has not failed.
            "Network.loadingFailed" if facts["canceled"] != true => {
                let why = facts["blockedReason"].as_str().or(facts["errorText"].as_str());
                let why = why.unwrap_or_default().to_owned();
                self.change(&id, |one| one.failed = Some(why));
            }
            _ => {}
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Transfer)) {
        // One that began before the last look is not told of again.
        if let Some(one) = self.known.get(id).and_then(|at| self.all.get_mut(*at)) {
            change(one);
        }
    }
}
