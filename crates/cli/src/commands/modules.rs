//! `oriel modules`: programs with pages of their own, installed, signed and looked after.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use oriel_launcher::platform::process_runs;
use oriel_launcher::{logfile, modules};
use oriel_runtime::settings::Flag;
use oriel_sign::Key;
use oriel_sign::module::{Module, Standing, Start, installed};
use serde_json::{Value, json};

use crate::args::Modules;
use crate::daemon::{self, CallError, Reached};
use crate::output::{Output, Style};
use crate::table::{self, Cell};
use crate::{Exit, text};
use oriel_daemon::Surroundings;

/// Does what was asked about modules.
pub(super) fn run(
    command: Modules,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let place = Place {
        data_dir: surroundings.locate(flags)?.data_dir,
        now: Timestamp::try_from(surroundings.clock.now())?.to_string(),
    };
    match command {
        Modules::List(form) => place.list(form.json, output),
        Modules::Install { dir, form } => {
            let dir = surroundings.folders.working.join(dir);
            let id = modules::install(&dir, &place.data_dir)?.id;
            let next =
                format!("module {id} is installed; it runs once you `oriel modules sign {id}`\n");
            say(output, form.json, &id, "installed", &next)
        }
        Modules::Remove { id, form } => {
            modules::remove(&id, &place.data_dir)?;
            let said = place.and_the_daemon(&id, format!("module {id} is removed"));
            say(output, form.json, &id, "removed", &said)
        }
        Modules::Sign { id, create_key, form } => {
            place.sign(&id, create_key)?;
            let said = place.and_the_daemon(&id, format!("module {id} is signed as it is now"));
            say(output, form.json, &id, "signed", &said)
        }
        Modules::Deny { id, form } => {
            place.module(&id)?.deny(&place.now)?;
            let said = place.and_the_daemon(&id, format!("module {id} is denied"));
            say(output, form.json, &id, "denied", &said)
        }
        Modules::Restart { id, form } => place.restart(&id, form.json, output),
        Modules::Logs { id, lines } => {
            place.known(&id)?;
            let log = modules::log_path(&place.data_dir, &id);
            for line in logfile::tail(&log, 0, lines.into()).lines() {
                output.print(&format!("{}\n", text::clean(line)))?;
            }
            Ok(Exit::Done)
        }
    }
}

/// A data directory, and the time.
struct Place {
    data_dir: PathBuf,
    now: String,
}

impl Place {
    fn modules_dir(&self) -> PathBuf {
        self.data_dir.join("modules")
    }

    fn key(&self) -> anyhow::Result<Option<Key>> {
        Ok(Key::open(&self.data_dir.join("keys"))?)
    }

    fn module(&self, id: &str) -> anyhow::Result<Module> {
        self.known(id)?;
        Ok(Module::open(&self.modules_dir().join(id))?)
    }

    /// Refuses what is no installed module: an id could lead elsewhere.
    fn known(&self, id: &str) -> anyhow::Result<()> {
        let known = installed(&self.modules_dir()).iter().any(|found| match found {
            Ok(module) => module.id == id,
            Err(error) => error.id() == id,
        });
        if !known {
            bail!("no module {id:?} is installed; `oriel modules list` tells which are");
        }
        Ok(())
    }

    fn list(&self, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        let key = self.key()?;
        let mut rows = Vec::new();
        let mut forms = Vec::new();
        for found in installed(&self.modules_dir()) {
            let (form, row) = match found {
                Ok(module) => {
                    let standing =
                        module.standing(&self.modules_dir(), key.as_ref().map(Key::public));
                    self.tell(&module, &standing)
                }
                Err(error) => {
                    let said = crate::chain(&error);
                    let form = json!({ "id": error.id(), "standing": "unknown", "error": said });
                    let row = [
                        Cell::plain(error.id()),
                        Cell::plain(""),
                        Cell::plain(""),
                        Cell::new(Style::Bad, "unusable"),
                        Cell::plain(said),
                    ];
                    (form, row)
                }
            };
            forms.push(form);
            rows.push(row);
        }
        if json {
            output.json(&json!({ "modules": forms }))?;
        } else if rows.is_empty() {
            output.print("no module is installed\n")?;
        } else {
            output.print(&table::render(&rows, output.paint()))?;
        }
        Ok(Exit::Done)
    }

