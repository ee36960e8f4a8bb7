//! The services behind the windows: one task finds, starts, watches and stops them, and everyone else
//! reads how they stand.

mod attach;
mod embedded;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oriel_launcher::Failure;
use oriel_launcher::daemon::Peer;
use oriel_link::Link;
use oriel_runtime::settings::{DesktopMode, Flag, Resolved};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::trace::{Event, Traces};

/// Requests wait here while the task is busy starting; who asks waits when it is full.
const ORDERS_MAX: usize = 16;

/// The services leave the machine to the window until that has its first page, and not for longer than
/// this.
const WINDOW_FIRST: Duration = Duration::from_millis(700);

/// What the services are started with.
pub(crate) struct Plan {
    /// Whose daemon it is.
    pub(crate) mode: DesktopMode,
    /// The settings, read anew at each start.
    pub(crate) settings: Box<dyn Fn() -> anyhow::Result<Resolved> + Send + Sync>,
    /// The data directory.
    pub(crate) data_dir: PathBuf,
    /// The environment that modules and daemons are started in.
    pub(crate) environment: BTreeMap<String, String>,
    /// What the command line says of settings, for a daemon that is started beside.
    pub(crate) flags: Vec<Flag>,
    /// The program `oriel`, where it was found.
    pub(crate) program: Option<PathBuf>,
    /// Where it is told what happens.
    pub(crate) traces: Traces,
}

/// How the services stand.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// They are being found or started.
    Starting {
        /// What is being done, in words.
        step: &'static str,
    },
    /// They answer.
    Up(Arc<Up>),
    /// They do not.
    Failed(Arc<Failed>),
    /// They have ended for good.
    Stopped,
}

/// Services that answer.
pub(crate) struct Up {
    /// The way to the console.
    pub(crate) console: Link,
    /// The console's host, as it knows itself.
    pub(crate) authority: String,
    /// Where a browser reaches it, if it does.
    pub(crate) console_addr: Option<SocketAddr>,
    /// The cookies of the session that the desktop was given.
    pub(crate) cookies: Vec<(String, String)>,
    /// Another number for each time that the services were started.
    pub(crate) generation: u64,
    /// The runtime, with the token that no page sees.
    pub(crate) runtime: Peer,
    /// Where the runtime answers.
    pub(crate) base_url: String,
    /// Whose process the daemon is.
    pub(crate) pid: u32,
    /// Whether it is the desktop's own, within this process.
    pub(crate) is_own: bool,
}

impl std::fmt::Debug for Up {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither cookies nor the token belong in any log.
        f.debug_struct("Up").field("base_url", &self.base_url).field("pid", &self.pid).finish()
    }
}

impl Up {
    /// Returns a one-time link with which a browser starts a session of its own.
    pub(crate) async fn one_time_link(&self) -> Result<String, String> {
        let addr = self
            .console_addr
            .ok_or("the console listens nowhere; give it a port with --console-port")?;
        let path = attach::one_time_path(&self.console, &self.authority, &self.runtime).await?;
        Ok(format!("http://{addr}{path}"))
    }
}

/// Services that do not answer.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    /// What kind of failure it is.
    pub(crate) failure: Failure,
    /// What happened, to what.
    pub(crate) problem: String,
    /// What a person can do.
    pub(crate) advice: String,
    /// The command that may help.
    pub(crate) command: Option<String>,
    /// The log that says more, and its end.
    pub(crate) log: Option<(PathBuf, String)>,
    /// Whether it is tried again without being asked.
    pub(crate) tries_again: bool,
}

/// What is asked of the task.
pub(crate) enum Order {
    /// Try again now.
    Retry,
    /// Stop what is ours, and tell when it is done.
    Stop(oneshot::Sender<()>),
}

/// A handle on the services.
#[derive(Clone)]
pub(crate) struct Services {
    standing: watch::Receiver<Standing>,
    orders: mpsc::Sender<Order>,
    begins: Arc<Notify>,
}

