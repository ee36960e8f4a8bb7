//! What a desktop and its daemon write in the data directory, as a test reads it.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{Home, wait};

/// The files below a data directory.
#[derive(Debug, Clone)]
pub struct Files(Home);

impl Files {
    /// Returns the files of a home's data directory.
    #[must_use]
    pub fn of(home: &Home) -> Self {
        Self(home.clone())
    }

    /// Returns the text of a file, where it is there.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let bytes = std::fs::read(self.0.data_dir().join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until a daemon listens, and returns where.
    #[must_use]
    pub fn daemon(&self) -> SocketAddr {
        wait::until("the daemon to say where it listens", || {
            let text = self.text("health/daemon-health.json")?;
            let health: Value = serde_json::from_str(&text).ok()?;
            health["addr"].as_str()?.parse().ok()
        })
    }

    /// Returns the process of the daemon that wrote the health file last.
    #[must_use]
    pub fn daemon_pid(&self) -> Option<u32> {
        let text = self.text("health/daemon-health.json")?;
        let health: Value = serde_json::from_str(&text).ok()?;
        u32::try_from(health["pid"].as_u64()?).ok()
    }

    /// Returns everything that the host wrote down of what it did.
    ///
    /// # Panics
    /// Where a line of it is no JSON.
    #[must_use]
    pub fn traces(&self) -> Vec<Value> {
        let text = self.text("desktop/control/desktop.log").unwrap_or_default();
        // The last line may be on its way.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .map(|line| match serde_json::from_str(line) {
                Ok(trace) => trace,
                Err(error) => panic!("{line:?} is no trace: {error}"),
            })
            .collect()
    }

    /// Returns the traces of one event.
    #[must_use]
    pub fn traces_of(&self, event: &str) -> Vec<Value> {
        self.traces().into_iter().filter(|trace| trace["event"] == event).collect()
    }

    /// Waits until the host has written down that something happened which is like this.
    pub fn until_trace(&self, event: &str, is: impl Fn(&Value) -> bool) -> Value {
        let found = wait::in_time(|| self.traces_of(event).into_iter().find(|trace| is(trace)));
        match found {
            Some(found) => found,
            None => panic!("waited for {event}: {:#?}", self.traces()),
        }
    }
}
