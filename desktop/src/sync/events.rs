//! What the daemon tells of sync goes to the page as `sync-event`, and what needs a person becomes a
//! notification. A stream that ends is opened anew, and then all is told as it stands, so that nothing
//! that happened meanwhile is missed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use oriel_launcher::daemon::Peer;
use oriel_link::sse::Events;
use oriel_wire::sync::{SyncEvent, SyncList};
use tauri::Emitter as _;
use tokio::time::{Instant, sleep, sleep_until};

use super::{ask, is_shown};
use crate::desktop::Desktop;
use crate::files::LABEL;
use crate::services::{Standing, Up};
use crate::words::chain;

/// What the page listens for.
const EVENT: &str = "sync-event";

/// A stream that ended is opened again after this.
const AGAIN: Duration = Duration::from_secs(2);

/// A daemon that syncs nothing is asked again after this. It rather ends and comes back with sync.
const MUCH_LATER: Duration = Duration::from_secs(300);

/// What happens within so long of each other is one notification.
const TOGETHER: Duration = Duration::from_secs(1);

/// Why a stream is not read on.
enum End {
    /// It ended, or broke.
    Over,
    /// The daemon has none.
    Nothing,
}

/// Listens until the desktop ends.
pub(crate) async fn run(desktop: Arc<Desktop>) {
    let mut standing = desktop.services.watch();
    loop {
        let now = standing.borrow_and_update().clone();
        let gone = if let Standing::Up(up) = now {
            tokio::select! {
                changed = standing.changed() => changed.is_err(),
                () = follow(&desktop, &up) => false,
            }
        } else {
            standing.changed().await.is_err()
        };
        if gone {
            return;
        }
    }
}

/// Listens to a daemon for as long as it is this one.
async fn follow(desktop: &Arc<Desktop>, up: &Up) {
    loop {
        match listen(desktop, &up.runtime).await {
            End::Over => sleep(AGAIN).await,
            End::Nothing => sleep(MUCH_LATER).await,
        }
    }
}

async fn listen(desktop: &Arc<Desktop>, daemon: &Peer) -> End {
    // It listens before it looks, so that nothing is missed between the two.
    let opened = daemon.open(Method::GET, "/control/sync/events", Body::empty()).await;
    let mut body = match opened {
        Ok(answer) if answer.status().is_success() => answer.into_body(),
        Ok(answer) if answer.status() == StatusCode::NOT_FOUND => return End::Nothing,
        Ok(answer) => {
            tracing::debug!(status = %answer.status(), "sync cannot be listened to");
            return End::Over;
        }
        Err(error) => {
            tracing::debug!(error = chain(&error), "sync cannot be listened to");
            return End::Over;
        }
    };
    let list = ask::<SyncList>(daemon, Method::GET, "/control/sync", Body::empty()).await;
    let Ok(SyncList { syncs }) = list else { return End::Over };
    desktop.notifier.look_at_sync(&syncs);
    for status in syncs {
        emit(desktop, &SyncEvent::Status { status: Box::new(status) });
    }
    let mut events = Events::default();
    // What a person is to be told is told together.
    let mut due: Option<Instant> = desktop.notifier.has_sync_news().then(Instant::now);
    loop {
        let piece = tokio::select! {
            frame = body.frame() => match frame {
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                _ => return End::Over,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                desktop.notifier.show_sync(desktop).await;
                continue;
            }
        };
        let Ok(texts) = events.take(&piece) else { return End::Over };
        for text in texts {
            // What a newer daemon tells besides is passed over.
            let Ok(event) = serde_json::from_str::<SyncEvent>(&text) else { continue };
            desktop.notifier.hear_sync(&event);
            emit(desktop, &event);
        }
        if due.is_none() && desktop.notifier.has_sync_news() {
            due = Some(Instant::now() + TOGETHER);
        }
    }
}

/// Tells the page, where it is there.
fn emit(desktop: &Desktop, event: &SyncEvent) {
    if is_shown(desktop)
        && let Err(error) = desktop.app().emit_to(LABEL, EVENT, event)
    {
        tracing::debug!(%error, "the page did not hear what happened to a sync");
    }
}
