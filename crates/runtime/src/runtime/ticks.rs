//! What happens by the clock: statistics for those who listen, and word of sessions that fell
//! silent. Nothing is changed by it, so a missed tick loses nothing.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use oriel_wire::{Frame, SessionChange};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::api::stats_frame;
use crate::app::{App, Gate};

/// How often sessions are looked at.
const SILENCE_EVERY: Duration = Duration::from_secs(60);

/// Ticks until the runtime stops.
pub(super) async fn run(app: Arc<App>) {
    let mut stopping = pin!(app.stopping());
    let Gate::Open(store) = &app.gate else { return };
    let mut stats = every(app.config.stream.stats_interval);
    let mut silence = every(SILENCE_EVERY);
    let mut looked_at = app.now();
    loop {
        tokio::select! {
            () = &mut stopping => return,
            // Looked at when it ticks: whoever comes while this waits must not wait for more than it.
            _ = stats.tick() => if app.hub.listeners() > 0 {
                match stats_frame(&app).await {
                    Ok(payload) => app.hub.note(&Frame::Stats { payload }),
                    Err(error) => tracing::warn!(%error, "statistics were not sent"),
                }
            },
            _ = silence.tick() => {
                let now = app.now();
                match store.fell_silent(looked_at, now, app.quiet).await {
                    Ok(0) => {}
                    Ok(idled) => {
                        let payload = SessionChange::IdleCheck { idled };
                        app.hub.note(&Frame::SessionUpdate { payload });
                    }
                    Err(error) => tracing::warn!(%error, "silent sessions were not counted"),
                }
                looked_at = now;
            }
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}