impl Services {
    /// Starts the task, which begins when it is told to or is tired of waiting. It must be called within
    /// the tokio runtime.
    pub(crate) fn start(plan: Plan) -> Self {
        let (standing, reader) = watch::channel(Standing::Starting { step: "Starting" });
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        let task = Task {
            plan,
            standing,
            orders: asked,
            generation: 0,
            session: None,
            session_of: None,
            started: None,
            ended: None,
        };
        let begins = Arc::new(Notify::new());
        let told = Arc::clone(&begins);
        tokio::spawn(async move {
            _ = tokio::time::timeout(WINDOW_FIRST, told.notified()).await;
            task.run().await;
        });
        Self { standing: reader, orders, begins }
    }

    /// Has them begin: the window shows something, or there is none.
    pub(crate) fn begin(&self) {
        self.begins.notify_one();
    }

    /// Returns how they stand now.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Returns the services if they answer.
    pub(crate) fn up(&self) -> Option<Arc<Up>> {
        match &*self.standing.borrow() {
            Standing::Up(up) => Some(Arc::clone(up)),
            _ => None,
        }
    }

    /// Returns a reader that is told of each change.
    pub(crate) fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Has a failed start tried again.
    pub(crate) async fn retry(&self) {
        // A task that is gone has nothing to try.
        _ = self.orders.send(Order::Retry).await;
    }

    /// Stops what is the desktop's own; a daemon that it only shows runs on.
    pub(crate) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.orders.send(Order::Stop(done)).await.is_ok() {
            _ = stopped.await;
        }
    }
}

/// The one owner of the services.
struct Task {
    plan: Plan,
    standing: watch::Sender<Standing>,
    orders: mpsc::Receiver<Order>,
    generation: u64,
    /// The session that the console gave, and the process that gave it where that is another.
    session: Option<(String, String)>,
    session_of: Option<u32>,
    /// The daemon that this task had started.
    started: Option<u32>,
    /// Who waits to be told that all has stopped.
    ended: Option<oneshot::Sender<()>>,
}

/// What comes after the services were up, or failed.
enum Next {
    /// They are started again.
    Again,
    /// They failed, and somebody has to say what next.
    Failed(Failed),
    /// It is over.
    End,
}

impl Task {
    async fn run(mut self) {
        loop {
            let next = match self.plan.mode {
                DesktopMode::Embedded => self.embed().await,
                DesktopMode::Attach => self.attach(false).await,
                DesktopMode::SuperviseLocal => self.attach(true).await,
            };
            let over = match next {
                Next::Again => false,
                Next::End => true,
                Next::Failed(failed) => self.wait_after(failed).await,
            };
            if over {
                break;
            }
        }
        self.standing.send_replace(Standing::Stopped);
        if let Some(ended) = self.ended.take() {
            // Who asked may have left.
            _ = ended.send(());
        }
    }

    fn says(&self, step: &'static str) {
        self.standing.send_replace(Standing::Starting { step });
    }

    /// Says that the services answer.
    fn up_now(&self, up: Up) {
        self.plan.traces.tell(Event::Up { generation: up.generation });
        self.standing.send_replace(Standing::Up(Arc::new(up)));
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Tells of a failure and waits until it is tried again. Returns whether it is over.
    async fn wait_after(&mut self, failed: Failed) -> bool {
        self.plan.traces.tell(Event::Failed { failure: failed.failure, problem: &failed.problem });
        let tries_again = failed.tries_again;
        self.standing.send_replace(Standing::Failed(Arc::new(failed)));
        let due = async {
            if tries_again {
                tokio::time::sleep(attach::LOOK_AGAIN).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            order = self.orders.recv() => match order {
                Some(Order::Retry) => false,
                Some(Order::Stop(done)) => { self.ended = Some(done); true }
                None => true,
            },
            () = due => false,
        }
    }
}
