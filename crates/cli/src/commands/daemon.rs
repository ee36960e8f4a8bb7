//! `oriel daemon`: a daemon that runs by itself, or that the user's systemd runs.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use oriel_daemon::arguments;
use oriel_launcher::direct::{self, Start, Started};
use oriel_launcher::systemd::{Systemd, Unit, unit_name};
use oriel_launcher::{Failure, Keeper, Launch};
use oriel_runtime::settings::{Flag, Location};
use serde_json::json;

use super::status;
use crate::args::{Daemon, DaemonStart};
use crate::daemon::{self, Live, Reached};
use crate::output::Output;
use crate::{Exit, progress, text};
use oriel_daemon::Surroundings;

/// Starts, stops, restarts or describes the daemon.
pub(super) fn run(
    command: Daemon,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let place = Place { location: surroundings.locate(flags)?, surroundings, flags };
    super::wait(async {
        match command {
            Daemon::Start(start) => place.start(&start, output).await,
            Daemon::Stop(form) => place.stop(form.json, output).await,
            Daemon::Restart(form) => place.restart(form.json, output).await,
            Daemon::Status(form) => place.status(form.json, output).await,
            Daemon::Uninstall(form) => place.uninstall(form.json, output).await,
        }
    })
}

/// A data directory, and what the command was given.
struct Place<'a> {
    location: Location,
    surroundings: &'a Surroundings,
    flags: &'a [Flag],
}

