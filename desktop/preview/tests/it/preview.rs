//! The real program, as the host has it: lines in, lines out.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::display::Display;
use crate::wait::{PATIENCE, until};

/// A preview that runs, with a display and a home of its own.
pub(crate) struct Preview {
    pub(crate) child: Child,
    pub(crate) display: Display,
    pub(crate) home: TempDir,
    orders: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// Everything that was told so far.
    pub(crate) told: Vec<Value>,
}

impl Preview {
    /// Starts one that sends these names to these addresses, and waits until it is ready.
    pub(crate) fn start(pins: &[(&str, SocketAddr)]) -> Self {
        let display = Display::start();
        let home = tempfile::tempdir().expect("a folder can be made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_oriel-preview"));
        for (pin, address) in pins {
            command.arg("--resolve").arg(format!("{pin}:{address}"));
        }
        command
            .current_dir(home.path())
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env("DISPLAY", &display.name)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("GSETTINGS_BACKEND", "memory")
            .env("HOME", home.path());
        for folder in ["XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(folder, home.path());
        }
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the program can be started");
        let out = BufReader::new(child.stdout.take().expect("its output is ours"));
        let (line, lines) = channel();
        thread::spawn(move || {
            for told in out.lines().map_while(Result::ok) {
                assert!(told.len() < 16 * 1024, "a line of {} bytes", told.len());
                let _ = line.send(serde_json::from_str(&told).expect("every line is JSON"));
            }
        });
        let orders = child.stdin.take();
        let mut preview = Self { child, display, home, orders, lines, told: Vec::new() };
        preview.wait_for("ready", |told| told["is"] == "ready");
        preview
    }

    /// Waits for a line, and keeps it and those before it.
    pub(crate) fn wait_for(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(started.elapsed());
            let told = self.lines.recv_timeout(left);
            assert!(told.is_ok(), "waited for {what}; told so far: {:#?}", self.told);
            let told = told.unwrap_or_default();
            self.told.push(told.clone());
            if is(&told) {
                return told;
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let orders = self.orders.as_mut().expect("its input is open");
        orders.write_all(bytes).and_then(|()| orders.flush()).expect("it reads its input");
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.write(format!("{}\n", json!({ "do": "open", "url": url })).as_bytes());
    }

    /// Opens a page and waits until it is there, with its title.
    pub(crate) fn open_and_see(&mut self, url: &str, title: &str) {
        self.open(url);
        self.wait_for(url, |told| {
            told["is"] == "at" && told["url"] == url && told["title"] == title
        });
    }

    /// Waits for the denial of an address, and returns why.
    pub(crate) fn wait_for_denial(&mut self, url: &str) -> String {
        let denied = self.wait_for(url, |told| told["is"] == "denied" && told["url"] == url);
        denied["why"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn press_use(&self) {
        self.display.press("Preview", (-60, 22));
    }

    pub(crate) fn close_input(&mut self) {
        self.orders = None;
    }

    /// Waits for the end, and returns whether it was a good one.
    pub(crate) fn end(&mut self) -> bool {
        until("the program's end", || self.child.try_wait().expect("it is ours")).success()
    }

    /// Everything that is still told, until the end.
    pub(crate) fn rest(&mut self) {
        self.told.extend(self.lines.iter());
    }

    /// All processes that it has started, and those have started.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let all = processes();
        let mut family = vec![self.child.id()];
        let mut found = Vec::new();
        while let Some(parent) = family.pop() {
            for (id, _, name) in all.iter().filter(|(_, of, _)| *of == parent) {
                family.push(*id);
                found.push((*id, name.clone()));
            }
        }
        found
    }
}

/// All processes there are: number, parent and name.
fn processes() -> Vec<(u32, u32, String)> {
    let folders = std::fs::read_dir("/proc").expect("there is /proc").filter_map(Result::ok);
    folders.filter_map(|folder| process(&folder.path())).collect()
}

fn process(folder: &Path) -> Option<(u32, u32, String)> {
    let id = folder.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut rest = rest.split_whitespace();
    let alive = rest.next()? != "Z";
    let parent = rest.next()?.parse().ok()?;
    alive.then(|| (id, parent, name.to_owned()))
}

impl Drop for Preview {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
