//! Setting up on the wire: hooks in agents' settings, a test event, who may do what, and what this is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer of `GET /control/hooks`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookList {
    /// Every agent that can have hooks.
    pub agents: Vec<HookSetup>,
}

/// How the hooks of one agent stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookSetup {
    /// The agent type, such as `claude_code`, by which its hooks are installed.
    pub agent_type: String,
    /// Its name for people.
    pub label: String,
    /// Its file of settings, whether or not that is there; null where no home folder is known.
    pub settings_path: Option<String>,
    /// Whether the agent's own folder is on this machine.
    pub found: bool,
    /// Whether the hooks can be installed here; otherwise `how` says what to do by hand.
    pub can_install: bool,
    /// `none`, `ours`, `older` (ours, but not as they would be installed now) or `other program`
    /// (ours, of a program that lies elsewhere).
    pub installed: String,
    /// What is to be said of that; null where there is nothing.
    pub detail: Option<String>,
    /// The status line: `none`, `ours` or `other`; null where the agent has none.
    pub statusline: Option<String>,
    /// Why its settings cannot be used; null where they can.
    pub problem: Option<String>,
    /// What installing would change, a line each: `+ ` added, `- ` removed, two blanks around.
    pub diff: Vec<String>,
    /// What can be set up by hand, for a person to copy.
    pub how: Vec<HookHow>,
}

/// What a person puts somewhere by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookHow {
    /// What it is for.
    pub title: String,
    /// Where it goes.
    pub place: String,
    /// What goes there.
    pub text: String,
}

/// The body of `POST /control/hooks/{agent}/install`; none is as good as an empty one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HookInstall {
    /// Whether our status line is shown as well; without it that stays as it is.
    pub statusline: bool,
}

/// The answer to installing and uninstalling hooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookChanged {
    /// Whether the file is another than before.
    pub changed: bool,
    /// The copy of what it was; null where there was nothing, or nothing changed.
    pub backup: Option<String>,
    /// What changed, a line each.
    pub diff: Vec<String>,
    /// How the hooks stand now.
    pub agent: HookSetup,
}

/// The body of `POST /control/setup/test`; none is as good as an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetupTestRequest {
    /// The agent in whose form the event is told: `claude_code` (unless told) or `codex`.
    pub agent_type: Option<String>,
}

/// The answer of `POST /control/setup/test`: the event is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SetupTest {
    /// The event's number.
    pub number: i64,
    /// Its session: always `oriel-test`.
    pub session_id: String,
    /// Its agent type: always `oriel_test`.
    pub agent_type: String,
    /// The agent in whose form it was told.
    pub told_as: String,
    /// From the first byte to its being on disk, in milliseconds.
    pub elapsed_ms: f64,
}

/// The answer of `GET /control/setup`: what a first run needs to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupOverview {
    /// The events of agents; test events are none.
    pub events: u64,
    /// When the last of them was received; null where there is none.
    pub last_event_at: Option<String>,
    /// When the last test event was received.
    pub last_test_at: Option<String>,
    /// Who told of which agent type, and when last.
    pub sources: Vec<AgentSources>,
    /// The histories on this machine.
    pub histories: Vec<HistoryFound>,
    /// Whether an import runs, or waits to.
    pub importing: bool,
    /// Where exporters send to.
    pub otlp: OtlpEndpoints,
    /// How hooks stand, in short.
    pub hooks: Vec<HookShort>,
    /// What there is to do, in its order.
    pub steps: Vec<SetupStep>,
}

/// Who told of an agent type, and when last, as RFC 3339.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentSources {
    /// The agent type.
    pub agent_type: String,
    /// Its events.
    pub events: u64,
    /// Its sessions.
    pub sessions: u64,
    /// When a hook told last.
    pub hook: Option<String>,
    /// When an exporter told last.
    pub otel: Option<String>,
    /// When an import told last.
    pub import: Option<String>,
    /// When anything else did, such as a script over the API.
    pub other: Option<String>,
}

/// The histories of one format on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryFound {
    /// The format, such as `claude-code`.
    pub format: String,
    /// The folders of this machine in which they lie; empty where there are none.
    pub folders: Vec<String>,
    /// The files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The events that they told of.
    pub events: u64,
    /// When one was read last.
    pub last_read_at: Option<String>,
}

/// Where exporters send to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OtlpEndpoints {
    /// What the variable `OTEL_EXPORTER_OTLP_ENDPOINT` holds.
    pub base: String,
    /// For log records.
    pub logs: String,
    /// For meters.
    pub metrics: String,
    /// For spans.
    pub traces: String,
}

/// How the hooks of one agent stand, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookShort {
    /// The agent type.
    pub agent_type: String,
    /// Its name for people.
    pub label: String,
    /// Whether the agent's own folder is on this machine.
    pub found: bool,
    /// As in [`HookSetup::installed`].
    pub installed: String,
}

/// One thing to do at a first run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupStep {
    /// `hooks-claude_code`, `hooks-codex`, `test`, `histories`, `telemetry` or `event`.
    pub id: String,
    /// What there is to do.
    pub title: String,
    /// Whether it is done.
    pub done: bool,
    /// Whether all works without it.
    pub optional: bool,
    /// The request that does it; null where a person does.
    pub action: Option<SetupAction>,
}

/// A request that does a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupAction {
    /// What a button says.
    pub label: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
}

/// The answer of `GET /control/access`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessOverview {
    /// Who may read without the token: `loopback` or `token`.
    pub access: String,
    /// The TCP address that is listened on, as `host:port`; null where none is.
    pub addr: Option<String>,
    /// The Unix socket that is listened on.
    pub socket: Option<String>,
    /// Further names under which the daemon may be addressed.
    pub hosts: Vec<String>,
    /// Where the console is served; null where that is not known.
    pub console: Option<ConsoleAccess>,
    /// The file that holds the token.
    pub token_file: String,
    /// When the token was made.
    pub token_made_at: Option<String>,
    /// The data directory.
    pub data_dir: String,
    /// Its permissions in octal, such as `700`; null where the system has none.
    pub data_dir_mode: Option<String>,
    /// Whether others than its owner can use it.
    pub data_dir_open_to_others: bool,
}

/// Where the console is served, as it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleAccess {
    /// Whether it is served at all.
    pub enabled: bool,
    /// The address.
    pub host: String,
    /// The port; with 0 the system chooses one.
    pub port: u16,
    /// Whether other machines may reach it.
    pub allow_remote: bool,
}

/// The answer of `POST /control/token/rotate`. The new token is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRotated {
    /// The file that holds the token.
    pub token_file: String,
    /// When it was made.
    pub rotated_at: String,
}

/// The answer of `GET /control/about`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// The version of the program.
    pub version: String,
    /// Its license.
    pub license: String,
    /// The operating system and the processor, such as `linux x86_64`.
    pub platform: String,
    /// What it was built for, such as `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// The data directory.
    pub data_dir: String,
    /// The store.
    pub store: AboutStore,
    /// What there is to read.
    pub documents: Vec<AboutDocument>,
}

/// The store, as files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AboutStore {
    /// The file.
    pub path: String,
    /// The version of the schema.
    pub schema_version: i64,
    /// The size of the file.
    pub size_bytes: u64,
    /// The size of the write-ahead log.
    pub wal_bytes: u64,
    /// What an answered write has survived: `full` or `normal`.
    pub durability: String,
}

/// A document that comes with the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AboutDocument {
    /// What it is about.
    pub title: String,
    /// Where it is, below the folder of the project.
    pub path: String,
}
