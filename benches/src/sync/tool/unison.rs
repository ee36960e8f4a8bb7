//! `unison` on two folders of one machine. It watches if its watcher is there, and else looks once a second.

use std::process::Command;

use super::{Places, Tool};
use crate::bench::BenchError;
use crate::sync::child::Kept;
use crate::sync::trees::Shape;

/// The program that tells it of changes, which not every package of it has.
const WATCHER: &str = "unison-fsmonitor";

/// One process, which has both folders.
pub(super) struct Unison {
    // In this order they are dropped.
    process: Option<Kept>,
    places: Places,
}

impl Unison {
    pub(super) fn new(places: Places) -> Self {
        Self { process: None, places }
    }

    fn command(&self) -> Command {
        let mut command = Command::new("unison");
        command.arg(&self.places.one).arg(&self.places.other);
        // It asks nobody, and says no more than it must. What holds many deletes up is not of this.
        command.args(["-ui", "text", "-batch", "-auto", "-silent", "-confirmbigdel=false"]);
        command.env("UNISON", self.places.own.join("archive")).env("HOME", &self.places.own);
        command
    }
}

impl Tool for Unison {
    fn fill(&mut self, _shape: Shape) -> Result<(), BenchError> {
        Kept::start(&mut self.command(), &self.places.log())?.finish()
    }

    fn keep(&mut self) -> Result<(), BenchError> {
        let has_watcher = Command::new("sh")
            .args(["-c", &format!("command -v {WATCHER} >/dev/null")])
            .status()
            .is_ok_and(|status| status.success());
        let mut command = self.command();
        command.args(["-repeat", if has_watcher { "watch" } else { "1" }]);
        self.process = Some(Kept::start(&mut command, &self.places.log())?);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), BenchError> {
        self.process.take().map_or(Ok(()), Kept::stop)
    }
}
