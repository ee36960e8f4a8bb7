//! Settings: flags, environment, file and defaults become one checked [`Config`].
//!
//! One table says everything about a setting: its key, what it may be, its default, its names in
//! the environment and its help. Nothing here touches the world. The caller reads the environment,
//! asks [`locate`] where the file is, reads that, and passes all of it to [`resolve`].

mod edit;
mod error;
mod example;
mod file;
mod gateway;
mod legacy;
mod list;
mod location;
mod table;
mod value;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oriel_store::Durability;

use crate::config::{
    Access, AuditConfig, Budget, Clock, Compat, Config, Homes, ImportsConfig, IngestConfig, Listen,
    NotifyConfig, Policy, Priority, Privacy, QuietHours, RetentionConfig, Role, SetupConfig,
    StoreConfig, StreamConfig, UsageLimit, UsageUnit, UsageWindow,
};
pub use error::SettingsError;
pub use example::example;
pub use gateway::GatewaySettings;
pub(crate) use list::list;
pub use location::{Location, locate};
use table::{Setting, TABLE};
use value::{Raw, Value};
pub use write::{WriteError, Written, write};

/// All that settings are made of.
#[derive(Debug, Clone)]
pub struct Input {
    /// The flags, in the order given; a later one wins over an earlier one.
    pub flags: Vec<Flag>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The configuration file, if there is one.
    pub file: Option<ConfigFile>,
    /// The folders that paths start from.
    pub folders: Folders,
    /// The clock that the runtime is to use.
    pub clock: Clock,
}

/// What settings were made from, but for the file and the clock, so that they can be made out again.
#[derive(Clone)]
pub struct Given {
    /// The flags, in the order given.
    pub flags: Vec<Flag>,
    /// Of the environment only the variables that settings are made from: others may hold secrets
    /// of other programs, which nothing here is to keep.
    pub environment: BTreeMap<String, String>,
    /// The folders that paths start from.
    pub folders: Folders,
}

impl Given {
    /// Keeps of an input what settings are made from.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        let environment = input.environment.iter().filter(|(name, _)| table::is_read(name));
        Self {
            flags: input.flags.clone(),
            environment: environment.map(|(name, text)| (name.clone(), text.clone())).collect(),
            folders: input.folders.clone(),
        }
    }

    /// Returns an input with this file, from which settings can be made out again.
    #[must_use]
    pub fn with_file(&self, file: Option<ConfigFile>, clock: Clock) -> Input {
        let Self { flags, environment, folders } = self.clone();
        Input { flags, environment, file, folders, clock }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A log is no place for what somebody's environment holds.
        f.debug_struct("Given").field("flags", &self.flags.len()).finish_non_exhaustive()
    }
}

/// One setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// What the user typed, such as `--port`, for messages.
    pub name: String,
    /// The key of the setting.
    pub key: String,
    /// The value as typed.
    pub value: String,
}

/// A configuration file that was read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it is; its relative paths start from its folder.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// The folders that paths start from.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The working directory.
    pub working: PathBuf,
}

/// Settings that were made out and checked.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What the runtime needs to know.
    pub config: Config,
    /// Where the operator's pages are served.
    pub console: ConsoleSettings,
    /// Where the gateway listens.
    pub gateway: GatewaySettings,
    /// How the desktop behaves.
    pub desktop: DesktopSettings,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Every setting with its value and where that came from, in the order of the table.
    pub rows: Vec<SettingRow>,
    /// What was given and is ignored.
    pub warnings: Vec<String>,
}

/// How the desktop behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesktopSettings {
    /// Whose daemon it shows.
    pub mode: DesktopMode,
    /// Whether pages of the web open in the preview and not in the system's browser.
    pub previews_links: bool,
    /// Whether it asks where to save a file.
    pub asks_where_to_save: bool,
    /// What closing the last window does while something runs.
    pub close: Closing,
    /// Whether notices are shown as notifications of the system.
    pub notifications: bool,
    /// Whether windows have a title bar of the page's own.
    pub own_title_bar: bool,
}

/// Whose daemon the desktop shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesktopMode {
    /// Its own, within its process.
    Embedded,
    /// One that runs already.
    Attach,
    /// One that it starts and stops beside itself.
    SuperviseLocal,
}

impl DesktopMode {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Attach => "attach",
            Self::SuperviseLocal => "supervise-local",
        }
    }
}

/// What closing the desktop's last window does while something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It asks.
    Ask,
    /// It stays in the tray.
    Tray,
    /// It ends.
    Quit,
}

