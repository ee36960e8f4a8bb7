//! The workbench of a desktop, with a folder that its page was granted.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Desktop, Options, Seat};
use crate::{Home, family};

/// What a test has the page know: messages, and the ways that they go.
const SCRIPT: &str = include_str!("workbench.js");

/// Where the workbench's page is.
pub const WORKBENCH: &str = "/client/workbench";

/// A place below it where nothing is, so that a test has the page's rights and nobody else's doings.
pub const NOTHING: &str = "/client/workbench/nothing.txt";

/// The name of the grant.
pub const WORKSPACE: &str = "f0000000001";

/// A workbench that is driven.
pub struct Workbench {
    desktop: Desktop,
    folder: PathBuf,
}

impl Deref for Workbench {
    type Target = Desktop;

    fn deref(&self) -> &Desktop {
        &self.desktop
    }
}

impl Workbench {
    /// Starts one whose page may read and write a folder.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Options::new(), "read_write")
    }

    /// Starts one whose page has this access to a folder.
    ///
    /// # Panics
    /// Where it does not come up.
    #[must_use]
    pub fn with(options: &Options, access: &str) -> Self {
        let home = Home::new();
        let folder = home.path("work");
        std::fs::create_dir(&folder).expect("the home is ours");
        grant(&home, &[("workbench", &folder, access)]);
        let desktop = Desktop::at(&Seat::of(&home), &options.clone().place(NOTHING));
        Self::of(desktop, folder)
    }

    /// Takes one that was started otherwise, with the folder that its page was granted.
    #[must_use]
    pub fn of(desktop: Desktop, folder: PathBuf) -> Self {
        let workbench = Self { desktop, folder };
        workbench.until_loaded();
        workbench
    }

    /// Waits until the page is there, and has it know what tests need.
    pub fn until_loaded(&self) {
        let is_there = format!(
            "location.pathname.startsWith('{WORKBENCH}') && document.readyState === 'complete'"
        );
        self.until("the workbench's page", &is_there);
        self.eval(&format!("void {}", SCRIPT.trim().trim_end_matches(';')));
    }

    /// Loads the page again.
    pub fn load_again(&self) {
        self.eval("void (window.t = null)");
        // The answer may be lost with the page.
        _ = self.try_eval("void location.reload()");
        self.until("the page to be another", "!('t' in window)");
        self.until_loaded();
    }

    /// Returns a path in the granted folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a file in the granted folder.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn has(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).expect("the home is ours");
    }

    /// Returns the process that shows the page.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn page_pid(&self) -> u32 {
        self.page_of_now().expect("the page has a process")
    }

    /// Returns the process that shows the page, if there is one.
    #[must_use]
    pub fn page_of_now(&self) -> Option<u32> {
        let below = family::of(self.pid(), "");
        let found = below.iter().find(|one| one.name.starts_with("WebKitWebProc"));
        found.map(|one| one.pid)
    }

    /// Runs steps in the page, in which `t` is what tests know, and returns what they come to.
    pub fn run(&self, steps: &str) -> Value {
        self.eval(&format!("(async () => {{ {steps} }})()"))
    }
}

/// Grants folders, as a person did earlier.
pub fn grant(home: &Home, grants: &[(&str, &Path, &str)]) {
    let grants = grants.iter().enumerate().map(|(nth, (label, root, access))| {
        json!({
            "id": format!("f{:010x}", nth + 1), "label": label, "root": root, "access": access,
            "since_ms": null, "device": null, "inode": null, "made_ns": null,
        })
    });
    let text = json!({ "version": 1, "grants": grants.collect::<Vec<_>>() }).to_string();
    home.write("files/grants.json", &text);
}

/// Returns what is granted now, as it is kept.
///
/// # Panics
/// Where that cannot be read.
#[must_use]
pub fn granted(home: &Home) -> Vec<Value> {
    let kept: Value = serde_json::from_str(&home.read("files/grants.json")).expect("it is JSON");
    kept["grants"].as_array().cloned().unwrap_or_default()
}
