//! `oriel demo`, as somebody starts it who wants to look around.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use crate::home::Home;
use crate::program;
use crate::wait::{self, PATIENCE};

/// A demonstration that runs. Dropping it ends it in good order, so that its data is removed.
pub struct Demo {
    child: Child,
    /// What it said until it was ready.
    pub said: Vec<String>,
    /// The link that starts a session.
    pub link: String,
    home: Home,
}

impl Demo {
    /// Starts one in which nothing happens after the start, or one that goes on.
    ///
    /// # Panics
    /// Where it does not come to say where its pages are.
    #[must_use]
    pub fn start(still: bool) -> Self {
        let home = Home::new();
        let temporary = home.path("temporary");
        std::fs::create_dir_all(&temporary).expect("a folder can be made in our own");
        let mut command = home.command(&["demo", "--print"]);
        if still {
            command.arg("--still");
        }
        command.env("TMPDIR", &temporary).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let mut demo = Self { child, said: Vec::new(), link: String::new(), home };
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Only what comes until it is ready is waited for.
                _ = tell.send(line);
            }
        });
        while demo.link.is_empty() {
            let line = lines.recv_timeout(PATIENCE).expect("it says where its pages are");
            if line.contains("/session/open/") {
                demo.link.clone_from(&line);
            }
            demo.said.push(line);
        }
        demo
    }

    /// Ends it with Ctrl-C and returns how it ended, and what it left behind.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn interrupt(&mut self) -> (ExitStatus, Vec<PathBuf>) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
        let status = program::ended(&mut self.child, "the demonstration to end");
        let left = std::fs::read_dir(self.home.path("temporary")).expect("the folder is ours");
        (status, left.flatten().map(|entry| entry.path()).collect())
    }

    /// Returns the folder that it keeps equal with an agent's workspace, as it says.
    ///
    /// # Panics
    /// Where it says none.
    #[must_use]
    pub fn local(&self) -> PathBuf {
        let named = self.said.iter().find(|line| line.trim().ends_with("you/tide-table"));
        named.expect("it says which folder is kept equal").trim().into()
    }

    /// Returns its own data directory.
    ///
    /// # Panics
    /// Where it says of no folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        let local = self.local();
        local.ancestors().nth(2).expect("it is in the demonstration's folder").join("data")
    }

    /// Returns the home folder of who started it.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may be gone already.
        _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if !std::thread::panicking() {
            wait::until("the demonstration to end", || self.child.try_wait().ok().flatten());
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
