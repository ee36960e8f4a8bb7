//! Declares every native command, so that the access lists hold for our own pages too.

/// Every command that a page can ask of the host. A page may ask what `capabilities/` grants its label.
const COMMANDS: &[&str] = &[
    "desktop_runtime_status",
    "desktop_health",
    "preview_open",
    "preview_url",
    "pick_file",
    "notify_test",
    "window_new",
    "window_zoom",
    "window_title_bar",
    "retry_start",
];

#[expect(clippy::panic, reason = "a build script has no other way to fail")]
fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("the desktop's access lists cannot be made: {error:#}");
    }
}
