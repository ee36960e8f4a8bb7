//! The command line.

mod compute;
mod files;
mod gateway;
mod opinions;
mod processes;
mod reports;
mod serve;
mod sync;
mod talk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use oriel_runtime::settings::Flag;

pub(crate) use compute::{Compute, ComputeRun, ComputeWhere};
pub(crate) use files::{Files, FilesGrant};
pub(crate) use gateway::{Agent, Gateway, GatewayServe};
pub(crate) use opinions::{Keys, Opinions, OpinionsList, Said};
pub(crate) use processes::{Daemon, DaemonStart, Modules};
pub(crate) use reports::{Costs, Export, ExportFormat, Phase, Report, ReportBy};
pub(crate) use reports::{Sessions, Show, Tail};
pub(crate) use serve::{Console, Demo, Open, Serve};
pub(crate) use sync::{
    Side, Sync, SyncConfirm, SyncResolve, SyncStart, SyncStatus, SyncStop, SyncVerify,
};
pub(crate) use talk::{Ask, At, Chat};

/// Records what coding agents do and cost, on this machine and for this machine only.
///
/// `oriel serve` runs the daemon. The other commands ask or steer the daemon of the same data
/// directory, and do the work themselves when none runs.
///
/// Exit codes: 0 when it is done or true, 1 when it failed or is false, 2 when it was asked wrongly,
/// 3 when no daemon runs.
#[derive(Debug, Parser)]
#[command(name = "oriel", version, propagate_version = true, max_term_width = 100)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Uses this data directory. By default it is `oriel` in the platform's folder for data.
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "profile")]
    data_dir: Option<String>,
    /// Uses the data directory of this profile: the default one with `-NAME` added.
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Gives any setting a value for this run. May be repeated; `oriel config` lists the keys.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// Says when to write in color. By default that is on a terminal, unless NO_COLOR is set.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    color: Color,
    /// Never writes in color.
    #[arg(long, global = true)]
    no_color: bool,
}

