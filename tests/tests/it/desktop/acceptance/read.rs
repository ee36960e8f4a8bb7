//! The criteria that are read in what the program is made of, and then tried.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use oriel_tests::desktop::{Desktop, Options};
use oriel_tests::wait;
use serde_json::Value;

use super::super::{invoke, source};

/// Which list grants what. What is on none may be called by nobody.
const TABLE: [(&str, &[&str]); 4] = [
    (
        "console",
        &[
            "desktop_runtime_status",
            "desktop_health",
            "preview_open",
            "preview_url",
            "pick_file",
            "notify_test",
            "window_new",
            "window_zoom",
            "window_title_bar",
        ],
    ),
    ("diagnostics", &["desktop_runtime_status", "desktop_health", "retry_start"]),
    (
        "workbench",
        &[
            "files_call",
            "files_call_text",
            "compute_start",
            "compute_ask",
            "compute_interrupt",
            "compute_stop",
            "files_grant",
            "files_open_settings",
            "files_stepped_down",
        ],
    ),
    (
        "sync",
        &[
            "start_sync",
            "stop_sync",
            "sync_status",
            "confirm_sync",
            "resolve_conflict",
            "conflict_versions",
        ],
    ),
];

/// What a list grants of the shell's own: to hear what the host tells.
const HEARS: [&str; 2] = ["core:event:allow-listen", "core:event:allow-unlisten"];

#[test]
fn criterion_10_processes_are_started_and_stopped_by_the_launcher() {
    let uses = dependencies("oriel-desktop");
    assert!(uses.contains("oriel-launcher"));
    for (file, text) in sources("desktop/src") {
        for word in ["systemctl", "launchctl", "systemd-run", "sc.exe", "fork(", "setsid"] {
            assert!(!text.contains(word), "{file} does with {word} what the launcher is for");
        }
        let spawns = text.contains("Command::new(");
        // The last are tests beside the code.
        let is_known =
            ["preview.rs", "desktop.rs", "tests.rs"].iter().any(|known| file.ends_with(known));
        assert!(!spawns || is_known, "{file} starts a process by itself");
    }

    let mut desktop = Desktop::start_bare(&Options::supervise());
    let addr = desktop.files().daemon();
    let pid = desktop.files().daemon_pid().expect("a daemon says who it is");
    assert_ne!(pid, desktop.pid(), "the daemon is a process of its own");
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert!(program.ends_with("oriel"), "{}", program.display());
    wait::until("the daemon to listen", || std::net::TcpStream::connect(addr).ok());
    desktop
        .files()
        .until_trace("desktop/daemon-start-requested", |trace| trace["by"] == "launcher");
    desktop.files().until_trace("desktop/services-up", |_| true);
    assert!(desktop.signal(oriel_tests::Signal::TERM).success(), "{}", desktop.log());
    wait::until("the daemon to be stopped with it", || {
        (!Path::new(&format!("/proc/{pid}")).exists() || is_zombie(pid)).then_some(())
    });
}

