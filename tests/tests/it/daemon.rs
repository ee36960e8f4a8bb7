//! A daemon that runs by itself is started once however often that is asked, tells why it does not
//! come up, and comes back as it was.

use std::path::PathBuf;

use oriel_tests::{Finished, Home, Launch, Signal, wait};
use serde_json::{Value, json};

#[test]
fn a_daemon_is_started_once_and_stopped() {
    let home = Kept::new();
    let first = home.start(&["--port", "0", "--access", "token"]);
    assert_eq!(first["started"], true, "{first}");
    let again = home.start(&[]);
    assert_eq!((&again["started"], &again["pid"]), (&json!(false), &first["pid"]));
    let session = home.stat(&first["pid"]);
    assert_eq!(session, first["pid"].to_string(), "it leads a session of its own");
    let folder = std::fs::read_link(format!("/proc/{}/cwd", first["pid"])).unwrap();
    assert_eq!(folder, home.0.data_dir());

    let status = home.oriel(&["daemon", "status", "--json"]).json();
    assert_eq!((&status["state"], &status["failure"]), (&json!("live"), &Value::Null));
    assert_eq!(status["launch"]["by"], "direct", "{status}");
    let with = json!(["--set", "listen.port=0", "--set", "access=token"]);
    assert_eq!(status["launch"]["arguments"], with, "{status}");
    let said = home.oriel(&["daemon", "status"]);
    assert!(said.done().contains("started by `oriel daemon start`"), "{said:?}");

    let stopped = home.oriel(&["daemon", "stop", "--json"]).json();
    assert_eq!(stopped, json!({ "stopped": true, "pid": first["pid"] }));
    home.oriel(&["daemon", "stop"]).failed(3);
    home.oriel(&["daemon", "status"]).failed(3);
}

#[test]
fn many_starts_at_once_make_one_daemon() {
    let home = Kept::new();
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let one = || home.start(&["--port", "0"]);
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let new = answers.iter().filter(|answer| answer["started"] == true).count();
    assert_eq!(new, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["pid"] == answers[0]["pid"]), "{answers:?}");
}

#[test]
fn a_restart_keeps_what_the_daemon_was_started_with() {
    let home = Kept::new();
    let socket = home.0.path("socket here");
    let before = home.start(&["--port", "0", "--socket", "socket here"]);
    let after = home.oriel(&["daemon", "restart", "--json"]).json();
    assert_eq!(after["started"], true);
    assert_ne!(before["pid"], after["pid"]);
    assert!(socket.exists(), "a relative path means the same again");

    // A daemon that died is started again with what it had, whatever it left behind.
    kill(&after["pid"]);
    let again = home.oriel(&["daemon", "restart", "--json"]).json();
    let status = home.oriel(&["daemon", "status", "--json"]).json();
    assert_eq!(status["status"]["pid"], again["pid"]);
    assert_eq!(status["status"]["socket"], json!(socket), "{status}");
}

#[test]
fn what_a_dead_daemon_left_keeps_nobody_out() {
    let home = Kept::new();
    let first = home.start(&["--port", "0"]);
    kill(&first["pid"]);
    let status = home.oriel(&["daemon", "status", "--json"]);
    assert_eq!(status.code, Some(3), "{status:?}");
    assert!(status.stdout.contains("stale"), "{status:?}");
    let second = home.start(&["--port", "0"]);
    assert_eq!(second["started"], true);

    kill(&second["pid"]);
    // A file that is none, and one of a process that is somebody else's.
    for text in ["garbage".to_owned(), health(std::process::id())] {
        home.0.write("health/daemon-health.json", &text);
        let next = home.start(&["--port", "0"]);
        assert_eq!(next["started"], true, "{text}");
        home.oriel(&["daemon", "stop"]).done();
    }
}

#[test]
fn a_daemon_that_does_not_come_up_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Kept::new();
    let failed = home.oriel(&["daemon", "start", "--port", &port]);
    let said = failed.failed(1);
    assert!(said.contains("is taken by another program"), "{said}");
    assert!(said.contains("daemon.log") && said.contains("exit status: 1"), "{said}");
    // What is wrong with a setting is said before anything is started.
    let wrong = home.oriel(&["daemon", "start", "--port", "x"]);
    assert!(wrong.failed(2).contains("--port"), "{wrong:?}");
    home.oriel(&["daemon", "start", "--launchd"]).failed(1);
    // The folder is private, and so is what is in it.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |name| {
        std::fs::metadata(home.0.data_dir().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("logs"), mode("logs/daemon.log")), (0o700, 0o600));
}

#[test]
fn a_daemon_of_a_terminal_is_left_to_whoever_runs_it() {
    let daemon = Launch::new().start();
    let started = daemon.oriel(&["daemon", "start", "--json"]).json();
    assert_eq!((&started["started"], &started["pid"]), (&json!(false), &json!(daemon.pid())));
    let refused = daemon.oriel(&["daemon", "restart"]);
    assert!(refused.failed(1).contains("oriel stop"), "{refused:?}");
    _ = daemon.get("/api/health").expect(200);
}

