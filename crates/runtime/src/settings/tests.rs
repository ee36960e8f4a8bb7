//! Whoever gives a setting, anywhere, gets it or is told why not.

use super::*;

#[test]
fn with_nothing_said_the_defaults_hold() {
    let resolved = resolve(&nothing()).unwrap();
    let config = &resolved.config;
    assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/oriel"));
    assert_eq!((config.listen.host.to_string().as_str(), config.listen.port), ("127.0.0.1", 3142));
    assert_eq!(config.listen.socket, None);
    assert_eq!(config.access, Access::Loopback);
    assert_eq!(config.store.queue_events_max, 65_536);
    assert_eq!(config.quiet, Duration::from_secs(300));
    assert_eq!(config.usage_limits[0].session, UsageWindow { hours: 5, limit: 44_000.0 });
    assert_eq!(config.usage_limits[1].extended, UsageWindow { hours: 168, limit: 1_500.0 });
    assert_eq!(resolved.log, LogConfig { level: LogLevel::Info, format: LogFormat::Text });
    assert!(resolved.rows.iter().all(|row| row.origin == Origin::Default), "{:?}", resolved.rows);
    assert!(resolved.warnings.is_empty());
}

#[test]
fn flags_come_before_variables_before_the_file_before_defaults() {
    let file = with_file(nothing(), "listen.port = 4001");
    expect(&file, "listen.port", "4001", Origin::File(config_path()));
    let old = with_env(file, "AGENTMONITOR_PORT", "4002");
    expect(&old, "listen.port", "4002", env("AGENTMONITOR_PORT"));
    let port = with_env(old, "AGENTMONITOR_RUST_PORT", "4003");
    expect(&port, "listen.port", "4003", env("AGENTMONITOR_RUST_PORT"));
    let ours = with_env(port, "ORIEL_LISTEN_PORT", "4004");
    expect(&ours, "listen.port", "4004", env("ORIEL_LISTEN_PORT"));
    let flag = with_flag(ours, "--port", "listen.port", "4005");
    expect(&flag, "listen.port", "4005", Origin::Flag("--port".to_owned()));
    let later = with_flag(flag, "--set", "listen.port", "4006");
    expect(&later, "listen.port", "4006", Origin::Flag("--set".to_owned()));
}

#[test]
fn every_setting_can_be_given_in_every_place_and_changes_something() {
    let known = format!("{:?}", resolve(&nothing()).unwrap());
    for setting in TABLE.iter().filter(|setting| setting.in_file) {
        // A word's last choice and a number's neighbour differ from every default.
        let (text, toml) = match setting.allowed {
            value::Allowed::Whole { .. } | value::Allowed::Amount { .. } => {
                let next = setting.default.parse::<u64>().unwrap() + 1;
                (next.to_string(), next.to_string())
            }
            value::Allowed::Word(words) => {
                let last = *words.iter().rfind(|&&word| word != setting.default).unwrap();
                (last.to_owned(), format!("{last:?}"))
            }
            value::Allowed::Address => ("127.0.0.9".to_owned(), "\"127.0.0.9\"".to_owned()),
            value::Allowed::Patterns => ("sk-[a-z]+".to_owned(), "['sk-[a-z]+']".to_owned()),
            value::Allowed::Hosts => ("box.lan".to_owned(), "[\"box.lan\"]".to_owned()),
            value::Allowed::Origins => {
                ("https://box.lan:1".to_owned(), "[\"https://box.lan:1\"]".to_owned())
            }
            value::Allowed::Words => ("budget".to_owned(), "[\"budget\"]".to_owned()),
            value::Allowed::Minute => ("22:30".to_owned(), "\"22:30\"".to_owned()),
            _ => ("/tmp/x".to_owned(), "\"/tmp/x\"".to_owned()),
        };
        for input in [
            with_flag(nothing(), "--set", setting.key, &text),
            with_env(nothing(), &setting.variable_name(), &text),
            with_file(nothing(), &format!("{} = {toml}", setting.key)),
        ] {
            let resolved = resolve(&input).unwrap();
            let changed = Resolved { rows: resolve(&nothing()).unwrap().rows, ..resolved.clone() };
            assert_ne!(format!("{changed:?}"), known, "{} is used by nothing", setting.key);
            assert_eq!(value_of(&resolved, setting.key).0, text);
        }
    }
}

