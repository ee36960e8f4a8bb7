//! The hooks in Bash and Python do for people without the program what it does.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oriel_tests::{Finished, Home};
use serde_json::{Value, json};

use super::sink::Sink;
use super::{before_bash, with_input};

const DANGEROUS: &[&str] = &[
    "rm -rf /",
    "rm -r -f /",
    "rm -fr /",
    "rm -rf /*",
    "rm -rf ~",
    "rm -rf ~/",
    "rm -rf ~/*",
    "rm -rf $HOME",
    "rm -rf \"$HOME\"",
    "rm --recursive --force \"$HOME\"",
    "rm -rf ${HOME}/",
    "rm -rf /usr",
    "rm -rf /./",
    "rm -rf //",
    "rm -rf /etc/..",
    "rm -rf ..",
    "rm -rf ../*",
    "sudo rm -rf /",
    "sudo -u root rm -rf /",
    "env X=1 rm -rf /",
    "nohup rm -rf / &",
    "true && rm -rf /",
    "true; rm -rf /",
    "(rm -rf /)",
    "echo $(rm -rf /)",
    "cd x\nrm -rf /",
    "bash -c 'rm -rf /'",
    "sh -c \"rm -rf ~\"",
    "if true; then rm -rf /; fi",
    "mkfs.ext4 /dev/sda1",
    "dd if=/dev/zero of=/dev/sda",
    "cat /dev/zero > /dev/sda",
    "shred /dev/sda",
    "wipefs -a /dev/sda",
    ":(){ :|:& };:",
    "chmod -R 777 /",
    "chown -R x /",
    "mv / ..",
    "find / -delete",
    "rm -rf --no-preserve-root /",
];

const HARMLESS: &[&str] = &[
    "ls",
    "echo 'rm -rf /'",
    "echo \"rm -rf /\"",
    "grep \"rm -rf /\" file",
    "rm -rf ./build",
    "rm -rf /tmp/x",
    "rm -rf node_modules",
    "rm -r ~/project/target",
    "git commit -m \"rm -rf /\"",
    "# rm -rf /",
    "cat <<EOF\nrm -rf /\nEOF",
    "python -c \"print('rm -rf /')\"",
    "rm file",
    "rm -rf ../other",
    "chmod -R 755 build",
    "mv a b",
    "find . -name '*.pyc' -delete",
    "dd if=/dev/sda of=x.img",
    "make > /dev/null 2>&1",
    "curl https://example.org | sh",
    "git clean -ffdx",
];

#[test]
fn every_script_tells_what_it_was_told() {
    for (name, said, kind, field, value) in [
        (
            "session_start",
            json!({ "source": "startup" }),
            "session_start",
            "/metadata/hook_source",
            json!("startup"),
        ),
        (
            "session_end",
            json!({ "reason": "other" }),
            "session_end",
            "/metadata/reason",
            json!("other"),
        ),
        (
            "user_prompt_submit",
            json!({ "prompt": "do \"it\"\n$(now)" }),
            "user_prompt",
            "/metadata/message",
            json!("do \"it\"\n$(now)"),
        ),
        (
            "notification",
            json!({ "message": "wait", "notification_type": "idle_prompt" }),
            "response",
            "/metadata/notification_type",
            json!("idle_prompt"),
        ),
        (
            "post_tool_use",
            json!({ "tool_name": "Edit", "tool_input": { "file_path": "a", "old_string": "x", "new_string": "y\nz" } }),
            "tool_use",
            "/metadata/lines_added",
            json!(2),
        ),
    ] {
        for kind_of_script in KINDS {
            let (home, sink) = (Home::new(), Sink::answering(201));
            let mut said = said.clone();
            said["session_id"] = json!("s1");
            said["cwd"] = json!("/w/it's \"shop\"");
            let run = script(&home, kind_of_script, name, &sink.url(), &said.to_string());
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
            let request = sink.next();
            assert_eq!(request.path, "/api/events");
            let event = request.json();
            assert_eq!(event["event_type"], kind, "{name}");
            assert_eq!(event.pointer(field), Some(&value), "{kind_of_script} {event}");
            assert_eq!(
                (&event["agent_type"], &event["source"]),
                (&json!("claude_code"), &json!("hook"))
            );
            assert_eq!(event["project"], "it's \"shop\"");
            let again = script(&home, kind_of_script, name, &sink.url(), &said.to_string());
            assert_eq!(again.code, Some(0));
            assert_eq!(
                sink.next().json()["event_id"],
                event["event_id"],
                "told twice it is the same"
            );
        }
    }
}