/// Where the operator's pages are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Whether the daemon serves them at all.
    pub enabled: bool,
    /// The address to bind; anything but loopback needs `allow_remote`.
    pub host: IpAddr,
    /// The port to bind; 0 asks the system for a free one.
    pub port: u16,
    /// Whether other machines may reach them, behind a proxy that speaks TLS.
    pub allow_remote: bool,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important lines that are kept.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// How important a line must be to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Nothing is kept.
    Off,
    /// Faults.
    Error,
    /// And what may become one.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

/// The form of a logged line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object each.
    Json,
}

/// One setting as it was made out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// Its key.
    pub key: &'static str,
    /// Its value as text; empty when there is none.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
    /// What it is for.
    pub help: &'static str,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, as typed.
    Flag(String),
    /// A variable of the environment.
    Env(String),
    /// The configuration file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Makes out every setting.
///
/// # Errors
/// Says which setting cannot be used, where it was given and what it may be.
pub fn resolve(input: &Input) -> Result<Resolved, SettingsError> {
    let location = locate(input)?;
    table::refuse_unknown_flags(&input.flags)?;
    let file = input.file.as_ref().map(file::read).transpose()?.unwrap_or_default();

    let mut warnings = location.warnings.clone();
    warnings.extend(table::unknown_variables(&input.environment));
    let mut values = Values::default();
    for setting in TABLE {
        let (value, origin) = if setting.in_file {
            choose(setting, input, &file, &mut warnings)?
        } else {
            location.value_of(setting.key)
        };
        values.0.insert(setting.key, (value, origin));
    }

    let mut config = values.config(&location, homes(input), input.clock.clone());
    refuse_open_host(&config, &values.0["listen.host"].1)?;
    let (console, rows) = (values.console(), values.rows());
    config.setup = SetupConfig {
        given: Some(Given::of(input)),
        rows: rows.clone(),
        warnings: warnings.clone(),
        console: Some(console),
        program: None,
        hook_flags: hook_flags(&location),
        umask: None,
    };
    let (gateway, desktop, log) = (values.gateway(), values.desktop(), values.log());
    Ok(Resolved { config, console, gateway, desktop, log, rows, warnings })
}

/// Returns what hooks must be told to find this data directory. Neither the flags of a daemon nor
/// its environment are those of an agent, so whatever is not the default is said.
fn hook_flags(location: &Location) -> Vec<(String, String)> {
    let (data_dir, profile) = (location.value_of("data_dir"), location.value_of("profile"));
    match (data_dir.1, profile.0) {
        (Origin::Default, Value::Name(Some(profile))) => vec![("--profile".to_owned(), profile)],
        (Origin::Default, _) => Vec::new(),
        _ => vec![("--data-dir".to_owned(), data_dir.0.to_string())],
    }
}

/// Returns a line for a flag: what the setting is for, what it may be, its default.
///
/// # Panics
/// On a key that is no setting.
#[must_use]
pub fn help(key: &str) -> String {
    let setting = TABLE.iter().find(|setting| setting.key == key).expect("flags are for settings");
    let allowed = &setting.allowed;
    match setting.default {
        "" => format!("{} [{allowed}]", setting.help),
        default => format!("{} [{allowed}; default {default}]", setting.help),
    }
}

/// Returns the value that wins, and where it stood.
fn choose(
    setting: &Setting,
    input: &Input,
    file: &BTreeMap<String, toml::Value>,
    warnings: &mut Vec<String>,
) -> Result<(Value, Origin), SettingsError> {
    let read = |raw: Raw<'_>, origin: Origin, base: &Path| {
        let value = setting.allowed.read(raw).ok_or_else(|| setting.refuse(raw, &origin))?;
        Ok((value.starting_from(base, input.folders.home.as_deref()), origin))
    };
    let working = &input.folders.working;
    if let Some(flag) = input.flags.iter().rev().find(|flag| flag.key == setting.key) {
        return read(Raw::Text(&flag.value), Origin::Flag(flag.name.clone()), working);
    }
    if let Some((name, text)) = setting.variable(&input.environment) {
        return read(Raw::Text(text), Origin::Env(name), working);
    }
    for old in setting.legacy {
        match old.read(&setting.allowed, &input.environment) {
            legacy::Found::Nothing => {}
            legacy::Found::Useless(text) => warnings.push(format!(
                "{} is {text:?}, which {} cannot be; it is ignored",
                old.name, setting.key
            )),
            legacy::Found::Value(value) => {
                let value = value.starting_from(working, input.folders.home.as_deref());
                return Ok((value, Origin::Env(old.name.to_owned())));
            }
        }
    }
    if let (Some(value), Some(source)) = (file.get(setting.key), &input.file) {
        let base = source.path.parent().unwrap_or(working);
        return read(Raw::Toml(value), Origin::File(source.path.clone()), base);
    }
    read(Raw::Text(setting.default), Origin::Default, working)
}

