//! Whether the daemon runs, is away or hangs: a hook ends soon, with success, and what it was told
//! is in the store once, now or when the daemon is back.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use oriel_tests::script::{Agent, Script};
use oriel_tests::wait::until;
use oriel_tests::{Daemon, Finished, Home, Launch};
use serde_json::Value;

/// A hook does not take longer than this, whatever the daemon does. Where the machine is busy with
/// other things, one of several may.
const HOOK_WITHIN: Duration = Duration::from_millis(2_500);

#[test]
fn what_hooks_say_is_there_once_whether_the_daemon_was_up_or_down() {
    for agent in [Agent::Claude, Agent::Codex] {
        let script = Script::of(agent);
        let up = start(&Home::new());
        run_all(up.home(), &script);
        let expected = events(&up);
        assert!(spooled(up.home()).is_empty());
        assert!(expected.len() > script.calls() + script.turns.len(), "{expected:?}");

        let home = Home::new();
        run_all(&home, &script);
        let waiting = spooled(&home);
        assert_eq!(waiting.len(), script.hooks().len(), "each of them waits");
        let mut down = start(&home);
        until("what waits to be taken", || spooled(&home).is_empty().then_some(()));
        assert_eq!(events(&down), expected, "{agent:?}");
        down.verify();
        down.restart();
        assert_eq!(events(&down), expected, "{agent:?}, after a restart");
    }
}

#[test]
fn what_was_told_before_the_daemon_died_and_again_after_is_there_once() {
    let script = Script::of(Agent::Claude);
    let home = Home::new();
    let mut daemon = start(&home);
    let hooks = script.hooks();
    let (before, after) = hooks.split_at(hooks.len() / 2);
    before.iter().for_each(|(_, body)| check(&run(&home, &script, body, &[])));
    daemon.kill();
    after.iter().for_each(|(_, body)| check(&run(&home, &script, body, &[])));
    assert_eq!(spooled(&home).len(), after.len());
    daemon.restart();
    until("what waits to be taken", || spooled(&home).is_empty().then_some(()));
    let found = events(&daemon);
    let other = start(&Home::new());
    run_all(other.home(), &script);
    assert_eq!(found, events(&other));
    daemon.verify();
}

#[test]
fn a_daemon_that_hangs_keeps_no_agent_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // It takes connections and never answers.
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    let script = Script::of(Agent::Claude);
    let home = Home::new();
    let hooks = script.hooks();
    let mut times = Vec::new();
    for (nth, (_, body)) in hooks.iter().take(3).enumerate() {
        let began = Instant::now();
        check(&run(&home, &script, body, &["--url", &url]));
        times.push(began.elapsed());
        let waiting = spooled(&home);
        assert_eq!(waiting.len(), nth + 1);
        assert!(
            waiting.iter().any(|text| text.contains(body["hook_event_name"].as_str().unwrap()))
        );
    }
    assert!(times.iter().any(|took| *took < HOOK_WITHIN), "{times:?}");
    let daemon = start(&home);
    until("what waits to be taken", || spooled(&home).is_empty().then_some(()));
    assert_eq!(events(&daemon).len(), 2, "a start and a prompt; the third tells nothing new");
}

#[test]
fn what_waits_and_is_no_event_is_put_aside_and_stops_nothing() {
    let script = Script::of(Agent::Claude);
    let home = Home::new();
    check(&run(&home, &script, &serde_json::json!({ "no": "hook" }), &[]));
    run_all(&home, &script);
    let daemon = start(&home);
    until("what waits to be taken", || spooled(&home).is_empty().then_some(()));
    let other = start(&Home::new());
    run_all(other.home(), &script);
    assert_eq!(events(&daemon), events(&other));
}

/// Runs the hook for each of a script's hooks, as the agent does.
fn run_all(home: &Home, script: &Script) {
    script.hooks().iter().for_each(|(_, body)| check(&run(home, script, body, &[])));
}

fn check(run: &Finished) {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

fn run(home: &Home, script: &Script, body: &Value, arguments: &[&str]) -> Finished {
    let agent = if script.agent == Agent::Claude { "claude-code" } else { "codex" };
    let path = home.path("body.json");
    std::fs::write(&path, body.to_string()).unwrap();
    let mut command = home.command(&[&["hook", agent], arguments].concat());
    command.stdin(Stdio::from(std::fs::File::open(&path).unwrap()));
    home.run(command)
}

/// Returns what waits in the spool.
fn spooled(home: &Home) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(home.data_dir().join("spool")) else { return Vec::new() };
    let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    // What was taken meanwhile is not there any more.
    files.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

/// Returns the kinds and tools of all events, in the order of their names.
fn events(daemon: &Daemon) -> Vec<(String, String)> {
    let events = daemon.get("/api/events?limit=-1").expect(200).json();
    let mut found: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let metadata = match &event["metadata"] {
                Value::String(text) => serde_json::from_str(text).unwrap(),
                other => other.clone(),
            };
            let id = &metadata["tool_use_id"];
            (event["event_type"].to_string(), format!("{} {id}", event["tool_name"]))
        })
        .collect();
    found.sort();
    found
}

fn start(home: &Home) -> Daemon {
    Launch::new().home(home).set("import.auto", "false").start()
}
