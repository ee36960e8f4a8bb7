//! Every setting there is, one row each.

use std::collections::BTreeMap;

use super::error::hint;
use super::legacy::Legacy;
use super::value::{Allowed, Raw};
use super::{Flag, Origin, SettingsError};

/// What is known of one setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name in the file and after `--set`.
    pub(super) key: &'static str,
    /// What it may be.
    pub(super) allowed: Allowed,
    /// Its value when nobody says anything, as text.
    pub(super) default: &'static str,
    /// The names that AgentMonitor has for it, the first one that holds something wins.
    pub(super) legacy: &'static [Legacy],
    /// Whether the file may set it.
    pub(super) in_file: bool,
    /// What it is for, in whole sentences.
    pub(super) help: &'static str,
}

const fn setting(
    key: &'static str,
    allowed: Allowed,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, allowed, default, legacy: &[], in_file: true, help }
}

/// The table, in the order in which it is shown.
pub(super) const TABLE: &[Setting] = &[
    Setting {
        in_file: false,
        ..setting(
            "data_dir",
            Allowed::Path,
            "",
            "The private folder that holds the store, the token, the settings and the logs.",
        )
    },
    Setting {
        in_file: false,
        ..setting(
            "profile",
            Allowed::Name,
            "",
            "A name that is added to the default data directory's, so that several can live side by side.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_HOST")],
        ..setting(
            "listen.host",
            Allowed::Address,
            "127.0.0.1",
            "The address to listen on. An address that other machines reach needs access = \"token\".",
        )
    },
    Setting {
        legacy: &[
            Legacy::named("AGENTMONITOR_RUST_PORT"),
            Legacy { name: "AGENTMONITOR_PORT", min: 1 },
        ],
        ..setting(
            "listen.port",
            Allowed::Whole { min: 0, max: 65_535 },
            "3142",
            "The port to listen on. With 0 the system chooses a free one, which hooks cannot know.",
        )
    },
    setting("listen.socket", Allowed::Path, "", "A Unix socket to listen on as well."),
    setting(
        "listen.hosts",
        Allowed::Hosts,
        "",
        "Further host names under which clients may address the daemon.",
    ),
    setting(
        "console.enabled",
        FLAG,
        "true",
        "Whether the daemon serves the console, the pages for a browser.",
    ),
    setting(
        "console.host",
        Allowed::Address,
        "127.0.0.1",
        "The address of the console. One that other machines reach needs console.allow_remote.",
    ),
    setting(
        "console.port",
        Allowed::Whole { min: 0, max: 65_535 },
        "3143",
        "The port of the console. With 0 the system chooses a free one.",
    ),
    setting(
        "console.allow_remote",
        FLAG,
        "false",
        "Whether other machines may reach the console. It speaks no TLS, so put a proxy that does in front.",
    ),
    setting(
        "gateway.enabled",
        FLAG,
        "true",
        "Whether the daemon has a gateway, through which one talks with agents.",
    ),
    setting(
        "gateway.host",
        Allowed::Address,
        "127.0.0.1",
        "The address of the gateway. One that other machines reach needs gateway.allow_remote.",
    ),
    setting(
        "gateway.port",
        Allowed::Whole { min: 0, max: 65_535 },
        "3144",
        "The port of the gateway. With 0 the system chooses a free one.",
    ),
    setting(
        "gateway.allow_remote",
        FLAG,
        "false",
        "Whether other machines may reach the gateway. It speaks no TLS, so put a proxy that does in front.",
    ),
    setting(
        "gateway.hosts",
        Allowed::Hosts,
        "",
        "Further host names under which clients may address the gateway.",
    ),
    setting(
        "gateway.origins",
        Allowed::Origins,
        "",
        "Further origins, such as https://chat.example, whose pages may open a socket to the gateway.",
    ),
    setting(
        "gateway.idle_minutes",
        Allowed::Whole { min: 1, max: 10_080 },
        "30",
        "After so many minutes without work an agent's process is ended. Its session goes on with the next turn.",
    ),
    setting(
        "gateway.turn_minutes",
        Allowed::Whole { min: 1, max: 10_080 },
        "120",
        "So many minutes a turn of an agent may take.",
    ),
    setting(
        "desktop.mode",
        Allowed::Word(&["embedded", "attach", "supervise-local"]),
        "embedded",
        "Whose daemon the desktop shows: its own within its process (embedded), one that runs already (attach), or one that it starts and stops beside itself (supervise-local).",
    ),
    setting(
        "desktop.links",
        Allowed::Word(&["preview", "browser"]),
        "preview",
        "Where the desktop opens pages of the web: in its preview, or in the system's browser.",
    ),
    setting(
        "desktop.downloads",
        Allowed::Word(&["ask", "folder"]),
        "ask",
        "Whether the desktop asks where to save a file, or saves it in the downloads folder.",
    ),
    setting(
        "desktop.close",
        Allowed::Word(&["ask", "tray", "quit"]),
        "ask",
        "What closing the desktop's last window does: ask while something runs and quit otherwise, stay in the tray, or quit.",
    ),
    setting(
        "desktop.notifications",
        FLAG,
        "true",
        "Whether the desktop shows notices as notifications of the system.",
    ),
    setting(
        "desktop.title_bar",
        Allowed::Word(&["system", "own"]),
        "system",
        "Whose title bar the desktop's windows have: the system's, or one of the page's own.",
    ),
    setting(
        "access",
        Allowed::Word(&["loopback", "token"]),
        "loopback",
        "Who may read without the token: every program of this machine (loopback), or nobody (token).",
    ),
    setting(
        "store.durability",
        Allowed::Word(&["full", "normal"]),
        "full",
        "What an answered event has survived: a loss of power (full), or only the end of the daemon (normal).",
    ),
    setting(
        "store.readers",
        Allowed::Whole { min: 1, max: 64 },
        "4",
        "How many questions are answered at the same time.",
    ),
    setting(
        "store.queue_events_max",
        Allowed::Whole { min: 1, max: 1_048_576 },
        "65536",
        "How many events may wait to be written before further ones are refused with status 503.",
    ),
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_MAX_PAYLOAD_KB")],
        ..setting(
            "ingest.payload_kib_max",
            Allowed::Whole { min: 0, max: 16_384 },
            "10",
            "The most metadata, in KiB, that an event keeps; what is longer is replaced by a summary.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_SESSION_TIMEOUT")],
        ..setting(
            "session.quiet_minutes",
            Allowed::Whole { min: 1, max: 10_080 },
            "5",
            "The silence in minutes after which a session is idle; after twice as long it has ended.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_STATS_INTERVAL")],
        ..setting(
            "stream.stats_interval_ms",
            Allowed::Whole { min: 250, max: 3_600_000 },
            "5000",
            "How often stream clients get a statistics frame, in milliseconds.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_MAX_SSE_CLIENTS")],
        ..setting(
            "stream.clients_max",
            Allowed::Whole { min: 1, max: 65_536 },
            "50",
            "How many clients may listen to the stream; further ones are refused with status 503.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_SSE_HEARTBEAT_MS")],
        ..setting(
            "stream.heartbeat_ms",
            Allowed::Whole { min: 1_000, max: 3_600_000 },
            "30000",
            "How often a quiet stream connection gets a heartbeat, in milliseconds.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_PROJECTS_DIR")],
        ..setting(
            "projects_dir",
            Allowed::Path,
            "",
            "The folder whose children are projects; the git branch of a live event is found there.",
        )
    },
    Setting {
        legacy: &[
            Legacy::named("AGENTMONITOR_SESSION_WINDOW_HOURS_CLAUDE_CODE"),
            Legacy::named("AGENTMONITOR_SESSION_WINDOW_HOURS"),
        ],
        ..setting(
            "usage.claude_code.session_window_hours",
            HOURS,
            "5",
            "The length of Claude Code's short usage window, in hours.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_SESSION_TOKEN_LIMIT_CLAUDE_CODE")],
        ..setting(
            "usage.claude_code.session_token_limit",
            TOKENS,
            "44000",
            "The tokens that fill Claude Code's short usage window; 0 is no limit.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_EXTENDED_WINDOW_HOURS_CLAUDE_CODE")],
        ..setting(
            "usage.claude_code.extended_window_hours",
            HOURS,
            "24",
            "The length of Claude Code's long usage window, in hours.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_EXTENDED_TOKEN_LIMIT_CLAUDE_CODE")],
        ..setting(
            "usage.claude_code.extended_token_limit",
            TOKENS,
            "0",
            "The tokens that fill Claude Code's long usage window; 0 turns the window off.",
        )
    },
    Setting {
        legacy: &[
            Legacy::named("AGENTMONITOR_SESSION_WINDOW_HOURS_CODEX"),
            Legacy::named("AGENTMONITOR_SESSION_WINDOW_HOURS"),
        ],
        ..setting(
            "usage.codex.session_window_hours",
            HOURS,
            "5",
            "The length of Codex's short usage window, in hours.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_SESSION_COST_LIMIT_CODEX")],
        ..setting(
            "usage.codex.session_cost_limit_usd",
            DOLLARS,
            "500",
            "The US dollars that fill Codex's short usage window; 0 is no limit.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_EXTENDED_WINDOW_HOURS_CODEX")],
        ..setting(
            "usage.codex.extended_window_hours",
            HOURS,
            "168",
            "The length of Codex's long usage window, in hours.",
        )
    },
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_EXTENDED_COST_LIMIT_CODEX")],
        ..setting(
            "usage.codex.extended_cost_limit_usd",
            DOLLARS,
            "1500",
            "The US dollars that fill Codex's long usage window; 0 turns the window off.",
        )
    },
    setting(
        "prices.file",
        Allowed::Path,
        "",
        "A file with prices of your own, which win over those that come with the program. Without one it is prices.toml in the data directory, if that is there.",
    ),
    setting(
        "budget.daily_usd",
        DOLLARS,
        "0",
        "The US dollars that may be spent in a day; 0 is no limit.",
    ),
    setting(
        "budget.weekly_usd",
        DOLLARS,
        "0",
        "The US dollars that may be spent in a week, from Monday on; 0 is no limit.",
    ),
    setting(
        "budget.monthly_usd",
        DOLLARS,
        "0",
        "The US dollars that may be spent in a month; 0 is no limit.",
    ),
    setting(
        "budget.warn_percent",
        Allowed::Amount { max: 100.0 },
        "80",
        "The part of a budget, in percent, from which on to warn; 0 never warns before the limit.",
    ),
    setting(
        "privacy.prompts",
        Allowed::Word(&["keep", "drop"]),
        "keep",
        "Whether the words of prompts are kept, or dropped before anything is stored.",
    ),
    setting(
        "privacy.answers",
        Allowed::Word(&["keep", "drop"]),
        "keep",
        "Whether the words of answers are kept.",
    ),
    setting(
        "privacy.tool_inputs",
        Allowed::Word(&["keep", "drop"]),
        "keep",
        "Whether what tools are given is kept; the files they are about are in any case.",
    ),
    setting(
        "privacy.tool_outputs",
        Allowed::Word(&["keep", "drop"]),
        "keep",
        "Whether what tools give back is kept.",
    ),
    setting(
        "privacy.patterns",
        Allowed::Patterns,
        "",
        "Regular expressions; whatever matches one is replaced before anything is stored. In a flag or variable they are parted by new lines.",
    ),
    setting(
        "retention.sessions_days",
        Allowed::Whole { min: 0, max: 36_500 },
        "0",
        "The days after its last event when a session is forgotten with all it counted; 0 is never.",
    ),
    setting(
        "retention.texts_days",
        Allowed::Whole { min: 0, max: 36_500 },
        "0",
        "The days after which the words of prompts, answers and tools cannot be searched for; 0 is never.",
    ),
    setting(
        "notify.turn_seconds",
        Allowed::Whole { min: 1, max: 86_400 },
        "60",
        "The seconds that a turn must take for you to be told that it ended.",
    ),
    setting(
        "notify.failures",
        Allowed::Whole { min: 0, max: 50 },
        "5",
        "How many failures in one session, within a few minutes, you are told of; 0 is never.",
    ),
    setting(
        "notify.failure_minutes",
        Allowed::Whole { min: 1, max: 1_440 },
        "5",
        "The minutes within which so many failures must come.",
    ),
    setting(
        "notify.quiet_from",
        Allowed::Minute,
        "",
        "The local time from which on no notice interrupts you; midnight, where only the other is set.",
    ),
    setting(
        "notify.quiet_until",
        Allowed::Minute,
        "",
        "The local time until which none does; midnight, where only the other is set.",
    ),
    setting(
        "notify.mute",
        Allowed::Words,
        "",
        "The kinds of notices that are not shown, such as agent_waits, turn_ended, failures and budget.",
    ),
    setting(
        "notify.min_priority",
        Allowed::Word(&["low", "medium", "high"]),
        "medium",
        "The least priority with which a notice interrupts you; the others wait until you look.",
    ),
    setting(
        "import.auto",
        FLAG,
        "true",
        "Whether the daemon imports the histories that agents keep on this machine by itself.",
    ),
    Setting {
        legacy: &[Legacy::named("AGENTMONITOR_AUTO_IMPORT_MINUTES")],
        ..setting(
            "import.minutes",
            Allowed::Whole { min: 0, max: 10_080 },
            "10",
            "How often it then looks for new histories, in minutes; 0 is only once, at its start.",
        )
    },
    setting(
        "import.watch",
        FLAG,
        "true",
        "Whether it then also reads a history as soon as it changes.",
    ),
    setting(
        "archive.enabled",
        FLAG,
        "false",
        "Whether imported histories are kept, compressed, since agents delete theirs after a while.",
    ),
    setting(
        "compat",
        Allowed::Word(&["oriel", "agentmonitor"]),
        "oriel",
        "Which event types are taken: all of Oriel's, or only those of AgentMonitor.",
    ),
    setting(
        "log.level",
        Allowed::Word(&["off", "error", "warn", "info", "debug", "trace"]),
        "info",
        "The least important lines that are logged.",
    ),
    setting(
        "log.format",
        Allowed::Word(&["text", "json"]),
        "text",
        "The form of a logged line: for people (text), or a JSON object each (json).",
    ),
    setting(
        "store.free_mib_min",
        Allowed::Whole { min: 0, max: 1_073_741_824 },
        "256",
        "With less than so many MiB free where the store is, the daemon does not begin to take events; 0 is no limit.",
    ),
    setting(
        "audit.days",
        Allowed::Whole { min: 1, max: 3_650 },
        "90",
        "The days for which it is kept who changed what.",
    ),
];

