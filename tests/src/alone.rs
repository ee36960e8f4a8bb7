//! A console in a process of its own, over whatever daemon the health file names.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::mpsc;

use crate::home::{Home, create};
use crate::wait::PATIENCE;

/// What the line starts with that tells where it listens.
const READY: &str = "console on http://";

/// The process. Dropping it ends it at once.
pub struct Alone {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Alone {
    /// Starts it over the data directory of a home, whether or not a daemon runs there.
    ///
    /// # Panics
    /// Where it does not come to listen.
    #[must_use]
    pub fn start(home: &Home) -> Self {
        let mut command = home.command(&["console", "--port", "0"]);
        command.stdout(Stdio::piped()).stderr(create(&home.scratch("console-log")));
        let mut child = command.spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        // From here on a panic ends the process.
        let mut alone = Self { child, addr: nowhere };
        let (said, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Whoever waits for it may be gone.
                _ = said.send(line);
            }
        });
        let line = lines.recv_timeout(PATIENCE).expect("it says where it listens");
        let addr = line.strip_prefix(READY).and_then(|addr| addr.parse().ok());
        alone.addr = addr.unwrap_or_else(|| panic!("{line:?} does not say where"));
        alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
