//! The server under test: one process, started for a measurement and gone after it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

use crate::client::Client;
use crate::clock::pause;
use crate::proc;

/// How long a server may take to be ready, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// What the line starts with that tells where the server listens.
const READY: &str = "listening on http://";
/// Stands for the address until the server tells it.
const UNKNOWN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How much of the server's own words an error repeats.
const LOG_BYTES_MAX: usize = 2_000;

/// How to start a server.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The program `oriel`.
    pub oriel: &'a Path,
    /// The folder that is the server's home and its working directory, so that it finds no settings
    /// and no histories of whoever measures.
    pub home: &'a Path,
    /// The store; made by the server.
    pub data_dir: &'a Path,
    /// All of the server's environment but its home.
    pub env: &'a [(String, String)],
}

/// A server that runs. Dropping it ends it at once.
#[derive(Debug)]
pub struct Server {
    child: Child,
    addr: SocketAddr,
    /// How long it took from the start of the process to the first healthy answer.
    pub started_in: Duration,
    log: PathBuf,
    data_dir: PathBuf,
}

/// The server did not do as it should.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The process could not be started.
    #[error("cannot start {program}; name the program with --oriel")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It never said where it listens, or never was healthy.
    #[error("the server was not ready: {reason}; it said: {log}")]
    NotReady {
        /// What was missing.
        reason: String,
        /// The end of its error output.
        log: String,
    },
    /// It did not stop when asked to.
    #[error("the server did not stop: {reason}; it said: {log}")]
    NotStopped {
        /// What happened instead.
        reason: String,
        /// The end of its error output.
        log: String,
    },
}

impl Server {
    /// Starts a server and returns once `/api/health` has answered 200.
    pub fn start(launch: Launch<'_>) -> Result<Self, ServerError> {
        let log = launch.home.join("server.log");
        let cannot_start = |source| ServerError::Start { program: launch.oriel.to_owned(), source };
        let log_file = File::create(&log).map_err(cannot_start)?;
        let started = Instant::now();
        let child = Command::new(launch.oriel)
            .arg("serve")
            .arg("--data-dir")
            .arg(launch.data_dir)
            .args(["--port", "0", "--console-port", "0"])
            .env_clear()
            .env("HOME", launch.home)
            .env("ORIEL_GATEWAY_PORT", "0")
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(launch.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .map_err(cannot_start)?;
        // From here on, an early return ends the process.
        let data_dir = launch.data_dir.to_owned();
        let mut server = Self { child, addr: UNKNOWN, started_in: Duration::ZERO, log, data_dir };
        let not_ready =
            |server: &Self, reason| ServerError::NotReady { reason, log: server.said() };
        server.addr = server.read_address(started).map_err(|reason| not_ready(&server, reason))?;
        server.started_in =
            first_health(server.addr, started).map_err(|reason| not_ready(&server, reason))?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its data is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory it has held, in megabytes; 0 where the system does not tell.
    #[must_use]
    pub fn peak_mb(&self) -> f64 {
        proc::peak_bytes(self.pid()).unwrap_or_default() as f64 / 1e6
    }

    /// Asks the server to stop and returns how long it took. One that fails or lingers is ended.
    pub fn stop(mut self) -> Result<Duration, ServerError> {
        let stopped = self.ask_to_stop();
        stopped.map_err(|reason| ServerError::NotStopped { reason, log: self.said() })
    }

    fn ask_to_stop(&mut self) -> Result<Duration, String> {
        let asked = Instant::now();
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| error.to_string())?;
        while asked.elapsed() < PATIENCE {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                Some(status) if status.success() => return Ok(asked.elapsed()),
                Some(status) => return Err(status.to_string()),
                None => pause(LOOK_EVERY),
            }
        }
        Err(format!("it still runs after {} s", PATIENCE.as_secs()))
    }

