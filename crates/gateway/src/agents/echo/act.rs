//! What the echo agent does for a prompt, told as every agent tells what it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, Cost, CreateElicitationRequest, CreateTerminalRequest, Diff,
    ElicitationAction, ElicitationFormMode, ElicitationSchema, ElicitationSessionScope,
    PermissionOption, PermissionOptionKind, Plan, PlanEntry, PlanEntryPriority, PlanEntryStatus,
    ReadTextFileRequest, ReleaseTerminalRequest, RequestPermissionOutcome,
    RequestPermissionRequest, SessionNotification, SessionUpdate, StringPropertySchema,
    TerminalOutputRequest, ToolCall, ToolCallContent, ToolCallLocation, ToolCallStatus,
    ToolCallUpdate, ToolCallUpdateFields, ToolKind, Usage, UsageUpdate, WaitForTerminalExitRequest,
    WriteTextFileRequest,
};
use agent_client_protocol::{Client, Error};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use super::Clock;
use super::script::{self, Act};

/// What the agent works with while it answers a prompt.
pub(super) struct Actor {
    pub(super) client: ConnectionTo<Client>,
    pub(super) id: String,
    pub(super) folder: PathBuf,
    pub(super) clock: Clock,
    pub(super) room: Arc<Semaphore>,
    pub(super) died: mpsc::Sender<()>,
    pub(super) is_deaf: Arc<AtomicBool>,
    pub(super) last_call: u32,
    pub(super) cost_cents: u64,
    pub(super) usage: Option<Usage>,
}

/// How a prompt was answered.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) is_stopped: bool,
    pub(super) usage: Option<Usage>,
    pub(super) cost_cents: u64,
}

impl Done {
    pub(super) fn stopped() -> Self {
        Self { is_stopped: true, ..Self::default() }
    }
}

/// Says some words.
pub(super) fn say(client: &ConnectionTo<Client>, id: &str, words: &str) -> Result<(), Error> {
    let chunk = ContentChunk::new(ContentBlock::from(words));
    let update = SessionUpdate::AgentMessageChunk(chunk);
    client.send_notification(SessionNotification::new(id.to_owned(), update))
}

impl Actor {
    /// Does what a prompt says.
    pub(super) async fn act(mut self, prompt: &[ContentBlock]) -> Result<Done, Error> {
        let texts = prompt.iter().filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        for act in script::read(&texts.collect::<Vec<_>>().join("\n")) {
            self.one(act).await?;
        }
        Ok(Done { is_stopped: false, usage: self.usage, cost_cents: self.cost_cents })
    }

    async fn one(&mut self, act: Act) -> Result<(), Error> {
        match act {
            Act::Say(words) => self.say(&words).await,
            Act::Help => self.say(script::HELP).await,
            Act::Think => self.think().await,
            Act::Plan => self.plan().await,
            Act::Tool => self.tool("echo", "ping").await,
            Act::Big(bytes) => {
                self.tool("big", &"0123456789abcde\n".repeat(bytes / 16 + 1)[..bytes]).await
            }
            Act::Ask => self.ask().await,
            Act::Choose => self.choose(true).await,
            Act::Words => self.choose(false).await,
            Act::Write { name, text } => self.write(&name, &text).await,
            Act::Run(command) => self.run(&command).await,
            Act::Usage => self.tell_usage().await,
            Act::Stream { count, pause_ms } => self.stream(count, pause_ms, false).await,
            Act::Stamp { count, pause_ms } => self.stream(count, pause_ms, true).await,
            Act::Fail => {
                Err(Error::internal_error().data("the echo agent was told to fail".to_owned()))
            }
            Act::Die => {
                // The program ends on hearing it, which nothing can stop.
                _ = self.died.send(()).await;
                std::future::pending().await
            }
            Act::Hang => std::future::pending().await,
            Act::Deaf => {
                self.is_deaf.store(true, Ordering::Relaxed);
                std::future::pending().await
            }
        }
    }

    async fn say(&self, words: &str) -> Result<(), Error> {
        for word in words.split_inclusive(char::is_whitespace) {
            self.chunk(word).await?;
        }
        Ok(())
    }

