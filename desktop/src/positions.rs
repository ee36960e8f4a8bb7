//! Where windows are and how large, remembered from one run to the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oriel_launcher::platform;
use serde::{Deserialize, Serialize};
use tauri::{Monitor, WebviewWindow};
use tokio::sync::Notify;

use crate::desktop::Desktop;
use crate::windows::surface_of;

/// A window that is being dragged is written down this often at most.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// A file that is larger is not of our writing.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// So much of a window has to be on a screen, or nobody could drag it back.
const SEEN_MIN: (f64, f64) = (120.0, 40.0);

/// A window that is remembered smaller or larger than this is not.
const SIDE: std::ops::RangeInclusive<f64> = 200.0..=20_000.0;

/// How small and how large pages can be made, and the steps between.
pub(crate) const ZOOMS: [f64; 12] = [0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0];

/// What is remembered of a window, in the pixels of a screen that is not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) width: f64,
    pub(crate) height: f64,
    x: Option<f64>,
    y: Option<f64>,
    pub(crate) maximised: bool,
    pub(crate) zoom: f64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { width: 1280.0, height: 860.0, x: None, y: None, maximised: false, zoom: 1.0 }
    }
}

/// A screen, or what is used of one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Kept {
    /// Returns it as far as it makes sense.
    fn checked(self) -> Option<Self> {
        let sides_fit = SIDE.contains(&self.width) && SIDE.contains(&self.height);
        sides_fit.then(|| Self { zoom: zoom_within(self.zoom), ..self })
    }

    /// Returns the position if the window can be seen there on one of the screens.
    fn place(&self, screens: &[Area]) -> Option<(f64, f64)> {
        let (x, y) = self.x.zip(self.y).filter(|(x, y)| x.is_finite() && y.is_finite())?;
        let overlap = |from: f64, length: f64, start: f64, size: f64| {
            (from + length).min(start + size) - from.max(start)
        };
        // The upper edge is where a window is dragged by.
        let is_seen = |screen: &Area| {
            SEEN_MIN.0 <= overlap(x, self.width, screen.x, screen.width)
                && screen.y <= y
                && y + SEEN_MIN.1 <= screen.y + screen.height
        };
        screens.iter().any(is_seen).then_some((x, y))
    }
}

/// Returns a size for pages within what is allowed.
pub(crate) fn zoom_within(factor: f64) -> f64 {
    if factor.is_finite() { factor.clamp(ZOOMS[0], ZOOMS[ZOOMS.len() - 1]) } else { 1.0 }
}

/// Returns the next size of pages, up or down.
pub(crate) fn zoom_beside(factor: f64, up: bool) -> f64 {
    // What was set by other means may lie between two steps.
    let near = 0.001;
    let next = if up {
        ZOOMS.into_iter().find(|step| factor + near < *step)
    } else {
        ZOOMS.into_iter().rev().find(|step| *step < factor - near)
    };
    next.unwrap_or_else(|| zoom_within(factor))
}

/// What is remembered of all windows.
pub(crate) struct Positions {
    path: PathBuf,
    kept: Mutex<BTreeMap<String, Kept>>,
    changed: Notify,
}

impl Positions {
    /// Reads what was remembered. What cannot be read is forgotten.
    pub(crate) fn read(data_dir: &Path) -> Self {
        let path = data_dir.join("desktop").join("windows.json");
        let kept = read(&path).unwrap_or_default();
        Self { path, kept: Mutex::new(kept), changed: Notify::new() }
    }

    /// Returns what is remembered of a window.
    pub(crate) fn of(&self, label: &str) -> Option<Kept> {
        self.locked().get(label).copied()
    }

    /// Returns how large the pages of a window are.
    pub(crate) fn zoom(&self, label: &str) -> f64 {
        self.of(label).unwrap_or_default().zoom
    }

    /// Returns where a window was, if that is on a screen of now.
    pub(crate) fn place(&self, desktop: &Desktop, label: &str) -> Option<(f64, f64)> {
        let screens = desktop.app().available_monitors().unwrap_or_default();
        let screens: Vec<Area> = screens.iter().map(area).collect();
        self.of(label)?.place(&screens)
    }

    /// Remembers how large the pages of a window are.
    pub(crate) fn keep_zoom(&self, label: &str, zoom: f64) {
        self.keep(label, |kept| kept.zoom = zoom_within(zoom));
    }

    /// Remembers where a window is.
    pub(crate) fn keep_window(&self, window: &WebviewWindow) {
        let is_set_aside = |asked: tauri::Result<bool>| asked.unwrap_or(true);
        if is_set_aside(window.is_minimized()) || is_set_aside(window.is_fullscreen()) {
            return;
        }
        let maximised = window.is_maximized().unwrap_or_default();
        let (Ok(scale), Ok(size), at) =
            (window.scale_factor(), window.inner_size(), window.outer_position())
        else {
            return;
        };
        let (size, at) = (size.to_logical::<f64>(scale), at.map(|at| at.to_logical::<f64>(scale)));
        self.keep(window.label(), |kept| {
            kept.maximised = maximised;
            // The size to go back to is the one from before.
            if !maximised {
                (kept.width, kept.height) = (size.width, size.height);
                (kept.x, kept.y) =
                    (at.as_ref().map(|at| at.x).ok(), at.as_ref().map(|at| at.y).ok());
            }
        });
    }

