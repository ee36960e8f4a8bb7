//! Makes the access lists of the window.

fn main() {
    tauri_build::build();
}
