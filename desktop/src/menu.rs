//! The menu of the console's windows and the workbench's, and what is done when something is chosen from it or its keys are
//! pressed.

use std::sync::Arc;

use oriel_bridge::Surface;
use oriel_bridge::policy::WORKBENCH;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Manager as _, WebviewWindow, WebviewWindowBuilder, Wry};

use crate::desktop::Desktop;
use crate::positions::zoom_beside;
use crate::windows;

/// What every item of these menus is named after; the window's label follows, and then what to do.
const PREFIX: &str = "menu:";

/// What can be done from the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    NewWindow,
    Workbench,
    Diagnostics,
    Close,
    Quit,
    Reload,
    Back,
    Forward,
    ZoomIn,
    ZoomOut,
    ActualSize,
    FullScreen,
    Go(&'static str),
    Shortcuts,
}

/// A row of the menu: what it does, what it says, and its keys. A row without any is a line.
type Row = Option<(Deed, &'static str, &'static str)>;

const LINE: Row = None;

const fn row(deed: Deed, says: &'static str, keys: &'static str) -> Row {
    Some((deed, says, keys))
}

const MENUS: [(&str, &[Row]); 4] = [
    (
        "Oriel",
        &[
            row(Deed::NewWindow, "New Window", "Ctrl+N"),
            row(Deed::Workbench, "Workbench", "Ctrl+Shift+W"),
            row(Deed::Diagnostics, "Diagnostics", ""),
            LINE,
            row(Deed::Close, "Close Window", "Ctrl+W"),
            row(Deed::Quit, "Quit", "Ctrl+Q"),
        ],
    ),
    (
        "View",
        &[
            row(Deed::Reload, "Reload", "Ctrl+R"),
            row(Deed::Back, "Back", "Alt+Left"),
            row(Deed::Forward, "Forward", "Alt+Right"),
            LINE,
            row(Deed::ZoomIn, "Zoom In", "Ctrl+="),
            row(Deed::ZoomOut, "Zoom Out", "Ctrl+-"),
            row(Deed::ActualSize, "Actual Size", "Ctrl+0"),
            LINE,
            row(Deed::FullScreen, "Full Screen", "F11"),
        ],
    ),
    (
        "Go",
        &[
            row(Deed::Go("/"), "Live", "Ctrl+1"),
            row(Deed::Go("/inbox"), "Inbox", "Ctrl+2"),
            row(Deed::Go("/sessions"), "Sessions", "Ctrl+3"),
            row(Deed::Go("/search"), "Search", "Ctrl+4"),
            row(Deed::Go("/costs"), "Costs", "Ctrl+5"),
            row(Deed::Go("/readiness"), "Readiness", "Ctrl+6"),
            row(Deed::Go("/settings"), "Settings", "Ctrl+7"),
        ],
    ),
    (
        "Help",
        &[
            row(Deed::Shortcuts, "Keyboard Shortcuts", ""),
            row(Deed::Go("/settings/about"), "About Oriel", ""),
        ],
    ),
];

/// The console's pages open their list of keys at this key.
const PRESS_FOR_SHORTCUTS: &str =
    r#"document.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }))"#;

/// Returns the name of an item: which one of the menu it is, in which window.
fn id(label: &str, menu: usize, row: usize) -> String {
    format!("{PREFIX}{label}:{menu}:{row}")
}

fn of_id(id: &str) -> Option<(&str, Deed)> {
    let (label, place) = id.strip_prefix(PREFIX)?.split_once(':')?;
    let (menu, row) = place.split_once(':')?;
    let (_, rows) = MENUS.get(menu.parse::<usize>().ok()?)?;
    let (deed, ..) = (*rows.get(row.parse::<usize>().ok()?)?)?;
    Some((label, deed))
}

/// Gives a window that is being made its menu. Where there is none to be had the window goes without.
pub(crate) fn on<'a>(
    desktop: &Arc<Desktop>,
    label: &str,
    builder: WebviewWindowBuilder<'a, Wry, AppHandle>,
) -> WebviewWindowBuilder<'a, Wry, AppHandle> {
    match menu(desktop.app(), label) {
        Ok(menu) => builder.menu(menu),
        Err(error) => {
            desktop.lack("Menu", error.to_string());
            builder
        }
    }
}

