//! Our hooks come into the user's settings and go out of them, and nothing of the user's is touched.

use oriel_tests::Home;
use serde_json::{Value, json};

const USERS: &str = "{\n    \"model\": \"opus\",\n    \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"beep\"}]}]},\n    \"caf\\u00e9\": 1.50\n}";

#[test]
fn installing_and_uninstalling_gives_the_same_bytes_back() {
    for before in [Some(USERS), Some("{}"), Some("{\"hooks\":{}}\n"), None] {
        let home = Home::new();
        let file = home.path("settings.json");
        let path = file.to_str().unwrap();
        if let Some(before) = before {
            std::fs::write(&file, before).unwrap();
        }
        let install = ["hooks", "install", "claude-code", "--settings", path, "--statusline"];
        _ = home.oriel(&install).done();
        let once = std::fs::read_to_string(&file).unwrap();
        assert!(home.oriel(&install).done().contains("already"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), once);
        let settings: Value = serde_json::from_str(&once).unwrap();
        let stop = settings["hooks"]["Stop"].as_array().unwrap();
        assert_eq!(stop.len(), if before == Some(USERS) { 2 } else { 1 });

        _ = home.oriel(&["hooks", "uninstall", "claude-code", "--settings", path]).done();
        assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), before);
        let again = home.oriel(&["hooks", "uninstall", "claude-code", "--settings", path]);
        assert!(again.done().contains("none of our hooks"));
    }
}

#[test]
fn what_changed_meanwhile_stays_changed() {
    let home = Home::new();
    let file = home.path("settings.json");
    let path = file.to_str().unwrap();
    std::fs::write(&file, USERS).unwrap();
    _ = home.oriel(&["hooks", "install", "claude-code", "--settings", path]).done();
    let text = std::fs::read_to_string(&file).unwrap().replace("opus", "sonnet");
    std::fs::write(&file, text).unwrap();
    _ = home.oriel(&["hooks", "uninstall", "claude-code", "--settings", path]).done();
    let left: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let mut expected: Value = serde_json::from_str(USERS).unwrap();
    expected["model"] = json!("sonnet");
    assert_eq!(left, expected);
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let home = Home::new();
    let run = home.oriel(&["hooks", "install", "claude-code", "--dry-run"]);
    assert!(run.done().contains("+     \"PreToolUse\": ["), "{run:?}");
    assert!(!home.path(".claude").exists());
}

#[test]
fn malformed_settings_are_refused_with_the_place() {
    let home = Home::new();
    let file = home.path(".claude/settings.json");
    std::fs::create_dir_all(home.path(".claude")).unwrap();
    for (text, part) in [("{\n \"a\": }", "line 2"), ("{\"hooks\":{\"Stop\":{}}}", "hooks.Stop")] {
        std::fs::write(&file, text).unwrap();
        let run = home.oriel(&["hooks", "install", "claude-code"]);
        assert!(run.failed(1).contains(part), "{run:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn the_status_says_what_is_installed_and_what_is_wrong() {
    let home = Home::new();
    let run = home.oriel(&["hooks", "status", "claude-code"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("has none of our hooks"), "{run:?}");
    _ = home.oriel(&["hooks", "install", "claude-code"]).done();
    let run = home.oriel(&["hooks", "status", "claude-code"]);
    assert!(run.done().contains("for 21 of 21 events"), "{run:?}");
    assert!(run.stdout.contains("daemon: does not answer"), "{run:?}");
    let file = home.path(".claude/settings.json");
    let text = std::fs::read_to_string(&file).unwrap().replace("/oriel'", "/oriel-gone'");
    std::fs::write(&file, text).unwrap();
    let run = home.oriel(&["hooks", "status", "claude-code"]);
    assert!(run.code == Some(1) && run.stdout.contains("is not there"), "{run:?}");
}

#[test]
fn the_folder_that_claude_code_is_told_to_use_is_used() {
    let home = Home::new();
    let mut command = home.command(&["hooks", "install", "claude-code"]);
    command.env("CLAUDE_CONFIG_DIR", home.path("other"));
    _ = home.run(command).done();
    assert!(home.path("other/settings.json").is_file());
    _ = home.oriel(&["hooks", "install", "claude-code", "--scope", "project"]).done();
    assert!(home.path(".claude/settings.json").is_file());
}

#[test]
fn what_is_printed_names_the_address() {
    let home = Home::new();
    let run = home.oriel(&["hooks", "print-codex-config", "--url", "http://127.0.0.1:9/"]);
    assert!(run.done().contains("\"http://127.0.0.1:9/api/otel/v1/logs\""), "{run:?}");
    let run = home.oriel(&["hooks", "print-claude-otel"]);
    assert!(run.done().contains("'http://127.0.0.1:3142/api/otel'"), "{run:?}");
}
