//! The tray: how the agents stand, who waits, and the few things to do without a window. Where the system
//! has no library for it or nobody who shows it, the desktop runs on without and says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use oriel_bridge::policy::WORKBENCH;
use tauri::Wry;
use tauri::menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};

use crate::desktop::Desktop;
use crate::notify::Pause;
use crate::pulse::Glance;
use crate::{bus, on_main, place, windows};

/// Who shows trays registers itself under this name.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// How long after a start without a window it is waited for somebody who shows trays. At the start of a
/// session programs come in any order.
const WATCHER_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked for in that time.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What diagnostics call what is missing.
const LACKING: &str = "Tray";

/// What every item of this menu is named after, so that none is taken for one of a window's menu.
const PREFIX: &str = "tray:";

/// What the tray shows, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    /// Only to be read.
    Text(String),
    /// To be chosen.
    Choice(Choice, String),
    Line,
    Below(String, Vec<Row>),
}

/// What can be done from the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Open,
    Workbench,
    Place(String),
    Pause(Pause),
    Diagnostics,
    Quit,
}

impl Choice {
    fn id(&self) -> String {
        let word = match self {
            Self::Open => "open",
            Self::Workbench => "workbench",
            Self::Place(place) => return format!("{PREFIX}place:{place}"),
            Self::Pause(Pause::ForAnHour) => "pause-hour",
            Self::Pause(Pause::UntilTomorrow) => "pause-tomorrow",
            Self::Pause(Pause::Over) => "resume",
            Self::Diagnostics => "diagnostics",
            Self::Quit => "quit",
        };
        format!("{PREFIX}{word}")
    }

    fn of_id(id: &str) -> Option<Self> {
        Some(match id.strip_prefix(PREFIX)? {
            "open" => Self::Open,
            "workbench" => Self::Workbench,
            "pause-hour" => Self::Pause(Pause::ForAnHour),
            "pause-tomorrow" => Self::Pause(Pause::UntilTomorrow),
            "resume" => Self::Pause(Pause::Over),
            "diagnostics" => Self::Diagnostics,
            "quit" => Self::Quit,
            other => Self::Place(place::of(other.strip_prefix("place:")?)?),
        })
    }
}

/// Returns what the tray shows. The first row is the status.
fn rows(glance: &Glance, paused_until: Option<&str>, has_notifications: bool) -> Vec<Row> {
    let choice = |choice, says: &str| Row::Choice(choice, says.to_owned());
    let mut rows = vec![
        Row::Text(glance.line()),
        choice(Choice::Open, "Open Oriel"),
        choice(Choice::Workbench, "Open the workbench"),
        Row::Line,
    ];
    match glance {
        Glance::Up(seen) if !seen.waiters.is_empty() => {
            for waiter in &seen.waiters {
                rows.push(choice(Choice::Place(waiter.place.clone()), &waiter.says));
            }
            rows.push(Row::Line);
        }
        Glance::Blocked => {
            rows.push(choice(Choice::Place("/readiness".to_owned()), "See what blocks it"));
            rows.push(Row::Line);
        }
        Glance::Up(_) | Glance::Down(_) => {}
    }
    match paused_until {
        _ if !has_notifications => {}
        Some(until) => {
            rows.push(Row::Text(format!("Notifications are paused until {until}")));
            rows.push(choice(Choice::Pause(Pause::Over), "Resume notifications"));
        }
        None => rows.push(Row::Below(
            "Pause notifications".to_owned(),
            vec![
                choice(Choice::Pause(Pause::ForAnHour), "For an hour"),
                choice(Choice::Pause(Pause::UntilTomorrow), "Until tomorrow"),
            ],
        )),
    }
    rows.extend([
        choice(Choice::Diagnostics, "Diagnostics"),
        Row::Line,
        choice(Choice::Quit, "Quit Oriel"),
    ]);
    rows
}

/// The tray, if there is one.
#[derive(Default)]
pub(crate) struct Tray(Mutex<Option<Made>>);

/// A tray that was made.
struct Made {
    icon: TrayIcon,
    status: MenuItem<Wry>,
    rows: Vec<Row>,
}

