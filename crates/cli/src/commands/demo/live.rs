//! Agents that go on working while somebody looks: a thread that tells something every second or so.

use std::time::Duration;

use fastrand::Rng;
use oriel_runtime::config::{Clock, Config};

use super::cast::{Said, Session};
use super::tales::{TALES, Turn};
use crate::service::Service;

/// How long nothing happens between two things, at least and at most.
const PAUSE_MS: std::ops::Range<u64> = 700..1_900;

/// How soon is looked again for a daemon that is not there yet.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many agents work at the same time.
const AGENTS: usize = 3;

/// Begins, and goes on until the process ends.
pub(super) fn begin(config: Config, clock: Clock) {
    std::thread::spawn(move || {
        let ended = crate::commands::wait(act(config, clock));
        if let Err(error) = ended {
            tracing::warn!("the made-up agents stopped working: {error:#}");
        }
    });
}

async fn act(config: Config, clock: Clock) -> anyhow::Result<()> {
    let service = daemon(&config).await;
    let started = jiff::Timestamp::try_from(clock.now())?.as_second();
    let mut rng = Rng::with_seed(started.cast_unsigned());
    let mut plots: Vec<Plot> = (0..AGENTS).map(|nth| Plot::new(started, nth)).collect();
    loop {
        let which = rng.usize(..plots.len());
        for said in plots[which].next() {
            // The daemon may be restarting; what an agent tells meanwhile is not missed here.
            if let Err(error) = said.post(&service).await {
                tracing::debug!("nobody heard a made-up agent: {error:#}");
            }
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(PAUSE_MS))).await;
    }
}

/// Waits for the daemon that this process starts. Opening the store beside it is refused meanwhile.
pub(super) async fn daemon(config: &Config) -> Service {
    loop {
        if config.data_dir.join("health").join("daemon-health.json").exists()
            && let Ok(service) = Service::reach(config.clone()).await
            && service.is_daemon()
        {
            return service;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What one agent does next.
struct Plot {
    session: Session,
    started: i64,
    nth: usize,
    /// Counts the sessions that it had.
    round: usize,
    turn: usize,
    at: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    Prompt,
    Begin(usize),
    End(usize),
    Answer,
}

impl Plot {
    fn new(started: i64, nth: usize) -> Self {
        let session =
            Session::new(&format!("demo-live-{started}-{nth}-0"), &TALES[nth % TALES.len()]);
        Self { session, started, nth, round: 0, turn: 0, at: Place::Start }
    }

    /// Returns what is told now, and goes on.
    fn next(&mut self) -> Vec<Said> {
        let turn: &Turn = &self.session.tale.turns[self.turn];
        let (said, next) = match self.at {
            Place::Start => (self.session.start(), Place::Prompt),
            Place::Prompt => (self.session.prompt(turn.prompt), Place::Begin(0)),
            Place::Begin(step) => (self.session.begin(&turn.steps[step]), Place::End(step)),
            Place::End(step) => {
                let next = step + 1;
                let next = if next < turn.steps.len() { Place::Begin(next) } else { Place::Answer };
                (self.session.end(&turn.steps[step]), next)
            }
            Place::Answer => {
                let said = self.session.answer(turn.answer);
                return [said, self.go_on()].concat();
            }
        };
        self.at = next;
        said
    }

    /// Takes the next turn, or a new session of another tale.
    fn go_on(&mut self) -> Vec<Said> {
        self.turn += 1;
        self.at = Place::Prompt;
        if self.turn < self.session.tale.turns.len() {
            return Vec::new();
        }
        let over = self.session.hook("SessionEnd", serde_json::json!({ "reason": "other" }));
        self.round += 1;
        self.turn = 0;
        self.at = Place::Start;
        let id = format!("demo-live-{}-{}-{}", self.started, self.nth, self.round);
        self.session = Session::new(&id, &TALES[(self.nth + self.round) % TALES.len()]);
        vec![over]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_always_has_something_to_tell() {
        let mut plot = Plot::new(1, 0);
        for nth in 0..200 {
            assert!(!plot.next().is_empty(), "{nth}");
        }
        assert!(2 < plot.round, "it had several sessions");
    }
}
