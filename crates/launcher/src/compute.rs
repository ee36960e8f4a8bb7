//! Sessions of scripts: `oriel-compute` is found, started for a folder, talked to, stopped, and started
//! anew with its variables when a script had to be ended by force.
//!
//! One task owns the process. What comes from it is read by another, which hands answers to whoever asked
//! and events to whoever listens: a listener that reads slowly slows the script down, and never the order
//! to stop it.

mod find;
mod keeper;
mod process;

use std::path::PathBuf;

use oriel_wire::compute::{Answer, Event, Limits, Request};
use oriel_wire::hostfs::WorkspaceAccess;
use tokio::sync::{mpsc, oneshot};

pub use find::{PROGRAM, find};

/// How many events wait for a listener. Beyond it the script waits.
const EVENTS_MAX: usize = 64;

/// How many orders wait for the task that owns the process. Beyond it whoever gives one waits.
const ORDERS_MAX: usize = 64;

/// What a session is started with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The program, as [`find()`] returns it.
    pub program: PathBuf,
    /// The folder that scripts may use.
    pub workspace: PathBuf,
    /// What they may do in it.
    pub access: WorkspaceAccess,
    /// What they may use.
    pub limits: Limits,
    /// A private folder of this session's own, for the variables that outlive a process. It is removed by
    /// whoever made it.
    pub kept: PathBuf,
    /// The umask of files that scripts make, where it is not that of this process.
    pub umask: Option<u32>,
}

/// Something went wrong with a session.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// The program does not start.
    #[error("cannot start {0}")]
    Start(PathBuf, #[source] std::io::Error),
    /// The session has ended.
    #[error("the session of scripts has ended; start another one")]
    Ended,
    /// It cannot be asked that.
    #[error(transparent)]
    Frame(#[from] oriel_wire::compute::FrameError),
}

/// A session of scripts. Dropping it ends its process.
#[derive(Debug)]
pub struct Session {
    orders: mpsc::Sender<Order>,
}

/// What the task that owns the process is told.
#[derive(Debug)]
enum Order {
    Ask(Request, oneshot::Sender<Answer>),
    Kill,
    Stop(oneshot::Sender<()>),
}

impl Session {
    /// Starts a session and returns its events as well.
    ///
    /// # Errors
    /// Where the program does not start.
    pub fn start(start: Start) -> Result<(Self, mpsc::Receiver<Event>), ComputeError> {
        let (tell, events) = mpsc::channel(EVENTS_MAX);
        let (orders, todo) = mpsc::channel(ORDERS_MAX);
        let process = process::start(&start, false, &tell)?;
        tokio::spawn(keeper::keep(start, process, todo, tell));
        Ok((Self { orders }, events))
    }

    /// Asks for something and waits for the answer.
    ///
    /// # Errors
    /// Where the process ends before it answers.
    pub async fn ask(&self, request: Request) -> Result<Answer, ComputeError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Ask(request, answer)).await?;
        answered.await.map_err(|_| ComputeError::Ended)
    }

    /// Stops the script that runs: asks it to, or ends the process, which then is started anew with the
    /// variables from before the run.
    ///
    /// # Errors
    /// Where the session has ended.
    pub async fn interrupt(&self, hard: bool) -> Result<(), ComputeError> {
        if hard {
            return self.order(Order::Kill).await;
        }
        // The answer says only that it was heard, and stands behind output that is not read yet.
        let (answer, _) = oneshot::channel();
        self.order(Order::Ask(Request::Interrupt, answer)).await
    }

    /// Ends the session and waits until its process has ended.
    pub async fn stop(self) {
        let (done, stopped) = oneshot::channel();
        // Where it has ended already there is nothing to stop.
        if self.order(Order::Stop(done)).await.is_ok() {
            _ = stopped.await;
        }
    }

    async fn order(&self, order: Order) -> Result<(), ComputeError> {
        self.orders.send(order).await.map_err(|_| ComputeError::Ended)
    }
}
