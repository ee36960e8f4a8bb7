//! A module runs only as it was signed, comes back when it dies, and ends with all it started.

use std::time::Duration;

use oriel_sign::Key;
use oriel_sign::module::Module;
use oriel_wire::module::{ModuleStanding, ModuleState, ModuleView};

use super::*;
use crate::platform;

/// Runs until its standard input closes, as a module must.
const GOOD: &str = "echo listening on 4000; exec cat";

const NOW: &str = "2026-03-01T10:00:00Z";

#[tokio::test]
async fn only_what_the_operator_signed_is_started() {
    let home = Home::new();
    for id in ["denied", "signed", "stale", "unsigned"] {
        home.install(id, GOOD);
    }
    home.sign("signed");
    home.sign("stale");
    std::fs::write(home.module("stale").join("more"), "").unwrap();
    Module::open(&home.module("denied")).unwrap().deny(NOW).unwrap();
    std::fs::create_dir(home.module("broken")).unwrap();
    std::fs::write(home.module("broken").join("module.toml"), "id = 1").unwrap();

    let modules = home.start();
    let all = until(&modules, |all| all.iter().all(|m| m.state != ModuleState::Starting)).await;
    let told: Vec<_> = all.iter().map(|m| (m.id.as_str(), m.state, m.standing)).collect();
    let expected = [
        ("broken", ModuleState::Broken, ModuleStanding::Unknown),
        ("denied", ModuleState::Refused, ModuleStanding::Denied),
        ("signed", ModuleState::Running, ModuleStanding::Signed),
        ("stale", ModuleState::Refused, ModuleStanding::Stale),
        ("unsigned", ModuleState::Refused, ModuleStanding::Unsigned),
    ];
    assert_eq!(told, expected);
    assert!(all.iter().all(|m| (m.pid.is_some()) == (m.id == "signed")), "{all:?}");
    assert_eq!(modules.reach("signed").await.unwrap().link.to_string(), "127.0.0.1:4000");
    assert!(modules.reach("stale").await.is_none());

    home.sign("unsigned");
    modules.restart("unsigned").await.unwrap();
    state(&modules, "unsigned", ModuleState::Running).await;
    modules.shutdown().await;
}

#[tokio::test]
async fn a_module_that_changed_is_not_started_again() {
    let home = Home::new();
    home.install("hello", GOOD);
    home.sign("hello");
    let modules = home.start();
    let pid = state(&modules, "hello", ModuleState::Running).await.pid.unwrap();
    std::fs::write(home.module("hello").join("more"), "").unwrap();
    platform::signal_group(pid, rustix::process::Signal::KILL);
    let refused = state(&modules, "hello", ModuleState::Refused).await;
    assert_eq!((refused.standing, refused.pid), (ModuleStanding::Stale, None));
    assert!(modules.reach("hello").await.is_none());
    modules.shutdown().await;
}

#[tokio::test]
async fn a_module_that_dies_comes_back_with_another_token_until_it_is_given_up() {
    let home = Home::new();
    home.install("hello", GOOD);
    home.sign("hello");
    let modules = home.start();
    let mut pid = 0;
    let mut token = String::new();
    for _ in 0..QUICK_DEATHS_MAX {
        let mut alive =
            |all: &[ModuleView]| all[0].state == ModuleState::Running && all[0].pid.unwrap() != pid;
        let view = until(&modules, &mut alive).await.remove(0);
        pid = view.pid.unwrap();
        let reach = modules.reach("hello").await.unwrap();
        assert_ne!(reach.token, token);
        assert!(!format!("{reach:?}").contains(&reach.token));
        token = reach.token;
        platform::signal_group(pid, rustix::process::Signal::KILL);
    }
    let view = state(&modules, "hello", ModuleState::GivenUp).await;
    assert!(view.last_error.unwrap().contains("signal: 9"));
    modules.restart("hello").await.unwrap();
    state(&modules, "hello", ModuleState::Running).await;
    modules.stop("hello").await.unwrap();
    let gone = |all: &[ModuleView]| (all[0].pid, all[0].port) == (None, None);
    assert_eq!(until(&modules, gone).await[0].state, ModuleState::Stopped);
    let unknown = ModulesError::Unknown("../hello".to_owned());
    assert_eq!(modules.restart("../hello").await, Err(unknown.clone()));
    assert_eq!(modules.stop("../hello").await, Err(unknown));
    modules.shutdown().await;
    assert_eq!(modules.restart("hello").await, Err(ModulesError::Stopping));
}

#[tokio::test]
async fn a_module_sees_nothing_of_the_daemons_environment() {
    let home = Home::new();
    home.install("hello", "env; exec cat");
    home.sign("hello");
    let modules = home.start();
    let seen = |all: &[ModuleView]| all[0].log_tail.contains("ORIEL_MODULE_TOKEN=");
    let log = until(&modules, seen).await.remove(0).log_tail;
    let mut names: Vec<_> = log.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let expected = ["ORIEL_MODULE_ID", "ORIEL_MODULE_MOUNT", "ORIEL_MODULE_TOKEN", "PATH", "TZ"];
    assert_eq!(names, expected);
    assert!(log.contains("ORIEL_MODULE_MOUNT=/modules/hello/"), "{log}");
    modules.shutdown().await;
}

