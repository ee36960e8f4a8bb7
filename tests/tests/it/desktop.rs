//! The desktop, whole: the real program on a display of its own, driven as a person drives it.

mod acceptance;
mod bridge;
mod lifecycle;
mod policy;
mod secrets;
mod sync;

use oriel_tests::desktop::{Desktop, Options};
use oriel_tests::page::quoted;
use oriel_tests::probe::Probe;
use serde_json::Value;

/// A name of the public web that only the preview finds, and only where a test says it is.
const SHOP: &str = "shop.example";

/// Returns the options of a desktop whose preview finds the name at a probe.
fn with_shop(options: Options, probe: &Probe) -> Options {
    options.flag("--preview-resolve", &format!("{SHOP}:80:{}", probe.addr()))
}

/// Calls a native command from the page and returns what came of it: `Ok` or the refusal.
fn invoke(desktop: &Desktop, command: &str, arguments: &str) -> Result<Value, String> {
    let script = format!(
        "window.__TAURI_INTERNALS__.invoke({}, {arguments}).then((value) => ({{ value }}), \
         (error) => ({{ error: String(error) }}))",
        quoted(command)
    );
    let came = desktop.eval(&script);
    match came["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(came["value"].clone()),
    }
}

/// Opens a page of the shop in the preview, through the question that plain http needs, and waits until
/// its window shows it.
fn open_shop(desktop: &Desktop, path: &str) {
    let url = quoted(&format!("http://{SHOP}{path}"));
    desktop.eval(&format!("void (location.href = {url})"));
    let display = desktop.seat().display();
    let question = display.until_window(&format!("Open {SHOP}"));
    display.press(&question, &["Return"]);
    _ = display.until_window(&format!("Preview.*{SHOP}"));
}

/// Presses the button that hands a page over, which stands at the right end of the preview's bar.
fn press_use(desktop: &Desktop) {
    let display = desktop.seat().display();
    let window = display.until_window(&format!("Preview.*{SHOP}"));
    let geometry = display.xdotool(&["getwindowgeometry", "--shell", &window]);
    let width = geometry.lines().find_map(|line| line.strip_prefix("WIDTH="));
    let width: i32 = width.and_then(|width| width.parse().ok()).expect("a window has a width");
    let at = (width - 60).to_string();
    display.xdotool(&["mousemove", "--sync", "--window", &window, &at, "24", "click", "1"]);
}

/// Returns the text of a file of the project.
fn source(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => panic!("cannot read {}: {error}", path.display()),
    }
}
