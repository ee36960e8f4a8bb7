//! WebKit's driver, which starts the desktop as its browser. All of them end with it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

use super::{Options, Seat};
use crate::home::create;
use crate::{family, program, wait};

/// The driver of one desktop.
pub(super) struct Driver {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Driver {
    /// Starts it on a port that is free.
    ///
    /// # Panics
    /// Where it does not come to listen.
    pub(super) fn start(seat: &Seat, options: &Options) -> Self {
        let log = seat.home().scratch("desktop-log");
        let mut command = Command::new("WebKitWebDriver");
        seat.dress(&mut command, options);
        command.arg("--port=0").env("TAURI_WEBVIEW_AUTOMATION", "true").process_group(0);
        let file = create(&log);
        command.stdout(file.try_clone().expect("a file can be shared")).stderr(file);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!(
                "the desktop cannot be driven, since `WebKitWebDriver` cannot be started \
                 ({error}); run `cargo xtask test`, which installs it"
            ),
        };
        // From here on a panic ends the process.
        let mut driver = Self { child, port: 0, log };
        // It tells nobody which port it got, but the system knows.
        driver.port = wait::until("the driver to listen", || listens_on(driver.child.id()));
        driver
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns where it and the desktop write what they say.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    pub(super) fn capabilities(seat: &Seat, options: &Options) -> Capabilities {
        let capabilities = json!({
            "webkitgtk:browserOptions": {
                "binary": options.program.clone().unwrap_or_else(program::desktop), "args": seat.arguments(options),
            },
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
        family::end(&mut self.child, "");
    }
}

/// Returns the port that a process listens on.
fn listens_on(pid: u32) -> Option<u16> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    // Number, local address, remote address, state (`0A` listens), queues, timers, retransmits, user,
    // time-outs, inode.
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let ours = *state == "0A" && sockets.iter().any(|socket| socket == inode);
        let port = address.split_once(':')?.1;
        ours.then(|| u16::from_str_radix(port, 16).ok()).flatten()
    })
}
