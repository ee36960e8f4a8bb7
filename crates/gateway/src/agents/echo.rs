//! The echo agent: a program that speaks the Agent Client Protocol as any agent does, and says back what
//! it is told. Words in double brackets make it act, so that everything can be tried with nothing
//! installed. `[[help]]` lists them.

mod act;
mod script;

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use agent_client_protocol::v1::schema::{
    AgentCapabilities, CancelNotification, Implementation, InitializeRequest, InitializeResponse,
    LoadSessionRequest, LoadSessionResponse, NewSessionRequest, NewSessionResponse, PromptRequest,
    PromptResponse, StopReason,
};
use agent_client_protocol::v1::{ConnectionTo, Responder};
use agent_client_protocol::{
    Agent, Channel, Client, Error, RawJsonRpcMessage, TransportFrame, on_receive_notification,
    on_receive_request,
};
use futures_util::StreamExt as _;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, watch};

use self::act::Actor;
use super::lines::{self, Waiting};
use super::tail::Tail;

/// How many updates wait to be written. A reader that is slow slows the agent.
const WAITING_MAX: usize = 256;

/// With this the program ends that was told to die.
const DIED: u8 = 3;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Runs the echo agent over the standard input and output of this program. Returns what the program
/// exits with, which it must do at once: somebody may still wait in its standard input.
///
/// # Errors
/// Where it has no standard input or output.
pub async fn run_as_program(clock: Clock) -> io::Result<u8> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
    let [stdin, stdout] = [stdin, stdout].map(|it| File::from_std(std::fs::File::from(it)));
    Ok(run(stdin, stdout, clock).await)
}

/// Runs the echo agent until its input ends. Returns what the program exits with.
pub async fn run<I, O>(stdin: I, stdout: O, clock: Clock) -> u8
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
{
    let (ours, theirs) = Channel::duplex();
    let (mut from, to) = ours.into_parts();
    let room = Arc::new(Semaphore::new(WAITING_MAX));
    let waiting = Waiting::new();
    let listen = move |frame| to.unbounded_send(frame).is_ok();
    let reader = tokio::spawn(lines::read(stdin, listen, waiting.clone(), Tail::default()));
    let told = Arc::clone(&room);
    let writer = tokio::spawn(async move {
        let mut stdout = stdout;
        while let Some(frame) = from.next().await {
            let is_update =
                matches!(frame, TransportFrame::Single(RawJsonRpcMessage::Notification(_)));
            let Ok(line) = frame.to_json() else { continue };
            let written = stdout.write_all(format!("{line}\n").as_bytes()).await;
            if written.is_err() || stdout.flush().await.is_err() {
                return;
            }
            if is_update {
                told.add_permits(1);
            }
        }
    });
    let (died, mut dies) = mpsc::channel(1);
    let echo = Arc::new(Echo { sessions: Mutex::default(), clock, room, waiting, died });
    let code = tokio::select! {
        () = serve(&echo, theirs) => 0,
        Some(()) = dies.recv() => DIED,
    };
    reader.abort();
    if code == 0 {
        // What was said is written before the program ends; it fails only where nobody reads.
        _ = writer.await;
    } else {
        writer.abort();
    }
    code
}

/// What the agent knows.
struct Echo {
    sessions: Mutex<HashMap<String, Session>>,
    clock: Clock,
    /// Room for updates that wait to be written.
    room: Arc<Semaphore>,
    waiting: Waiting,
    died: mpsc::Sender<()>,
}

/// A session of the agent.
#[derive(Clone)]
struct Session {
    folder: PathBuf,
    cancelled: watch::Sender<u64>,
    cost_cents: u64,
}

