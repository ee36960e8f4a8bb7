//! What a person or the system says to this process while scripts run.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Ctrl-C: what runs is to stop.
    Stop,
    /// This process is to end, and what it has started with it.
    End,
}

/// Hears what is said. It listens from the beginning, so that a session never stays without its driver's
/// knowing, and its folder never stays behind.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    is_over: bool,
}

impl Signals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let hear = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: hear(SignalKind::interrupt())?,
            terminate: hear(SignalKind::terminate())?,
            hang_up: hear(SignalKind::hangup())?,
            is_over: false,
        })
    }

    /// Returns what is said next. Given up while it waits, nothing is lost.
    pub(super) async fn next(&mut self) -> Said {
        let said = tokio::select! {
            Some(()) = self.interrupt.recv() => Said::Stop,
            Some(()) = self.terminate.recv() => Said::End,
            Some(()) = self.hang_up.recv() => Said::End,
            // There is no more to come, and what else happens is waited for.
            else => std::future::pending().await,
        };
        self.is_over |= said == Said::End;
        said
    }

    /// Returns whether this process was told to end.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}
