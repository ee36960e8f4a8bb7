//! `oriel demo`: a daemon of its own with made-up agents at work, for looking at.
//!
//! Everything of it is in a temporary folder that is removed at the end: its data, its home, the
//! histories that it imports, and the folders that it keeps equal. It takes no setting from the environment or from files, and listens on
//! free ports, so the hooks of this machine do not tell it anything.

mod cast;
mod history;
mod live;
mod project;
mod standing;
mod tales;
mod work;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use oriel_runtime::settings::{Flag, Folders};

use super::seed::{self, story};
use oriel_launcher::Keeper;

use crate::Exit;
use crate::args::{Color, Demo};
use crate::output::Output;
use crate::service::Service;
use crate::{platform, progress};
use oriel_daemon::Surroundings;

/// What the story is made of: enough that every page has something to show.
const EVENTS: usize = 2_400;
const SESSIONS: usize = 48;
const DAYS: u32 = 30;
const SEED: u64 = 7;

/// What is said before anything else, so that nobody takes it for their own.
const BANNER: &str = "This is a demonstration: the agents, their work and what it cost are made up. \
    Your own data is not touched, and this is removed when you press Ctrl-C.\n";

/// Variables that say something about the screen and not about Oriel or an agent.
const KEPT: [&str; 9] = [
    "PATH",
    "LANG",
    "TERM",
    "NO_COLOR",
    "TZ",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];

/// Tells the story, then serves it until a signal ends it.
pub(super) fn run(
    demo: &Demo,
    color: Color,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    platform::create_only_private_files();
    let folder = tempfile::Builder::new().prefix("oriel-demo-").tempdir();
    let folder = folder.context("a temporary folder cannot be made for the demonstration")?;
    let own = own_surroundings(surroundings, folder.path(), demo.print)?;
    let flags = flags(demo, folder.path());
    let folders = work::Folders::make(folder.path())?;
    output.print(BANNER)?;
    let now = jiff::Timestamp::try_from(surroundings.clock.now())?;
    history::write(&folder.path().join("home"), now)?;
    super::wait(progress::show("making up the past", tell(&own, &flags, now)))?;
    output.print(&folders.said())?;
    let config = own.resolve(&flags)?.config;
    if !demo.still {
        live::begin(config.clone(), surroundings.clock.clone());
    }
    // It ends before the folder is removed.
    let _work = work::Work::begin(config, folders, demo.still);
    super::serve::run(&flags, Keeper::from_word(None), color, true, &own, output)
}

/// Returns the surroundings of somebody who has nothing but the demonstration.
fn own_surroundings(
    surroundings: &Surroundings,
    folder: &Path,
    only_print: bool,
) -> anyhow::Result<Surroundings> {
    let is_kept = |name: &str| {
        KEPT.contains(&name) && !(only_print && matches!(name, "DISPLAY" | "WAYLAND_DISPLAY"))
    };
    let environment: BTreeMap<String, String> = surroundings
        .environment
        .iter()
        .filter(|(name, _)| is_kept(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let home = folder.join("home");
    std::fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
    let folders = Folders { home: Some(home), working: folder.to_owned() };
    let (clock, program) = (surroundings.clock.clone(), surroundings.program.clone());
    Ok(Surroundings { environment, folders, clock, program })
}

fn flags(demo: &Demo, folder: &Path) -> Vec<Flag> {
    let flag = |name: &str, key: &str, value: String| Flag {
        name: name.to_owned(),
        key: key.to_owned(),
        value,
    };
    vec![
        flag("--data-dir", "data_dir", folder.join("data").to_string_lossy().into_owned()),
        flag("--port", "listen.port", demo.port.to_string()),
        flag("--console-port", "console.port", demo.console_port.to_string()),
        flag("--set", "gateway.port", "0".to_owned()),
        flag("--set", "log.level", "warn".to_owned()),
        flag("--set", "budget.daily_usd", "25".to_owned()),
        flag("--set", "budget.monthly_usd", "400".to_owned()),
    ]
}

/// Stores the past, before anybody looks.
async fn tell(own: &Surroundings, flags: &[Flag], now: jiff::Timestamp) -> anyhow::Result<()> {
    let config = own.resolve(flags)?.config;
    let plan = story::Plan { events: EVENTS, sessions: SESSIONS, days: DAYS, seed: SEED, now };
    let service = Service::reach(config).await?;
    let told = async {
        seed::post(&service, &story::tell(&plan)).await?;
        seed::post(&service, &standing::unpriced(now)).await?;
        for said in standing::scenes(now) {
            said.post(&service).await?;
        }
        anyhow::Ok(())
    };
    let told = told.await;
    service.close().await;
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn every_event_of_the_story_is_taken_and_nothing_of_the_user_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config(folder.path());
        let variables = [("ORIEL_DATA_DIR", "/theirs"), ("CODEX_HOME", "/theirs"), ("TERM", "x")];
        let theirs = Surroundings {
            environment: variables.map(|(name, value)| (name.into(), value.into())).into(),
            folders: Folders { home: Some("/theirs".into()), working: "/theirs".into() },
            clock: config.clock.clone(),
            program: None,
        };
        let own = own_surroundings(&theirs, folder.path(), true).unwrap();
        assert_eq!(own.environment.keys().collect::<Vec<_>>(), ["TERM"]);
        let demo = Demo { port: 0, console_port: 0, print: true, still: true };
        let flags = flags(&demo, folder.path());
        let resolved = own.resolve(&flags).unwrap();
        let seen = format!("{resolved:?}");
        assert!(!seen.contains("/theirs"), "{seen}");

        let now = jiff::Timestamp::try_from(config.clock.now()).unwrap();
        tell(&own, &flags, now).await.unwrap();
        let service = Service::reach(resolved.config).await.unwrap();
        let stats: serde_json::Value = service.get("/api/stats").await.unwrap();
        let waiting: serde_json::Value = service.get("/api/waiting").await.unwrap();
        let limits: serde_json::Value = service.get("/api/limits").await.unwrap();
        service.close().await;
        assert!(stats["total_events"].as_u64() > Some(EVENTS as u64), "{stats}");
        assert!(waiting.to_string().contains("terraform apply"), "{waiting}");
        assert!(limits.to_string().contains("five_hour"), "{limits}");
    }
}
