//! An agent at work in a folder that is kept equal with another, and a conflict that waits for whoever looks.
//!
//! The agent is the built-in one, in a real session of the demonstration's gateway. A thread asks it for
//! more every few seconds. It ends before the folders are removed, so that nothing is written into them then.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use oriel_gateway_client::{EventStream, GatewayClient, Incoming};
use oriel_runtime::config::Config;
use oriel_wire::gateway::{Answer, EventBody};
use oriel_wire::sync::{Phase, StartSync, StopSync, SyncState, SyncStatus};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{live, project};
use crate::args::At;
use crate::gateway;
use crate::service::Service;

/// How long nothing is written between two turns.
const PAUSE: Duration = Duration::from_secs(3);

/// How soon is looked again for what is not so yet.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What takes longer than this will not come: the agent then rests for good, and the log says why.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that was told to end has ended by then.
const ENDS_WITHIN: Duration = Duration::from_secs(16);

/// So many turns are there before the conflict.
const TURNS_BEFORE: usize = 3;

/// The agent rests for good after so many turns, which is an hour: a demonstration that is forgotten for
/// days keeps no more than that of what the agent said.
const TURNS_MAX: usize = 1_200;

/// Where the agent works, and where the person does.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    workspace: PathBuf,
    local: PathBuf,
}

impl Folders {
    /// Makes them, with a beginning of the project in the agent's.
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        // Paths are told as sync tells them, which knows no links.
        let folder = folder.canonicalize().context("the temporary folder is gone")?;
        let [workspace, local] = ["agent", "you"].map(|who| folder.join(who).join("tide-table"));
        fs::create_dir_all(&local)
            .with_context(|| format!("{} cannot be made", local.display()))?;
        for (name, text) in project::AT_FIRST {
            write(&workspace, name, text)?;
        }
        Ok(Self { workspace, local })
    }

    /// Returns what a visitor is told about them.
    pub(super) fn said(&self) -> String {
        format!(
            "An agent writes a small project, and sync keeps a folder equal with its workspace. Open it in \
             your editor and change something:\n  {}\nThe page Sync shows both, and a conflict that waits \
             for you.\n",
            self.local.display()
        )
    }
}

/// An agent at work. Dropping it ends the work, and waits until nothing of it goes on.
pub(super) struct Work {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Work {
    /// Begins once the daemon is there. Where it is to be still, nothing more is written once the conflict is
    /// there.
    pub(super) fn begin(config: Config, folders: Folders, still: bool) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let ended = crate::commands::wait(async {
                let error = tokio::select! {
                    // Whoever drops the sender has it end as well.
                    _ = &mut stopped => return Ok(()),
                    ended = act(config, &folders, still) => match ended {
                        Ok(()) => return Ok(()),
                        Err(error) => error,
                    },
                };
                // A daemon that ends refuses things before it has ended, which is no failure.
                match timeout(ENDS_WITHIN, stopped).await {
                    Ok(_) => Ok(()),
                    Err(_) => Err(error),
                }
            });
            if let Err(error) = ended {
                tracing::warn!("the agent of the demonstration stopped working: {error:#}");
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            _ = thread.join();
        }
    }
}

async fn act(config: Config, folders: &Folders, still: bool) -> anyhow::Result<()> {
    let data_dir = config.data_dir.clone();
    let service = live::daemon(&config).await;
    let (client, events) = until("the gateway", async || {
        gateway::reach(&At { url: None, token_file: None }, &data_dir).await.ok()
    })
    .await?;
    let workspace = text(&folders.workspace)?;
    let made = client.create_session("echo", Some("Tide table".to_owned()), Some(workspace));
    let session = made.await?.id;
    client.join_session(&session, None).await?;
    let mut agent = Agent { client, events, session: session.clone() };
    let sync = Sync { service, session, folders };
    sync.start().await?;
    for turn in 0..TURNS_BEFORE {
        agent.run(turn).await?;
    }
    sync.fall_out().await?;
    if still {
        return Ok(());
    }
    for turn in TURNS_BEFORE..TURNS_MAX {
        sleep(PAUSE).await;
        if let Err(error) = agent.run(turn).await {
            // A visitor may talk with the same agent, or stop its turn.
            tracing::debug!("a turn of the demonstration's agent is left out: {error:#}");
        }
    }
    Ok(())
}

/// The session, as who talks with its agent.
struct Agent {
    client: GatewayClient,
    events: EventStream,
    session: String,
}

impl Agent {
    /// Has the agent do what it does in a turn, with leave for everything.
    async fn run(&mut self, turn: usize) -> anyhow::Result<()> {
        let id = self.client.run_turn(&self.session, project::prompt(turn), None).await?;
        let ends = async {
            while let Some(incoming) = self.events.next().await {
                let Incoming::Event(event) = incoming else { continue };
                if event.turn_id.as_ref() != Some(&id) {
                    continue;
                }
                match event.body {
                    EventBody::PermissionRequested { question_id, .. } => {
                        let answer = Answer::Leave { allow: true, remember: false };
                        // A visitor who was quicker has answered.
                        _ = self.client.answer_question(&self.session, question_id, answer).await;
                    }
                    EventBody::TurnComplete { .. } => return Ok(()),
                    EventBody::TurnError { message, .. } => anyhow::bail!(message),
                    _ => {}
                }
            }
            anyhow::bail!("the gateway is gone")
        };
        timeout(PATIENCE, ends).await.context("the turn does not end")?
    }
}

/// The sync of the session.
struct Sync<'a> {
    service: Service,
    session: String,
    folders: &'a Folders,
}

impl Sync<'_> {
    async fn start(&self) -> anyhow::Result<()> {
        let command = StartSync {
            session_id: self.session.clone(),
            local_dir: text(&self.folders.local)?,
            confirm_non_empty: true,
            allow_polling: true,
            use_gitignore: false,
            merge_unasked: false,
        };
        let _: SyncStatus = self.service.post("/control/sync/start", &command).await?;
        Ok(())
    }

    /// Makes a conflict the way that cannot fail: both sides change a file while nothing is synced.
    async fn fall_out(&self) -> anyhow::Result<()> {
        let agreed = |status: &SyncStatus| {
            let is_still = status.phase == Phase::Watching && status.pending == 0;
            is_still && self.folders.local.join(project::DISPUTED).exists()
        };
        self.until("both folders to be equal", agreed).await?;
        let command = StopSync { session_id: self.session.clone(), forget: false };
        let _: SyncStatus = self.service.post("/control/sync/stop", &command).await?;
        let [mine, theirs] = project::both_versions();
        write(&self.folders.local, project::DISPUTED, &mine)?;
        write(&self.folders.workspace, project::DISPUTED, &theirs)?;
        self.start().await?;
        self.until("the conflict", |status| status.state == SyncState::Conflict).await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&SyncStatus) -> bool) -> anyhow::Result<()> {
        let path = format!("/control/sync/{}", self.session);
        let look = async || self.service.get(&path).await.ok().filter(|status| is_so(status));
        until(what, look).await.map(|_: SyncStatus| ())
    }
}

/// Waits until there is something, which it returns.
async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> anyhow::Result<T> {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(PATIENCE, found).await.with_context(|| format!("waited for {what}, which did not come"))
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("the temporary folder's path is not valid UTF-8")?.to_owned())
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("{} cannot be written", path.display()))
}