#[test]
fn an_unknown_key_is_an_error_with_a_suggestion() {
    let file = with_file(nothing(), "[listen]\nprot = 1");
    refuses(&file, &["listen.prot", "config.toml", "did you mean listen.port?"]);
    let group = with_file(nothing(), "[lisen]\nport = 1");
    refuses(&group, &["\"lisen\"", "config.toml"]);
    let flag = with_flag(nothing(), "--set", "store.durabilty", "full");
    refuses(&flag, &["store.durabilty", "--set", "did you mean store.durability?"]);
    let far = with_file(nothing(), "zzzzzzzz = 1");
    let message = resolve(&far).unwrap_err().to_string();
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn an_unknown_variable_is_only_a_warning() {
    let input = with_env(nothing(), "ORIEL_TEST_BIN", "/bin/true");
    let input = with_env(input, "ORIEL_LISTEN_PROT", "1");
    let warnings = resolve(&input).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "ORIEL_LISTEN_PROT is no setting (did you mean ORIEL_LISTEN_PORT?); it is ignored",
            "ORIEL_TEST_BIN is no setting; it is ignored",
        ]
    );
}

#[test]
fn a_bad_value_is_an_error_that_says_what_is_allowed() {
    for (key, value, allowed) in [
        ("listen.port", "65536", "from 0 to 65535"),
        ("listen.port", "-1", "from 0 to 65535"),
        ("listen.port", "3142x", "from 0 to 65535"),
        ("listen.host", "example.org", "an IP address or \"localhost\""),
        ("listen.hosts", "a b", "a list of host names"),
        ("gateway.origins", "https://box.lan/", "a list of origins"),
        ("gateway.origins", "box.lan", "a list of origins"),
        ("access", "Everyone", "\"loopback\" or \"token\""),
        ("usage.codex.session_cost_limit_usd", "NaN", "from 0 to"),
        ("usage.codex.session_cost_limit_usd", "-0.01", "from 0 to"),
        ("stream.heartbeat_ms", "999", "from 1000 to"),
        ("notify.quiet_from", "24:00", "a time of the day"),
        ("notify.quiet_until", "+7:00", "a time of the day"),
        ("notify.mute", "turn ended", "a list of words"),
    ] {
        let quoted = format!("{value:?}");
        let flag = with_flag(nothing(), "--set", key, value);
        refuses(&flag, &[key, &quoted, "flag --set", allowed]);
        let variable = format!("ORIEL_{}", key.replace('.', "_").to_uppercase());
        refuses(&with_env(nothing(), &variable, value), &[key, &quoted, &variable, allowed]);
    }
    let wrong_type = with_file(nothing(), "listen.port = \"3142\"");
    refuses(&wrong_type, &["listen.port", "\"3142\"", "config.toml", "a whole number"]);
    refuses(&with_file(nothing(), "listen.port = {}"), &["listen.port", "a table"]);
    refuses(&with_file(nothing(), "access = [1]"), &["access", "this list"]);
    refuses(&with_file(nothing(), "listen = 4"), &["\"listen\""]);
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    refuses(
        &with_file(nothing(), "access = \"token\"\nlisten.port = = 4"),
        &["config.toml", "line 2"],
    );
}

#[test]
fn what_finds_the_file_cannot_stand_in_it() {
    let outside = TABLE.iter().filter(|setting| !setting.in_file).map(|setting| setting.key);
    assert!(outside.eq(["data_dir", "profile"]));
    let input = with_file(nothing(), "data_dir = \"/elsewhere\"");
    refuses(&input, &["data_dir", "config.toml", "--data-dir", "ORIEL_DATA_DIR"]);
}

#[test]
fn the_names_of_agentmonitor_are_read_as_leniently_as_there() {
    for (name, text, key, value) in [
        ("AGENTMONITOR_PORT", " 5000abc ", "listen.port", "5000"),
        ("AGENTMONITOR_PORT", "0", "listen.port", "3142"),
        ("AGENTMONITOR_RUST_PORT", "0", "listen.port", "0"),
        ("AGENTMONITOR_PORT", "   ", "listen.port", "3142"),
        ("AGENTMONITOR_HOST", "localhost", "listen.host", "127.0.0.1"),
        ("AGENTMONITOR_HOST", "nowhere.example", "listen.host", "127.0.0.1"),
        ("AGENTMONITOR_STATS_INTERVAL", "249", "stream.stats_interval_ms", "5000"),
        ("AGENTMONITOR_STATS_INTERVAL", "250.9", "stream.stats_interval_ms", "250"),
        ("AGENTMONITOR_MAX_PAYLOAD_KB", "0", "ingest.payload_kib_max", "0"),
        ("AGENTMONITOR_SESSION_TIMEOUT", "soon", "session.quiet_minutes", "5"),
        ("AGENTMONITOR_MAX_SSE_CLIENTS", "7", "stream.clients_max", "7"),
        ("AGENTMONITOR_SSE_HEARTBEAT_MS", "-1", "stream.heartbeat_ms", "30000"),
        ("AGENTMONITOR_PROJECTS_DIR", "code", "projects_dir", "/work/code"),
        ("AGENTMONITOR_SESSION_WINDOW_HOURS", "9", "usage.codex.session_window_hours", "9"),
        (
            "AGENTMONITOR_SESSION_COST_LIMIT_CODEX",
            "12.5 USD",
            "usage.codex.session_cost_limit_usd",
            "12.5",
        ),
        (
            "AGENTMONITOR_SESSION_TOKEN_LIMIT_CLAUDE_CODE",
            "0",
            "usage.claude_code.session_token_limit",
            "0",
        ),
    ] {
        let resolved = resolve(&with_env(nothing(), name, text)).unwrap();
        assert_eq!(value_of(&resolved, key).0, value, "{name}={text}");
    }
}

