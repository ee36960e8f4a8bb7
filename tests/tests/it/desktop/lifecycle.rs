//! A desktop starts, is started twice, loses what it shows and finds it again, is killed and comes back; and
//! what can fail is made to fail, told apart, shown, written down and mended.

mod failures;

use oriel_tests::desktop::{Bare, Desktop, Options, Seat};
use oriel_tests::events::event;
use oriel_tests::{Home, Launch, Signal, wait};

#[test]
fn a_second_start_hands_over_its_place_and_brings_the_first_to_the_front() {
    let desktop = Desktop::with_console(&Options::new());
    let second = Bare::run(desktop.seat(), &Options::new().place("/sessions"));
    second.done();
    desktop.until_at("/sessions");
    let third = Bare::run(desktop.seat(), &Options::new().place("oriel:costs"));
    third.done();
    desktop.until_at("/costs");
    Bare::run(desktop.seat(), &Options::new()).done();
    assert_eq!(desktop.path(), "/costs", "without a place the page stays");
    for bad in ["https://example.org/", "/__oriel/retry", "oriel://example.org/", "x"] {
        Bare::run(desktop.seat(), &Options::new().place(bad)).failed(1);
        assert_eq!(desktop.path(), "/costs", "{bad}");
    }
    assert_eq!(desktop.seat().display().windows().len(), 1);
    assert_eq!(desktop.files().traces_of("desktop/started").len(), 1);
}

#[test]
fn a_hidden_start_has_no_window_until_a_second_start_asks_for_one() {
    let desktop = Desktop::start_bare(&Options::new().bare_flag("--hidden"));
    desktop.files().until_trace("desktop/services-up", |_| true);
    assert_eq!(desktop.seat().display().windows(), Vec::<String>::new());
    Bare::run(desktop.seat(), &Options::new()).done();
    _ = desktop.seat().display().until_window("Oriel");
}

#[test]
fn the_page_goes_on_when_the_daemon_within_starts_again() {
    let desktop = Desktop::with_console(&Options::new());
    desktop.go("/sessions");
    desktop.store(&event("before"));
    _ = desktop.control("POST", "/control/restart").expect(202);
    desktop.files().until_trace("desktop/services-up", |trace| trace["generation"] == 2);
    desktop.store(&event("after"));
    desktop.until_text("s1");
    desktop.click("#nav a[href='/status']");
    desktop.until_at("/status");
    desktop.click("form[action='/theme'] button");
    desktop.until("a form of the page before", "document.documentElement.dataset.theme === 'dark'");
    assert!(desktop.is_alive());
}

#[test]
fn the_page_goes_on_when_the_daemon_beside_was_killed_and_started_again() {
    let home = Home::new();
    let mut daemon = Launch::new().home(&home).set("import.auto", "false").start();
    let desktop = Desktop::at(&Seat::of(&home), &Options::attach());
    desktop.until_console();
    daemon.store(&event("before"));
    daemon.kill();
    desktop.files().until_trace("desktop/failure", |_| true);
    daemon.restart();
    desktop.files().until_trace("desktop/services-up", |trace| trace["generation"] == 2);
    daemon.store(&event("after"));
    // The page finds the daemon by itself, and only then is it what it was.
    desktop.until_text("2 events");
    desktop.click("#nav a[href='/sessions']");
    desktop.until("the sessions", "location.pathname === '/sessions' && document.querySelector('main h1')?.innerText === 'Sessions'");
    desktop.until_text("s1");
    // Its session is a new one, and the page's forms carry the old one's proof until it is loaded anew.
    desktop.go("/status");
    desktop.click("form[action='/theme'] button");
    desktop.until("a form that works", "document.documentElement.dataset.theme === 'dark'");
}

#[test]
fn a_daemon_that_runs_already_is_shown_and_left_running() {
    let home = Home::new();
    let daemon = Launch::new().home(&home).set("import.auto", "false").start();
    let seat = Seat::of(&home);
    let desktop = Desktop::at(&seat, &Options::new());
    desktop.until_console();
    assert_eq!(desktop.files().daemon_pid(), Some(daemon.pid()));
    let pid = desktop.pid();
    oriel_tests::kill(pid, Signal::TERM);
    desktop.until_gone();
    assert_eq!(daemon.get("/api/health").status, 200);
}

#[test]
fn a_daemon_is_started_beside_the_desktop_and_stopped_with_it() {
    let desktop = Desktop::start(&Options::supervise());
    desktop.until_console();
    let pid = desktop.files().daemon_pid().expect("a daemon says who it is");
    assert_ne!(pid, desktop.pid());
    desktop.store(&event("kept"));
    oriel_tests::kill(desktop.pid(), Signal::TERM);
    desktop.until_gone();
    gone(pid);
    let home = desktop.home().clone();
    drop(desktop);
    let daemon = Launch::new().home(&home).start();
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 1);
    daemon.verify();
}

#[test]
fn a_desktop_that_was_killed_starts_again_on_the_same_data() {
    let seat = Seat::new();
    let first = Desktop::at(&seat, &Options::new());
    first.until_console();
    first.store(&event("kept"));
    let pid = first.pid();
    oriel_tests::kill(pid, Signal::KILL);
    first.until_gone();
    let control = seat.home().data_dir().join("desktop/control");
    assert!(control.join("desktop.sock").exists(), "a killed process takes nothing with it");
    drop(first);

    let second = Desktop::at(&seat, &Options::new());
    second.until_console();
    assert_ne!(second.pid(), pid);
    assert_eq!(second.files().daemon_pid(), Some(second.pid()));
    second.go("/sessions");
    second.until_text("s1");
    assert_eq!(second.files().traces_of("desktop/started").len(), 2);
    seat.home().oriel(&["store", "verify"]).done();
}

#[test]
fn asked_to_end_it_ends_in_good_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut desktop = Desktop::start_bare(&Options::new());
        desktop.files().until_trace("desktop/services-up", |_| true);
        _ = desktop.seat().display().until_window("Oriel");
        assert!(desktop.signal(signal).success(), "{}", desktop.log());
        desktop.files().until_trace("desktop/ended", |_| true);
        let verified = desktop.home().oriel(&["store", "verify", "--json"]).json();
        assert_eq!(verified["ok"], true);
    }
}

#[test]
fn a_start_without_a_display_says_so() {
    let seat = Seat::new();
    let ended = Bare::run(&seat, &Options::new().variable("DISPLAY", ":0.9"));
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("display"), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

/// Waits until a process is gone.
fn gone(pid: u32) {
    wait::until("the daemon to be gone", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_dead = stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'));
        is_dead.then_some(())
    });
}

#[test]
fn a_title_bar_of_the_pages_own_does_what_the_systems_would() {
    let desktop = Desktop::with_console(&Options::new().set("desktop.title_bar", "own"));
    desktop.until("the title bar", "document.documentElement.dataset.titlebar === 'own'");
    assert!(
        30.0 < desktop.eval("document.querySelector('.titlebar').offsetHeight").as_f64().unwrap()
    );
    // Nothing runs, so the last window's end is the desktop's.
    desktop.eval("void document.querySelector('.titlebar [data-window=close]').click()");
    desktop.until_gone();
    let usual = Desktop::with_console(&Options::new());
    usual.until("the desktop to be known", "document.documentElement.dataset.host === 'desktop'");
    assert_eq!(usual.eval("document.querySelector('.titlebar').offsetHeight"), 0);
}