    async fn chunk(&self, text: &str) -> Result<(), Error> {
        self.tell(SessionUpdate::AgentMessageChunk(ContentChunk::new(ContentBlock::from(text))))
            .await
    }

    async fn think(&self) -> Result<(), Error> {
        for word in ["What ", "might ", "this ", "mean?"] {
            let chunk = ContentChunk::new(ContentBlock::from(word));
            self.tell(SessionUpdate::AgentThoughtChunk(chunk)).await?;
        }
        Ok(())
    }

    async fn plan(&self) -> Result<(), Error> {
        use PlanEntryStatus::{Completed, InProgress, Pending};

        for (first, second) in
            [(InProgress, Pending), (Completed, InProgress), (Completed, Completed)]
        {
            let entries = vec![
                PlanEntry::new("Listen", PlanEntryPriority::High, first),
                PlanEntry::new("Say it back", PlanEntryPriority::Low, second),
            ];
            self.tell(SessionUpdate::Plan(Plan::new(entries))).await?;
        }
        Ok(())
    }

    async fn tool(&mut self, name: &str, output: &str) -> Result<(), Error> {
        let id = self.next_call();
        let call = ToolCall::new(id.clone(), format!("Call {name}"))
            .name(name.to_owned())
            .kind(ToolKind::Other)
            .status(ToolCallStatus::InProgress)
            .raw_input(json!({"bytes": output.len()}));
        self.tell(SessionUpdate::ToolCall(call)).await?;
        self.end(&id, true, vec![ToolCallContent::from(output)]).await
    }

    async fn ask(&mut self) -> Result<(), Error> {
        let id = self.next_call();
        let call = ToolCall::new(id.clone(), "Do something").name("ask".to_owned());
        self.tell(SessionUpdate::ToolCall(call.raw_input(json!({"what": "something"})))).await?;
        match self.leave(&id).await? {
            Some(option) => {
                let is_allowed = option.starts_with("allow");
                let words = if is_allowed { "done" } else { "not allowed" };
                self.end(&id, is_allowed, vec![ToolCallContent::from(words)]).await?;
                self.say(&format!("You answered {option}.")).await
            }
            None => self.end(&id, false, vec![ToolCallContent::from("cancelled")]).await,
        }
    }

    async fn choose(&self, is_choice: bool) -> Result<(), Error> {
        let schema = if is_choice {
            let colours = vec!["red".to_owned(), "blue".to_owned()];
            StringPropertySchema::new().title("Colour".to_owned()).enum_values(colours)
        } else {
            StringPropertySchema::new().title("Name".to_owned())
        };
        let schema = ElicitationSchema::new().property("it", schema, true);
        let mode = ElicitationFormMode::new(ElicitationSessionScope::new(self.id.clone()), schema);
        let request = CreateElicitationRequest::new(mode, "The echo agent asks");
        let answer = self.client.send_request(request).block_task().await?;
        match answer.action {
            ElicitationAction::Accept(accepted) => {
                let content = serde_json::to_value(accepted.content).unwrap_or_default();
                let given = content.get("it").and_then(|it| it.as_str()).unwrap_or_default();
                self.say(&format!("You said {given}.")).await
            }
            _ => self.say("You said nothing.").await,
        }
    }

    async fn write(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        let read = ReadTextFileRequest::new(self.id.clone(), path.clone());
        // A file that cannot be read is a new one.
        let old = self.client.send_request(read).block_task().await.ok().map(|it| it.content);
        let id = self.next_call();
        let diff = ToolCallContent::Diff(Diff::new(path.clone(), text).old_text(old));
        let call = ToolCall::new(id.clone(), format!("Write {name}"))
            .name("write".to_owned())
            .kind(ToolKind::Edit)
            .raw_input(json!({"name": name, "text": text}))
            .locations(vec![ToolCallLocation::new(path.clone())])
            .content(vec![diff.clone()]);
        self.tell(SessionUpdate::ToolCall(call)).await?;
        if !self.leave(&id).await?.is_some_and(|option| option.starts_with("allow")) {
            return self.end(&id, false, vec![ToolCallContent::from("not allowed")]).await;
        }
        let write = WriteTextFileRequest::new(self.id.clone(), path, text);
        match self.client.send_request(write).block_task().await {
            Ok(_) => self.end(&id, true, vec![diff]).await,
            Err(error) => self.end(&id, false, vec![ToolCallContent::from(error.message)]).await,
        }
    }