#[tokio::test]
async fn who_does_not_say_where_it_listens_is_ended() {
    let home = Home::new();
    home.install("deaf", "exec >/dev/null 2>&1; sleep 1000");
    home.install("mute", "sleep 1000");
    home.sign("deaf");
    home.sign("mute");
    let modules = Modules::start(ModulesConfig {
        pace: Pace { told_within: Duration::from_millis(50), ..pace() },
        ..home.config()
    });
    let given_up = |all: &[ModuleView]| all.iter().all(|m| m.state == ModuleState::GivenUp);
    for view in until(&modules, given_up).await {
        assert!(view.last_error.unwrap().contains("`listening on PORT`"), "{}", view.id);
    }
    modules.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_ends_the_stubborn_and_what_they_started() {
    let home = Home::new();
    home.install(
        "hello",
        "trap '' TERM; sleep 1000 & echo $!; echo listening on 1; wait; cat; wait",
    );
    home.sign("hello");
    let modules = home.start();
    let view = state(&modules, "hello", ModuleState::Running).await;
    let child: u32 = view.log_tail.lines().next().unwrap().parse().unwrap();
    assert_eq!(running(&home.data_dir(), "hello"), view.pid);
    assert!(platform::process_runs(child));
    modules.shutdown().await;
    assert!(!platform::process_runs(view.pid.unwrap()));
    assert!(!platform::process_runs(child));
    assert_eq!(running(&home.data_dir(), "hello"), None);
}

#[tokio::test]
async fn the_last_handle_takes_the_modules_with_it() {
    let home = Home::new();
    home.install("hello", GOOD);
    home.sign("hello");
    let modules = home.start();
    let pid = state(&modules, "hello", ModuleState::Running).await.pid.unwrap();
    drop(modules);
    while platform::process_runs(pid) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_module_at_an_address_is_only_reached() {
    let home = Home::new();
    home.install_with("far", "[start]\naddress = \"127.0.0.1:4001\"\n");
    let modules = home.start();
    state(&modules, "far", ModuleState::Refused).await;
    assert!(modules.reach("far").await.is_none());
    home.sign("far");
    modules.restart("far").await.unwrap();
    state(&modules, "far", ModuleState::Elsewhere).await;
    let reach = modules.reach("far").await.unwrap();
    assert_eq!(reach.link.to_string(), "127.0.0.1:4001");
    let token =
        platform::read_private(&home.data_dir().join("health/module-far.token"), &home.data_dir());
    assert_eq!(token.unwrap(), reach.token);
    assert_eq!(modules.stop("far").await, Err(ModulesError::Elsewhere("far".to_owned())));
    modules.shutdown().await;
}

#[tokio::test]
async fn a_module_that_was_removed_is_forgotten() {
    let home = Home::new();
    home.install("hello", GOOD);
    home.sign("hello");
    let modules = home.start();
    state(&modules, "hello", ModuleState::Running).await;
    std::fs::remove_dir_all(home.module("hello")).unwrap();
    modules.restart("hello").await.unwrap();
    until(&modules, <[ModuleView]>::is_empty).await;
    assert!(modules.restart("hello").await.is_err());
    modules.shutdown().await;
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for folder in ["health", "logs", "modules"] {
            platform::make_private_dir(&home.data_dir().join(folder)).unwrap();
        }
        Key::create(&home.data_dir().join("keys")).unwrap();
        home
    }

    fn data_dir(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn module(&self, id: &str) -> PathBuf {
        self.data_dir().join("modules").join(id)
    }

    fn install(&self, id: &str, script: &str) {
        let script =
            format!("[start]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{script}\"]\n");
        self.install_with(id, &script);
    }

    fn install_with(&self, id: &str, start: &str) {
        std::fs::create_dir(self.module(id)).unwrap();
        let text = format!("id = \"{id}\"\nversion = \"1\"\nlabel = \"A {id}\"\n{start}");
        std::fs::write(self.module(id).join("module.toml"), text).unwrap();
    }

    fn sign(&self, id: &str) {
        let key = Key::open(&self.data_dir().join("keys")).unwrap().unwrap();
        Module::open(&self.module(id)).unwrap().sign(&key, NOW).unwrap();
    }

    fn config(&self) -> ModulesConfig {
        let variables = [("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("SECRET", "x")];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ModulesConfig { data_dir: self.data_dir(), environment: environment.into(), pace: pace() }
    }

    fn start(&self) -> Modules {
        Modules::start(self.config())
    }
}

fn pace() -> Pace {
    let tenth = Duration::from_millis(100);
    Pace { first: Duration::ZERO, longest: Duration::ZERO, gone_within: tenth, ..Pace::default() }
}

async fn state(modules: &Modules, id: &str, state: ModuleState) -> ModuleView {
    let found = |all: &[ModuleView]| all.iter().any(|m| m.id == id && m.state == state);
    until(modules, found).await.into_iter().find(|view| view.id == id).unwrap()
}

async fn until(modules: &Modules, mut holds: impl FnMut(&[ModuleView]) -> bool) -> Vec<ModuleView> {
    let wait = async {
        loop {
            let all = modules.list().await;
            if holds(&all) {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), wait).await {
        Ok(all) => all,
        Err(_) => panic!("it does not come to be: {:#?}", modules.list().await),
    }
}
