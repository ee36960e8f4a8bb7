//! The command line. What it says of settings becomes flags, as it does for `oriel serve`.

use std::collections::BTreeMap;

use clap::Parser;
use oriel_runtime::settings::Flag;

/// The desktop of Oriel: the console in a window, beside a daemon of its own or one that runs.
#[derive(Debug, Parser)]
#[command(name = "oriel-desktop", version, max_term_width = 100)]
pub(crate) struct Args {
    /// The data directory.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// A data directory of its own beside the default one.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Whose daemon to show: its own (embedded), one that runs already (attach), or one that is started
    /// and stopped beside it (supervise-local).
    #[arg(long, value_name = "MODE", value_parser = ["embedded", "attach", "supervise-local"])]
    mode: Option<String>,
    /// The port that the daemon listens on.
    #[arg(long)]
    port: Option<u16>,
    /// The port that the console listens on too; without it only the desktop reaches the console.
    #[arg(long, value_name = "PORT")]
    console_port: Option<u16>,
    /// Any setting; may be given more than once. `oriel config` lists them.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Start without a window, in the tray where there is one.
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Show the console from its own loopback address and not through the bridge. For finding faults only:
    /// any page of this machine's browsers can then address what the window shows.
    #[arg(long)]
    pub(crate) compat_origin: bool,
    /// Pages of the preview that are found elsewhere than their name says, as NAME:PORT:ADDRESS.
    #[arg(long, value_name = "NAME:PORT:ADDRESS", hide = true)]
    pub(crate) preview_resolve: Vec<String>,
    /// The place to open: an address of the console, as `/sessions` or `oriel:sessions`, or
    /// `/client/workbench`.
    #[arg(value_name = "PLACE")]
    pub(crate) place: Option<String>,
}

/// The variables that name the desktop's own address, the newest first, and the settings that they
/// come before.
const OVERRIDES: [(&str, &str); 4] = [
    ("AGENTMONITOR_DESKTOP_HOST", "listen.host"),
    ("AGENTMONITOR_DESKTOP_PORT", "listen.port"),
    ("ORIEL_DESKTOP_HOST", "listen.host"),
    ("ORIEL_DESKTOP_PORT", "listen.port"),
];

impl Args {
    /// Returns the flags that were given, and takes from the environment the variables that are the
    /// desktop's own. Of two for one setting the later counts.
    pub(crate) fn flags(&self, environment: &mut BTreeMap<String, String>) -> Vec<Flag> {
        let overrides = OVERRIDES.into_iter().filter_map(|(name, key)| {
            let value = environment.remove(name).filter(|value| !value.trim().is_empty())?;
            Some(flag(name, key, value))
        });
        let mut flags: Vec<Flag> = overrides.collect();
        let given = [
            ("--data-dir", "data_dir", self.data_dir.clone()),
            ("--profile", "profile", self.profile.clone()),
            ("--mode", "desktop.mode", self.mode.clone()),
            ("--port", "listen.port", self.port.map(|port| port.to_string())),
            ("--console-port", "console.port", self.console_port.map(|port| port.to_string())),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, key, value)| Some(flag(name, key, value?)))
            .chain(self.set.iter().map(|(key, value)| flag("--set", key, value.clone())));
        for flag in given {
            flags.retain(|earlier| earlier.key != flag.key);
            flags.push(flag);
        }
        flags
    }
}

fn flag(name: &str, key: &str, value: String) -> Flag {
    Flag { name: name.to_owned(), key: key.to_owned(), value }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktops_own_address_comes_before_the_daemons_and_after_the_command_line() {
        let variables = [
            ("AGENTMONITOR_DESKTOP_PORT", "1"),
            ("ORIEL_DESKTOP_PORT", "2"),
            ("ORIEL_DESKTOP_HOST", " "),
            ("ORIEL_LISTEN_PORT", "3"),
        ];
        let check = |line: &[&str], expected: &[(&str, &str)]| {
            let mut environment: BTreeMap<String, String> =
                variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let args = Args::parse_from([&["oriel-desktop"], line].concat());
            let flags = args.flags(&mut environment);
            let last = |key: &str| flags.iter().rev().find(|flag| flag.key == key);
            for (key, value) in expected {
                assert_eq!(last(key).map(|flag| flag.value.as_str()), Some(*value), "{line:?}");
            }
            assert!(last("listen.host").is_none(), "a blank variable says nothing");
            assert_eq!(environment.keys().collect::<Vec<_>>(), ["ORIEL_LISTEN_PORT"]);
        };
        check(&[], &[("listen.port", "2")]);
        check(&["--port", "0"], &[("listen.port", "0")]);
        check(
            &["--set", "listen.port=9", "--mode", "attach"],
            &[("listen.port", "9"), ("desktop.mode", "attach")],
        );
    }
}
