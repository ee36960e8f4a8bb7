//! Who may reach the daemon and who may not, what it leaves on disk, and how it starts and stops
//! beside others.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oriel_tests::events::event;
use oriel_tests::{Connection, Daemon, Home, Launch, Request, Signal};
use serde_json::{Value, json};

/// A daemon stops within a second; a machine that is busy with other things takes longer.
const STOPPED_WITHIN: Duration = Duration::from_secs(3);

const HEALTH: &str = "health/daemon-health.json";

#[test]
fn a_daemon_that_stopped_leaves_its_port_to_the_next() {
    let mut first = Daemon::start();
    let port = first.addr().port().to_string();
    let stream = first.stream("/api/stream");
    assert!(first.terminate().status.success());
    let next = Launch::new().flag("--port", &port).start();
    assert_eq!(next.addr(), first.addr());
    assert_eq!(next.get("/api/health").status, 200);
    drop(stream);
}

#[test]
fn a_taken_port_is_a_failure_that_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let home = Home::new();
    let launch = Launch::new().home(&home).flag("--port", &addr.port().to_string());
    let refused = launch.refused();
    let said = refused.failed(1);
    for part in [&*addr.to_string(), "listen.port", "--port"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(refused.stdout, "");
    assert!(!home.data_dir().join(HEALTH).exists());
    drop(taken);
    assert_eq!(launch.start().addr(), addr, "nothing of the failure is left");
}

#[test]
fn a_data_directory_has_one_daemon_and_the_second_is_told_which() {
    let mut first = Daemon::start();
    let second = Launch::new().home(first.home());
    let refused = second.refused();
    let said = refused.failed(1);
    for part in [&*format!("pid {}", first.pid()), "--data-dir", "oriel stop"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(first.oriel(&["status", "--json"]).json()["status"]["pid"], first.pid());
    first.store(&event("unharmed"));
    first.kill();
    let second = second.start();
    assert_eq!(second.get("/api/stats").json()["total_events"], 1, "a dead owner is none");
}

#[test]
fn a_signal_ends_a_daemon_within_a_second_whoever_listens() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = Daemon::start();
        daemon.store(&event("e1"));
        let mut streams: Vec<_> = (0..20).map(|_| daemon.stream("/api/stream")).collect();
        let mut polls: Vec<Connection> = (0..5)
            .map(|_| {
                let mut poll = daemon.connect();
                // The answer to the first request shows that the second one was taken, too.
                poll.ask(&Request::get("/api/health")).unwrap();
                poll.ask(&Request::get("/api/events/wait?after=1&timeout=60")).unwrap();
                poll.read("GET").unwrap();
                poll
            })
            .collect();
        let stopped = daemon.signal(signal);
        println!("{signal:?}: stopped in {:?}", stopped.took);
        assert_eq!(stopped.status.code(), Some(0), "{signal:?}: {}", daemon.log());
        assert!(stopped.took < STOPPED_WITHIN, "{signal:?}: {stopped:?}");
        for stream in &mut streams {
            assert_eq!(stream.next(), None, "a stream ends whole");
        }
        for poll in &mut polls {
            assert_eq!(poll.read("GET").unwrap().text(), r#"{"events":[],"next":1,"last":1}"#);
        }
        assert!(!daemon.home().data_dir().join(HEALTH).exists());
        assert_eq!(daemon.oriel(&["status"]).code, Some(3));
    }
}

