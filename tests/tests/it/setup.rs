//! What a person sets up over the control API, and on the command line, is one and the same.

use oriel_tests::{Daemon, Home, Launch, Request};
use serde_json::{Value, json};

#[test]
fn a_setting_that_is_written_holds_after_the_restart() {
    let home = Home::new();
    home.write("config.toml", "# mine\nstream.clients_max = 7 # few\n");
    let mut daemon = Launch::new().home(&home).start();
    let (status, answer) = control(
        &daemon,
        "/control/settings",
        &json!({ "key": "stream.clients_max", "value": "9" }),
    );
    assert_eq!((status, &answer["takes_effect"]), (200, &json!("restart")), "{answer}");
    assert_eq!(home.read("config.toml"), "# mine\nstream.clients_max = 9 # few\n");
    let status = |daemon: &Daemon| daemon.control("GET", "/control/status").json();
    assert_eq!(status(&daemon)["stream"]["clientsMax"], 7);
    daemon.restart();
    assert_eq!(status(&daemon)["stream"]["clientsMax"], 9);
    let list = daemon.control("GET", "/control/settings").json();
    let port = list["settings"].as_array().unwrap().iter().find(|it| it["key"] == "listen.port");
    assert!(port.unwrap()["origin"].as_str().unwrap().starts_with("flag --"), "{port:?}");
}

#[test]
fn the_command_line_writes_the_same_file() {
    let home = Home::new();
    let run = home.oriel(&["config", "set", "listen.port", "4000"]);
    assert!(run.done().contains("next start"), "{run:?}");
    assert_eq!(home.read("config.toml"), "listen.port = 4000\n");
    assert!(home.oriel(&["config", "set", "listen.port", "4000"]).done().contains("already"));
    let run = home.oriel(&["config", "set", "listen.port", "99999"]);
    assert!(run.failed(1).contains("65535"), "{run:?}");
    let mut command = home.command(&["config", "set", "listen.port", "4001"]);
    command.env("ORIEL_LISTEN_PORT", "5");
    assert!(home.run(command).done().contains("ORIEL_LISTEN_PORT comes before the file"));
    _ = home.oriel(&["config", "unset", "listen.port"]).done();
    assert_eq!(home.read("config.toml"), "");
}

#[test]
fn hooks_that_the_daemon_installs_reach_it_and_go_without_a_trace() {
    let daemon = Daemon::start();
    let file = daemon.home().path(".claude/settings.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = "{\n    \"model\": \"opus\"\n}";
    std::fs::write(&file, before).unwrap();
    let (status, answer) = control(&daemon, "/control/hooks/claude_code/install", &json!({}));
    assert_eq!((status, &answer["agent"]["installed"]), (200, &json!("ours")), "{answer}");
    let run = daemon.oriel(&["hooks", "status", "claude-code"]);
    assert!(run.done().contains("daemon: answers"), "{run:?}");

    // What stands in the settings is run as the agent runs it, from another folder and with nothing
    // of the daemon's environment.
    let settings: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let hook = settings["hooks"]["Stop"][0]["hooks"][0]["command"].as_str().unwrap();
    let told = r#"{"session_id":"s1","hook_event_name":"SessionEnd","reason":"other"}"#;
    let ran = std::process::Command::new("sh")
        .args(["-c", &format!("printf %s '{told}' | {hook}")])
        .env_clear()
        .current_dir("/")
        .status()
        .unwrap();
    assert!(ran.success());
    oriel_tests::wait::until("the event", || {
        let setup = daemon.control("GET", "/control/setup").json();
        (setup["events"] == 1 && setup["sources"][0]["hook"].is_string()).then_some(())
    });
    let (status, _) = control(&daemon, "/control/hooks/claude_code/uninstall", &json!({}));
    assert_eq!((status, std::fs::read_to_string(&file).unwrap()), (200, before.to_owned()));
    std::fs::write(&file, "{ \"a\": }").unwrap();
    let (status, answer) = control(&daemon, "/control/hooks/claude_code/install", &json!({}));
    assert_eq!(status, 409);
    assert!(answer["error"].as_str().unwrap().contains("line 1"), "{answer}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{ \"a\": }");
}

#[test]
fn a_token_that_is_made_anew_locks_out_the_old_one_and_nobody_else() {
    let mut daemon = Daemon::start();
    let old = daemon.token();
    let (status, answer) = control(&daemon, "/control/token/rotate", &json!({}));
    assert_eq!(status, 200);
    assert!(daemon.token() != old && !answer.to_string().contains(&daemon.token()));
    let with_old = Request::new("GET", "/control/status").header("x-oriel-authtok", &old);
    assert_eq!(daemon.send(&with_old).status, 401);
    _ = daemon.oriel(&["status"]).done();
    let new = daemon.token();
    daemon.restart();
    assert_eq!(daemon.token(), new);
}

fn control(daemon: &Daemon, target: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(target, body).header("x-oriel-authtok", daemon.token());
    let answer = daemon.send(&request);
    (answer.status, answer.json())
}
