//! The console in a real browser: it shows what is there, makes no trouble, tells of news, and runs
//! nothing that an agent wrote.
//!
//! Tests go over the pages that the console itself links to, so a new page is tested by being there.

mod alone;
mod everyone;
mod hostile;
mod keyboard;
mod live;
mod pages;
mod sessions;
mod sync;

use std::net::SocketAddr;

use oriel_tests::browser::{Browser, Options};
use oriel_tests::{Console, Daemon, console};

/// A daemon with lifelike data, and a browser that has a session there.
struct Scene {
    // In this order they are dropped: the browser asks the daemon to the last.
    browser: Browser,
    console: Console,
    daemon: Daemon,
}

impl Scene {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let daemon = Daemon::start();
        let events = ["--events", "300", "--sessions", "8"];
        daemon.oriel(&[&["seed"][..], &events].concat()).done();
        Self::of(daemon, options)
    }

    fn of(daemon: Daemon, options: Options) -> Self {
        let console = Console::of(&daemon);
        let browser = Browser::with(options);
        browser.goto(&console::one_time_link(&daemon));
        browser.until(
            "the welcome to go on",
            "location.pathname === '/' && document.readyState === 'complete'",
        );
        Self { browser, console, daemon }
    }

    fn addr(&self) -> SocketAddr {
        self.console.addr
    }

    fn visit(&self, path: &str) {
        self.browser.visit(self.addr(), path);
    }

    fn no_trouble(&self, path: &str) -> oriel_tests::browser::Log {
        self.browser.no_trouble(self.addr(), path)
    }
}
