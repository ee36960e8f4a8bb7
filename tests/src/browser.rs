//! A real browser, driven over WebDriver: Chromium without a window, on a profile of its own.
//!
//! What it asked for, and what it complained about, is kept, so a test can say that a page made no
//! trouble. The browser ends with its [`Browser`], whatever becomes of the test.

mod driver;
mod log;

use std::net::SocketAddr;
use std::ops::Deref;

use serde_json::{Value, json};

use crate::page::{Engine, Page, Raw};
use driver::Driver;

pub use crate::page::{Key, quoted};
pub use log::{Log, Transfer};

/// How a browser is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether pages may run scripts.
    pub scripts: bool,
    /// Whether it keeps a list of all requests, which costs it time.
    pub network: bool,
    /// The width and height of the window.
    pub size: (u32, u32),
}

impl Default for Options {
    fn default() -> Self {
        Self { scripts: true, network: true, size: (1280, 800) }
    }
}

/// A browser with one window.
pub struct Browser {
    page: Page,
    // Ends the browser once nobody asks it any more.
    _driver: Driver,
    options: Options,
}

impl Deref for Browser {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Browser {
    /// Starts a browser.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Starts a browser that is like this.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let driver = Driver::start();
        let capabilities = driver.capabilities(&options);
        let log = driver.log().to_owned();
        let page = Page::connect(Engine::Chromium, &driver.url(), capabilities, log);
        let browser = Self { page, _driver: driver, options };
        if !browser.options.scripts {
            browser.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        }
        browser
    }

    /// Makes pages as wide and high as this, on whatever window.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Prefers dark or light colours, and no motion, as the system would say it.
    pub fn prefer(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", &json!({ "media": "", "features": features }));
    }

    /// Takes what it asked for and complained about since this was asked last.
    #[must_use]
    pub fn take_log(&self) -> Log {
        let take = |kind: &str| {
            let answer = self.page.command(Raw::post("se/log", &json!({ "type": kind })));
            answer.as_array().cloned().unwrap_or_default()
        };
        let network = if self.options.network { take("performance") } else { Vec::new() };
        Log::read(&take("browser"), &network)
    }

    /// Checks that since the last look the console had nothing to say, that nothing was blocked by its
    /// policy, that no request failed, and that none left for another place.
    ///
    /// # Panics
    /// Where something did.
    pub fn no_trouble(&self, console: SocketAddr, where_: &str) -> Log {
        let log = self.take_log();
        let trouble = log.trouble(&format!("http://{console}/"));
        assert!(trouble.is_empty(), "{where_}: {trouble:#?}");
        log
    }

    /// Sends a command of the browser's own protocol.
    ///
    /// # Panics
    /// Where it fails.
    pub fn cdp(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.page.command(Raw::post("goog/cdp/execute", &body))
    }
}