    fn keep(&self, label: &str, change: impl FnOnce(&mut Kept)) {
        if surface_of(label).is_none() {
            return;
        }
        let mut all = self.locked();
        let before = all.get(label).copied();
        let mut kept = before.unwrap_or_default();
        change(&mut kept);
        if before != Some(kept) {
            all.insert(label.to_owned(), kept);
            self.changed.notify_one();
        }
    }

    /// Writes what is remembered.
    pub(crate) fn write(&self) {
        let bytes = serde_json::to_vec_pretty(&*self.locked()).unwrap_or_default();
        let folder = self.path.parent().unwrap_or(&self.path);
        let written = platform::make_private_dir(folder)
            .and_then(|()| platform::replace_private(&self.path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "the windows' places cannot be remembered");
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn area(monitor: &Monitor) -> Area {
    let scale = monitor.scale_factor();
    let (at, size) =
        (monitor.position().to_logical::<f64>(scale), monitor.size().to_logical::<f64>(scale));
    Area { x: at.x, y: at.y, width: size.width, height: size.height }
}

fn read(path: &Path) -> Option<BTreeMap<String, Kept>> {
    let is_sane = std::fs::symlink_metadata(path)
        .is_ok_and(|file| file.is_file() && file.len() <= FILE_BYTES_MAX);
    let bytes = is_sane.then(|| std::fs::read(path).ok()).flatten()?;
    let all: BTreeMap<String, Kept> = serde_json::from_slice(&bytes).ok()?;
    let known = all.into_iter().filter(|(label, _)| surface_of(label).is_some());
    Some(known.filter_map(|(label, kept)| Some((label, kept.checked()?))).collect())
}

/// Writes what changed until the desktop ends.
pub(crate) async fn run(desktop: Arc<Desktop>) {
    loop {
        desktop.positions.changed.notified().await;
        tokio::time::sleep(WRITE_EVERY).await;
        let desktop = Arc::clone(&desktop);
        // A write that failed has said so.
        _ = tokio::task::spawn_blocking(move || desktop.positions.write()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SCREEN: Area = Area { x: 0.0, y: 0.0, width: 1920.0, height: 1080.0 };
    const LEFT_OF_IT: Area = Area { x: -1280.0, y: 200.0, width: 1280.0, height: 720.0 };

    #[test]
    fn a_window_goes_back_to_where_it_can_be_seen_and_nowhere_else() {
        let check = |at: (f64, f64), screens: &[Area], expected: bool| {
            let kept = Kept { x: Some(at.0), y: Some(at.1), ..Kept::default() };
            assert_eq!(kept.place(screens).is_some(), expected, "{at:?}");
        };
        check((100.0, 50.0), &[SCREEN], true);
        check((1800.0, 1040.0), &[SCREEN], true);
        check((1801.0, 50.0), &[SCREEN], false);
        check((-1161.0, 50.0), &[SCREEN], false);
        check((100.0, 1050.0), &[SCREEN], false);
        check((100.0, -30.0), &[SCREEN], false);
        check((-1200.0, 300.0), &[SCREEN], false);
        check((-1200.0, 300.0), &[SCREEN, LEFT_OF_IT], true);
        check((f64::NAN, 0.0), &[SCREEN], false);
        check((0.0, 0.0), &[], false);
    }

    #[test]
    fn what_was_remembered_is_read_again_and_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let positions = Positions::read(folder.path());
        positions.keep("console", |kept| (kept.x, kept.y) = (Some(5.0), Some(6.0)));
        positions.keep_zoom("console-2", 9.0);
        positions.keep_zoom("client", 2.0);
        positions.write();

        let again = Positions::read(folder.path());
        assert_eq!(again.of("console").and_then(|kept| kept.place(&[SCREEN])), Some((5.0, 6.0)));
        assert_eq!(again.zoom("console-2"), 3.0);
        assert_eq!(again.of("client"), None, "it is no surface");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&again.path), 0o600);
        assert_eq!(mode(again.path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn what_makes_no_sense_is_forgotten() {
        let check = |text: &str| {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::create_dir(folder.path().join("desktop")).expect("a folder");
            std::fs::write(folder.path().join("desktop/windows.json"), text).expect("a file");
            assert_eq!(Positions::read(folder.path()).of("console"), None, "{text:.60}");
        };
        check("");
        check("[1]");
        check(r#"{"console": {"width": 1e400}}"#);
        check(r#"{"console": {"width": 3, "height": 900}}"#);
        check(r#"{"console": {"width": 900, "height": 90000}}"#);
        check(r#"{"console": {"width": 900, "height": "tall"}}"#);
        check(&format!("{{}}{}", " ".repeat(70_000)));
    }

    #[test]
    fn zoom_goes_by_steps_and_stops_at_the_ends() {
        assert_eq!(zoom_beside(1.0, true), 1.1);
        assert_eq!(zoom_beside(1.0, false), 0.9);
        assert_eq!(zoom_beside(1.3, true), 1.5);
        assert_eq!(zoom_beside(3.0, true), 3.0);
        assert_eq!(zoom_beside(0.5, false), 0.5);
        assert_eq!(zoom_within(f64::NAN), 1.0);
    }
}