/// An address that other machines reach must not be one where programs need no token.
fn refuse_open_host(config: &Config, origin: &Origin) -> Result<(), SettingsError> {
    let host = config.listen.host;
    if host.to_canonical().is_loopback() || config.access == Access::Token {
        return Ok(());
    }
    Err(SettingsError::OpenHost { host, origin: origin.clone() })
}

/// Returns where agents keep their histories, by the variables that the agents themselves obey.
/// Without a home folder, and with no such variable, nothing is known of any.
fn homes(input: &Input) -> Homes {
    let home = input.folders.home.as_deref();
    let named = |name: &str| input.environment.get(name).map(String::as_str).unwrap_or_default();
    let folder = |text: &str| {
        let path = Value::Path(Some(PathBuf::from(text.trim())));
        match path.starting_from(&input.folders.working, home) {
            Value::Path(Some(path)) if !text.trim().is_empty() => Some(path),
            _ => None,
        }
    };
    let data = folder(named("XDG_DATA_HOME")).filter(|path| path.is_absolute());
    Homes {
        home: home.map(Path::to_owned).unwrap_or_default(),
        claude: named("CLAUDE_CONFIG_DIR").split(',').filter_map(folder).collect(),
        codex: folder(named("CODEX_HOME")),
        data: data.or_else(|| Some(home?.join(".local").join("share"))).unwrap_or_default(),
    }
}

