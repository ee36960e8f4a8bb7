//! What is the user's stays, what is ours comes once and goes without a trace.

use super::*;

#[test]
fn the_users_own_hooks_and_keys_stay_in_their_order() {
    let before = users();
    let mut settings = before.clone();
    install(&mut settings, &wanted(true)).unwrap();
    let keys: Vec<_> = settings.keys().collect();
    assert_eq!(keys, ["zeta", "hooks", "alpha", "statusLine"]);
    let stop = settings["hooks"]["Stop"].as_array().unwrap();
    assert_eq!(stop[0], before["hooks"]["Stop"][0]);
    assert_eq!(stop.len(), 2);
    assert_eq!(settings["hooks"]["WorktreeCreate"], before["hooks"]["WorktreeCreate"]);
    for event in EVENTS {
        let groups = settings["hooks"][event].as_array().unwrap();
        let hook = &groups.last().unwrap()["hooks"][0];
        assert_eq!(hook["command"], "'/opt/my tools/oriel' hook claude-code --url 'http://x:1'");
        assert_eq!(hook["async"] == true, *event != "PreToolUse", "{event}");
    }
}

#[test]
fn to_install_twice_changes_nothing_and_another_address_replaces_ours() {
    let mut once = users();
    install(&mut once, &wanted(true)).unwrap();
    let mut twice = once.clone();
    install(&mut twice, &wanted(true)).unwrap();
    assert_eq!(once, twice);
    let moved = Wanted { flags: Vec::new(), ..wanted(true) };
    install(&mut twice, &moved).unwrap();
    assert_eq!(twice["hooks"]["Stop"].as_array().unwrap().len(), 2);
    assert!(!Value::Object(twice).to_string().contains("http://x:1"));
}

#[test]
fn uninstalling_leaves_what_was_there() {
    for statusline in [true, false] {
        for before in [
            users(),
            object(&json!({})),
            object(
                &json!({ "statusLine": { "type": "command", "command": "it's $mine", "padding": 0 } }),
            ),
        ] {
            let mut settings = before.clone();
            install(&mut settings, &wanted(statusline)).unwrap();
            uninstall(&mut settings);
            let text = |settings: &Map<String, Value>| serde_json::to_string(settings).unwrap();
            assert_eq!(text(&settings), text(&before));
        }
    }
}

#[test]
fn hooks_that_others_added_among_ours_stay() {
    let mut settings = Map::new();
    install(&mut settings, &wanted(false)).unwrap();
    let mine = json!({ "type": "command", "command": "oriel hook claude-code | tee log" });
    settings["hooks"]["Stop"][0]["hooks"].as_array_mut().unwrap().push(mine.clone());
    uninstall(&mut settings);
    assert_eq!(Value::Object(settings), json!({ "hooks": { "Stop": [{ "hooks": [mine] }] } }));
}

#[test]
fn settings_in_which_hooks_have_no_place_are_refused_by_name() {
    for (settings, place) in [
        (json!({ "hooks": [] }), "hooks"),
        (json!({ "hooks": { "Stop": {} } }), "hooks.Stop"),
        (json!({ "hooks": { "Stop": [1] } }), "hooks.Stop[0]"),
        (json!({ "hooks": { "Stop": [{}, { "hooks": 1 }] } }), "hooks.Stop[1].hooks"),
    ] {
        let mut changed = object(&settings);
        assert_eq!(install(&mut changed, &wanted(true)).unwrap_err().place, place);
        assert_eq!(Value::Object(changed), settings, "nothing is changed");
    }
}

#[test]
fn what_is_installed_is_found() {
    let mut settings = users();
    assert_eq!(found(&settings), Found::default());
    install(&mut settings, &wanted(true)).unwrap();
    let found = found(&settings);
    assert_eq!((found.events.len(), found.statusline), (EVENTS.len(), true));
    assert_eq!(found.programs, ["/opt/my tools/oriel"]);
}

fn users() -> Map<String, Value> {
    object(&json!({
        "zeta": 1,
        "hooks": {
            "WorktreeCreate": [{ "hooks": [{ "type": "command", "command": "mk" }] }],
            "Stop": [{ "matcher": "", "hooks": [{ "type": "command", "command": "beep" }] }],
        },
        "alpha": { "b": 1.5, "a": null },
    }))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn wanted(statusline: bool) -> Wanted {
    let flags = vec![("--url".to_owned(), "http://x:1".to_owned())];
    Wanted { program: "/opt/my tools/oriel".to_owned(), flags, statusline }
}