impl Tray {
    /// Makes it, where the system can. It must be called on the thread of the windows.
    pub(crate) fn make(&self, desktop: &Arc<Desktop>) {
        let rows = self.rows_now(desktop);
        // The library is loaded when it is first used, and what loads it panics where it is missing. That
        // leaves nothing behind: the icon is the first to need it.
        let made = catch_unwind(AssertUnwindSafe(|| Made::new(desktop, rows)));
        match made {
            Ok(Ok(made)) => *self.locked() = Some(made),
            Ok(Err(error)) => desktop.lack(LACKING, error.to_string()),
            Err(panic) => {
                let told = panic.downcast_ref::<String>().map(|told| told.replace('\n', "; "));
                let why =
                    told.unwrap_or_else(|| "the library for trays cannot be loaded".to_owned());
                desktop.lack(LACKING, why);
            }
        }
    }

    /// Returns whether a person can get at the tray: it was made, and somebody shows it.
    pub(crate) async fn is_shown(&self) -> bool {
        if self.locked().is_none() {
            return false;
        }
        match bus::session().await {
            Ok(connection) => bus::has_owner(&connection, WATCHER).await,
            Err(_) => false,
        }
    }

    fn rows_now(&self, desktop: &Desktop) -> Vec<Row> {
        let until = desktop.notifier.paused_until(desktop.clock.now()).map(|until| {
            let until = jiff::Timestamp::try_from(until).unwrap_or_default();
            until.to_zoned(desktop.clock.zone()).strftime("%H:%M").to_string()
        });
        rows(&desktop.glance.borrow(), until.as_deref(), desktop.settings.notifications)
    }

