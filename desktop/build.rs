//! Declares every native command, so that the access lists hold for our own pages too; and builds in the
//! files of the workbench's page, where they were made.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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
    "files_call",
    "files_call_text",
    "files_grant",
    "files_open_settings",
    "files_stepped_down",
    "compute_start",
    "compute_ask",
    "compute_interrupt",
    "compute_stop",
];

/// What a page can ask of sync, where that is built in.
const SYNC_COMMANDS: &[&str] = &[
    "start_sync",
    "stop_sync",
    "sync_status",
    "confirm_sync",
    "resolve_conflict",
    "conflict_versions",
];

/// The access lists, with and without that of sync.
const ALL_LISTS: &str = "./capabilities/**/*";
const LISTS_BUT_SYNC: &str = "./capabilities/*.json";

#[expect(clippy::panic, reason = "a build script has no other way to fail")]
fn main() {
    if let Err(error) = embed_client() {
        panic!("the workbench's files cannot be built in: {error}");
    }
    let (sync, lists): (&[&str], _) =
        if has_sync() { (SYNC_COMMANDS, ALL_LISTS) } else { (&[], LISTS_BUT_SYNC) };
    let commands: Vec<&'static str> = COMMANDS.iter().chain(sync).copied().collect();
    // A build script ends with its build, and the manifest keeps what it is given.
    let manifest = tauri_build::AppManifest::new().commands(commands.leak());
    let attributes =
        tauri_build::Attributes::new().app_manifest(manifest).capabilities_path_pattern(lists);
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("the desktop's access lists cannot be made: {error:#}");
    }
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script in its environment")]
fn has_sync() -> bool {
    std::env::var_os("CARGO_FEATURE_LOCAL_SYNC").is_some()
}

/// Where the page's files are made.
const CLIENT: &str = "../clients/app/dist";

/// Writes the list of the page's files. It is empty where they were not made.
#[expect(clippy::disallowed_methods, reason = "cargo tells a build script in its environment")]
fn embed_client() -> std::io::Result<()> {
    let Some(own) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return Ok(());
    };
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else { return Ok(()) };
    let folder = own.join(CLIENT);
    // A folder that is not there yet is watched by the one above it.
    let watched = if folder.is_dir() { folder.clone() } else { own.join("../clients/app") };
    println!("cargo::rerun-if-changed={}", watched.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=capabilities");
    let mut files = Vec::new();
    if folder.is_dir() {
        find(&folder, &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let Some(name) = file.strip_prefix(&folder).ok().and_then(Path::to_str) else { continue };
        let path = file.canonicalize()?;
        // Writing into a text cannot fail.
        _ = writeln!(list, "    ({name:?}, include_bytes!({path:?})),");
    }
    list.push_str("]\n");
    std::fs::write(out.join("client.rs"), list)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { find(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
