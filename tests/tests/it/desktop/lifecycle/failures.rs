//! Every class of failure, made for real: its page, its line in the log, and the way out of it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use oriel_tests::desktop::{Desktop, Options, Seat};
use oriel_tests::front::{Front, htmx};
use oriel_tests::{Home, Launch};

use super::super::bridge::routes;

/// Waits until the window shows a failure, and checks that it is this one, that it is written down and that
/// the page says what may be done.
fn shown(desktop: &Desktop, word: &str) {
    desktop.until(
        &format!("the page of {word}"),
        &format!(
            "location.pathname === '/__oriel/failure' && document.querySelector('.word')?.innerText === '{word}'"
        ),
    );
    assert!(desktop.has("h1") && desktop.has("form[action='/__oriel/retry'] button"));
    assert!(20 < desktop.text("#advice").len(), "{}", desktop.text("main"));
    desktop.files().until_trace("desktop/failure", |trace| trace["failure"] == word);
    // The page of diagnostics knows it too, and needs no service.
    let page = desktop.fetch("/__oriel/diagnostics");
    assert!(page.contains(word), "{page}");
}

/// Presses the button, and waits until the page has taken it up.
fn try_again(desktop: &Desktop) {
    desktop.eval("window.stays = true");
    desktop.click("form[action='/__oriel/retry'] button");
    desktop.until("the page to go on", "!window.stays");
}

#[test]
fn daemon_launcher_unreachable_is_told_and_mended() {
    let home = Home::new();
    let seat = Seat::of(&home);
    // A folder where the daemon's store is to be, so that no daemon comes to run.
    std::fs::create_dir_all(home.data_dir()).unwrap();
    std::fs::set_permissions(home.data_dir(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let lock = home.data_dir().join("logs");
    std::fs::write(&lock, "no folder").unwrap();
    let desktop = Desktop::at(&seat, &Options::supervise());
    shown(&desktop, "daemon-launcher-unreachable");
    assert!(desktop.has("pre.command"), "{}", desktop.text("main"));
    std::fs::remove_file(&lock).unwrap();
    try_again(&desktop);
    desktop.until_console();
}

#[test]
fn daemon_control_unreachable_is_told_and_found_again_by_itself() {
    let home = Home::new();
    let seat = Seat::of(&home);
    let desktop = Desktop::at(&seat, &Options::attach());
    shown(&desktop, "daemon-control-unreachable");
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    desktop.until_console();
    drop(daemon);
}

#[test]
fn console_launcher_unreachable_is_told_and_mended() {
    let home = Home::new();
    // A folder is where the console keeps its sessions.
    let sessions = home.data_dir().join("console/sessions.json");
    std::fs::create_dir_all(&sessions).unwrap();
    for folder in [home.data_dir(), home.data_dir().join("console")] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    shown(&desktop, "console-launcher-unreachable");
    std::fs::remove_dir(&sessions).unwrap();
    try_again(&desktop);
    desktop.until_console();
}

#[test]
fn console_bind_missing_is_told_and_mended() {
    let home = Home::new();
    let mut daemon = Launch::new()
        .home(&home)
        .set("import.auto", "false")
        .set("console.enabled", "false")
        .start();
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    shown(&desktop, "console-bind-missing");
    assert!(daemon.terminate().status.success());
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    desktop.until_console();
    drop(daemon);
}

#[test]
fn console_http_unreachable_is_told_and_mended() {
    let home = Home::new();
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    let right = home.read("console/bind");
    // Nobody listens at a port that was free a moment ago and is held by nobody.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.write("console/bind", &format!("{closed}\n"));
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    shown(&desktop, "console-http-unreachable");
    // A place on another machine is refused by its form, whoever listens there.
    home.write("console/bind", "192.0.2.1:80\n");
    try_again(&desktop);
    shown(&desktop, "console-http-unreachable");
    home.write("console/bind", &right);
    desktop.until_console();
    drop(daemon);
}

#[test]
fn port_in_use_is_told_with_who_has_it_and_mended() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let desktop = Desktop::start(&Options::new().flag("--port", &port));
    shown(&desktop, "port-in-use");
    let said = desktop.text("main");
    for part in [port.as_str(), "listen.port"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    drop(taken);
    try_again(&desktop);
    desktop.until_console();
    assert_eq!(desktop.daemon().port().to_string(), port, "never another port in silence");
}

#[test]
fn local_readiness_gate_is_the_consoles_own_affair() {
    let home = Home::new();
    home.write("config.toml", "nonsense");
    let desktop = Desktop::at(&Seat::of(&home), &Options::new());
    desktop.until_console();
    desktop.go("/readiness");
    desktop.until_text("config-invalid");
    assert_eq!(desktop.files().traces_of("desktop/failure"), Vec::<serde_json::Value>::new());
}

#[test]
fn a_console_that_is_lost_behind_the_window_says_so_and_is_found_again() {
    let home = Home::new();
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    let front = Front::before(&daemon, routes(&htmx(&daemon)));
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach().place("/trial"));
    desktop.until_at("/trial");
    drop(front);
    desktop.eval("void (location.href = '/status')");
    desktop.until_text("The console does not answer");
    desktop.files().until_trace("desktop/app-protocol-proxy-error", |trace| {
        trace["path"] == "/status" && trace["surface"] == "console"
    });
    assert!(desktop.is_alive());
}
