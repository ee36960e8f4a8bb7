//! A daemon in a process of its own: found, started where that is ours to do, watched, and found again.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use oriel_launcher::daemon::{self, Live, Peer, Reached, bind};
use oriel_launcher::direct::{self, Start};
use oriel_launcher::{Failure, logfile};
use oriel_link::Link;

use super::{Failed, Next, Order, Task, Up};
use crate::trace::Event;
use crate::words::chain;

/// The pause between two looks at a daemon that is watched, or that is waited for.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A console that has not said by then where it listens is taken to be none.
const BIND_WITHIN: Duration = Duration::from_secs(5);

/// The pause between two looks for the file that says where the console listens.
const BIND_LOOK_EVERY: Duration = Duration::from_millis(50);

/// A console that does not answer within this does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The lines of the daemon's log that are shown with a failure.
const TAIL_LINES: usize = 12;

/// What the console calls the session in its list.
const USER_AGENT: HeaderValue = HeaderValue::from_static("Oriel desktop");

/// How looking for the console ended.
enum Console {
    Up(Box<Up>),
    Failed(Box<Failed>),
}

impl Task {
    /// Shows a daemon of another process for as long as it answers. One that this task started it also
    /// stops at the end.
    pub(super) async fn attach(&mut self, starts_it: bool) -> Next {
        let live = match self.reach(starts_it).await {
            Ok(live) => live,
            Err(failed) => return Next::Failed(*failed),
        };
        self.says("Looking for the console");
        let up = match self.console(live).await {
            Console::Up(up) => up,
            Console::Failed(failed) => return Next::Failed(*failed),
        };
        let pid = up.pid;
        self.up_now(*up);
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Retry) => {}
                    Some(Order::Stop(done)) => {
                        self.stop_what_was_started(pid).await;
                        self.ended = Some(done);
                        return Next::End;
                    }
                    None => return Next::End,
                },
                () = tokio::time::sleep(LOOK_AGAIN) => {
                    match daemon::find(&self.plan.data_dir).await {
                        Ok(Reached::Live(live)) if live.status.pid == pid => {}
                        // Another one runs in its place.
                        Ok(Reached::Live(_)) => return Next::Again,
                        found => return Next::Failed(self.lost(&found, starts_it)),
                    }
                }
            }
        }
    }

    async fn reach(&mut self, starts_it: bool) -> Result<Box<Live>, Box<Failed>> {
        self.says("Looking for the daemon");
        let found = daemon::find(&self.plan.data_dir).await;
        self.plan.traces.tell(Event::DaemonStatus {
            found: if matches!(found, Ok(Reached::Live(_))) { "live" } else { "not found" },
        });
        match found {
            Ok(Reached::Live(live)) => Ok(live),
            _ if starts_it => self.start().await.map_err(Box::new),
            found => Err(Box::new(self.lost(&found, false))),
        }
    }

    /// Has the launcher start a daemon.
    async fn start(&mut self) -> Result<Box<Live>, Failed> {
        let launcher = |problem: String, advice: &str| Failed {
            failure: Failure::DaemonLauncherUnreachable,
            problem,
            advice: advice.to_owned(),
            command: Some("oriel daemon start".to_owned()),
            log: daemon_log(&self.plan.data_dir),
            tries_again: false,
        };
        let Some(program) = self.plan.program.clone() else {
            return Err(launcher(
                "The program `oriel` is neither beside the desktop nor in PATH.".to_owned(),
                "Install it there, then try again.",
            ));
        };
        self.says("Starting the daemon");
        self.plan.traces.tell(Event::DaemonStart { by: "launcher" });
        self.plan.traces.tell(Event::ConsoleStart);
        let is_ours =
            |key: &str| !matches!(key, "data_dir" | "profile") && !key.starts_with("desktop.");
        let flags = self.plan.flags.iter().filter(|flag| is_ours(&flag.key));
        let start = Start {
            program,
            data_dir: self.plan.data_dir.clone(),
            arguments: flags
                .flat_map(|flag| ["--set".to_owned(), format!("{}={}", flag.key, flag.value)])
                .collect(),
        };
        match direct::start(&start).await {
            Ok(started) => {
                if started.is_new {
                    self.started = Some(started.live.status.pid);
                }
                Ok(started.live)
            }
            Err(error) => {
                let advice = match error.failure() {
                    Failure::PortInUse => {
                        "Stop the program that has it, or set what the log names to a free port."
                    }
                    _ => "Mend what the log says, then try again.",
                };
                Err(Failed { failure: error.failure(), ..launcher(chain(&error), advice) })
            }
        }
    }

    /// Finds the console of a daemon that answers, and is given a session.
    async fn console(&mut self, live: Box<Live>) -> Console {
        let link = match self.bind().await {
            Ok(link) => link,
            Err(failed) => return Console::Failed(Box::new(failed)),
        };
        self.plan.traces.tell(Event::BindObserved { place: &link.to_string() });
        let (authority, console_addr) = match &link {
            Link::Tcp(addr) => (addr.to_string(), Some(*addr)),
            _ => ("localhost".to_owned(), None),
        };
        let known = self.session.clone().filter(|_| self.session_of == Some(live.status.pid));
        let session = match known {
            Some(session) => Ok(session),
            None => session(&link, &authority, &live.peer).await,
        };
        match session {
            Ok(session) => {
                self.session = Some(session.clone());
                self.session_of = Some(live.status.pid);
                let base = live.status.addr.clone().unwrap_or_else(|| "localhost".to_owned());
                Console::Up(Box::new(Up {
                    console: link,
                    authority,
                    console_addr,
                    cookies: vec![session],
                    generation: self.next_generation(),
                    base_url: format!("http://{base}"),
                    pid: live.status.pid,
                    runtime: live.peer,
                    is_own: false,
                }))
            }
            Err(problem) => Console::Failed(Box::new(Failed {
                failure: Failure::ConsoleHttpUnreachable,
                problem: format!("The console has said that it listens on {link}, and {problem}."),
                advice: "It is tried again by itself; the daemon's log may say more.".to_owned(),
                command: Some("oriel daemon status".to_owned()),
                log: daemon_log(&self.plan.data_dir),
                tries_again: true,
            })),
        }
    }

    /// Waits until the console has said where it listens.
    async fn bind(&self) -> Result<Link, Failed> {
        let told = async {
            loop {
                match bind::link(&self.plan.data_dir) {
                    Ok(link) => return link,
                    Err(_) => tokio::time::sleep(BIND_LOOK_EVERY).await,
                }
            }
        };
        if let Ok(link) = tokio::time::timeout(BIND_WITHIN, told).await {
            return Ok(link);
        }
        bind::link(&self.plan.data_dir).map_err(|error| Failed {
            failure: error.failure(),
            problem: chain(&error),
            advice: "See that `console.enabled` is true and what the daemon's log says, then restart the daemon.".to_owned(),
            command: Some("oriel daemon restart".to_owned()),
            log: daemon_log(&self.plan.data_dir),
            tries_again: true,
        })
    }

    fn lost(&self, found: &Result<Reached, daemon::FindError>, starts_it: bool) -> Failed {
        let (failure, problem) = match found {
            Ok(Reached::Live(_)) => {
                (Failure::DaemonControlUnreachable, "The daemon changed.".to_owned())
            }
            Ok(Reached::Absent) => {
                let folder = self.plan.data_dir.display();
                (Failure::DaemonControlUnreachable, format!("No daemon runs for {folder}."))
            }
            Ok(Reached::Stale { reason, .. }) => (
                Failure::DaemonControlUnreachable,
                format!("The daemon does not answer: {reason}."),
            ),
            Err(error) => (Failure::DaemonControlUnreachable, chain(error)),
        };
        let advice = if starts_it {
            "It is started again by itself."
        } else {
            "Start it; this window finds it by itself. Or start the desktop with --mode embedded, which has a daemon of its own."
        };
        Failed {
            failure,
            problem,
            advice: advice.to_owned(),
            command: Some("oriel daemon start".to_owned()),
            log: daemon_log(&self.plan.data_dir),
            tries_again: true,
        }
    }

    /// Stops the daemon if it is one that this task started.
    async fn stop_what_was_started(&mut self, pid: u32) {
        if self.started != Some(pid) {
            return;
        }
        if let Ok(Reached::Live(live)) = daemon::find(&self.plan.data_dir).await
            && live.status.pid == pid
            && let Err(error) = direct::stop(&live).await
        {
            tracing::error!(
                error = chain(&error),
                "the daemon that the desktop started did not stop"
            );
        }
    }
}

