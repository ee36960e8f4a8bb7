//! Which gateway, and how long things may take.

use std::fmt;
use std::time::Duration;

use oriel_link::Link;

/// The address of a gateway that is reached over a link: its path counts, and that its name is local.
const LOCAL_URL: &str = "ws://localhost/ws";

/// Which gateway to connect to, and how.
#[derive(Clone)]
pub struct ClientOptions {
    /// The address of its WebSocket, such as `ws://127.0.0.1:3144/ws`.
    pub url: String,
    /// Its token. It is sent to whoever answers at the address like a gateway.
    pub token: String,
    /// How it is reached, where that is not by the address.
    pub link: Option<Link>,
    /// How long a connection may take until the gateway knows who this is.
    pub connect_within: Duration,
    /// How long an answer may take. A gateway that is there answers much sooner.
    pub answer_within: Duration,
    /// Where the chance begins by which clients come back at different times; without one, anywhere.
    pub seed: Option<u64>,
}

impl ClientOptions {
    /// Reaches a gateway at an address.
    #[must_use]
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            link: None,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(60),
            seed: None,
        }
    }

    /// Reaches a gateway over a link.
    #[must_use]
    pub fn over(link: Link, token: impl Into<String>) -> Self {
        Self { link: Some(link), ..Self::new(LOCAL_URL, token) }
    }

    /// Returns the gateway's place, for messages.
    pub(crate) fn place(&self) -> String {
        match &self.link {
            Some(link) => link.to_string(),
            None => self.url.clone(),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token reaches no log.
        f.debug_struct("ClientOptions").field("place", &self.place()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let options = ClientOptions::new("ws://127.0.0.1:1/ws", "secret");
        let shown = format!("{options:?}");
        assert!(!shown.contains("secret") && shown.contains("127.0.0.1:1"), "{shown}");
    }
}