/// Every value by its key, checked against the table.
#[derive(Default)]
struct Values(BTreeMap<&'static str, (Value, Origin)>);

impl Values {
    fn console(&self) -> ConsoleSettings {
        ConsoleSettings {
            enabled: self.word("console.enabled") == "true",
            host: self.address("console.host"),
            port: self.whole("console.port"),
            allow_remote: self.word("console.allow_remote") == "true",
        }
    }

    fn desktop(&self) -> DesktopSettings {
        DesktopSettings {
            mode: match self.word("desktop.mode") {
                "attach" => DesktopMode::Attach,
                "supervise-local" => DesktopMode::SuperviseLocal,
                _ => DesktopMode::Embedded,
            },
            previews_links: self.word("desktop.links") == "preview",
            asks_where_to_save: self.word("desktop.downloads") == "ask",
            close: match self.word("desktop.close") {
                "tray" => Closing::Tray,
                "quit" => Closing::Quit,
                _ => Closing::Ask,
            },
            notifications: self.word("desktop.notifications") == "true",
            own_title_bar: self.word("desktop.title_bar") == "own",
        }
    }

    fn config(&self, location: &Location, homes: Homes, clock: Clock) -> Config {
        Config {
            data_dir: location.data_dir.clone(),
            listen: Listen {
                host: self.address("listen.host"),
                port: self.whole("listen.port"),
                socket: self.path("listen.socket"),
                hosts: self.names("listen.hosts"),
            },
            access: match self.word("access") {
                "token" => Access::Token,
                _ => Access::Loopback,
            },
            store: StoreConfig {
                durability: match self.word("store.durability") {
                    "normal" => Durability::Normal,
                    _ => Durability::Full,
                },
                readers: self.whole("store.readers"),
                queue_events_max: self.whole("store.queue_events_max"),
                free_bytes_min: self.whole::<u64>("store.free_mib_min") * 1024 * 1024,
            },
            ingest: IngestConfig { payload_kib_max: self.whole("ingest.payload_kib_max") },
            privacy: Privacy {
                drop_prompts: self.word("privacy.prompts") == "drop",
                drop_answers: self.word("privacy.answers") == "drop",
                drop_tool_inputs: self.word("privacy.tool_inputs") == "drop",
                drop_tool_outputs: self.word("privacy.tool_outputs") == "drop",
                patterns: self
                    .names("privacy.patterns")
                    .iter()
                    .filter_map(|text| crate::ingest::pattern(text))
                    .collect(),
            },
            retention: RetentionConfig {
                sessions_days: self.whole("retention.sessions_days"),
                texts_days: self.whole("retention.texts_days"),
            },
            quiet: Duration::from_secs(60 * self.whole::<u64>("session.quiet_minutes")),
            stream: StreamConfig {
                stats_interval: Duration::from_millis(self.whole("stream.stats_interval_ms")),
                clients_max: self.whole("stream.clients_max"),
                heartbeat: Duration::from_millis(self.whole("stream.heartbeat_ms")),
            },
            projects_dir: self.path("projects_dir"),
            usage_limits: self.usage_limits(),
            compat: match self.word("compat") {
                "agentmonitor" => Compat::AgentMonitor,
                _ => Compat::Oriel,
            },
            prices_file: self.path("prices.file"),
            budget: Budget {
                daily_usd: self.amount("budget.daily_usd"),
                weekly_usd: self.amount("budget.weekly_usd"),
                monthly_usd: self.amount("budget.monthly_usd"),
                warn_percent: self.amount("budget.warn_percent"),
            },
            imports: ImportsConfig {
                homes,
                auto: self.word("import.auto") == "true",
                every: Duration::from_secs(60 * self.whole::<u64>("import.minutes")),
                watch: self.word("import.watch") == "true",
                archive: self.word("archive.enabled") == "true",
            },
            notify: NotifyConfig {
                turn_seconds: self.whole("notify.turn_seconds"),
                failures: self.whole("notify.failures"),
                failure_minutes: self.whole("notify.failure_minutes"),
                policy: self.notice_policy(),
            },
            clock,
            role: Role::default(),
            fault: None,
            audit: AuditConfig { days: self.whole("audit.days") },
            setup: SetupConfig::default(),
        }
    }

    fn notice_policy(&self) -> Policy {
        let (from, until) = (self.minute("notify.quiet_from"), self.minute("notify.quiet_until"));
        Policy {
            // Where only one is given, the other is midnight.
            quiet: from.or(until).map(|_| QuietHours {
                from_minute: from.unwrap_or_default(),
                until_minute: until.unwrap_or_default(),
            }),
            high_breaks_quiet: false,
            threshold: Priority::from_word(self.word("notify.min_priority")).unwrap_or_default(),
            muted: self.names("notify.mute").into_iter().collect(),
            rules: BTreeMap::new(),
        }
    }

    fn usage_limits(&self) -> Vec<UsageLimit> {
        let claude_code = UsageLimit {
            agent_type: "claude_code".to_owned(),
            unit: UsageUnit::Tokens,
            session: UsageWindow {
                hours: self.whole("usage.claude_code.session_window_hours"),
                limit: self.amount("usage.claude_code.session_token_limit"),
            },
            extended: UsageWindow {
                hours: self.whole("usage.claude_code.extended_window_hours"),
                limit: self.amount("usage.claude_code.extended_token_limit"),
            },
        };
        let codex = UsageLimit {
            agent_type: "codex".to_owned(),
            unit: UsageUnit::Cost,
            session: UsageWindow {
                hours: self.whole("usage.codex.session_window_hours"),
                limit: self.amount("usage.codex.session_cost_limit_usd"),
            },
            extended: UsageWindow {
                hours: self.whole("usage.codex.extended_window_hours"),
                limit: self.amount("usage.codex.extended_cost_limit_usd"),
            },
        };
        vec![claude_code, codex]
    }

    fn log(&self) -> LogConfig {
        LogConfig {
            level: match self.word("log.level") {
                "off" => LogLevel::Off,
                "error" => LogLevel::Error,
                "warn" => LogLevel::Warn,
                "debug" => LogLevel::Debug,
                "trace" => LogLevel::Trace,
                _ => LogLevel::Info,
            },
            format: match self.word("log.format") {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
        }
    }

    fn rows(&self) -> Vec<SettingRow> {
        let row = |setting: &Setting| {
            let (value, origin) = &self.0[setting.key];
            SettingRow {
                key: setting.key,
                value: value.to_string(),
                origin: origin.clone(),
                help: setting.help,
            }
        };
        TABLE.iter().map(row).collect()
    }

    fn whole<T: TryFrom<u64>>(&self, key: &str) -> T {
        let Value::Whole(number) = self.0[key].0 else { unreachable!("{key} is a whole number") };
        let Ok(number) = T::try_from(number) else {
            unreachable!("the range of {key} fits its field")
        };
        number
    }

    fn amount(&self, key: &str) -> f64 {
        match self.0[key].0 {
            Value::Whole(number) => number as f64,
            Value::Amount(amount) => amount,
            _ => unreachable!("{key} is a number"),
        }
    }

    fn word(&self, key: &str) -> &'static str {
        let Value::Word(word) = self.0[key].0 else { unreachable!("{key} is a word") };
        word
    }

    fn address(&self, key: &str) -> IpAddr {
        let Value::Address(address) = self.0[key].0 else { unreachable!("{key} is an address") };
        address
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let Value::Path(path) = &self.0[key].0 else { unreachable!("{key} is a path") };
        path.clone()
    }

    fn minute(&self, key: &str) -> Option<u16> {
        let Value::Minute(minute) = self.0[key].0 else { unreachable!("{key} is a time") };
        minute
    }

    fn names(&self, key: &str) -> Vec<String> {
        let Value::Names(names) = &self.0[key].0 else { unreachable!("{key} is a list") };
        names.clone()
    }
}

#[cfg(test)]
mod tests;
