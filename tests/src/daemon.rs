//! A running daemon: started, asked, stopped, killed, started again.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::home::{Home, create};
use crate::http::{Answer, Connection, Request};
use crate::program::{self, Finished};
use crate::stream::Stream;
use crate::wait::PATIENCE;

/// What the line starts with that tells where a daemon listens.
const READY: &str = "listening on http://";

/// What the lines after it start with.
const OTHERS: [&str; 2] = ["console on http://", "gateway on ws://"];

/// How a daemon is to be started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    home: Home,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    wrapper: Vec<String>,
}

/// A daemon. Dropping it ends it at once.
pub struct Daemon {
    launch: Launch,
    child: Child,
    addr: SocketAddr,
    log: PathBuf,
    /// In a lock, so that a daemon can be shared between threads.
    said: Mutex<mpsc::Receiver<String>>,
}

/// How a daemon ended.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// The time from the signal to the end of the process.
    pub took: Duration,
    /// How it ended.
    pub status: ExitStatus,
}

impl Launch {
    /// Begins with a free port in a fresh home.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this home.
    #[must_use]
    pub fn home(mut self, home: &Home) -> Self {
        self.home = home.clone();
        self
    }

    /// Adds a flag with its value. It comes after `--port 0`, so it may give another port.
    #[must_use]
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Gives a setting a value.
    #[must_use]
    pub fn set(self, key: &str, value: &str) -> Self {
        self.flag("--set", &format!("{key}={value}"))
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has this command line start it, which ends with what it runs.
    #[must_use]
    pub fn within(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Starts a daemon and returns once it listens.
    ///
    /// # Panics
    /// Where it does not come to listen.
    #[must_use]
    pub fn start(&self) -> Daemon {
        let log = self.home.scratch("daemon-log");
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(create(&log));
        let mut child = command.spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("its output is a pipe");
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        // From here on a panic ends the process.
        let said = Mutex::new(lines(stdout));
        let mut daemon = Daemon { launch: self.clone(), child, addr: nowhere, log, said };
        daemon.addr = daemon.read_address();
        daemon
    }

    /// Runs a daemon that is to end by itself.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn refused(&self) -> Finished {
        self.home.run(self.command())
    }

    fn command(&self) -> Command {
        let port = if self.arguments.iter().any(|name| name == "--port") {
            &[][..]
        } else {
            &["--port", "0"]
        };
        let console = if self.arguments.iter().any(|name| name == "--console-port") {
            &[][..]
        } else {
            &["--console-port", "0"]
        };
        let mut command = self.home.command(&[&["serve"], port, console].concat());
        command.args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        match self.wrapper.split_first() {
            Some((first, rest)) => wrapped(&command, first, rest),
            None => command,
        }
    }
}

/// Returns a command that starts another with all it has.
fn wrapped(command: &Command, first: &str, rest: &[String]) -> Command {
    let mut wrapped = Command::new(first);
    wrapped.args(rest).arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

impl Daemon {
    /// Starts a daemon in a fresh home.
    #[must_use]
    pub fn start() -> Self {
        Launch::new().start()
    }

    /// Returns where it listens, as this machine reaches it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns where its console listens.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn console(&self) -> SocketAddr {
        self.home().read("console/bind").trim().parse().expect("the file holds an address")
    }

    /// Has later starts listen where it listens now.
    #[must_use]
    pub fn staying(mut self) -> Self {
        for (flag, addr) in [("--port", self.addr), ("--console-port", self.console())] {
            self.launch = self.launch.clone().flag(flag, &addr.port().to_string());
        }
        self
    }

    /// Returns its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns its home.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.launch.home
    }

    /// Returns the token of its data directory.
    #[must_use]
    pub fn token(&self) -> String {
        self.home().read("authtok").trim().to_owned()
    }

