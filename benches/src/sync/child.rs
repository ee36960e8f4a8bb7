//! A program under measurement, with all that it starts: gone when this is dropped.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::stop::until;
use crate::bench::{BenchError, failed};

/// How long a program may take to end.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A process and those that it starts.
#[derive(Debug)]
pub(super) struct Kept {
    child: Child,
    name: String,
}

impl Kept {
    /// Starts a program. What it says goes into a file.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self, BenchError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let cannot = |source| failed(format!("start {name}; install its package"), source);
        let said = File::options().create(true).append(true).open(log).map_err(cannot)?;
        let also = said.try_clone().map_err(cannot)?;
        command.stdin(Stdio::null()).stdout(said).stderr(also);
        // A group of its own, so that all of it can be ended at once.
        let child = command.process_group(0).spawn().map_err(cannot)?;
        Ok(Self { child, name })
    }

    /// Waits until it has done what it was to do.
    pub(super) fn finish(mut self) -> Result<(), BenchError> {
        let name = self.name.clone();
        let status = until(&format!("{name} to end"), PATIENCE, LOOK_EVERY, || {
            self.child.try_wait().map_err(|source| failed(format!("wait for {name}"), source))
        })?;
        if status.success() {
            return Ok(());
        }
        Err(failed(
            format!("do with {name} what was asked"),
            std::io::Error::other(status.to_string()),
        ))
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> Result<(), BenchError> {
        self.signal(Signal::TERM);
        let name = self.name.clone();
        until(&format!("{name} to stop"), PATIENCE, LOOK_EVERY, || {
            self.child.try_wait().map_err(|source| failed(format!("wait for {name}"), source))
        })
        .map(|_| ())
    }

    fn signal(&self, signal: Signal) {
        // It fails only if all of them are gone already.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // It fails only if somebody has waited for it already.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_started_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (log, told) = (folder.path().join("log"), folder.path().join("told"));
        let script = format!("sleep 600 & echo $! > {}; wait", told.display());
        let kept = Kept::start(Command::new("sh").args(["-c", &script]), &log).unwrap();
        let pid: i32 = until("a pid", Duration::from_secs(20), LOOK_EVERY, || {
            Ok(std::fs::read_to_string(&told).ok().and_then(|text| text.trim().parse().ok()))
        })
        .unwrap();
        drop(kept);
        until("its end", Duration::from_secs(20), LOOK_EVERY, || {
            // Who has lost its parent stays as a zombie where nobody takes it in.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            Ok((stat.is_empty() || stat.contains(") Z ")).then_some(()))
        })
        .unwrap();
    }

    #[test]
    fn a_program_that_fails_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let failing = Kept::start(&mut Command::new("false"), &log).unwrap();
        assert!(failing.finish().unwrap_err().to_string().contains("false"));
        Kept::start(&mut Command::new("true"), &log).unwrap().finish().unwrap();
    }
}
