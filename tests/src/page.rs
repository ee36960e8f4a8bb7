//! What is in a window, driven over WebDriver: it reads what a person would read and presses what a person
//! would press.
//!
//! Two engines show our pages, and they differ in one thing only: how a script is run that the page's own
//! policy would forbid.

mod axe;
mod raw;

use std::net::SocketAddr;
use std::path::PathBuf;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::error::Elapsed;

use crate::wait::{self, PATIENCE};
pub(crate) use raw::Raw;

pub use fantoccini::key::Key;

/// What a failed test shows of the page that it waited for.
const SCENE: &str = "[location.href, document.hidden, document.activeElement?.outerHTML.slice(0, 200), \
    document.querySelector('#live')?.outerHTML, document.body.innerText.slice(0, 1500)]";

/// Whose driver it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Chromium's, which takes commands of the browser's own protocol too.
    Chromium,
    /// WebKit's, which the desktop shows its pages with.
    WebKit,
}

/// The window that a driver was told to drive.
pub struct Page {
    client: Client,
    /// Drives the client, which does nothing but while it is waited for.
    runtime: Runtime,
    engine: Engine,
    /// What the driver says of itself, for messages.
    log: PathBuf,
}

impl Page {
    /// Has a driver start its browser.
    ///
    /// # Panics
    /// Where it does not start.
    pub(crate) fn connect(
        engine: Engine,
        driver: &str,
        capabilities: Capabilities,
        log: PathBuf,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let connect = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            within(builder.connect(driver)).await
        };
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let client = match runtime.block_on(connect) {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => panic!("no browser could be started: {error}; {}", said()),
            Err(_) => panic!("the browser did not start in time; {}", said()),
        };
        Self { client, runtime, engine, log }
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
        match self.try_eval(script) {
            Ok(value) => value,
            Err(error) => panic!("{script}: {error}"),
        }
    }

    /// Runs a script in the page and returns what it comes to, or why it came to nothing.
    pub(crate) fn try_eval(&self, script: &str) -> Result<Value, String> {
        match self.engine {
            Engine::Chromium => {
                let asked =
                    json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
                let sent = Raw::post(
                    "goog/cdp/execute",
                    &json!({ "cmd": "Runtime.evaluate", "params": asked }),
                );
                let answer = self.try_command(sent).map_err(|error| error.to_string())?;
                if answer["exceptionDetails"].is_null() {
                    Ok(answer["result"]["value"].clone())
                } else {
                    Err(format!("{answer:#}"))
                }
            }
            Engine::WebKit => {
                let script = format!(
                    "const answer = arguments[arguments.length - 1]; (async () => ({script}))().then(\
                     (value) => answer({{ value }}), (error) => answer({{ error: String(error) }}));"
                );
                let sent = self.client.execute_async(&script, Vec::new());
                let answer = match self.runtime.block_on(within(sent)) {
                    Ok(answer) => answer.map_err(|error| error.to_string())?,
                    Err(_) => panic!("the browser did not answer in time; {}", self.said()),
                };
                match answer["error"].as_str() {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(answer["value"].clone()),
                }
            }
        }
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
        let found = wait::in_time(|| {
            let value = self.try_eval(&script).ok().filter(|value| !value.is_null());
            if value.is_none() {
                // Who asks without a pause takes the processor from what is waited for.
                wait::rest();
            }
            value
        });
        found.unwrap_or_else(|| {
            let scene = self.try_eval(SCENE);
            panic!("waited {} s for {what}: {scene:#?}", PATIENCE.as_secs())
        })
    }

    /// Waits until the page says something.
    pub fn until_text(&self, text: &str) {
        let script = format!("document.body.innerText.includes({})", quoted(text));
        self.until(&format!("the page to say {text:?}"), &script);
    }

    /// Clicks on the first such element.
    pub fn click(&self, selector: &str) {
        let find = self.client.find(Locator::Css(selector));
        let element = self.wait_for(find);
        self.wait_for(element.click());
    }

    /// Types into the first such element.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.wait_for(self.client.find(Locator::Css(selector)));
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

    /// Sends a command that the client has no name for.
    pub(crate) fn command(&self, command: Raw) -> Value {
        match self.try_command(command) {
            Ok(answer) => answer,
            Err(error) => panic!("the browser cannot do it: {error}"),
        }
    }

    fn try_command(
        &self,
        command: impl WebDriverCompatibleCommand + Send + 'static,
    ) -> Result<Value, Box<CmdError>> {
        match self.runtime.block_on(within(self.client.issue_cmd(command))) {
            Ok(answer) => answer.map_err(Box::new),
            Err(_) => panic!("the browser did not answer in time; {}", self.said()),
        }
    }

    fn wait_for<T>(&self, work: impl Future<Output = Result<T, CmdError>>) -> T {
        match self.runtime.block_on(within(work)) {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => panic!("the browser cannot do it: {error}; {}", self.said()),
            Err(_) => panic!("the browser did not answer in time; {}", self.said()),
        }
    }

    /// Returns what the driver said of itself. Without its words an error stands alone.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
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
