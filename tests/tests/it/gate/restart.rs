//! A restart is one process that goes on: nothing that was answered is lost, what hooks tell in
//! between is kept, and whoever may not ask for one does not get it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use oriel_tests::events::event;
use oriel_tests::{Connection, Daemon, Home, Launch, Request, Signal, reads};
use serde_json::json;

use super::{audited, expect, hook, restart, wait_for_events};

#[test]
fn a_restart_under_load_loses_no_answered_event() {
    let mut daemon = Launch::new().set("import.auto", "false").start();
    let answered = Arc::new(Mutex::new(Vec::new()));
    let enough = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (answered, enough) = (Arc::clone(&answered), Arc::clone(&enough));
            let addr = daemon.addr();
            std::thread::spawn(move || {
                let Ok(mut connection) = Connection::tcp(addr) else { return };
                for nth in 0.. {
                    let name = format!("{sender}-{nth}");
                    let Ok(answer) = connection.send(&Request::post("/api/events", &event(&name)))
                    else {
                        return;
                    };
                    if answer.status == 201 {
                        let mut answered = answered.lock().unwrap();
                        answered.push(name);
                        enough.fetch_or(answered.len() > 200, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    oriel_tests::wait::until("some events", || enough.load(Ordering::Relaxed).then_some(()));
    restart(&mut daemon);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let names: Vec<String> = reads::all_events(&daemon, 0, 1_000)
        .iter()
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect();
    for name in answered.lock().unwrap().iter() {
        assert_eq!(names.iter().filter(|known| *known == name).count(), 1, "{name}");
    }
    daemon.verify();
    hook(&daemon, "s9");
    wait_for_events(&daemon, names.len() as u64 + 1);
    assert_eq!(audited(&daemon, "/control/restart").len(), 1);
}

#[test]
fn a_restart_takes_new_settings_and_can_be_repeated() {
    let home = Home::new();
    let mut daemon = Launch::new().home(&home).set("import.auto", "false").start();
    for clients in [3, 4, 5] {
        home.write("config.toml", &format!("stream.clients_max = {clients}\n"));
        restart(&mut daemon);
        let status = daemon.control("GET", "/control/status").json();
        assert_eq!(status["stream"]["clientsMax"], clients);
    }
    let stopped = daemon.signal(Signal::TERM);
    assert!(stopped.status.success(), "signals end it as ever");
    assert_eq!(home.oriel(&["status"]).code, Some(3));
}

#[test]
fn only_who_has_the_token_restarts_and_others_are_written_down() {
    let daemon = Launch::new().set("import.auto", "false").start();
    let pid = daemon.control("GET", "/control/status").json()["pid"].clone();
    for _ in 0..100 {
        expect(&daemon.post("/control/restart?token=secret", &json!({})), 401);
    }
    let request =
        Request::post("/control/restart", &json!({})).header("origin", "http://evil.example");
    expect(&daemon.send(&request.header("x-oriel-authtok", daemon.token())), 403);
    assert_eq!(daemon.control("GET", "/control/status").json()["pid"], pid);
    let refused = audited(&daemon, "/control/restart");
    assert!(refused.len() <= 120 && refused.len() >= 60, "{} of 101", refused.len());
    assert!(refused.iter().all(|entry| entry["who"] == "unknown" && entry["refused"] == true));
    let text = daemon.control("GET", "/control/audit?limit=500").text().to_owned();
    assert!(!text.contains("secret") && !text.contains(&daemon.token()));
}

#[test]
fn the_console_tells_of_what_it_refused() {
    let mut daemon = Daemon::start();
    let note = json!({ "at": "2000-01-01T00:00:00Z", "who": "console:abc", "what": "POST /sync",
        "target": "/sync?x=secret", "outcome": "403 foreign origin", "detail": "a\u{7}b" });
    let post = |daemon: &Daemon, body: &serde_json::Value| {
        let request = Request::post("/control/audit", body);
        daemon.send(&request.header("x-oriel-authtok", daemon.token()))
    };
    expect(&post(&daemon, &note), 202);
    expect(&post(&daemon, &json!({ "who": 1 })), 400);
    expect(&daemon.post("/control/audit", &note), 401);
    daemon.kill();
    daemon.restart();
    let page = daemon.control("GET", "/control/audit?limit=1").expect(200).json();
    let entry = &page["entries"][0];
    assert_eq!((&entry["target"], &entry["detail"]), (&json!("/sync"), &json!("ab")));
    assert_ne!(entry["at"].as_str().unwrap()[..4], *"2000");
    assert_eq!(daemon.control("GET", "/control/audit?before=x").status, 400);
    let listed = daemon.oriel(&["audit"]);
    assert!(listed.done().contains("console:abc"), "{listed:?}");
    // However much is refused, what was done is written down.
    for _ in 0..130 {
        expect(&post(&daemon, &note), 202);
    }
    let done = json!({ "who": "console:abc", "what": "POST /settings/access", "done": true,
        "target": "/settings/access", "outcome": "done 303", "detail": "Session 1 was ended." });
    expect(&post(&daemon, &done), 202);
    let written = audited(&daemon, "/settings/access");
    assert_eq!((written.len(), &written[0]["refused"]), (1, &json!(false)));
}

#[test]
fn a_program_that_is_gone_is_not_started_again_and_that_is_said() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let home = Home::new();
    let ports = ["--port", "0", "--console-port", "0"];
    let usual = home.command(&[&["serve"], &ports[..], &["--set", "import.auto=false"]].concat());
    let program = home.path("oriel-copy");
    // Another process copies it: a program that this one has open for writing could not be started
    // while any of its threads is starting another.
    let copied = std::process::Command::new("cp").arg(usual.get_program()).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = std::process::Command::new(&program);
    command.args(usual.get_args()).env_clear().current_dir(home.path(""));
    command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    std::fs::remove_file(&program).unwrap();
    let request = Request::new("POST", "/control/restart");
    let token = home.read("authtok");
    let answer =
        Connection::tcp(addr).unwrap().send(&request.header("x-oriel-authtok", token.trim()));
    assert_eq!(answer.unwrap().status, 202);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("cannot be started again") && said.contains("oriel-copy"), "{said}");
}