    async fn run(&mut self, command: &str) -> Result<(), Error> {
        let id = self.next_call();
        let call = ToolCall::new(id.clone(), format!("Run {command}"))
            .name("run".to_owned())
            .kind(ToolKind::Execute)
            .status(ToolCallStatus::InProgress)
            .raw_input(json!({"command": command}));
        self.tell(SessionUpdate::ToolCall(call)).await?;
        let create = CreateTerminalRequest::new(self.id.clone(), command);
        let terminal = match self.client.send_request(create).block_task().await {
            Ok(made) => made.terminal_id,
            Err(error) => {
                return self.end(&id, false, vec![ToolCallContent::from(error.message)]).await;
            }
        };
        let wait = WaitForTerminalExitRequest::new(self.id.clone(), terminal.clone());
        let exit = self.client.send_request(wait).block_task().await?.exit_status;
        let ask = TerminalOutputRequest::new(self.id.clone(), terminal.clone());
        let output = self.client.send_request(ask).block_task().await?.output;
        let release = ReleaseTerminalRequest::new(self.id.clone(), terminal);
        self.client.send_request(release).block_task().await?;
        self.end(&id, exit.exit_code == Some(0), vec![ToolCallContent::from(output)]).await
    }

    async fn tell_usage(&mut self) -> Result<(), Error> {
        self.cost_cents += 2;
        #[expect(clippy::cast_precision_loss, reason = "a few cents")]
        let cost = Cost::new(self.cost_cents as f64 / 100.0, "USD");
        self.tell(SessionUpdate::UsageUpdate(UsageUpdate::new(1200, 200_000).cost(cost))).await?;
        let usage = Usage::new(1650, 100, 50).cached_read_tokens(1000).cached_write_tokens(500);
        self.usage = Some(usage);
        Ok(())
    }

    async fn stream(&self, count: u64, pause_ms: u64, is_stamped: bool) -> Result<(), Error> {
        for number in 1..=count {
            if is_stamped {
                let now = (self.clock)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                self.chunk(&format!("{} ", now.as_nanos())).await?;
            } else {
                self.chunk(&format!("{number} ")).await?;
            }
            if 0 < pause_ms {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
        Ok(())
    }

    /// Asks for leave. Returns what was answered, or none where the question was cancelled.
    async fn leave(&self, id: &str) -> Result<Option<String>, Error> {
        use PermissionOptionKind::{AllowAlways, AllowOnce, RejectOnce};

        let options = vec![
            PermissionOption::new("allow", "Yes", AllowOnce),
            PermissionOption::new("allow-always", "Yes, always", AllowAlways),
            PermissionOption::new("reject", "No", RejectOnce),
        ];
        let call = ToolCallUpdate::new(id.to_owned(), ToolCallUpdateFields::new());
        let request = RequestPermissionRequest::new(self.id.clone(), call, options);
        let answer = self.client.send_request(request).block_task().await?;
        Ok(match answer.outcome {
            RequestPermissionOutcome::Selected(selected) => Some(selected.option_id.to_string()),
            _ => None,
        })
    }

    async fn end(
        &self,
        id: &str,
        is_well: bool,
        content: Vec<ToolCallContent>,
    ) -> Result<(), Error> {
        let status = if is_well { ToolCallStatus::Completed } else { ToolCallStatus::Failed };
        let fields = ToolCallUpdateFields::new().status(status).content(content);
        self.tell(SessionUpdate::ToolCallUpdate(ToolCallUpdate::new(id.to_owned(), fields))).await
    }

    async fn tell(&self, update: SessionUpdate) -> Result<(), Error> {
        // What is written gives the room back; the semaphore is never closed.
        if let Ok(room) = self.room.acquire().await {
            room.forget();
        }
        self.client.send_notification(SessionNotification::new(self.id.clone(), update))
    }

    fn next_call(&mut self) -> String {
        self.last_call += 1;
        let mut bytes = [0_u8; 4];
        // Only calls of one session need names of their own, and the number tells them apart.
        _ = getrandom::fill(&mut bytes);
        format!("call-{:08x}-{}", u32::from_le_bytes(bytes), self.last_call)
    }
}
