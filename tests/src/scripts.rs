//! Scripts: `oriel compute` while it runs, what it has said so far, and what is said to it.

use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Signal;

use crate::program::{self, Finished};
use crate::{Home, daemon, family, wait};

pub use crate::program::compute as program;

/// The name of the process that runs scripts.
const COMPUTE: &str = "oriel-compute";

/// The folder of a home that scripts may use.
const WORK: &str = "work";

/// Makes the folder that scripts may use, with these files.
///
/// # Panics
/// Where it cannot be made.
#[must_use]
pub fn home_with(files: &[(&str, &str)]) -> Home {
    let home = Home::new();
    fs::create_dir_all(home.path(WORK)).expect("the home is ours");
    fs::create_dir_all(home.path("tmp")).expect("the home is ours");
    for (name, text) in files {
        fs::write(home.path(WORK).join(name), text).expect("the home is ours");
    }
    home
}

/// Returns a command of `oriel compute` in that folder.
#[must_use]
pub fn command(home: &Home, arguments: &[&str]) -> std::process::Command {
    let mut command = home.command(&[&["compute"], arguments].concat());
    command.current_dir(home.path(WORK)).env("ORIEL_COMPUTE", program());
    command.env("TMPDIR", home.path("tmp"));
    command
}

/// Runs `oriel compute` to its end, with nothing to read.
#[must_use]
pub fn run(home: &Home, arguments: &[&str]) -> Finished {
    home.run(command(home, arguments))
}

/// Returns whether a process runs.
#[must_use]
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // One that has ended and whose end nobody asked for is none.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until a process is gone.
pub fn until_gone(pid: u32) {
    wait::until("a process to end", || (!is_running(pid)).then_some(()));
}

/// Returns the processes below one that run scripts.
#[must_use]
pub fn below(pid: u32) -> Vec<u32> {
    let family = family::of(pid, "");
    family.iter().filter(|one| one.name == COMPUTE).map(|one| one.pid).collect()
}

/// One `oriel compute` that runs. Dropping it ends it at once.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    /// Starts one.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = command(home, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().expect("the program can be started");
        let stdin = child.stdin.take();
        let stdout = Heard::of(child.stdout.take().expect("it is a pipe"));
        let stderr = Heard::of(child.stderr.take().expect("it is a pipe"));
        Self { child, stdin, stdout, stderr }
    }

    /// Waits until it has printed this.
    pub fn until_printed(&self, text: &str) {
        wait::until(&format!("{text:?} to be printed"), || {
            self.stdout.text().contains(text).then_some(())
        });
    }

    /// Waits until it has said this beside its output.
    pub fn until_said(&self, text: &str) {
        wait::until(&format!("{text:?} to be said"), || {
            self.stderr.text().contains(text).then_some(())
        });
    }

    /// Writes a line to it.
    ///
    /// # Panics
    /// Where its input was ended.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is not hung up");
        // One that has ended reads no more.
        _ = stdin.write_all(format!("{line}\n").as_bytes());
    }

    /// Ends its input.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        daemon::kill(self.child.id(), signal);
    }

    /// Waits for the process that runs its scripts, and returns it.
    #[must_use]
    pub fn compute(&self) -> u32 {
        wait::until("a process for scripts", || below(self.child.id()).first().copied())
    }

    /// Waits until it ends.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        self.stdin = None;
        let status = program::ended(&mut self.child, "`oriel compute` to end");
        wait::until("its output to end", || {
            (self.stdout.is_over() && self.stderr.is_over()).then_some(())
        });
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        Finished { command: "oriel compute".to_owned(), code: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        family::end(&mut self.child, "");
    }
}

/// What came out of a pipe so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<(Vec<u8>, bool)>>);

impl Heard {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let heard = Self::default();
        let own = heard.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let came = pipe.read(&mut piece).unwrap_or(0);
                let mut so_far = own.0.lock().unwrap_or_else(PoisonError::into_inner);
                so_far.0.extend_from_slice(&piece[..came]);
                so_far.1 = came == 0;
                if came == 0 {
                    return;
                }
            }
        });
        heard
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
            .into_owned()
    }

    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Returns the path of a file in the folder that scripts may use.
#[must_use]
pub fn work(home: &Home, name: &str) -> std::path::PathBuf {
    Path::join(&home.path(WORK), name)
}
