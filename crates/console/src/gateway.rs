//! Asking the gateway. One connection serves all questions and commands; it is made when it is needed and
//! made anew once it was lost. A page that waits for news has a connection of its own ([`watch`]).
//!
//! The gateway's token is read from its file for each connection and stays on this side.

pub(crate) mod watch;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use oriel_gateway_client::{ClientError, ClientOptions, ConnectError, GatewayClient};
use oriel_wire::gateway::{ErrorCode, SessionMeta};
use tokio::sync::Semaphore;

use crate::config::{Config, GatewayReach};

/// How long a connection may take. A gateway of this machine is there at once or is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long a page that can do without the gateway waits for it.
const BESIDE_WITHIN: Duration = Duration::from_millis(500);

/// So many pages hold a connection while they wait for news. Another one waits for its turn, and is
/// answered without news when none comes.
const WATCHES_MAX: usize = 32;

/// The way to the gateway.
pub(crate) struct Gateway {
    reach: GatewayReach,
    /// The gateway's folder.
    folder: PathBuf,
    /// The connection of all questions and commands.
    client: Mutex<Option<GatewayClient>>,
    watches: Arc<Semaphore>,
}

/// The gateway did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    /// This console has none.
    #[error(
        "this console has no gateway; set `gateway.enabled` to true (`oriel config set` or the page \
         of settings) and restart the daemon"
    )]
    Off,
    /// None runs, or it cannot be found.
    #[error("{0}")]
    Away(String),
    /// It is there, and no connection could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It refused, or went away meanwhile.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl GatewayError {
    pub(crate) fn status(&self) -> StatusCode {
        let Self::Client(error) = self else {
            return match self {
                Self::Off => StatusCode::NOT_FOUND,
                Self::Connect(ConnectError::ProtocolVersionMismatch { .. }) => {
                    StatusCode::BAD_GATEWAY
                }
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
        };
        match error {
            ClientError::Refused { code, .. } => match code {
                ErrorCode::SessionNotFound | ErrorCode::FileNotFound => StatusCode::NOT_FOUND,
                ErrorCode::TurnInProgress
                | ErrorCode::NoActiveTurn
                | ErrorCode::AlreadyResolved => StatusCode::CONFLICT,
                ErrorCode::RateLimited | ErrorCode::AuthRateLimited => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                ErrorCode::MessageTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::Internal | ErrorCode::Unauthenticated | ErrorCode::Other => {
                    StatusCode::BAD_GATEWAY
                }
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
            ClientError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ClientError::Unexpected { .. } => StatusCode::BAD_GATEWAY,
            ClientError::NotConnected
            | ClientError::Interrupted
            | ClientError::NoAnswer { .. }
            | ClientError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns whether the gateway said no, so that it is there.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Client(ClientError::Refused { .. } | ClientError::TooLong { .. }))
    }
}

impl Gateway {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            reach: config.gateway.clone(),
            folder: config.data_dir.join("gateway"),
            client: Mutex::new(None),
            watches: Arc::new(Semaphore::new(WATCHES_MAX)),
        }
    }

    /// Returns whether there is to be a gateway at all.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.reach, GatewayReach::None)
    }

    /// Asks over the shared connection. Where that was lost before anything was sent, it is made anew and
    /// the question asked again; whatever may have been heard is never said twice.
    pub(crate) async fn ask<T, F>(
        &self,
        question: impl Fn(GatewayClient) -> F,
    ) -> Result<T, GatewayError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let known = self.known().clone();
        if let Some(client) = known {
            match question(client).await {
                Err(ClientError::NotConnected | ClientError::Closed) => *self.known() = None,
                answer => return Ok(answer?),
            }
        }
        // Nobody reads what happens over this connection, so nothing of it is kept. Where two make one at
        // once the later one stays.
        let (client, _) = GatewayClient::connect(self.options()?).await?;
        *self.known() = Some(client.clone());
        Ok(question(client).await?)
    }

    /// Returns the sessions, the one that changed last first.
    pub(crate) async fn sessions(
        &self,
        with_archived: bool,
    ) -> Result<Vec<SessionMeta>, GatewayError> {
        self.ask(|gateway| async move { gateway.list_sessions(with_archived).await }).await
    }

    /// Returns the gateway's name of a session that the monitor knows under this one, if it is one of the
    /// gateway's. A gateway that does not answer soon is not waited for.
    pub(crate) async fn session_of(&self, monitored: &str) -> Option<String> {
        if !self.is_on() {
            return None;
        }
        let asked = tokio::time::timeout(BESIDE_WITHIN, self.sessions(true));
        // The page is about something else, and says nothing of a gateway that is away.
        let sessions = asked.await.ok()?.ok()?;
        let is_it = |session: &&SessionMeta| {
            session.id == monitored || session.monitor_session.as_deref() == Some(monitored)
        };
        sessions.iter().find(is_it).map(|session| session.id.clone())
    }

    /// Returns what people call the sessions, by their ids. A gateway that does not answer soon is not
    /// waited for.
    pub(crate) async fn names(&self) -> BTreeMap<String, String> {
        if !self.is_on() {
            return BTreeMap::new();
        }
        let asked = tokio::time::timeout(BESIDE_WITHIN, self.sessions(true)).await;
        // Without names a page shows ids.
        let sessions = asked.ok().and_then(Result::ok).unwrap_or_default();
        let named = sessions.into_iter().filter(|session| !session.name.trim().is_empty());
        named.map(|session| (session.id, session.name)).collect()
    }

    /// Returns how to connect, as it is now.
    fn options(&self) -> Result<ClientOptions, GatewayError> {
        let options = match &self.reach {
            GatewayReach::None => return Err(GatewayError::Off),
            GatewayReach::Link { link, token } => {
                ClientOptions::over(link.clone(), read_token(token)?)
            }
            GatewayReach::Bind => {
                let addr = read_bind(&self.folder.join("bind"))?;
                let token = read_token(&self.folder.join("token"))?;
                ClientOptions::new(format!("ws://{addr}/ws"), token)
            }
        };
        Ok(ClientOptions {
            connect_within: CONNECT_WITHIN,
            answer_within: ANSWER_WITHIN,
            ..options
        })
    }

    fn known(&self) -> MutexGuard<'_, Option<GatewayClient>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads where the gateway listens. Only what is on this machine is asked, since the token goes with the
/// question.
fn read_bind(path: &Path) -> Result<SocketAddr, GatewayError> {
    let text = std::fs::read_to_string(path).map_err(|_| {
        GatewayError::Away(
            "no gateway runs; it comes with the daemon (`oriel serve`) while `gateway.enabled` is \
             true, or alone with `oriel gateway serve`"
                .to_owned(),
        )
    })?;
    match text.trim().parse::<SocketAddr>() {
        Ok(addr) if addr.ip().is_loopback() => Ok(addr),
        // One that listens everywhere listens here too.
        Ok(addr) if addr.ip().is_unspecified() => {
            let here = if addr.is_ipv4() {
                std::net::Ipv4Addr::LOCALHOST.into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            };
            Ok(SocketAddr::new(here, addr.port()))
        }
        _ => {
            Err(GatewayError::Away(format!("{} names no address of this machine", path.display())))
        }
    }
}

fn read_token(path: &Path) -> Result<String, GatewayError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        GatewayError::Away(format!(
            "the gateway's token cannot be read from {} ({error}); start the gateway again",
            path.display()
        ))
    })?;
    Ok(text.trim().to_owned())
}
