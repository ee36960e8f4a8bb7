//! What the daemon does to an agent's settings is what the command line does, and what it says of them
//! is what is there.

use std::path::Path;
use std::time::UNIX_EPOCH;

use super::*;

const USERS: &str = "{\n  \"model\": \"opus\",\n  \"statusLine\": {\"type\": \"command\", \"command\": \"mine\"}\n}";

#[test]
fn hooks_come_and_go_and_leave_the_file_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let file = settings(home.path(), USERS);
    let agents = agents(home.path(), "/opt/oriel", &[]);
    let before = agents.claude();
    assert_eq!((&*before.installed, before.statusline.as_deref()), ("none", Some("other")));
    assert!(before.can_install && before.found);
    assert!(before.diff.iter().any(|line| line.starts_with("+ ") && line.contains("PreToolUse")));

    let done = install(&agents, true);
    assert!(done.changed && done.diff == install_diff(&done), "{done:?}");
    assert_eq!(std::fs::read_to_string(done.backup.unwrap()).unwrap(), USERS);
    assert_eq!((&*done.agent.installed, done.agent.statusline.as_deref()), ("ours", Some("ours")));
    assert!(done.agent.diff.is_empty(), "there is nothing left to do");
    assert!(!install(&agents, false).changed, "a status line that is ours stays");

    let gone = agents.change("claude-code", Doing::Uninstall, UNIX_EPOCH).unwrap();
    assert_eq!((gone.changed, &*gone.agent.installed), (true, "none"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), USERS);
    assert!(!agents.change(CLAUDE, Doing::Uninstall, UNIX_EPOCH).unwrap().changed);
}

#[test]
fn what_is_not_as_it_would_be_installed_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = settings(home.path(), "{}");
    install(&agents(home.path(), "/opt/oriel", &[]), false);
    let elsewhere = agents(home.path(), "/usr/bin/oriel", &[]).claude();
    assert_eq!(elsewhere.installed, "other program");
    let said = elsewhere.detail.unwrap();
    assert!(said.contains("/opt/oriel, which is not there"), "{said}");
    let data_dir = agents(home.path(), "/opt/oriel", &[("--data-dir", "/d")]).claude();
    assert_eq!(data_dir.installed, "older");
    assert!(data_dir.detail.unwrap().contains("data directory"));
    let fewer = std::fs::read_to_string(&file).unwrap().replace("PostToolUse\"", "Other\"");
    std::fs::write(&file, fewer).unwrap();
    let fewer = agents(home.path(), "/opt/oriel", &[]).claude();
    assert_eq!(fewer.installed, "older");
    assert!(fewer.detail.unwrap().contains("missing are PostToolUse;"));
}

#[test]
fn settings_that_cannot_be_used_are_told_of_and_not_touched() {
    let home = tempfile::tempdir().unwrap();
    for (text, part) in [("{\n \"a\": }", "line 2"), ("{\"hooks\":{\"Stop\":{}}}", "hooks.Stop")] {
        let file = settings(home.path(), text);
        let agents = agents(home.path(), "/opt/oriel", &[]);
        let told = agents.claude();
        assert!(told.problem.unwrap().contains(part) && !told.can_install);
        let doing = Doing::Install { statusline: false };
        let error = agents.change(CLAUDE, doing, UNIX_EPOCH).unwrap_err();
        assert!(matches!(error, AgentsError::File(_)) && error.to_string().contains(part));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn codex_is_set_up_by_hand_and_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let ours = agents(home.path(), "/opt/oriel", &[]);
    let told = ours.codex();
    assert!(!told.found && !told.can_install && told.how[0].text.contains("/opt/oriel"));
    assert!(told.how[0].text.contains("http://127.0.0.1:9/api/otel/v1/logs"));
    let error = ours.change(CODEX, Doing::Uninstall, UNIX_EPOCH).unwrap_err();
    assert!(error.to_string().contains("by hand"), "{error}");
    std::fs::create_dir(home.path().join(".codex")).unwrap();
    std::fs::write(home.path().join(".codex/config.toml"), &told.how[0].text).unwrap();
    assert_eq!(ours.codex().installed, "ours");
    assert_eq!(agents(home.path(), "/bin/oriel", &[]).codex().installed, "other program");
    std::fs::write(home.path().join(".codex/config.toml"), "x = ").unwrap();
    assert!(ours.codex().problem.unwrap().contains("TOML"));
}

#[test]
fn without_a_home_nothing_is_changed_anywhere() {
    let agents = Agents::of(&Homes::default(), &SetupConfig::default(), "http://x".to_owned());
    for hooks in agents.all() {
        assert!(!hooks.found && !hooks.can_install && hooks.settings_path.is_none(), "{hooks:?}");
    }
    let error = agents.change(CLAUDE, Doing::Uninstall, UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, AgentsError::NoHome));
    let error = agents.change("emacs", Doing::Uninstall, UNIX_EPOCH).unwrap_err();
    assert!(error.to_string().contains("claude_code and codex"), "{error}");
}

fn install(agents: &Agents, statusline: bool) -> HookChanged {
    agents.change(CLAUDE, Doing::Install { statusline }, UNIX_EPOCH).unwrap()
}

/// Returns the lines of a difference that are added, removed or around.
fn install_diff(done: &HookChanged) -> Vec<String> {
    let is_line = |line: &&String| ["+ ", "- ", "  "].iter().any(|mark| line.starts_with(mark));
    done.diff.iter().filter(is_line).cloned().collect()
}

fn settings(home: &Path, text: &str) -> PathBuf {
    let file = home.join(".claude/settings.json");
    std::fs::create_dir_all(home.join(".claude")).unwrap();
    std::fs::write(&file, text).unwrap();
    file
}

fn agents(home: &Path, program: &str, flags: &[(&str, &str)]) -> Agents {
    let homes = Homes { home: home.to_owned(), ..Homes::default() };
    let setup = SetupConfig {
        program: Some(program.to_owned()),
        hook_flags: flags.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect(),
        ..SetupConfig::default()
    };
    Agents::of(&homes, &setup, "http://127.0.0.1:9".to_owned())
}
