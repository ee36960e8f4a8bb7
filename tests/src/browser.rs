//! A real browser, driven over WebDriver: Chromium without a window, on a profile of its own.
//!
//! It reads what a person would read and presses what a person would press. What it asked for, and what
//! it complained about, is kept, so a test can say that a page made no trouble. The browser ends with
//! its [`Browser`], whatever becomes of the test.

mod axe;
mod driver;
mod log;
mod raw;

use std::net::SocketAddr;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::error::Elapsed;

use crate::wait::{self, PATIENCE};
use driver::Driver;
use raw::Raw;

pub use fantoccini::key::Key;
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
    client: Client,
    /// Drives the client, which does nothing but while it is waited for.
    runtime: Runtime,
    driver: Driver,
    options: Options,
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let driver = Driver::start();
        let capabilities = driver.capabilities(&options);
        let connect = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            within(builder.connect(&driver.url())).await
        };
        let client = match runtime.block_on(connect) {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => panic!("no browser could be started: {error}; {}", driver.said()),
            Err(_) => panic!("the browser did not start in time; {}", driver.said()),
        };
        let browser = Self { client, runtime, driver, options };
        if !browser.options.scripts {
            browser.cdp("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        }
        browser
    }

    /// Goes to an address and waits until it is loaded.
    pub fn goto(&self, url: &str) {
        self.wait_for(self.client.goto(url));
    }

    /// Goes to a page of a console.
    pub fn visit(&self, console: SocketAddr, path: &str) {
        self.goto(&format!("http://{console}{path}"));
    }

    /// Goes a page back.
    pub fn back(&self) {
        self.wait_for(self.client.back());
    }

    /// Goes a page forward.
    pub fn forward(&self) {
        self.wait_for(self.client.forward());
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.wait_for(self.client.refresh());
    }

    /// Returns the path of the page's address, with its query.
    #[must_use]
    pub fn path(&self) -> String {
        let url = self.wait_for(self.client.current_url());
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Runs a script in the page, as the browser's own tools do, and returns what it comes to.
    ///
    /// # Panics
    /// Where it throws.
    pub fn eval(&self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.cdp("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer:#}");
        answer["result"]["value"].clone()
    }

    /// Returns what a person reads in the element, or nothing where there is no such element.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        let script = format!("document.querySelector({})?.innerText ?? ''", quoted(selector));
        self.eval(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Returns whether there is such an element.
    #[must_use]
    pub fn has(&self, selector: &str) -> bool {
        self.eval(&format!("!!document.querySelector({})", quoted(selector))) == true
    }

    /// Waits until a script comes to something that counts as true, and returns it. While one page gives
    /// way to another there may be nothing to ask.
    ///
    /// # Panics
    /// Where that does not come about in time.
    pub fn until(&self, what: &str, script: &str) -> Value {
        let script = format!(
            "(() => {{ const it = ({script}); \
            return it instanceof Node || (it || null); }})()"
        );
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let found = wait::in_time(|| {
            let answer = self.try_cdp("Runtime.evaluate", &asked).ok();
            let value = answer.map(|answer| answer["result"]["value"].clone());
            let value = value.filter(|value| !value.is_null());
            if value.is_none() {
                // Who asks without a pause takes the processor from what is waited for.
                wait::rest();
            }
            value
        });
        found.unwrap_or_else(|| {
            let page = "[location.href, document.hidden, document.activeElement?.outerHTML.slice(0, 200), \
                document.querySelector('#live')?.outerHTML, document.body.innerText.slice(0, 1500)]";
            panic!("waited {} s for {what}: {:#}", PATIENCE.as_secs(), self.eval(page))
        })
    }

    /// Waits until the page says something.
    pub fn until_text(&self, text: &str) {
        let script = format!("document.body.innerText.includes({})", quoted(text));
        self.until(&format!("the page to say {text:?}"), &script);
    }

    /// Clicks on the first such element.
    pub fn click(&self, selector: &str) {
        let find = self.client.find(fantoccini::Locator::Css(selector));
        let element = self.wait_for(find);
        self.wait_for(element.click());
    }

    /// Types into the first such element.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.wait_for(self.client.find(fantoccini::Locator::Css(selector)));
        self.wait_for(element.clear());
        self.wait_for(element.send_keys(text));
    }

    /// Presses keys one after another.
    pub fn press(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for key in keys {
            actions = actions.then(KeyAction::Down { value: *key });
            actions = actions.then(KeyAction::Up { value: *key });
        }
        self.wait_for(self.client.perform_actions(actions));
    }

    /// Presses a key while another one is held.
    pub fn chord(&self, held: Key, key: char) {
        let held = char::from(held);
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key })
            .then(KeyAction::Up { value: held });
        self.wait_for(self.client.perform_actions(actions));
    }

    /// Opens another window and returns it. The present one stays where the keys go.
    pub fn new_window(&self) -> WindowHandle {
        self.wait_for(self.client.new_window(false)).handle
    }

    /// Opens another tab and returns it; it covers the present one once it is switched to.
    pub fn new_tab(&self) -> WindowHandle {
        self.wait_for(self.client.new_window(true)).handle
    }

    /// Returns the window that keys go to.
    pub fn window(&self) -> WindowHandle {
        self.wait_for(self.client.window())
    }

    /// Turns to a window.
    pub fn switch(&self, window: &WindowHandle) {
        self.wait_for(self.client.switch_to_window(window.clone()));
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

    /// Returns a picture of what the window shows, as PNG.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        self.wait_for(self.client.screenshot())
    }

    /// Returns whether a dialog of the page waits for an answer.
    #[must_use]
    pub fn has_dialog(&self) -> bool {
        let asked = self.client.get_alert_text();
        self.runtime.block_on(within(asked)).is_ok_and(|text| text.is_ok())
    }

    /// Takes what it asked for and complained about since this was asked last.
    #[must_use]
    pub fn take_log(&self) -> Log {
        let take = |kind: &str| {
            let answer =
                self.wait_for(self.client.issue_cmd(Raw::post("se/log", &json!({ "type": kind }))));
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
        match self.try_cdp(command, parameters) {
            Ok(answer) => answer,
            Err(error) => panic!("{command}: {error}"),
        }
    }

    fn try_cdp(&self, command: &str, parameters: &Value) -> Result<Value, Box<CmdError>> {
        let body = json!({ "cmd": command, "params": parameters });
        let sent = self.client.issue_cmd(Raw::post("goog/cdp/execute", &body));
        match self.runtime.block_on(within(sent)) {
            Ok(answer) => answer.map_err(Box::new),
            Err(_) => panic!("the browser did not answer {command} in time"),
        }
    }

    fn wait_for<T>(&self, work: impl Future<Output = Result<T, CmdError>>) -> T {
        match self.runtime.block_on(within(work)) {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => panic!("the browser cannot do it: {error}"),
            Err(_) => panic!("the browser did not answer in time; {}", self.driver.said()),
        }
    }
}

/// Gives some work the one deadline, within the runtime that has the clock.
async fn within<T>(work: impl Future<Output = T>) -> Result<T, Elapsed> {
    tokio::time::timeout(PATIENCE, work).await
}

/// Writes a text as a script has it.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