fn menu(app: &AppHandle, label: &str) -> tauri::Result<Menu<Wry>> {
    let whole = Menu::new(app)?;
    for (menu, (says, rows)) in MENUS.iter().enumerate() {
        let below = Submenu::new(app, says, true)?;
        for (nth, row) in rows.iter().enumerate() {
            match row {
                Some((_, says, keys)) => {
                    let keys = Some(*keys).filter(|keys| !keys.is_empty());
                    below.append(&MenuItem::with_id(
                        app,
                        id(label, menu, nth),
                        says,
                        true,
                        keys,
                    )?)?;
                }
                None => below.append(&PredefinedMenuItem::separator(app)?)?,
            }
        }
        whole.append(&below)?;
    }
    Ok(whole)
}

/// Does what was chosen, if it was chosen from one of these menus.
pub(crate) fn chosen(desktop: &Arc<Desktop>, id: &str) {
    let Some((label, deed)) = of_id(id) else { return };
    let Some(window) = desktop.app().get_webview_window(label) else { return };
    if let Err(error) = act(desktop, &window, deed) {
        tracing::warn!(%error, label, "{deed:?} cannot be done");
    }
}

fn act(desktop: &Arc<Desktop>, window: &WebviewWindow, deed: Deed) -> tauri::Result<()> {
    match deed {
        Deed::NewWindow => {
            if let Err(problem) = windows::new_console(desktop, None) {
                desktop.say("No window was opened", &problem);
            }
            Ok(())
        }
        Deed::Workbench => {
            desktop.open_place(Some(WORKBENCH));
            Ok(())
        }
        Deed::Diagnostics => {
            windows::open_diagnostics(desktop);
            Ok(())
        }
        Deed::Close => window.close(),
        Deed::Quit => {
            desktop.quit();
            Ok(())
        }
        Deed::Reload => window.reload(),
        Deed::Back => window.eval("history.back()"),
        Deed::Forward => window.eval("history.forward()"),
        Deed::ZoomIn => zoom(desktop, window, |now| zoom_beside(now, true)),
        Deed::ZoomOut => zoom(desktop, window, |now| zoom_beside(now, false)),
        Deed::ActualSize => zoom(desktop, window, |_| 1.0),
        Deed::FullScreen => window.set_fullscreen(!window.is_fullscreen()?),
        Deed::Go(place) if is_console(window) => window.navigate(windows::address(place)),
        Deed::Go(place) => {
            windows::open_console(desktop, Some(place));
            Ok(())
        }
        Deed::Shortcuts if is_console(window) => window.eval(PRESS_FOR_SHORTCUTS),
        Deed::Shortcuts => Ok(()),
    }
}

fn is_console(window: &WebviewWindow) -> bool {
    windows::surface_of(window.label()) == Some(Surface::Console)
}

fn zoom(
    desktop: &Desktop,
    window: &WebviewWindow,
    change: impl FnOnce(f64) -> f64,
) -> tauri::Result<()> {
    let factor = change(desktop.positions.zoom(window.label()));
    window.set_zoom(factor)?;
    desktop.positions.keep_zoom(window.label(), factor);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_item_is_found_by_its_id_and_lines_and_others_are_not() {
        for (menu, (_, rows)) in MENUS.iter().enumerate() {
            for (nth, row) in rows.iter().enumerate() {
                let id = id("console-2", menu, nth);
                assert_eq!(of_id(&id), row.map(|(deed, ..)| ("console-2", deed)), "{id}");
            }
        }
        for other in
            ["tray:open", "menu:", "menu:console:0", "menu:console:9:0", "menu:console:0:99"]
        {
            assert_eq!(of_id(other), None, "{other}");
        }
    }

    #[test]
    fn no_two_items_have_the_same_keys_and_every_place_is_one() {
        let rows = || MENUS.iter().flat_map(|(_, rows)| rows.iter().flatten());
        let keys: Vec<&str> = rows().map(|row| row.2).filter(|keys| !keys.is_empty()).collect();
        let distinct: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(keys.len(), distinct.len());
        for (deed, ..) in rows() {
            if let Deed::Go(place) = deed {
                assert_eq!(crate::place::of(place).as_deref(), Some(*place));
            }
        }
    }
}
