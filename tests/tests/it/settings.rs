//! The command line says what is set and by whom, refuses what is set wrongly, and cares for the
//! store whether or not a daemon runs.

use std::collections::BTreeMap;
use std::process::Command;

use oriel_tests::events::{batch, names};
use oriel_tests::{Daemon, Home, Launch};
use serde_json::Value;

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let home = Home::new();
    home.write("config.toml", "listen.port = 4004\nstream.clients_max = 40\n");
    let file = home.data_dir().join("config.toml");
    let file = file.to_str().unwrap();
    let flag = ["--set", "listen.port=1001"];
    let own = ("ORIEL_LISTEN_PORT", "2002");
    let old = ("AGENTMONITOR_PORT", "3003");
    check(&home, &flag, &[own, old], "1001", "flag", Some("--set"));
    check(&home, &[], &[own, old], "2002", "environment", Some(own.0));
    check(&home, &[], &[old], "3003", "environment", Some(old.0));
    check(&home, &[], &[], "4004", "file", Some(file));
    check(&Home::new(), &[], &[], "3142", "default", None);

    let twice = ["--set", "listen.port=1", "--set", "listen.port=2"];
    check(&home, &twice, &[own], "2", "flag", Some("--set"));
    let blank = ("ORIEL_LISTEN_PORT", " ");
    check(&home, &[], &[blank, old], "3003", "environment", Some(old.0));
    let useless = ("AGENTMONITOR_PORT", "none");
    check(&home, &[], &[useless], "4004", "file", Some(file));
    let rust = ("AGENTMONITOR_RUST_PORT", "3004");
    check(&home, &[], &[old, rust], "3004", "environment", Some(rust.0));
}

