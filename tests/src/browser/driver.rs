//! The process that drives a browser, and the browser's own processes. All of them end with it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Options;
use crate::family;
use crate::home::create;
use crate::wait::PATIENCE;

/// What the line holds that tells where it listens.
const READY: &str = "started successfully on port ";

/// Where Debian has the browser; elsewhere the driver looks for it itself.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Asks nobody anything by itself, and looks the same everywhere.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-domain-reliability",
    "--disable-features=Translate,MediaRouter,OptimizationHints,DialMediaRouteProvider",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--lang=en-US",
];

/// The driver of one browser.
pub(super) struct Driver {
    child: Child,
    port: u16,
    log: PathBuf,
    profile: TempDir,
}

impl Driver {
    /// Starts it on a port that is free.
    ///
    /// # Panics
    /// Where there is none, or it does not come to listen.
    pub(super) fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("oriel-browser-").tempdir();
        let profile = profile.expect("a temporary folder can be made");
        let log = profile.path().join("driver-log");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(create(&log));
        // What the browser leaves lying about goes where it is removed.
        command.env("TMPDIR", profile.path()).env("HOME", profile.path()).process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!(
                "no browser can be driven, since `chromedriver` cannot be started ({error}); run \
                 `cargo xtask test`, which installs it"
            ),
        };
        let stdout = child.stdout.take().expect("its output is a pipe");
        // From here on a panic ends the process.
        let mut driver = Self { child, port: 0, log, profile };
        let (said, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once(READY) {
                    // Whoever waited in vain is gone.
                    _ = said.send(rest.trim_end_matches('.').parse().unwrap_or_default());
                }
            }
        });
        driver.port = lines.recv_timeout(PATIENCE).expect("the driver says where it listens");
        driver
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns where it writes what it says of itself.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Returns what a browser is asked to be.
    pub(super) fn capabilities(&self, options: &Options) -> Capabilities {
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(ToString::to_string).collect();
        let (width, height) = options.size;
        arguments.push(format!("--window-size={width},{height}"));
        arguments
            .push(format!("--user-data-dir={}", self.profile.path().join("profile").display()));
        if rustix::process::geteuid().is_root() {
            // The sandbox takes a user who may do less than the system.
            arguments.push("--no-sandbox".to_owned());
        }
        // The browser's own first page is made of a hundred files that nobody looks at.
        let blank =
            json!({ "session.restore_on_startup": 4, "session.startup_urls": ["about:blank"] });
        let mut chrome = json!({ "args": arguments, "prefs": blank });
        if Path::new(CHROMIUM).exists() {
            chrome["binary"] = CHROMIUM.into();
        }
        let mut logs = json!({ "browser": "ALL" });
        if options.network {
            logs["performance"] = "ALL".into();
            chrome["perfLoggingPrefs"] = json!({ "enableNetwork": true, "enablePage": false });
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": logs,
            // A dialog is something to find, and not to be closed unseen.
            "unhandledPromptBehavior": "ignore",
        });
        match capabilities {
            Value::Object(capabilities) => capabilities,
            _ => Capabilities::new(),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        family::end(&mut self.child, &self.profile.path().to_string_lossy());
    }
}