/// Returns the daemon's log and its last lines.
pub(super) fn daemon_log(data_dir: &Path) -> Option<(std::path::PathBuf, String)> {
    let path = direct::log_path(data_dir);
    path.exists().then(|| {
        let tail = logfile::tail(&path, 0, TAIL_LINES);
        (path, tail)
    })
}

/// Starts a session of the console with a one-time link.
async fn session(link: &Link, authority: &str, peer: &Peer) -> Result<(String, String), String> {
    let asked = async {
        let request = Request::get(one_time_path(link, authority, peer).await?)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::HOST, authority)
            .body(Body::empty())
            .map_err(|_| "what answers there is no console".to_owned())?;
        let answer = link.send(request).await.map_err(|error| chain(&error))?;
        let cookie = answer.headers().get(header::SET_COOKIE);
        let pair =
            cookie.and_then(|cookie| cookie.to_str().ok()?.split(';').next()?.split_once('='));
        pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .ok_or_else(|| "what answers there is no console".to_owned())
    };
    match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
        Ok(session) => session,
        Err(_) => Err("it does not answer there".to_owned()),
    }
}

/// Has a one-time link made, with the token that nobody but the owner of the data directory can read.
pub(super) async fn one_time_path(
    link: &Link,
    authority: &str,
    peer: &Peer,
) -> Result<String, String> {
    let mut request = Request::post("/session/links")
        .header(header::HOST, authority)
        .body(Body::empty())
        .map_err(|_| "its address is none".to_owned())?;
    peer.show_token(&mut request);
    let asked = link.json::<serde_json::Value>(request);
    let (status, made) = asked.await.map_err(|error| chain(&error))?;
    if status != StatusCode::CREATED {
        return Err(format!("it refuses a session, with status {}", status.as_u16()));
    }
    let path = made["path"].as_str().filter(|path| path.starts_with('/'));
    path.map(str::to_owned).ok_or_else(|| "what answers there is no console".to_owned())
}