/// When to write in color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Wherever it goes.
    Always,
    /// Nowhere.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon until it is told to stop.
    ///
    /// When it is ready it prints one line, `listening on http://HOST:PORT`. It logs to standard
    /// error and to `logs` in the data directory, a file a day and the last 14 of them. SIGINT,
    /// SIGTERM and `oriel stop` end it in good order; a second signal ends it at once.
    Serve(Serve),
    /// Tells whether a daemon runs, and how it is.
    Status(Json),
    /// Checks everything that a daemon needs, and says what to do about what is wrong.
    Doctor(Json),
    /// Shows every setting with its value and where that came from.
    Config(Config),
    /// Checks, copies or shrinks the store.
    #[command(subcommand)]
    Store(Store),
    /// Imports the histories that agents keep on this machine.
    ///
    /// A running daemon does that by itself unless `import.auto` is off. What was imported is not
    /// imported again, and a history that only grew is read from where it had ended.
    Import(Import),
    /// Lists, restores or checks the copies of histories that agents may have deleted since.
    #[command(subcommand)]
    Archive(Archive),
    /// Finds what was said again: prompts, answers, and what tools were given and gave back.
    ///
    /// All words have to be there, whatever the case and the accents. `"a phrase"`, `begin*`,
    /// `-without` and `one OR other` work as they do elsewhere. The newest hits come first. Ends
    /// with 1 when nothing is found.
    Search(Search),
    /// Serves coding agents as a Model Context Protocol server on standard input and output.
    ///
    /// It has tools to search what was said, to list and read sessions, and to ask for usage,
    /// limits and what waits. Register it as the command `oriel mcp`. It ends with its input.
    Mcp,
    /// Tells what Oriel would make of files, and stores nothing.
    ///
    /// Histories are read as an import would, and captured requests as the daemon would: a folder
    /// of them has an `index.jsonl` whose lines name the `file`, `path` and `headers` of each. Ends
    /// with 1 when a record cannot be read.
    Inspect(Inspect),
    /// Lists notices, and does something about them.
    Notices(Notices),
    /// Lists the sessions that wait for you, those that began to wait last first.
    Waiting(Json),
    /// Shows how much of each agent's limits is used, as the agents told.
    Limits(Json),
    /// Opens the console in a browser, by a link that works once and for ten minutes.
    ///
    /// The link is printed too. A browser that opened it may change things until it is not seen for
    /// thirty days.
    Open(Open),
    /// Runs the gateway alone, or tells what it knows.
    #[command(subcommand)]
    Gateway(Gateway),
    /// Runs scripts of the MATLAB language in a process of their own.
    #[command(subcommand)]
    Compute(Compute),
    /// Is an agent itself.
    #[command(subcommand)]
    Agent(Agent),
    /// Stops the daemon and waits until it is gone.
    Stop,
    /// Adds lifelike demonstration data.
    ///
    /// The same seed makes the same events, so asking twice adds nothing the second time.
    Seed(Seed),
    /// Shows a daemon of its own with made-up agents at work, until Ctrl-C.
    ///
    /// Its data is in a temporary folder that is removed at the end. It reads no settings and no
    /// history of yours, and listens on ports that are free.
    Demo(Demo),
    /// Tells what was used and what it cost, by day, session, project and more.
    Report(Report),
    /// Lists sessions, the liveliest first.
    Sessions(Sessions),
    /// Shows a session: what it used, its latest events, and who told of them.
    Show(Show),
    /// Shows the latest events and follows new ones.
    Tail(Tail),
    /// Writes events out, oldest first.
    Export(Export),
    /// Shows prices, and works out costs anew.
    #[command(subcommand)]
    Costs(Costs),
    /// Hands on what an agent's hook says; agents run this, not people.
    ///
    /// It reads the hook's JSON from standard input and gives it to the daemon, or keeps it until one
    /// runs. It exits with 2 only to stop a command that would destroy the system or the home folder.
    Hook(Hook),
    /// Sets agents up to tell of what they do.
    #[command(subcommand)]
    Hooks(Hooks),
    /// Serves the console alone, for the daemon of the data directory.
    ///
    /// A daemon serves one by itself; this one goes on while the daemon is away, says so on its pages,
    /// and shows everything again once the daemon is back. It keeps nothing of its own and takes no
    /// events.
    Console(Console),
    /// Starts, stops and restarts a daemon that runs by itself.
    #[command(subcommand)]
    Daemon(Daemon),
    /// Lists, installs and signs modules: programs with pages of their own in the console.
    #[command(subcommand)]
    Modules(Modules),
    /// Gives an agent something to do, and prints what it says until it is done.
    ///
    /// The gateway runs the agent; `oriel gateway serve` runs the gateway. Ctrl-C stops the agent
    /// first and then ends with 130. Ends with 1 when the turn failed, and with 3 when no gateway can
    /// be reached.
    Ask(Ask),
    /// Talks to agents in the terminal: all sessions, what they do, and what they ask.
    Chat(Chat),
    /// Prints the OpenAPI description of the HTTP API.
    Openapi,
    /// Prints a completion script for a shell.
    Completions {
        /// The shell to write it for.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes those of all commands to a folder.
    Man {
        /// The folder to write to. It is made if it is missing.
        dir: Option<PathBuf>,
    },
    /// Lists who changed what, the newest first.
    Audit(Audit),
    /// Lists, signs and checks opinions on sessions and other things.
    #[command(subcommand)]
    Opinions(Opinions),
    /// Lists, makes and takes back what pages of the desktop may use of your files.
    #[command(subcommand)]
    Files(Files),
    /// Shows or makes the key that signs for you.
    #[command(subcommand)]
    Keys(Keys),
    /// Keeps the workspace of an agent's session and a folder of yours equal.
    #[command(subcommand)]
    Sync(Sync),
}