#[test]
fn criterion_14_a_command_is_the_hosts_affair_and_no_way_around_the_pages() {
    let mut declared = words(&source("desktop/build.rs"), "const COMMANDS", "];");
    declared.extend(words(&source("desktop/build.rs"), "const SYNC_COMMANDS", "];"));
    let granted: BTreeMap<String, BTreeSet<String>> = TABLE
        .iter()
        .map(|(label, commands)| {
            let commands = commands.iter().map(ToString::to_string).collect();
            ((*label).to_owned(), commands)
        })
        .collect();
    let all: BTreeSet<String> = granted.values().flatten().cloned().collect();
    assert_eq!(declared, all, "every command is declared and granted to somebody");
    let handled = source("desktop/src/main.rs");
    for command in &all {
        assert!(
            handled.contains(&format!("commands::{command}")),
            "{command} is declared and not there"
        );
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../desktop/capabilities");
    let mut files = BTreeMap::new();
    let lists = [folder.clone(), folder.join("sync")];
    let lists = lists.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    for file in lists.filter(|file| file.path().is_file()) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let capability: Value = serde_json::from_str(&text).unwrap();
        let permissions = capability["permissions"].as_array().unwrap();
        let commands: BTreeSet<String> = permissions
            .iter()
            .map(|permission| permission.as_str().expect("a permission is a word"))
            .filter(|word| !HEARS.contains(word))
            .map(|word| word.strip_prefix("allow-").unwrap_or(word).replace('-', "_"))
            .collect();
        files.insert(capability["identifier"].as_str().unwrap().to_owned(), commands);
    }
    assert_eq!(files, granted, "the capability files grant what the table says");
    let routes = source("crates/console/src/routes.rs");
    for command in &all {
        let route = format!("\"/{}\"", command.replace('_', "/"));
        assert!(!routes.contains(&route), "{command} is a page of the console");
        for word in ["http", "fetch", "request", "sign", "event", "store", "session", "control"] {
            assert!(!command.contains(word), "{command} does what pages do");
        }
    }

    let desktop = Desktop::with_console(&Options::new());
    assert_eq!(desktop.eval("typeof window.__TAURI__"), "undefined");
    assert_eq!(invoke(&desktop, "desktop_runtime_status", "{}").unwrap()["state"], "up");
    for (command, arguments) in [
        ("retry_start", "{}"),
        ("http", "{ method: 'GET', path: '/status' }"),
        ("operator_action", "{}"),
        ("plugin:dialog|open", "{ options: {} }"),
        ("plugin:fs|read_text_file", "{ path: '/etc/passwd' }"),
        ("plugin:shell|execute", "{ program: 'true' }"),
        ("plugin:window|create", "{ options: { label: 'x' } }"),
        ("plugin:webview|create_webview_window", "{ options: { label: 'x', url: '/' } }"),
        ("plugin:event|emit", "{ event: 'x', payload: 1 }"),
        ("plugin:path|resolve_directory", "{ directory: 21 }"),
        ("plugin:app|version", "{}"),
    ] {
        let came = invoke(&desktop, command, arguments);
        assert!(came.is_err(), "{command} gives {came:?}");
    }
}

#[test]
fn the_preview_is_built_without_the_host() {
    let uses = closure("oriel-preview");
    assert!(uses.contains("webkit2gtk"), "{uses:?}");
    let ours: Vec<&String> = uses.iter().filter(|name| name.starts_with("oriel-")).collect();
    let allowed = ["oriel-bridge", "oriel-link", "oriel-wire", "oriel-model"];
    assert!(ours.iter().all(|name| allowed.contains(&name.as_str())), "{ours:?}");
    let tauri: Vec<&String> = uses.iter().filter(|name| name.starts_with("tauri")).collect();
    assert!(tauri.is_empty(), "{tauri:?}");
}

/// Returns the packages that one uses itself.
fn dependencies(package: &str) -> BTreeSet<String> {
    locked().remove(package).unwrap_or_else(|| panic!("{package} is no package"))
}

/// Returns every package that one cannot be built without.
fn closure(package: &str) -> BTreeSet<String> {
    let locked = locked();
    let mut all = BTreeSet::new();
    let mut next = vec![package.to_owned()];
    while let Some(name) = next.pop() {
        for used in locked.get(&name).into_iter().flatten() {
            if all.insert(used.clone()) {
                next.push(used.clone());
            }
        }
    }
    all
}

/// Reads what each package uses. Versions are left out, which can only make the answer larger.
fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let text = source("Cargo.lock");
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let name = package.lines().find_map(|line| line.strip_prefix("name = \""));
        let name = name.expect("a package has a name").trim_end_matches('"').to_owned();
        let uses = words(package, "dependencies = [", "]");
        let uses = uses.iter().filter_map(|one| one.split(' ').next()).map(str::to_owned);
        packages.entry(name).or_default().extend(uses);
    }
    packages
}

/// Returns the quoted words between two marks.
fn words(text: &str, start: &str, end: &str) -> BTreeSet<String> {
    let Some((_, rest)) = text.split_once(start) else { return BTreeSet::new() };
    let rest = rest.split_once(end).map_or(rest, |(words, _)| words);
    rest.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let (mut folders, mut files) = (vec![root], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.display().to_string(), text));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

fn is_zombie(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}
