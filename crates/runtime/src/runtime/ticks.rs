//! What happens by the clock: statistics for those who listen, word of sessions that fell silent, a
//! look at the processes of live sessions, and forgetting what is old. A missed tick loses nothing:
//! the next one does what is left.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use oriel_store::Store;
use oriel_wire::{Frame, SessionChange};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::api::stats_frame;
use crate::app::{App, Gate};
use crate::state;

/// How often sessions are looked at.
const SILENCE_EVERY: Duration = Duration::from_secs(60);

/// How long after the start they are looked at first.
const PROCESSES_FIRST: Duration = Duration::from_secs(1);

/// How often the processes of live sessions are looked at.
const PROCESSES_EVERY: Duration = Duration::from_secs(5);

/// How long after the start what is old is forgotten, so that it does not make the start slow,
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// and how often from then on.
const FORGET_EVERY: Duration = Duration::from_secs(DAY_SECONDS.unsigned_abs());

const DAY_SECONDS: i64 = 86_400;

/// Ticks until the runtime stops.
pub(super) async fn run(app: Arc<App>) {
    let mut stopping = pin!(app.stopping());
    let Gate::Open(store) = &app.gate else { return };
    let mut stats = every(app.config.stream.stats_interval);
    let mut silence = every(SILENCE_EVERY);
    let mut processes = every(PROCESSES_EVERY);
    processes.reset_after(PROCESSES_FIRST);
    let mut forget = every(FORGET_EVERY);
    forget.reset_after(FORGET_AFTER);
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
            // Only a daemon looks by itself at what agents keep.
            _ = processes.tick() => if app.config.imports.auto && app.address.get().is_some() {
                match state::look(&app).await {
                    Ok(sessions) if sessions.is_empty() => {}
                    Ok(sessions) => app.notices.look_at(sessions),
                    Err(error) => tracing::warn!(%error, "processes were not looked at"),
                }
            },
            _ = forget.tick() => tokio::select! {
                () = &mut stopping => return,
                () = forget_old(&app, store) => {}
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

/// Forgets what is older than the settings say.
pub(super) async fn forget_old(app: &App, store: &Store) {
    let days_ago = |days: u32| app.now().saturating_sub(i64::from(days) * DAY_SECONDS);
    let retention = &app.config.retention;
    let (mut sessions, mut events, mut texts) = (0, 0, 0);
    if retention.sessions_days > 0 {
        match store.forget_sessions(days_ago(retention.sessions_days)).await {
            Ok(forgotten) => (sessions, events) = (forgotten.sessions, forgotten.events),
            Err(error) => tracing::warn!(%error, "old sessions were not forgotten"),
        }
    }
    if retention.texts_days > 0 {
        match store.forget_texts(days_ago(retention.texts_days)).await {
            Ok(forgotten) => texts = forgotten,
            Err(error) => tracing::warn!(%error, "old texts were not forgotten"),
        }
    }
    if sessions + texts > 0 {
        tracing::info!(sessions, events, texts, "what is old was forgotten");
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use oriel_model::{About, Note, SessionId};
    use oriel_store::{PhaseFilter, SearchQuery, SessionFilter};
    use serde_json::json;

    use super::*;
    use crate::config::Clock;
    use crate::runtime::Runtime;
    use crate::settings::{Flag, Folders, Input, resolve};

    const NOW: u64 = 1_770_000_000;

    #[tokio::test]
    async fn what_is_older_than_the_settings_say_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicU64::new(NOW));
        let held = Arc::clone(&now);
        let clock =
            Clock::new(move || UNIX_EPOCH + Duration::from_secs(held.load(Ordering::Relaxed)));
        let flag = |key: &str, value: &str| Flag {
            name: "--set".to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let data_dir = folder.path().join("data").display().to_string();
        let input = Input {
            flags: vec![
                flag("data_dir", &data_dir),
                flag("retention.sessions_days", "30"),
                flag("retention.texts_days", "7"),
            ],
            environment: BTreeMap::new(),
            file: None,
            folders: Folders { home: None, working: folder.path().to_owned() },
            clock,
        };
        let runtime = Runtime::open(resolve(&input).unwrap().config).await.unwrap();
        let app = runtime.app();
        let store = app.store().unwrap();
        for (nth, words) in ["an old wall", "a newer wall", "the newest wall"].iter().enumerate() {
            let hook = json!({ "session_id": format!("s{nth}"), "prompt": words,
                "hook_event_name": "UserPromptSubmit", "prompt_id": format!("p{nth}") });
            let hook = hook.to_string();
            let parsed = oriel_sources::claude::hooks::read(hook.as_bytes(), app.now_ms()).unwrap();
            crate::told::take(&app, parsed, app.now_ms()).await.map_err(|_| "refused").unwrap();
            let about = About::Session(SessionId(format!("s{nth}")));
            let (name, value) = ("cwd".to_owned(), "\"/srv\"".to_owned());
            store.note(vec![Note { about, name, value, at_ms: 1 }]).await.unwrap();
            now.fetch_add(20 * 86_400, Ordering::Relaxed);
        }
        now.store(NOW + 41 * 86_400, Ordering::Relaxed);
        forget_old(&app, store).await;
        let sessions = |phase| {
            let filter = SessionFilter { phase: Some(phase), ..SessionFilter::default() };
            store.sessions(filter, 10, app.now(), app.quiet)
        };
        let left: Vec<String> =
            sessions(PhaseFilter::Ended).await.unwrap().into_iter().map(|one| one.id).collect();
        assert_eq!(left, ["s2", "s1"]);
        let query = SearchQuery { words: "wall".to_owned(), limit: 10, ..SearchQuery::default() };
        assert_eq!(store.search(query).await.unwrap().hits.len(), 1);
        assert_eq!(store.notes(About::Session(SessionId("s0".to_owned()))).await.unwrap(), []);
        assert!(store.verify().await.unwrap().is_clean());
        runtime.shutdown().await;
    }
}