#[test]
fn a_useless_old_variable_leaves_a_warning_and_lets_the_next_place_speak() {
    let input = with_env(nothing(), "AGENTMONITOR_SESSION_WINDOW_HOURS_CODEX", "x");
    let input = with_env(input, "AGENTMONITOR_SESSION_WINDOW_HOURS", "7");
    let resolved = resolve(&input).unwrap();
    let (value, origin) = value_of(&resolved, "usage.codex.session_window_hours");
    assert_eq!((value.as_str(), origin), ("7", env("AGENTMONITOR_SESSION_WINDOW_HOURS")));
    assert!(resolved.warnings[0].contains("_CODEX is \"x\""), "{:?}", resolved.warnings);
}

#[test]
fn an_address_that_others_reach_needs_the_token() {
    for host in ["0.0.0.0", "::", "192.168.1.4", "::ffff:10.0.0.1"] {
        let open = with_flag(nothing(), "--host", "listen.host", host);
        refuses(&open, &["listen.host", "flag --host", "access = \"token\""]);
        let closed = with_env(open, "ORIEL_ACCESS", "token");
        assert_eq!(resolve(&closed).unwrap().config.access, Access::Token);
    }
    for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"] {
        let inner = with_flag(nothing(), "--host", "listen.host", host);
        assert!(resolve(&inner).unwrap().config.listen.host.is_loopback(), "{host}");
    }
}

#[test]
fn a_profile_has_a_folder_of_its_own() {
    let profile = with_flag(nothing(), "--profile", "profile", "work");
    finds(&profile, "/home/ada/.local/share/oriel-work");
    finds(&with_env(nothing(), "ORIEL_PROFILE", "work"), "/home/ada/.local/share/oriel-work");
    finds(&with_env(profile, "XDG_DATA_HOME", "/data"), "/data/oriel-work");
    for bad in ["../up", "a/b", ".hidden", "-x", "a b", &"x".repeat(65)] {
        refuses(&with_flag(nothing(), "--profile", "profile", bad), &["profile", "letters"]);
    }
}

#[test]
fn a_data_directory_wins_over_a_profile_and_a_flag_over_the_environment() {
    let place = with_env(nothing(), "ORIEL_DATA_DIR", "/srv/oriel");
    finds(&place, "/srv/oriel");
    finds(&with_flag(place.clone(), "--data-dir", "data_dir", "here"), "/work/here");
    finds(&with_flag(place.clone(), "--data-dir", "data_dir", "~/there"), "/home/ada/there");
    let profile = with_flag(place.clone(), "--profile", "profile", "work");
    finds(&profile, "/home/ada/.local/share/oriel-work");
    let both = with_env(place, "ORIEL_PROFILE", "work");
    finds(&both, "/srv/oriel");
    assert!(resolve(&both).unwrap().warnings[0].contains("ORIEL_PROFILE"));
    refuses(&with_flag(profile, "--data-dir", "data_dir", "/x"), &["--profile", "--data-dir"]);
}

#[test]
fn without_a_home_a_data_directory_must_be_named() {
    let mut input = nothing();
    input.folders.home = None;
    refuses(&input, &["--data-dir", "ORIEL_DATA_DIR"]);
    finds(&with_env(input.clone(), "XDG_DATA_HOME", "/data"), "/data/oriel");
    let relative = with_env(input, "XDG_DATA_HOME", "data");
    refuses(&relative, &["--data-dir"]);
}

#[test]
fn a_relative_path_starts_where_it_was_written() {
    let file = with_file(nothing(), "listen.socket = \"oriel.sock\"");
    expect(
        &file,
        "listen.socket",
        "/home/ada/.local/share/oriel/oriel.sock",
        Origin::File(config_path()),
    );
    let flag = with_flag(file, "--socket", "listen.socket", "oriel.sock");
    expect(&flag, "listen.socket", "/work/oriel.sock", Origin::Flag("--socket".to_owned()));
    let none = with_flag(flag, "--socket", "listen.socket", "");
    assert_eq!(resolve(&none).unwrap().config.listen.socket, None);
}

