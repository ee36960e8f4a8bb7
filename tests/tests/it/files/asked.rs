//! A person is asked for a folder by the system's own dialog, driven by its keys: what is chosen there is
//! granted, and a dialog that is dismissed grants nothing.

use oriel_tests::desktop::{Workbench, granted};
use oriel_tests::wait;
use serde_json::{Value, json};

/// Asks for a folder, and leaves what comes of it in `window.came`.
const ASK: &str = "void (window.came = null, t.invoke('files_grant', { access: ACCESS }).then(\
    (value) => (window.came = { value }), (error) => (window.came = { error: String(error) })))";

#[test]
fn a_folder_that_is_chosen_is_granted_as_it_was_asked_for() {
    let workbench = Workbench::start();
    // Neither name begins the other, since the dialog completes what is typed.
    for (access, name, title) in [
        ("read", "alpha", "Choose a folder that the workbench may read$"),
        ("read_write", "beta", "Choose a folder that the workbench may read and change$"),
    ] {
        let chosen = workbench.home().path(name);
        std::fs::create_dir(&chosen).unwrap();
        std::fs::write(chosen.join("a.txt"), "hello").unwrap();
        let window = ask(&workbench, access, title);
        // One question at a time.
        let second = workbench
            .run("try { await t.invoke('files_grant', { access: 'read' }) } catch (error) { return error }");
        assert_eq!(second, "a folder is being chosen already");
        let display = workbench.seat().display();
        // A slash begins a place, and the rest of it follows.
        display.press(&window, &["slash"]);
        let rest = chosen.display().to_string();
        display.xdotool(&["type", "--delay", "5", rest.trim_start_matches('/')]);
        let came = until_came(&workbench, &window, "Return");
        assert_eq!(came["value"]["access"], access, "{came}");
        let id = came["value"]["id"].as_str().unwrap();
        let kept = granted(workbench.home());
        let kept = kept.iter().find(|grant| grant["id"] == id).unwrap();
        assert_eq!(kept["root"], chosen.canonicalize().unwrap().display().to_string());
        assert_eq!((&kept["label"], &kept["access"]), (&json!("workbench"), &json!(access)));
        let read = workbench.run(&format!(
            "const {{ handle }} = await t.by('command').said('open', {{ workspace: '{id}', path: 'a.txt', mode: 'read' }}); \
             return new TextDecoder().decode(await t.by('command').read(handle, 0, 9))"
        ));
        assert_eq!(read, "hello");
        workbench.files().until_trace("desktop/files-granted", |trace| trace["access"] == access);
    }
}

#[test]
fn a_dialog_that_is_dismissed_grants_nothing_and_may_be_asked_again() {
    let workbench = Workbench::start();
    let before = granted(workbench.home());
    for _ in 0..2 {
        let window = ask(&workbench, "read_write", "Choose a folder");
        assert_eq!(until_came(&workbench, &window, "Escape"), json!({ "value": null }));
    }
    assert_eq!(granted(workbench.home()), before);
    assert_eq!(workbench.files().traces_of("desktop/files-granted").len(), 0);
    // What may not be granted is refused in words, though a person chose it.
    let window = ask(&workbench, "read", "Choose a folder");
    let display = workbench.seat().display();
    display.press(&window, &["slash"]);
    display.xdotool(&["type", "--delay", "5", "proc"]);
    let came = until_came(&workbench, &window, "Return");
    let error = came["error"].as_str().unwrap_or_default();
    assert!(error.contains("belongs to the system"), "{came}");
    assert_eq!(granted(workbench.home()), before);
}

/// Has the page ask, and waits for the dialog.
fn ask(workbench: &Workbench, access: &str, title: &str) -> String {
    workbench.eval(&ASK.replace("ACCESS", &format!("'{access}'")));
    let window = workbench.seat().display().until_window(title);
    // A window that is shown takes its first keys once it is drawn.
    wait::until("the dialog to be drawn", || {
        let about = workbench.seat().display().xdotool(&["getwindowgeometry", "--shell", &window]);
        let height = about.lines().find_map(|line| line.strip_prefix("HEIGHT="));
        height.and_then(|height| height.parse::<u32>().ok()).filter(|height| 100 < *height)
    });
    window
}

/// Presses a key until the page has its answer. The dialog takes the first for its own where it is about to
/// complete what was typed.
fn until_came(workbench: &Workbench, window: &str, key: &str) -> Value {
    wait::until(&format!("an answer to {key}"), || {
        workbench.seat().display().press(window, &[key]);
        Some(workbench.eval("window.came")).filter(|came| !came.is_null())
    })
}
