//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use oriel_runtime::settings::{self, Flag};

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
    /// Stops the daemon and waits until it is gone.
    Stop,
    /// Adds lifelike demonstration data.
    ///
    /// The same seed makes the same events, so asking twice adds nothing the second time.
    Seed(Seed),
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
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Json {
    /// Prints JSON, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The settings that have flags of their own.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[arg(long, value_name = "ADDRESS", help = settings::help("listen.host"))]
    host: Option<String>,
    #[arg(long, value_name = "PORT", help = settings::help("listen.port"))]
    port: Option<String>,
    #[arg(long, value_name = "PATH", help = settings::help("listen.socket"))]
    socket: Option<String>,
    #[arg(long, value_name = "WHO", help = settings::help("access"))]
    access: Option<String>,
    #[arg(long, value_name = "LEVEL", help = settings::help("store.durability"))]
    durability: Option<String>,
    #[arg(long, value_name = "PROGRAM", help = settings::help("compat"))]
    compat: Option<String>,
    #[arg(long, value_name = "LEVEL", help = settings::help("log.level"))]
    log_level: Option<String>,
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

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Prints a configuration file that shows every key with its default.
    Example,
    /// Prints where the configuration file is looked for.
    Path,
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
}

impl Serve {
    /// Returns the settings given by flags of their own.
    pub(crate) fn flags(&self) -> Vec<Flag> {
        [
            flag("--host", "listen.host", self.host.as_ref()),
            flag("--port", "listen.port", self.port.as_ref()),
            flag("--socket", "listen.socket", self.socket.as_ref()),
            flag("--access", "access", self.access.as_ref()),
            flag("--durability", "store.durability", self.durability.as_ref()),
            flag("--compat", "compat", self.compat.as_ref()),
            flag("--log-level", "log.level", self.log_level.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
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
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
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