    /// Shows what is to be shown now, on the thread of the windows.
    fn refresh(&self, desktop: &Arc<Desktop>) {
        let rows = self.rows_now(desktop);
        if let Some(made) = &mut *self.locked()
            && let Err(error) = made.show(desktop, rows)
        {
            tracing::debug!(%error, "the tray shows what it showed before");
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    fn new(desktop: &Arc<Desktop>, rows: Vec<Row>) -> tauri::Result<Self> {
        let (menu, status) = menu(desktop, &rows)?;
        let chosen = Arc::clone(desktop);
        let mut icon = TrayIconBuilder::with_id("oriel")
            // Elsewhere it would lie in a folder that everyone can write.
            .temp_dir_path(desktop.data_dir.join("desktop").join("tray"))
            .tooltip(tooltip(&rows))
            .menu(&menu)
            .on_menu_event(move |_, event| {
                if let Some(choice) = Choice::of_id(event.id().as_ref()) {
                    act(&chosen, choice);
                }
            });
        if let Some(image) = desktop.app().default_window_icon() {
            icon = icon.icon(image.clone());
        }
        Ok(Self { icon: icon.build(desktop.app())?, status, rows })
    }

    /// Shows these rows. Where only the status is another the menu stays as it is, open or not.
    fn show(&mut self, desktop: &Arc<Desktop>, rows: Vec<Row>) -> tauri::Result<()> {
        if self.rows == rows {
            return Ok(());
        }
        if self.rows.get(1..) == rows.get(1..) {
            self.status.set_text(escaped(&tooltip(&rows)))?;
        } else {
            let (menu, status) = menu(desktop, &rows)?;
            self.icon.set_menu(Some(menu))?;
            self.status = status;
        }
        self.icon.set_tooltip(Some(tooltip(&rows)))?;
        self.rows = rows;
        Ok(())
    }
}

/// Returns the status, which is the first row.
fn tooltip(rows: &[Row]) -> String {
    match rows.first() {
        Some(Row::Text(status)) => status.clone(),
        _ => "Oriel".to_owned(),
    }
}

fn menu(desktop: &Desktop, rows: &[Row]) -> tauri::Result<(Menu<Wry>, MenuItem<Wry>)> {
    let app = desktop.app();
    let status = MenuItem::new(app, escaped(&tooltip(rows)), false, None::<&str>)?;
    let menu = Menu::with_items(app, &[&status])?;
    for row in rows.iter().skip(1) {
        menu.append(&*item(desktop, row)?)?;
    }
    Ok((menu, status))
}

fn item(desktop: &Desktop, row: &Row) -> tauri::Result<Box<dyn IsMenuItem<Wry>>> {
    let app = desktop.app();
    Ok(match row {
        Row::Text(says) => Box::new(MenuItem::new(app, escaped(says), false, None::<&str>)?),
        Row::Choice(choice, says) => {
            Box::new(MenuItem::with_id(app, choice.id(), escaped(says), true, None::<&str>)?)
        }
        Row::Line => Box::new(PredefinedMenuItem::separator(app)?),
        Row::Below(says, rows) => {
            let below = Submenu::new(app, says, true)?;
            for row in rows {
                below.append(&*item(desktop, row)?)?;
            }
            Box::new(below)
        }
    })
}

/// Returns a text in which nothing is read as the mark of a shortcut.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

fn act(desktop: &Arc<Desktop>, choice: Choice) {
    match choice {
        Choice::Open => desktop.open_place(None),
        Choice::Workbench => desktop.open_place(Some(WORKBENCH)),
        Choice::Place(place) => desktop.open_place(Some(&place)),
        Choice::Pause(pause) => desktop.notifier.pause(desktop, pause),
        Choice::Diagnostics => windows::open_diagnostics(desktop),
        Choice::Quit => desktop.quit(),
    }
}

/// Keeps the tray true until the desktop ends. Nothing is done where nothing changed.
pub(crate) async fn run(desktop: Arc<Desktop>) {
    let mut glance = desktop.glance.subscribe();
    let mut pauses = desktop.notifier.pauses();
    loop {
        let left =
            |until: SystemTime| until.duration_since(desktop.clock.now()).unwrap_or_default();
        let pause_left = pauses.borrow().map(left);
        let pause_is_over = async {
            match pause_left {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = glance.changed() => if changed.is_err() { return },
            changed = pauses.changed() => if changed.is_err() { return },
            () = pause_is_over => {}
        }
        on_main(&desktop, |desktop| desktop.tray.refresh(desktop));
    }
}

/// Waits for somebody who shows the tray of a desktop that started without a window. Where nobody comes the
/// window opens, for there is no other way to it.
pub(crate) async fn show_or_open(desktop: Arc<Desktop>, place: Option<String>) {
    let comes = async {
        while !desktop.tray.is_shown().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let was_made = desktop.tray.locked().is_some();
    if was_made && tokio::time::timeout(WATCHER_WITHIN, comes).await.is_ok() {
        return;
    }
    if was_made {
        let why = format!("nobody on the session bus shows trays (no {WATCHER})");
        desktop.lack(LACKING, why);
    }
    on_main(&desktop, move |desktop| desktop.open_place(place.as_deref()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pulse::{Seen, Waiter};

    #[test]
    fn who_waits_stands_between_opening_and_pausing() {
        let waiter =
            Waiter { says: "Fix R&D asks a question".to_owned(), place: "/sessions/x".to_owned() };
        let seen = Seen { working: 1, waiting: 1, waiters: vec![waiter], cost_usd: None };
        assert_eq!(
            words(&rows(&Glance::Up(seen), None, true)),
            [
                "1 agent at work · 1 waits for you",
                "Open Oriel",
                "Open the workbench",
                "-",
                "Fix R&D asks a question",
                "-",
                "Pause notifications: For an hour, Until tomorrow",
                "Diagnostics",
                "-",
                "Quit Oriel",
            ]
        );
    }

    #[test]
    fn it_says_that_the_services_are_down_that_it_is_blocked_and_that_it_is_quiet() {
        let down = rows(&Glance::Down("The services have stopped".to_owned()), Some("14:05"), true);
        assert_eq!(
            words(&down),
            [
                "The services have stopped",
                "Open Oriel",
                "Open the workbench",
                "-",
                "Notifications are paused until 14:05",
                "Resume notifications",
                "Diagnostics",
                "-",
                "Quit Oriel",
            ]
        );
        let blocked = words(&rows(&Glance::Blocked, None, false));
        assert_eq!(blocked[4], "See what blocks it");
        assert!(
            !blocked.iter().any(|row| row.contains("notifications")),
            "they are off: {blocked:?}"
        );
    }

    #[test]
    fn every_choice_is_found_by_its_id_and_no_other_id_is_one() {
        for choice in [
            Choice::Open,
            Choice::Workbench,
            Choice::Place("/sessions/a%20b".to_owned()),
            Choice::Pause(Pause::ForAnHour),
            Choice::Pause(Pause::UntilTomorrow),
            Choice::Pause(Pause::Over),
            Choice::Diagnostics,
            Choice::Quit,
        ] {
            assert_eq!(Choice::of_id(&choice.id()), Some(choice));
        }
        for id in ["open", "tray:", "tray:place:https://example.org/", "tray:place:/__oriel/retry"]
        {
            assert_eq!(Choice::of_id(id), None, "{id}");
        }
    }

    fn words(rows: &[Row]) -> Vec<String> {
        let word = |row: &Row| match row {
            Row::Text(says) | Row::Choice(_, says) => says.clone(),
            Row::Line => "-".to_owned(),
            Row::Below(says, rows) => format!("{says}: {}", words(rows).join(", ")),
        };
        rows.iter().map(word).collect()
    }
}
