//! Two `syncthing` that share a folder over loopback, and speak to nobody else.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use oriel_tests::{Connection, Request};
use serde_json::Value;

use super::{Places, Tool};
use crate::bench::{BenchError, failed};
use crate::sync::child::Kept;
use crate::sync::stop::until;
use crate::sync::trees::Shape;

/// What it takes for leave to ask its programming interface.
const KEY: &str = "measured";
/// The delay that its own settings have, in seconds.
const USUAL_DELAY: u32 = 10;
/// How long it may take to answer, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// How many lines of what it said an error repeats.
const SAID_LINES_MAX: usize = 8;

/// Both of them.
pub(super) struct Syncthing {
    // In this order they are dropped.
    processes: Vec<Kept>,
    ends: Vec<End>,
    places: Places,
    delay: u32,
}

/// One of them.
#[derive(Debug)]
struct End {
    home: PathBuf,
    folder: PathBuf,
    device: String,
    listens: SocketAddr,
    answers: SocketAddr,
}

impl Syncthing {
    pub(super) fn new(places: Places, delay: Option<u32>) -> Self {
        Self {
            processes: Vec::new(),
            ends: Vec::new(),
            places,
            delay: delay.unwrap_or(USUAL_DELAY),
        }
    }

    fn launch(&mut self) -> Result<(), BenchError> {
        for end in &self.ends {
            let mut command = command(&self.places.own);
            command.args(["serve", "--no-browser", "--no-restart", "--no-upgrade"]);
            command.arg(format!("--home={}", end.home.display()));
            // Without this it starts itself a second time, to watch over itself.
            command.env("STMONITORED", "yes");
            self.processes.push(Kept::start(&mut command, &self.places.log())?);
        }
        let log = self.places.log();
        for end in &self.ends {
            let answers = until("syncthing to answer", PATIENCE, ASK_EVERY, || {
                Ok(end.ask("/rest/system/ping").ok().map(|_| ()))
            });
            answers.map_err(|error| {
                // Why it does not is only in what it said.
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last: Vec<_> = said.lines().rev().take(SAID_LINES_MAX).collect();
                failed(
                    format!("use syncthing, which said last: {}", last.join(" / ")),
                    io::Error::other(error),
                )
            })?;
        }
        Ok(())
    }
}

impl Tool for Syncthing {
    fn prepare(&mut self) -> Result<(), BenchError> {
        for (name, folder) in [("a", &self.places.one), ("b", &self.places.other)] {
            let home = self.places.own.join(name);
            let mut generate = command(&self.places.own);
            generate.args(["generate", "--no-default-folder", "--skip-port-probing"]);
            generate.arg(format!("--home={}", home.display()));
            Kept::start(&mut generate, &self.places.log())?.finish()?;
            let device = device(&home, &self.places.own)?;
            let (listens, answers) = (free()?, free()?);
            self.ends.push(End { home, folder: folder.clone(), device, listens, answers });
        }
        for end in &self.ends {
            let settings = settings(end, &self.ends, self.delay);
            let path = end.home.join("config.xml");
            fs::write(&path, settings)
                .and_then(|()| fs::create_dir(end.folder.join(".stfolder")))
                .map_err(|source| failed(format!("write {}", path.display()), source))?;
        }
        Ok(())
    }

    fn fill(&mut self, shape: Shape) -> Result<(), BenchError> {
        self.launch()?;
        shape.until_there(&self.places.other)
    }

    fn keep(&mut self) -> Result<(), BenchError> {
        if self.processes.is_empty() { self.launch() } else { Ok(()) }
    }

    fn is_still(&mut self) -> Result<bool, BenchError> {
        for end in &self.ends {
            let status = end.ask("/rest/db/status?folder=measured")?;
            if status["state"] != "idle" || status["needTotalItems"] != 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stop(&mut self) -> Result<(), BenchError> {
        self.processes.drain(..).try_for_each(Kept::stop)
    }
}

impl End {
    fn ask(&self, target: &str) -> Result<Value, BenchError> {
        let cannot = |source| failed(format!("ask syncthing for {target}"), source);
        let mut connection = Connection::tcp(self.answers).map_err(cannot)?;
        let request = Request::get(target).header("x-api-key", KEY).header("host", "localhost");
        let answer = connection.send(&request).map_err(cannot)?;
        serde_json::from_slice(&answer.body).map_err(|error| cannot(error.into()))
    }
}

fn command(home: &Path) -> Command {
    let mut command = Command::new("syncthing");
    command.env("HOME", home);
    command
}

fn device(home: &Path, own: &Path) -> Result<String, BenchError> {
    let cannot = |source| failed("learn the name of a syncthing", source);
    let mut asked = command(own);
    asked.args(["serve", "--device-id"]).arg(format!("--home={}", home.display()));
    let output = asked.output().map_err(cannot)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let name = text.lines().last().unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(cannot(io::Error::other(said)));
    }
    Ok(name)
}

/// A port that was free a moment ago: it takes none that the system gives it.
fn free() -> Result<SocketAddr, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|it| it.local_addr()).map_err(|source| failed("find a free port", source))
}

/// Its settings, as short as they may be: what is not in them is as it usually is.
fn settings(end: &End, ends: &[End], delay: u32) -> String {
    let shares: String =
        ends.iter().map(|end| format!("<device id=\"{}\"></device>", end.device)).collect();
    let devices: String = ends
        .iter()
        .map(|end| {
            let (device, listens) = (&end.device, end.listens);
            format!("<device id=\"{device}\"><address>tcp://{listens}</address></device>")
        })
        .collect();
    // It would give way to whatever else the machine does, which none of the others does.
    let off = "<setLowPriority>false</setLowPriority><globalAnnounceEnabled>false</globalAnnounceEnabled>\
        <localAnnounceEnabled>false</localAnnounceEnabled><relaysEnabled>false</relaysEnabled>\
        <natEnabled>false</natEnabled><startBrowser>false</startBrowser><urAccepted>-1</urAccepted>\
        <crashReportingEnabled>false</crashReportingEnabled><stunKeepaliveStartS>0</stunKeepaliveStartS>";
    format!(
        "<configuration version=\"36\"><folder id=\"measured\" path=\"{}\" type=\"sendreceive\" \
         rescanIntervalS=\"3600\" fsWatcherEnabled=\"true\" fsWatcherDelayS=\"{delay}\">{shares}</folder>\
         {devices}<gui enabled=\"true\" tls=\"false\"><address>{}</address><apikey>{KEY}</apikey></gui>\
         <options><listenAddress>tcp://{}</listenAddress><reconnectionIntervalS>1</reconnectionIntervalS>\
         {off}</options></configuration>\n",
        end.folder.display(),
        end.answers,
        end.listens,
    )
}