/// How much of the audit to list.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Audit {
    /// Lists at most this many entries.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Json {
    /// Prints JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which view of the settings to show.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Config {
    #[command(flatten)]
    pub(crate) form: Json,
    #[command(subcommand)]
    pub(crate) command: Option<ConfigCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints a configuration file that shows every key with its default.
    Example,
    /// Prints where the configuration file is looked for.
    Path,
    /// Writes a setting into the configuration file; a daemon that runs takes it at its next start.
    Set {
        /// The key, such as `listen.port`.
        key: String,
        /// The value; parts of a list are parted by commas.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Takes a setting out of the configuration file.
    Unset {
        /// The key.
        key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Checks the file and counts every total anew.
    Verify(Json),
    /// Copies the store to a new file while the daemon goes on.
    Backup {
        /// The file to make. By default it is `backups/oriel-TIME.db` in the data directory.
        path: Option<PathBuf>,
        #[command(flatten)]
        form: Json,
    },
    /// Gives unused room in the store back to the system.
    Compact(Json),
}

/// What to import.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Imports only histories of this format, such as `claude-code`. May be repeated.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Vec<String>,
    /// Imports this file, or what is below this folder, instead of the usual folders. May be
    /// repeated. With one --format a file is taken for that, whatever its name.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Vec<PathBuf>,
    /// Leaves out what happened before: a day in UTC, or a time as RFC 3339.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Leaves out what happened after: a day in UTC, all of which is included, or a time.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Reads and counts, and stores nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Reads files again that did not change.
    #[arg(long)]
    pub(crate) force: bool,
    /// Waits until it is done, which is the default.
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Leaves the import to the daemon. Without a daemon it is waited for.
    #[arg(long, overrides_with = "wait")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) form: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Archive {
    /// Lists the histories of which there are copies.
    List(Json),
    /// Writes a history back, byte for byte. A file that is there is left alone.
    Restore {
        /// The history, or a folder for all that were below it.
        path: PathBuf,
        /// Writes below this folder, and not to where the history was.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        #[command(flatten)]
        form: Json,
    },
    /// Reads all copies and compares them with what was kept.
    Verify(Json),
}

/// Whose hook it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Hook {
    /// The agent: `claude-code`, `codex`, or `statusline` for Claude Code's status line.
    pub(crate) agent: String,
    /// The JSON, for agents that give it as an argument.
    pub(crate) body: Option<String>,
    /// The daemon's address. By default it is found by its data directory.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A command whose status line is printed first.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) then: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hooks {
    /// Adds our hooks to an agent's settings, beside what is there.
    Install(HooksChange),
    /// Takes our hooks out of an agent's settings and leaves everything else.
    Uninstall(HooksChange),
    /// Tells whether our hooks are installed and would reach a daemon.
    Status(HooksFile),
    /// Prints what to put into Codex's `config.toml`.
    PrintCodexConfig {
        /// The daemon's address.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
    /// Prints the variables that make Claude Code send its telemetry.
    PrintClaudeOtel {
        /// The daemon's address.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

/// Which settings are meant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HooksFile {
    /// The agent.
    pub(crate) agent: HookedAgent,
    /// The settings file. By default it is the one of the scope.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Whose settings: the user's, or those of the project in the working directory.
    #[arg(long, value_name = "SCOPE", default_value = "user")]
    pub(crate) scope: Scope,
}

/// What to change in which settings.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HooksChange {
    #[command(flatten)]
    pub(crate) file: HooksFile,
    /// The daemon's address. By default the hooks find it by its data directory.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Shows our status line as well, below the one that is there.
    #[arg(long)]
    pub(crate) statusline: bool,
    /// Prints what would change and changes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// An agent whose settings we can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookedAgent {
    /// Claude Code.
    ClaudeCode,
}

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// The user's.
    User,
    /// The project's.
    Project,
}

