//! A display without a screen.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::bus::first_line;
use crate::home::create;
use crate::{Home, wait};

/// A display of its own, which ends with it.
pub struct Display {
    child: Child,
    name: String,
}

impl Display {
    /// Starts one under a number that nobody has: it looks for one itself.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(home: &Home) -> Self {
        let mut command = Command::new("Xvfb");
        // It writes its number where it is told, which is where it says nothing else.
        command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        command.args(["-noreset", "-nocursor", "-dpi", "96"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(create(&home.scratch("display-log")));
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!(
                "the desktop has no display, since `Xvfb` cannot be started ({error}); run \
                 `cargo xtask test`, which installs it"
            ),
        };
        let stdout = child.stdout.take().expect("its output is a pipe");
        // From here on a panic ends the process.
        let mut display = Self { child, name: String::new() };
        display.name = format!(":{}", first_line(stdout, "the display to say its number"));
        display
    }

    /// Returns its name, as `DISPLAY` has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a picture of all that it shows, as PNG.
    ///
    /// # Panics
    /// Where none can be taken.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        let mut command = Command::new("import");
        command.args(["-display", &self.name, "-window", "root", "png:-"]);
        let taken = command.output().expect("ImageMagick's `import` takes pictures");
        assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
        taken.stdout
    }

    /// Returns the names of the windows that are shown.
    #[must_use]
    pub fn windows(&self) -> Vec<String> {
        let ids = self.xdotool(&["search", "--onlyvisible", "--name", "."]);
        let mut names: Vec<String> =
            ids.lines().map(|id| self.xdotool(&["getwindowname", id]).trim().to_owned()).collect();
        names.retain(|name| !name.is_empty());
        names
    }

    /// Waits until a window with such a name is shown, and returns its number.
    #[must_use]
    pub fn until_window(&self, name: &str) -> String {
        let found = wait::in_time(|| {
            let ids = self.xdotool(&["search", "--onlyvisible", "--name", name]);
            let found = ids.lines().last().map(str::to_owned);
            if found.is_none() {
                wait::rest();
            }
            found
        });
        found.unwrap_or_else(|| panic!("waited for {name:?} among {:?}", self.windows()))
    }

    /// Presses keys in a window, as a person does who turned to it.
    pub fn press(&self, window: &str, keys: &[&str]) {
        self.xdotool(&["windowfocus", "--sync", window]);
        self.xdotool(&[&["key", "--clearmodifiers"], keys].concat());
    }

    /// Has the display do something as a person at it would. Where nothing fits, nothing comes back.
    pub fn xdotool(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("xdotool");
        command.args(arguments).env("DISPLAY", &self.name).stdin(Stdio::null());
        let done = command.output().expect("`xdotool` can be started");
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Asked to end it takes its lock and its socket with it; both fail only where it is gone.
        _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if wait::in_time(|| self.child.try_wait().ok().flatten()).is_none() {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}