    /// Reads the output up to the line that tells the address. The pipe stays open, for a server that
    /// says more shall not fail.
    fn read_address(&mut self, started: Instant) -> Result<SocketAddr, String> {
        let stdout = self.child.stdout.as_mut().ok_or("its output is not read")?;
        let mut text = Vec::new();
        loop {
            if let Some(addr) = address_in(&text) {
                return Ok(addr);
            }
            let left = PATIENCE.checked_sub(started.elapsed());
            let left = left.ok_or_else(|| format!("no line `{READY}…` on its output"))?;
            let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: 0 };
            let mut ready = [PollFd::new(stdout, PollFlags::IN)];
            rustix::io::retry_on_intr(|| rustix::event::poll(&mut ready, Some(&left)))
                .map_err(|error| error.to_string())?;
            if ready[0].revents().is_empty() {
                continue;
            }
            let mut piece = [0; 256];
            match stdout.read(&mut piece).map_err(|error| error.to_string())? {
                0 => return Err("its output ended".to_owned()),
                count => text.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// The end of what it wrote to its error output.
    fn said(&self) -> String {
        // The log only adds to an error; without it the error stands alone.
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let mut start = text.len().saturating_sub(LOG_BYTES_MAX);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        text[start..].trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_in(output: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(output).ok()?;
    let whole_lines = &text[..=text.rfind('\n')?];
    let address = whole_lines.lines().find_map(|line| line.strip_prefix(READY))?;
    address.trim_end_matches('/').parse().ok()
}

fn first_health(addr: SocketAddr, started: Instant) -> Result<Duration, String> {
    loop {
        let status = health(addr);
        let took = started.elapsed();
        match status {
            Ok(200) => return Ok(took),
            _ if took < PATIENCE => pause(LOOK_EVERY),
            Ok(status) => return Err(format!("/api/health answers {status}")),
            Err(error) => return Err(format!("/api/health cannot be read: {error}")),
        }
    }
}

fn health(addr: SocketAddr) -> io::Result<u16> {
    let mut client = Client::connect(addr)?;
    client.prepare("/api/health");
    Ok(client.send()?.status())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn a_server_is_found_by_its_line_and_stopped_by_a_signal() {
        let fake = Fake::start();
        let server = start(&format!("echo listening on http://{}; exec sleep 600", fake.addr()));
        let server = server.unwrap();
        assert_eq!(server.addr(), fake.addr());
        assert!(Duration::ZERO < server.started_in);
        let pid = server.pid();
        let error = server.stop().unwrap_err().to_string();
        assert!(error.contains("signal: 15"), "`sleep` dies of the signal: {error}");
        assert!(!is_running(pid));
    }

    #[test]
    fn a_server_that_stops_itself_is_stopped_well() {
        let fake = Fake::start();
        let script = format!(
            "trap 'exit 0' TERM; echo listening on http://{}; while :; do sleep 0.01; done",
            fake.addr()
        );
        start(&script).unwrap().stop().unwrap();
    }

    #[test]
    fn dropping_a_server_leaves_no_process() {
        let fake = Fake::start();
        let server =
            start(&format!("echo listening on http://{}/; exec sleep 600", fake.addr())).unwrap();
        let pid = server.pid();
        assert!(is_running(pid));
        drop(server);
        assert!(!is_running(pid));
    }

    #[test]
    fn a_server_that_fails_is_quoted() {
        let error = start("echo 'the store is locked' >&2; exit 1").unwrap_err().to_string();
        assert!(
            error.contains("its output ended") && error.contains("the store is locked"),
            "{error}"
        );
    }

    #[test]
    fn the_address_is_read_from_a_whole_line() {
        let line = b"hello\nlistening on http://127.0.0.1:4321\n";
        for end in 0..line.len() {
            assert_eq!(address_in(&line[..end]), None);
        }
        assert_eq!(address_in(line), Some(([127, 0, 0, 1], 4321).into()));
    }

    /// Starts a shell in the server's place: `sh serve …` runs the file `serve` of its home.
    fn start(script: &str) -> Result<Server, ServerError> {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("serve"), script).unwrap();
        Server::start(Launch {
            oriel: Path::new("/bin/sh"),
            home: home.path(),
            data_dir: &home.path().join("data"),
            env: &[("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        })
    }

    fn is_running(pid: u32) -> bool {
        Pid::from_raw(pid.cast_signed())
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }
}
