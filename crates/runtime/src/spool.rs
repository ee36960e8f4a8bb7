//! What hooks kept while no daemon took it is taken, oldest first, as if it had just been posted.

use std::sync::Arc;
use std::time::Duration;

use oriel_link::spool::{Entry, Spool, SpoolError};

use crate::api::{ApiError, admit_text, read_hook};
use crate::app::App;
use crate::told;

/// So much is read at a time.
const ENTRIES: usize = 256;

/// How often the folder is looked at. A hook keeps something only while we are away or do not
/// answer, so there is rarely anything.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Takes what waits, at once and then whenever there is something, until the runtime stops.
pub(crate) async fn run(app: Arc<App>) {
    let spool = Spool::at(app.home.folder());
    let mut stopping = std::pin::pin!(app.stopping());
    loop {
        tokio::select! {
            () = drain(&app, &spool) => {}
            () = &mut stopping => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = &mut stopping => return,
        }
    }
}

/// Takes all that waits. What cannot be stored now waits for the next time.
async fn drain(app: &App, spool: &Spool) {
    let mut taken = 0;
    loop {
        let entries = match take(spool).await {
            Ok(entries) if entries.is_empty() => break,
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, "what hooks kept cannot be read");
                break;
            }
        };
        for entry in entries {
            match store(app, &entry).await {
                Ok(()) => {
                    taken += 1;
                    remove(entry);
                }
                // It will not be better the next time, so it is put aside for a person to look at.
                Err(ApiError::Bad(problem) | ApiError::NotFound(problem)) => {
                    tracing::warn!(%problem, "what a hook kept is no event");
                    put_aside(spool, entry, &problem);
                }
                Err(error @ ApiError::Invalid(_)) => put_aside(spool, entry, &error.to_string()),
                Err(error) => {
                    tracing::warn!(%error, "what hooks kept cannot be stored now");
                    return;
                }
            }
        }
    }
    if taken > 0 {
        tracing::info!(events = taken, "took what hooks had kept");
    }
}

async fn take(spool: &Spool) -> Result<Vec<Entry>, SpoolError> {
    let spool = spool.clone();
    let reading = tokio::task::spawn_blocking(move || spool.take(ENTRIES));
    reading.await.unwrap_or_else(|_| Ok(Vec::new()))
}

fn remove(entry: Entry) {
    if let Err(error) = entry.remove() {
        // It is taken again, which changes nothing.
        tracing::warn!(%error, "what a hook kept was stored and is still there");
    }
}

fn put_aside(spool: &Spool, entry: Entry, reason: &str) {
    if let Err(error) = spool.reject(entry, reason) {
        tracing::warn!(%error, "what a hook kept cannot be put aside");
    }
}

async fn store(app: &App, entry: &Entry) -> Result<(), ApiError> {
    let spooled = &entry.spooled;
    let at_ms = i64::try_from(spooled.at).unwrap_or(i64::MAX);
    if spooled.agent == "events" {
        let mut event = admit_text(app, &spooled.body)?;
        event.historical |= app.admission(app.now_ms()).is_history(Some(at_ms));
        app.append(vec![event], Vec::new()).await?;
    } else {
        let mut body = spooled.body.clone().into_bytes();
        let parsed = read_hook(&spooled.agent, &mut body, at_ms)?;
        told::take(app, parsed, at_ms).await?;
    }
    Ok(())
}