async fn serve(echo: &Arc<Echo>, channel: Channel) {
    let (begins, loads) = (Arc::clone(echo), Arc::clone(echo));
    let (prompts, cancels, greets) = (Arc::clone(echo), Arc::clone(echo), Arc::clone(echo));
    let served = Agent
        .v1()
        .name("echo")
        .on_receive_request(
            async move |hello: InitializeRequest, responder, _client| {
                greets.waiting.handled();
                let can = AgentCapabilities::new().load_session(true);
                let name = Implementation::new("echo", env!("CARGO_PKG_VERSION"));
                let answer = InitializeResponse::new(hello.protocol_version);
                responder.respond(answer.agent_capabilities(can).agent_info(name))
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: NewSessionRequest, responder, _client| {
                begins.waiting.handled();
                let id = begins.begin(new_name(), request.cwd);
                responder.respond(NewSessionResponse::new(id))
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: LoadSessionRequest, responder, client| {
                loads.waiting.handled();
                let id = loads.begin(request.session_id.to_string(), request.cwd);
                // An agent that goes on tells again what was said, as this one does in one word.
                act::say(&client, &id, "before")?;
                responder.respond(LoadSessionResponse::new())
            },
            on_receive_request!(),
        )
        .on_receive_request(
            async move |request: PromptRequest, responder, client| {
                prompts.waiting.handled();
                tokio::spawn(Arc::clone(&prompts).prompt(request, responder, client));
                Ok(())
            },
            on_receive_request!(),
        )
        .on_receive_notification(
            async move |cancel: CancelNotification, _client| {
                cancels.waiting.handled();
                if let Some(session) = cancels.sessions().get(&*cancel.session_id.0) {
                    session.cancelled.send_modify(|times| *times += 1);
                }
                Ok(())
            },
            on_receive_notification!(),
        )
        .connect_to(channel);
    if let Err(error) = served.await {
        tracing::debug!(%error, "the connection of the echo agent broke");
    }
}

impl Echo {
    fn begin(&self, id: String, folder: PathBuf) -> String {
        let session = Session { folder, cancelled: watch::Sender::new(0), cost_cents: 0 };
        self.sessions().insert(id.clone(), session);
        id
    }

    async fn prompt(
        self: Arc<Self>,
        request: PromptRequest,
        responder: Responder<PromptResponse>,
        client: ConnectionTo<Client>,
    ) {
        let id = request.session_id.to_string();
        let Some(session) = self.sessions().get(&id).cloned() else {
            let told = Error::invalid_params().data("there is no such session".to_owned());
            // Where the client is gone nobody waits for it.
            _ = responder.respond_with_error(told);
            return;
        };
        let mut cancelled = session.cancelled.subscribe();
        let is_deaf = Arc::new(AtomicBool::new(false));
        let actor = Actor {
            client,
            id,
            folder: session.folder,
            clock: Arc::clone(&self.clock),
            room: Arc::clone(&self.room),
            died: self.died.clone(),
            is_deaf: Arc::clone(&is_deaf),
            last_call: 0,
            cost_cents: session.cost_cents,
            usage: None,
        };
        let result = tokio::select! {
            biased;
            // What comes back of a question after the work was cancelled changes nothing.
            () = heard(&mut cancelled, &is_deaf) => Ok(act::Done::stopped()),
            result = actor.act(&request.prompt) => result,
        };
        let result = result.map(|done| {
            if let Some(session) = self.sessions().get_mut(&*request.session_id.0) {
                session.cost_cents = session.cost_cents.max(done.cost_cents);
            }
            let stop = if done.is_stopped { StopReason::Cancelled } else { StopReason::EndTurn };
            PromptResponse::new(stop).usage(done.usage)
        });
        _ = responder.respond_with_result(result);
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the client cancels, if the agent listens.
async fn heard(cancelled: &mut watch::Receiver<u64>, is_deaf: &AtomicBool) {
    loop {
        if cancelled.changed().await.is_err() {
            return std::future::pending().await;
        }
        if !is_deaf.load(Ordering::Relaxed) {
            return;
        }
    }
}

fn new_name() -> String {
    let mut bytes = [0_u8; 8];
    // Names need only differ from each other; without randomness they all are the same.
    _ = getrandom::fill(&mut bytes);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("echo-{digits}")
}
