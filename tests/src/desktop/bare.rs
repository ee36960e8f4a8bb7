//! A desktop that nobody drives: started, killed, waited for.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};

use super::{Files, Options, Seat};
use crate::home::create;
use crate::program::{self, Finished};
use crate::{Home, family};

/// A running desktop. Dropping it ends it at once.
pub struct Bare {
    child: Child,
    log: PathBuf,
    seat: Seat,
}

impl Bare {
    /// Starts one at a seat.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn at(seat: &Seat, options: &Options) -> Self {
        let log = seat.home().scratch("desktop-log");
        let mut command = seat.command(options);
        let file = create(&log);
        command.stdout(file.try_clone().expect("a file can be shared")).stderr(file);
        let child = command.process_group(0).spawn().expect("the program can be started");
        Self { child, log, seat: seat.clone() }
    }

    /// Runs one that is to end by itself.
    #[must_use]
    pub fn run(seat: &Seat, options: &Options) -> Finished {
        seat.home().run(seat.command(options))
    }

    /// Returns its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns its home.
    #[must_use]
    pub fn home(&self) -> &Home {
        self.seat.home()
    }

    /// Returns what it is at.
    #[must_use]
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Returns what it writes.
    #[must_use]
    pub fn files(&self) -> Files {
        self.seat.files()
    }

    /// Returns what it has said.
    #[must_use]
    pub fn log(&self) -> String {
        // A log that cannot be read says nothing.
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Sends its process a signal, and waits until it is gone.
    ///
    /// # Panics
    /// Where it stays.
    pub fn signal(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).expect("the desktop runs");
        self.wait()
    }

    /// Waits until it ends.
    pub fn wait(&mut self) -> ExitStatus {
        program::ended(&mut self.child, "the desktop to end")
    }

    /// Returns whether it still runs.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours can be waited for").is_none()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        family::end(&mut self.child, "");
        if std::thread::panicking() {
            show(&self.log());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test runner shows it with the failure")]
fn show(log: &str) {
    eprintln!("the desktop said:\n{log}");
}