#[test]
fn the_control_api_and_the_stop_command_end_a_daemon_too() {
    let mut daemon = Daemon::start();
    let answer = daemon.control("POST", "/control/shutdown");
    assert_eq!((answer.status, answer.text()), (202, r#"{"stopping":true}"#));
    assert!(daemon.wait().success());
    daemon.restart();
    let pid = daemon.pid();
    // The command waits until the process is gone, which takes someone to wait for it.
    let stop = std::thread::scope(|scope| {
        let home = daemon.home().clone();
        let stop = scope.spawn(move || home.oriel(&["stop"]));
        assert!(daemon.wait().success());
        stop.join().unwrap()
    });
    assert_eq!(stop.done(), format!("the daemon, process {pid}, has stopped\n"));
    assert_eq!(daemon.oriel(&["stop"]).code, Some(3));
}

#[test]
fn a_health_file_of_a_dead_process_is_told_from_one_that_lives() {
    let mut daemon = Daemon::start();
    let (pid, addr) = (daemon.pid(), daemon.addr().to_string());
    let live = daemon.oriel(&["status", "--json"]).json();
    assert_eq!((&live["state"], &live["status"]["phase"]), (&json!("live"), &json!("ready")));
    let health: Value = serde_json::from_str(&daemon.home().read(HEALTH)).unwrap();
    assert_eq!(health["schema"], "oriel-daemon-health.v1");
    assert_eq!((&health["pid"], &health["addr"]), (&json!(pid), &json!(addr)));

    daemon.kill();
    assert!(daemon.home().data_dir().join(HEALTH).exists(), "a crash leaves it");
    let stale = daemon.oriel(&["status", "--json"]);
    assert_eq!(stale.code, Some(3), "{stale:?}");
    let stale: Value = serde_json::from_str(&stale.stdout).unwrap();
    assert_eq!(stale["state"], "stale");
    assert!(stale["reason"].as_str().unwrap().contains(&pid.to_string()), "{stale}");
    let told = daemon.oriel(&["status"]);
    assert_eq!(told.code, Some(3));
    assert!(told.stdout.contains(&pid.to_string()), "{told:?}");

    daemon.restart();
    assert_eq!(daemon.oriel(&["status", "--json"]).json()["status"]["pid"], daemon.pid());
    let fresh = Home::new().oriel(&["status", "--json"]);
    let state: Value = serde_json::from_str(&fresh.stdout).unwrap();
    assert_eq!((fresh.code, &state["state"]), (Some(3), &json!("absent")));
}

#[test]
fn everything_in_the_data_directory_is_its_owners_alone() {
    let home = Home::new();
    let mut daemon = Launch::new().home(&home).set("listen.socket", "socket").start();
    daemon.store(&event("e1"));
    daemon.oriel(&["store", "backup"]).done();
    check_modes(&home.data_dir(), 6);
    daemon.restart();
    check_modes(&home.data_dir(), 6);
    assert!(daemon.terminate().status.success());
    check_modes(&home.data_dir(), 4);
}

#[test]
fn other_machines_are_not_let_in_without_token_access() {
    for host in ["0.0.0.0", "::", "10.1.2.3"] {
        let refused = Launch::new().flag("--host", host).refused();
        assert_eq!(refused.code, Some(2), "{host}: {refused:?}");
        for part in ["listen.host", host, "access = \"token\""] {
            assert!(refused.stderr.contains(part), "{part} is not in {}", refused.stderr);
        }
    }
    let home = Home::new();
    home.write("config.toml", "listen.host = \"0.0.0.0\"\n");
    let daemon = Launch::new().home(&home).start();
    let listens = daemon.control("GET", "/control/status").json()["addr"].clone();
    assert!(listens.as_str().unwrap().starts_with("127.0.0.1:"), "the file does not count");
    let readiness = daemon.control("GET", "/control/readiness").json();
    assert_eq!(readiness["blockers"][0]["kind"], "config-invalid", "{readiness}");
}

#[test]
fn beyond_loopback_even_ingest_needs_the_token() {
    let daemon = Launch::new().flag("--host", "0.0.0.0").flag("--access", "token").start();
    for (nth, request) in requests().into_iter().enumerate() {
        let wrong = request.clone().header("x-oriel-authtok", "0".repeat(64));
        for closed in [&request, &wrong] {
            let answer = daemon.send(closed);
            assert_eq!(answer.status, 401, "{closed:?}");
            assert!(answer.json()["error"].as_str().unwrap().contains("authtok"));
        }
        for (name, value) in tokens(&daemon) {
            let open = request.clone().header(name, value);
            assert!(matches!(daemon.send(&open).status, 200 | 201), "{nth} with {name}");
        }
    }
}

#[test]
fn with_token_access_programs_of_this_machine_still_tell_but_do_not_read() {
    let daemon = Launch::new().flag("--access", "token").start();
    daemon.store(&event("e1"));
    for target in
        ["/api/events", "/api/stats", "/api/stream", "/api/health", "/metrics", "/nothing"]
    {
        assert_eq!(daemon.get(target).status, 401, "{target}");
        for (name, value) in tokens(&daemon) {
            let mut connection = daemon.connect();
            let request = Request::new("HEAD", target).header(name, value);
            let expected = if target == "/nothing" { 404 } else { 200 };
            assert_eq!(connection.send(&request).unwrap().status, expected, "{target} with {name}");
        }
    }
    assert_eq!(daemon.oriel(&["status"]).code, Some(0), "the command line has the token");
}

#[test]
fn only_who_has_the_token_steers() {
    let daemon = Daemon::start();
    let token = daemon.token();
    for (method, target) in [
        ("GET", "/control/status"),
        ("GET", "/control/readiness"),
        ("POST", "/control/store/verify"),
        ("POST", "/control/store/compact"),
        ("POST", "/control/store/backup"),
        ("POST", "/control/shutdown"),
    ] {
        let request = || Request::new(method, target);
        let bearer = request().header("authorization", format!("Bearer {token}"));
        let wrong = request().header("x-oriel-authtok", token.to_ascii_uppercase());
        let short = request().header("x-oriel-authtok", &token[..63]);
        for refused in [request(), bearer, wrong, short] {
            assert_eq!(daemon.send(&refused).status, 401, "{refused:?}");
        }
    }
    for target in ["/control/status", "/control/readiness"] {
        assert_eq!(daemon.control("GET", target).status, 200, "{target}");
    }
    assert_eq!(daemon.control("POST", "/control/store/verify").json()["ok"], true);
    let status = daemon.control("GET", "/control/status").json();
    assert_eq!((&status["pid"], &status["access"]), (&json!(daemon.pid()), &json!("loopback")));
}

#[test]
fn web_pages_are_refused_whatever_they_ask() {
    let daemon = Launch::new().set("listen.hosts", "box.lan").start();
    let own = daemon.addr().to_string();
    let foreign = [
        ("host", "evil.example".to_owned()),
        ("host", format!("{own}.evil.example")),
        ("host", format!("localhost@evil.example:{}", daemon.addr().port())),
        ("host", "evil@localhost".to_owned()),
        ("host", "192.168.0.1".to_owned()),
        ("host", String::new()),
        ("origin", "http://evil.example".to_owned()),
        ("origin", format!("https://{own}")),
        ("origin", format!("http://{own}.evil.example")),
        ("origin", "http://localhost:1".to_owned()),
        ("origin", "null".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ];
    let control = Request::get("/control/status").header("x-oriel-authtok", daemon.token());
    let preflight = Request::new("OPTIONS", "/api/events");
    let nothing = Request::get("/nothing");
    for request in requests().into_iter().chain([control, preflight, nothing]) {
        for (name, value) in &foreign {
            let answer = daemon.send(&request.clone().header(name, value));
            assert_eq!(answer.status, 403, "{name}: {value}, {request:?}");
            let open = |(name, _): &(String, String)| name.starts_with("access-control");
            assert!(!answer.headers.iter().any(open), "{:?}", answer.headers);
        }
    }
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 0, "nothing was taken");
    for (name, value) in [
        ("host", "localhost"),
        ("host", "LOCALHOST:1"),
        ("host", "[::1]:3142"),
        ("host", "box.lan:3142"),
        ("origin", &format!("http://{own}")),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ] {
        let answer = daemon.send(&Request::get("/api/stats").header(name, value));
        assert_eq!(answer.status, 200, "{name}: {value}");
    }
}

#[test]
fn a_unix_socket_serves_the_same() {
    let home = Home::new();
    let path = home.path("oriel.sock");
    let mut daemon = Launch::new().home(&home).flag("--socket", path.to_str().unwrap()).start();
    let mut connection = Connection::unix(&path).unwrap();
    let posted = connection.send(&Request::post("/api/events", &event("e1"))).unwrap();
    assert_eq!((posted.status, posted.text()), (201, r#"{"received":1,"ids":[1],"duplicates":0}"#));
    for target in ["/api/events", "/api/stats", "/api/sessions/s1", "/nothing"] {
        let request = Request::get(target);
        let (here, there) = (connection.send(&request).unwrap(), daemon.send(&request));
        assert_eq!((here.status, here.text()), (there.status, there.text()), "{target}");
    }
    let foreign = Request::get("/api/stats").header("host", "evil.example");
    assert_eq!(connection.send(&foreign).unwrap().status, 403);
    assert_eq!(connection.send(&Request::get("/control/status")).unwrap().status, 401);
    let request = Request::get("/api/stream?after=0");
    let mut stream = oriel_tests::Stream::open(Connection::unix(&path).unwrap(), &request);
    assert_eq!(stream.numbers(1), [1]);
    let status = daemon.oriel(&["status", "--json"]).json();
    assert_eq!(status["status"]["socket"], path.to_str().unwrap());

    daemon.kill();
    daemon.restart();
    let mut connection = Connection::unix(&path).expect("what a crash left is replaced");
    assert_eq!(connection.send(&Request::get("/api/stats")).unwrap().status, 200);
    assert!(daemon.terminate().status.success());
    assert!(!path.exists());
}

/// Requests that tell and requests that read.
fn requests() -> Vec<Request> {
    let mut requests = vec![Request::post("/api/events", &event("e"))];
    requests.push(Request::post("/api/events/batch", &json!({ "events": [event("e")] })));
    let reads = [
        "/api/events",
        "/api/events/wait?after=0&timeout=0",
        "/api/stats",
        "/api/sessions",
        "/metrics",
    ];
    requests.extend(reads.map(Request::get));
    requests
}

fn tokens(daemon: &Daemon) -> [(&'static str, String); 2] {
    let token = daemon.token();
    [("x-oriel-authtok", token.clone()), ("authorization", format!("Bearer {token}"))]
}

/// Checks that nobody but the owner may use anything in a folder, of at least so many things.
fn check_modes(folder: &Path, at_least: usize) {
    let mut paths = vec![folder.to_owned()];
    let mut exposed: Vec<(PathBuf, String)> = Vec::new();
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        let metadata = path.symlink_metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        if mode != expected {
            exposed.push((path.clone(), format!("{mode:03o}")));
        }
        if metadata.is_dir() {
            paths.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(paths.len() > at_least, "{paths:?}");
    assert!(exposed.is_empty(), "{exposed:?}");
}