#[test]
fn a_daemon_goes_by_the_settings_that_are_shown() {
    let home = Home::new();
    home.write("config.toml", "stream.clients_max = 1\naccess = \"token\"\n");
    let launch = Launch::new().home(&home).variable("AGENTMONITOR_MAX_SSE_CLIENTS", "2");
    let daemon = launch.start();
    let status = daemon.control("GET", "/control/status").json();
    assert_eq!(status["stream"]["clientsMax"], 2, "the environment beats the file");
    assert_eq!(status["access"], "token", "the file beats the default");
    drop(daemon);
    let daemon = launch.flag("--access", "loopback").start();
    assert_eq!(daemon.get("/api/stats").status, 200, "a flag beats the file");
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_named() {
    let home = Home::new();
    home.write("config.toml", "[listen]\nprot = 1\n");
    for command in [&["config"][..], &["store", "verify"], &["report", "daily"]] {
        let refused = home.oriel(command);
        let said = refused.failed(1);
        for part in ["listen.prot", "listen.port", "config.toml"] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
    let fresh = Home::new();
    let refused = fresh.oriel(&["config", "--set", "acces=token"]);
    assert!(refused.failed(2).contains("did you mean access?"), "{refused:?}");
    let wrong = fresh.oriel(&["serve", "--port", "99999"]);
    assert!(wrong.failed(2).contains("listen.port"), "{wrong:?}");
    let mut wrong = fresh.command(&["serve"]);
    wrong.env("ORIEL_LISTEN_PORT", "99999");
    assert!(fresh.run(wrong).failed(2).contains("ORIEL_LISTEN_PORT"));
    home.write("config.toml", "listen.port = \n");
    assert!(home.oriel(&["config"]).failed(1).contains("line 1"));
    home.write("config.toml", "data_dir = \"/elsewhere\"\n");
    assert!(home.oriel(&["config"]).failed(1).contains("ORIEL_DATA_DIR"));
}

#[test]
fn the_example_of_the_file_can_be_used_as_it_is() {
    let home = Home::new();
    let before = rows(&home.oriel(&["config", "--json"]).json());
    let example = home.oriel(&["config", "example"]).done().to_owned();
    let plain: String = example
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(plain.lines().count() > 10, "{example}");
    home.write("config.toml", &plain);
    let after = rows(&home.oriel(&["config", "--json"]).json());
    for (key, (value, _, _)) in &before {
        assert_eq!(&after[key].0, value, "{key}");
    }
    let path = home.oriel(&["config", "path"]).done().trim_end().to_owned();
    assert_eq!(path, home.data_dir().join("config.toml").to_str().unwrap());
}

#[test]
fn the_store_is_cared_for_with_and_without_a_daemon() {
    let mut daemon = Daemon::start();
    daemon.store_all(&batch(&names("e", 100)));
    for live in [true, false] {
        if !live {
            assert!(daemon.terminate().status.success());
        }
        let report = daemon.verify();
        assert_eq!(report["events"], 100, "live: {live}");
        let verified = daemon.oriel(&["store", "verify"]);
        assert!(verified.done().contains("the store is sound: 100 events"), "{verified:?}");

        let copy = daemon.home().path(&format!("copy-{live}/data"));
        std::fs::create_dir(copy.parent().unwrap()).unwrap();
        let target = copy.with_file_name("oriel.db");
        let backup = daemon.oriel(&["store", "backup", target.to_str().unwrap(), "--json"]).json();
        assert_eq!(backup["events"], 100, "live: {live}");
        assert_eq!(backup["bytes"], target.metadata().unwrap().len());
        let again = daemon.oriel(&["store", "backup", target.to_str().unwrap()]);
        assert!(again.failed(1).contains("exists"), "{again:?}");
        let relative = format!("relative-{live}.db");
        daemon.oriel(&["store", "backup", &relative]).done();
        assert!(daemon.home().path(&relative).is_file(), "it starts from where one stands");

        let compact = daemon.oriel(&["store", "compact", "--json"]).json();
        assert!(compact["bytesAfter"].as_u64() <= compact["bytesBefore"].as_u64(), "{compact}");
        assert_eq!(daemon.verify()["events"], 100, "live: {live}");

        // A backup is a store.
        let restored = Home::new();
        restored.write("oriel.db", "");
        std::fs::copy(&target, restored.data_dir().join("oriel.db")).unwrap();
        let restored = Launch::new().home(&restored).start();
        assert_eq!(restored.get("/api/stats").json()["total_events"], 100);
        restored.verify();
    }
}

#[test]
fn a_damaged_store_is_not_called_sound() {
    let mut daemon = Daemon::start();
    for nth in 0..4 {
        daemon.store_all(&batch(&names(&format!("n{nth}"), 500)));
    }
    assert!(daemon.terminate().status.success());
    let path = daemon.home().data_dir().join("oriel.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Every other page but the first few, which SQLite needs to open the file at all.
    for page in bytes.chunks_mut(4096).skip(40).step_by(2) {
        page.fill(0x5a);
    }
    std::fs::write(&path, bytes).unwrap();
    let verified = daemon.oriel(&["store", "verify"]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(!verified.stderr.contains("panicked"), "{verified:?}");
}

#[test]
fn demonstration_data_is_added_once() {
    let mut daemon = Daemon::start();
    for live in [true, false] {
        if !live {
            assert!(daemon.terminate().status.success());
        }
        let seed = ["seed", "--json", "--events", "300", "--seed", if live { "1" } else { "2" }];
        let first = daemon.oriel(&seed).json();
        assert_eq!((&first["added"], &first["alreadyThere"]), (&300.into(), &0.into()));
        let again = daemon.oriel(&seed).json();
        assert_eq!((&again["added"], &again["alreadyThere"]), (&0.into(), &300.into()));
    }
    daemon.restart();
    assert_eq!(daemon.get("/api/stats").json()["total_events"], 600);
    let _ = oriel_tests::reads::everything(&daemon);
    daemon.verify();
}

#[test]
fn the_doctor_finds_a_healthy_daemon_healthy() {
    let mut daemon = Daemon::start();
    let told = daemon.oriel(&["doctor", "--json"]).json();
    assert_eq!(told["ok"], true, "{told:#}");
    for check in told["checks"].as_array().unwrap() {
        assert_ne!(check["verdict"], "fail", "{check}");
    }
    daemon.oriel(&["doctor"]).done();
    daemon.kill();
    let crashed = daemon.oriel(&["doctor", "--json", "--set", "listen.port=0"]).json();
    assert_eq!(crashed["ok"], true, "what a crash leaves is no failure: {crashed:#}");
    let fresh = Home::new().oriel(&["doctor", "--set", "listen.port=0"]);
    fresh.done();
    let home = Home::new();
    home.write("config.toml", "nonsense");
    assert_eq!(home.oriel(&["doctor"]).code, Some(1));
}

#[test]
fn shells_and_manuals_get_what_they_need() {
    let home = Home::new();
    let bash = home.oriel(&["completions", "bash"]);
    for word in ["complete", "oriel", "doctor", "--data-dir"] {
        assert!(bash.done().contains(word), "{word}");
    }
    for shell in ["zsh", "fish"] {
        assert!(!home.oriel(&["completions", shell]).done().is_empty());
    }
    home.oriel(&["man", "pages/man1"]).done();
    for page in ["oriel.1", "oriel-serve.1", "oriel-store-verify.1"] {
        let text = std::fs::read_to_string(home.path("pages/man1").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    assert!(home.oriel(&["--help"]).done().contains("Exit codes"));
    assert!(home.oriel(&["--version"]).done().starts_with("oriel "));
    assert_eq!(home.oriel(&["nonsense"]).code, Some(2));
    assert!(!home.data_dir().exists(), "asking makes nothing");
}

#[test]
fn the_description_of_the_api_is_the_daemons_own() {
    let daemon = Daemon::start();
    let printed = daemon.oriel(&["openapi"]).json();
    assert_eq!(printed, daemon.get("/api/openapi.json").expect(200).json());
    let paths = printed["paths"].as_object().unwrap();
    for path in ["/api/events", "/api/stream", "/control/shutdown"] {
        assert!(paths.contains_key(path), "{path}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let daemon = Daemon::start();
    for arguments in [
        &["config"][..],
        &["config", "--json"],
        &["config", "example"],
        &["openapi"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["status"],
        &["doctor"],
        &["store", "verify"],
        &["seed", "--events", "10"],
    ] {
        check_closed(&daemon.home().command(arguments), arguments);
    }
}

/// Runs a command whose output nobody reads.
#[track_caller]
fn check_closed(template: &Command, arguments: &[&str]) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(template.get_program());
    command.args(template.get_args()).env_clear().stdin(std::process::Stdio::null());
    command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.stdout(writer).stderr(std::process::Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (Some(0), ""), "{arguments:?}");
}

fn check(
    home: &Home,
    flags: &[&str],
    variables: &[(&str, &str)],
    value: &str,
    origin: &str,
    place: Option<&str>,
) {
    let mut command = home.command(&[&["config", "--json"], flags].concat());
    command.envs(variables.iter().copied());
    let rows = rows(&home.run(command).json());
    let expected = (value.to_owned(), origin.to_owned(), place.map(str::to_owned));
    assert_eq!(rows["listen.port"], expected, "{flags:?} {variables:?}");
}

/// Returns each setting's value, origin and place.
fn rows(config: &Value) -> BTreeMap<String, (String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let row = |row: &Value| {
        let [key, value, origin] = ["key", "value", "origin"].map(|name| text(&row[name]).unwrap());
        (key, (value, origin, text(&row["place"])))
    };
    config["settings"].as_array().unwrap().iter().map(row).collect()
}
