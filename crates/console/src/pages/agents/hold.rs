//! Holding a request of a live page until the gateway has something else to show than the page does.
//!
//! The page says what it shows, by a digest. While that is how things are, the request waits for news
//! over a connection of its own; a gateway that is away is something to show as well.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use oriel_gateway_client::{ClientError, GatewayClient};
use oriel_wire::gateway::{ErrorCode, SessionMeta};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::app::App;
use crate::gateway::GatewayError;
use crate::gateway::watch::{Of, Watch};
use crate::live::{After, HOLD_SECONDS};

/// A page that asks again and again is answered no sooner than this: what an agent says as it says it is
/// read well when it comes three times a second.
const REDRAW_EVERY: Duration = Duration::from_millis(300);

/// A gateway that is away is looked for this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How the digest of a page begins that says that the gateway is away.
const AWAY: &str = "away-";

/// What a live page looks at.
pub(crate) trait Look: Sync {
    /// What is found.
    type Found: Send;

    /// Looks how things are, and returns a digest of it.
    fn look(
        &self,
        gateway: &GatewayClient,
    ) -> impl Future<Output = Result<(Self::Found, String), ClientError>> + Send;

    /// Returns what to wait for.
    fn of(&self) -> Of<'_>;

    /// Returns whether there is something after the page's cursor that the digest does not tell.
    fn is_new(&self, after: &After, found: &Self::Found) -> bool;
}

/// What a page knows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Knows {
    /// A digest of what it shows.
    #[serde(default)]
    shows: String,
}

/// What a held request found.
pub(crate) enum Held<T> {
    /// The page shows how things are.
    Same { digest: String },
    /// The gateway is away, and the page does not say so.
    Away { why: String, digest: String },
    /// There is something else to show.
    Found { found: T, watch: Watch, digest: String },
}

impl<T> Held<T> {
    /// Returns what the page knows with this.
    pub(crate) fn digest(&self) -> String {
        let (Self::Same { digest } | Self::Away { digest, .. } | Self::Found { digest, .. }) = self;
        digest.clone()
    }
}

impl App {
    /// Holds a request.
    pub(crate) async fn hold<L: Look>(
        &self,
        after: &After,
        knows: &Knows,
        look: &L,
    ) -> Result<Held<L::Found>, GatewayError> {
        let began = Instant::now();
        let hold = if after.now.is_some() { 0 } else { HOLD_SECONDS };
        let until = began + Duration::from_secs(hold);
        let same = || Held::Same { digest: knows.shows.clone() };
        let mut stop = self.stop.subscribe();
        let wait = async {
            loop {
                let why = match self.watched(after, knows, look, began).await {
                    Ok(held) => return Ok(held),
                    Err(error) if is_away(&error) => error.to_string(),
                    Err(error) => return Err(error),
                };
                let digest = format!("{AWAY}{}", digest(&why));
                let says_so = knows.shows.starts_with(AWAY);
                // Another reason is not worth an answer at once.
                if digest != knows.shows && (!says_so || LOOK_AGAIN <= began.elapsed()) {
                    return Ok(Held::Away { why, digest });
                }
                if after.now.is_some() {
                    return Ok(same());
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::select! {
            held = wait => held,
            // The first look is always finished, so that a page which wants an answer at once has one.
            () = tokio::time::sleep_until(until), if hold > 0 => Ok(same()),
            _ = stop.wait_for(|stop| *stop) => Ok(same()),
        }
    }

    /// Looks over one connection until there is something to show.
    async fn watched<L: Look>(
        &self,
        after: &After,
        knows: &Knows,
        look: &L,
        began: Instant,
    ) -> Result<Held<L::Found>, GatewayError> {
        let mut watch = self.gateway.watch().await?;
        loop {
            let (found, digest) = look.look(&watch.client).await?;
            let is_other = digest != knows.shows || look.is_new(after, &found);
            let is_at_once = after.now.is_some() || REDRAW_EVERY <= began.elapsed();
            match (is_other, is_at_once) {
                (true, true) => return Ok(Held::Found { found, watch, digest }),
                (false, _) if after.now.is_some() => return Ok(Held::Same { digest }),
                (false, _) => watch.news(look.of()).await?,
                (true, false) => {}
            }
            // The first news after a silence is shown at once. Those of a burst come together.
            tokio::time::sleep_until(began + REDRAW_EVERY).await;
        }
    }
}

/// Returns whether the gateway is to be looked for again.
fn is_away(error: &GatewayError) -> bool {
    match error {
        GatewayError::Client(ClientError::Refused { code, .. }) => *code == ErrorCode::RateLimited,
        GatewayError::Client(_) | GatewayError::Connect(_) | GatewayError::Away(_) => true,
        GatewayError::Off => false,
    }
}

/// Returns a session without what changes with every piece that an agent says.
pub(crate) fn lasting(session: &SessionMeta) -> SessionMeta {
    SessionMeta { updated_at: 0, last_seq: 0, ..session.clone() }
}

/// Returns what tells one thing to show from another.
pub(crate) fn digest<T: Serialize + ?Sized>(shown: &T) -> String {
    let mut hasher = DefaultHasher::new();
    oriel_wire::json::to_vec(shown).hash(&mut hasher);
    format!("{:x}", hasher.finish())
}
