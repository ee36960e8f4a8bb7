//! A display without a screen, and hands to press what is on it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// An X server of its own, which ends with it.
pub(crate) struct Display {
    server: Child,
    pub(crate) name: String,
}

impl Display {
    pub(crate) fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb can be started; install xvfb");
        let mut number = String::new();
        let mut told = BufReader::new(server.stdout.take().expect("its output is ours"));
        told.read_line(&mut number).expect("it tells its number");
        assert!(!number.trim().is_empty(), "no free display was found");
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// Presses at a place of the window with this word in its title; from the right where x is negative.
    pub(crate) fn press(&self, word: &str, (x, y): (i32, i32)) {
        let window = self.window(word);
        let geometry = self.xdotool(&["getwindowgeometry", "--shell", &window]);
        let width = geometry.lines().find_map(|line| line.strip_prefix("WIDTH="));
        let width: i32 = width.and_then(|width| width.parse().ok()).expect("a window has a width");
        let x = if x < 0 { width + x } else { x };
        let (x, y) = (x.to_string(), y.to_string());
        self.xdotool(&["mousemove", "--sync", "--window", &window, &x, &y, "click", "1"]);
    }

    /// The window with this word in its title, once there is one.
    pub(crate) fn window(&self, word: &str) -> String {
        crate::wait::until(&format!("a window called {word}"), || {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", word]);
            found.lines().next().map(str::to_owned)
        })
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let mut hands = Command::new("xdotool");
        hands.args(arguments).env("DISPLAY", &self.name).stderr(Stdio::null());
        String::from_utf8(hands.output().expect("xdotool can be started").stdout)
            .expect("it tells text")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