#[test]
fn a_fault_of_the_command_line_or_the_environment_is_one_of_usage() {
    let flag = with_flag(nothing(), "--port", "listen.port", "x");
    assert!(resolve(&flag).unwrap_err().is_usage());
    let variable = with_env(nothing(), "ORIEL_LISTEN_PORT", "x");
    assert!(resolve(&variable).unwrap_err().is_usage());
}

#[test]
fn a_fault_of_the_file_is_told_with_its_line() {
    for (text, line) in [
        ("\n\nlisten.port = \n", Some(3)),
        ("# a\n[listen]\nport = 70000\n", Some(3)),
        ("access = \"token\"\nlisten.prot = 1\n", Some(2)),
        ("[listen]\n\n\"prot.x\" = 1\n", Some(3)),
        ("\ndata_dir = \"/x\"\n", Some(2)),
        ("[listen]\nport = 1\nhost = \"10.0.0.7\"\n", Some(3)),
    ] {
        let input = with_file(nothing(), text);
        let error = resolve(&input).unwrap_err();
        let fault = error.fault(input.file.as_ref().unwrap()).unwrap();
        assert_eq!(fault.line, line, "{text:?}: {error}");
        assert!(fault.problem.contains("config.toml"), "{}", fault.problem);
        assert!(!error.is_usage());
    }
    let input = with_env(with_file(nothing(), ""), "ORIEL_LISTEN_PORT", "x");
    let error = resolve(&input).unwrap_err();
    assert_eq!(error.fault(input.file.as_ref().unwrap()), None, "the file is not to blame");
}

#[test]
fn the_example_holds_with_every_line_taken_in() {
    let text = example();
    let settings: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .map(str::to_owned)
        .collect();
    assert_eq!(settings.len(), TABLE.len() - 2, "every key but those that find the file");
    let resolved = resolve(&with_file(nothing(), &settings.join("\n"))).unwrap();
    let defaults = resolve(&nothing()).unwrap();
    assert_eq!(format!("{:?}", resolved.config), format!("{:?}", defaults.config));
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    assert!(resolve(&with_file(nothing(), &text)).is_ok(), "as it is, it says nothing");
}

#[test]
fn the_example_in_the_repository_is_the_one_the_program_prints() {
    let committed = include_str!("../../../../config.example.toml");
    assert!(
        committed == example(),
        "config.example.toml is stale; write it anew with `oriel config example`"
    );
}

#[test]
fn help_says_what_a_setting_may_be() {
    assert!(TABLE.iter().all(|setting| setting.help.ends_with('.')));
    let port = help("listen.port");
    assert!(port.ends_with("[a whole number from 0 to 65535; default 3142]"), "{port}");
}

fn nothing() -> Input {
    Input {
        flags: Vec::new(),
        environment: BTreeMap::new(),
        file: None,
        folders: Folders {
            home: Some(PathBuf::from("/home/ada")),
            working: PathBuf::from("/work"),
        },
        clock: Clock::new(|| std::time::SystemTime::UNIX_EPOCH),
    }
}

fn with_flag(mut input: Input, name: &str, key: &str, value: &str) -> Input {
    let flag = Flag { name: name.to_owned(), key: key.to_owned(), value: value.to_owned() };
    input.flags.push(flag);
    input
}

fn with_env(mut input: Input, name: &str, value: &str) -> Input {
    input.environment.insert(name.to_owned(), value.to_owned());
    input
}

fn with_file(mut input: Input, text: &str) -> Input {
    input.file = Some(ConfigFile { path: config_path(), text: text.to_owned() });
    input
}

fn config_path() -> PathBuf {
    PathBuf::from("/home/ada/.local/share/oriel/config.toml")
}

fn env(name: &str) -> Origin {
    Origin::Env(name.to_owned())
}

fn value_of(resolved: &Resolved, key: &str) -> (String, Origin) {
    let row = resolved.rows.iter().find(|row| row.key == key).unwrap();
    (row.value.clone(), row.origin.clone())
}

fn expect(input: &Input, key: &str, value: &str, origin: Origin) {
    let resolved = resolve(input).unwrap();
    assert_eq!(value_of(&resolved, key), (value.to_owned(), origin));
}

fn finds(input: &Input, data_dir: &str) {
    let location = locate(input).unwrap();
    assert_eq!(location.data_dir, Path::new(data_dir));
    assert_eq!(location.config_path(), Path::new(data_dir).join("config.toml"));
    assert_eq!(resolve(input).unwrap().config.data_dir, Path::new(data_dir));
}

fn refuses(input: &Input, parts: &[&str]) {
    let message = resolve(input).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}