const FLAG: Allowed = Allowed::Word(&["true", "false"]);
const HOURS: Allowed = Allowed::Whole { min: 1, max: 87_600 };
const TOKENS: Allowed = Allowed::Whole { min: 0, max: 1_000_000_000_000 };
const DOLLARS: Allowed = Allowed::Amount { max: 1_000_000_000.0 };

impl Setting {
    /// Returns its own name in the environment.
    pub(super) fn variable_name(&self) -> String {
        format!("ORIEL_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// Returns the flag for what no file may set.
    pub(super) fn flag(&self) -> String {
        format!("--{}", self.key.replace('_', "-"))
    }

    /// Returns its own variable and what it holds, unless that is blank.
    pub(super) fn variable<'a>(
        &self,
        environment: &'a BTreeMap<String, String>,
    ) -> Option<(String, &'a str)> {
        let name = self.variable_name();
        let text = environment.get(&name).filter(|text| !text.trim().is_empty())?;
        Some((name, text))
    }

    /// Returns the error for a value that it may not have.
    pub(super) fn refuse(&self, value: Raw<'_>, origin: &Origin) -> SettingsError {
        SettingsError::Value {
            key: self.key,
            value: value.to_string(),
            origin: origin.clone(),
            allowed: self.allowed.to_string(),
        }
    }
}

/// The variables that are no settings and yet decide what some become.
const FOLDERS: &[&str] = &["XDG_DATA_HOME", "LOCALAPPDATA", "CLAUDE_CONFIG_DIR", "CODEX_HOME"];

/// Returns whether settings are made from a variable of this name.
pub(super) fn is_read(name: &str) -> bool {
    let names = |setting: &Setting| {
        setting.variable_name() == name || setting.legacy.iter().any(|old| old.name == name)
    };
    FOLDERS.contains(&name) || TABLE.iter().any(names)
}

/// Returns whether keys of the file begin with this one and a dot.
pub(super) fn is_group(prefix: &str) -> bool {
    let inside = |key: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    TABLE.iter().any(|setting| inside(setting.key))
}

/// Refuses a flag that names no setting.
pub(super) fn refuse_unknown_flags(flags: &[Flag]) -> Result<(), SettingsError> {
    match flags.iter().find(|flag| TABLE.iter().all(|setting| setting.key != flag.key)) {
        None => Ok(()),
        Some(flag) => Err(SettingsError::UnknownFlag {
            name: flag.name.clone(),
            key: flag.key.clone(),
            hint: hint_key(&flag.key),
        }),
    }
}

/// Returns a warning for each of our variables that is no setting. The environment is shared with
/// other programs of the family, so such a variable is no error.
pub(super) fn unknown_variables(environment: &BTreeMap<String, String>) -> Vec<String> {
    let names: Vec<String> = TABLE.iter().map(Setting::variable_name).collect();
    let unknown = |name: &&String| name.starts_with("ORIEL_") && !names.contains(name);
    let warning = |name: &String| {
        let keys = names.iter().filter_map(|name| name.strip_prefix("ORIEL_"));
        let near = hint(name.trim_start_matches("ORIEL_"), keys);
        format!("{name} is no setting{}; it is ignored", near.replace("mean ", "mean ORIEL_"))
    };
    environment.keys().filter(unknown).map(warning).collect()
}

/// Returns a question after the key that is nearest to a wrong one.
pub(super) fn hint_key(given: &str) -> String {
    hint(given, TABLE.iter().map(|setting| setting.key))
}
