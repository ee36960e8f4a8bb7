//! A browser may change things once a person has opened a one-time link in it, and no sooner.

use oriel_tests::browser::{Browser, Options};
use oriel_tests::{Daemon, console};

#[test]
fn a_one_time_link_starts_a_session_once() {
    let daemon = Daemon::start();
    let link = console::one_time_link(&daemon);
    let first = Browser::with(Options { network: false, ..Options::default() });
    first.visit(daemon.console(), "/status");
    assert!(!first.has("form[action='/theme']"), "a stranger is offered no form");
    first.goto(&link);
    first.until("the welcome to go on", "location.pathname === '/'");
    first.visit(daemon.console(), "/status");
    assert!(first.has("form[action='/theme']"));
    assert_eq!(first.eval("document.cookie"), "", "no script reads the session's name");

    let second = Browser::with(Options { network: false, ..Options::default() });
    second.goto(&link);
    assert!(second.text("main").contains("oriel open"), "{}", second.text("main"));
    second.visit(daemon.console(), "/status");
    assert!(!second.has("form[action='/theme']"));
}