    /// Returns what it has logged to its error output since it was started.
    #[must_use]
    pub fn log(&self) -> String {
        // A log that cannot be read says nothing.
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Runs the program beside it, to its end.
    #[must_use]
    pub fn oriel(&self, arguments: &[&str]) -> Finished {
        self.home().oriel(arguments)
    }

    /// Connects to it.
    ///
    /// # Panics
    /// Where it does not listen.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::tcp(self.addr).expect("the daemon listens")
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Panics
    /// Where there is no answer.
    pub fn send(&self, request: &Request) -> Answer {
        match self.connect().send(request) {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {request:?}: {error}"),
        }
    }

    /// Asks for something.
    pub fn get(&self, target: &str) -> Answer {
        self.send(&Request::get(target))
    }

    /// Posts JSON.
    pub fn post(&self, target: &str, body: &Value) -> Answer {
        self.send(&Request::post(target, body))
    }

    /// Steers it, with the token.
    pub fn control(&self, method: &str, target: &str) -> Answer {
        self.send(&Request::new(method, target).header("x-oriel-authtok", self.token()))
    }

    /// Steers it with a command that has words of its own.
    pub fn control_with(&self, method: &str, target: &str, body: &Value) -> Answer {
        let request = Request::new(method, target).header("x-oriel-authtok", self.token());
        self.send(&request.typed("application/json", body.to_string()))
    }

    /// Stores one event and returns its number.
    ///
    /// # Panics
    /// Where it is not stored.
    pub fn store(&self, event: &Value) -> i64 {
        let receipt = self.post("/api/events", event).expect(201).json();
        receipt["ids"][0].as_i64().expect("a receipt names the event")
    }

    /// Stores events in one request and returns their numbers.
    ///
    /// # Panics
    /// Where any is not stored.
    pub fn store_all(&self, batch: &Value) -> Vec<i64> {
        let receipt = self.post("/api/events/batch", batch).expect(201).json();
        assert_eq!(
            (&receipt["duplicates"], &receipt["rejected"]),
            (&0.into(), &Value::Array(vec![]))
        );
        let ids = receipt["ids"].as_array().expect("a receipt names the events");
        ids.iter().map(|id| id.as_i64().expect("numbers are numbers")).collect()
    }

    /// Opens the stream and takes its greeting.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn stream(&self, target: &str) -> Stream {
        let mut stream = Stream::open(self.connect(), &Request::get(target));
        let greeting = stream.next().expect("a stream begins with a greeting");
        assert_eq!(greeting.kind(), "connected");
        stream
    }

    /// Sends bytes as they are, and returns all that comes back until the daemon closes. A daemon
    /// that neither answers nor closes is given what ends every request: no more bytes.
    pub fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        use std::net::{Shutdown, TcpStream};
        let mut stream = TcpStream::connect(self.addr).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a span that is not zero");
        // Who refuses early does not read to the end, and may close before all is sent.
        _ = stream.write_all(bytes);
        _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        // A connection that is cut may lose what was sent last; what came before counts.
        _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Checks that the store is sound and its totals are true, with the daemon running or not.
    ///
    /// # Panics
    /// Where it is not.
    pub fn verify(&self) -> Value {
        let report = self.oriel(&["store", "verify", "--json"]).json();
        assert_eq!(report["ok"], true, "{report:#}");
        report
    }

    /// Ends it as a crash would, and waits until it is gone.
    pub fn kill(&mut self) {
        // It may be gone already.
        _ = self.child.kill();
        _ = self.child.wait();
    }

    /// Asks it to stop, with SIGTERM.
    pub fn terminate(&mut self) -> Stopped {
        self.signal(Signal::TERM)
    }

    /// Sends it a signal and waits until it is gone.
    ///
    /// # Panics
    /// Where it stays.
    pub fn signal(&mut self, signal: Signal) -> Stopped {
        let sent = Instant::now();
        kill_process(Pid::from_child(&self.child), signal).expect("the daemon runs");
        let status = program::ended(&mut self.child, "the daemon to stop");
        Stopped { took: sent.elapsed(), status }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        program::ended(&mut self.child, "the daemon to end")
    }

    /// Starts it again in the same way and on the same data, after ending it in good order where it
    /// still runs.
    ///
    /// # Panics
    /// Where it does not end well, or does not come back.
    pub fn restart(&mut self) {
        if self.child.try_wait().expect("a child of ours can be waited for").is_none() {
            let stopped = self.terminate();
            assert!(stopped.status.success(), "{stopped:?}");
        }
        *self = self.launch.start();
    }

    /// Waits until it listens again after it was asked to start again, as the same process.
    ///
    /// # Panics
    /// Where it does not come back.
    pub fn come_back(&mut self) {
        self.addr = self.read_address();
    }

    /// Reads where it listens.
    fn read_address(&mut self) -> SocketAddr {
        let said = self.said.get_mut().expect("nobody panics with it");
        let line = loop {
            match said.recv_timeout(PATIENCE) {
                // The line before was the one of another start.
                Ok(line) if OTHERS.iter().any(|other| line.starts_with(other)) => {}
                Ok(line) => break line,
                Err(_) => panic!("the daemon does not listen, {:?}", self.child.try_wait()),
            }
        };
        let address = line.strip_prefix(READY).and_then(|addr| addr.parse::<SocketAddr>().ok());
        let mut address = address.unwrap_or_else(|| panic!("{line:?} does not say where"));
        if address.ip().is_unspecified() {
            address.set_ip([127, 0, 0, 1].into());
        }
        address
    }
}

/// Reads what a daemon says, to the end.
fn lines(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (said, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Whoever waits for it may be gone.
            _ = said.send(line);
        }
    });
    lines
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            show(&self.log());
        }
    }
}

/// Sends a signal to a process that is no child of the test. One that is gone is none.
pub fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        _ = kill_process(pid, signal);
    }
}

#[expect(clippy::print_stderr, reason = "the test runner shows it with the failure")]
fn show(log: &str) {
    eprintln!("the daemon said:\n{log}");
}
