//! A program of an agent: started in a group of its own by a thread that outlives it, and ended with
//! all that it started.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long a program has to end by itself once nobody speaks to it any more.
const LEAVES_WITHIN: Duration = Duration::from_millis(1500);

/// How long it has once it was told to end. Then it is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce() + Send>;

/// The thread that starts programs.
///
/// A program that is to end with the gateway ends with the thread that started it, and the threads of
/// the async runtime come and go. This one stays while anybody holds it.
#[derive(Debug, Clone)]
pub(super) struct Spawner(Arc<mpsc::Sender<Job>>);

impl Spawner {
    pub(super) fn new() -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        let run = move || jobs.into_iter().for_each(|job| job());
        std::thread::Builder::new().name("agent-spawner".to_owned()).spawn(run)?;
        Ok(Self(Arc::new(sender)))
    }

    /// Starts a program.
    pub(super) async fn spawn(&self, mut command: Command) -> io::Result<Program> {
        let gone = || io::Error::other("the thread that starts programs is gone");
        let (told, child) = oneshot::channel();
        let runtime = Handle::current();
        let job = move || {
            let _inside = runtime.enter();
            // Where nobody waits any more, dropping the child ends it.
            _ = told.send(command.spawn());
        };
        self.0.send(Box::new(job)).map_err(|_| gone())?;
        let child = child.await.map_err(|_| gone())??;
        Ok(Program { child, _spawner: self.clone() })
    }
}

/// A program that runs, and leads its group.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) child: Child,
    _spawner: Spawner,
}

impl Program {
    /// Ends the program and its group: it may leave by itself, is asked to, and is killed. Its standard
    /// input must be closed. Returns how it ended.
    pub(super) async fn end(mut self) -> String {
        let group = self.group();
        for (within, signal) in [(LEAVES_WITHIN, Signal::TERM), (ENDS_WITHIN, Signal::KILL)] {
            match tokio::time::timeout(within, self.child.wait()).await {
                Ok(status) => {
                    send(group, Signal::KILL);
                    return told(status);
                }
                Err(_) => send(group, signal),
            }
        }
        let status = self.child.wait().await;
        send(group, Signal::KILL);
        told(status)
    }

    /// Kills the program and its group.
    pub(super) fn kill(&self) {
        send(self.group(), Signal::KILL);
    }

    fn group(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Once the program was waited for it has no number, and its group has been killed.
        self.kill();
    }
}

fn send(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // The group may be gone already.
        _ = kill_process_group(group, signal);
    }
}

fn told(status: io::Result<std::process::ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;

    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}"),
            (None, None) => "it ended".to_owned(),
        },
        Err(error) => format!("nobody can tell how it ended ({error})"),
    }
}
