//! A person is asked for a folder by the system's own dialog, one at a time, and a dialog that is dismissed
//! grants nothing.

use oriel_tests::desktop::{Workbench, granted};
use oriel_tests::wait;
use serde_json::{Value, json};

/// Asks for a folder, and leaves what comes of it in `window.came`.
const ASK: &str = "void (window.came = null, t.invoke('files_grant', { access: 'ACCESS' }).then(\
    (value) => (window.came = { value }), (error) => (window.came = { error: String(error) })))";

#[test]
fn a_dialog_that_is_dismissed_grants_nothing_and_may_be_asked_again() {
    let workbench = Workbench::start();
    let before = granted(workbench.home());
    for (access, title) in [
        ("read", "Choose a folder that the workbench may read$"),
        ("read_write", "Choose a folder that the workbench may read and change$"),
    ] {
        workbench.eval(&ASK.replace("ACCESS", access));
        let window = workbench.seat().display().until_window(title);
        let second = workbench
            .run("try { await t.invoke('files_grant', { access: 'read' }) } catch (error) { return error }");
        assert_eq!(second, "a folder is being chosen already");
        assert_eq!(until_came(&workbench, &window), json!({ "value": null }));
    }
    assert_eq!(granted(workbench.home()), before);
    assert!(workbench.files().traces_of("desktop/files-granted").is_empty());
}

/// Dismisses the dialog. It takes no key before it is drawn, so it is pressed until the page has its answer.
fn until_came(workbench: &Workbench, window: &str) -> Value {
    wait::until("an answer to Escape", || {
        workbench.seat().display().press(window, &["Escape"]);
        Some(workbench.eval("window.came")).filter(|came| !came.is_null())
    })
}