/// What to search for.
#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// The words, as they are typed. What begins with a hyphen is a word that must not be there,
    /// unless it is one of the options; put it after `--` where it looks like one.
    #[arg(required = true, value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Searches only sessions of this agent, such as `codex`.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Searches only this session, named in full or by its beginning.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Searches only this project.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Searches only what was done on this branch.
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Searches only what this model said.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Searches only calls of this tool.
    #[arg(long, value_name = "NAME")]
    pub(crate) tool: Option<String>,
    /// Searches only the words of one side.
    #[arg(long, value_name = "ROLE", value_parser = ["prompt", "answer", "input", "output"])]
    pub(crate) role: Option<String>,
    /// Leaves out what happened before: a day in UTC, or a time as RFC 3339.
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<String>,
    /// Leaves out what happened after: a day in UTC, all of which is included, or a time.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// Shows at most this many hits.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Goes on where the page before ended.
    #[arg(long, value_name = "PLACE", allow_negative_numbers = true)]
    pub(crate) cursor: Option<i64>,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// What to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The files, and the folders below which all files are looked at.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Takes each file that is named for a history of this format, whatever its name.
    #[arg(long = "as", value_name = "FORMAT")]
    pub(crate) read_as: Option<String>,
    #[command(flatten)]
    pub(crate) form: Json,
}

/// Which notices to list, or what to do about one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Notices {
    /// Lists those too that are done with, put off or of no use any more.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) form: Json,
    #[command(subcommand)]
    pub(crate) command: Option<NoticesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NoticesCommand {
    /// Notes that you looked at a notice.
    Open {
        /// The number of the notice.
        id: i64,
        #[command(flatten)]
        form: Json,
    },
    /// Puts a notice off.
    Snooze {
        /// The number of the notice.
        id: i64,
        /// For so many minutes.
        #[arg(long, value_name = "N", default_value_t = 60, conflicts_with = "until")]
        minutes: u32,
        /// Until this time, such as 2026-11-21T18:00.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        form: Json,
    },
    /// Notes that a notice is done with.
    Handle {
        /// The number of the notice.
        id: i64,
        #[command(flatten)]
        form: Json,
    },
}

/// How much to add.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Seed {
    /// How many events to make.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) events: u32,
    /// How many sessions to spread them over.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) sessions: u32,
    /// How many days the sessions reach back.
    #[arg(long, value_name = "D", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub(crate) days: u32,
    /// The number that all chance comes from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) form: Json,
}

impl Global {
    /// Returns the settings that stand before every command.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        let folder = [
            flag("--data-dir", "data_dir", self.data_dir.as_ref()),
            flag("--profile", "profile", self.profile.as_ref()),
        ];
        let set = self.set.iter().map(|(key, value)| Flag {
            name: "--set".to_owned(),
            key: key.clone(),
            value: value.clone(),
        });
        folder.into_iter().flatten().chain(set).collect()
    }

    /// Returns the data directory that the command line names, as flags for another command line.
    pub(crate) fn folder_flags(&self) -> Vec<(&'static str, String)> {
        let folder = self.data_dir.iter().map(|path| ("--data-dir", path.clone()));
        folder.chain(self.profile.iter().map(|name| ("--profile", name.clone()))).collect()
    }

    /// Returns when to write in color.
    pub(crate) fn color(&self, environment: &BTreeMap<String, String>) -> Color {
        let is_set = |name| environment.get(name).is_some_and(|value| !value.is_empty());
        let dumb = environment.get("TERM").is_some_and(|terminal| terminal == "dumb");
        match self.color {
            _ if self.no_color => Color::Never,
            Color::Auto if is_set("NO_COLOR") || dumb => Color::Never,
            asked => asked,
        }
    }
}

impl Color {
    /// Returns whether to write in color to what is, or is not, a terminal.
    pub(crate) fn holds_for(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal,
            Self::Always => true,
            Self::Never => false,
        }
    }

    /// Returns whether to write in color to standard error.
    pub(crate) fn on_stderr(self) -> bool {
        self.holds_for(std::io::IsTerminal::is_terminal(&std::io::stderr()))
    }
}

