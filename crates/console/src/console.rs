//! The boundary: a console is made, reached, and stopped.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use oriel_link::Link;
use oriel_link::serve::{self, Listener};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::ask::Runtime;
use crate::bind::Bind;
use crate::config::{Config, Reach};
use crate::gateway::Gateway;
use crate::routes;
use crate::sessions::Sessions;

/// The operator's pages as a service, and where they listen if they do.
pub struct Console {
    app: Arc<App>,
    router: Router,
    stop: watch::Sender<bool>,
    listening: Option<(SocketAddr, JoinHandle<()>, Option<Bind>)>,
}

/// A console cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens there.
    #[error(
        "{0} is taken by another program; stop that program, or set `console.port` (--console-port, \
         ORIEL_CONSOLE_PORT) to a free one, or `console.enabled` to false"
    )]
    PortTaken(SocketAddr),
    /// It cannot listen there.
    #[error("the console cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Anyone on the network could see everything.
    #[error(
        "{0} is not a loopback address; set `console.allow_remote` if a proxy that speaks TLS is in \
         front of it, or listen on 127.0.0.1"
    )]
    OpenToAll(IpAddr),
}

impl Console {
    /// Makes a console that is reached through [`Console::link`] alone.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let app = Arc::new(App {
            runtime: Runtime::new(&config),
            gateway: Gateway::new(&config),
            sessions: Sessions::of(&config.data_dir),
            sync_watches: Semaphore::new(crate::pages::sync::WATCHES_MAX),
            stop: watch::Sender::new(false),
            config,
        });
        let router = routes::router(&app);
        let stop = app.stop.clone();
        Self { app, router, stop, listening: None }
    }

    /// Has it listen too. Where is told in the file `console/bind`, unless this console is one beside the
    /// daemon's own.
    ///
    /// # Errors
    /// Where it cannot.
    pub async fn listen(&mut self, addr: SocketAddr) -> Result<SocketAddr, StartError> {
        if !addr.ip().is_loopback() && !self.app.config.reading_needs_session {
            return Err(StartError::OpenToAll(addr.ip()));
        }
        let fail = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::PortTaken(addr),
            _ => StartError::Listen { addr, source },
        };
        let tcp = TcpListener::bind(addr).await.map_err(fail)?;
        let local = tcp.local_addr().map_err(fail)?;
        let data_dir = &self.app.config.data_dir;
        let bind = match self.app.config.runtime {
            Reach::Link(_) => Bind::tell(data_dir, local).map(Some),
            Reach::HealthFile => Bind::tell_unless_another(data_dir, local).await,
        }
        .map_err(fail)?;
        let mut stop = self.stop.subscribe();
        let stopping = async move { _ = stop.wait_for(|stop| *stop).await };
        let served = serve::serve(Listener::Tcp(tcp), self.router.clone(), stopping);
        self.listening = Some((local, tokio::spawn(served), bind));
        tracing::info!(addr = %local, "the console listens");
        Ok(local)
    }

    /// Returns the way to it without a socket.
    #[must_use]
    pub fn link(&self) -> Link {
        Link::InProcess(self.router.clone())
    }

    /// Starts a session for a surface in this process, and returns its cookie's name and value.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn grant(&self, surface: &str) -> std::io::Result<(&'static str, String)> {
        let name = self.app.sessions.begin(surface, self.app.config.clock.now())?;
        Ok((crate::dress::COOKIE, name))
    }

    #[cfg(test)]
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    #[cfg(test)]
    pub(crate) fn session(&self, name: &str) -> Option<crate::sessions::Session> {
        self.app.sessions.find(name, self.app.config.clock.now())
    }

    /// Stops: pages that wait for news are answered, and the address is free when this returns.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Some((_, served, _bind)) = self.listening
            && let Err(error) = served.await
        {
            tracing::error!(%error, "the console's listener failed");
        }
    }
}