impl Place<'_> {
    fn data_dir(&self) -> &Path {
        &self.location.data_dir
    }

    async fn start(&self, start: &DaemonStart, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        for (asked, manager) in
            [(start.launchd, "launchd"), (start.windows_service, "windows-service")]
        {
            if asked {
                bail!("{manager} is not on this system; start the daemon without --{manager}");
            }
        }
        // What is wrong with a setting is said here, and not in a log.
        let flags = [self.flags, &start.serve.flags()].concat();
        let arguments = arguments(&self.surroundings.resolve(&flags)?.rows);
        let started = if start.systemd {
            self.start_unit(arguments).await?
        } else {
            self.start_directly(arguments).await?
        };
        self.say_started(&started, start.form.json, output)
    }

    async fn start_directly(&self, arguments: Vec<String>) -> anyhow::Result<Started> {
        let data_dir = self.data_dir().to_owned();
        let start = Start { program: program()?, data_dir, arguments };
        let started = direct::start(&start);
        let started = progress::show("waiting for the daemon to answer", started).await;
        Ok(started.inspect_err(|error| show_end_of_log(error.tail()))?)
    }

    async fn start_unit(&self, arguments: Vec<String>) -> anyhow::Result<Started> {
        if let Ok(Reached::Live(live)) = daemon::find(self.data_dir()).await {
            return Ok(Started { live, is_new: false });
        }
        let data_dir = self.data_dir().to_owned();
        let unit = Unit { name: self.unit(), program: program()?, data_dir, arguments };
        self.systemd()?.start(&unit).await?;
        Ok(Started { live: self.answers(&unit.name).await?, is_new: true })
    }

    async fn answers(&self, unit: &str) -> anyhow::Result<Box<Live>> {
        let answered = direct::answers(self.data_dir());
        match progress::show("waiting for the daemon to answer", answered).await {
            Ok(live) => Ok(live),
            Err(reason) => bail!(
                "systemd runs {unit}, and no daemon answers ({reason}); \
                 `journalctl --user -u {unit}` says why"
            ),
        }
    }

    async fn stop(&self, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        let found = daemon::find(self.data_dir()).await?;
        let Reached::Live(live) = found else {
            say(output, json, &json!({ "stopped": false }), &nothing(&found))?;
            return Ok(Exit::NotRunning);
        };
        let pid = live.status.pid;
        self.end(&live, self.keeper(pid)?).await?;
        let said = format!("the daemon, process {pid}, has stopped\n");
        say(output, json, &json!({ "stopped": true, "pid": pid }), &said)?;
        Ok(Exit::Done)
    }

    async fn end(&self, live: &Live, keeper: Keeper) -> anyhow::Result<()> {
        match keeper {
            Keeper::Systemd(unit) => self.systemd()?.stop(&unit).await?,
            Keeper::Direct | Keeper::Hand => {
                progress::show("waiting for the daemon to stop", direct::stop(live)).await?;
            }
        }
        Ok(())
    }

    async fn restart(&self, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        let launch = Launch::read(self.data_dir())?;
        let found = daemon::find(self.data_dir()).await;
        // A health file that cannot be believed is none of a daemon that runs.
        if let Ok(Reached::Live(live)) = &found {
            let pid = live.status.pid;
            match self.keeper(pid)? {
                Keeper::Hand => bail!(
                    "process {pid} was not started by `oriel daemon start`; stop it with \
                     `oriel stop`, and start it again where it was started"
                ),
                Keeper::Systemd(unit) => {
                    self.systemd()?.restart(&unit).await?;
                    let started = Started { live: self.answers(&unit).await?, is_new: true };
                    return self.say_started(&started, json, output);
                }
                Keeper::Direct => self.end(live, Keeper::Direct).await?,
            }
        }
        let mut kept = launch.map(|launch| launch.arguments).unwrap_or_default();
        kept.extend(arguments(&self.surroundings.resolve(self.flags)?.rows));
        let started = self.start_directly(kept).await?;
        self.say_started(&started, json, output)
    }

    async fn status(&self, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        let found = daemon::find(self.data_dir()).await;
        let failure = direct::failure(&found);
        let log = direct::log_path(self.data_dir());
        let found = match found {
            Ok(found) => found,
            Err(error) if json => {
                let reason = crate::chain(&error);
                output.json(&json!({ "state": "unknown", "reason": reason,
                    "failure": failure.map(Failure::as_str) }))?;
                return Ok(Exit::Failed);
            }
            Err(error) => return Err(error.into()),
        };
        let launch = Launch::read(self.data_dir())?;
        let launch = launch.filter(
            |launch| matches!(&found, Reached::Live(live) if live.status.pid == launch.pid),
        );
        if json {
            let mut answer = status::as_json(&found, self.data_dir());
            answer["failure"] = json!(failure.map(Failure::as_str));
            answer["launch"] = json!(launch);
            answer["log"] = json!(log);
            output.json(&answer)?;
        } else {
            let said = status::as_text(&found, self.data_dir(), output.paint());
            output.print(&(said + &launch.map(|launch| describe(&launch)).unwrap_or_default()))?;
        }
        Ok(if matches!(found, Reached::Live(_)) { Exit::Done } else { Exit::NotRunning })
    }

    async fn uninstall(&self, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        let unit = self.unit();
        let removed = self.systemd()?.uninstall(&unit).await?;
        let said = if removed {
            format!("{unit} has stopped and is removed\n")
        } else {
            format!("there is no {unit}\n")
        };
        say(output, json, &json!({ "unit": unit, "removed": removed }), &said)?;
        Ok(Exit::Done)
    }

    fn say_started(
        &self,
        started: &Started,
        json: bool,
        output: &mut Output<'_>,
    ) -> anyhow::Result<Exit> {
        let status = &started.live.status;
        let pid = status.pid;
        let place = status.addr.as_ref().map(|addr| format!(" on http://{addr}"));
        let said = if started.is_new {
            format!("the daemon runs, process {pid}{}\n", place.unwrap_or_default())
        } else {
            format!("a daemon runs already, process {pid}{}\n", place.unwrap_or_default())
        };
        let form = json!({ "started": started.is_new, "pid": pid, "addr": status.addr,
            "phase": status.phase, "dataDir": status.data_dir,
            "log": direct::log_path(self.data_dir()) });
        say(output, json, &form, &said)?;
        Ok(Exit::Done)
    }

    /// Returns who runs the daemon of this process.
    fn keeper(&self, pid: u32) -> anyhow::Result<Keeper> {
        let launch = Launch::read(self.data_dir())?.filter(|launch| launch.pid == pid);
        Ok(launch.map_or(Keeper::Hand, |launch| launch.by))
    }

    fn unit(&self) -> String {
        unit_name(self.location.profile.as_deref())
    }

    fn systemd(&self) -> anyhow::Result<Systemd> {
        let variable = self.surroundings.environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = self.surroundings.folders.home.as_ref().map(|home| home.join(".config"));
        let folder = variable.filter(|path| path.is_absolute()).or(home);
        let folder =
            folder.context("there is no home folder, so systemd has no place for a unit")?;
        Ok(Systemd::with_units_in(folder.join("systemd").join("user")))
    }
}

/// Returns this program, wherever it was started from.
fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program is")
}

/// Shows what a daemon said last, before what is said of it.
fn show_end_of_log(tail: &str) {
    let lines = tail.lines().map(|line| format!("  | {}\n", text::clean(line)));
    // With standard error closed there is nobody left to tell.
    _ = std::io::stderr().write_all(lines.collect::<String>().as_bytes());
}

fn nothing(found: &Reached) -> String {
    match found {
        Reached::Stale { reason, .. } => format!("no daemon answers: {}\n", text::clean(reason)),
        Reached::Live(_) | Reached::Absent => "no daemon runs\n".to_owned(),
    }
}

fn describe(launch: &Launch) -> String {
    let by = match &launch.by {
        Keeper::Hand => "by hand".to_owned(),
        Keeper::Direct => "by `oriel daemon start`".to_owned(),
        Keeper::Systemd(unit) => format!("by systemd, as {unit}"),
    };
    let with = match launch.arguments.join(" ") {
        none if none.is_empty() => String::new(),
        arguments => format!(", with {arguments}"),
    };
    text::clean(&format!("It was started {by}{with}.")).to_string() + "\n"
}

fn say(
    output: &mut Output<'_>,
    json: bool,
    form: &serde_json::Value,
    said: &str,
) -> anyhow::Result<()> {
    Ok(if json { output.json(form) } else { output.print(said) }?)
}