/// Returns the arguments so that a word of a search may begin with a hyphen: one that is no option
/// is guarded by a space in front, which means nothing to a search.
pub(crate) fn with_words(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_search = |argument: &OsString| argument == "search";
    let Some(at) = arguments.iter().position(is_search) else { return arguments };
    let command = Args::command();
    let Some(search) = command.find_subcommand("search") else { return arguments };
    let is_option = |word: &str| {
        let options = || search.get_arguments().chain(command.get_arguments());
        let name = word.split('=').next().unwrap_or(word);
        match name.strip_prefix("--") {
            // Two hyphens alone say that no option follows.
            Some("" | "help" | "version") => true,
            Some(name) => options().any(|option| option.get_long() == Some(name)),
            None => matches!(name, "-h" | "-V" | "-"),
        }
    };
    let mut only_words = false;
    let guarded = arguments.into_iter().enumerate().map(|(nth, argument)| {
        let word =
            argument.to_str().filter(|word| nth > at && !only_words && word.starts_with('-'));
        only_words |= word == Some("--");
        // A number may be what an option is given.
        match word {
            Some(word) if !is_option(word) && word.parse::<i64>().is_err() => {
                OsString::from(format!(" {word}"))
            }
            _ => argument,
        }
    });
    guarded.collect()
}

fn flag(name: &str, key: &str, value: Option<&String>) -> Option<Flag> {
    let value = value?.clone();
    Some(Flag { name: name.to_owned(), key: key.to_owned(), value })
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a setting is given as KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn words_of_a_search_may_begin_with_a_hyphen() {
        let parse = |line: &str| {
            let arguments = line.split('|').map(OsString::from).collect();
            match Args::try_parse_from(with_words(arguments)).unwrap().command {
                Command::Search(search) => search,
                _ => panic!("it is a search"),
            }
        };
        let search = parse("oriel|--no-color|search|lost|-found|--json|--limit|3|--else|\"a b\"");
        assert_eq!(search.words, ["lost", " -found", " --else", "\"a b\""]);
        assert!(search.form.json && search.limit == 3);
        assert_eq!(parse("oriel|search|-x|--agent=codex").words, [" -x"]);
        assert_eq!(parse("oriel|search|--|--json").words, ["--json"]);
        let other = ["oriel", "status", "-x"].map(OsString::from).to_vec();
        assert_eq!(with_words(other.clone()), other);
    }

    #[test]
    fn every_help_text_is_whole_sentences() {
        check(&Args::command());

        fn check(command: &clap::Command) {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.chars().next().is_some_and(char::is_uppercase), "{name}: {about:?}");
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{name} {}", argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
    }

    #[test]
    fn a_setting_needs_its_sign() {
        assert!(parse(&["config", "--set", "listen.port"]).is_err());
        let args = parse(&["config", "--set", "listen.hosts=a,b=c"]).unwrap();
        let flags = args.global.flags();
        assert_eq!((flags[0].key.as_str(), flags[0].value.as_str()), ("listen.hosts", "a,b=c"));
    }

    #[test]
    fn a_flag_given_again_replaces_itself_and_settings_add_up() {
        let line = ["serve", "--port", "1", "--port", "2", "--set", "a=1", "--set", "b=2"];
        let args = parse(&line).unwrap();
        let Command::Serve(serve) = args.command else { panic!("it is `serve`") };
        assert_eq!(serve.flags()[0].value, "2");
        assert_eq!(args.global.flags().len(), 2);
    }

    #[test]
    fn color_follows_the_flag_then_no_color_then_the_terminal() {
        let bare = BTreeMap::new();
        let no_color = BTreeMap::from([("NO_COLOR".to_owned(), "1".to_owned())]);
        let empty = BTreeMap::from([("NO_COLOR".to_owned(), String::new())]);
        for (arguments, environment, expected) in [
            (vec!["stop"], &bare, Color::Auto),
            (vec!["stop"], &no_color, Color::Never),
            (vec!["stop"], &empty, Color::Auto),
            (vec!["stop", "--color", "always"], &no_color, Color::Always),
            (vec!["stop", "--color", "always", "--no-color"], &bare, Color::Never),
        ] {
            let args = parse(&arguments).unwrap();
            assert_eq!(args.global.color(environment), expected, "{arguments:?}");
        }
    }

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["oriel"].iter().chain(arguments))
    }
}