#[test]
fn systemd_is_told_what_a_person_would_type() {
    let home = Kept::new();
    let bin = home.fake_systemctl(
        "case \"$2\" in\n\
         enable) (eval \"exec $(sed -n 's/^ExecStart=//p' \"$UNITS/$4\")\") >/dev/null 2>&1 & ;;\n\
         stop|disable) \"$ORIEL\" stop >/dev/null || true ;;\n\
         esac",
    );
    let oriel = |arguments: &[&str]| home.with_path(&bin, arguments);
    let started = oriel(&["daemon", "start", "--systemd", "--port", "0", "--json"]).json();
    assert_eq!(started["started"], true);
    let unit = std::fs::read_to_string(home.units().join("oriel.service")).unwrap();
    assert!(unit.contains("\"--set\" \"listen.port=0\""), "{unit}");
    let status = oriel(&["daemon", "status", "--json"]).json();
    assert_eq!(status["launch"]["by"], json!({ "systemd": "oriel.service" }), "{status}");
    oriel(&["daemon", "stop"]).done();
    oriel(&["daemon", "uninstall"]).done();
    assert!(!home.units().join("oriel.service").exists());
    let said = std::fs::read_to_string(home.0.path("said")).unwrap();
    let expected = "--user show-environment\n--user daemon-reload\n\
        --user enable --now oriel.service\n--user stop oriel.service\n\
        --user show-environment\n--user disable --now oriel.service\n--user daemon-reload\n";
    assert_eq!(said, expected);
    assert!(oriel(&["daemon", "uninstall"]).done().contains("there is no oriel.service"));
}

#[test]
fn without_a_systemd_nothing_is_written() {
    let home = Kept::new();
    let bin = home.fake_systemctl("echo Failed to connect to bus: No medium found >&2; exit 1");
    let refused = home.with_path(&bin, &["daemon", "start", "--systemd"]);
    let said = refused.failed(1);
    assert!(said.contains("no systemd runs for this user") && said.contains("bus"), "{said}");
    let refused = home.with_path(&home.0.path("nothing"), &["daemon", "start", "--systemd"]);
    assert!(refused.failed(1).contains("no `systemctl`"), "{refused:?}");
    assert!(!home.units().exists());
}

/// A home whose daemon does not outlive the test, which is no child of it.
struct Kept(Home);

impl Kept {
    fn new() -> Self {
        Self(Home::new())
    }

    fn start(&self, flags: &[&str]) -> Value {
        self.oriel(&[&["daemon", "start", "--json"], flags].concat()).json()
    }

    fn oriel(&self, arguments: &[&str]) -> Finished {
        let mut command = self.0.command(arguments);
        // Of two tests at once only one could have the console's usual port.
        command.env("ORIEL_CONSOLE_PORT", "0");
        self.0.run(command)
    }

    /// Returns the session of a process: the fourth field behind its name.
    fn stat(&self, pid: &Value) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned()
    }

    fn units(&self) -> PathBuf {
        self.0.path(".config/systemd/user")
    }

    /// Makes a `systemctl` that notes what it is asked and then does this, and returns its folder.
    fn fake_systemctl(&self, then: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let bin = self.0.path("bin");
        std::fs::create_dir(&bin).unwrap();
        let path = bin.join("systemctl");
        let said = self.0.path("said");
        let text = format!("#!/bin/sh\necho \"$@\" >>'{}'\n{then}\n", said.display());
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        bin
    }

    fn with_path(&self, bin: &std::path::Path, arguments: &[&str]) -> Finished {
        let mut command = self.0.command(arguments);
        let program = command.get_program().to_owned();
        let path = match bin.exists() {
            true => format!("{}:/usr/bin:/bin", bin.display()),
            false => bin.display().to_string(),
        };
        command.env("PATH", path).env("UNITS", self.units()).env("ORIEL", program);
        command.env("ORIEL_CONSOLE_PORT", "0");
        self.0.run(command)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        _ = self.0.oriel(&["stop"]);
    }
}

fn health(pid: u32) -> String {
    json!({
        "schema": "oriel-daemon-health.v1", "pid": pid, "startedAt": "2026-03-01T10:00:00Z",
        "updatedAt": "2026-03-01T10:00:00Z", "phase": "ready", "version": "0.1.0",
        "addr": "127.0.0.1:1", "socket": null,
    })
    .to_string()
}

/// Ends a process as a crash would, and waits until it is gone.
fn kill(pid: &Value) {
    let pid = pid.as_i64().unwrap();
    oriel_tests::kill(u32::try_from(pid).unwrap(), Signal::KILL);
    wait::until("the daemon to be gone", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}
