//! The desktop: the real program in a real window, on a display and a bus that nobody else has.
//!
//! A [`Seat`] is what a person sits at: a display, a bus, a home. A [`Desktop`] is driven through
//! WebDriver as [`Page`] tells; a [`Bare`] one runs as a person starts it, and is seen only from outside.

mod bare;
mod bus;
mod display;
mod driver;
mod files;
mod options;
mod seat;
mod workbench;

use std::net::SocketAddr;
use std::ops::Deref;

use serde_json::Value;

use crate::page::{Engine, Page, quoted};
use crate::{Connection, Home, Request, family, wait};
use driver::Driver;

pub use crate::program::desktop as program;
pub use bare::Bare;
pub use display::Display;
pub use files::Files;
pub use options::Options;
pub use seat::Seat;
pub use workbench::{NOTHING, WORKBENCH, WORKSPACE, Workbench, grant, granted};

/// The name of the program as the system has it, which keeps 15 letters.
const PROGRAM: &str = "oriel-desktop";

/// The page is one of the console's and not of the host's, and it is whole.
const IS_CONSOLE: &str = "!location.pathname.startsWith('/__oriel/') && \
    document.readyState === 'complete' && document.querySelector('main h1')?.innerText";

/// A desktop that is driven. Dropping it ends it at once.
pub struct Desktop {
    // In this order they are dropped: the desktop goes before what it is shown on.
    page: Page,
    driver: Driver,
    seat: Seat,
    /// What its process is called.
    name: String,
}

impl Deref for Desktop {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Desktop {
    /// Starts one at a seat of its own.
    #[must_use]
    pub fn start(options: &Options) -> Self {
        Self::at(&Seat::new(), options)
    }

    /// Starts one at a seat, and returns as soon as it has a window. What the window shows may still be
    /// the page that says to wait.
    ///
    /// # Panics
    /// Where it has none in time.
    #[must_use]
    pub fn at(seat: &Seat, options: &Options) -> Self {
        let driver = Driver::start(seat, options);
        let capabilities = Driver::capabilities(seat, options);
        let log = driver.log().to_owned();
        let page = Page::connect(Engine::WebKit, &driver.url(), capabilities, log);
        let name = options.program.as_ref().and_then(|path| path.file_name()?.to_str());
        let name = name.unwrap_or(PROGRAM).to_owned();
        Self { page, driver, seat: seat.clone(), name }
    }

    /// Runs one that nobody drives, at a seat of its own.
    #[must_use]
    pub fn start_bare(options: &Options) -> Bare {
        Bare::at(&Seat::new(), options)
    }

    /// Starts one and waits until its window shows the console.
    #[must_use]
    pub fn with_console(options: &Options) -> Self {
        let desktop = Self::start(options);
        desktop.until_console();
        desktop
    }

    /// Waits until the window shows a page of the console, and returns its heading.
    pub fn until_console(&self) -> String {
        let heading = self.until("a page of the console", IS_CONSOLE);
        heading.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the window shows this page of the console, whole.
    pub fn until_at(&self, path: &str) {
        let script =
            format!("location.pathname + location.search === {} && {IS_CONSOLE}", quoted(path));
        self.until(&format!("the page {path}"), &script);
    }

    /// Has the window go to a page of the console by itself, as a link would.
    pub fn go(&self, path: &str) {
        // The answer may be lost with the page that was asked.
        _ = self.try_eval(&format!("void (location.href = {})", quoted(path)));
        self.until_at(path);
    }

    /// Has the window go to a page of the console or of the host, and waits until it is whole.
    pub fn go_anywhere(&self, path: &str) {
        // The answer may be lost with the page that was asked.
        _ = self.try_eval(&format!("void (location.href = {})", quoted(path)));
        let there = format!(
            "location.pathname + location.search === {} && document.readyState === 'complete' \
             && document.querySelector('h1')",
            quoted(path)
        );
        self.until(&format!("the page {path}"), &there);
    }

    /// Runs steps that may take longer than an answer of the driver may.
    ///
    /// # Panics
    /// Where they throw, or take ten minutes.
    #[must_use]
    pub fn run_long(&self, steps: &str) -> Value {
        self.eval(&format!(
            "void (window.ended = null, (async () => {{ {steps} }})().then((value) => (window.ended = \
             {{ value }}), (error) => (window.ended = {{ error: String(error) }})))"
        ));
        for _ in 0..20 {
            let look = || self.try_eval("window.ended").ok().filter(|ended| !ended.is_null());
            if let Some(ended) = wait::in_time(|| {
                let ended = look();
                if ended.is_none() {
                    wait::rest();
                }
                ended
            }) {
                assert!(ended["error"].is_null(), "{steps}: {ended}");
                return ended["value"].clone();
            }
        }
        panic!("{steps}: it takes too long")
    }

    /// Returns what it is at.
    #[must_use]
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Returns its home.
    #[must_use]
    pub fn home(&self) -> &Home {
        self.seat.home()
    }

    /// Returns what it writes.
    #[must_use]
    pub fn files(&self) -> Files {
        self.seat.files()
    }

    /// Returns the desktop's process.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let family = family::of(self.driver.pid(), "");
        let found = family.iter().find(|one| one.name == self.name);
        found.expect("the driver has started the desktop").pid
    }

    /// Returns the desktop's process and all that it started.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let own = self.pid();
        let below = family::of(own, "");
        below.iter().map(|one| one.pid).chain([own]).collect()
    }

    /// Returns whether its process still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        family::of(self.driver.pid(), "").iter().any(|one| one.name == self.name)
    }

    /// Waits until its process is gone.
    pub fn until_gone(&self) {
        wait::until("the desktop to end", || (!self.is_alive()).then_some(()));
    }

    /// Returns where its daemon listens.
    #[must_use]
    pub fn daemon(&self) -> SocketAddr {
        self.files().daemon()
    }

    /// Sends its daemon a request.
    ///
    /// # Panics
    /// Where there is no answer.
    pub fn ask(&self, request: &Request) -> crate::Answer {
        let mut connection = Connection::tcp(self.daemon()).expect("the daemon listens");
        connection.send(request).expect("the daemon answers")
    }

    /// Tells its daemon of an event.
    pub fn store(&self, event: &Value) {
        _ = self.ask(&Request::post("/api/events", event)).expect(201);
    }

    /// Steers its daemon, with the token.
    pub fn control(&self, method: &str, target: &str) -> crate::Answer {
        let token = self.home().read("authtok").trim().to_owned();
        self.ask(&Request::new(method, target).header("x-oriel-authtok", token))
    }

    /// Asks the host for one of its own pages, in the window, and returns the answer's text.
    #[must_use]
    pub fn fetch(&self, path: &str) -> String {
        let script = format!("fetch({}).then((answer) => answer.text())", quoted(path));
        self.eval(&script).as_str().unwrap_or_default().to_owned()
    }
}