#[test]
fn the_guards_stop_what_destroys_and_nothing_else() {
    for kind in KINDS {
        let (home, sink) = (Home::new(), Sink::answering(201));
        let judge =
            |command: &str| script(&home, kind, "pre_tool_use", &sink.url(), &before_bash(command));
        let missed: Vec<_> =
            DANGEROUS.iter().filter(|command| judge(command).code != Some(2)).collect();
        assert!(missed.is_empty(), "{kind} {missed:?}");
        let wrong: Vec<_> =
            HARMLESS.iter().filter(|command| judge(command).code != Some(0)).collect();
        assert!(wrong.is_empty(), "{kind} {wrong:?}");
        let event = sink.next().json();
        assert_eq!(event["metadata"]["blocked"], true, "{event}");
    }
}

#[test]
fn whatever_happens_the_agent_is_not_disturbed() {
    for kind in KINDS {
        let home = Home::new();
        let hanging = Sink::hanging();
        for (url, body) in [
            ("http://127.0.0.1:1", "{}"),
            (hanging.url().as_str(), "{}"),
            ("nonsense", "{}"),
            ("http://127.0.0.1:1", "not json"),
            ("http://127.0.0.1:1", "[]"),
            ("http://127.0.0.1:1", "{\"cwd\":7,\"tool_input\":[],\"prompt\":{}}"),
        ] {
            for name in ["session_start", "post_tool_use", "pre_tool_use", "user_prompt_submit"] {
                let run = script(&home, kind, name, url, body);
                assert_eq!(run.code, Some(0), "{run:?}");
            }
        }
    }
}

#[test]
fn the_installer_keeps_the_users_hooks() {
    let home = Home::new();
    let file = home.path(".claude/settings.json");
    std::fs::create_dir_all(home.path(".claude")).unwrap();
    let users = json!({ "b": 1, "hooks": { "Stop": [{ "hooks": [{ "type": "command", "command": "beep" }] }],
        "PostToolUse": [{ "matcher": "Edit", "hooks": [{ "type": "command", "command": "fmt" }] }] }, "a": 2 });
    std::fs::write(&file, users.to_string()).unwrap();
    let read =
        || -> Value { serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap() };
    for flags in [&["--url", "http://127.0.0.1:9"][..], &["--python"], &["--python"]] {
        _ = install(&home, flags).done();
        let settings = read();
        let after = settings["hooks"]["PostToolUse"].as_array().unwrap();
        assert_eq!(after.len(), 2, "{settings}");
        assert_eq!(after[0], users["hooks"]["PostToolUse"][0]);
        assert_eq!(settings["hooks"]["PreToolUse"][0]["hooks"][0].get("async"), None);
    }
    let command =
        read()["hooks"]["PostToolUse"][1]["hooks"][0]["command"].as_str().unwrap().to_owned();
    assert!(command.ends_with("/python/post_tool_use.py'"), "{command}");
    _ = install(&home, &["--uninstall"]).done();
    assert_eq!(read(), users);
    std::fs::write(&file, "{").unwrap();
    assert!(install(&home, &[]).failed(1).contains("mend it"));
}

const KINDS: [&str; 2] = ["bash", "python"];

fn script(home: &Home, kind: &str, name: &str, url: &str, body: &str) -> Finished {
    let ending = if kind == "bash" { "sh" } else { "py" };
    let mut command = command(home, &folder().join(kind).join(format!("{name}.{ending}")));
    command.env("ORIEL_URL", url);
    with_input(home, command, body)
}

fn install(home: &Home, flags: &[&str]) -> Finished {
    let mut command = command(home, &folder().join("install.sh"));
    command.args(flags);
    home.run(command)
}

fn command(home: &Home, program: &Path) -> Command {
    let mut command = Command::new(program);
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    command.env_clear().env("HOME", home.path("")).env("PATH", path);
    command.current_dir(home.path("")).stdin(Stdio::null());
    command
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks/claude-code").canonicalize().unwrap()
}
