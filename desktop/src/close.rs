//! What closing a window means. The last one ends the desktop; where that would end something that runs, the
//! person is asked, or has said before what to do.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use oriel_runtime::settings::{Closing, DesktopMode};
use oriel_wire::imports::ImportOverview;
use tauri::{Manager as _, WebviewWindow};
use tauri_plugin_dialog::{
    DialogExt as _, MessageDialogButtons, MessageDialogKind, MessageDialogResult,
};

use crate::desktop::Desktop;
use crate::{on_main, pulse};

/// A window that is closed has to go: what is not known by then counts as not running.
const ASK_WITHIN: Duration = Duration::from_millis(500);

const KEEP: &str = "Keep Running in the Tray";
const STOP: &str = "Stop";
const CANCEL: &str = "Cancel";

/// What runs that ends with the desktop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Running {
    /// Agents whose turn is under way. They work on without us, unheard.
    agents: usize,
    /// Whether histories are being read.
    imports: bool,
}

/// What is done about a window that a person closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// It closes, and that is all.
    CloseWindow,
    /// It closes, and the desktop stays in the tray.
    Hide,
    /// The person says.
    Ask,
    /// The desktop ends.
    Quit,
}

fn on_close(is_last: bool, setting: Closing, running: &Running, has_tray: bool) -> What {
    let runs = *running != Running::default();
    match setting {
        _ if !is_last => What::CloseWindow,
        Closing::Tray if has_tray => What::Hide,
        Closing::Quit => What::Quit,
        _ if !runs => What::Quit,
        // Without a tray there is no way back to what would stay.
        Closing::Tray | Closing::Ask => What::Ask,
    }
}

impl Running {
    /// Returns what runs, in a sentence.
    fn says(&self) -> String {
        let agents = match self.agents {
            0 => None,
            1 => Some("An agent is at work".to_owned()),
            agents => Some(format!("{agents} agents are at work")),
        };
        match (agents, self.imports) {
            (Some(agents), true) => format!("{agents}, and histories are being read."),
            (Some(agents), false) => format!("{agents}."),
            (None, _) => "Histories are being read.".to_owned(),
        }
    }
}

/// Asks the services what ends with the desktop.
async fn running(desktop: &Desktop) -> Running {
    let Some(up) = desktop.services.up() else { return Running::default() };
    if !up.is_own && desktop.settings.mode != DesktopMode::SuperviseLocal {
        return Running::default();
    }
    let asked = async {
        tokio::join!(
            pulse::working(&up.runtime),
            pulse::get::<ImportOverview>(&up.runtime, "/control/imports"),
        )
    };
    match tokio::time::timeout(ASK_WITHIN, asked).await {
        Ok((agents, imports)) => Running {
            agents: agents.unwrap_or_default(),
            imports: imports.is_ok_and(|imports| imports.running.is_some()),
        },
        Err(_) => Running::default(),
    }
}

/// Decides about a window that a person closes. Returns whether it closes at once.
pub(crate) fn asked(desktop: &Arc<Desktop>, window: &WebviewWindow) -> bool {
    if 1 < desktop.app().webview_windows().len() {
        return true;
    }
    // While it is being asked, further presses of the button say nothing new.
    if !desktop.is_asking.swap(true, SeqCst) {
        let (desktop, window) = (Arc::clone(desktop), window.clone());
        tauri::async_runtime::spawn(async move {
            close_last(&desktop, &window).await;
            desktop.is_asking.store(false, SeqCst);
        });
    }
    false
}

async fn close_last(desktop: &Arc<Desktop>, window: &WebviewWindow) {
    let running = running(desktop).await;
    let has_tray = desktop.tray.is_shown().await;
    // Meanwhile another window may have opened.
    let is_last = desktop.app().webview_windows().len() <= 1;
    let what = match on_close(is_last, desktop.settings.close, &running, has_tray) {
        What::Ask => match ask(desktop, window, &running, has_tray).await {
            Some(what) => what,
            None => return,
        },
        what => what,
    };
    match what {
        What::CloseWindow => {}
        What::Hide => desktop.stays.store(true, SeqCst),
        What::Quit => {
            if let Err(error) = window.hide() {
                tracing::debug!(%error, "the window stays until the end");
            }
            return desktop.quit();
        }
        What::Ask => return,
    }
    let window = window.clone();
    on_main(desktop, move |_| {
        if let Err(error) = window.destroy() {
            tracing::debug!(%error, "the window is gone already");
        }
    });
}

/// Asks the person; nothing where they would rather not close it.
async fn ask(
    desktop: &Desktop,
    window: &WebviewWindow,
    running: &Running,
    has_tray: bool,
) -> Option<What> {
    let buttons = if has_tray {
        MessageDialogButtons::YesNoCancelCustom(KEEP.into(), STOP.into(), CANCEL.into())
    } else {
        MessageDialogButtons::OkCancelCustom(STOP.into(), CANCEL.into())
    };
    let advice = "What agents do while Oriel is stopped is missing until it reads their histories.";
    let (answer, answered) = tokio::sync::oneshot::channel();
    desktop
        .app()
        .dialog()
        .message(format!("{} {advice}", running.says()))
        .title("Stop Oriel?")
        .kind(MessageDialogKind::Warning)
        .buttons(buttons)
        .parent(window)
        // Who asked may have left.
        .show_with_result(move |result| _ = answer.send(result));
    match answered.await {
        Ok(MessageDialogResult::Custom(button)) if button == KEEP => Some(What::Hide),
        Ok(MessageDialogResult::Custom(button)) if button == STOP => Some(What::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Running = Running { agents: 0, imports: false };
    const BUSY: Running = Running { agents: 2, imports: false };

    #[test]
    fn only_the_last_window_is_more_than_a_window() {
        for setting in [Closing::Ask, Closing::Tray, Closing::Quit] {
            assert_eq!(on_close(false, setting, &BUSY, true), What::CloseWindow, "{setting:?}");
        }
    }

    #[test]
    fn with_nothing_running_it_ends_unless_it_is_to_stay_in_the_tray() {
        assert_eq!(on_close(true, Closing::Ask, &IDLE, true), What::Quit);
        assert_eq!(on_close(true, Closing::Quit, &IDLE, true), What::Quit);
        assert_eq!(on_close(true, Closing::Tray, &IDLE, true), What::Hide);
        assert_eq!(on_close(true, Closing::Tray, &IDLE, false), What::Quit);
    }

    #[test]
    fn with_something_running_it_is_as_the_person_set_it() {
        let importing = Running { agents: 0, imports: true };
        for running in [BUSY, importing] {
            assert_eq!(on_close(true, Closing::Ask, &running, true), What::Ask);
            assert_eq!(on_close(true, Closing::Ask, &running, false), What::Ask);
            assert_eq!(on_close(true, Closing::Tray, &running, true), What::Hide);
            assert_eq!(on_close(true, Closing::Quit, &running, true), What::Quit);
        }
    }

    #[test]
    fn nothing_stays_where_nobody_could_get_at_it() {
        assert_eq!(on_close(true, Closing::Tray, &BUSY, false), What::Ask);
    }

    #[test]
    fn the_question_names_what_runs() {
        let says = |agents, imports| Running { agents, imports }.says();
        assert_eq!(says(2, true), "2 agents are at work, and histories are being read.");
        assert_eq!(says(1, false), "An agent is at work.");
        assert_eq!(says(0, true), "Histories are being read.");
    }
}