    fn tell(&self, module: &Module, standing: &Standing) -> (Value, [Cell; 5]) {
        let (word, style, said) = match standing {
            Standing::Signed { .. } => ("signed", Style::Good, "signed"),
            Standing::Unsigned => ("unsigned", Style::Doubtful, "not signed"),
            Standing::Stale { .. } => ("stale", Style::Bad, "changed since it was signed"),
            Standing::Denied { .. } => ("denied", Style::Faint, "denied"),
        };
        let pid = modules::running(&self.data_dir, &module.id);
        let runs = match (&module.manifest.start, pid) {
            (Start::Address(address), _) => format!("at {address}"),
            (_, Some(pid)) => format!("runs, process {pid}"),
            (_, None) => "does not run".to_owned(),
        };
        let manifest = &module.manifest;
        let form = json!({ "id": module.id, "label": manifest.label, "version": manifest.version,
            "standing": word, "pid": pid, "capabilities": manifest.capabilities });
        let row = [
            Cell::new(Style::Strong, &module.id),
            Cell::plain(&manifest.version),
            Cell::plain(&manifest.label),
            Cell::new(style, said),
            Cell::plain(runs),
        ];
        (form, row)
    }

    fn sign(&self, id: &str, create_key: bool) -> anyhow::Result<()> {
        let module = self.module(id)?;
        let key = match self.key()? {
            Some(key) => key,
            None if create_key => Key::create(&self.data_dir.join("keys"))?,
            None => bail!(
                "there is no key to sign with; make one with `oriel modules sign {id} --create-key`"
            ),
        };
        Ok(module.sign(&key, &self.now)?)
    }

    fn restart(&self, id: &str, json: bool, output: &mut Output<'_>) -> anyhow::Result<Exit> {
        self.known(id)?;
        super::wait(async {
            let Reached::Live(live) = daemon::find(&self.data_dir).await? else {
                output.print("no daemon runs, and so no module\n")?;
                return Ok(Exit::NotRunning);
            };
            let path = format!("/control/modules/{id}/restart");
            match live.peer.send(Method::POST, &path, Body::empty()).await {
                Ok(_) => {
                    say(output, json, id, "restarted", &format!("module {id} is started anew\n"))
                }
                Err(CallError::Refused { status: StatusCode::NOT_FOUND, .. }) => bail!(
                    "this daemon does not restart single modules; restart it with \
                     `oriel daemon restart`"
                ),
                Err(error) => Err(error).context(format!("cannot restart module {id}")),
            }
        })
    }

    /// Adds what is to be done where a daemon runs that knows nothing of it.
    fn and_the_daemon(&self, id: &str, said: String) -> String {
        if daemon_seems_to_run(&self.data_dir) {
            let next = format!("`oriel modules restart {id}`");
            format!("{said}; the daemon takes note of it with {next}\n")
        } else {
            said + "\n"
        }
    }
}

/// Returns whether a daemon seems to run, which is enough to know for a hint.
fn daemon_seems_to_run(data_dir: &Path) -> bool {
    let health = daemon::health::read(data_dir).ok().flatten();
    health.is_some_and(|health| process_runs(health.pid))
}

fn say(
    output: &mut Output<'_>,
    json: bool,
    id: &str,
    done: &str,
    said: &str,
) -> anyhow::Result<Exit> {
    if json {
        output.json(&json!({ "id": id, "done": done }))?;
    } else {
        output.print(said)?;
    }
    Ok(Exit::Done)
}
